"""The same opening range on the 20 trading days before, each in its own day's contract."""

import numpy as np
from numba import njit

from ml_data.features.base import Feature, FeatureGroup, Floats, Inputs, Ints

DAYS_BACK = 20
LEAST = 10


@njit(cache=True, nogil=True)
def _compute(inputs: Inputs, out: Floats, newest: Ints) -> None:
    sizes = np.empty(DAYS_BACK)
    volumes = np.empty(DAYS_BACK)
    waits = np.empty(DAYS_BACK)
    for event in range(len(inputs.decided)):
        day, opening = inputs.day[event], inputs.opening[event]
        out[event] = np.nan
        newest[event] = inputs.day_starts[day]
        count = broke = ups = traded = 0
        result = 0.0
        for earlier in range(max(0, day - DAYS_BACK), day):
            if not inputs.range_complete[earlier, opening]:
                continue
            sizes[count] = inputs.range_prices[earlier, opening, 1] - inputs.range_prices[earlier, opening, 2]
            volumes[count] = inputs.range_volumes[earlier, opening]
            count += 1
            direction = inputs.directions[earlier, opening]
            if direction == 1 or direction == -1:
                waits[broke] = inputs.break_minutes[earlier, opening] - inputs.range_ends[earlier, opening] + 1
                broke += 1
                ups += direction == 1
            if not np.isnan(inputs.reference_r[earlier, opening]):
                result += inputs.reference_r[earlier, opening]
                traded += 1
        if count < LEAST:
            continue
        size = inputs.range_prices[day, opening, 1] - inputs.range_prices[day, opening, 2]
        typical, typical_volume = np.median(sizes[:count]), np.median(volumes[:count])
        newest[event] = max(newest[event], inputs.range_ends[day, opening])
        if typical > 0.0:
            out[event, 0] = size / typical
        out[event, 1] = np.sum(sizes[:count] < size) / count
        if typical_volume > 0.0:
            out[event, 2] = inputs.range_volumes[day, opening] / typical_volume
        if broke >= LEAST:
            out[event, 3] = ups / broke
            out[event, 4] = np.median(waits[:broke])
        if traded >= LEAST:
            out[event, 5] = result / traded


_TOO_FEW = "fewer than 10 such days among the 20"

GROUP = FeatureGroup(
    name="same_range",
    inputs="size, volume, break and closed reference trade of the same range on the 20 trading days before",
    features=(
        Feature("size_to_median_20d", "ratio", "Size over the median size of the same range.", _TOO_FEW),
        Feature("size_rank_20d", "0 to 1", "Share of those days on which the range was smaller.", _TOO_FEW),
        Feature(
            "volume_to_median_20d",
            "ratio",
            "Volume over the median volume of the same range.",
            _TOO_FEW,
            needs_volume=True,
        ),
        Feature("up_share_20d", "0 to 1", "Share of those breaks that went up.", _TOO_FEW),
        Feature("break_wait_20d", "min", "Median minutes from the range's end to the close of its break.", _TOO_FEW),
        Feature("reference_r_20d", "R", "Mean gross R of the plain rule on those days.", _TOO_FEW),
    ),
    compute=_compute,
)
