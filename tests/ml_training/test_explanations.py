"""What a model looked at: shuffled, summed up, taken together."""

from dataclasses import replace

import lightgbm
import numpy as np
import pytest

from ml_models.importance import read_importance
from ml_training.dataset import Dataset
from ml_training.estimators import Fit
from ml_training.explanations import feature_importance, interactions, mean_abs_shap, shap_by_fold
from ml_training.permutation import permutation_importance
from ml_training.recipe import Recipe
from ml_training.training import plan_of
from ml_training.walk_forward import FoldResult, walk_forward

PLANTED = "planted"


@pytest.fixture(scope="module")
def planted(dataset: Dataset) -> Dataset:
    """The demo market with one input more, which tells the outcome in nine of ten cases."""
    random = np.random.default_rng(5)
    told = np.where(random.random(len(dataset)) < 0.9, dataset.codes, 1 - dataset.codes)
    x = np.column_stack([dataset.x, told + random.normal(0, 0.01, len(dataset))])
    return replace(dataset, names=(*dataset.names, PLANTED), x=x)


@pytest.fixture(scope="module")
def results(planted: Dataset, recipe: Recipe) -> tuple[FoldResult, ...]:
    return walk_forward(planted, plan_of(planted, recipe).folds[-2:], recipe, rounds=15)


def test_shuffling_what_tells_the_outcome_costs_most(planted: Dataset, recipe: Recipe, results: tuple[FoldResult, ...]):
    found = dict(zip(planted.names, permutation_importance(planted, results, recipe.seed), strict=True))
    assert max(found, key=lambda name: found[name].value) == PLANTED
    assert found[PLANTED].low > 0.1
    assert found[PLANTED].n == sum(len(result.fold.test) for result in results)


def test_shuffling_what_no_tree_reads_changes_nothing(
    planted: Dataset, recipe: Recipe, results: tuple[FoldResult, ...]
):
    found = permutation_importance(planted, results, recipe.seed)
    read = np.sum([result.fit.booster.feature_importance("split") for result in results], axis=0)
    walk = results[0].fit.start.inputs
    unread = [i for i, name in enumerate(planted.names) if not read[i] and name not in walk]
    assert unread
    assert {(found[i].value, found[i].low, found[i].high) for i in unread} == {(0.0, 0.0, 0.0)}


def test_the_same_seed_shuffles_alike(planted: Dataset, recipe: Recipe, results: tuple[FoldResult, ...]):
    one, other = (permutation_importance(planted, results, recipe.seed, repeats=1) for _ in range(2))
    assert one == other


def test_the_mean_over_all_rows_lies_between_the_folds(planted: Dataset, results: tuple[FoldResult, ...]):
    by_fold = shap_by_fold(planted, results)
    mean = mean_abs_shap(by_fold, results)
    assert by_fold.shape == (2, len(planted.names))
    assert (mean <= by_fold.max(axis=0) + 1e-12).all()
    assert (mean >= by_fold.min(axis=0) - 1e-12).all()


def test_what_is_published_is_read_back(planted: Dataset, recipe: Recipe, results: tuple[FoldResult, ...]):
    by_fold, shuffled = shap_by_fold(planted, results), permutation_importance(planted, results, recipe.seed)
    document = feature_importance(results[-1].fit, planted, mean_abs_shap(by_fold, results), by_fold, shuffled)
    first = read_importance(document)[0]
    place = planted.names.index(first.name)
    assert first.shap_by_fold == tuple(by_fold[:, place].tolist())
    assert first.permutation == shuffled[place]


def test_inputs_that_decide_together_are_named():
    random = np.random.default_rng(3)
    x = random.normal(size=(2000, 3))
    codes = (x[:, 0] > 0) ^ (x[:, 1] > 0)  # neither says anything alone
    data = lightgbm.Dataset(x, codes.astype(int), feature_name=["one", "other", "noise"])
    fixed = {"objective": "binary", "num_leaves": 4, "num_threads": 1, "seed": 1, "verbosity": -1}
    booster = lightgbm.train(fixed, data, num_boost_round=20)
    found = interactions(Fit(booster, 20, (1.0, 1.0)))
    assert found["pairs"][0]["inputs"] == ["one", "other"]
    assert found["pairs"][0]["gain_share"] > 0.5


def test_stumps_add_up_and_nothing_goes_together():
    x = np.random.default_rng(3).normal(size=(500, 2))
    data = lightgbm.Dataset(x, (x[:, 0] > 0).astype(int), feature_name=["one", "other"])
    fixed = {"objective": "binary", "num_leaves": 2, "num_threads": 1, "seed": 1, "verbosity": -1}
    booster = lightgbm.train(fixed, data, num_boost_round=5)
    found = interactions(Fit(booster, 5, (1.0, 1.0)))
    assert found == {
        "sentences": ["No input is looked at beneath another: what they say is added up."],
        "pairs": [],
    }
