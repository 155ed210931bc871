"""Bars up to a moment, read from the store once and only forward: what live inference and replay stand on."""

from datetime import date

from ml_data.bar_arrays import BarArrays, appended
from ml_data.build import read_bars
from ml_data.event_view import event_window
from ml_data.store import Store, sql
from trading.domain.calendar import from_minute, to_minute
from trading.domain.instrument import Instrument


class BarTape:
    """The bars that one instrument's events may look back to, up to the moment last asked for and not one further.

    Asking for a later moment reads only what lies between; asking for an earlier one, or after stored bars changed
    behind the tape, reads the window anew. Not safe to share between threads.
    """

    def __init__(self, store: Store, instrument: Instrument) -> None:
        self._store, self._instrument = store, instrument
        self._bars: BarArrays | None = None
        self._since = self._until = 0
        self._stamp = self._stored = -1
        self._contract_before: tuple[date, str | None] | None = None

    def bars_until(self, trading_day: date, minute: int) -> BarArrays:
        """Return the bars an event of `trading_day` may see that start before `minute`."""
        _, since_at = event_window(self._instrument, trading_day)
        since = to_minute(since_at)
        if self._bars is None or minute < self._until or since < self._since or self._changed_behind():
            self._bars = read_bars(self._store, self._instrument, since_at, from_minute(minute))
            self._since = since
        else:
            fresh = read_bars(self._store, self._instrument, from_minute(self._until), from_minute(minute))
            self._bars = appended(self._bars.between(since, self._until), fresh)
            self._since = since
        self._until = minute
        self._stamp = self._store.stamp("market")
        self._stored = len(self._bars)
        return self._bars

    def contract_before(self, first_day: date) -> str | None:
        """Return the contract of the trading day before `first_day`; None when history begins there."""
        if self._contract_before is None or self._contract_before[0] != first_day:
            with self._store.market() as cursor:
                row = cursor.execute(
                    sql("contract_before"), {"instrument": self._instrument.symbol, "trading_day": first_day}
                ).fetchone()
            self._contract_before = (first_day, None if row is None else str(row[0]))
        return self._contract_before[1]

    def _changed_behind(self) -> bool:
        """Return whether bars that the tape already holds were added to or revised in the store."""
        if self._store.stamp("market") == self._stamp:
            return False
        self._contract_before = None
        return True
