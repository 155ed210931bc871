"""Lets only closed bars of a feed through: the one rule for all feeds.

A bar is closed when its minute is over by the feed's own evidence (a newer bar of the same contract was delivered), or
by the clock: its end and a stated delay have passed. Until then it is held, and what comes later for the same minute
replaces it. A bar that begins more than `AHEAD` after the clock closes nothing and is not let through: either the clock
or the stamps are wrong, and the notice says so.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_data.feeds.base import MINUTE, Notice
from trading.domain.bar import BARS

AHEAD: Final = timedelta(minutes=5)
_HELD: Final = 10_000  # bars, the newest: what more a feed has of the future is dropped
_TOLD: Final = 64  # bars that are looked at for notices
_FUTURE: Final = datetime.max.replace(tzinfo=UTC)  # one notice for all bars of the future
_VALUES: Final = BARS.names[2:]
_US: Final = timedelta(microseconds=1)
Flags = npt.NDArray[np.bool_]


class ClosedBars:
    """Holds the bars of one feed until they are closed by the clock plus `delay`, or by a newer bar."""

    def __init__(self, delay: timedelta) -> None:
        self._delay = delay
        self._held = BARS.empty_table()
        self._newest: dict[str, int] = {}
        self._told: set[tuple[str, datetime]] = set()

    def take(self, bars: pa.Table, now: datetime) -> tuple[pa.Table, list[Notice]]:
        """Return the bars that are closed by now, each minute once, and what is to be told of the others."""
        held = len(self._held)
        rows = pa.concat_tables([self._held, bars.select(BARS.names)]).combine_chunks() if held else bars
        if len(rows) == 0:
            return rows, []
        rows, notices = last_of_each_minute(rows, held)
        starts = rows.column("ts").cast(pa.int64()).to_numpy()
        clock = int(now.timestamp() * 1e6)
        future = starts > clock + AHEAD // _US
        closed = starts + (MINUTE + self._delay) // _US <= clock
        for contract in rows.column("contract").unique().to_pylist():
            mine = np.asarray(rows.column("contract").to_numpy(zero_copy_only=False) == contract)
            usable = starts[mine & ~future]
            newest = max(int(usable.max(initial=0)), self._newest.get(contract, 0))
            self._newest[contract] = newest
            closed |= mine & (starts < newest)
        self._held = rows.filter(pa.array(~closed)).sort_by("ts").slice(0, _HELD)
        notices += self._of_held(now)
        return rows.filter(pa.array(closed)), notices

    def _of_held(self, now: datetime) -> list[Notice]:
        """Return what was not told yet of the bars that are held; one of the future speaks for all of them."""
        before, self._told, notices = self._told, set(), []
        for bar in self._held.slice(0, _TOLD).select(["contract", "ts"]).to_pylist():
            starts, name = bar["ts"], f"{bar['contract']} {bar['ts']:%Y-%m-%d %H:%MZ}"
            key = (bar["contract"], starts)
            if starts > now + AHEAD:
                key = ("", _FUTURE)
                sentence = (
                    f"{name} begins after the clock of this machine ({now:%Y-%m-%d %H:%M:%SZ}), so one of them is "
                    f"wrong; it is not stored. Set the clock, or name that of the stamps: [feed] time_zone."
                )
            else:
                sentence = f"{name} came before its minute was over; held until it is."
            if key not in before | self._told:
                notices.append(Notice("future" if starts > now + AHEAD else "unclosed", sentence))
            self._told.add(key)
        return notices


def last_of_each_minute(rows: pa.Table, held: int) -> tuple[pa.Table, list[Notice]]:
    """Return `rows` with the last of those about one minute of a contract, and what is to be told of the others.

    The first `held` rows were there before, so nothing is told of them when a later one takes their place.
    """
    order = rows.append_column("place", pa.array(np.arange(len(rows)))).sort_by(
        [("contract", "ascending"), ("ts", "ascending"), ("place", "ascending")]
    )
    contract = order.column("contract").combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    starts, place = order.column("ts").cast(pa.int64()).to_numpy(), order.column("place").to_numpy()
    again = np.concatenate([(contract[1:] == contract[:-1]) & (starts[1:] == starts[:-1]), [False]])
    if not again.any():
        return rows, []
    kept = order.filter(pa.array(~again)).drop_columns(["place"])
    if not (again & (place >= held)).any():  # only that a held bar has come to its end
        return kept, []
    same = np.ones(len(order), dtype=bool)
    for name in _VALUES:
        values = order.column(name).to_numpy()
        same &= np.concatenate([(values[1:] == values[:-1]) | np.isnan(values[1:] + values[:-1]), [True]])
    repeated = int((again & same & (place >= held)).sum())
    changed = int((again & ~same & (place >= held)).sum())
    notices = []
    if repeated:
        notices.append(Notice("repeated", f"{repeated:,} bars were delivered twice with the same values."))
    if changed:
        notices.append(Notice("repeated", f"{changed:,} bars were delivered twice with other values; the later count."))
    return kept, notices
