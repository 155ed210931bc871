"""Fitting LightGBM so that the same rows and the same seed give the same bytes, and honest probabilities.

One thread a fit: sums come in the same order on every machine with one core or many, and folds run side by side.

Class weights make a rare class seem as frequent as the others; taken at face value the probabilities are then wrong
(fitted with balanced weights, a class of 2.3 % costs 0.760 nats an event instead of 0.688). Weighting by w multiplies a
class's odds by w, so subtracting log w from its raw score undoes it exactly; that is written into the first trees, and
what is published needs no correction. Right again, weighted and unweighted fits are equally good (0.6877 and 0.6875),
so weights are used only where a class is so rare that small trees would not see it at all.

A fit with a `start` begins at what the walk says of each event and learns corrections to it. It begins where weights
would have moved that to, so nothing is to be taken back afterwards.
"""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import lightgbm
import numpy as np

from ml_models.calibrator import Calibrator
from ml_models.scores import FloatArray, IntArray
from ml_models.walk_start import WalkStart
from ml_training.inputs import Inputs, grown
from ml_training.recipe import Estimator

_QUIET: Final = {"verbosity": -1}
SAME_BINS: Final = {"num_threads": 1, "feature_pre_filter": False}
"""No feature is left out of the bins because leaves must be large: bins serve every size of leaf."""

Kept: TypeAlias = dict[str, Any]
"""What fits of the same rows share: LightGBM's binned datasets, and where they start."""


@dataclass(frozen=True, eq=False)
class Rows:
    """What a fit reads: features (n, F) float64, NaN where missing, and class codes (n,)."""

    x: FloatArray
    codes: IntArray


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted booster, the rounds it holds, the weight each class had in fitting (all 1: none), and where it began.

    `inputs` are those that it chose; None: it could use all.
    """

    booster: Any
    rounds: int
    weights: tuple[float, ...]
    start: WalkStart | None = None
    inputs: Inputs | None = None

    @property
    def main(self) -> tuple[Any, int]:
        """The model that is explained, and its rounds."""
        return self.booster, self.rounds

    @property
    def text(self) -> bytes:
        """The model as LightGBM writes it: equal fits have equal bytes."""
        return str(self.booster.model_to_string(num_iteration=self.rounds)).encode()

    def probabilities(self, x: FloatArray) -> FloatArray:
        """Return (n, K) in the order of the codes; each row depends on itself alone."""
        output = self.raw(x)
        if self.start is not None:
            return Calibrator().apply(output)
        return np.column_stack([1.0 - output, output]) if output.ndim == 1 else output

    def raw(self, x: FloatArray) -> FloatArray:
        """Return what the model itself answers, as `ml_models.metadata.Golden` keeps it."""
        return self.margins(x) if self.start is not None else self._run(x)

    def margins(self, x: FloatArray) -> FloatArray:
        """Return raw scores as `LoadedVersion.margins` does: (n, 1) of two classes, (n, K) of more."""
        margins = self._run(x, raw_score=True).reshape(len(x), -1)
        return margins if self.start is None else self.start.scores(x) + margins

    def contributions(self, x: FloatArray) -> FloatArray:
        """Return (n, margins, F + 1): what each feature adds to each raw score, the base last."""
        added = self._run(x, pred_contrib=True).reshape(len(x), -1, x.shape[1] + 1)
        return added if self.start is None else self.start.contributions(x) + added

    def _run(self, x: FloatArray, **asked: bool) -> FloatArray:
        answer = self.booster.predict(x, num_iteration=self.rounds, num_threads=1, **asked)
        return np.asarray(answer, dtype=np.float64)


def parameters(estimator: Estimator, class_count: int, seed: int) -> dict[str, Any]:
    """Return LightGBM's parameters for `class_count` classes, all that decide the result among them."""
    objective = {"objective": "binary"} if class_count == 2 else {"objective": "multiclass", "num_class": class_count}
    chosen = estimator.model_dump(exclude={"rounds", "early_stopping_rounds"})
    return {**objective, **chosen, "seed": seed, "deterministic": True, "force_row_wise": True, **SAME_BINS}


