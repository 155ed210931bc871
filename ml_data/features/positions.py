"""Where the price stands in what it has recently travelled."""

import numpy as np
from numba import njit

from ml_data.features.base import Feature, FeatureGroup, Floats, Inputs, Ints

HOURS = (1, 4, 24)


@njit(cache=True, nogil=True)
def _compute(inputs: Inputs, out: Floats, newest: Ints) -> None:
    for event in range(len(inputs.decided)):
        out[event] = np.nan
        first, now, decided = inputs.first_row[event], inputs.now_row[event], inputs.decided[event]
        day_start = inputs.day_starts[inputs.day[event]]
        if now == first:
            newest[event] = day_start
            continue
        newest[event] = inputs.minute[now - 1] + 1
        last, atr = inputs.close[now - 1], inputs.atr[event]
        row = now - 1
        top, bottom = inputs.high[row], inputs.low[row]
        for index in range(len(HOURS)):
            since = decided - HOURS[index] * 60
            while row >= first and inputs.minute[row] >= since:
                top, bottom = max(top, inputs.high[row]), min(bottom, inputs.low[row])
                row -= 1
            if inputs.minute[now - 1] < since:
                continue
            out[event, 2 * index] = (last - bottom) / (top - bottom) if top > bottom else np.nan
            out[event, 2 * index + 1] = (top - bottom) / atr
        row = now - 1
        if inputs.minute[row] < day_start:
            continue
        top, bottom = inputs.high[row], inputs.low[row]
        while row >= first and inputs.minute[row] >= day_start:
            top, bottom = max(top, inputs.high[row]), min(bottom, inputs.low[row])
            row -= 1
        out[event, 6] = (last - bottom) / (top - bottom) if top > bottom else np.nan
        out[event, 7] = (top - bottom) / atr
        out[event, 8] = (last - inputs.open[row + 1]) / atr


_NO_BARS = "no bar in that time, or it did not move"

GROUP = FeatureGroup(
    name="positions",
    inputs="bars of the last 24 hours and of the day so far, ATR(14)",
    features=(
        Feature("position_1h", "0 to 1", "(last close - low) / (high - low) of the last hour.", _NO_BARS),
        Feature(
            "travel_1h", "ATR", "High minus low of the last hour, over ATR(14).", "no bar in that time, or no ATR yet"
        ),
        Feature("position_4h", "0 to 1", "(last close - low) / (high - low) of the last 4 hours.", _NO_BARS),
        Feature(
            "travel_4h", "ATR", "High minus low of the last 4 hours, over ATR(14).", "no bar in that time, or no ATR"
        ),
        Feature("position_24h", "0 to 1", "(last close - low) / (high - low) of the last 24 hours.", _NO_BARS),
        Feature(
            "travel_24h", "ATR", "High minus low of the last 24 hours, over ATR(14).", "no bar in that time, or no ATR"
        ),
        Feature("position_day", "0 to 1", "(last close - low) / (high - low) of the day so far.", _NO_BARS),
        Feature("travel_day", "ATR", "High minus low of the day so far, over ATR(14).", "no bar today, or no ATR yet"),
        Feature(
            "return_day", "ATR", "Last close minus the day's first open, over ATR(14).", "no bar today, or no ATR yet"
        ),
    ),
    compute=_compute,
)
