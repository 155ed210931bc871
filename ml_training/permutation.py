"""How much worse a model answers when one input is shuffled, on rows it was not fitted on."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ml_models.intervals import Estimate, mean_interval_t
from ml_models.quantiles import point_output
from ml_models.scores import FloatArray, IntArray, log_losses
from ml_training.dataset import Dataset
from ml_training.estimators import Fit
from ml_training.walk_forward import AnyFit, FoldResult, rows_tested

REPEATS: Final = 2
"""Shuffles of each input in each fold; the rise of the loss is their mean."""


def permutation_importance(
    dataset: Dataset, results: tuple[FoldResult, ...], seed: int, repeats: int = REPEATS
) -> tuple[Estimate, ...]:
    """Return for each of F inputs by how much the loss rises, an event, when it is shuffled; 95 % interval by day.

    Nats of classes; squared error of numbers, of the first target. An input is shuffled among the test rows of a fold,
    which breaks what it has to do with the outcome and with other inputs alike: inputs that say the same share what
    they are worth (Breiman 2001). An input that no tree of a fold splits on changes nothing, exactly.
    """
    tested = rows_tested(results)
    rises = np.zeros((len(dataset.names), len(tested)))
    first = 0
    for number, result in enumerate(results):
        rows = result.fold.test
        base = _losses(dataset, rows, result.fit, dataset.x[rows])
        for place in np.flatnonzero(_used(result.fit)):
            random = np.random.default_rng([seed, number, int(place)])
            x = dataset.x[rows].copy()
            for _ in range(repeats):
                x[:, place] = random.permutation(dataset.x[rows, place])
                rises[place, first : first + len(rows)] += _losses(dataset, rows, result.fit, x) - base
        first += len(rows)
    days = dataset.days[tested]
    return tuple(mean_interval_t(rise / repeats, days) for rise in rises)


def _used(fit: AnyFit) -> NDArray[np.bool_]:
    """Return (F,): true for the inputs that the answer depends on."""
    booster, rounds = _model(fit)
    used: NDArray[np.bool_] = np.asarray(booster.feature_importance("split", iteration=rounds)) > 0
    if isinstance(fit, Fit) and fit.start is not None:
        used[[fit.start.names.index(name) for name in fit.start.inputs]] = True
    return used


def _losses(dataset: Dataset, rows: IntArray, fit: AnyFit, x: FloatArray) -> FloatArray:
    """Return (n,): the loss of each of `rows` when its inputs are `x`; what the walk says of numbers stays as it is."""
    if isinstance(fit, Fit):
        return log_losses(dataset.codes[rows], fit.probabilities(x))
    booster, rounds = _model(fit)
    said = booster.predict(x, num_iteration=rounds, num_threads=1) + dataset.walk[rows, 0]
    return np.asarray((dataset.values[rows, 0] - said) ** 2)


def _model(fit: AnyFit) -> tuple[Any, int]:
    """Return the model whose answer is judged, and its rounds: of numbers that of the first target's point."""
    if isinstance(fit, Fit):
        return fit.main
    place = fit.outputs.index(point_output(fit.targets[0], fit.outputs))
    return fit.boosters[place], fit.rounds[place]
