"""The compiled passes that look for bars that can hardly be true: lone spikes, jumps of the level, regular steps.

Prices are float64 in any one unit; `minute` is the start in minutes since the Unix epoch, sorted. All bars are of one
contract. Each pass writes rows into arrays as long as the bars and returns how many it wrote.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

BEFORE: Final = 10
AFTER: Final = 5
APART: Final = 2
"""A bar is compared with the 10 bars that end 2 before it and the 5 that begin 2 after it, so that a fault of two
minutes does not hide itself."""

DECIDED: Final = APART + AFTER - 1
"""So many bars later nothing that follows changes what is said of a bar."""

MOST_DISTANCE: Final = 3 * 1440  # minutes to the farthest bar that is compared
_CLOSE_STEP: Final = 5  # minutes between bars that say something of each other
_CLOSE_STEPS: Final = 10  # of the 13 steps among the bars compared

LEAST_SHARE: Final = 0.005  # of the price that a spike reaches beyond its neighbours, at the least
LARGE_SHARE: Final = 0.02  # from here on its volume does not excuse it
_SCALES: Final = 10.0  # ranges of a usual bar
_REACHES: Final = 4.0  # ranges of the second largest bar near by
_LARGE_REACHES: Final = 3.0
_BUSY: Final = 8.0  # a bar that traded so many times the usual volume was a battle, not a mistake


@njit(cache=True, nogil=True)
def find_spikes(minute: Ints, high: Floats, low: Floats, close: Floats, volume: Floats, rows: Ints) -> int:
    """Write the rows that reach far beyond the bars before and after them; only rows with `DECIDED` more are judged."""
    count = 0
    highs, lows, ranges, volumes = np.empty(15), np.empty(15), np.empty(15), np.empty(15)
    for row in range(BEFORE + APART - 1, len(minute) - DECIDED):
        least = LEAST_SHARE * close[row]
        # The bar before and the one after stand aside; a spike of two bars goes beyond the two next to those.
        if high[row] - max(high[row - 2], high[row + 2]) < least and min(low[row - 2], low[row + 2]) - low[row] < least:
            continue
        first, last = row - APART - BEFORE + 1, row + DECIDED
        if minute[row] - minute[first] > MOST_DISTANCE or minute[last] - minute[row] > MOST_DISTANCE:
            continue
        near = 0
        for place in range(BEFORE + AFTER):
            other = first + place if place < BEFORE else row + APART + place - BEFORE
            highs[place], lows[place] = high[other], low[other]
            ranges[place], volumes[place] = high[other] - low[other], volume[other]
            if place not in (0, BEFORE):
                near += minute[other] - minute[other - 1] <= _CLOSE_STEP
        if near < _CLOSE_STEPS:
            continue
        # The second largest: another spike near by must not hide this one.
        beyond = max(high[row] - np.sort(highs)[-2], np.sort(lows)[1] - low[row])
        scale = max(np.median(ranges[:BEFORE]), np.median(ranges[BEFORE:]))
        reach = np.sort(ranges)[-2]
        large = beyond >= LARGE_SHARE * close[row]
        if beyond < least or beyond < _SCALES * scale or beyond < (_LARGE_REACHES if large else _REACHES) * reach:
            continue
        usual = np.median(volumes)
        if large or usual <= 0.0 or volume[row] <= _BUSY * usual:
            rows[count] = row
            count += 1
    return count


@njit(cache=True, nogil=True)
def find_jumps(close: Floats, least_ratio: float, rows: Ints) -> int:
    """Write the rows whose close is `least_ratio` times the close before or more, or that part of it or less."""
    count = 0
    for row in range(1, len(close)):
        ratio = close[row] / close[row - 1]
        if ratio >= least_ratio or ratio <= 1.0 / least_ratio:
            rows[count] = row
            count += 1
    return count


@njit(cache=True, nogil=True)
def find_steps(minute: Ints, least_surprise: float, longest: int, first: Ints, last: Ints) -> int:
    """Write first and last row of each run in which every bar starts the same 2 to `longest` minutes after another.

    Among one-minute bars a step of k minutes is met less often than once in k, so a run of n steps has a surprise of
    n * ln(k) nats or more; runs below `least_surprise` are left out.
    """
    count, start = 0, 0
    for row in range(1, len(minute) + 1):
        step = minute[start + 1] - minute[start] if start + 1 < len(minute) else 0
        if row < len(minute) and minute[row] - minute[row - 1] == step:
            continue
        if 1 < step <= longest and (row - 1 - start) * np.log(step) >= least_surprise:
            first[count], last[count] = start, row - 1
            count += 1
        start = row - 1
    return count
