"""Canaries: before a version is published, the machinery that made it is shown what it must not swallow.

- *Shuffled labels*: each day gets the labels of another day, so nothing can be learned. A model of them that beats the
  class frequencies learned from the days it was tested on.
- *Planted outcome*: the outcome itself as an input. A model fed with it must score above what the recipe calls
  plausible, or that alarm is deaf.
- *Planted features*: the look-ahead audit must name each of them, and nothing else: the outcome, hidden or stated; a
  bar that a clock one minute late takes for closed; the result of a trade that is still open.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ml_data.bar_arrays import BarArrays
from ml_data.lookahead import LookaheadReport
from ml_models.baselines import majority_probs
from ml_models.intervals import mean_interval_t
from ml_models.quantiles import forecast_of
from ml_models.scores import FloatArray, IntArray, auc, log_losses
from ml_models.value_scores import explained
from ml_training.dataset import Dataset
from ml_training.plants import OUTCOME, PLANTS, Plant
from ml_training.recipe import Recipe
from ml_training.splits import Fold
from ml_training.walk_forward import rows_tested, walk_forward
from trading.domain.instrument import Instrument

Audit = Callable[..., LookaheadReport]
"""`ml_data.lookahead.audit_lookahead`, or what takes its place in a test."""

SHUFFLED_LEVEL: Final = 0.998
"""Two-sided: honest machinery fails the shuffled labels once in a thousand trainings."""

_AUDITED_MINUTES: Final = 60 * 1440
_AUDITED_EVENTS: Final = 3


@dataclass(frozen=True)
class Canary:
    """One canary: whether the machinery behaved, and the sentence that says how that was seen."""

    name: str
    passed: bool
    sentence: str


def canaries(
    dataset: Dataset, folds: tuple[Fold, ...], recipe: Recipe, bars: BarArrays, instrument: Instrument, audit: Audit
) -> tuple[Canary, ...]:
    """Return all canaries; `folds` are those of the real walk-forward (the last ones are used)."""
    used = folds[-recipe.checks.canary_folds :]
    recent = bars.between(bars.through - _AUDITED_MINUTES, bars.through)
    return (
        shuffled_labels(dataset, used, recipe),
        planted_outcome(dataset, used[-1:], recipe),
        *(audited_plant(recent, instrument, recipe, audit, plant) for plant in PLANTS),
    )


def shuffled_labels(dataset: Dataset, folds: tuple[Fold, ...], recipe: Recipe) -> Canary:
    """Return whether labels shuffled by day score like class frequencies; no fit starts from the walk for this.

    Of numbers it is their distances from the walk that are shuffled, and what must not be beaten is the walk moved by
    their mean. The test: the mean log loss (squared error) saved against what training said of all events alike, by
    day, Student's t. Failed when its lower bound at `SHUFFLED_LEVEL` is above 0.
    """
    order = _shuffled_by_day(dataset, recipe.seed)
    moved, walk = dataset.values, dataset.walk[:, : dataset.values.shape[1]]
    if dataset.asked.targets:
        moved = walk + (moved - walk)[order]
    shuffled = replace(dataset, codes=dataset.codes[order], values=moved, members=dataset.members[order])
    results = walk_forward(shuffled, folds, _from_average(recipe), rounds=recipe.checks.canary_rounds)
    rows = rows_tested(results)
    model = np.concatenate([result.said for result in results])
    saved = _saved(shuffled, rows, model, folds, recipe)
    gain = mean_interval_t(saved, dataset.days[rows], level=SHUFFLED_LEVEL)
    unit = f"squared {dataset.asked.unit}" if dataset.asked.targets else "nats"
    said = f"{gain.value:+.4f} {unit} an event [{gain.low:+.4f}, {gain.high:+.4f}] on {gain.days} days"
    passed = not gain.low > 0
    verdict = "nothing was learned, as it must be" if passed else "something was learned where there is nothing"
    return Canary(
        "shuffled labels", passed, f"Labels shuffled by day: {verdict}: gain over {_plainest(dataset)} {said}."
    )


def _from_average(recipe: Recipe) -> Recipe:
    """Return `recipe` with fits of classes that begin at their average."""
    if recipe.classes is None:
        return recipe
    return recipe.model_copy(update={"classes": recipe.classes.model_copy(update={"start": "average"})})


def _plainest(dataset: Dataset) -> str:
    return f"{dataset.asked.walk} and its mean error" if dataset.asked.targets else "class frequencies"


def _saved(dataset: Dataset, rows: IntArray, model: FloatArray, folds: tuple[Fold, ...], recipe: Recipe) -> FloatArray:
    """Return (n,): what the model saved on each tested row against the plainest thing that training could say."""
    if dataset.asked.targets:
        off = dataset.values[:, 0] - dataset.walk[:, 0]
        mean = np.concatenate([np.full(len(fold.test), off[fold.train].mean()) for fold in folds])
        point = forecast_of(dataset.asked.targets[0], recipe.outputs, model).point
        return np.asarray((off[rows] - mean) ** 2 - (dataset.values[rows, 0] - point) ** 2)
    k = len(dataset.classes)
    frequencies = np.concatenate([majority_probs(dataset.codes[f.train], len(f.test), k) for f in folds])
    return log_losses(dataset.codes[rows], frequencies) - log_losses(dataset.codes[rows], model)


def planted_outcome(dataset: Dataset, folds: tuple[Fold, ...], recipe: Recipe) -> Canary:
    """Return whether a model fed with the outcome itself rings the alarm for results too good to be true."""
    outcome = dataset.values[:, 0] if dataset.asked.targets else dataset.codes.astype(np.float64)
    planted = replace(dataset, x=np.column_stack([dataset.x, outcome]), names=(*dataset.names, OUTCOME))
    results = walk_forward(planted, folds, recipe, rounds=recipe.checks.canary_rounds)
    rows, said = rows_tested(results), np.concatenate([result.said for result in results])
    if dataset.asked.targets:
        point = forecast_of(dataset.asked.targets[0], recipe.outputs, said).point
        name, found = "R²", explained(outcome[rows], point)
    else:
        name, found = "AUC", auc(dataset.codes[rows], said)
    limit = recipe.checks.limit
    passed = bool(found > limit)
    verdict = "which rings the alarm" if passed else "which does not ring the alarm"
    return Canary(
        "planted outcome", passed, f"Fed with the outcome, the {name} is {found:.3f}, {verdict} above {limit:g}."
    )


def audited_plant(bars: BarArrays, instrument: Instrument, recipe: Recipe, audit: Audit, plant: Plant) -> Canary:
    """Return whether the look-ahead audit names `plant`."""
    groups = (plant.group(recipe.event),)
    report = audit(bars, instrument, sample=_AUDITED_EVENTS, seed=recipe.seed, groups=groups, kind=recipe.event)
    named = [plant.feature in problem.feature for problem in report.problems]
    caught = bool(report.events) and bool(named) and all(named)
    verdict = "The audit catches" if caught else "The audit does not catch"
    return Canary(f"audit of {plant.name}", caught, f"{verdict} {plant.told} ({report.events} events).")


def _shuffled_by_day(dataset: Dataset, seed: int) -> IntArray:
    """Return the rows with whole days in a random order, each day's rows kept together."""
    _, day = np.unique(dataset.days, return_inverse=True)
    place = np.random.default_rng(seed).permutation(int(day.max()) + 1)
    return np.argsort(place[day], kind="stable")
