"""What a page takes for now, and on which wall clock it shows its times. Pure: the URL's words in, instants out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from trading.domain.calendar import DAY, Days, day_spans, from_minute, wall_minutes
from trading.domain.instrument import Instrument
from trading.domain.words import shown_zone, zone_letters, zone_place
from trading.errors import BadSettings

ZONES: Final = ("range", "exchange", "utc", "browser")
"""Whose wall clock the times are shown on: the trading day's, the exchange's, UTC, the reader's own."""


@dataclass(frozen=True)
class Clock:
    """Now: a standing instant of a replay (UTC), or, with None, the real clock."""

    replay: datetime | None = None

    @property
    def is_replay(self) -> bool:
        """Whether stored bars are being replayed."""
        return self.replay is not None

    def now(self) -> datetime:
        """Return the present minute, UTC: whole, so that what was computed for it can be kept that long."""
        return self.replay or datetime.now(UTC).replace(second=0, microsecond=0)


@dataclass(frozen=True)
class WallClock:
    """A wall clock with one offset for a whole view, so that its times strictly increase when the clocks change.

    `offset_seconds` is the wall clock minus UTC; `place` names it in words (Brisbane), `label` beside a time (AEST).
    """

    offset_seconds: int
    place: str
    label: str

    def at(self, instant: datetime) -> datetime:
        """Return what the clock shows at an aware instant, as a naive datetime."""
        return instant.astimezone(UTC).replace(tzinfo=None) + timedelta(seconds=self.offset_seconds)

    def seconds(self, instant: datetime) -> int:
        """Return what the clock shows, as seconds counted as if it were UTC: the price chart's time."""
        return int(instant.timestamp()) + self.offset_seconds

    def hm(self, instant: datetime) -> str:
        """Return the time of day, such as `23:05`."""
        return f"{self.at(instant):%H:%M}"

    def day_hm(self, instant: datetime) -> str:
        """Return day and time of day, such as `Mon 3 Mar 23:05`."""
        shown = self.at(instant)
        return f"{shown:%a} {shown.day} {shown:%b %H:%M}"


def read_clock(instrument: Instrument, day: str | None, clock: str | None) -> Clock:
    """Return the clock that the URL's `day` (YYYY-MM-DD) and `clock` (HH:MM) name; without them the real one.

    `day` is a trading day and `clock` a time of its zone: a time before the day's start lies on the next date. A day
    alone means its last minute.

    Raises
    ------
    BadSettings
        when a value cannot be read, or `clock` stands without `day`.
    """
    if day is None:
        if clock is not None:
            raise BadSettings(f"clock={clock} needs the trading day it belongs to: ?day=YYYY-MM-DD&clock={clock}")
        return Clock()
    days: Days = np.array([_date(day)], dtype="datetime64[D]")
    starts, ends = day_spans(instrument, days)
    if clock is None:
        return Clock(from_minute(int(ends[0]) - 1))
    wall, rule = _time(clock), instrument.trading_day
    first: Days = np.array([from_minute(int(starts[0])).astimezone(ZoneInfo(rule.zone)).date()], dtype="datetime64[D]")
    on: Days = first if wall >= rule.starts else first + DAY
    return Clock(from_minute(int(wall_minutes(on, wall, rule.zone)[0])))


def wall_clock(choice: str, instrument: Instrument, browser_zone: str | None, at: datetime) -> WallClock:
    """Return the wall clock of `choice` (one of `ZONES`, or an IANA zone), with the offset it has at `at`.

    A browser that does not say its zone is shown UTC.
    """
    name = (browser_zone or "UTC") if choice == "browser" else shown_zone(choice, instrument)
    local = at.astimezone(ZoneInfo(name))
    offset = local.utcoffset() or timedelta(0)
    return WallClock(int(offset.total_seconds()), zone_place(name), zone_letters(local))


def zone_label(choice: str, instrument: Instrument) -> str:
    """Return what a picker calls `choice`: the place of a zone, or whose zone it is."""
    return {
        "range": zone_place(instrument.trading_day.zone),
        "exchange": "Exchange",
        "utc": "UTC",
        "browser": "Browser",
    }.get(choice) or zone_place(choice)


def distinct_zones(choices: Sequence[str], usual: str, instrument: Instrument) -> list[str]:
    """Return the choices without those that bear another's name, such as UTC beside a trading day in UTC."""
    by_label = {zone_label(name, instrument): name for name in (*reversed(choices), usual)}
    return [name for name in choices if name in by_label.values()]


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadSettings(f"day={text} is not a date; expected YYYY-MM-DD, such as day=2025-03-03.") from error


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError as error:
        raise BadSettings(f"clock={text} is not a time of day; expected HH:MM, such as clock=23:20.") from error
