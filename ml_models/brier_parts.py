"""What a Brier score is made of: how far the forecasts are off, how well they tell events apart, what nobody knew.

The score of one class's probability is miscalibration - discrimination + uncertainty (CORP: Dimitriadis, Gneiting and
Jordan 2021): the forecasts are put right by isotonic regression, and the differences are taken. Putting right always
finds something to mend, so miscalibration stands beside what a forecaster who is right shows on the same events.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from ml_models.intervals import LEAST_DAYS, day_numbers
from ml_models.right_forecaster import drawn_outcomes
from ml_models.scores import BoolArray, FloatArray


@dataclass(frozen=True)
class BrierParts:
    """The parts of the Brier score `value`, the mean squared error of one class's probability.

    They lie on `n` events of `days` days.

    `null_mean` and `null_p95` are the miscalibration of a forecaster who is right; NaN below `LEAST_DAYS` days.
    """

    value: float
    miscalibration: float
    discrimination: float
    uncertainty: float
    null_mean: float
    null_p95: float
    n: int
    days: int


def brier_parts(
    forecast: FloatArray, happened: BoolArray, days: NDArray[Any], *, draws: int = 200, seed: int = 0
) -> BrierParts:
    """Return the parts for `forecast` (n,), the probability of a class, and `happened` (n,), on trading days `days`.

    >>> found = brier_parts(np.tile([0.2, 0.8], 40), np.tile([False, True], 40), np.arange(80) // 4)
    >>> [round(each, 3) for each in (found.value, found.miscalibration, found.discrimination, found.uncertainty)]
    [0.04, 0.04, 0.25, 0.25]
    """
    outcome, day = np.asarray(happened, dtype=np.float64), day_numbers(days)
    if not forecast.size:
        return BrierParts(*(math.nan,) * 6, n=0, days=0)
    order = np.lexsort((outcome, day, forecast))
    forecast, outcome, day = forecast[order], outcome[order], day[order]
    value, put_right = float(((forecast - outcome) ** 2).mean()), _put_right_score(forecast, outcome)
    uncertainty = float(outcome.mean() * (1 - outcome.mean()))
    null_mean = null_p95 = math.nan
    if int(day.max()) + 1 >= LEAST_DAYS:
        null = [
            float(((forecast - drawn) ** 2).mean()) - _put_right_score(forecast, drawn)
            for drawn in drawn_outcomes(forecast, outcome, day, draws, seed)
        ]
        null_mean, null_p95 = float(np.mean(null)), float(np.quantile(null, 0.95))
    return BrierParts(
        value,
        miscalibration=value - put_right,
        discrimination=uncertainty - put_right,
        uncertainty=uncertainty,
        null_mean=null_mean,
        null_p95=null_p95,
        n=forecast.size,
        days=int(day.max()) + 1,
    )


def _put_right_score(forecast: FloatArray, outcome: FloatArray) -> float:
    """Return the Brier score once `forecast` (sorted) is put right by isotonic regression; equal ones stay equal."""
    _, start, count = np.unique(forecast, return_index=True, return_counts=True)
    share = np.add.reduceat(outcome, start) / count
    right = np.repeat(isotonic_regression(share, weights=count).x, count)
    return float(((right - outcome) ** 2).mean())
