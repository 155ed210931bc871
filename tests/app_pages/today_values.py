"""A literal Today of MGC: 3 March 2025, 23:20 Brisbane, with a trade that is open and one that was stopped."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from app_pages.clock import WallClock
from app_pages.today_view import RangeView, SessionView, TodayView
from trading.domain.instrument import read_instrument
from trading.domain.trade_rule import REFERENCE_RULE
from trading.settings import CHECKOUT

MGC = read_instrument(CHECKOUT / "config" / "instruments" / "MGC.toml")
BRISBANE = WallClock(36_000, "Brisbane", "AEST")


def at(clock: str, day: int = 3) -> datetime:
    """An instant of March 2025, UTC."""
    hour, minute = clock.split(":")
    return datetime(2025, 3, day, int(hour), int(minute), tzinfo=UTC)


WAITING = RangeView("0030", at("14:30"), at("14:35"), at("22:00"), "not started", 0)
STOPPED = RangeView(
    name="1000",
    starts_at=at("00:00"),
    ends_at=at("00:05"),
    until=at("22:00"),
    state="stopped",
    bars=5,
    high=2882.5,
    low=2879.2,
    size=3.3,
    size_atr=0.07,
    side="DOWN",
    broke_at=at("00:06"),
    entry=2878.6,
    stop=2882.5,
    target=2874.7,
    exited_at=at("01:27"),
    exit_price=2882.5,
    r_net=-1.09,
)
OPEN = RangeView(
    name="2300",
    starts_at=at("13:00"),
    ends_at=at("13:05"),
    until=at("22:00"),
    state="open",
    bars=5,
    high=2887.0,
    low=2884.0,
    size=3.0,
    size_atr=0.06,
    side="DOWN",
    broke_at=at("13:06"),
    entry=2883.5,
    stop=2887.0,
    target=2880.0,
    r_now=0.1,
)
READY = replace(OPEN, state="ready", side=None, broke_at=None, entry=None, stop=None, target=None, r_now=None)
BARS = pa.table(
    {
        "minute": [29_016_780, 29_016_781, 29_016_786, 29_016_799],  # 13:00, 13:01, 13:06 and 13:19 UTC
        "open": [2886.0, 2885.0, 2884.5, 2882.9],
        "high": [2887.0, 2885.5, 2884.6, 2883.1],
        "low": [2885.0, 2884.0, 2883.0, 2882.4],
        "close": [2885.0, 2884.5, 2883.5, 2882.8],
        "volume": [10.0, 20.0, 30.0, 40.0],
    }
)


def today(*ranges: RangeView, **changes: Any) -> TodayView:
    """The day with these ranges (without any: stopped, open, not started)."""
    view = TodayView(
        instrument=MGC,
        rule=REFERENCE_RULE,
        clock=at("13:20"),
        through=at("13:20"),
        missed=0,
        is_open=True,
        day=date(2025, 3, 3),
        starts_at=at("23:00", 2),
        closes_at=at("22:00"),
        contract="MGCJ5",
        frame=BARS,
        last_price=2882.8,
        previous_close=2867.1,
        high=2889.0,
        low=2866.3,
        atr=46.9857,
        silent=0,
        expected=860,
        sessions=(SessionView("london", at("08:00"), at("13:00")), SessionView("pre_ny", at("13:00"), at("14:30"))),
        ranges=ranges or (STOPPED, OPEN, WAITING),
        next_range=("0030", at("14:30")),
        previous_day=date(2025, 2, 28),
    )
    return replace(view, **changes)
