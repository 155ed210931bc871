"""The price chart of Today: bars of a view gathered to the chosen minutes, and the scene around them. Pure."""

from datetime import datetime
from typing import Final, Literal

import numpy as np
import pyarrow as pa

from app_pages.clock import WallClock
from app_pages.price_chart import Mark, RangeBox, Scene, SessionSpan, TradeZone, View
from app_pages.theme import UpDown
from app_pages.today_view import RangeView, TodayView
from app_pages.today_words import price, session_label
from trading.domain.words import r_text, range_label

_BEFORE, _AFTER = 7_200, 3_000  # seconds around a range's start at one-minute bars
_COLOURS: Final[dict[str, Literal["asia", "london", "new_york"]]] = {
    "asia": "asia",
    "london": "london",
    "ny": "new_york",
    "new_york": "new_york",
}


def gathered(frame: pa.Table, minutes: int, wall: WallClock) -> pa.Table:
    """Return the bars of `frame` (column `minute`) as bars of `minutes` of the wall clock, with the chart's `time`.

    The last one is what it is so far. Minutes without a trade make no bar.
    """
    seconds = frame["minute"].to_numpy() * 60 + wall.offset_seconds
    starts = seconds // (60 * minutes) * (60 * minutes)
    if len(starts) == 0:
        return frame.rename_columns(["time", *frame.column_names[1:]])
    first = np.concatenate([[0], np.nonzero(np.diff(starts))[0] + 1])
    last = np.concatenate([first[1:], [len(starts)]]) - 1
    columns = {name: frame[name].to_numpy() for name in ("open", "high", "low", "close", "volume")}
    return pa.table(
        {
            "time": starts[first],
            "open": columns["open"][first],
            "high": np.maximum.reduceat(columns["high"], first),
            "low": np.minimum.reduceat(columns["low"], first),
            "close": columns["close"][last],
            "volume": np.add.reduceat(columns["volume"], first),
        }
    )


def day_scene(
    view: TodayView, wall: WallClock, minutes: int, selected: str, prob_up: dict[str, float], up_down: UpDown
) -> Scene:
    """Return what the chart shows besides bars, with the range `selected` in the foreground."""
    symbol = view.contract or view.instrument.symbol
    started = [each for each in view.ranges if each.high is not None]
    traded = [each for each in view.ranges if each.entry is not None]
    return Scene(
        view_key=f"{symbol} {view.day} {minutes}m {selected} {wall.label}",
        symbol=symbol,
        timeframe=f"{minutes}m",
        bar_seconds=60 * minutes,
        zone_label=wall.label,
        utc_offset_seconds=wall.offset_seconds,
        decimals=view.instrument.price_decimals,
        min_move=view.instrument.tick,
        views=(_range_window(view, view.range(selected), wall, minutes), _day_window(view, wall)),
        sessions=tuple(
            SessionSpan(
                session_label(each.name),
                wall.seconds(each.starts_at),
                wall.seconds(each.ends_at),
                _COLOURS.get(each.name, "muted"),
            )
            for each in view.sessions
            if each.starts_at < view.through
        ),
        ranges=tuple(_box(view, each, wall, prob_up.get(each.name), each.name == selected) for each in started),
        trades=tuple(_zone(view, each, wall, each.name == selected) for each in traded),
        marks=tuple(
            Mark(wall.seconds(each.broke_at), "up" if each.side == "UP" else "down")
            for each in view.ranges
            if each.broke_at is not None
        ),
        last_price=view.last_price,
        up_down=up_down,
    )


def _range_window(view: TodayView, each: RangeView, wall: WallClock, minutes: int) -> View:
    """Return the stretch around a range: two hours before, fifty minutes after, and on to its break and exit."""
    start = wall.seconds(each.starts_at)
    ends = [start + _AFTER * minutes]
    ends += [wall.seconds(one) + 900 * minutes for one in (each.broke_at, each.exited_at) if one is not None]
    if each.state == "open":
        ends.append(wall.seconds(view.through) + 900 * minutes)
    return View("Range", start - _BEFORE * minutes, max(ends))


def _day_window(view: TodayView, wall: WallClock) -> View:
    return View(
        "Day", wall.seconds(view.starts_at), max(wall.seconds(view.through), wall.seconds(view.starts_at)) + 1800
    )


def _box(view: TodayView, each: RangeView, wall: WallClock, prob_up: float | None, selected: bool) -> RangeBox:
    note = "" if prob_up is None else f"▲{100 * prob_up:.0f}%" if prob_up >= 0.5 else f"▼{100 * (1 - prob_up):.0f}%"
    ended = _end(view, each)
    return RangeBox(
        name=each.name,
        start=wall.seconds(each.starts_at),
        formed=min(wall.seconds(each.ends_at), wall.seconds(max(view.through, each.starts_at))),
        end=wall.seconds(ended),
        high=each.high or 0.0,
        low=each.low or 0.0,
        label=range_label(each.name),
        state="forming" if each.state == "forming" else "complete",
        note=note,
        note_tone="muted" if prob_up is None else "up" if prob_up >= 0.5 else "down",
        selected=selected,
    )


def _end(view: TodayView, each: RangeView) -> datetime:
    """Return until when a range matters: its break, or the rule's end, or now."""
    if each.broke_at is not None:
        return max(each.broke_at, each.ends_at)
    return max(min(each.until, view.through), each.ends_at)


def _zone(view: TodayView, each: RangeView, wall: WallClock, selected: bool) -> TradeZone:
    entry, stop, target = each.entry or 0.0, each.stop or 0.0, each.target or 0.0
    result = each.r_net
    return TradeZone(
        start=wall.seconds(each.broke_at or each.ends_at) + 60,
        end=None if each.exited_at is None else wall.seconds(each.exited_at) + 60,
        entry=entry,
        stop=stop,
        target=target,
        entry_label=f"Entry {price(view, entry)}",
        stop_label=f"Stop {price(view, stop)} −1R",
        target_label=f"Target {price(view, target)} +{view.rule.reward:g}R",
        exit_price=each.exit_price,
        result_tone="up" if (result or 0.0) > 0 else "down",
        result_label="" if result is None else r_text(result),
        selected=selected,
    )
