"""Bars up to a moment, read from the store once and only forward: what live inference and replay stand on."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from ml_data.bar_arrays import BarArrays, appended
from ml_data.bar_digests import BarDigests
from ml_data.build import read_bars
from ml_data.event_view import Background, EventView, day_background, event_window, seen_at
from ml_data.history_tables import definitions_hash
from ml_data.store import Store, sql
from trading.domain.calendar import day_windows, from_minute, to_minute
from trading.domain.instrument import Instrument
from trading.domain.label import ORB_COMPLETE, EventKind
from trading.errors import NothingStored


class BarTape:
    """The bars that one instrument's events may look back to, up to the moment last asked for and not one further.

    Asking for a later moment reads only what lies between; asking for an earlier one, or after stored bars changed
    behind the tape, reads the window anew. What a day's events share is made once a day. With `known_at` bars have the
    values that they had at that instant. Not safe to share between threads.
    """

    def __init__(self, store: Store, instrument: Instrument, known_at: datetime | None = None) -> None:
        self._known_at = known_at
        self._store, self._instrument = store, instrument
        self._bars: BarArrays | None = None
        self._since = self._until = 0
        self._stamp = -1
        self._contract_before: tuple[date, str | None] | None = None
        self._built: _Built | None = None
        self._background: Background | None = None
        self._digests = BarDigests()
        self._seen: tuple[tuple[object, ...], EventView] | None = None

    def view(self, trading_day: date, orb: str, minute: int, kind: EventKind = ORB_COMPLETE) -> EventView:
        """Return what the opening range `orb` of `trading_day` looked like at `minute`, when it ended or broke.

        Raises
        ------
        Refused
            as `ml_data.event_view.seen_at` does.
        NothingStored
            as `contract_before` does.
        """
        key = (trading_day, orb, minute, kind)
        if self._seen is not None and self._seen[0] == (*key, self._store.stamp("market")):
            return self._seen[1]  # several versions are asked about one event, one after the other
        bars = self.bars_until(trading_day, minute)
        if self._background is None or self._background.trading_day != trading_day:
            first_day, _ = event_window(self._instrument, trading_day)
            contract = self.contract_before(first_day)
            self._background = day_background(bars, self._instrument, trading_day, contract, self._digests)
        view = seen_at(self._background, bars, orb, kind, minute)
        self._seen = (*key, self._stamp), view
        return view

    def bars_until(self, trading_day: date, minute: int) -> BarArrays:
        """Return the bars an event of `trading_day` may see that start before `minute`."""
        _, since_at = event_window(self._instrument, trading_day)
        since = to_minute(since_at)
        stamp = self._store.stamp("market")  # before reading: what is read below is at least that new
        if self._bars is None or minute < self._until or since < self._since or stamp != self._stamp:
            self._contract_before = self._background = self._built = None
            self._digests = BarDigests()
            self._bars = self._read(since_at, minute)
            self._since = since
        else:
            fresh = self._read(from_minute(self._until), minute)
            kept = self._bars if since == self._since else self._bars.between(since, self._until)
            self._bars = appended(kept, fresh)
            self._since = since
        self._until = minute
        self._stamp = stamp
        return self._bars

    def _read(self, since: datetime, before: int) -> BarArrays:
        return read_bars(self._store, self._instrument, since, from_minute(before), self._known_at)

    def contract_before(self, first_day: date) -> str | None:
        """Return the contract of the trading day before `first_day`; None when none traded before it.

        Raises
        ------
        NothingStored
            when there are bars before `first_day` whose history is not built, so that nobody knows the contract.
        """
        if self._contract_before is None or self._contract_before[0] != first_day:
            self._contract_before = (first_day, self._read_contract_before(first_day))
        return self._contract_before[1]

    def _read_contract_before(self, first_day: date) -> str | None:
        symbol = self._instrument.symbol
        starts = from_minute(int(day_windows(self._instrument, np.array([first_day], dtype="datetime64[D]")).starts[0]))
        with self._store.market() as cursor:
            if self._built is None:
                self._built = _built(cursor, self._instrument)
            rows = cursor.execute(sql("contract_before"), {"instrument": symbol, "trading_day": first_day}).fetchall()
        if self._built.first_bar is None or self._built.first_bar >= starts:
            return None
        if self._built.through is None or self._built.through < starts:
            raise NothingStored(
                f"{symbol}: history is not built up to {first_day} from the bars that are stored. Run hub build."
            )
        return str(rows[0][0]) if rows else None


@dataclass(frozen=True)
class _Built:
    """The first stored bar, and up to when history says what the stored bars say; None where there is none."""

    first_bar: datetime | None
    through: datetime | None


def _built(cursor: Any, instrument: Instrument) -> _Built:
    asked = {"instrument": instrument.symbol}
    [(first_bar, _)] = cursor.execute(sql("bar_bounds"), asked).fetchall()
    state = cursor.execute(sql("history_state"), asked).fetchall()
    dirty = [since for since, _, _ in cursor.execute(sql("history_dirty"), asked).fetchall()]
    known = bool(state) and state[0][1] == definitions_hash(instrument)
    return _Built(first_bar, min([state[0][0], *dirty]) if known else None)
