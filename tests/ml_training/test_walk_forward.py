from dataclasses import replace

import numpy as np
import pytest

from ml_models.score_table import skill
from ml_models.scores import log_loss
from ml_training.dataset import Dataset
from ml_training.evaluation import baseline_probs, evaluate, pooled
from ml_training.recipe import Recipe
from ml_training.training import Plan, assess, plan_of
from ml_training.walk_forward import FoldResult, rows_tested, walk_forward


@pytest.fixture(scope="module")
def plan(dataset: Dataset, recipe: Recipe) -> Plan:
    return plan_of(dataset, recipe)


@pytest.fixture(scope="module")
def results(dataset: Dataset, plan: Plan, recipe: Recipe) -> tuple[FoldResult, ...]:
    return walk_forward(dataset, plan.folds, recipe, workers=2)


def test_one_or_two_workers_give_the_same_bytes(
    dataset: Dataset, plan: Plan, recipe: Recipe, results: tuple[FoldResult, ...]
):
    alone = walk_forward(dataset, plan.folds, recipe, workers=1)
    assert [each.fit.text for each in alone] == [each.fit.text for each in results]
    assert [each.said.tobytes() for each in alone] == [each.said.tobytes() for each in results]


def test_the_untouched_window_is_in_no_fold_and_not_learned_from(dataset: Dataset, plan: Plan, recipe: Recipe):
    used = np.unique(np.concatenate([rows for fold in plan.folds for rows in (fold.train, fold.test)]))
    window = plan.final.test
    assert len(np.unique(dataset.days[window])) == recipe.validation.final_window_days
    assert np.intersect1d(window, used).size == np.intersect1d(window, plan.final.train).size == 0
    assert dataset.label_known[plan.final.train].max() <= dataset.decided[window].min()


def test_nothing_in_the_untouched_window_moves_the_published_model(
    dataset: Dataset, plan: Plan, recipe: Recipe, results: tuple[FoldResult, ...]
):
    x, codes = dataset.x.copy(), dataset.codes.copy()
    x[plan.final.test], codes[plan.final.test] = -1.0, 1 - codes[plan.final.test]
    other = replace(dataset, x=x, codes=codes)
    texts = [assess(each, plan, recipe, walk_forward(each, plan.folds, recipe)).fit.text for each in (dataset, other)]
    assert texts[0] == texts[1]


def test_the_published_rounds_are_the_median_of_the_folds(
    dataset: Dataset, plan: Plan, recipe: Recipe, results: tuple[FoldResult, ...]
):
    training = assess(dataset, plan, recipe, results)
    assert training.fit.rounds == sorted(training.rounds_by_fold)[1]


def test_a_model_that_knows_only_the_martingale_has_no_skill_against_it(dataset: Dataset, recipe: Recipe):
    blind = replace(dataset, x=dataset.walk.copy(), names=("martingale_up",))
    plan = plan_of(blind, recipe)
    results = walk_forward(blind, plan.folds, recipe)
    rows, probs = rows_tested(results), np.concatenate([each.said for each in results])
    baselines = pooled([baseline_probs(blind, fold.train, fold.test) for fold in plan.folds])
    gain = skill(blind.codes[rows], probs, baselines["martingale"], blind.days[rows])
    assert gain.low < 0
    assert -0.03 < gain.value < 0.005


def test_an_evaluation_stands_beside_both_baselines_and_says_skill_over_the_better(
    dataset: Dataset, plan: Plan, recipe: Recipe, results: tuple[FoldResult, ...]
):
    fold, probs = results[-1].fold, results[-1].said
    found = evaluate(dataset, fold.test, probs, baseline_probs(dataset, fold.train, fold.test), recipe)
    actual = dataset.codes[fold.test]
    up = dataset.walk[fold.test, 0]
    shares = np.bincount(dataset.codes[fold.train]) / len(fold.train)
    martingale = log_loss(actual, np.column_stack([up, 1 - up]))
    assert found.baselines["martingale"]["log_loss"].value == martingale
    assert found.baselines["majority"]["accuracy"].value == (actual == shares.argmax()).mean()
    assert found.best_baseline == "martingale"
    assert found.skill["log_loss"].value == pytest.approx(martingale - log_loss(actual, probs))
    assert set(found.scores) == set(found.baselines["majority"]) == set(found.baselines["martingale"])
    assert {"accuracy", "balanced_accuracy", "brier", "auc", "precision_UP", "recall_DOWN"} < set(found.scores)


def test_the_confusion_counts_every_event_once_and_gives_each_cell_an_interval(
    dataset: Dataset, plan: Plan, recipe: Recipe, results: tuple[FoldResult, ...]
):
    training = assess(dataset, plan, recipe, results)
    block = training.walk_forward.document()["confusion"]
    called = np.concatenate([each.said for each in results]).argmax(axis=1)
    actual = dataset.codes[training.tested]
    assert block["DOWN"]["UP"]["events"] == int(((actual == 1) & (called == 0)).sum())
    assert sum(cell["events"] for row in block.values() for cell in row.values()) == len(actual)
    share = block["UP"]["UP"]["share"]
    assert share["low"] < share["value"] < share["high"]
    assert share["value"] == pytest.approx(block["UP"]["UP"]["events"] / len(actual))


def test_the_demo_market_has_nothing_to_be_learned_beyond_the_martingale(
    dataset: Dataset, plan: Plan, recipe: Recipe, results: tuple[FoldResult, ...]
):
    training = assess(dataset, plan, recipe, results)
    assert training.walk_forward.best_baseline == "martingale"
    assert training.walk_forward.skill["log_loss"].low < 0
    assert training.walk_forward.scores["auc"].value < training.walk_forward.baselines["martingale"]["auc"].high
    assert next(iter(training.importance)) in {"martingale_up", "range_close_position"}
