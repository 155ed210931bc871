"""What the pages ask about reasons: those of one prediction with the ranges nearest to it, and those of a version."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from app_pages.past_queries import ranges_known
from ml_data.journal import explained_predictions, features_asked, prediction
from ml_data.store import Store
from ml_monitoring.neighbours import Neighbours, nearest
from trading.domain.instrument import Instrument
from trading.domain.label import BREAK_DIRECTION, Label, label_named
from trading.domain.trade_rule import rule_named
from trading.errors import HubError

if TYPE_CHECKING:
    from ml_models.model_registry import ModelRegistry

Floats = npt.NDArray[np.float64]
_ROUNDING = 1e-6
"""Reasons are computed to 1e-9; a sum further off than this was not stored as it was said."""


@dataclass(frozen=True, eq=False)
class Explained:
    """A stored prediction and its reasons: `base` and all `points` sum to `answer`, in the unit of the label.

    `names` are its inputs in order, `values` what they were.
    """

    prediction_id: str
    label: Label
    decided_at: datetime
    orb: str
    names: tuple[str, ...]
    values: tuple[float, ...]
    points: tuple[float, ...]
    base: float
    answer: float

    @property
    def gap(self) -> float:
        """How far base and points are from the answer that was stored."""
        return abs(self.base + float(np.sum(self.points)) - self.answer)

    @property
    def adds_up(self) -> bool:
        """Whether the stored reasons are those of the stored answer."""
        return self.gap <= _ROUNDING


@dataclass(frozen=True)
class Near:
    """The past events most like one; None where its inputs were defined otherwise than today's, so that none compares.

    `weighed` says whether they were weighed by what the version looks at (it is on the shelf) or all inputs alike.
    """

    neighbours: Neighbours | None
    weighed: bool


@dataclass(frozen=True, eq=False)
class Reasons:
    """The stored reasons of n predictions of a version: inputs `x` and `points` (n, F), oldest first."""

    names: tuple[str, ...]
    x: Floats
    points: Floats
    label: Label


def explained(store: Store, prediction_id: str) -> Explained | None:
    """Return a prediction with its reasons; None of a refusal or an unknown id."""
    row = prediction(store, prediction_id)
    if row is None or row["refusal_code"] is not None or not row["reasons"]:
        return None
    names = _names(row["schema_hash"], len(row["features"]))
    label = label_named(row["label"])
    return Explained(
        prediction_id=prediction_id,
        label=label,
        decided_at=row["decided_at"],
        orb=row["orb"],
        names=names,
        values=tuple(row["features"]),
        points=tuple(row["reasons"]),
        base=row["base_prob_up"] if label == BREAK_DIRECTION else row["base_value"],
        answer=_answer(row, label),
    )


def near_to(store: Store, registry: "ModelRegistry", instrument: Instrument, prediction_id: str) -> Near | None:
    """Return the five past events most like a prediction's, known at its moment; None of a refusal or an unknown id."""
    row = prediction(store, prediction_id)
    if row is None or row["refusal_code"] is not None or not row["features"]:
        return None
    names = tuple(feature.name for feature in features_asked(row["schema_hash"], len(row["features"])))
    weights = _weights(registry, row["model"], row["version"])
    if not names:
        return Near(None, bool(weights))
    label, rule = label_named(row["label"]), None if row["rule"] is None else rule_named(row["rule"])
    past = ranges_known(store, instrument, label, rule)
    if past is None:
        return Near(Neighbours((), 0), bool(weights))
    return Near(nearest(row["features"], names, row["decided_at"], past, weights), bool(weights))


def reasons_of_version(
    store: Store, symbol: str, model: str, version: str, known_by: datetime | None, most: int
) -> Reasons | None:
    """Return the reasons of the newest `most` predictions of a version; None when it has made none."""
    until = known_by or datetime.max.replace(tzinfo=UTC)
    rows = explained_predictions(store, instrument=symbol, model=model, version=version, known_by=until)
    rows = rows.slice(max(0, rows.num_rows - most))
    if rows.num_rows == 0:
        return None
    first = prediction(store, rows["prediction_id"][0].as_py()) or {}
    width = len(first["features"])
    names = _names(first["schema_hash"], width)
    return Reasons(
        names, _matrix(rows["features"], width), _matrix(rows["reasons"], width), label_named(first["label"])
    )


def _names(schema: str, width: int) -> tuple[str, ...]:
    known = tuple(feature.name for feature in features_asked(schema, width))
    return known or tuple(f"input {place + 1}" for place in range(width))


def _answer(row: dict[str, Any], label: Label) -> float:
    if not label.targets:
        return float(row[label.columns[0]])
    from ml_models.quantiles import point_output

    said = dict(zip(row["outputs"], row["quantiles"], strict=True))
    return float(said[point_output(label.targets[0], tuple(said))])


def _weights(registry: "ModelRegistry", model: str, version: str) -> dict[str, float]:
    """Return mean |SHAP| by input, as measured in training; nothing where the version is not on the shelf."""
    try:
        found = registry.published(model, version).importance
    except HubError:
        return {}
    return {each.name: each.mean_abs_shap for each in found if each.mean_abs_shap is not None}


def _matrix(column: pa.ChunkedArray, width: int) -> Floats:
    """Return (n, width): a column of lists of so many doubles each; NaN where one is missing."""
    flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False).astype(np.float64)
    found: Floats = flat.reshape(-1, width)
    return found
