"""Volumes that say nothing, as vendors write them: none, empty, or -1. Each becomes 0, and the report says so."""

from typing import Any, Final

import numpy as np
import pyarrow as pa

NO_COLUMN: Final = "the file has no volume, 0 is stored"
"""What to say of a file without a volume column."""

_UNKNOWN: Final = "volume -1, which means unknown, is stored as 0"
_EMPTY: Final = "volume is empty and stored as 0"


def usable_volume(volume: pa.ChunkedArray | None, rows: int) -> tuple[Any, tuple[tuple[str, int], ...]]:
    """Return `volume` as float64 with 0 where it says nothing, and what was done in how many rows.

    None is a file without volume. An empty cell is left NaN where other rows have volumes: that row is damaged.

    >>> usable_volume(pa.chunked_array([[5.0, -1.0]]), 2)[1]
    (('volume -1, which means unknown, is stored as 0', 1),)
    """
    if volume is None:
        return pa.chunked_array([pa.array(np.zeros(rows))]), ()
    values = volume.cast(pa.float64()).fill_null(float("nan")).to_numpy()
    unknown = values == -1
    empty = np.isnan(values)
    if not (empty.all() and rows):
        empty[:] = False
    done = ((_UNKNOWN, int(unknown.sum())), (_EMPTY, int(empty.sum())))
    return pa.chunked_array([pa.array(np.where(unknown | empty, 0.0, values))]), tuple(d for d in done if d[1])
