"""When a day's bar is known, and on which days an exchange trades at all."""

from typing import Final

import numpy as np
import numpy.typing as npt

from trading.domain.calendar import DAY, Days, Minutes, day_windows, exchange_dates
from trading.domain.instrument import Instrument

Flags = npt.NDArray[np.bool_]
_MONDAY: Final = 3  # 1970-01-01 was a Thursday


def day_closes(instrument: Instrument, days: Days) -> Minutes:
    """Return when the bar of each trading day is known: when its trading is over by the exchange's schedule, UTC.

    That is the day's end, the halt or weekend before it, or an early close.
    """
    if len(days) == 0:
        return np.empty(0, dtype=np.int64)
    windows = day_windows(instrument, days)
    closes: Minutes = np.minimum(windows.closes, np.where(windows.holiday, windows.closes, windows.closed_from))
    return closes


def is_session(instrument: Instrument, days: Days) -> Flags:
    """Return on which of `days` the exchange trades: weekdays of the trading day, but for holidays that are known."""
    dates = exchange_dates(instrument.exchange_calendar)
    weekday = (days.astype("datetime64[D]").astype(np.int64) + _MONDAY) % 7
    trades = np.isin(weekday, instrument.trading_day.weekdays)
    known = (days >= dates[0]) & (days <= dates[-1])
    open_: Flags = trades & (~known | np.isin(days, dates) | (instrument.kind == "pair"))
    return open_


def sessions_between(instrument: Instrument, first: np.datetime64, last: np.datetime64) -> Days:
    """Return the days from `first` to `last`, both included, that have a day bar where nothing is missing.

    Those on which the exchange trades; of futures without days that close early: what trades on a holiday belongs to
    the next trade date, and vendors differ in giving it a bar of its own.
    """
    every: Days = np.arange(first, last + DAY, dtype="datetime64[D]")
    days: Days = every[is_session(instrument, every)]
    if instrument.kind == "future" and len(days):
        windows = day_windows(instrument, days)
        days = days[windows.closed_from >= windows.ends]
    return days
