"""Tuning: reused bins change no bit, what has ended stays, every trial is in the ledger, the window is never seen."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import optuna
import pyarrow as pa
import pytest

from ml_data.ingest import ingest_bars
from ml_data.store import Store
from ml_data.trials import trials_of
from ml_models.model_registry import ModelRegistry
from ml_training.choosing import AdviceTerms, fold_losses
from ml_training.dataset import Dataset
from ml_training.ledger import Ledger
from ml_training.recipe import Recipe
from ml_training.train_pipeline import train
from ml_training.training import plan_of
from ml_training.tuning import Tuned, Tuning
from ml_training.walk_forward import fit_fold, walk_forward
from trading.domain.instrument import Instrument

NOW = datetime(2024, 1, 2, 12, tzinfo=UTC)
TERMS = AdviceTerms(0.55)
FAMILY = "directional-DEMO"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    home = Store(tmp_path / "home")
    yield home
    home.close()


@pytest.fixture
def small(recipe: Recipe) -> Recipe:
    return recipe.model_copy(update={"estimator": recipe.estimator.model_copy(update={"rounds": 25})})


def tuning(dataset: Dataset, recipe: Recipe, store: Store, **more: object) -> Tuning:
    return Tuning(
        dataset, plan_of(dataset, recipe).folds, recipe, FAMILY, Ledger(store, lambda: NOW, "ann"), TERMS, **more
    )


def test_bins_that_are_used_again_change_no_bit_of_a_fit(dataset: Dataset, small: Recipe):
    fold, kept = plan_of(dataset, small).folds[0], {}
    for changes in ({}, {"num_leaves": 9}, {"min_data_in_leaf": 11, "feature_fraction": 0.4}, {"lambda_l2": 50.0}):
        other = small.model_copy(update={"estimator": small.estimator.model_copy(update=changes)})
        again, fresh = fit_fold(dataset, fold, other, None, kept), fit_fold(dataset, fold, other)
        assert again.said.tobytes() == fresh.said.tobytes(), changes
        assert again.fit.rounds == fresh.fit.rounds


def test_the_best_of_the_trials_is_the_one_with_the_least_loss_and_all_are_in_the_ledger(
    dataset: Dataset, small: Recipe, store: Store, tmp_path: Path
):
    told: list[int] = []
    found = tuning(dataset, small, store, advance=told.append).best_of(6, tmp_path / "study.log")
    trials = trials_of(store, FAMILY)
    means = [np.mean(each.result.fold_scores) for each in trials if each.result.state == "finished"]
    assert [each.kind for each in trials] == ["tuning"] * 6
    assert found.trials == 6
    assert found.best_loss == pytest.approx(min(means))
    assert told == [0, 1, 2, 3, 4, 5]
    plan = plan_of(dataset, small)
    own = fold_losses(dataset, walk_forward(dataset, plan.folds, small), TERMS)
    assert found.own_loss == pytest.approx(np.mean(own), abs=1e-12)
    again = fold_losses(dataset, walk_forward(dataset, plan.folds, found.recipe), TERMS)
    assert np.mean(again) == pytest.approx(found.best_loss, abs=1e-12)
    assert found.recipe.estimator.max_bin == small.estimator.max_bin


def test_an_interrupt_keeps_what_has_ended_and_the_same_command_goes_on(
    dataset: Dataset, small: Recipe, store: Store, tmp_path: Path
):
    def stop(ended: int) -> None:
        if ended == 3:
            raise KeyboardInterrupt

    file = tmp_path / "study.log"
    with pytest.raises(KeyboardInterrupt):
        tuning(dataset, small, store, advance=stop).best_of(5, file)
    assert len(trials_of(store, FAMILY)) == 3
    told: list[int] = []
    found = tuning(dataset, small, store, advance=told.append).best_of(5, file)
    assert told == [3, 4]
    assert (found.trials, len(trials_of(store, FAMILY))) == (5, 5)


def test_a_trial_that_is_interrupted_itself_is_counted_as_failed_and_run_again(
    dataset: Dataset, small: Recipe, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("ml_training.tuning.fit_fold", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tuning(dataset, small, store).best_of(2, tmp_path / "study.log")
    found = tuning(dataset, small, store).best_of(2, tmp_path / "study.log")
    states = sorted(each.result.state for each in trials_of(store, FAMILY))
    assert states == ["failed", "finished", "finished"]
    assert (found.trials, found.own_loss is None) == (2, False)


def test_a_trial_that_is_worse_than_the_median_stops_after_a_fold_and_says_so(
    dataset: Dataset, small: Recipe, store: Store, tmp_path: Path
):
    class Always(optuna.pruners.BasePruner):
        def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
            return trial.number > 0

    found = tuning(dataset, small, store, pruner=Always()).best_of(3, tmp_path / "study.log")
    results = [each.result for each in trials_of(store, FAMILY)]
    assert sorted((each.state, len(each.fold_scores)) for each in results) == [
        ("finished", 3),
        ("pruned", 1),
        ("pruned", 1),
    ]
    assert {each.why for each in results} == {None, "after 1 of 3 folds"}
    assert (found.pruned, found.best_loss) == (2, found.own_loss)


def test_other_data_begin_another_study(dataset: Dataset, small: Recipe, store: Store, tmp_path: Path):
    file = tmp_path / "study.log"
    tuning(dataset, small, store).best_of(2, file)
    told: list[int] = []
    other = replace(dataset, codes=1 - dataset.codes)
    tuning(other, small, store, advance=told.append).best_of(2, file)
    assert told == [0, 1]


def test_nothing_in_the_untouched_window_moves_the_choice(
    dataset: Dataset, small: Recipe, store: Store, tmp_path: Path
):
    window = plan_of(dataset, small).final.test
    codes = dataset.codes.copy()
    codes[window] = 1 - codes[window]
    chosen: list[Tuned] = [
        tuning(each, small, store).best_of(4, tmp_path / f"{number}.log")
        for number, each in enumerate((dataset, replace(dataset, codes=codes)))
    ]
    assert chosen[0] == chosen[1]


def test_a_tuned_version_says_what_was_chosen_and_opens_the_window_once(
    demo: Instrument, demo_table: pa.Table, small: Recipe, store: Store, tmp_path: Path
):
    ingest_bars(store, demo, [demo_table], source_name="the demo market", now=NOW)
    registry = ModelRegistry(tmp_path / "registry")
    report = train(store, registry, demo, small, until=date(2023, 11, 30), now=NOW, who="test", tune=3)
    metadata, chosen = report.metadata, report.metadata.extra["tuning"]["chosen"]
    assert metadata.command == "hub train directional --instrument DEMO --until 2023-11-30 --tune 3"
    assert {name: metadata.parameters[name] for name in chosen} == chosen
    assert metadata.trials == 4  # three, and the training with the best
    assert report.metrics["untouched"]["opened"] == 1
    assert [each.kind for each in trials_of(store, FAMILY)].count("tuning") == 3
    card = (registry.root / report.model / report.version / "MODEL_CARD.md").read_text()
    assert "- Tuned: the best of 3 trials (0 stopped early) by the walk-forward's loss" in card
    assert registry.verify(report.model, report.version) == []
