"""Folds fitted side by side: each on its past, stopped early inside that past, tested on days it has never seen."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ml_models.scores import FloatArray, IntArray
from ml_training.dataset import Dataset
from ml_training.estimators import Fit, Rows, fit
from ml_training.recipe import Recipe
from ml_training.splits import Fold, early_stopping_split
from ml_training.starts import start_of

WORKERS = 2
"""Fits at once. The result does not depend on it."""


@dataclass(frozen=True, eq=False)
class FoldResult:
    """One fold: what was fitted, and the probabilities (n, K) of its test rows."""

    fold: Fold
    fit: Fit
    probs: FloatArray


def rows_of(dataset: Dataset, rows: IntArray) -> Rows:
    """Return features and codes of `rows`."""
    return Rows(dataset.x[rows], dataset.codes[rows])


def fit_fold(dataset: Dataset, fold: Fold, recipe: Recipe, rounds: int | None = None) -> FoldResult:
    """Return the result of one fold; with `rounds` so many are fitted on all of its training part, without stopping."""
    if rounds is None:
        validation = recipe.validation
        inner = early_stopping_split(
            dataset.timeline, fold.train, validation.early_stopping_share, validation.embargo_days
        )
        fitted, watched = rows_of(dataset, inner.train), rows_of(dataset, inner.test)
    else:
        fitted, watched = rows_of(dataset, fold.train), None
    result = fit(
        fitted,
        dataset.names,
        recipe.estimator,
        len(dataset.classes),
        recipe.seed,
        rounds=rounds,
        watched=watched,
        weigh_rarest_below=recipe.classes.weigh_rarest_below,
        start=start_of(dataset, fold.train, recipe),
    )
    return FoldResult(fold, result, result.probabilities(dataset.x[fold.test]))


def walk_forward(
    dataset: Dataset, folds: tuple[Fold, ...], recipe: Recipe, *, rounds: int | None = None, workers: int = WORKERS
) -> tuple[FoldResult, ...]:
    """Return the results of `folds` in their order, fitted by `workers` threads (LightGBM lets go of Python's lock)."""
    with ThreadPoolExecutor(workers) as pool:
        return tuple(pool.map(lambda fold: fit_fold(dataset, fold, recipe, rounds), folds))


def rows_tested(results: tuple[FoldResult, ...]) -> IntArray:
    """Return the rows that were tested, fold by fold: in the order of time, each once."""
    return np.concatenate([result.fold.test for result in results])
