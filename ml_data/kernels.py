"""The compiled passes that walk bars in order: windows, breaks, trades.

Everything here is exact integer arithmetic on ticks. A midpoint needs half ticks and a target of 1.5 R from a midpoint
stop needs quarter ticks, so stops and targets are **quarter ticks** and prices are multiplied by 4 where they meet.
`tests/ml_data/plain_history.py` is the plain twin that these passes must equal.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

UP: Final = 1
DOWN: Final = -1
NO_BREAK: Final = 0
UNDECIDED: Final = 2

WIN: Final = 1
LOSS: Final = 2
EXPIRED: Final = 3
OPEN: Final = 4
NO_TRADE: Final = 0


@njit(cache=True, nogil=True)
def first_at_or_after(minute: Ints, low: int, high: int, wanted: int) -> int:
    """Return the first row in `[low, high)` whose minute is `wanted` or later; `high` if there is none."""
    while low < high:
        middle = (low + high) >> 1
        if minute[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def first_rows(minute: Ints, row_from: Ints, row_to: Ints, wanted: Ints, rows: Ints) -> None:
    """Write for each day (n,) and wanted minute (n, W) the first of the day's rows that starts then or later."""
    for day in range(wanted.shape[0]):
        for window in range(wanted.shape[1]):
            rows[day, window] = first_at_or_after(minute, row_from[day], row_to[day], wanted[day, window])


@njit(cache=True, nogil=True)
def sum_by_day(
    minute: Ints, volume: Floats, offsets: Ints, starts: Ints, ends: Ints, sums: Floats, counts: Ints
) -> None:
    """Add up `volume` and count bars by day and contract into `sums` and `counts` (n days, c contracts).

    Days `[starts, ends)` are in order.
    """
    for contract in range(len(offsets) - 1):
        row = offsets[contract]
        stop = offsets[contract + 1]
        for day in range(len(starts)):
            row = first_at_or_after(minute, row, stop, starts[day])
            first, total = row, sums[day, contract]
            while row < stop and minute[row] < ends[day]:
                total += volume[row]
                row += 1
            sums[day, contract] = total
            counts[day, contract] += row - first


@njit(cache=True, nogil=True)
def window_bars(
    minute: Ints,
    open_: Ints,
    high: Ints,
    low: Ints,
    close: Ints,
    volume: Floats,
    row_from: Ints,
    row_to: Ints,
    starts: Ints,
    ends: Ints,
    prices: Ints,
    volumes: Floats,
    counts: Ints,
) -> None:
    """Write open, high, low, close, volume and bar count of each window.

    `row_from`, `row_to` (n,) bound the rows of each day's own contract; `starts`, `ends` (n, W) are minutes, `[start,
    end)`. Written: `prices` (n, W, 4) in ticks, `volumes` (n, W), `counts` (n, W); a window without bars stays 0.
    """
    for day in range(starts.shape[0]):
        for window in range(starts.shape[1]):
            row = first_at_or_after(minute, row_from[day], row_to[day], starts[day, window])
            count = 0
            top = bottom = last = 0
            total = 0.0
            while row < row_to[day] and minute[row] < ends[day, window]:
                if count == 0:
                    prices[day, window, 0] = open_[row]
                    top, bottom = high[row], low[row]
                top = max(top, high[row])
                bottom = min(bottom, low[row])
                last = close[row]
                total += volume[row]
                count += 1
                row += 1
            prices[day, window, 1] = top
            prices[day, window, 2] = bottom
            prices[day, window, 3] = last
            volumes[day, window] = total
            counts[day, window] = count


@njit(cache=True, nogil=True)
def find_break(minute: Ints, close: Ints, row: int, row_to: int, until: int, top: int, bottom: int) -> tuple[int, int]:
    """Return (direction, row) of the first close outside `[bottom, top]` in rows from `row` that start before `until`.

    Without one: (NO_BREAK, row_to).
    """
    while row < row_to and minute[row] < until:
        if close[row] > top:
            return UP, row
        if close[row] < bottom:
            return DOWN, row
        row += 1
    return NO_BREAK, row_to


