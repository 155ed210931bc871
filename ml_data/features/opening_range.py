"""The range itself: how large, how full, and above all where it closed."""

import numpy as np
from numba import njit

from ml_data.features.base import Feature, FeatureGroup, Floats, Inputs, Ints
from ml_data.kernels import first_at_or_after


@njit(cache=True, nogil=True)
def _compute(inputs: Inputs, out: Floats, newest: Ints) -> None:
    for event in range(len(inputs.decided)):
        day, opening = inputs.day[event], inputs.opening[event]
        begins = inputs.range_starts[day, opening]
        now = inputs.now_row[event]
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
        if before > 0.0:
            out[event, 8] = (total / (inputs.decided[event] - begins)) / (before / 60.0)


GROUP = FeatureGroup(
    name="opening_range",
    inputs="the bars of the range, the volume of the hour before it, ATR(14)",
    features=(
        Feature("range_size", "ticks", "High minus low of the range.", "no bar in the range"),
        Feature("range_size_atr", "ATR", "Size of the range over ATR(14).", "no ATR yet"),
        Feature("range_body", "-1 to 1", "Close minus open of the range over its size.", "size 0"),
        Feature(
            "range_close_position",
            "0 to 1",
            "Where the range closed: (close - low) / size. On a driftless walk this is P(UP): the martingale.",
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
        ),
    ),
    compute=_compute,
)
