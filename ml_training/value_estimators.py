"""Fitting numbers: a mean and quantiles of each target, one LightGBM model each, and the interval that they make.

What is learned is how far a number lies from what the walk says (a net R from minus the costs): where nothing can be
learned, the answer is the walk's, not the mean of other days.

The same rows and the same seed give the same bytes, as for classes. The last of the training days are kept from all
fits: how far the outermost quantiles must move to hold their share is measured there (split-conformal), on days that
come after what was fitted and before what is tested.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import lightgbm
import numpy as np

from ml_models.calibrator import Calibrator
from ml_models.quantiles import conformal_offset, forecast_of, level_of
from ml_models.scores import FloatArray
from ml_training.estimators import SAME_BINS, Kept
from ml_training.inputs import Grown, Inputs, grown
from ml_training.recipe import Estimator, Recipe
from ml_training.splits import Timeline
from ml_training.stacking import stacked

_QUIET: Final = {"verbosity": -1}


@dataclass(frozen=True, eq=False)
class ValueRows:
    """What a fit reads: features (n, F) float64, NaN where missing, and the targets' distances from the walk (n, T).

    A blend reads what its `members` learn (n, M), and when the rows happened, too.
    """

    x: FloatArray
    values: FloatArray
    members: FloatArray | None = None
    timeline: Timeline | None = None


@dataclass(frozen=True, eq=False)
class ValueFit:
    """The fitted models of `outputs` of `targets`, the rounds that each holds, and the interval's calibration.

    `weights` are those of a blend's members. `inputs` are those that each model chose; None: it could use all.
    """

    targets: tuple[str, ...]
    outputs: tuple[str, ...]
    boosters: tuple[Any, ...]
    rounds: tuple[int, ...]
    calibrator: Calibrator
    weights: tuple[float, ...] = ()
    inputs: tuple[Inputs | None, ...] = ()

    @property
    def texts(self) -> tuple[bytes, ...]:
        """Each model as LightGBM writes it."""
        pairs = zip(self.boosters, self.rounds, strict=True)
        return tuple(str(booster.model_to_string(num_iteration=rounds)).encode() for booster, rounds in pairs)

    @property
    def main(self) -> tuple[Any, int]:
        """The model that is explained, and its rounds: that of the first output."""
        return self.boosters[0], self.rounds[0]

    def raw(self, x: FloatArray) -> FloatArray:
        """Return what the models themselves answer for `x` (n, F)."""
        return self.said(x)

    def said(self, x: FloatArray) -> FloatArray:
        """Return (n, outputs) as fitted: distances from what the walk says. Each row depends on itself alone."""
        pairs = zip(self.boosters, self.rounds, strict=True)
        columns = [booster.predict(x, num_iteration=rounds, num_threads=1) for booster, rounds in pairs]
        return np.column_stack(columns).astype(np.float64)


def value_parameters(estimator: Estimator, output: str, seed: int) -> dict[str, Any]:
    """Return LightGBM's parameters for one output: squared error for a mean, the quantile's own loss else."""
    level = level_of(output)
    objective = {"objective": "regression"} if level is None else {"objective": "quantile", "alpha": level}
    chosen = estimator.model_dump(exclude={"rounds", "early_stopping_rounds"})
    return {**objective, **chosen, "seed": seed, "deterministic": True, "force_row_wise": True, **SAME_BINS}


def fit_values(
    rows: ValueRows,
    calibration: ValueRows,
    calibration_days: tuple[str, str],
    names: tuple[str, ...],
    recipe: Recipe,
    *,
    rounds: tuple[int, ...] | None = None,
    watched: ValueRows | None = None,
    kept: Kept | None = None,
) -> ValueFit:
    """Return the fits of `rows`, each of `rounds` or stopped by `watched`, with their intervals measured.

    `calibration` lies after both in time and before whatever is tested; `calibration_days` are its first and last.
    """
    outputs, targets = recipe.outputs, recipe.asked.targets
    fits = [
        _fit(rows, targets.index(output.rsplit("_", 1)[0]), output, names, recipe, known, watched, kept)
        for output, known in zip(outputs, rounds or [None] * len(outputs), strict=True)
    ]
    weights: tuple[float, ...] = ()
    if recipe.stack is not None and rows.members is not None and rows.timeline is not None:
        result, embargo = rows.values[:, 0], recipe.validation.embargo_days
        estimator, keep = recipe.estimator, recipe.features.keep
        fits[0], weights = stacked(
            rows.x, rows.members, result, rows.timeline, names, estimator, recipe.stack, recipe.seed, embargo, keep
        )
    uncalibrated = ValueFit(
        targets,
        outputs,
        tuple(each.booster for each in fits),
        tuple(each.rounds for each in fits),
        Calibrator(),
        inputs=tuple(each.inputs for each in fits),
    )
    level = 0.0 if recipe.quantiles is None else recipe.quantiles.interval
    said, (first, last) = uncalibrated.said(calibration.x), calibration_days
    measured = Calibrator("conformal", level=level, first_day=first, last_day=last, events=len(calibration.x))
    if recipe.quantiles is not None and recipe.quantiles.follows is not None:
        lately = np.abs(rows.x[:, names.index(recipe.quantiles.follows)])
        usual = float(np.median(lately[np.isfinite(lately)])) if np.isfinite(lately).any() else 0.0
        measured = replace(measured, follows=recipe.quantiles.follows, usual=usual)
    moved = measured.moved(names, calibration.x)
    offsets = tuple(
        conformal_offset(calibration.values[:, place], forecast_of(target, outputs, said), level, moved)
        for place, target in enumerate(targets)
    )
    return replace(uncalibrated, calibrator=replace(measured, offsets=offsets), weights=weights)


def _fit(
    rows: ValueRows,
    target: int,
    output: str,
    names: tuple[str, ...],
    recipe: Recipe,
    rounds: int | None,
    watched: ValueRows | None,
    kept: Kept | None,
) -> Grown:
    chosen = {**value_parameters(recipe.estimator, output, recipe.seed), **_QUIET}
    kept = {} if kept is None else kept
    if output not in kept:
        binned = lightgbm.Dataset(rows.x, rows.values[:, target], feature_name=list(names), params=chosen)
        seen = [] if watched is None else [binned.create_valid(watched.x, watched.values[:, target])]
        kept[output] = binned, seen
    train, valid = kept[output]
    most, patience = rounds or recipe.estimator.rounds, recipe.estimator.early_stopping_rounds
    return grown(chosen, train, most, watched=valid, patience=patience, keep=recipe.features.keep)
