"""How good a forecast was, beside the simplest answers to the same events, everything with its interval."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np

from ml_models.baselines import best_baseline, majority_probs, martingale_probs
from ml_models.documents import Json
from ml_models.intervals import Estimate, share_interval
from ml_models.metrics import estimate_document
from ml_models.score_table import SkillScore, score_table, skill
from ml_models.scores import FloatArray, IntArray, confusion_matrix
from ml_training.dataset import Dataset
from ml_training.labels import none_share
from ml_training.recipe import Recipe
from ml_training.value_evaluation import value_baselines, value_tables
from trading.domain.calendar import as_date

SKILLS: Final[tuple[SkillScore, ...]] = ("log_loss", "brier", "accuracy")


@dataclass(frozen=True)
class Evaluation:
    """One forecast of the events of `first_day` to `last_day`.

    `scores` and `baselines` are as `ml_models.score_table` names them; `skill` is model minus `best_baseline`, positive
    = better; `confusion[happened][called]` counts events, `confusion_shares` are the shares of all events (of numbers
    there are none).
    """

    first_day: date
    last_day: date
    classes: tuple[str, ...]
    scores: Mapping[str, Estimate]
    baselines: Mapping[str, Mapping[str, Estimate]]
    best_baseline: str
    skill: Mapping[str, Estimate]
    confusion: tuple[tuple[int, ...], ...]
    confusion_shares: tuple[tuple[Estimate, ...], ...]

    @property
    def events(self) -> int:
        """How many events were forecast."""
        return next(iter(self.scores.values())).n

    def document(self) -> dict[str, Json]:
        """Return the evaluation as a BLOCK of metrics.json (see `ml_models.metrics`)."""
        return {
            "first_day": self.first_day.isoformat(),
            "last_day": self.last_day.isoformat(),
            "scores": _documents(self.scores),
            "baselines": {name: _documents(scores) for name, scores in self.baselines.items()},
            "best_baseline": self.best_baseline,
            "skill": _documents(self.skill),
            **self._confusion(),
        }

    def _confusion(self) -> dict[str, Json]:
        if not self.classes:
            return {}
        return {
            "confusion": {
                happened: {
                    called: {"events": self.confusion[row][column], "share": estimate_document(share)}
                    for column, (called, share) in enumerate(zip(self.classes, self.confusion_shares[row], strict=True))
                }
                for row, happened in enumerate(self.classes)
            },
        }


def baseline_probs(dataset: Dataset, train: IntArray, test: IntArray) -> dict[str, FloatArray]:
    """Return what each baseline says of the rows `test`, knowing the labels of the rows `train` only."""
    k, label = len(dataset.classes), dataset.asked
    return {
        "majority": majority_probs(dataset.codes[train], len(test), k),
        label.walk: martingale_probs(dataset.walk[test, 0], k, none_share(dataset.codes[train], k)),
    }


def baselines_of(dataset: Dataset, recipe: Recipe, train: IntArray, test: IntArray) -> dict[str, FloatArray]:
    """Return what each baseline says of the rows `test`, knowing the rows `train` only: probabilities or outputs."""
    if dataset.asked.targets:
        return value_baselines(dataset, recipe.outputs, train, test)
    return baseline_probs(dataset, train, test)


def evaluate(
    dataset: Dataset, rows: IntArray, said: FloatArray, baselines: Mapping[str, FloatArray], recipe: Recipe
) -> Evaluation:
    """Return how good `said` of `rows` (n,) was, beside `baselines` on the same rows.

    Probabilities (n, K) of classes, or numbers as `ml_training.walk_forward.said_of` tells them.
    """
    seed, days, classes = recipe.seed, dataset.days[rows], dataset.classes
    if dataset.asked.targets:
        scores, beside, best, gained = value_tables(dataset, recipe.outputs, rows, said, baselines, seed)
        return Evaluation(as_date(days.min()), as_date(days.max()), (), scores, beside, best, gained, (), ())
    actual, probs = dataset.codes[rows], said
    best = best_baseline(actual, baselines)
    return Evaluation(
        first_day=as_date(days.min()),
        last_day=as_date(days.max()),
        classes=classes,
        scores=score_table(actual, probs, days, classes, seed=seed),
        baselines={name: score_table(actual, each, days, classes, seed=seed) for name, each in baselines.items()},
        best_baseline=best,
        skill={score: skill(actual, probs, baselines[best], days, score=score, seed=seed) for score in SKILLS},
        confusion=tuple(tuple(int(cell) for cell in row) for row in confusion_matrix(actual, probs)),
        confusion_shares=_confusion_shares(actual, probs.argmax(axis=1), days, len(classes)),
    )


def _confusion_shares(actual: IntArray, called: Any, days: Any, k: int) -> tuple[tuple[Estimate, ...], ...]:
    return tuple(
        tuple(share_interval((actual == row) & (called == column), days) for column in range(k)) for row in range(k)
    )


def _documents(estimates: Mapping[Any, Estimate]) -> dict[str, Json]:
    return {str(name): estimate_document(estimate) for name, estimate in estimates.items()}


def pooled(parts: list[dict[str, FloatArray]]) -> dict[str, FloatArray]:
    """Return the baselines of several folds as one, in the folds' order."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
