"""What the model looked at: gain in fitting, and mean |SHAP| on rows it had not seen."""

import numpy as np

from ml_models.scores import FloatArray
from ml_training.dataset import Dataset
from ml_training.estimators import Fit
from ml_training.walk_forward import AnyFit, FoldResult


def mean_abs_shap(dataset: Dataset, results: tuple[FoldResult, ...]) -> FloatArray:
    """Return (F,), log-odds: the mean over all tested rows (and raw scores) of each feature's |SHAP value|.

    Of numbers in their unit, of the first output. Each row is explained by the fit that was tested on it (exact tree
    SHAP, Lundberg et al. 2020; what the walk says, where the fit starts from it, is its inputs' own).
    """
    width = len(dataset.names) + 1
    total = np.zeros(width)
    count = 0
    for result in results:
        rows = dataset.x[result.fold.test]
        parts = np.abs(_contributions(result.fit, rows)).reshape(-1, width)
        total += parts.sum(axis=0)
        count += len(parts)
    mean: FloatArray = (total / count)[:-1]
    return mean


def feature_importance(fit: AnyFit, dataset: Dataset, shap: FloatArray) -> dict[str, dict[str, float]]:
    """Return for each feature its share of the gain of `fit`, its number of splits, and `shap`; largest shap first."""
    booster, rounds = fit.main
    gain = np.asarray(booster.feature_importance("gain", iteration=rounds), dtype=np.float64)
    splits = booster.feature_importance("split", iteration=rounds)
    share = gain / gain.sum() if gain.sum() > 0 else gain
    order = np.argsort(-shap, kind="stable")
    return {
        dataset.names[i]: {
            "gain_share": float(share[i]),
            "splits": int(splits[i]),
            "mean_abs_shap": float(shap[i]),
        }
        for i in order
    }


def _contributions(fit: AnyFit, rows: FloatArray) -> FloatArray:
    """Return what each feature of `rows` adds to each raw score; of numbers to the first output."""
    if isinstance(fit, Fit):
        return fit.contributions(rows)
    booster, rounds = fit.main
    return np.asarray(booster.predict(rows, num_iteration=rounds, num_threads=1, pred_contrib=True), dtype=np.float64)
