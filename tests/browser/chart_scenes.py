"""A synthetic trading day made in code, and the scenes the demo app draws of it. Nothing here is market data."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd

from app_pages.price_chart import Mark, RangeBox, Scene, SessionSpan, TradeZone, View

BRISBANE = 36_000  # seconds ahead of UTC
DAY = int(datetime(2025, 12, 17, tzinfo=UTC).timestamp())  # wall-clock midnight, counted as if UTC


def at(clock: str, day: int = 0) -> int:
    hours, minutes = clock.split(":")
    return DAY + day * 86_400 + int(hours) * 3_600 + int(minutes) * 60


def day_bars(count: int = 861) -> pd.DataFrame:
    """The first `count` minutes from 09:00: 861 end with the bar of 23:20, 1380 fill the day."""
    rng = np.random.default_rng(7)
    minutes = np.arange(1380)
    activity = 0.6 + 0.8 * np.exp(-(((minutes - 560) / 60) ** 2)) + 1.6 * np.exp(-(((minutes - 850) / 50) ** 2))
    steps = rng.normal(0.0, 0.55, 1380) * activity
    steps[560:590] -= 0.05
    steps[842:861] += 0.75
    close = 4_332.0 + np.cumsum(steps)
    close += np.linspace(0.0, 4_362.3 - close[860], 861).repeat([1] * 860 + [520])
    open_ = np.concatenate([[4_331.6], close[:-1]])
    reach = np.abs(rng.normal(0.0, 0.5, (2, 1380))) * activity
    frame = pd.DataFrame(
        {
            "time": DAY + 32_400 + 60 * minutes,
            "open": open_,
            "high": np.maximum(open_, close) + reach[0],
            "low": np.minimum(open_, close) - reach[1],
            "close": close,
            "volume": np.round(rng.gamma(2.0, 60.0, 1380) * activity + 5),
        }
    ).round(1)
    return frame.iloc[:count]


def daily_bars() -> pd.DataFrame:
    """Five years of days."""
    rng = np.random.default_rng(11)
    close = 1_850.0 * np.exp(np.cumsum(rng.normal(0.00065, 0.009, 1300)))
    open_ = np.concatenate([[1_850.0], close[:-1]])
    reach = np.abs(rng.normal(0.0, 6.0, (2, 1300)))
    days = pd.bdate_range("2021-01-04", periods=1300)
    frame = {
        "time": days.astype("datetime64[s]").astype("int64"),
        "open": open_,
        "high": np.maximum(open_, close) + reach[0],
        "low": np.minimum(open_, close) - reach[1],
        "close": close,
        "volume": np.round(rng.gamma(3.0, 9_000.0, 1300)),
    }
    return pd.DataFrame(frame).round(1)


def in_minutes(bars: pd.DataFrame, minutes: int) -> pd.DataFrame:
    """The bars gathered into bars of `minutes`."""
    start = bars["time"] // (60 * minutes) * (60 * minutes)
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    return bars.groupby(start, as_index=True).agg(how).reset_index(names="time")


def day_scene(bars: pd.DataFrame, *, minutes: int = 1, selected: str = "2300", up_down: str = "blue_orange") -> Scene:
    """The day as the Today page would show it: sessions, six ranges, the trades so far."""
    last = int(bars["time"].iloc[-1]) + 60 * minutes
    starts = {"0900": ("09:00", 0), "1000": ("10:00", 0), "1100": ("11:00", 0), "1800": ("18:00", 0)}
    starts |= {"2300": ("23:00", 0), "0030": ("00:30", 1)}
    notes = {"0900": "▼35%", "1000": "▼31%", "1100": "▼34%", "1800": "▲43%", "2300": "▼38%", "0030": "▲44%"}
    ranges, trades, marks = [], [], []
    for name, (clock, day) in starts.items():
        begin = at(clock, day)
        inside = bars[(bars["time"] >= begin) & (bars["time"] < begin + 300)]
        if inside.empty:
            continue
        high, low = float(inside["high"].max()), float(inside["low"].min())
        box = RangeBox(
            name=name,
            start=begin,
            formed=begin + 300,
            end=min(begin + (1_200 if name == "2300" else 5_400), last),
            high=high,
            low=low,
            label=clock,
            state="complete" if last >= begin + 300 else "forming",
            note=notes[name],
            note_tone="up" if "▲" in notes[name] else "down",
            selected=name == selected,
        )
        ranges.append(box)
        later = bars[bars["time"] >= begin + 300]
        broken = later[(later["close"] > high) | (later["close"] < low)]
        if broken.empty:
            continue
        first = broken.iloc[0]
        up = bool(first["close"] > high)
        entry, stop = float(first["close"]), low if up else high
        target = round(entry + 1.5 * (entry - stop), 1)
        open_ = name == "2300" and last <= at("23:40")
        end = None if open_ else int(first["time"]) + 2_400
        trades.append(
            TradeZone(
                start=int(first["time"]) + 60 * minutes,
                end=end,
                entry=entry,
                stop=stop,
                target=target,
                entry_label=f"Entry {entry:.1f}",
                stop_label=f"Stop {stop:.1f} −1R",
                target_label=f"Target {target:.1f} +1.5R",
                exit_price=None if open_ else (target if up else stop),
                result_tone="up" if up else "down",
                result_label="+1.5R" if up else "−1.0R",
                selected=name == selected,
            )
        )
        marks.append(Mark(int(first["time"]), "up" if up else "down"))
    focus = at(*starts[selected])
    return Scene(
        view_key=f"demo {minutes} {selected}",
        symbol="DEMO",
        timeframe=f"{minutes}m",
        bar_seconds=60 * minutes,
        zone_label="AEST",
        utc_offset_seconds=BRISBANE,
        decimals=1,
        min_move=0.1,
        views=(
            View("Range", focus - 7_700 * minutes, focus + 3_100 * minutes),
            View("Day", at("09:00"), at("09:00", 1) if last > at("08:00", 1) else last + 1_800),
        ),
        sessions=(
            SessionSpan("Asia", at("09:00"), at("17:00"), "asia"),
            SessionSpan("London", at("18:00"), at("23:00"), "london"),
            SessionSpan("New York", at("23:00"), at("02:00", 1), "new_york"),
        ),
        ranges=tuple(ranges),
        trades=tuple(trades),
        marks=tuple(marks),
        last_price=float(bars["close"].iloc[-1]),
        up_down=up_down,  # type: ignore[arg-type]
    )


def daily_scene(bars: pd.DataFrame) -> Scene:
    """Five years with nothing but the last price."""
    first, last = int(bars["time"].iloc[0]), int(bars["time"].iloc[-1])
    return Scene(
        view_key="demo days",
        symbol="DEMO",
        timeframe="1d",
        bar_seconds=86_400,
        zone_label="",
        utc_offset_seconds=0,
        decimals=1,
        min_move=0.1,
        views=(View("All", first, last + 86_400 * 15), View("Year", last - 86_400 * 365, last + 86_400 * 10)),
        last_price=float(bars["close"].iloc[-1]),
    )
