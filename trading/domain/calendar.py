"""Trading days, sessions and opening ranges as instants: the one place where wall clocks become UTC.

Instants inside are int64 minutes since the Unix epoch, UTC; a trading day is a date label (`datetime64[D]`).
Conversion goes from a named zone's wall clock to UTC one date at a time, so daylight saving, also on a day of change,
is the zone's business: a wall time that is skipped moves to the first that exists, one that repeats is the first.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from trading.domain.exchange_hours import exchange_calendar
from trading.domain.instrument import Instrument

Minutes = npt.NDArray[np.int64]
Days = npt.NDArray[np.datetime64]

DAY: Final = np.timedelta64(1, "D")
EPOCH: Final = date(1970, 1, 1)
EPOCH_ORDINAL: Final = EPOCH.toordinal()


@dataclass(frozen=True)
class DayWindows:
    """The windows of n trading days, S sessions and O opening ranges each; every pair is `[start, end)`.

    `closes` is when the day's trading is over by schedule: its end, or where the halt or weekend before it begins.
    `reaches_back` is the first minute that any window of the day needs: a session may lie before the day's start.
    `[closed_from, closed_until)` is the time after an early close, up to the end of the daily halt (empty on other
    days); `holiday` marks days on which the exchange does not open. Both are of the exchange's session that fills the
    day: that of the date on which the middle of the day falls at the exchange.
    """

    days: Days
    starts: Minutes
    ends: Minutes
    closes: Minutes
    reaches_back: Minutes
    session_starts: Minutes
    session_ends: Minutes
    range_starts: Minutes
    range_ends: Minutes
    range_session_ends: Minutes
    halt_starts: Minutes
    halt_ends: Minutes
    closed_from: Minutes
    closed_until: Minutes
    holiday: npt.NDArray[np.bool_]


def to_minute(instant: datetime) -> int:
    """Return the whole minutes between the Unix epoch and an aware instant, rounded down.

    >>> to_minute(datetime(1970, 1, 1, 0, 2, 59, tzinfo=UTC))
    2
    """
    return int(instant.timestamp() // 60)


def from_minute(minute: int) -> datetime:
    """Return the UTC instant of a minute since the Unix epoch.

    >>> from_minute(2).isoformat()
    '1970-01-01T00:02:00+00:00'
    """
    return datetime.fromtimestamp(int(minute) * 60, tz=UTC)


def as_date(day: Any) -> date:
    """Return a numpy day as a date.

    >>> as_date(np.datetime64("2024-03-08"))
    datetime.date(2024, 3, 8)
    """
    return date.fromisoformat(str(day.astype("datetime64[D]")))


def wall_minutes(days: Days, wall: time, zone: str) -> Minutes:
    """Return the UTC minute at which the wall clock of `zone` shows `wall` on each date of `days`."""
    years, rows = _by_year(days)
    tables = [_wall_minutes_of_year(year, wall, zone) for year in years]
    minutes: Minutes = _joined(tables)[rows]
    return minutes


@lru_cache(maxsize=4096)
def _wall_minutes_of_year(year: int, wall: time, zone: str) -> Minutes:
    naive = pd.DatetimeIndex(_dates_of_year(year).astype("datetime64[ns]"))
    naive += pd.Timedelta(hours=wall.hour, minutes=wall.minute)
    first_of_a_repeated_hour = np.ones(len(naive), dtype=bool)
    aware = naive.tz_localize(zone, ambiguous=first_of_a_repeated_hour, nonexistent="shift_forward")
    minutes: Minutes = aware.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[m]").astype(np.int64)
    return minutes


def _by_year(days: Days) -> tuple[range, npt.NDArray[np.int64]]:
    """Return the calendar years from the first to the last of `days`, and each day's row among all their dates.

    What depends on a date alone is computed for a whole year once and then looked up: a new day costs nothing.
    """
    ordinals = days.astype("datetime64[D]").astype(np.int64)
    if len(ordinals) == 0:
        return range(1970, 1971), ordinals
    edges = ordinals if len(ordinals) == 1 else np.array([ordinals.min(), ordinals.max()])
    first, last = (date.fromordinal(int(edge) + EPOCH_ORDINAL).year for edge in (edges[0], edges[-1]))
    return range(first, last + 1), ordinals - (date(first, 1, 1).toordinal() - EPOCH_ORDINAL)


def _dates_of_year(year: int) -> Days:
    return np.arange(f"{year:04d}-01-01", f"{year + 1:04d}-01-01", dtype="datetime64[D]")


def _joined(tables: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return tables[0] if len(tables) == 1 else np.concatenate(tables)


def trading_days(instrument: Instrument, first: date, last: date) -> Days:
    """Return the dates from `first` to `last`, both included, that are trading days by weekday (holidays too)."""
    every = np.arange(np.datetime64(first), np.datetime64(last) + DAY, dtype="datetime64[D]")
    open_on = np.zeros(7, dtype=bool)
    open_on[list(instrument.trading_day.weekdays)] = True
    monday_is_zero = (every.astype(np.int64) + 3) % 7
    days: Days = every[open_on[monday_is_zero]]
    return days


def calendar_day_of(instrument: Instrument, minutes: Minutes) -> Days:
    """Return for each UTC minute the date whose trading-day span holds it, weekends included."""
    if len(minutes) == 0:
        return np.empty(0, dtype="datetime64[D]")
    first = np.datetime64(int(minutes.min()) // 1440 - 2, "D")
    last = np.datetime64(int(minutes.max()) // 1440 + 2, "D")
    every = np.arange(first, last + DAY, dtype="datetime64[D]")
    starts, _ = day_spans(instrument, every)
    days: Days = every[np.searchsorted(starts, minutes, side="right") - 1]
    return days


def exchange_dates(calendar: str) -> Days:
    """Return the dates on which an exchange opens, from 2000 to about a year from today."""
    return _exchange_schedule(calendar).dates


def day_spans(instrument: Instrument, days: Days) -> tuple[Minutes, Minutes]:
    """Return when each of `days` starts and ends: the `starts` and `ends` of `day_windows`, without the rest."""
    rule = instrument.trading_day
    first = _dates_of_start(instrument, days)
    ends = rule.starts if rule.ends is None else rule.ends
    last: Days = first if ends > rule.starts else first + DAY
    return wall_minutes(first, rule.starts, rule.zone), wall_minutes(last, ends, rule.zone)


def _dates_of_start(instrument: Instrument, days: Days) -> Days:
    """Return the dates on which trading days begin: their own, or the ones before where a day is called by its end."""
    dates: Days = days if instrument.trading_day.label == "start" else days - DAY
    return dates


def day_windows(instrument: Instrument, days: Days) -> DayWindows:
    """Return every window of `days` for an instrument.

    A wall time at or after the trading day's start lies on the date it starts, one before it on the next date; a
    session marked `before_day_start` lies on that first date before the start. In a zone of its own a window lies where
    its wall time falls into the trading day.
    """
    years, rows = _by_year(days)
    tables = [vars(_windows_of_year(instrument, year)) for year in years]
    return DayWindows(**{name: _joined([table[name] for table in tables])[rows] for name in tables[0]})


@lru_cache(maxsize=256)
def _windows_of_year(instrument: Instrument, year: int) -> DayWindows:
    days = _dates_of_year(year)
    first = _dates_of_start(instrument, days)
    second: Days = first + DAY
    own_zone, opens = instrument.trading_day.zone, instrument.trading_day.starts
    starts, ends = day_spans(instrument, days)

    def at(wall: time, zone: str | None, before_day_start: bool = False) -> Minutes:
        if zone is None or zone == own_zone:
            return wall_minutes(first if before_day_start or wall >= opens else second, wall, own_zone)
        on_first = wall_minutes(first, wall, zone)
        return np.where((on_first >= starts) & (on_first < ends), on_first, wall_minutes(second, wall, zone))

    def until(wall: time, zone: str | None, before_day_start: bool = False) -> Minutes:
        if zone is None or zone == own_zone:
            return wall_minutes(first if before_day_start or wall > opens else second, wall, own_zone)
        on_first = wall_minutes(first, wall, zone)
        return np.where((on_first > starts) & (on_first <= ends), on_first, wall_minutes(second, wall, zone))

    def columns(values: list[Minutes]) -> Minutes:
        return np.ascontiguousarray(np.stack(values, axis=1)) if values else np.empty((len(days), 0), dtype=np.int64)

    session_starts = columns([at(rule.starts, rule.zone, rule.before_day_start) for rule in instrument.sessions])
    session_ends = columns([until(rule.ends, rule.zone, rule.before_day_start) for rule in instrument.sessions])
    range_starts = columns([at(rule.starts, rule.zone) for rule in instrument.opening_ranges])
    lengths = np.array([rule.minutes for rule in instrument.opening_ranges], dtype=np.int64)
    session_rules_end = columns([until(rule.session_ends, rule.zone) for rule in instrument.opening_ranges])
    reaches_back = np.minimum(starts, session_starts.min(axis=1)) if session_starts.shape[1] else starts
    halt_starts, halt_ends = _halts(instrument, days)
    holiday, closed_from, closed_until = _schedule(instrument, starts, ends, halt_ends)
    return DayWindows(
        days=days,
        starts=starts,
        ends=ends,
        closes=_closes(instrument, days, starts, ends, halt_starts, halt_ends),
        reaches_back=reaches_back,
        session_starts=session_starts,
        session_ends=session_ends,
        range_starts=range_starts,
        range_ends=range_starts + lengths,
        range_session_ends=session_rules_end,
        halt_starts=halt_starts,
        halt_ends=halt_ends,
        closed_from=closed_from,
        closed_until=closed_until,
        holiday=holiday,
    )


def expected_minutes(instrument: Instrument, starts: Minutes, ends: Minutes) -> Minutes:
    """Return the minutes of `[starts, ends)` (any shape) in which the exchange is open by its schedule.

    Not counted: the daily halt, weekends, holidays, and the time after an early close.
    """
    minutes: Minutes = np.maximum(_open_before(instrument, ends) - _open_before(instrument, starts), 0)
    return minutes


def _open_before(instrument: Instrument, instants: Minutes) -> Minutes:
    """Return how many minutes the exchange was open before each instant, since its schedule began."""
    schedule = _exchange_schedule(instrument.exchange_calendar)

    def scheduled(until: Minutes) -> Minutes:
        return _covered(schedule.opens, schedule.closes, schedule.closes - schedule.opens, until)

    if instrument.daily_halt is None:
        return scheduled(instants)
    dates = np.arange(schedule.dates[0] - DAY, schedule.dates[-1] + 2 * DAY, dtype="datetime64[D]")
    begins, ends = (wall_minutes(dates, wall, instrument.exchange_zone) for wall in instrument.daily_halt)
    before_halt, after_halt = scheduled(begins), scheduled(ends)
    during = np.clip(np.searchsorted(begins, instants, side="right") - 1, 0, None)
    halted = np.concatenate([[0], np.cumsum(after_halt - before_halt)])[during] + np.maximum(
        scheduled(np.clip(instants, begins[during], ends[during])) - before_halt[during], 0
    )
    open_minutes: Minutes = scheduled(instants) - halted
    return open_minutes


def _covered(opens: Minutes, closes: Minutes, lengths: Minutes, until: Minutes) -> Minutes:
    """Return the minutes before `until` that lie in the spans `[opens, closes)`, which are in order and disjoint."""
    last = np.searchsorted(opens, until, side="right") - 1
    started = np.maximum(last, 0)
    whole = np.concatenate([[0], np.cumsum(lengths)])[started]
    minutes: Minutes = np.where(last < 0, 0, whole + np.minimum(until, closes[started]) - opens[started])
    return minutes


def _halts(instrument: Instrument, days: Days) -> tuple[Minutes, Minutes]:
    """Return the daily halts that touch each day or the windows before it, shape (n, 3): dates -1, 0 and +1."""
    if instrument.daily_halt is None:
        none = np.empty((len(days), 0), dtype=np.int64)
        return none, none
    begins, ends = instrument.daily_halt
    dates = [days + shift * DAY for shift in (-1, 0, 1)]
    return (
        np.stack([wall_minutes(date_, begins, instrument.exchange_zone) for date_ in dates], axis=1),
        np.stack([wall_minutes(date_, ends, instrument.exchange_zone) for date_ in dates], axis=1),
    )


def _closes(
    instrument: Instrument, days: Days, starts: Minutes, ends: Minutes, halt_starts: Minutes, halt_ends: Minutes
) -> Minutes:
    next_weekday = (days.astype(np.int64) + 4) % 7
    last_of_week = ~np.isin(next_weekday, instrument.trading_day.weekdays)
    closes = ends.copy()
    for halt_start, halt_end in zip(halt_starts.T, halt_ends.T, strict=True):
        over = (halt_start > starts) & (halt_start < ends) & ((halt_end >= ends) | last_of_week)
        closes = np.where(over, np.minimum(closes, halt_start), closes)
    return closes


def _schedule(
    instrument: Instrument, starts: Minutes, ends: Minutes, halt_ends: Minutes
) -> tuple[npt.NDArray[np.bool_], Minutes, Minutes]:
    """Return which days are exchange holidays, and from when to when each is closed early (until the halt's end)."""
    schedule = _exchange_schedule(instrument.exchange_calendar)
    middles = pd.DatetimeIndex(((starts + ends) // 2).astype("datetime64[m]").astype("datetime64[ns]"), tz="UTC")
    at_exchange = middles.tz_convert(instrument.exchange_zone).tz_localize(None).to_numpy().astype("datetime64[D]")
    holiday = ~np.isin(at_exchange, schedule.dates)
    closed_from, closed_until = ends.copy(), ends.copy()
    for index, session in enumerate(at_exchange):
        close = schedule.early.get(as_date(session))
        if close is not None and close < ends[index]:
            closed_from[index] = close
            later = halt_ends[index][halt_ends[index] > close]
            closed_until[index] = later.min() if len(later) else ends[index]
    return holiday, closed_from, closed_until


def holidays_kept(days: Days) -> list[str | None]:
    """Return for each date where a holiday or half day is kept on a weekday, "New York" or "London"; None for neither.

    An exchange may close early then although its calendar does not know, and trading is thinner.
    """
    names: list[str | None] = [None] * len(days)
    dates = [as_date(day) for day in days]
    for place, calendar in (("London", "XLON"), ("New York", "XNYS")):
        schedule = _exchange_schedule(calendar)
        closed = ~np.isin(days.astype("datetime64[D]"), schedule.dates)
        for index, day in enumerate(dates):
            if day.weekday() < 5 and (closed[index] or day in schedule.early):
                names[index] = place
    return names


@dataclass(frozen=True)
class _Schedule:
    """The sessions of an exchange by date: `[opens, closes)` in UTC minutes, and the early closes among them."""

    dates: Days
    opens: Minutes
    closes: Minutes
    early: dict[date, int]


@lru_cache(maxsize=16)
def _exchange_schedule(name: str) -> _Schedule:
    calendar = exchange_calendar(name, start="2000-01-03")

    def minutes(instants: Any) -> Minutes:
        return np.asarray(instants.dt.tz_convert(None).to_numpy().astype("datetime64[m]").astype(np.int64))

    return _Schedule(
        dates=calendar.sessions.to_numpy().astype("datetime64[D]"),
        opens=minutes(calendar.opens),
        closes=minutes(calendar.closes),
        early={
            session.date(): int(calendar.session_close(session).timestamp() // 60) for session in calendar.early_closes
        },
    )
