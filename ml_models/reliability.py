"""Does what was called 60 % happen 60 % of the time? Bins, calibration error and its null, calibration in the large.

All take `forecast` (n,), the probability given to one class, `happened` (n,), whether it did, and `days` (n,), the
events' trading days. Chance alone makes the two differ, so each number stands beside what a forecaster who is right
would show on the same events (`ml_models.right_forecaster`). Below `LEAST_DAYS` days that cannot be told, and is NaN. A
forecast that is no probability raises `HubError`. Nothing depends on the order of the events.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ml_models.intervals import LEAST_DAYS, Estimate, day_numbers, mean_interval_t, share_interval
from ml_models.right_forecaster import drawn_hits
from ml_models.scores import BoolArray, FloatArray, mean
from trading.errors import HubError


@dataclass(frozen=True)
class ReliabilityBin:
    """Events with similar forecasts: their mean forecast against the share that happened.

    `band_low` and `band_high` bound the share that a right forecaster would show here in 95 % of draws; NaN when they
    cannot be told. `observed` carries the share, its interval, n, effective n and days.
    """

    mean_forecast: float
    observed: Estimate
    band_low: float
    band_high: float


@dataclass(frozen=True)
class Reliability:
    """Bins in the order of their forecasts, and one test of all of them.

    `p_value` is how often a right forecaster's worst bin is as far off as ours, in standard deviations of the bin; NaN
    when that cannot be told.
    """

    bins: tuple[ReliabilityBin, ...]
    p_value: float
    n: int
    days: int


@dataclass(frozen=True)
class CalibrationError:
    """The expected calibration error `value`, beside what a right forecaster shows at this n: mean and 95th percentile.

    All are shares of 1. A right forecaster's is far from 0, so `value` says nothing alone. `null_mean` and `null_p95`
    are NaN when they cannot be told, `value` without events.
    """

    value: float
    null_mean: float
    null_p95: float
    n: int
    days: int


def reliability(
    forecast: FloatArray,
    happened: BoolArray,
    days: NDArray[Any],
    *,
    bin_count: int = 5,
    draws: int = 1000,
    seed: int = 0,
) -> Reliability:
    """Return the forecasts in at most `bin_count` bins of equal numbers of events, each with interval and band.

    Equal forecasts share a bin, so there may be fewer bins, of unequal size. `draws` and `seed` are of the band. In 4
    to 8 % of simulated samples a right forecaster's `p_value` is below 0.05 (10 to 83 days of 6 events, correlation
    within a day 0 to 0.4).

    >>> forecast = np.tile([0.2, 0.4, 0.6, 0.8], 25)
    >>> happened = np.tile([False, False, True, True, False, True, False, True], 13)[:100]
    >>> found = reliability(forecast, happened, np.arange(100) // 4, bin_count=4)
    >>> [(bin.mean_forecast.__round__(2), bin.observed.value, bin.observed.n) for bin in found.bins]
    [(0.2, 0.0, 25), (0.4, 0.48, 25), (0.6, 0.52, 25), (0.8, 1.0, 25)]
    >>> found.p_value < 0.05  # 0.2 never happened and 0.8 always did
    True
    """
    forecast, outcome, day = _in_order(forecast, happened, days)
    if forecast.size == 0:
        return Reliability((), math.nan, 0, 0)
    bin_of = _equal_mass(forecast, bin_count)
    events = np.bincount(bin_of)
    expected = np.bincount(bin_of, weights=forecast)
    low = high = np.full(events.size, np.nan)
    p_value = math.nan
    if day.max() + 1 >= LEAST_DAYS:
        drawn = drawn_hits(forecast, outcome, day, bin_of, draws, seed)
        low, high = np.quantile(drawn / events, [0.025, 0.975], axis=0)
        found = np.bincount(bin_of, weights=outcome)
        spread = np.maximum(drawn.std(axis=0), 1e-9)  # forecasts of exactly 0 or 1 leave no spread
        worst = np.abs((drawn - expected) / spread).max(axis=1)
        p_value = float((1 + (worst >= np.abs((found - expected) / spread).max()).sum()) / (1 + draws))
    bins = tuple(
        ReliabilityBin(
            mean(forecast[bin_of == b]),
            share_interval(outcome[bin_of == b] == 1, day[bin_of == b]),
            float(low[b]),
            float(high[b]),
        )
        for b in range(events.size)
    )
    return Reliability(bins, p_value, forecast.size, int(day.max()) + 1)


def calibration_error(
    forecast: FloatArray,
    happened: BoolArray,
    days: NDArray[Any],
    *,
    bin_count: int = 10,
    binning: Literal["width", "mass"] = "width",
    draws: int = 1000,
    seed: int = 0,
) -> CalibrationError:
    """Return the expected calibration error (ECE) with its null.

    The ECE is the mean over bins, weighted by their events, of |share that happened - mean forecast| (Naeini 2015).
    The `bin_count` bins have equal width on [0, 1], as usually published, or equal numbers of events ("mass").

    >>> found = calibration_error(np.full(60, 0.5), np.arange(60) % 2 == 0, np.arange(60))
    >>> found.value, found.null_mean.__round__(2), found.null_p95.__round__(2)
    (0.0, 0.05, 0.13)
    """
    forecast, outcome, day = _in_order(forecast, happened, days)
    if forecast.size == 0:
        return CalibrationError(math.nan, math.nan, math.nan, 0, 0)
    bin_of = _equal_mass(forecast, bin_count) if binning == "mass" else _equal_width(forecast, bin_count)
    expected = np.bincount(bin_of, weights=forecast)
    value = float(np.abs(np.bincount(bin_of, weights=outcome) - expected).sum() / forecast.size)
    null_mean = null_p95 = math.nan
    if day.max() + 1 >= LEAST_DAYS:
        drawn = np.abs(drawn_hits(forecast, outcome, day, bin_of, draws, seed) - expected).sum(axis=1) / forecast.size
        null_mean, null_p95 = float(drawn.mean()), float(np.quantile(drawn, 0.95))
    return CalibrationError(value, null_mean, null_p95, forecast.size, int(day.max()) + 1)


def calibration_in_the_large(forecast: FloatArray, happened: BoolArray, days: NDArray[Any]) -> Estimate:
    """Return the mean of forecast - happened, in shares of 1: positive when the class was called too often.

    The interval is Student's t over days as clusters (95 %).

    >>> found = calibration_in_the_large(np.full(40, 0.6), np.arange(40) % 2 == 0, np.repeat(np.arange(10), 4))
    >>> round(found.value, 6), round(found.low, 6), round(found.high, 6)
    (0.1, 0.1, 0.1)
    """
    return mean_interval_t(forecast - np.asarray(happened, dtype=np.float64), days)


def _in_order(
    forecast: FloatArray, happened: BoolArray, days: NDArray[Any]
) -> tuple[FloatArray, FloatArray, NDArray[np.intp]]:
    """Return forecast, outcome (0 or 1) and day number, sorted by all three: no sum or draw depends on the order."""
    chances, outcome, day = (
        np.asarray(forecast, dtype=np.float64),
        np.asarray(happened, dtype=np.float64),
        day_numbers(days),
    )
    wrong = ~((chances >= 0) & (chances <= 1))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise HubError(f"Row {row}: the forecast {chances[row]} is no probability.")
    order = np.lexsort((outcome, chances, day))
    return chances[order], outcome[order], day[order]


def _equal_mass(forecast: FloatArray, bin_count: int) -> NDArray[np.intp]:
    inner = np.quantile(forecast, np.arange(1, bin_count) / bin_count, method="inverted_cdf")
    return day_numbers(np.searchsorted(np.unique(inner), forecast, side="left"))  # renumbered without empty bins


def _equal_width(forecast: FloatArray, bin_count: int) -> NDArray[np.intp]:
    return day_numbers(np.minimum((forecast * bin_count).astype(np.intp), bin_count - 1))
