"""What imported bars change in what is stored: which are new, which are known, which differ."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_data.bar_checks import row_keys
from trading.domain.bar import MINUTE_US

_VALUES: Final = ("open", "high", "low", "close", "volume")
_DAY_MINUTES: Final = 1_440


@dataclass(frozen=True)
class Changes:
    """Imported bars against stored ones. `revised` and `before` have the same rows: the new values and the stored."""

    new: pa.Table
    revised: pa.Table
    before: pa.Table
    unchanged: int


def changes(rows: pa.Table, stored: pa.Table) -> Changes:
    """Return what `rows` change in the bars `stored`; both unique by (contract, ts), in any order."""
    if len(stored) == 0:
        return Changes(rows, rows.slice(0, 0), stored, 0)
    key, contracts = row_keys(rows)
    stored_key, _ = row_keys(stored, contracts)
    order = np.argsort(stored_key, kind="stable")
    stored_key = stored_key[order]
    place = np.minimum(np.searchsorted(stored_key, key), len(stored_key) - 1)
    known = stored_key[place] == key
    match = order[place]
    differs = np.zeros(len(rows), dtype=bool)
    for name in _VALUES:
        differs |= rows.column(name).to_numpy() != stored.column(name).to_numpy()[match]
    revised = known & differs
    return Changes(
        new=rows.filter(pa.array(~known)),
        revised=rows.filter(pa.array(revised)),
        before=stored.take(pa.array(match[revised])),
        unchanged=int((known & ~differs).sum()),
    )


def changed_spans(stamps: list[pa.ChunkedArray]) -> pa.Table:
    """Return the spans (`first_ts`, `last_ts`) that hold all `stamps`, full minutes, and no whole day without one."""
    return joined_spans([_spans_of(part.cast(pa.int64()).to_numpy() // MINUTE_US) for part in stamps])


def joined_spans(parts: list[pa.Table]) -> pa.Table:
    """Return as one what `changed_spans` said of parts of the stamps."""
    both = pa.concat_tables([_spans(*np.empty((2, 0), np.int64)), *parts])
    first, last = (both.column(name).cast(pa.int64()).to_numpy() // MINUTE_US for name in ("first_ts", "last_ts"))
    order = np.argsort(first, kind="stable")
    first, reached = first[order], np.maximum.accumulate(last[order])
    starts = np.concatenate([[True], first[1:] - reached[:-1] > _DAY_MINUTES])[: len(first)]
    ends = np.concatenate([starts[1:], [True]])[: len(first)]
    return _spans(first[starts], reached[ends])


def _spans_of(minutes: npt.NDArray[np.int64]) -> pa.Table:
    start, end = (minutes.min(), minutes.max()) if len(minutes) else (0, -1)
    changed = np.zeros(end - start + 1, dtype=bool)
    changed[minutes - start] = True
    instants = start + np.flatnonzero(changed)  # sorted and unique, without sorting
    starts = np.concatenate([[True], np.diff(instants) > _DAY_MINUTES])[: len(instants)]
    ends = np.concatenate([starts[1:], [True]])[: len(instants)]
    return _spans(instants[starts], instants[ends])


def _spans(first: npt.NDArray[np.int64], last: npt.NDArray[np.int64]) -> pa.Table:
    ts = pa.timestamp("us", tz="UTC")
    return pa.table({"first_ts": pa.array(first * MINUTE_US).cast(ts), "last_ts": pa.array(last * MINUTE_US).cast(ts)})
