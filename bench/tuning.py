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
from ml_training.splits import early_stopping_split, walk_forward_folds
from ml_training.starts import start_of
from ml_training.tuning import Tuning
from ml_training.walk_forward import WORKERS

TRIALS, TARGET = 50, 1.05


def figures() -> list[Figure]:
    """Return the row of 50 trials."""
    dataset, recipe = synthetic_dataset(), shipped_recipe("directional")
    folds = walk_forward_folds(dataset.timeline, FOLDS, recipe.validation.embargo_days)
    with TemporaryDirectory() as folder:
        store = Store(Path(folder))
        ledger = Ledger(store, lambda: datetime.now(UTC), "bench")
        tuning = Tuning(dataset, folds, recipe, "bench", ledger, AdviceTerms(0.55), pruner=optuna.pruners.NopPruner())
        begun = time.perf_counter()
        tuning.best_of(TRIALS, Path(folder) / "study.log")
        taken = time.perf_counter() - begun
        tried = [trial.params for trial in tuning.study(Path(folder) / "study.log").get_trials()]
        store.close()
    least = bare_seconds(dataset, recipe, tried)
    work = f"{TRIALS} tuning trials, {FOLDS} folds, {EVENTS:,} × {FEATURES}, the directional recipe"
    return [Figure(work, f"bare fits {least:.1f} s", f"{taken:.1f} s", taken / least, TARGET)]


def bare_seconds(dataset: Dataset, recipe: Recipe, tried: list[dict[str, float]]) -> float:
    """Return how long the fits of the same trials take by themselves, binned once a fold, predictions left out."""
    validation, chosen = recipe.validation, {**parameters(recipe.estimator, 2, recipe.seed), "verbosity": -1}
    binned = []
    begun = time.perf_counter()
    for fold in walk_forward_folds(dataset.timeline, FOLDS, validation.embargo_days):
        share, embargo = validation.early_stopping_share, validation.embargo_days
        inner = early_stopping_split(dataset.timeline, fold.train, share, embargo)
        start = start_of(dataset, fold.train, recipe)
        began = [start.scores(dataset.x[rows]).ravel() if start else None for rows in (inner.train, inner.test)]
        train = lightgbm.Dataset(dataset.x[inner.train], dataset.codes[inner.train], init_score=began[0], params=chosen)
        binned.append(
            (train, train.create_valid(dataset.x[inner.test], dataset.codes[inner.test], init_score=began[1]))
        )

    def fitted(pair: tuple[lightgbm.Dataset, lightgbm.Dataset], numbers: dict[str, float]) -> object:
        stop = lightgbm.early_stopping(recipe.estimator.early_stopping_rounds, verbose=False)
        train, watched = pair
        rounds = recipe.estimator.rounds
        return lightgbm.train({**chosen, **numbers}, train, rounds, valid_sets=[watched], callbacks=[stop])

    with ThreadPoolExecutor(WORKERS) as pool:
        for numbers in tried:
            list(pool.map(lambda pair, numbers=numbers: fitted(pair, numbers), binned))
    return time.perf_counter() - begun


if __name__ == "__main__":
    print(*(each.row for each in figures()), sep="\n")
