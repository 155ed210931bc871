"""Day bars and series as they were known at an instant: what a decision at a day's close may look at, and no more.

The bar of a day is known when its trading is over by the exchange's calendar; a value of a series from its `known_at`
on. Both carry these instants, so that `max_input_time <= decided_at` can be asserted of whatever is made of them.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ml_data.store import Store, sql
from trading.domain.bar import MINUTE_US
from trading.domain.calendar import Days, Minutes
from trading.domain.day_calendar import day_closes
from trading.domain.instrument import Instrument
from trading.errors import NothingStored

Floats = npt.NDArray[np.float64]
NEVER = np.iinfo(np.int64).min
"""The instant of a value that is not known yet."""


@dataclass(frozen=True)
class KnownDays:
    """The day bars of an instrument in columns of one length, by day; `known` is when each is known, in UTC minutes.

    An event at a day's close is decided at its `known` minute and sees the bars up to and including that day.
    """

    instrument: str
    days: Days
    known: Minutes
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.days)

    def until(self, minute: int) -> Self:
        """Return the bars that are known at a UTC minute."""
        kept = self.known <= minute
        columns = {name: value[kept] for name, value in vars(self).items() if name != "instrument"}
        return type(self)(instrument=self.instrument, **columns)


@dataclass(frozen=True)
class SeriesAt:
    """A series as it was known at n instants: the values (NaN: none yet), the days they are of, since when known."""

    values: Floats
    days: Days
    known: Minutes


@dataclass(frozen=True)
class KnownSeries:
    """All values of a series: the days they are of, from which UTC minute each is known, in no order.

    A day may be there several times: a value that was changed later, known from the change on.
    """

    series: str
    days: Days
    known: Minutes
    values: Floats

    def at(self, minutes: Minutes) -> SeriesAt:
        """Return for each UTC minute the value of the newest day that is known then, as it was known then.

        >>> day = np.array(["2024-07-03", "2024-07-05"], dtype="datetime64[D]")
        >>> vix = KnownSeries("VIX", day, np.array([100, 200]), np.array([12.0, 13.0]))
        >>> vix.at(np.array([99, 100, 199, 200])).values.tolist()
        [nan, 12.0, 12.0, 13.0]
        """
        order = np.lexsort((self.days, self.known))
        days, known, values = self.days[order], self.known[order], self.values[order]
        # Of all that is known so far the newest day counts, and of that day what became known last.
        place = np.arange(len(days))
        rank = days.astype("datetime64[D]").astype(np.int64) * (len(days) + 1) + place
        newest = np.searchsorted(known, minutes, side="right") - 1
        there = newest >= 0
        best = (np.maximum.accumulate(rank) % (len(days) + 1))[newest[there]] if len(days) else place
        found = SeriesAt(
            values=np.full(len(minutes), np.nan),
            days=np.full(len(minutes), np.datetime64("NaT"), dtype="datetime64[D]"),
            known=np.full(len(minutes), NEVER, dtype=np.int64),
        )
        found.values[there], found.days[there], found.known[there] = values[best], days[best], known[best]
        return found


def read_known_days(store: Store, instrument: Instrument) -> KnownDays:
    """Return the stored day bars of `instrument`.

    Raises
    ------
    NothingStored
        when there are none.
    """
    with store.market() as cursor:
        table = cursor.sql(sql("stored_day_bars"), params={"instrument": instrument.symbol}).to_arrow_table()
    if not len(table):
        raise NothingStored(
            f"{instrument.symbol}: no day bars are stored. Import some: hub ingest FILES --instrument SYMBOL, or "
            f"--universe NAME."
        )
    days = _days(table.column("trading_day"))
    prices: dict[str, Floats] = {
        name: table.column(name).to_numpy() for name in ("open", "high", "low", "close", "volume")
    }
    return KnownDays(instrument=instrument.symbol, days=days, known=day_closes(instrument, days), **prices)


def read_known_series(store: Store, series: str) -> KnownSeries:
    """Return the stored values of a series.

    Raises
    ------
    NothingStored
        when there are none.
    """
    with store.market() as cursor:
        table = cursor.sql(sql("series_values"), params={"series": series}).to_arrow_table()
    if not len(table):
        raise NothingStored(f"{series}: no values are stored. Import some: hub ingest FILES --series NAME.")
    known: Minutes = table.column("known_at").cast("int64").to_numpy() // MINUTE_US
    return KnownSeries(series, _days(table.column("day")), known, table.column("value").to_numpy())


def _days(column: Any) -> Days:
    days: Days = column.to_numpy().astype("datetime64[D]")
    return days
