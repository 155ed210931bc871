"""Exchange hours that `exchange_calendars` does not know, as calendars of that library: registered under their names.

Its CMES calendar stands for all of CME Group: early closes of metals and of share indexes at one time, no Juneteenth,
and days of national mourning closed for all. Times and days below were measured on every minute of micro gold
2020-12 to 2025-06 and of spot gold 2018 and 2019, and on E-mini Nasdaq files around Thanksgiving 2023 and in January
2022; July 3rd, Christmas Eve and the days of mourning of share indexes are as CME Group announced them.
"""

import copy
import warnings
from datetime import time
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import exchange_calendars
import pandas as pd
from exchange_calendars import us_holidays as us
from exchange_calendars.exchange_calendar import ExchangeCalendar, HolidayCalendar
from exchange_calendars.exchange_calendar_cmes import CMESExchangeCalendar
from pandas.tseries.holiday import Holiday, USLaborDay

_MOURNING: Final = [pd.Timestamp("2018-12-05"), pd.Timestamp("2025-01-09")]
_HOLIDAYS: Final = (
    us.USMartinLutherKingJrAfter1998,
    us.USPresidentsDay,
    us.USMemorialDay,
    us.USJuneteenth,
    us.USIndependenceDay,
    USLaborDay,
    us.USThanksgivingDay,
)
_EVES: Final = (us.USBlackFridayInOrAfter1993, us.ChristmasEveInOrAfter1993)
_JULY_THIRD: Final = (us.MonTuesThursBeforeIndependenceDay, us.WednesdayBeforeIndependenceDayPost2013)


def _from(rule: Any, first: str) -> Any:
    later = copy.copy(rule)
    later.start_date = max(pd.Timestamp(first), rule.start_date or pd.Timestamp(first))
    return later


def _until(rule: Any, last: str) -> Any:
    earlier = copy.copy(rule)
    earlier.end_date = pd.Timestamp(last)
    return earlier


class MetalsCalendar(CMESExchangeCalendar):  # type: ignore[misc] # the library has no types
    """COMEX gold and silver, and spot gold, which rests with them.

    Closed on New Year, Good Friday and Christmas; US holidays end at 13:00 New York through 2021 and at 14:30 since,
    the day after Thanksgiving and Christmas Eve at 13:45.
    """

    name = "COMEX_METALS"

    @property
    def adhoc_holidays(self) -> list[pd.Timestamp]:
        """No day but the regular holidays."""
        return [each for each in us.USNationalDaysofMourning if each not in _MOURNING]

    @property
    def special_closes(self) -> list[tuple[time, HolidayCalendar]]:
        """Early closes, on the clock of Chicago."""
        before = [_until(rule, "2021-12-31") for rule in _HOLIDAYS if rule is not us.USJuneteenth]
        since = [_from(rule, "2022-01-01") for rule in _HOLIDAYS]
        return [
            (time(12, 0), HolidayCalendar(before)),
            (time(13, 30), HolidayCalendar(since)),
            (time(12, 45), HolidayCalendar(list(_EVES))),
        ]


class IndexFuturesCalendar(CMESExchangeCalendar):  # type: ignore[misc] # the library has no types
    """Share index futures of CME and CBOT.

    Closed on New Year, Good Friday and Christmas; US holidays end at 13:00 New York, half days of the New York Stock
    Exchange at 13:15, days of national mourning at 09:30.
    """

    name = "CME_INDEX"

    @property
    def adhoc_holidays(self) -> list[pd.Timestamp]:
        """Days of mourning before those that are known to have traded until 09:30 New York."""
        return [each for each in us.USNationalDaysofMourning if each not in _MOURNING]

    @property
    def special_closes(self) -> list[tuple[time, HolidayCalendar]]:
        """Early closes, on the clock of Chicago."""
        return [
            (time(12, 0), HolidayCalendar(list(_HOLIDAYS))),
            (time(12, 15), HolidayCalendar([*_EVES, *_JULY_THIRD])),
        ]

    @property
    def special_closes_adhoc(self) -> list[tuple[time, pd.DatetimeIndex]]:
        """Early closes of single days, on the clock of Chicago."""
        return [(time(8, 30), pd.DatetimeIndex(_MOURNING))]


class FxCalendar(ExchangeCalendar):  # type: ignore[misc] # the library has no types
    """Spot currencies: Sunday to Friday 17:00 New York without a stop, but for Christmas Day and New Year's Day."""

    name = "FX"
    tz = ZoneInfo("America/New_York")
    open_times = ((None, time(17)),)
    close_times = ((None, time(17)),)

    @property
    def open_offset(self) -> int:
        """A session opens on the evening before its date."""
        return -1

    @property
    def regular_holidays(self) -> HolidayCalendar:
        """The two days on which nobody makes a market."""
        return HolidayCalendar([Holiday("New Year", month=1, day=1), Holiday("Christmas", month=12, day=25)])


for _calendar in (MetalsCalendar, IndexFuturesCalendar, FxCalendar):
    exchange_calendars.register_calendar_type(_calendar.name, _calendar, force=True)


def exchange_calendar(name: str, start: str | None = None) -> Any:
    """Return a calendar of `exchange_calendars`, from `start` on; raises its `InvalidCalendarName`."""
    with warnings.catch_warnings():
        # exchange_calendars 4.13 still calls what pandas 4 will rename; nothing of ours is warned about.
        warnings.simplefilter("ignore", category=DeprecationWarning)
        return exchange_calendars.get_calendar(name, start=start)


@cache
def known_calendars() -> frozenset[str]:
    """Return the names of all calendars, the hub's own among them."""
    return frozenset(exchange_calendars.get_calendar_names(include_aliases=True))
