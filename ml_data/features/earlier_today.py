"""What the day's earlier ranges came to, as far as it was known: a trade that still runs has no result."""

import numpy as np
from numba import njit

from ml_data.features.base import Feature, FeatureGroup, Floats, Inputs, Ints
from ml_data.kernels import LOSS, NO_BREAK, UP, WIN, find_break, first_at_or_after, walk_trades


@njit(cache=True, nogil=True)
def _compute(inputs: Inputs, out: Floats, newest: Ints) -> None:
    target = np.empty(1, dtype=np.int64)
    end = np.empty((1, 5), dtype=np.int64)
    for event in range(len(inputs.decided)):
        first, now, decided = inputs.first_row[event], inputs.now_row[event], inputs.decided[event]
        day = inputs.day[event]
        newest[event] = inputs.minute[now - 1] + 1 if now > first else inputs.day_starts[day]
        out[event] = 0.0
        out[event, 7] = np.nan
        out[event, 8] = np.nan
        latest = np.int64(-1)
        for opening in range(inputs.range_starts.shape[1]):
            ends = inputs.range_ends[day, opening]
            own = opening == inputs.opening[event]
            if own or ends >= decided or not inputs.range_complete[day, opening]:
                continue
            top, bottom = inputs.range_prices[day, opening, 1], inputs.range_prices[day, opening, 2]
            row = first_at_or_after(inputs.minute, first, now, ends)
            direction, row = find_break(inputs.minute, inputs.close, row, now, decided, top, bottom)
            out[event, 0] += 1.0
            if ends > latest:
                latest = ends
                out[event, 7] = float(direction)
                out[event, 8] = (top - bottom) / inputs.atr[event]
            if direction == NO_BREAK:
                continue
            out[event, 1] += direction
            if top == bottom:
                continue
            entry = inputs.close[row]
            stop = bottom if direction == UP else top
            target[0] = 4 * (2 * entry - stop)
            walk_trades(
                inputs.minute, inputs.high, inputs.low, row + 1, now, decided, direction, entry, 4 * stop, target, end
            )
            state = end[0, 0]
            if state == WIN:
                out[event, 2] += 1.0
                out[event, 4] += 1.0
            elif state == LOSS:
                out[event, 3] += 1.0
                out[event, 4] -= 1.0
            else:
                out[event, 5] += 1.0
                out[event, 6] += direction * (inputs.close[now - 1] - entry) / abs(entry - stop)


_FIRST = "no earlier range today"

GROUP = FeatureGroup(
    name="earlier_today",
    inputs="the day's earlier complete ranges and the bars since, up to the moment of the event",
    features=(
        Feature("earlier_ranges", "count", "Earlier ranges of the day that are complete."),
        Feature("earlier_breaks", "count", "Breaks up minus breaks down among them so far."),
        Feature("earlier_wins", "count", "Plain trades among them that have closed at their target."),
        Feature("earlier_losses", "count", "Plain trades among them that have closed at their stop."),
        Feature("earlier_closed_r", "R", "Gross R of those closed trades."),
        Feature("earlier_open", "count", "Plain trades among them that still run."),
        Feature("earlier_open_r", "R", "Gross R of those at the last close; not a result."),
        Feature("last_range_direction", "-1, 0, 1", "Break of the latest earlier range so far; 0 is none yet.", _FIRST),
        Feature("last_range_size_atr", "ATR", "Size of the latest earlier range.", f"{_FIRST}, or no ATR yet"),
    ),
    compute=_compute,
)
