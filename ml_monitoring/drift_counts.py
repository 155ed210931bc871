"""The counting behind drift, compiled: rows of every window of days by cell, and how far each is from the reference."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ml_models.scores import FloatArray


@njit(cache=True, nogil=True)
def windows_by_cell(
    values: FloatArray,
    day: NDArray[np.intp],
    reference: NDArray[np.bool_],
    edges: FloatArray,
    window: int,
    groups: int,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return rows up to each cell in every window (W, C), in the reference (C,), and each window's KS distance (W,).

    `values` (n,) of days `day`, numbered from 0 to `groups` - 1; `edges` rise: the upper ends of the cells, included.
    NaN is the last of the C cells.
    """
    cells = len(edges) + 2
    by_day, expected = np.zeros((groups, cells)), np.zeros(cells)
    for row in range(len(values)):
        cell = cells - 1 if np.isnan(values[row]) else np.searchsorted(edges, values[row])
        by_day[day[row], cell] += 1.0
        if reference[row]:
            expected[cell] += 1.0
    for cell in range(1, cells):
        expected[cell] += expected[cell - 1]
    up_to, ks = np.empty((groups - window + 1, cells)), np.zeros(groups - window + 1)
    within = np.zeros(cells)
    for last in range(groups):
        for cell in range(cells):
            within[cell] += by_day[last, cell] - (by_day[last - window, cell] if last >= window else 0.0)
        place = last - window + 1
        if place < 0:
            continue
        total = 0.0
        for cell in range(cells):
            total += within[cell]
            up_to[place, cell] = total
        for cell in range(cells - 1):
            ks[place] = max(ks[place], abs(up_to[place, cell] / total - expected[cell] / expected[cells - 1]))
    return up_to, expected, ks
