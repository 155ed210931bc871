"""Whether a model has become worse: a CUSUM by trading day, with a threshold drawn from our own days.

The increments are sums by day, so events of one day that are right or wrong together count once. The threshold is the
one that days like those of the reference exceed within the horizon in a stated share of draws, the reference's own
mean being as uncertain as so few days leave it. An off-the-shelf threshold is blind or hysterical at a few hundred
events (River's ADWIN catches a fall from 57 % to 47 % in 7 % of cases, EDDM alarms without one in 89 %).
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ml_models.intervals import day_numbers, day_sums
from ml_models.scores import FloatArray

LEAST_REFERENCE_DAYS: Final = 40
"""With fewer days of reference nothing is watched."""

HORIZON_DAYS: Final = 83
"""Trading days within which the stated share of false alarms is meant: a quarter, some 500 forecasts."""

FALSE_ALARMS: Final = 0.05
"""The share of horizons in which the alarm goes though nothing has changed."""

SLACK: Final = 0.25
"""Standard deviations of a day that are let pass: half of the shift that is looked for."""

MOST_CARRIED: Final = 0.3
"""Autocorrelation that the reference's days may show: where days hang on for weeks the stated rate does not hold."""

_DRAWS: Final = 2000


@dataclass(frozen=True, eq=False)
class Cusum:
    """How far losses have piled up since the reference, after each of `days` (D,), in standard deviations of a day.

    `alarms` are the days above `threshold`; the sum begins anew after `HORIZON_DAYS` days and after an alarm.
    `expected` is how many false alarms so many days would bring. `carried` is how much of a day's excess the next day
    of the reference keeps: above `MOST_CARRIED` the stated rate does not hold, and an alarm says nothing.
    """

    days: NDArray[Any]
    path: FloatArray
    threshold: float
    alarms: tuple[Any, ...]
    expected: float
    reference_days: int
    carried: float

    @property
    def can_tell(self) -> bool:
        """Whether false alarms are as rare as stated."""
        return self.carried <= MOST_CARRIED


def cusum(losses: FloatArray, days: NDArray[Any], reference_days: int, *, seed: int = 0) -> Cusum | None:
    """Return the CUSUM of `losses` (n,), more being worse, on the trading days `days` (n,) after the reference.

    The first `reference_days` distinct days are the reference. None when they are fewer than `LEAST_REFERENCE_DAYS`,
    or no day follows them.
    """
    number = day_numbers(days)
    distinct = np.unique(days)
    if reference_days < LEAST_REFERENCE_DAYS or len(distinct) <= reference_days:
        return None
    by_day, events = day_sums(losses, number), np.bincount(number).astype(np.float64)
    reference, watched = slice(0, reference_days), slice(reference_days, None)
    mean = by_day[reference].sum() / events[reference].sum()
    excess = by_day - mean * events
    spread = max(float(excess[reference].std(ddof=1)), 1e-12)
    threshold = _threshold(excess[reference], seed)
    path, alarms = _run(excess[watched] / spread, threshold)
    return Cusum(
        days=distinct[watched],
        path=path,
        threshold=threshold,
        alarms=tuple(distinct[watched][place] for place in alarms),
        expected=FALSE_ALARMS * len(path) / HORIZON_DAYS,
        reference_days=reference_days,
        carried=_carried(excess[reference]),
    )


def _run(increments: FloatArray, threshold: float) -> tuple[FloatArray, list[int]]:
    path, alarms, total, since = np.empty(len(increments)), [], 0.0, 0
    for place, increment in enumerate(increments):
        if since == HORIZON_DAYS:
            total, since = 0.0, 0
        total = max(0.0, total + float(increment) - SLACK)
        since += 1
        path[place] = total
        if total > threshold:
            alarms.append(place)
            total, since = 0.0, 0
    return path, alarms


def _threshold(excess: FloatArray, seed: int) -> float:
    """Return what the largest sum of `HORIZON_DAYS` days like these exceeds in `FALSE_ALARMS` of the draws.

    Each draw is a reference and a horizon after it, one path of an autoregression of order one with the reference's own
    residuals: slow runs of bad days are drawn as runs, and mean and spread are as uncertain as they are for us.
    """
    random, count = np.random.default_rng(seed), len(excess)
    carried = _carried(excess)
    residuals = excess[1:] - carried * excess[:-1]
    draws = random.choice(residuals - residuals.mean(), size=(count + HORIZON_DAYS, _DRAWS))
    paths = draws / np.sqrt(1 - carried**2)
    for day in range(1, len(paths)):
        paths[day] = carried * paths[day - 1] + draws[day]
    mean = paths[:count].mean(axis=0)
    spread = np.maximum(paths[:count].std(axis=0, ddof=1), 1e-12)
    total, largest = np.zeros(_DRAWS), np.zeros(_DRAWS)
    for step in (paths[count:] - mean) / spread:
        total = np.maximum(0.0, total + step - SLACK)
        largest = np.maximum(largest, total)
    return float(np.quantile(largest, 1 - FALSE_ALARMS))


def _carried(excess: FloatArray) -> float:
    """Return how much of a day's excess the next day keeps: the autocorrelation at one day, with its known bias up.

    Never below 0, and 0 where so many independent days would show as much: a threshold is not lowered by chance.
    """
    centred = excess - excess.mean()
    squares = float(centred @ centred)
    found = float(centred[1:] @ centred[:-1]) / squares if squares > 0 else 0.0
    corrected = found + (1 + 3 * found) / len(excess)
    return min(corrected, 0.95) if corrected > 1 / np.sqrt(len(excess)) else 0.0
