"""Skill on every path: nothing where nothing is known beyond the baseline, something on each where something is."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from ml_training.code_state import CodeState
from ml_training.dataset import Dataset
from ml_training.paths import Paths, paths_of
from ml_training.recipe import Recipe
from ml_training.training import assess, plan_of
from ml_training.version_draft import Circumstances, metrics_of
from ml_training.walk_forward import walk_forward
from trading.domain.instrument import Instrument


def asking(recipe: Recipe, blocks: int | None, tested: int = 2) -> Recipe:
    return recipe.model_copy(
        update={"validation": recipe.validation.model_copy(update={"blocks": blocks, "tested": tested})}
    )


def before(dataset: Dataset, recipe: Recipe) -> np.ndarray:
    return np.flatnonzero(dataset.days < dataset.days[plan_of(dataset, recipe).final.test[0]])


def test_on_a_market_without_an_edge_no_path_is_far_from_the_baseline(dataset: Dataset, recipe: Recipe):
    found = paths_of(dataset, before(dataset, recipe), asking(recipe, 6), 10, "martingale")
    assert (found.fits, len(found.skill)) == (15, 5)
    assert max(abs(each) for each in found.skill) < 0.01


def test_an_edge_shows_on_every_path(dataset: Dataset, recipe: Recipe):
    random = np.random.default_rng(1)
    hint = dataset.codes + random.normal(0, 1.5, len(dataset))
    known = replace(dataset, x=np.column_stack([dataset.x, hint]), names=(*dataset.names, "hint"))
    found = paths_of(known, before(known, recipe), asking(recipe, 6), 60, "martingale")
    assert min(found.skill) > 0.01
    assert "above 0 on 5 of 5." in found.sentences[0]


def test_one_or_two_workers_find_the_same(dataset: Dataset, recipe: Recipe):
    pair = [paths_of(dataset, before(dataset, recipe), asking(recipe, 4, 1), 10, "majority", workers=w) for w in (1, 2)]
    assert pair[0] == pair[1]


def test_too_few_days_are_said_and_no_blocks_are_nothing(dataset: Dataset, recipe: Recipe):
    rows = np.arange(150)
    found = paths_of(dataset, rows, asking(recipe, 12), 10, "martingale")
    days = len(np.unique(dataset.days[rows]))
    assert found == Paths(12, 2, 0, days, "martingale", "nats", ())
    assert found.sentences == (f"Not computed: 12 blocks take 120 trading days, and there are {days}.",)
    assert paths_of(dataset, rows, asking(recipe, None), 10, "martingale") is None


def test_a_training_that_asks_for_paths_says_them_in_its_metrics(dataset: Dataset, recipe: Recipe, demo: Instrument):
    asked, plan = asking(recipe, 4), plan_of(dataset, recipe)
    training = assess(dataset, plan, asked, walk_forward(dataset, plan.folds, asked))
    made = Circumstances(demo, date(2023, 11, 30), CodeState("unknown", dirty=False), {}, None, 1)
    part = metrics_of(training, made)["combinatorial_paths"]
    assert part["fits"] == 6
    assert len(part["skill"]) == 3
    assert part["baseline"] == training.walk_forward.best_baseline


def test_more_tested_blocks_than_there_are_are_refused(recipe: Recipe):
    with pytest.raises(ValueError, match="fewer than the 4 blocks"):
        type(recipe.validation).model_validate({**recipe.validation.model_dump(), "blocks": 4, "tested": 4})
