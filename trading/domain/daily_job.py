"""When work of every day is due: at a time of the clock in a zone, or some while after a trading day's close."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from trading.domain.calendar import day_windows, from_minute, trading_days
from trading.domain.instrument import Instrument

DAY: Final = timedelta(days=1)
_AROUND: Final = 10 * DAY  # over the longest run of holidays


@dataclass(frozen=True)
class Daily:
    """Every calendar day at the time `at` of the clock of a zone.

    A time that daylight saving leaves out is taken by the clock from before the change (02:30 is 03:30 then); one that
    comes twice is the first of the two.
    """

    at: time
    zone: str

    def around(self, now: datetime) -> Iterator[datetime]:
        """Yield the instants (UTC) of the days around `now`, in order."""
        zone = ZoneInfo(self.zone)
        today = now.astimezone(zone).date()
        for days in range(-2, 3):
            yield datetime.combine(today + days * DAY, self.at, zone).astimezone(UTC)


@dataclass(frozen=True)
class AfterClose:
    """Every trading day of an instrument, `minutes` after its close."""

    instrument: Instrument
    minutes: int

    def around(self, now: datetime) -> Iterator[datetime]:
        """Yield the instants (UTC) of the trading days around `now`, in order."""
        days = trading_days(self.instrument, _date(now - _AROUND), _date(now + _AROUND))
        for close in day_windows(self.instrument, days).closes.tolist():
            yield from_minute(close) + timedelta(minutes=self.minutes)


Schedule = Daily | AfterClose


def schedule_of(words: str, instrument: Instrument) -> Schedule | None:
    """Return the schedule that a setting names for an instrument: `never`, `02:30` (its own clock), `close+15`."""
    if words == "never":
        return None
    after, plus, minutes = words.partition("+")
    if after == "close" and plus:
        return AfterClose(instrument, int(minutes))
    return Daily(time.fromisoformat(words), instrument.trading_day.zone)


def last_due(schedule: Schedule, now: datetime) -> datetime | None:
    """Return the newest instant of the schedule that is not after `now`; None where none was for days."""
    return max((at for at in schedule.around(now) if at <= now), default=None)


def next_due(schedule: Schedule, now: datetime) -> datetime | None:
    """Return the first instant of the schedule after `now`; None where none is in sight.

    >>> next_due(Daily(time(9, 30), "America/New_York"), datetime(2025, 3, 7, 15, 0, tzinfo=UTC))
    datetime.datetime(2025, 3, 8, 14, 30, tzinfo=datetime.timezone.utc)
    """
    return min((at for at in schedule.around(now) if at > now), default=None)


def is_owed(schedule: Schedule, dealt: datetime | None, now: datetime) -> bool:
    """Return whether the work is to be done at `now`: it was due since `dealt`, however often; once is enough.

    `dealt` is the instant up to which it is dealt with; None: it never was on the schedule, and owes nothing yet.
    """
    due = last_due(schedule, now)
    return due is not None and dealt is not None and dealt < due


def _date(instant: datetime) -> date:
    return instant.astimezone(UTC).date()
