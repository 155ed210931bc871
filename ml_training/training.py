"""What a training is: folds, the final fit, the untouched window. Pure: a dataset and a recipe in, a result out."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median_low

import numpy as np

from ml_models.scores import IntArray
from ml_training.dataset import Dataset
from ml_training.estimators import Fit, fit
from ml_training.evaluation import Evaluation, baseline_probs, evaluate, pooled
from ml_training.explanations import feature_importance, mean_abs_shap
from ml_training.recipe import Recipe
from ml_training.splits import Fold, final_window_start, learnable_before, walk_forward_folds
from ml_training.starts import start_of
from ml_training.walk_forward import FoldResult, rows_of, rows_tested


@dataclass(frozen=True, eq=False)
class Plan:
    """Which rows are for what: the folds, all that the final model learns from, the untouched window."""

    folds: tuple[Fold, ...]
    final: Fold


@dataclass(frozen=True, eq=False)
class Training:
    """The final fit and all that is known about it. `tested` are the rows of the folds, in the order of time."""

    plan: Plan
    tested: IntArray
    fit: Fit
    rounds_by_fold: tuple[int, ...]
    folds: tuple[Evaluation, ...]
    walk_forward: Evaluation
    untouched: Evaluation
    importance: dict[str, dict[str, float]]


def plan_of(dataset: Dataset, recipe: Recipe) -> Plan:
    """Return the rows of folds and untouched window, purged and with embargo.

    Raises
    ------
    HubError
        when there are too few trading days; the message says how many it takes.
    """
    validation, timeline = recipe.validation, dataset.timeline
    first_day = final_window_start(dataset.days, validation.final_window_days)
    before = np.flatnonzero(dataset.days < first_day)
    folds = walk_forward_folds(timeline.part(before), validation.folds, validation.embargo_days)
    final = Fold(
        train=learnable_before(timeline, first_day, validation.embargo_days),
        test=np.flatnonzero(dataset.days >= first_day),
    )
    return Plan(folds, final)


def final_fit(dataset: Dataset, plan: Plan, recipe: Recipe, rounds_by_fold: tuple[int, ...]) -> Fit:
    """Return the fit of all rows before the untouched window, with the median of the folds' rounds."""
    return fit(
        rows_of(dataset, plan.final.train),
        dataset.names,
        recipe.estimator,
        len(dataset.classes),
        recipe.seed,
        rounds=median_low(rounds_by_fold),
        weigh_rarest_below=recipe.classes.weigh_rarest_below,
        start=start_of(dataset, plan.final.train, recipe),
    )


def assess(
    dataset: Dataset,
    plan: Plan,
    recipe: Recipe,
    results: tuple[FoldResult, ...],
    opening: Callable[[], None] = lambda: None,
) -> Training:
    """Return the training that follows from the folds' `results`; `opening` is called before the window is opened."""
    rounds_by_fold = tuple(result.fit.rounds for result in results)
    parts = [baseline_probs(dataset, result.fold.train, result.fold.test) for result in results]
    tested = rows_tested(results)
    chosen = final_fit(dataset, plan, recipe, rounds_by_fold)
    folds = tuple(
        evaluate(dataset, result.fold.test, result.probs, part, recipe.seed)
        for result, part in zip(results, parts, strict=True)
    )
    walked = evaluate(dataset, tested, np.concatenate([result.probs for result in results]), pooled(parts), recipe.seed)
    importance = feature_importance(chosen, dataset, mean_abs_shap(dataset, results))
    opening()
    window = plan.final.test
    return Training(
        plan=plan,
        tested=tested,
        fit=chosen,
        rounds_by_fold=rounds_by_fold,
        folds=folds,
        walk_forward=walked,
        untouched=evaluate(
            dataset,
            window,
            chosen.probabilities(dataset.x[window]),
            baseline_probs(dataset, plan.final.train, window),
            recipe.seed,
        ),
        importance=importance,
    )
