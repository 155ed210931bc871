"""Tuning against the bare LightGBM fits of the same trials: `python -m bench.tuning`.

50 trials of 5 folds on 7,700 events of 66 features, none stopped early between folds. The floor bins each fold once and
calls `lightgbm.train` with the numbers that the study tried, two folds at a time; ours also asks Optuna, predicts,
scores, and writes each trial into study and ledger.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import lightgbm
import optuna

from bench.measure import Figure
from bench.walk_forward import EVENTS, FEATURES, FOLDS, synthetic_dataset
from ml_data.store import Store
from ml_training.choosing import AdviceTerms
from ml_training.dataset import Dataset
from ml_training.estimators import parameters
from ml_training.ledger import Ledger
from ml_training.recipe import Recipe, shipped_recipe
from ml_training.splits import Fold, early_stopping_split, walk_forward_folds
from ml_training.starts import start_of
from ml_training.tuning import Tuning
from ml_training.walk_forward import WORKERS

TRIALS, TARGET = 50, 1.05


def figures() -> list[Figure]:
    """Return the row of 50 trials; floor and ours take turns trial by trial, since others on the machine only add."""
    dataset, recipe = synthetic_dataset(), shipped_recipe("directional")
    folds = walk_forward_folds(dataset.timeline, FOLDS, recipe.validation.embargo_days)
    bare = BareFits(dataset, recipe, folds)
    with TemporaryDirectory() as folder:
        store, file, waited = Store(Path(folder)), Path(folder) / "study.log", 0.0

        def in_turns(ended: int) -> None:
            nonlocal waited
            begun = time.perf_counter()
            if ended:
                bare.again(tuning.study(file).get_trials()[ended - 1].params)
            waited += time.perf_counter() - begun

        ledger, pruner = Ledger(store, lambda: datetime.now(UTC), "bench"), optuna.pruners.NopPruner()
        tuning = Tuning(dataset, folds, recipe, "bench", ledger, AdviceTerms(0.55), in_turns, pruner)
        begun = time.perf_counter()
        tuning.best_of(TRIALS, file)
        taken = time.perf_counter() - begun - waited
        in_turns(TRIALS)
        store.close()
    work = f"{TRIALS} tuning trials, {FOLDS} folds, {EVENTS:,} × {FEATURES}, the directional recipe"
    return [Figure(work, f"bare fits {bare.seconds:.1f} s", f"{taken:.1f} s", taken / bare.seconds, TARGET)]


class BareFits:
    """The fits of a trial by themselves: binned once a fold, without predictions; `seconds` is what that took."""

    def __init__(self, dataset: Dataset, recipe: Recipe, folds: tuple[Fold, ...]) -> None:
        self.recipe = recipe
        self.chosen = {**parameters(recipe.estimator, 2, recipe.seed), "verbosity": -1}
        begun = time.perf_counter()
        self.binned = [self._bins(dataset, fold) for fold in folds]
        self.seconds = time.perf_counter() - begun

    def _bins(self, dataset: Dataset, fold: Fold) -> tuple[lightgbm.Dataset, lightgbm.Dataset]:
        validation = self.recipe.validation
        inner = early_stopping_split(
            dataset.timeline, fold.train, validation.early_stopping_share, validation.embargo_days
        )
        start = start_of(dataset, fold.train, self.recipe)
        (x, codes, began), (seen, happened, begins) = (
            (dataset.x[rows], dataset.codes[rows], start.scores(dataset.x[rows]).ravel() if start else None)
            for rows in (inner.train, inner.test)
        )
        train = lightgbm.Dataset(x, codes, init_score=began, params=self.chosen)
        return train, train.create_valid(seen, happened, init_score=begins)

    def again(self, numbers: dict[str, float]) -> None:
        """Fit all folds with `numbers`, two at a time."""
        begun = time.perf_counter()
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda pair: self._fit(pair, numbers), self.binned))
        self.seconds += time.perf_counter() - begun

    def _fit(self, pair: tuple[lightgbm.Dataset, lightgbm.Dataset], numbers: dict[str, float]) -> object:
        stop = lightgbm.early_stopping(self.recipe.estimator.early_stopping_rounds, verbose=False)
        train, watched = pair
        rounds = self.recipe.estimator.rounds
        return lightgbm.train({**self.chosen, **numbers}, train, rounds, valid_sets=[watched], callbacks=[stop])


if __name__ == "__main__":
    print(*(each.row for each in figures()), sep="\n")
