"""The range itself: how large, how full, and above all where it closed."""

from typing import Final

import numpy as np
from numba import njit

from ml_data.features.base import Feature, FeatureGroup, Floats, Inputs, Ints
from ml_data.kernels import first_at_or_after

OVERSHOOT: Final = 0.5826
"""How far beyond a barrier a walk lies on average when it is first seen there, in standard deviations of one step:
-zeta(1/2) / sqrt(2 pi) (Chernoff 1965; Siegmund, Sequential Analysis, 1985)."""

STEP_MINUTES: Final = 15
"""Minutes whose changes say how large one minute's step is."""


@njit(cache=True, nogil=True)
def martingale_up(above: float, below: float, step: float) -> float:
    """Return P(first close outside is above) of a walk without drift, `above` and `below` ticks from the edges.

    Gambler's ruin, corrected for what a trader's rule really is: the close must lie outside, so each barrier is one
    tick beyond its edge, and closes are seen once a minute, so the walk overshoots it by 0.5826 of a step's deviation.
    Without the correction the baseline is over-confident near the edges, and any model that merely learns to be less so
    would seem to have skill. `step` is the deviation of one minute's change in ticks; NaN counts as 0.
    """
    margin = 1.0 + (0.0 if np.isnan(step) else OVERSHOOT * step)
    up: float = (below + margin) / (above + below + 2.0 * margin)
    return up


@njit(cache=True, nogil=True)
def _step(inputs: Inputs, event: int, row: int, ends: int) -> float:
    """Return the root mean square change from close to close over the 15 minutes to `ends`, in ticks a minute.

    `row` is the last bar that starts before `ends`.
    """
    first = inputs.first_row[event]
    squares = 0.0
    since = ends - STEP_MINUTES
    while row > first and inputs.minute[row] >= since:
        change = float(inputs.close[row] - inputs.close[row - 1])
        squares += change * change
        row -= 1
    return float(np.sqrt(squares / STEP_MINUTES))


@njit(cache=True, nogil=True)
def _compute(inputs: Inputs, out: Floats, newest: Ints) -> None:
    for event in range(len(inputs.decided)):
        day, opening = inputs.day[event], inputs.opening[event]
        begins, ends = inputs.range_starts[day, opening], inputs.range_ends[day, opening]
        now = first_at_or_after(inputs.minute, inputs.first_row[event], inputs.now_row[event], ends)
        row = first_at_or_after(inputs.minute, inputs.first_row[event], now, begins)
        hour = first_at_or_after(inputs.minute, inputs.first_row[event], now, begins - 60)
        out[event] = np.nan
        if row >= now:
            newest[event] = begins
            continue
        newest[event] = inputs.minute[now - 1] + 1
        top, bottom, total = inputs.high[row], inputs.low[row], 0.0
        top_row = bottom_row = row
        for index in range(row, now):
            if inputs.high[index] > top:
                top, top_row = inputs.high[index], index
            if inputs.low[index] < bottom:
                bottom, bottom_row = inputs.low[index], index
            total += inputs.volume[index]
        size = top - bottom
        first, last = inputs.open[row], inputs.close[now - 1]
        out[event, 0] = size
        out[event, 1] = size / inputs.atr[event]
        if size > 0:
            out[event, 2] = (last - first) / size
            out[event, 3] = (last - bottom) / size
            out[event, 4] = (first - bottom) / size
            out[event, 5] = (inputs.close[now - 1] - inputs.open[now - 1]) / size
            out[event, 6] = (top_row > bottom_row) * 1.0 - (top_row < bottom_row) * 1.0
        out[event, 7] = now - row
        before = 0.0
        for index in range(hour, row):
            before += inputs.volume[index]
        out[event, 9] = martingale_up(float(top - last), float(last - bottom), _step(inputs, event, now - 1, ends))
        if before > 0.0:
            out[event, 8] = (total / (ends - begins)) / (before / 60.0)


GROUP = FeatureGroup(
    name="opening_range",
    inputs="the bars of the range, closes of the last 15 minutes, the volume of the hour before it, ATR(14)",
    features=(
        Feature("range_size", "ticks", "High minus low of the range.", "no bar in the range"),
        Feature("range_size_atr", "ATR", "Size of the range over ATR(14).", "no ATR yet"),
        Feature("range_body", "-1 to 1", "Close minus open of the range over its size.", "size 0"),
        Feature(
            "range_close_position",
            "0 to 1",
            "Where the range closed: (close - low) / size. By far the most that is known of the direction.",
            "size 0",
        ),
        Feature("range_open_position", "0 to 1", "Where the range opened: (open - low) / size.", "size 0"),
        Feature("range_last_bar", "-1 to 1", "Close minus open of the range's last bar over the size.", "size 0"),
        Feature(
            "range_high_came_last", "-1, 0, 1", "1 when the high came after the low, -1 before, 0 same bar.", "size 0"
        ),
        Feature("range_bars", "bars", "Minutes of the range that traded."),
        Feature(
            "range_volume_to_hour",
            "ratio",
            "Volume a minute in the range over volume a minute in the hour before it.",
            "no volume in the hour before",
            needs_volume=True,
        ),
        Feature(
            "martingale_up",
            "probability",
            "P(UP) of a walk without drift from where the range closed: the baseline of every direction model.",
        ),
    ),
    compute=_compute,
)
