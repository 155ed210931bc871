"""Where fits begin: at the walk, put right where training rejects it, at the frequencies where it says nothing."""

from dataclasses import replace

import numpy as np
import pytest

from ml_models.baselines import martingale_probs
from ml_models.calibrator import Calibrator
from ml_training.dataset import Dataset
from ml_training.recipe import Recipe
from ml_training.starts import describe_start, start_of
from ml_training.training import plan_of
from ml_training.walk_forward import walk_forward


def with_down_log_odds(dataset: Dataset, slope: float, shift: float) -> Dataset:
    """The dataset with outcomes drawn anew: the log-odds of DOWN are `slope` times the walk's plus `shift`."""
    up = dataset.walk[:, 0]
    odds = ((1 - up) / up) ** slope * np.exp(shift)
    down = np.random.default_rng(1).random(len(up)) < odds / (1 + odds)
    return replace(dataset, codes=down.astype(np.int64))


def test_a_walk_that_means_what_it_says_is_where_a_fit_begins(dataset: Dataset, recipe: Recipe):
    rows = np.arange(len(dataset))
    start = start_of(with_down_log_odds(dataset, 1.0, 0.0), rows, recipe)
    assert (start.slope, start.intercept, start.p_none) == (1.0, (), 0.0)
    np.testing.assert_allclose(
        Calibrator().apply(start.scores(dataset.x)), martingale_probs(dataset.walk[:, 0]), rtol=1e-12
    )
    assert describe_start(start) == (
        "Each fit started from the martingale (martingale_up) and learned corrections to it."
    )


def test_a_walk_that_is_too_bold_and_one_sided_is_put_right_by_two_numbers(dataset: Dataset, recipe: Recipe):
    start = start_of(with_down_log_odds(dataset, 0.5, 0.6), np.arange(len(dataset)), recipe)
    assert start.slope == pytest.approx(0.5, abs=0.15)
    assert start.intercept[0] == pytest.approx(0.6, abs=0.15)
    assert "were put right by what training says (times 0." in describe_start(start)


def test_a_walk_that_says_nothing_is_left_for_the_frequencies(dataset: Dataset, recipe: Recipe):
    drawn = with_down_log_odds(dataset, 0.0, 0.8)
    start = start_of(drawn, np.arange(len(dataset)), recipe)
    said = Calibrator().apply(start.scores(dataset.x))
    np.testing.assert_allclose(said, np.tile(np.bincount(drawn.codes) / len(drawn), (len(drawn), 1)), rtol=1e-12)
    assert describe_start(start).startswith("It started from the classes' frequencies: ")


def test_a_recipe_that_starts_at_the_average_starts_nowhere_else(dataset: Dataset, recipe: Recipe):
    average = recipe.model_copy(update={"classes": recipe.classes.model_copy(update={"start": "average"})})
    assert start_of(dataset, np.arange(len(dataset)), average) is None


def test_where_a_fold_begins_knows_nothing_of_the_days_it_is_tested_on(dataset: Dataset, recipe: Recipe):
    fold = plan_of(dataset, recipe).folds[0]
    x, codes = dataset.x.copy(), dataset.codes.copy()
    x[fold.test], codes[fold.test] = 0.9, 1 - codes[fold.test]
    starts = [
        walk_forward(each, (fold,), recipe)[0].fit.start for each in (dataset, replace(dataset, x=x, codes=codes))
    ]
    assert starts[0] == starts[1]
