"""What a training is: folds, the final fit, the untouched window. Pure: a dataset and a recipe in, a result out."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ml_models.calibrator import Calibrator
from ml_models.documents import Json
from ml_models.scores import FloatArray, IntArray
from ml_training.calibration import Calibration, choose_calibrator
from ml_training.dataset import Dataset
from ml_training.estimators import Fit
from ml_training.evaluation import Evaluation, baselines_of, evaluate, pooled
from ml_training.explanations import feature_importance, mean_abs_shap, shap_by_fold
from ml_training.inputs import Chosen, Inputs, chosen_of
from ml_training.paths import Paths, paths_of
from ml_training.permutation import permutation_importance
from ml_training.recipe import Recipe
from ml_training.selective import Selective, selective_of
from ml_training.splits import Fold, final_window_start, learnable_before, walk_forward_folds
from ml_training.walk_forward import AnyFit, FoldResult, Rounds, fit_rows, median_rounds, rows_tested, said_of


@dataclass(frozen=True, eq=False)
class Plan:
    """Which rows are for what: the folds, all that the final model learns from, the untouched window."""

    folds: tuple[Fold, ...]
    final: Fold


@dataclass(frozen=True, eq=False)
class Training:
    """The final fit and all that is known about it. `tested` are the rows of the folds, in the order of time.

    `calibration` was chosen on the folds' raw scores; the untouched window is measured with it, the folds are not.
    """

    plan: Plan
    tested: IntArray
    fit: AnyFit
    rounds_by_fold: tuple[Rounds, ...]
    folds: tuple[Evaluation, ...]
    walk_forward: Evaluation
    untouched: Evaluation
    importance: dict[str, dict[str, Json]]
    calibration: Calibration | None
    chosen: Chosen | None
    paths: Paths | None
    selective: Selective | None

    @property
    def calibrator(self) -> Calibrator:
        """What is published with the fit."""
        return calibrator_of(self.fit, self.calibration)


def calibrator_of(fit: AnyFit, calibration: Calibration | None) -> Calibrator:
    """Return what is published with a fit: of classes as chosen out of fold, of numbers as measured in fitting."""
    if isinstance(fit, Fit):
        return Calibrator() if calibration is None else calibration.calibrator
    return fit.calibrator


def inputs_of(fit: AnyFit) -> tuple[Inputs | None, ...]:
    """Return the inputs that each model of a fit chose."""
    return (fit.inputs,) if isinstance(fit, Fit) else fit.inputs


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


def assess(
    dataset: Dataset,
    plan: Plan,
    recipe: Recipe,
    results: tuple[FoldResult, ...],
    opening: Callable[[], None] = lambda: None,
) -> Training:
    """Return the training that follows from the folds' `results`; `opening` is called before the window is opened."""
    parts = [baselines_of(dataset, recipe, result.fold.train, result.fold.test) for result in results]
    tested = rows_tested(results)
    rounds = median_rounds(results)
    chosen = fit_rows(dataset, plan.final.train, recipe, rounds)
    folds = tuple(
        evaluate(dataset, result.fold.test, result.said, part, recipe)
        for result, part in zip(results, parts, strict=True)
    )
    walked = evaluate(dataset, tested, np.concatenate([result.said for result in results]), pooled(parts), recipe)
    before = np.flatnonzero(dataset.days < dataset.days[plan.final.test[0]])
    paths = paths_of(dataset, before, recipe, rounds, walked.best_baseline)
    calibration = out_of_fold_calibration(dataset, results)
    by_fold = shap_by_fold(dataset, results)
    shuffled = permutation_importance(dataset, results, recipe.seed)
    importance = feature_importance(chosen, dataset, mean_abs_shap(by_fold, results), by_fold, shuffled)
    opening()
    window = plan.final.test
    return Training(
        plan=plan,
        tested=tested,
        fit=chosen,
        rounds_by_fold=tuple(result.fit.rounds for result in results),
        folds=folds,
        walk_forward=walked,
        untouched=evaluate(
            dataset,
            window,
            _published(dataset, window, chosen, calibration),
            baselines_of(dataset, recipe, plan.final.train, window),
            recipe,
        ),
        importance=importance,
        calibration=calibration,
        chosen=chosen_of(
            recipe.features.keep,
            dataset.names,
            recipe.outputs or ("model",),
            inputs_of(chosen),
            tuple(inputs_of(result.fit) for result in results),
        ),
        paths=paths,
        selective=selective_of(dataset, tested, np.concatenate([result.said for result in results]), recipe.outputs),
    )


def out_of_fold_calibration(dataset: Dataset, results: tuple[FoldResult, ...]) -> Calibration | None:
    """Return the calibrator that the raw scores of the folds' test rows ask for; None of numbers, which have none."""
    margins = [result.fit.margins(dataset.x[result.fold.test]) for result in results if isinstance(result.fit, Fit)]
    if not margins:
        return None
    rows = rows_tested(results)
    return choose_calibrator(np.concatenate(margins), dataset.codes[rows], dataset.days[rows], len(dataset.classes))


def _published(dataset: Dataset, rows: IntArray, fitted: AnyFit, calibration: Calibration | None) -> FloatArray:
    """Return what is published for `rows`, in the shape of `said_of`."""
    if calibration is None or not isinstance(fitted, Fit) or calibration.calibrator.kind == "none":
        return said_of(dataset, rows, fitted)
    return calibration.calibrator.apply(fitted.margins(dataset.x[rows]))
