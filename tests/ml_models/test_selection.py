import math
from itertools import combinations

import numpy as np
import pytest
from purgedcv import deflated_sharpe_ratio, probabilistic_sharpe_ratio, probability_of_backtest_overfitting

from ml_models.selection import (
    LEAST_SHARPE_DAYS,
    backtest_overfitting,
    deflated_sharpe,
    expected_best_sharpe,
    probabilistic_sharpe,
    sharpe_ratio,
)
from trading.errors import HubError


def days(count: int, seed: int, mean: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 1.0, count)


def test_the_sharpe_ratio_is_mean_over_deviation_and_undefined_when_nothing_varies():
    assert sharpe_ratio(np.array([1.0, 3.0])) == pytest.approx(2 / math.sqrt(2))
    assert math.isnan(sharpe_ratio(np.full(50, 0.1)))
    assert math.isnan(sharpe_ratio(np.array([1.0])))


def test_too_few_days_give_no_probability():
    assert math.isnan(probabilistic_sharpe(days(LEAST_SHARPE_DAYS - 1, 1, 0.5)))
    assert not math.isnan(probabilistic_sharpe(days(LEAST_SHARPE_DAYS, 1, 0.5)))


@pytest.mark.parametrize("seed", range(6))
def test_the_probability_agrees_with_an_independent_implementation(seed: int):
    results = days(250, seed, 0.05) + np.random.default_rng(seed + 100).exponential(0.7, 250) - 0.7
    for benchmark in (0.0, 0.05):
        # The other divides by the deviation of n days, ours of n - 1: half a thousandth at 250 days.
        assert probabilistic_sharpe(results, benchmark) == pytest.approx(
            probabilistic_sharpe_ratio(results, benchmark), abs=1.5e-3
        )


def test_the_deflated_ratio_agrees_with_an_independent_implementation():
    trials = np.column_stack([days(250, seed) for seed in range(40)])
    sharpes = np.array([sharpe_ratio(column) for column in trials.T])
    chosen = trials[:, int(sharpes.argmax())]
    found = deflated_sharpe(chosen, sharpes)
    variance = max(float(sharpes.var(ddof=1)), 1 / 250)
    other = deflated_sharpe_ratio(chosen, n_trials=40, var_sharpe=variance)
    assert found.probability == pytest.approx(other, abs=2e-3)
    assert found.trials == 40


def test_the_best_of_fifty_without_an_edge_passes_undeflated_and_not_deflated():
    undeflated = deflated = 0
    for draw in range(40):
        trials = np.random.default_rng(draw).normal(0, 1, (250, 50))
        sharpes = np.array([sharpe_ratio(column) for column in trials.T])
        found = deflated_sharpe(trials[:, int(sharpes.argmax())], sharpes)
        undeflated += found.undeflated > 0.95
        deflated += found.probability > 0.95
    assert undeflated >= 30  # 92 % of such draws
    assert deflated <= 2  # 0.25 % of such draws


def test_trials_that_are_all_alike_are_still_a_choice():
    found = deflated_sharpe(days(400, 3), np.full(100, 0.02))
    assert found.expected_best == pytest.approx(expected_best_sharpe(100, 1 / 400))


def test_more_trials_never_make_a_result_more_likely():
    results, sharpes = days(250, 5, 0.15), np.array([0.15, 0.02])
    chances = [deflated_sharpe(results, np.resize(sharpes, count)).probability for count in (1, 2, 10, 100, 1000)]
    assert chances == sorted(chances, reverse=True)


def test_a_trial_without_a_sharpe_ratio_counts_as_tried():
    results = days(250, 5, 0.15)
    assert deflated_sharpe(results, np.array([0.15, np.nan, np.nan])).trials == 3


def test_without_trials_nothing_is_deflated():
    with pytest.raises(HubError, match="all trials"):
        deflated_sharpe(days(250, 5), np.array([]))


def brute_force_overfitting(results: np.ndarray, blocks: int) -> float:
    parts = np.array_split(np.arange(len(results)), blocks)
    overfit = []
    for half in combinations(range(blocks), blocks // 2):
        inside = np.concatenate([parts[b] for b in half])
        outside = np.setdiff1d(np.arange(len(results)), inside)
        best = int(np.argmax([sharpe_ratio(column) for column in results[inside].T]))
        others = [sharpe_ratio(column) for column in results[outside].T]
        rank = 1 + sum(other < others[best] for other in others)
        overfit.append(rank / (len(others) + 1) <= 0.5)
    return float(np.mean(overfit))


@pytest.mark.parametrize(("seed", "trials"), [(0, 4), (1, 8), (2, 13)])
def test_overfitting_equals_a_count_by_hand(seed: int, trials: int):
    results = np.random.default_rng(seed).normal(0, 1, (103, trials))
    assert backtest_overfitting(results, blocks=6, null_draws=5).value == brute_force_overfitting(results, 6)


def test_overfitting_agrees_with_an_independent_implementation():
    results = np.random.default_rng(4).normal(0, 1, (200, 20))  # an even number: nobody can be exactly the median
    other = probability_of_backtest_overfitting(results.T, n_splits=8)
    assert backtest_overfitting(results, blocks=8, null_draws=5).value == pytest.approx(other.pbo)


def test_a_real_winner_is_below_the_null_and_noise_within_it():
    noise = np.random.default_rng(7).normal(0, 1, (250, 20))
    found = backtest_overfitting(noise, null_draws=60)
    assert found.null_low <= found.value <= found.null_high
    assert found.null_high - found.null_low > 0.3  # one value says little, and the spread says so
    winner = noise.copy()
    winner[:, 3] += 0.4
    assert backtest_overfitting(winner, null_draws=60).value < found.null_low


def test_one_trial_or_few_days_cannot_tell():
    assert math.isnan(backtest_overfitting(np.zeros((250, 1))).value)
    assert math.isnan(backtest_overfitting(np.zeros((12, 5))).value)


@pytest.mark.parametrize("blocks", [2, 7])
def test_an_odd_or_small_number_of_blocks_is_refused(blocks: int):
    with pytest.raises(HubError, match="even number of blocks"):
        backtest_overfitting(np.zeros((250, 5)), blocks=blocks)
