"""How good a forecast of numbers was, beside the simplest answers to the same events."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from ml_models.intervals import Estimate, share_interval
from ml_models.quantiles import forecast_of, level_of, outputs_of
from ml_models.scores import FloatArray, IntArray
from ml_models.value_scores import Forecast, best_value_baseline, inside, value_scores, value_skills
from ml_training.dataset import Dataset
from trading.domain.walks import ATR_SCALED

APART: Final = {"volatile": "atr_14_share", "changed": "range_ahead_lately"}
"""The inputs by whose largest fifth the interval's coverage is told once more, as `coverage_volatile` and so on."""

TRAINING = "mean"
"""The baseline that says mean and quantiles of what became of the training's events."""


def value_baselines(
    dataset: Dataset, outputs: tuple[str, ...], train: IntArray, test: IntArray
) -> dict[str, FloatArray]:
    """Return what each baseline says, (n, outputs), of the rows `test`, knowing what became of the rows `train` only.

    `TRAINING` says their mean and quantiles. The walk says its own number as the mean, and as quantiles that number
    moved by the quantiles of what it was off by in training: a place that was never learned, a spread that was.
    """
    targets = dataset.asked.targets
    learned = np.empty((len(test), len(outputs)))
    walked = np.empty((len(test), len(outputs)))
    for place, target in enumerate(targets):
        known = dataset.values[train, place]
        off = known - dataset.walk[train, place]
        for column in outputs_of(target, outputs):
            level = level_of(outputs[column])
            learned[:, column] = known.mean() if level is None else np.quantile(known, level)
            walked[:, column] = dataset.walk[test, place] + (0.0 if level is None else np.quantile(off, level))
    found = {TRAINING: learned, dataset.asked.walk: walked}
    scale = _scale(dataset)
    return found if scale is None else {**found, ATR_SCALED: _scaled(dataset, outputs, train, test, scale)}


def _scale(dataset: Dataset) -> FloatArray | None:
    """Return (n,): the log of ATR(14) in the unit of the targets, where they are distances; else None."""
    targets = len(dataset.asked.targets)
    return dataset.walk[:, targets] if dataset.walk.shape[1] > targets else None


def _scaled(
    dataset: Dataset, outputs: tuple[str, ...], train: IntArray, test: IntArray, scale: FloatArray
) -> FloatArray:
    """Return what says mean and quantiles of as many ATR(14) as in training, (n, outputs)."""
    said = np.empty((len(test), len(outputs)))
    for place, target in enumerate(dataset.asked.targets):
        known = dataset.values[train, place] - scale[train]
        for column in outputs_of(target, outputs):
            level = level_of(outputs[column])
            said[:, column] = scale[test] + (known.mean() if level is None else np.quantile(known, level))
    return said


def value_tables(
    dataset: Dataset,
    outputs: tuple[str, ...],
    rows: IntArray,
    said: FloatArray,
    baselines: Mapping[str, FloatArray],
    seed: int,
) -> tuple[dict[str, Estimate], dict[str, dict[str, Estimate]], str, dict[str, Estimate]]:
    """Return scores, scores of each baseline, the name of the best one, and the skill over it.

    The interval's coverage is told once more of the fifth of the events with the highest ATR as a share of price
    (`coverage_volatile`) and, of distances, of the fifth before which outcomes were farthest off what was usual
    (`coverage_changed`): what was measured on calm days may be too narrow on wild ones, or when the market has just
    changed. Of distances R² is told a second time, in ATR(14) instead of in ranges (`_by_atr`): the errors are the
    same, what is to be explained is not.
    `said` (n, outputs + 2 T) is as `ml_training.walk_forward.said_of` tells it. With several targets the names end in
    theirs; the best baseline is that of the first.
    """
    targets, days = dataset.asked.targets, dataset.days[rows]
    mine: dict[str, Estimate] = {}
    theirs: dict[str, dict[str, Estimate]] = {name: {} for name in baselines}
    gained: dict[str, Estimate] = {}
    best = ""
    for place, target in enumerate(targets):
        actual, end = dataset.values[rows, place], f"_{target}" if len(targets) > 1 else ""
        found = _with_interval(forecast_of(target, outputs, said), said, len(outputs) + 2 * place)
        beside = {name: forecast_of(target, outputs, each) for name, each in baselines.items()}
        best = best or best_value_baseline(actual, {name: each.point for name, each in beside.items()})
        mine |= {name + end: each for name, each in value_scores(actual, found, days, seed=seed).items()}
        for name, part in _parts(dataset, rows).items():
            if found.low is not None and found.high is not None:
                held = inside(actual[part], found.low[part], found.high[part])
                mine[f"coverage_{name}{end}"] = share_interval(held, days[part])
        if (scale := _scale(dataset)) is not None:
            by_atr = value_scores(actual - scale[rows], Forecast(found.point - scale[rows]), days, seed=seed)
            mine[f"r2{end}_by_atr"] = by_atr["r2"]
        for name, each in beside.items():
            theirs[name] |= {score + end: e for score, e in value_scores(actual, each, days, seed=seed).items()}
        gained |= {name + end: e for name, e in value_skills(actual, found, beside[best], days, seed=seed).items()}
    return mine, theirs, best, gained


def _parts(dataset: Dataset, rows: IntArray) -> dict[str, npt.NDArray[np.bool_]]:
    """Return which of `rows` (n,) are the largest fifth by each of the inputs in `APART` that are there."""
    sizes = {
        name: np.abs(dataset.x[rows, dataset.names.index(by)]) for name, by in APART.items() if by in dataset.names
    }
    return {name: size >= np.nanquantile(size, 0.8) for name, size in sizes.items() if np.isfinite(size).any()}


def _with_interval(found: Forecast, said: FloatArray, column: int) -> Forecast:
    return Forecast(found.point, found.quantiles, found.levels, said[:, column], said[:, column + 1])
