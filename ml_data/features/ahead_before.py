"""What came in the four hours after the same range on the 20 trading days before, each in its own day's contract."""

import numpy as np
from numba import njit

from ml_data.features.base import Feature, FeatureGroup, Floats, Inputs, Ints
from trading.domain.label import ORB_COMPLETE

DAYS_BACK = 20
LEAST = 10


@njit(cache=True, nogil=True)
def _compute(inputs: Inputs, out: Floats, newest: Ints) -> None:
    for event in range(len(inputs.decided)):
        day, opening = inputs.day[event], inputs.opening[event]
        out[event] = np.nan
        newest[event] = inputs.day_starts[day]
        sums = np.zeros(3)
        squares = 0.0
        count = 0
        for earlier in range(max(0, day - DAYS_BACK), day):
            if np.isnan(inputs.ahead[earlier, opening, 0]):
                continue
            for column in range(3):
                sums[column] += np.log(inputs.ahead[earlier, opening, column] + 1.0)
            squares += np.log(inputs.ahead[earlier, opening, 0] + 1.0) ** 2
            count += 1
        size = inputs.range_prices[day, opening, 1] - inputs.range_prices[day, opening, 2]
        if count < LEAST or size <= 0:
            continue
        newest[event] = max(newest[event], inputs.range_ends[day, opening])
        for column in range(3):
            out[event, column] = sums[column] / count - np.log(float(size))
        out[event, 3] = np.sqrt(max(0.0, squares / count - (sums[0] / count) ** 2))


_TOO_FEW = "fewer than 10 such days among the 20"

GROUP = FeatureGroup(
    name="ahead_before",
    inputs="high and low of the four hours after the same range on the 20 trading days before; the range's size",
    features=(
        Feature("range_ahead_20d", "log ORB", "Mean log of the travel after it, over the range's size.", _TOO_FEW),
        Feature("rise_ahead_20d", "log ORB", "Mean log of the rise after it, over the range's size.", _TOO_FEW),
        Feature("fall_ahead_20d", "log ORB", "Mean log of the fall after it, over the range's size.", _TOO_FEW),
        Feature("range_ahead_spread_20d", "log", "Standard deviation of the log travel after it.", _TOO_FEW),
    ),
    compute=_compute,
    events=(ORB_COMPLETE,),
    usual=False,
)
