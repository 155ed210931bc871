"""Inputs chosen inside of each fit: a first fit on its own rows says which gain most, the real one splits on no other.

The dropped inputs stay where they are: LightGBM multiplies the gain of their splits by 0 (`feature_contri`), and makes
no split without gain. So bins, schema and journal are the same with and without a choice.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import lightgbm
import numpy as np

from ml_models.documents import Json
from ml_models.scores import FloatArray

Inputs: TypeAlias = tuple[int, ...]
"""The places of the inputs that a model may split on, in their order."""


@dataclass(frozen=True, eq=False)
class Grown:
    """A booster, the rounds it holds, and the inputs that were chosen for it (None: it could use all)."""

    booster: Any
    rounds: int
    inputs: Inputs | None = None


def grown(
    chosen: dict[str, Any],
    rows: lightgbm.Dataset,
    rounds: int,
    *,
    watched: Sequence[lightgbm.Dataset] = (),
    patience: int = 0,
    keep: int | None = None,
) -> Grown:
    """Return the model of `rows` by LightGBM's parameters `chosen`, of `rounds` or, `watched`, stopped by `patience`.

    With `keep` a first model, made in the same way, says which inputs are kept; where it finds nothing, it stays.
    """
    first = _grown(chosen, rows, rounds, watched, patience)
    if keep is None:
        return first
    gain = np.asarray(first.booster.feature_importance("gain", iteration=first.rounds), dtype=np.float64)
    inputs = largest(gain, keep)
    if not inputs:
        return Grown(first.booster, first.rounds, ())
    again = _grown({**chosen, **only(inputs, len(gain), chosen["feature_fraction"])}, rows, rounds, watched, patience)
    return Grown(again.booster, again.rounds, inputs)


def largest(gain: FloatArray, keep: int) -> Inputs:
    """Return the places of the `keep` largest of `gain` (F,), of equal ones the first; of 0 none.

    >>> largest(np.array([2.0, 0.0, 5.0, 2.0]), 2)
    (0, 2)
    """
    order = np.argsort(-gain, kind="stable")[:keep]
    return tuple(sorted(int(place) for place in order if gain[place] > 0))


def only(inputs: Inputs, count: int, fraction: float) -> dict[str, Any]:
    """Return the parameters by which a model of `count` inputs splits on `inputs` alone.

    Each tree draws its `fraction` from all inputs, the dropped ones among them; it is raised so far that no tree draws
    dropped ones only, for such a tree would be empty, and LightGBM leaves empty trees out.
    """
    weights = np.zeros(count)
    weights[list(inputs)] = 1.0
    return {"feature_contri": weights.tolist(), "feature_fraction": max(fraction, (count - len(inputs) + 1) / count)}


def _grown(
    chosen: dict[str, Any], rows: lightgbm.Dataset, rounds: int, watched: Sequence[lightgbm.Dataset], patience: int
) -> Grown:
    callbacks: list[Callable[..., Any]] = []
    if watched:
        callbacks = [lightgbm.early_stopping(patience, verbose=False)]
    booster = lightgbm.train(chosen, rows, rounds, valid_sets=list(watched), callbacks=callbacks)
    return Grown(booster, booster.best_iteration if watched else booster.current_iteration())


@dataclass(frozen=True)
class Chosen:
    """Which inputs a training chose, model by model (`model` where there is one, else its outputs).

    `keep` is the most that a model may keep of `available`; `final` names those of the published models, `by_fold` says
    in how many of the `folds` of the walk-forward each was chosen (never: left out), the most often first.
    """

    keep: int
    available: int
    folds: int
    final: dict[str, tuple[str, ...]]
    by_fold: dict[str, dict[str, int]]

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a reader must know of it, of the first model (the one that is explained)."""
        first, kept = next(iter(self.final.items()))
        counts = self.by_fold[first]
        always = sum(count == self.folds for count in counts.values())
        whose = "" if len(self.final) == 1 else f" for {first} (each output has its own)"
        told = ", ".join(f"{name} ({counts.get(name, 0)})" for name in kept) or "none"
        return (
            f"Each fit chose its inputs on the rows it learned from alone: at most {self.keep} of {self.available}, "
            f"those that gained most in a first fit. The published model kept {len(kept)}{whose}; {len(counts)} were "
            f"chosen in some of the {self.folds} folds of the walk-forward, {always} in all of them.",
            f"Kept{whose}, and in how many of the {self.folds} folds: {told}.",
        )

    def document(self) -> dict[str, Json]:
        """Return it as a part of metadata.json."""
        return {
            "keep": self.keep,
            "available": self.available,
            "folds": self.folds,
            "final": {model: list(names) for model, names in self.final.items()},
            "chosen_in_folds": {model: dict(counts) for model, counts in self.by_fold.items()},
        }


def chosen_of(
    keep: int | None,
    names: tuple[str, ...],
    models: tuple[str, ...],
    final: tuple[Inputs | None, ...],
    folds: tuple[tuple[Inputs | None, ...], ...],
) -> Chosen | None:
    """Return which of `names` were chosen for each of `models`, finally and in each of `folds`; None without `keep`."""
    if keep is None:
        return None
    by_fold = {}
    for place, model in enumerate(models):
        counts = Counter(each for fold in folds for each in fold[place] or ())
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        by_fold[model] = {names[each]: count for each, count in ranked}
    named = {model: tuple(names[each] for each in kept or ()) for model, kept in zip(models, final, strict=True)}
    return Chosen(keep, len(names), len(folds), named, by_fold)
