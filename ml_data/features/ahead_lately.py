"""Whether the market has lately travelled farther, or less far, than its own ranges of the last weeks would have it."""

import numpy as np
from numba import njit

from ml_data.features.ahead_before import DAYS_BACK, LEAST
from ml_data.features.base import Feature, FeatureGroup, Floats, Inputs, Ints
from trading.domain.label import ORB_COMPLETE

OUTCOMES = 6
"""The newest outcomes that are looked at: those of about a day."""

DAYS_NEAR = 5
"""How many trading days before its own an event looks for them."""


@njit(cache=True, nogil=True)
def _compute(inputs: Inputs, out: Floats, newest: Ints) -> None:
    logs = np.log(inputs.ahead[:, :, 0] + 1.0)
    openings = logs.shape[1]
    off = np.empty(openings * (DAYS_NEAR + 1))
    ends = np.empty(len(off), dtype=np.int64)
    for event in range(len(inputs.decided)):
        out[event, 0] = np.nan
        newest[event] = inputs.day_starts[inputs.day[event]]
        count, day = 0, inputs.day[event]
        while count < OUTCOMES and day >= max(0, inputs.day[event] - DAYS_NEAR):
            for opening in range(openings):
                if np.isnan(logs[day, opening]) or inputs.ahead_ends[day, opening] > inputs.decided[event]:
                    continue
                usual = _usual(logs, day, opening)
                if not np.isnan(usual):
                    off[count], ends[count] = logs[day, opening] - usual, inputs.ahead_ends[day, opening]
                    count += 1
            day -= 1
        if count < OUTCOMES:
            continue
        last = np.argsort(-ends[:count], kind="mergesort")[:OUTCOMES]
        out[event, 0] = off[last].mean()
        newest[event] = max(newest[event], ends[last[0]])


@njit(cache=True, nogil=True)
def _usual(logs: Floats, day: int, opening: int) -> float:
    """Return the mean log of the travel after a range on the days before, as `ahead_before` has it; NaN: too few."""
    total, count = 0.0, 0
    for earlier in range(max(0, day - DAYS_BACK), day):
        if not np.isnan(logs[earlier, opening]):
            total += logs[earlier, opening]
            count += 1
    return total / count if count >= LEAST else np.nan


GROUP = FeatureGroup(
    name="ahead_lately",
    inputs="travel in the four hours after the newest ranges for which they are over, and on the 20 days before each",
    features=(
        Feature(
            "range_ahead_lately",
            "log",
            "Mean log of the travel after the six newest ranges whose four hours are over, over what was usual before "
            "each (its own 20-day mean): 0 as usual, 0.6 nearly twice as far.",
            "fewer than six such ranges on this day and the five before",
        ),
    ),
    compute=_compute,
    events=(ORB_COMPLETE,),
    usual=False,
)
