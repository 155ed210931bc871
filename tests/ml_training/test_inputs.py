"""Inputs chosen inside of each fit: by its own rows alone, forbidden exactly, and told in the version."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from ml_data.history import History
from ml_data.lookahead import LookaheadReport
from ml_data.store import Store
from ml_models.model_registry import ModelRegistry
from ml_training.choosing import AdviceTerms
from ml_training.code_state import CodeState
from ml_training.dataset import Dataset, chosen_groups, dataset_of
from ml_training.inputs import chosen_of, grown, only
from ml_training.ledger import Ledger
from ml_training.recipe import Recipe, shipped_recipe
from ml_training.training import assess, inputs_of, plan_of
from ml_training.tuning import KEPT, Tuning
from ml_training.version_draft import Circumstances, draft_of
from ml_training.walk_forward import fit_fold, fit_rows, walk_forward
from trading.domain.instrument import Instrument

NOW = datetime(2024, 1, 2, 12, tzinfo=UTC)
TREES = {
    "objective": "binary",
    "num_leaves": 8,
    "min_data_in_leaf": 10,
    "feature_fraction": 0.5,
    "seed": 1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "feature_pre_filter": False,
    "verbosity": -1,
}


def keeping(recipe: Recipe, keep: int | None, rounds: int = 25) -> Recipe:
    return recipe.model_copy(
        update={
            "features": recipe.features.model_copy(update={"keep": keep}),
            "estimator": recipe.estimator.model_copy(update={"rounds": rounds}),
        }
    )


def leaning(rows: int = 900, inputs: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Inputs with gaps, the first two of which the class leans on."""
    random = np.random.default_rng(3)
    x = random.normal(size=(rows, inputs))
    odds = 1.5 * x[:, 0] - x[:, 1]
    x[random.random(x.shape) < 0.05] = np.nan
    return x, (random.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.int64)


@pytest.fixture(scope="module")
def planted(dataset: Dataset) -> Dataset:
    """The demo market with two inputs more: one that tells the outcome four times in five, one that is noise."""
    random = np.random.default_rng(5)
    told = np.where(random.random(len(dataset)) < 0.8, dataset.codes, 1 - dataset.codes) + random.normal(
        0, 0.1, len(dataset)
    )
    x = np.column_stack([dataset.x, told, random.integers(0, 2, len(dataset))])
    return replace(dataset, x=x, names=(*dataset.names, "tells", "noise"))


@pytest.mark.parametrize("kept", [(3, 7), (20,), (0, 1, 2, 23)])
def test_a_contribution_of_zero_forbids_every_split_and_no_tree_is_left_empty(kept: tuple[int, ...]):
    x, y = leaning()
    rows = lightgbm.Dataset(x, y, params=TREES)
    unbound = lightgbm.train(TREES, rows, 60)
    bound = lightgbm.train({**TREES, **only(kept, 24, TREES["feature_fraction"])}, rows, 60)
    used = np.flatnonzero(bound.feature_importance("split"))
    assert set(used) == set(kept)
    assert bound.current_iteration() == 60
    assert len(np.flatnonzero(unbound.feature_importance("split"))) == 24
    assert bound.feature_name() == unbound.feature_name()


def test_the_real_fit_is_the_same_on_bins_that_were_used_and_on_new_ones():
    x, y = leaning()
    used = lightgbm.Dataset(x, y, params=TREES)
    lightgbm.train({**TREES, **only((4, 5), 24, 1.0)}, used, 5)
    again, fresh = grown(TREES, used, 40, keep=5), grown(TREES, lightgbm.Dataset(x, y, params=TREES), 40, keep=5)
    assert again.booster.model_to_string() == fresh.booster.model_to_string()
    assert again.inputs == fresh.inputs
    assert set(again.inputs) > {0, 1}


def test_where_a_first_fit_finds_nothing_it_stays():
    x = np.zeros((200, 3))
    found = grown(TREES, lightgbm.Dataset(x, np.arange(200) % 2, params=TREES), 10, keep=2)
    assert found.inputs == ()
    assert len(set(found.booster.predict(x))) == 1


def test_the_input_that_tells_is_kept_in_every_fold_and_noise_in_none(planted: Dataset, recipe: Recipe):
    few = keeping(recipe, 5)
    results = walk_forward(planted, plan_of(planted, few).folds, few)
    for result in results:
        names = [planted.names[place] for place in result.fit.inputs]
        assert len(names) <= 5
        assert "tells" in names
        assert "noise" not in names
        split = np.flatnonzero(result.fit.booster.feature_importance("split"))
        assert set(split) <= set(result.fit.inputs)


def test_nothing_that_is_tested_moves_the_choice_or_the_fit(planted: Dataset, recipe: Recipe):
    few = keeping(recipe, 8)
    fold = plan_of(planted, few).folds[0]
    x, codes = planted.x.copy(), planted.codes.copy()
    later = np.setdiff1d(np.arange(len(planted)), fold.train)
    x[later] = np.random.default_rng(1).normal(1e3, 1e4, (len(later), x.shape[1]))
    codes[later] = 1 - codes[later]
    one, other = (fit_fold(each, fold, few).fit for each in (planted, replace(planted, x=x, codes=codes)))
    assert one.inputs == other.inputs
    assert one.text == other.text


