"""How far and how restlessly the price moved over the last minutes and hours, on the day's own contract."""

import numpy as np
from numba import njit

from ml_data.features.base import Feature, FeatureGroup, Floats, Inputs, Ints
from ml_data.kernels import first_at_or_after

HORIZONS = (5, 15, 30, 60, 120, 240, 480)


@njit(cache=True, nogil=True)
def _compute(inputs: Inputs, out: Floats, newest: Ints) -> None:
    count = len(HORIZONS)
    for event in range(len(inputs.decided)):
        out[event] = np.nan
        first, now, decided = inputs.first_row[event], inputs.now_row[event], inputs.decided[event]
        if now == first:
            newest[event] = inputs.day_starts[inputs.day[event]]
            continue
        newest[event] = inputs.minute[now - 1] + 1
        last, atr = inputs.close[now - 1], inputs.atr[event]
        squares, seen, row = 0.0, 0, now - 1
        for index in range(count):
            since = decided - HORIZONS[index]
            while row > first and inputs.minute[row] >= since:
                change = float(inputs.close[row] - inputs.close[row - 1])
                squares += change * change
                seen += 1
                row -= 1
            start = first_at_or_after(inputs.minute, first, now, since)
            if start in (first, now):
                continue
            out[event, index] = (last - inputs.close[start - 1]) / atr
            if seen > 0:
                out[event, count + index] = np.sqrt(squares) / atr
        fast, slow = out[event, count + 2], out[event, count + 5]
        if slow > 0.0:
            out[event, 2 * count] = (fast / np.sqrt(30.0)) / (slow / np.sqrt(240.0))


GROUP = FeatureGroup(
    name="returns",
    inputs="closes of the last 480 minutes, ATR(14)",
    features=(
        *(
            Feature(
                f"return_{horizon}m",
                "ATR",
                f"Last close minus the last close {horizon} minutes earlier, over ATR(14).",
                f"no bar in the last {horizon} minutes, none before them, or no ATR yet",
            )
            for horizon in HORIZONS
        ),
        *(
            Feature(
                f"realised_volatility_{horizon}m",
                "ATR",
                f"Root of the summed squared changes from close to close in the last {horizon} minutes, over ATR(14).",
                f"no bar in the last {horizon} minutes, none before them, or no ATR yet",
            )
            for horizon in HORIZONS
        ),
        Feature(
            "volatility_30m_to_240m",
            "ratio",
            "Realised volatility a minute over the last 30 minutes against the last 240.",
            "either is missing, or nothing moved in 240 minutes",
        ),
    ),
    compute=_compute,
)
