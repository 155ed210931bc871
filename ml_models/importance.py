"""feature_importance.json as typed values: by how much a version looked at each input, measured in several ways.

    {feature: {"gain_share", "splits", "mean_abs_shap", "shap_by_fold": [...], "permutation": ESTIMATE}}

All but the first three may be absent (versions published before they were measured); a plain number is a gain.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml_models.intervals import Estimate
from ml_models.metrics import read_estimate


@dataclass(frozen=True)
class FeatureImportance:
    """One input: its share of the gain in fitting (0 to 1), and mean |SHAP| on rows that were not fitted on.

    `shap_by_fold` has the latter fold by fold; `permutation` is by how much the loss rises, an event, when the input is
    shuffled. None or empty where it was not measured.
    """

    name: str
    gain_share: float
    mean_abs_shap: float | None = None
    shap_by_fold: tuple[float, ...] = ()
    permutation: Estimate | None = None


def read_importance(document: Mapping[str, Any]) -> tuple[FeatureImportance, ...]:
    """Return the inputs of a feature_importance.json, that with the largest mean |SHAP| (or else gain) first.

    >>> [(each.name, each.gain_share) for each in read_importance({"hour": 1.0, "size": 3.0})]
    [('size', 0.75), ('hour', 0.25)]
    """
    gains = {name: float(each) for name, each in document.items() if isinstance(each, int | float)}
    total = sum(gains.values()) or 1.0
    found = [
        FeatureImportance(name, gains[name] / total) if name in gains else _measured(name, each)
        for name, each in document.items()
    ]
    return tuple(sorted(found, key=lambda each: (-(each.mean_abs_shap or 0.0), -each.gain_share, each.name)))


def _measured(name: str, each: Mapping[str, Any]) -> FeatureImportance:
    shuffled = each.get("permutation")
    return FeatureImportance(
        name=name,
        gain_share=float(each["gain_share"]),
        mean_abs_shap=float(each["mean_abs_shap"]),
        shap_by_fold=tuple(float(value) for value in each.get("shap_by_fold", ())),
        permutation=None if shuffled is None else read_estimate(shuffled),
    )
