"""Momentum over days, always on the event's own contract: prices are never differenced across a roll."""

import numpy as np
from numba import njit

from ml_data.features.base import Feature, FeatureGroup, Floats, Inputs, Ints

DAYS = (1, 3, 5, 10, 20)


@njit(cache=True, nogil=True)
def _compute(inputs: Inputs, out: Floats, newest: Ints) -> None:
    for event in range(len(inputs.decided)):
        first, now, atr = inputs.own_first[event], inputs.own_now[event], inputs.atr[event]
        out[event] = np.nan
        newest[event] = inputs.own_until[now - 1] if now > first else inputs.day_starts[inputs.day[event]]
        for index in range(len(DAYS)):
            if now - first >= DAYS[index] + 1:
                out[event, index] = (inputs.own_close[now - 1] - inputs.own_close[now - 1 - DAYS[index]]) / atr
        if now - first >= 20:
            top, bottom = inputs.own_high[now - 20], inputs.own_low[now - 20]
            for day in range(now - 19, now):
                top, bottom = max(top, inputs.own_high[day]), min(bottom, inputs.own_low[day])
            if top > bottom:
                out[event, 5] = (inputs.own_close[now - 1] - bottom) / (top - bottom)
        if now - first >= 6:
            rises = 0
            for day in range(now - 5, now):
                rises += inputs.own_close[day] > inputs.own_close[day - 1]
            out[event, 6] = rises


GROUP = FeatureGroup(
    name="momentum",
    inputs="daily highs, lows and closes of the own contract over 21 days before the event's day, ATR(14)",
    features=(
        *(
            Feature(
                f"momentum_{days}d",
                "ATR",
                f"Previous day's close minus the close {days} trading days before it, own contract.",
                f"fewer than {days + 1} days of the own contract, or no ATR yet",
            )
            for days in DAYS
        ),
        Feature(
            "position_20d",
            "0 to 1",
            "Previous close within the high and low of 20 days.",
            "fewer than 20 days, or they did not move",
        ),
        Feature("up_days_5d", "count", "Days of the last five that closed above the day before.", "fewer than 6 days"),
    ),
    compute=_compute,
)
