"""What a forecast of numbers was worth: errors, explained variance, quantiles and intervals, each with its interval.

`actual` and `said` are (n,); NaN means that a score is not defined on these events. Intervals treat a day as the unit
(`ml_models.intervals`). No score depends on the order of the events.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml_models.intervals import (
    Estimate,
    day_numbers,
    day_sums,
    mean_interval,
    share_interval,
    statistic_interval,
)
from ml_models.scores import BoolArray, FloatArray, mean
from trading.errors import HubError


@dataclass(frozen=True, eq=False)
class Forecast:
    """A forecast of one number for n events.

    `point` (n,); `quantiles` (n, Q) rise with `levels` (Q,), or there are none; `low` and `high` (n,) bound the
    interval, or are None.
    """

    point: FloatArray
    quantiles: FloatArray | None = None
    levels: tuple[float, ...] = ()
    low: FloatArray | None = None
    high: FloatArray | None = None


def pinball_losses(actual: FloatArray, quantiles: FloatArray, levels: Sequence[float]) -> FloatArray:
    """Return (n,): the mean over `levels` of the quantile loss, in the unit of `actual` (Koenker and Bassett 1978).

    >>> pinball_losses(np.array([1.0, 0.0]), np.array([[0.0], [1.0]]), (0.9,)).round(2).tolist()
    [0.9, 0.1]
    """
    over = actual[:, None] - quantiles
    level = np.asarray(levels)
    losses: FloatArray = np.maximum(level * over, (level - 1.0) * over).mean(axis=1)
    return losses


def inside(actual: FloatArray, low: FloatArray, high: FloatArray) -> BoolArray:
    """Return (n,): whether the interval, its ends included, held what happened."""
    held: BoolArray = (actual >= low) & (actual <= high)
    return held


def explained(actual: FloatArray, said: FloatArray) -> float:
    """Return R²: 1 minus the squared errors over those of the mean of these events; NaN when these do not vary.

    The mean of the events that were tested is known only afterwards, so a forecast of nothing lies below 0.

    >>> explained(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 2.0]))
    0.5
    """
    spread = mean((actual - mean(actual)) ** 2)
    return 1.0 - mean((actual - said) ** 2) / spread if spread > 0 else np.nan


def value_scores(actual: FloatArray, forecast: Forecast, days: NDArray[Any], *, seed: int = 0) -> dict[str, Estimate]:
    """Return `mae`, `rmse` and `r2` of the point, `pinball` of the quantiles, `coverage` and `width` of the interval.

    >>> table = value_scores(np.arange(20.0), Forecast(np.arange(20.0) + 1), np.arange(20) // 2)
    >>> {name: round(each.value, 3) for name, each in table.items()}
    {'mae': 1.0, 'rmse': 1.0, 'r2': 0.97}
    """
    if actual.shape != forecast.point.shape:
        raise HubError(f"A forecast of {forecast.point.shape} stands beside outcomes of {actual.shape}.")
    day, error = day_numbers(days), actual - forecast.point
    table = {
        "mae": mean_interval(np.abs(error), days, seed=seed),
        "rmse": _root_mean_square(error, day, seed),
        "r2": _explained(actual, error, day, seed),
    }
    if forecast.quantiles is not None:
        losses = pinball_losses(actual, forecast.quantiles, forecast.levels)
        table["pinball"] = mean_interval(losses, days, seed=seed)
    if forecast.low is not None and forecast.high is not None:
        table["coverage"] = share_interval(inside(actual, forecast.low, forecast.high), days)
        table["width"] = mean_interval(forecast.high - forecast.low, days, seed=seed)
    return table


def plain_value_scores(actual: FloatArray, point: FloatArray) -> dict[str, float]:
    """Return `mae`, `rmse` and `r2` of a point forecast without their intervals."""
    error = actual - point
    return {
        "mae": mean(np.abs(error)),
        "rmse": float(np.sqrt(mean(error**2))),
        "r2": explained(actual, point),
    }


def value_skills(
    actual: FloatArray, forecast: Forecast, baseline: Forecast, days: NDArray[Any], *, seed: int = 0
) -> dict[str, Estimate]:
    """Return how much less than `baseline` the forecast erred per event, on the same events; positive = better.

    `squared_error`, `absolute_error`, and `pinball` where both have quantiles: means of paired differences.
    """
    mine, theirs = actual - forecast.point, actual - baseline.point
    gains = {"squared_error": theirs**2 - mine**2, "absolute_error": np.abs(theirs) - np.abs(mine)}
    if forecast.quantiles is not None and baseline.quantiles is not None:
        gains["pinball"] = pinball_losses(actual, baseline.quantiles, baseline.levels) - pinball_losses(
            actual, forecast.quantiles, forecast.levels
        )
    return {name: mean_interval(gain + 0.0, days, seed=seed) for name, gain in gains.items()}


@dataclass(frozen=True)
class MeanGroup:
    """Events with similar forecasts: their mean forecast against the mean that came, with its interval."""

    mean_forecast: float
    observed: Estimate


def grouped_means(
    point: FloatArray, actual: FloatArray, days: NDArray[Any], *, group_count: int = 5, seed: int = 0
) -> tuple[MeanGroup, ...]:
    """Return the forecasts in at most `group_count` groups of equal numbers of events; equal forecasts share one.

    >>> groups = grouped_means(np.array([1.0, 2.0]), np.array([3.0, 5.0]), np.arange(2))
    >>> [(group.mean_forecast, group.observed.value) for group in groups]
    [(1.0, 3.0), (2.0, 5.0)]
    """
    inner = np.unique(np.quantile(point, np.arange(1, group_count) / group_count, method="inverted_cdf"))
    group = day_numbers(np.searchsorted(inner, point, side="left"))
    marks = [group == number for number in range(int(group.max(initial=-1)) + 1)]
    return tuple(MeanGroup(mean(point[mark]), mean_interval(actual[mark], days[mark], seed=seed)) for mark in marks)


def best_value_baseline(actual: FloatArray, baselines: Mapping[str, FloatArray]) -> str:
    """Return the name of the baseline with the smallest mean squared error on these events; of equals the first.

    Choosing on the tested events favours the baselines a little, never the model.
    """
    if not baselines or not len(actual):
        raise HubError(f"The best of {list(baselines)} on {len(actual)} events: there is nothing to compare.")
    return min(baselines, key=lambda name: mean((actual - baselines[name]) ** 2))


def _root_mean_square(error: FloatArray, day: NDArray[np.intp], seed: int) -> Estimate:
    squares = error**2
    value = float(np.sqrt(mean(squares)))
    sums, events = day_sums(squares, day), np.bincount(day).astype(np.float64)
    return statistic_interval(
        value, squares - mean(squares), lambda counts: np.sqrt((counts @ sums) / (counts @ events)), day, seed=seed
    )


def _explained(actual: FloatArray, error: FloatArray, day: NDArray[np.intp], seed: int) -> Estimate:
    value, centred = explained(actual, actual - error), actual - mean(actual)  # centred: sums of squares stay small
    columns = np.column_stack([np.ones_like(actual), centred, centred**2, error**2])
    sums = np.column_stack([day_sums(column, day) for column in columns.T])

    def of_draws(counts: FloatArray) -> FloatArray:
        n, total, squares, errors = (counts @ sums).T
        spread = squares - total**2 / n
        found: FloatArray = np.where(spread > 0, 1.0 - errors / np.where(spread > 0, spread, 1.0), np.nan)
        return found

    spread = mean(centred**2)
    if not spread > 0:
        return statistic_interval(np.nan, centred, of_draws, day, seed=seed)
    influence = (mean(error**2) * (centred**2 - spread) / spread - (error**2 - mean(error**2))) / spread
    return statistic_interval(value, influence, of_draws, day, seed=seed)