def class_weights(codes: IntArray, class_count: int, weigh_rarest_below: float) -> tuple[float, ...]:
    """Return the weight of each class: balanced when the rarest is rarer than `weigh_rarest_below`, else all 1.

    A class that does not occur in `codes` keeps weight 1.

    >>> class_weights(np.array([0, 0, 0, 1]), 2, 0.3)
    (0.6666666666666666, 2.0)
    >>> class_weights(np.array([0, 0, 0, 1]), 2, 0.2)
    (1.0, 1.0)
    """
    counts = np.bincount(codes, minlength=class_count)
    seen = counts[counts > 0]
    if seen.min() >= weigh_rarest_below * len(codes):
        return (1.0,) * class_count
    return tuple(float(len(codes) / (len(seen) * count)) if count else 1.0 for count in counts)


def fit(
    rows: Rows,
    names: tuple[str, ...],
    estimator: Estimator,
    class_count: int,
    seed: int,
    *,
    rounds: int | None = None,
    watched: Rows | None = None,
    weigh_rarest_below: float = 0.0,
    start: WalkStart | None = None,
    kept: Kept | None = None,
    keep: int | None = None,
) -> Fit:
    """Return the fit of `rows`: `rounds` of them (the recipe's most by default), fewer when `watched` stops it early.

    Without `start` it begins at the classes' average. Fits of the same rows may share `kept`: they are binned once, by
    the `max_bin` of the first. With `keep` it chooses at most so many inputs (`ml_training.inputs`).

    `watched` must lie after `rows` in time and before whatever is tested; its log loss is that of the probabilities as
    they are published, not of the weighted ones.
    """
    weights = class_weights(rows.codes, class_count, weigh_rarest_below)
    logs = np.log(np.array(weights))
    chosen = {**parameters(estimator, class_count, seed), **_QUIET}
    kept = {} if kept is None else kept
    if "bins" not in kept:
        kept["bins"] = _binned(rows, watched, names, chosen, np.array(weights), start)
    train, valid = kept["bins"]
    patience = estimator.early_stopping_rounds
    found = grown(chosen, train, rounds or estimator.rounds, watched=valid, patience=patience, keep=keep)
    if start is None:
        _take_back(found.booster, logs)
    return Fit(found.booster, found.rounds, weights, start, found.inputs)


def _binned(
    rows: Rows,
    watched: Rows | None,
    names: tuple[str, ...],
    chosen: dict[str, Any],
    weights: FloatArray,
    start: WalkStart | None,
) -> tuple[lightgbm.Dataset, list[lightgbm.Dataset]]:
    """Return what is fitted and, in a list, what is watched, as LightGBM reads them."""
    logs = np.log(weights)
    weighed = weights[rows.codes] if logs.any() else None
    began = None if start is None else _by_class(start.scores(rows.x) - _undoing(logs))
    train = lightgbm.Dataset(
        rows.x, rows.codes, weight=weighed, init_score=began, feature_name=list(names), params=chosen
    )
    if watched is None:
        return train, []
    begins = _shift(logs, len(watched.codes)) if start is None else _by_class(start.scores(watched.x))
    return train, [train.create_valid(watched.x, watched.codes, init_score=begins)]


def _by_class(scores: FloatArray) -> FloatArray:
    """Return raw scores (n, margins) as LightGBM reads them: one class after the other."""
    return np.ravel(scores, order="F")


def _undoing(logs: FloatArray) -> FloatArray:
    """Return (margins,): what is added to each raw score to undo weights; `logs` (K,) are their logarithms."""
    return logs[:1] - logs[1:] if len(logs) == 2 else -logs


def _shift(logs: FloatArray, n: int) -> FloatArray | None:
    """Return the raw scores that undo weights for `n` rows, laid out class by class; None when there are none."""
    return np.repeat(_undoing(logs), n) if logs.any() else None


def _take_back(booster: Any, logs: FloatArray) -> None:
    """Subtract `logs` (K,) from the raw score of each class by way of the leaves of the first round's trees."""
    if not logs.any():
        return
    trees = booster.dump_model(num_iteration=1)["tree_info"]
    for tree, shift in enumerate(_undoing(logs)):
        for leaf in range(trees[tree]["num_leaves"]):
            booster.set_leaf_output(tree, leaf, booster.get_leaf_output(tree, leaf) + shift)
