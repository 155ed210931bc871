"""Folds fitted side by side: each on its past, stopped early inside that past, tested on days it has never seen."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median_low
from typing import TypeAlias, TypeVar

import numpy as np

from ml_models.quantiles import forecast_of, walk_of_outputs
from ml_models.scores import FloatArray, IntArray
from ml_training.dataset import Dataset
from ml_training.estimators import Fit, Kept, Rows, fit
from ml_training.recipe import Recipe
from ml_training.splits import Fold, early_stopping_split
from ml_training.starts import start_of
from ml_training.value_estimators import ValueFit, ValueRows, fit_values
from trading.domain.walks import bounds_of, possible_ends

WORKERS = 2
"""Fits at once. The result does not depend on it."""

T = TypeVar("T")
AnyFit: TypeAlias = Fit | ValueFit
Rounds: TypeAlias = int | tuple[int, ...]
"""Rounds of a fit: one number, or of a fit of several models one each."""


@dataclass(frozen=True, eq=False)
class FoldResult:
    """One fold: what was fitted, and what it says of its test rows, as `said_of` tells it."""

    fold: Fold
    fit: AnyFit
    said: FloatArray


def rows_of(dataset: Dataset, rows: IntArray) -> Rows:
    """Return features and codes of `rows`."""
    return Rows(dataset.x[rows], dataset.codes[rows])


def said_of(dataset: Dataset, rows: IntArray, fitted: AnyFit) -> FloatArray:
    """Return what a fit says of `rows` of `dataset`.

    Of classes (n, K) probabilities. Of numbers (n, outputs + 2 T): the outputs, then low and high end of each target's
    interval, which never leaves what is possible (a stopped trade loses its R and its costs, no more).
    """
    if isinstance(fitted, Fit):
        return fitted.probabilities(dataset.x[rows])
    said = fitted.said(dataset.x[rows]) + walk_of_outputs(fitted.targets, fitted.outputs, dataset.walk[rows])
    possible = bounds_of(dataset.asked, dataset.trade_rule, dataset.slippage, dataset.names, dataset.x[rows])
    moved = fitted.calibrator.moved(dataset.names, dataset.x[rows])
    ends: list[FloatArray] = []
    for place, target in enumerate(fitted.targets):
        found = forecast_of(target, fitted.outputs, said, fitted.calibrator.offsets[place], moved)
        ends += possible_ends(possible, place, np.asarray(found.low), np.asarray(found.high))
    return np.column_stack([said, *ends])


def fit_rows(
    dataset: Dataset, rows: IntArray, recipe: Recipe, rounds: Rounds | None = None, kept: Kept | None = None
) -> AnyFit:
    """Return the fit of `rows`, all that may be learned from; without `rounds` early stopping decides inside of them.

    `kept` holds what fits of the same rows share (LightGBM's bins); one fit at a time. Of numbers the last of their
    days are kept from it for the interval, with or without `rounds`.
    """
    validation, learnable = recipe.validation, rows
    calibrated = rows[:0]
    if recipe.quantiles is not None:
        parts = early_stopping_split(
            dataset.timeline, rows, recipe.quantiles.calibration_share, validation.embargo_days
        )
        rows, calibrated = parts.train, parts.test
    watched = rows[:0]
    if rounds is None:
        share, embargo, known = validation.early_stopping_share, validation.embargo_days, rows
        inner = _once(kept, "inner", lambda: early_stopping_split(dataset.timeline, known, share, embargo))
        rows, watched = inner.train, inner.test
    if recipe.quantiles is None:
        return fit(
            _once(kept, "rows", lambda: rows_of(dataset, rows)),
            dataset.names,
            recipe.estimator,
            len(dataset.classes),
            recipe.seed,
            rounds=rounds if isinstance(rounds, int) else None,
            watched=_once(kept, "watched", lambda: rows_of(dataset, watched)) if len(watched) else None,
            weigh_rarest_below=0.0 if recipe.classes is None else recipe.classes.weigh_rarest_below,
            start=_once(kept, "start", lambda: start_of(dataset, learnable, recipe)),
            kept=kept,
            keep=recipe.features.keep,
        )
    days = dataset.days[calibrated]
    return fit_values(
        _value_rows(dataset, rows),
        _value_rows(dataset, calibrated),
        (str(days[0]), str(days[-1])),
        dataset.names,
        recipe,
        rounds=rounds if isinstance(rounds, tuple) else None,
        watched=_value_rows(dataset, watched) if len(watched) else None,
        kept=kept,
    )


def _once(kept: Kept | None, name: str, make: Callable[[], T]) -> T:
    """Return what `make` makes, only once for the same `kept`."""
    if kept is None:
        return make()
    if name not in kept:
        kept[name] = make()
    made: T = kept[name]
    return made


def _value_rows(dataset: Dataset, rows: IntArray) -> ValueRows:
    """Return features and what is learned: how far what became of the targets lies from what the walk says."""
    targets = dataset.values.shape[1]
    return ValueRows(
        dataset.x[rows],
        dataset.values[rows] - dataset.walk[rows, :targets],
        dataset.members[rows],
        dataset.timeline.part(rows),
    )


def fit_fold(
    dataset: Dataset, fold: Fold, recipe: Recipe, rounds: int | None = None, kept: Kept | None = None
) -> FoldResult:
    """Return the result of one fold; with `rounds` so many are fitted of every model, without stopping.

    `kept` is as `fit_rows` takes it.
    """
    every: Rounds | None = rounds
    if rounds is not None and recipe.outputs:
        every = (rounds,) * len(recipe.outputs)
    result = fit_rows(dataset, fold.train, recipe, every, kept)
    return FoldResult(fold, result, said_of(dataset, fold.test, result))


def median_rounds(results: tuple[FoldResult, ...]) -> Rounds:
    """Return the median of the folds' rounds, of each model its own."""
    if isinstance(results[0].fit, Fit):
        return int(median_low(int(np.max(result.fit.rounds)) for result in results))
    by_model = zip(*(np.atleast_1d(result.fit.rounds).tolist() for result in results), strict=True)
    return tuple(int(median_low(rounds)) for rounds in by_model)


def walk_forward(
    dataset: Dataset, folds: tuple[Fold, ...], recipe: Recipe, *, rounds: int | None = None, workers: int = WORKERS
) -> tuple[FoldResult, ...]:
    """Return the results of `folds` in their order, fitted by `workers` threads (LightGBM lets go of Python's lock)."""
    with ThreadPoolExecutor(workers) as pool:
        return tuple(pool.map(lambda fold: fit_fold(dataset, fold, recipe, rounds), folds))


def rows_tested(results: tuple[FoldResult, ...]) -> IntArray:
    """Return the rows that were tested, fold by fold: in the order of time, each once."""
    return np.concatenate([result.fold.test for result in results])