@njit(cache=True, nogil=True)
def walk_trades(
    minute: Ints,
    high: Ints,
    low: Ints,
    row: int,
    row_to: int,
    until: int,
    direction: int,
    entry: int,
    stop4: int,
    targets4: Ints,
    ends: Ints,
) -> None:
    """Walk trades entered at the close of the bar before `row`, alike but for their targets, and write how each ended.

    `targets4` (K,) lie further and further from the entry. `ends` (K, 5) are: state (WIN, LOSS, or OPEN when neither
    level was touched before `until` or the rows' end), the row of the last bar walked (`row - 1` if none), worst and
    best excursion in quarter ticks (0 or more), and 1 where stop and target lay in one bar. Such a bar is a loss. What
    a bar may have done after the exit is not counted: a stopped trade's worst is the stop and its last bar adds nothing
    to its best, a won trade's best is the target.
    """
    risk = abs(entry * 4 - stop4)
    worst = best = won = 0
    stopped = False
    reached = 0
    last = row - 1
    while row < row_to and minute[row] < until and won < len(targets4):
        if direction == UP:
            against = (entry - low[row]) * 4
            reached = (high[row] - entry) * 4
        else:
            against = (high[row] - entry) * 4
            reached = (entry - low[row]) * 4
        last = row
        if against >= risk:
            stopped = True
            break
        worst = max(worst, against)
        while won < len(targets4) and reached >= abs(targets4[won] - entry * 4):
            ends[won, 0], ends[won, 1], ends[won, 2] = WIN, last, worst
            ends[won, 3], ends[won, 4] = abs(targets4[won] - entry * 4), 0
            won += 1
        best = max(best, reached)
        row += 1
    for trade in range(won, len(targets4)):
        ends[trade, 0], ends[trade, 1] = LOSS if stopped else OPEN, last
        ends[trade, 2], ends[trade, 3] = risk if stopped else worst, best
        ends[trade, 4] = 1 if stopped and reached >= abs(targets4[trade] - entry * 4) else 0


@njit(cache=True, nogil=True)
def breaks_and_trades(
    minute: Ints,
    high: Ints,
    low: Ints,
    close: Ints,
    row_to: Ints,
    range_rows: Ints,
    day_ends: Ints,
    day_closes: Ints,
    session_ends: Ints,
    tops: Ints,
    bottoms: Ints,
    tradable: npt.NDArray[np.bool_],
    known_through: int,
    double_rewards: Ints,
    directions: Ints,
    break_rows: Ints,
    trades: Ints,
) -> None:
    """Find the break of each complete range and resolve every trade rule on it.

    Shapes: days n, ranges O, rules K = stops (full, half) x rewards x windows (day, session), in that order.
    `range_rows` (n, O) is the first row at or after the range's end; `double_rewards` (twice the rewards) rise;
    `known_through` is the minute up to which bars are known; a day is over at `day_closes`, by schedule. Written:
    `directions` (n, O), `break_rows` (n, O), `trades` (n, O, K, 8): state, exit row, stop4, target4, worst4, best4,
    ambiguous, risk4. A trade still running when the bars end stays OPEN; one whose window is over is EXPIRED at the
    last bar in it.
    """
    rewards = len(double_rewards)
    targets4 = np.empty(rewards, dtype=np.int64)
    ends = np.empty((rewards, 5), dtype=np.int64)
    for day in range(tops.shape[0]):
        for opening in range(tops.shape[1]):
            if not tradable[day, opening]:
                continue
            top, bottom = tops[day, opening], bottoms[day, opening]
            direction, row = find_break(
                minute, close, range_rows[day, opening], row_to[day], day_ends[day], top, bottom
            )
            if direction == NO_BREAK:
                directions[day, opening] = NO_BREAK if known_through >= day_closes[day] else UNDECIDED
                continue
            directions[day, opening] = direction
            break_rows[day, opening] = row
            if top == bottom:
                continue
            entry = close[row]
            for stop in range(2):
                edge4 = 4 * (bottom if direction == UP else top)
                stop4 = edge4 if stop == 0 else 2 * (top + bottom)
                risk4 = abs(4 * entry - stop4)
                for reward in range(rewards):
                    targets4[reward] = 4 * entry + direction * (risk4 * double_rewards[reward] // 2)
                for window in range(2):
                    until = day_ends[day] if window == 0 else session_ends[day, opening]
                    if minute[row] >= until:
                        continue
                    walk_trades(minute, high, low, row + 1, row_to[day], until, direction, entry, stop4, targets4, ends)
                    over = known_through >= min(until, day_closes[day])
                    for reward in range(rewards):
                        out = trades[day, opening, (stop * rewards + reward) * 2 + window]
                        out[0] = EXPIRED if over and ends[reward, 0] == OPEN else ends[reward, 0]
                        out[1] = ends[reward, 1]
                        out[2] = stop4
                        out[3] = targets4[reward]
                        out[4:7] = ends[reward, 2:5]
                        out[7] = risk4
