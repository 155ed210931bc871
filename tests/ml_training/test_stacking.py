"""A blend of members: one forest, weighed by what the members said of days they had not seen."""

import lightgbm
import numpy as np
import pytest

from ml_data.history import History
from ml_training.dataset import Dataset, dataset_of
from ml_training.recipe import Estimator, Recipe, Stack, shipped_recipe
from ml_training.splits import Timeline
from ml_training.stacking import blended, stacked

NAMES = ("one", "two", "three")
STACK = Stack(members=("r", "win", "reach"), member_rounds=40, folds=3, least_days=10, full_size_at=0.2)


@pytest.fixture(scope="module")
def estimator() -> Estimator:
    shipped = shipped_recipe("orb_ensemble").estimator
    return shipped.model_copy(update={"learning_rate": 0.1, "min_data_in_leaf": 30, "feature_fraction": 1.0})


def booster(seed: int, rounds: int = 12) -> lightgbm.Booster:
    random = np.random.default_rng(seed)
    x = random.normal(size=(400, 3))
    x[::7, 1] = np.nan
    fixed = {"objective": "regression", "num_threads": 1, "deterministic": True, "verbosity": -1, "num_leaves": 5}
    data = lightgbm.Dataset(x, x[:, 0] + random.normal(size=400) + 3.0, feature_name=list(NAMES))
    return lightgbm.train({**fixed, "seed": seed}, data, rounds)


def rows(count: int = 200) -> np.ndarray:
    x = np.random.default_rng(9).normal(size=(count, 3))
    x[::5, 2] = np.nan
    return x


def market(seed: int = 0, days: int = 240, a_day: int = 6) -> tuple[np.ndarray, Timeline]:
    n = days * a_day
    day = np.repeat(np.arange(days), a_day)
    decided = day * 1440 + 60 * np.tile(np.arange(a_day), days)
    x = np.random.default_rng(seed).normal(size=(n, 3))
    return x, Timeline(np.datetime64("2023-01-02") + day, decided, decided + 30)


def test_a_blend_is_the_weighted_sum_of_its_members():
    members, weights = [booster(seed) for seed in (1, 2, 3)], (0.5, 2.0, 0.125)
    expected = sum(weight * each.predict(rows()) for each, weight in zip(members, weights, strict=True))
    blend = blended(members, weights)
    assert blend.num_trees() == 36
    assert tuple(blend.feature_name()) == NAMES
    np.testing.assert_allclose(blend.predict(rows(), num_threads=1), expected, rtol=0, atol=1e-12)
    shap = blend.predict(rows(), pred_contrib=True)
    np.testing.assert_allclose(shap.sum(axis=1), expected, rtol=0, atol=1e-9)


def test_a_blend_that_is_written_and_read_again_answers_bit_for_bit():
    blend = blended([booster(1), booster(2)], (0.3, 0.7))
    again = lightgbm.Booster(model_str=blend.model_to_string())
    assert again.predict(rows(), num_threads=1).tobytes() == blend.predict(rows(), num_threads=1).tobytes()
    assert again.model_to_string() == blend.model_to_string()


def test_members_without_weight_are_left_out_and_without_any_the_blend_says_nothing():
    assert blended([booster(1), booster(2)], (0.0, 1.0)).num_trees() == 12
    nothing = blended([booster(1), booster(2)], (0.0, 0.0))
    assert set(nothing.predict(rows()).tolist()) == {0.0}


def test_the_member_that_knows_gets_the_weight_and_the_others_none(estimator: Estimator):
    x, timeline = market()
    random = np.random.default_rng(1)
    known = 0.8 * (x[:, 0] > 0)
    result = known - known.mean() + random.normal(size=len(x))
    members = np.column_stack([random.normal(size=len(x)), known, random.normal(size=len(x))])
    blend, weights = stacked(x, members, result, timeline, NAMES, estimator, STACK, 3, 1)
    assert weights[1] > 0.5
    assert max(weights[0], weights[2]) < 0.3
    high, low = (blend.booster.predict(np.array([[side, 0.0, 0.0]]))[0] for side in (1.0, -1.0))
    assert 0.3 < high - low < 1.1


def test_weights_come_from_days_that_the_members_had_not_seen(estimator: Estimator):
    """Members that learn noise by heart would be weighed 1 on what they have seen; unseen they are worth nothing."""
    x, timeline = market(seed=4)
    noise = np.random.default_rng(5).normal(size=len(x))
    greedy = estimator.model_copy(update={"num_leaves": 60, "min_data_in_leaf": 5, "lambda_l2": 0.0})
    _, weights = stacked(x, np.column_stack([noise] * 3), noise, timeline, NAMES, greedy, STACK, 3, 1)
    assert sum(weights) < 0.1


def test_the_same_rows_and_seed_give_the_same_bytes(estimator: Estimator):
    x, timeline = market(days=80)
    result = x[:, 0] + np.random.default_rng(2).normal(size=len(x))
    first, again = (
        stacked(x, result[:, None], result, timeline, NAMES, estimator, STACK, 3, 1)[0].booster.model_to_string()
        for _ in "ab"
    )
    assert first == again


@pytest.fixture(scope="module")
def ensemble() -> Recipe:
    return shipped_recipe("orb_ensemble")


def test_members_learn_the_result_the_win_and_how_far_it_got(history: History, ensemble: Recipe):
    trades: Dataset = dataset_of(history, ensemble)
    result, win, reach = trades.members.T
    assert np.array_equal(result, trades.values[:, 0] - trades.walk[:, 0])
    won = win > 0
    assert 0.35 < won.mean() < 0.6
    assert (trades.r_net[won] > 0).all()
    assert (reach[won] == 1.0).all()
    assert ((reach >= 0) & (reach <= 1)).all()
    assert reach[~won].mean() < 0.6
