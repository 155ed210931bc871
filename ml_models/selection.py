"""How much of a result is the choosing: Sharpe ratios that remember how many were tried, how often the best is luck.

All take results by trading day. A Sharpe ratio here is the mean over the standard deviation of a day's result (both per
day, not annualised). NaN means that the days do not say: too few, or all alike.
"""

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import kurtosis, rankdata, skew

from ml_models.scores import FloatArray
from trading.errors import HubError

LEAST_SHARPE_DAYS: Final = 20
"""With fewer days skewness and kurtosis say nothing, and no probability is given."""

_EULER_MASCHERONI: Final = 0.5772156649015329


@dataclass(frozen=True)
class DeflatedSharpe:
    """The Sharpe ratio (per day) of the chosen one of `trials`, and the chance that it is above what luck would choose.

    `expected_best` is the best Sharpe ratio that as many trials without any edge would show; `probability` is that of a
    true Sharpe ratio above it (DSR), `undeflated` that of one above 0 (PSR). 0.95 is the usual bar.
    """

    sharpe: float
    expected_best: float
    probability: float
    undeflated: float
    trials: int
    days: int


@dataclass(frozen=True)
class Overfitting:
    """How often the best of the trials on one half of the days is below their median on the other half (PBO).

    `null_low` and `null_high` bound what trials without any edge show in 90 % of draws on as many days: the spread is
    wide, so one value says little. NaN with fewer than two trials or too few days.
    """

    value: float
    null_low: float
    null_high: float
    trials: int
    days: int
    selections: int


def sharpe_ratio(results: FloatArray) -> float:
    """Return mean over standard deviation (n - 1) of `results` (days,), per day; NaN for fewer than two, or all alike.

    >>> round(sharpe_ratio(np.array([0.02, -0.01, 0.03, 0.0])), 4)
    0.5477
    """
    if results.size < 2:
        return math.nan
    spread = float(results.std(ddof=1))
    return float(results.mean()) / spread if spread > 1e-12 else math.nan


def probabilistic_sharpe(results: FloatArray, benchmark: float = 0.0) -> float:
    """Return the probability that the true Sharpe ratio (per day) of `results` (days,) is above `benchmark`.

    Bailey and Lopez de Prado (2012): normal, with the error of a Sharpe ratio that skewness and fat tails widen. NaN
    below `LEAST_SHARPE_DAYS` days and when all days are alike.

    >>> round(probabilistic_sharpe(np.tile([1.0, -0.8, 0.4, -0.2], 25)), 3)
    0.93
    """
    found = sharpe_ratio(results)
    if results.size < LEAST_SHARPE_DAYS or math.isnan(found):
        return math.nan
    tails = float(kurtosis(results, fisher=False, bias=False))
    variance = 1 - float(skew(results, bias=False)) * found + (tails - 1) / 4 * found**2
    if not variance > 0:
        return math.nan
    return float(ndtr((found - benchmark) * math.sqrt((results.size - 1) / variance)))


def expected_best_sharpe(trials: int, variance: float) -> float:
    """Return the Sharpe ratio that the best of `trials` without any edge is expected to show.

    `variance` is that of the trials' Sharpe ratios (Bailey and Lopez de Prado 2014). One trial leaves no choice: 0.

    >>> round(expected_best_sharpe(50, 0.01), 3), expected_best_sharpe(1, 0.01)
    (0.228, 0.0)
    """
    if trials < 2:
        return 0.0
    first, second = ndtri(1 - 1 / trials), ndtri(1 - 1 / (trials * math.e))
    return math.sqrt(variance) * float((1 - _EULER_MASCHERONI) * first + _EULER_MASCHERONI * second)


