"""What the model said of a day's opening ranges, as the journal holds it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa


@dataclass(frozen=True)
class Said:
    """One stored answer, or refusal, of an opening range; probabilities 0 to 1, instants UTC.

    `base_up` is what the version says without looking at any input.
    """

    prediction_id: str
    orb: str
    version: str
    stage: str
    decided_at: datetime
    logged_at: datetime
    replayed: bool
    prob_up: float | None
    baseline_up: float | None
    confidence: float | None
    advice: str | None
    base_up: float | None
    refusal: str | None


def said_of_day(journal: pa.Table) -> tuple[Said, ...]:
    """Return what the newest version said of each range of one day (rows of `judged_predictions`), in order."""
    newest: dict[str, dict[str, Any]] = {}
    for row in journal.to_pylist():
        if row["orb"] not in newest or row["version"] > newest[row["orb"]]["version"]:
            newest[row["orb"]] = row
    return tuple(_said(row) for row in newest.values())


def _said(row: dict[str, Any]) -> Said:
    return Said(
        prediction_id=row["prediction_id"],
        orb=row["orb"],
        version=row["version"],
        stage=row["stage"] or "shadow",
        decided_at=row["decided_at"],
        logged_at=row["logged_at"],
        replayed=bool(row["replayed"]),
        prob_up=row["prob_up"],
        baseline_up=row["baseline_prob_up"],
        confidence=row["confidence"],
        advice=row["advice"],
        base_up=row["base_prob_up"],
        refusal=row["refusal_reason"],
    )
