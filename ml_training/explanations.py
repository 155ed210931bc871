"""What the model looked at: gain in fitting, mean |SHAP| on rows it had not seen, inputs that go together."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from ml_models.documents import Json
from ml_models.intervals import Estimate
from ml_models.metrics import estimate_document
from ml_models.scores import FloatArray
from ml_training.dataset import Dataset
from ml_training.estimators import Fit
from ml_training.walk_forward import AnyFit, FoldResult


def shap_by_fold(dataset: Dataset, results: tuple[FoldResult, ...]) -> FloatArray:
    """Return (folds, F), log-odds: the mean over a fold's tested rows (and raw scores) of each input's |SHAP value|.

    Of numbers in their unit, of the first output. Each row is explained by the fit that was tested on it (exact tree
    SHAP, Lundberg et al. 2020; what the walk says, where the fit starts from it, is its inputs' own).
    """
    means = [_absolute(result.fit, dataset.x[result.fold.test]).mean(axis=0) for result in results]
    return np.array(means)[:, :-1]


def mean_abs_shap(by_fold: FloatArray, results: tuple[FoldResult, ...]) -> FloatArray:
    """Return (F,): the mean of `shap_by_fold` over all tested rows."""
    rows = np.array([len(result.fold.test) for result in results], dtype=np.float64)
    return np.asarray(rows @ by_fold / rows.sum())


def feature_importance(
    fit: AnyFit,
    dataset: Dataset,
    shap: FloatArray,
    by_fold: FloatArray | None = None,
    permutation: tuple[Estimate, ...] = (),
) -> dict[str, dict[str, Json]]:
    """Return feature_importance.json (see `ml_models.importance`), the largest `shap` first."""
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
            **({} if by_fold is None else {"shap_by_fold": by_fold[:, i].tolist()}),
            **({"permutation": estimate_document(permutation[i])} if permutation else {}),
        }
        for i in order
    }


def interactions(fit: AnyFit, most: int = 10) -> dict[str, Json]:
    """Return which inputs the trees use together, as a part of metrics.json: pairs with their share of the gain.

    A split's gain goes to the pairs of its input with every other input above it, in equal parts: what it gained, it
    gained where those had decided. That is LightGBM's own bookkeeping in fitting, not a test on new rows.
    """
    booster, rounds = fit.main
    names = tuple(booster.feature_name())
    pairs: defaultdict[tuple[str, str], float] = defaultdict(float)
    total = 0.0
    for tree in booster.dump_model(num_iteration=rounds)["tree_info"]:
        total += _walk(tree["tree_structure"], names, (), pairs)
    ranked = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))[:most]
    shares: list[Json] = [{"inputs": list(pair), "gain_share": gain / total} for pair, gain in ranked]
    if not ranked:
        said = "No input is looked at beneath another: what they say is added up."
    else:
        (one, other), gain = ranked[0]
        said = (
            f"Splits beneath another input's make up {sum(pairs.values()) / total:.0%} of the gain in fitting; most go "
            f"together {one} and {other} ({gain / total:.0%})."
        )
    return {"sentences": [said], "pairs": shares}


def _walk(
    node: Mapping[str, Any], names: tuple[str, ...], above: tuple[str, ...], pairs: defaultdict[tuple[str, str], float]
) -> float:
    """Add the gains of `node` and all beneath it to `pairs`; return their sum."""
    if "split_feature" not in node:
        return 0.0
    name, gain = names[node["split_feature"]], float(node["split_gain"])
    others = [each for each in dict.fromkeys(above) if each != name]
    for other in others:
        first, second = sorted((name, other))
        pairs[(first, second)] += gain / len(others)
    beneath = (*above, name)
    children = (node["left_child"], node["right_child"])
    return gain + sum(_walk(child, names, beneath, pairs) for child in children)


def _absolute(fit: AnyFit, rows: FloatArray) -> FloatArray:
    """Return (n x margins, F + 1): how far each input of `rows` moves each raw score, the base last."""
    return np.abs(_contributions(fit, rows)).reshape(-1, rows.shape[1] + 1)


def _contributions(fit: AnyFit, rows: FloatArray) -> FloatArray:
    """Return what each feature of `rows` adds to each raw score; of numbers to the first output."""
    if isinstance(fit, Fit):
        return fit.contributions(rows)
    booster, rounds = fit.main
    return np.asarray(booster.predict(rows, num_iteration=rounds, num_threads=1, pred_contrib=True), dtype=np.float64)