def deflated_sharpe(results: FloatArray, trial_sharpes: FloatArray) -> DeflatedSharpe:
    """Return the deflated Sharpe ratio of the chosen trial's `results` (days,).

    `trial_sharpes` (trials,) are the Sharpe ratios (per day) of *all* trials, the chosen one included; those that are
    NaN count as tried and lend nothing to the variance. That variance is never taken for less than what chance alone
    gives so many days, 1 / days: trials that resemble each other are still a choice.

    >>> found = deflated_sharpe(np.tile([1.0, -0.8, 0.4, -0.2], 25), np.array([0.13, 0.02, -0.08, -0.01]))
    >>> found.trials, round(found.expected_best, 3), round(found.probability, 3), round(found.undeflated, 3)
    (4, 0.105, 0.666, 0.93)
    """
    if trial_sharpes.size == 0:
        raise HubError("The deflated Sharpe ratio needs the Sharpe ratios of all trials, and there are none.")
    known = trial_sharpes[~np.isnan(trial_sharpes)]
    spread = float(known.var(ddof=1)) if known.size > 1 else 0.0
    best = expected_best_sharpe(trial_sharpes.size, max(spread, 1 / results.size if results.size else 0.0))
    return DeflatedSharpe(
        sharpe=sharpe_ratio(results),
        expected_best=best,
        probability=probabilistic_sharpe(results, best),
        undeflated=probabilistic_sharpe(results),
        trials=trial_sharpes.size,
        days=results.size,
    )


def backtest_overfitting(results: FloatArray, *, blocks: int = 10, null_draws: int = 200, seed: int = 0) -> Overfitting:
    """Return the probability of backtest overfitting of `results` (days, trials), with its spread under no edge.

    Combinatorially symmetric cross-validation (Bailey, Borwein, Lopez de Prado and Zhu 2015): the days are cut into
    `blocks` blocks (even); for each half of the blocks the trial with the best Sharpe ratio there is ranked among all
    on the other half. Ties in the first half go to the earlier trial, in the second they share their rank; a rank of
    exactly the median counts as overfit. The null draws normal days with the trials' own correlations and no mean.

    Raises
    ------
    HubError
        when `blocks` is odd or below 4.
    """
    if blocks < 4 or blocks % 2:
        raise HubError(f"The days are cut into an even number of blocks, 4 or more; found {blocks}.")
    days, trials = results.shape
    halves = np.array([np.isin(np.arange(blocks), half) for half in combinations(range(blocks), blocks // 2)])
    if trials < 2 or days < 2 * blocks:
        return Overfitting(math.nan, math.nan, math.nan, trials, days, len(halves))
    value = _share_overfit(results, halves)
    random = np.random.default_rng(seed)
    spread = results.std(axis=0)
    scaled = (results - results.mean(axis=0)) / np.where(spread > 1e-12, spread, 1.0)
    # Mixing the trials' own days by random signs and draws keeps how alike trials are and takes every mean away.
    null = [
        _share_overfit(random.standard_normal((days, days)) @ scaled / math.sqrt(days), halves)
        for _ in range(null_draws)
    ]
    low, high = (float(bound) for bound in np.quantile(null, [0.05, 0.95]))
    return Overfitting(value, low, high, trials, days, len(halves))


def _share_overfit(results: FloatArray, halves: FloatArray) -> float:
    """Return the share of `halves` (S, blocks) whose best trial is at or below the median of the other half."""
    blocks = halves.shape[1]
    parts = np.array_split(np.arange(results.shape[0]), blocks)
    count = np.array([len(part) for part in parts], dtype=np.float64)
    sums = np.array([results[part].sum(axis=0) for part in parts])
    squares = np.array([(results[part] ** 2).sum(axis=0) for part in parts])
    inside = _sharpes(halves.astype(np.float64), count, sums, squares)
    outside = _sharpes((~halves.astype(bool)).astype(np.float64), count, sums, squares)
    chosen = inside.argmax(axis=1)
    ranks = rankdata(outside, axis=1)[np.arange(len(halves)), chosen] / (results.shape[1] + 1)
    return float((ranks <= 0.5).mean())


def _sharpes(weights: FloatArray, count: FloatArray, sums: FloatArray, squares: FloatArray) -> FloatArray:
    """Return (S, trials): Sharpe ratios of the days that `weights` (S, blocks) hold; 0 where all days are alike."""
    n = (weights @ count)[:, None]
    mean = weights @ sums / n
    variance = np.maximum(weights @ squares / n - mean**2, 0.0) * n / (n - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > 1e-18, mean / np.sqrt(variance), 0.0)