def test_one_or_two_workers_choose_the_same_and_give_the_same_bytes(planted: Dataset, recipe: Recipe):
    few = keeping(recipe, 8)
    folds = plan_of(planted, few).folds
    alone, beside = (walk_forward(planted, folds, few, workers=workers) for workers in (1, 2))
    assert [each.fit.text for each in alone] == [each.fit.text for each in beside]
    assert [each.fit.inputs for each in alone] == [each.fit.inputs for each in beside]


def test_bins_are_shared_by_trials_that_keep_all_and_some(planted: Dataset, recipe: Recipe):
    fold, bins = plan_of(planted, recipe).folds[0], {}
    for keep in (None, 3, 10, None):
        other = keeping(recipe, keep)
        again, fresh = fit_fold(planted, fold, other, None, bins), fit_fold(planted, fold, other)
        assert again.said.tobytes() == fresh.said.tobytes(), keep
        assert (again.fit.inputs is None) == (keep is None)


def test_of_a_blend_each_model_chooses_its_own(history: History):
    shipped = shipped_recipe("orb_ensemble")
    small = keeping(shipped, 4, rounds=15).model_copy(
        update={
            "stack": shipped.stack.model_copy(update={"member_rounds": 8, "folds": 2}),
            "validation": shipped.validation.model_copy(update={"final_window_days": 40}),
        }
    )
    trades = dataset_of(history, small)
    fit = fit_rows(trades, plan_of(trades, small).final.train, small)
    assert len(fit.inputs) == len(small.outputs)
    assert max(len(each) for each in fit.inputs[1:]) <= 4
    for booster, inputs in zip(fit.boosters, fit.inputs, strict=True):
        assert set(np.flatnonzero(booster.feature_importance("split"))) <= set(inputs)


def test_a_choice_counts_in_how_many_folds_each_input_was_chosen():
    folds = (((0, 2),), ((2,),), ((1, 2),))
    found = chosen_of(2, ("range", "delay", "tells"), ("model",), ((0, 2),), folds)
    assert found.document() == {
        "keep": 2,
        "available": 3,
        "folds": 3,
        "final": {"model": ["range", "tells"]},
        "chosen_in_folds": {"model": {"tells": 3, "range": 1, "delay": 1}},
    }
    assert found.sentences == (
        "Each fit chose its inputs on the rows it learned from alone: at most 2 of 3, those that gained most in a "
        "first fit. The published model kept 2; 3 were chosen in some of the 3 folds of the walk-forward, 1 in all of "
        "them.",
        "Kept, and in how many of the 3 folds: range (1), tells (3).",
    )
    assert chosen_of(None, ("range",), ("model",), (None,), ()) is None


def test_a_version_has_all_inputs_in_its_schema_says_what_was_kept_and_gives_its_golden_rows_again(
    planted: Dataset, recipe: Recipe, demo: Instrument, tmp_path: Path
):
    few = keeping(recipe, 6)
    plan = plan_of(planted, few)
    training = assess(planted, plan, few, walk_forward(planted, plan.folds, few))
    made = Circumstances(demo, date(2023, 11, 30), CodeState("unknown", dirty=False), {"python": "3"}, None, 1)
    audit = LookaheadReport(3, len(planted.names), ())
    registry = ModelRegistry(tmp_path / "registry")
    draft = draft_of(planted, training, few, chosen_groups(few), audit, (), made)
    version = registry.publish("directional", draft, now=NOW, who="test", why="few inputs")
    loaded = registry.load("directional")
    assert loaded.schema.names == planted.names
    assert registry.verify("directional", version) == []
    kept = [planted.names[place] for place in inputs_of(training.fit)[0]]
    told = loaded.metadata.extra["chosen_inputs"]
    assert (told["keep"], told["final"], told["chosen_in_folds"]["model"]["tells"]) == (6, {"model": kept}, 3)
    assert "tells (3)" in draft.card
    assert "- Each fit chose its inputs on the rows it learned from alone: at most 6 of " in draft.card
    test = plan.final.test
    assert loaded.margins(planted.x[test]).tobytes() == training.fit.margins(planted.x[test]).tobytes()


def test_tuning_tries_how_many_are_kept_only_where_the_recipe_keeps_some(
    planted: Dataset, recipe: Recipe, tmp_path: Path
):
    store = Store(tmp_path / "home")
    for keep in (None, 15):
        few = keeping(recipe, keep, rounds=4)
        folds = plan_of(planted, few).folds[-1:]
        tuning = Tuning(planted, folds, few, "directional-DEMO", Ledger(store, lambda: NOW, "ann"), AdviceTerms(0.55))
        found = tuning.best_of(6, tmp_path / "study.log")
        tried = [each.params.get("keep", "untold") for each in tuning.study(tmp_path / "study.log").get_trials()]
        if keep is None:
            assert set(tried) == {"untold"}
            assert found.recipe.features.keep is None
        else:
            assert tried[0] == 15
            assert set(tried) <= {*KEPT, 15}
            assert len(set(tried)) > 1
            assert found.recipe.features.keep == found.chosen["keep"]
            assert found.own_loss is not None
            assert f"keep {found.chosen['keep'] or 'all'}" in found.sentence
    store.close()
