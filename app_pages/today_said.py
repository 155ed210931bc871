"""What the model said of a day's opening ranges, as the journal holds it. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ml_models.pointers import CHALLENGER
from trading.domain.advice import SHADOW, STAGES
from trading.domain.label import BREAK_DIRECTION, label_named


@dataclass(frozen=True)
class Said:
    """One stored answer, or refusal, of an opening range; probabilities 0 to 1, instants UTC.

    `chance` is the probability of the label's subject (P(UP), P(WIN)), `walk` what a walk without drift says of it,
    `base` what the version says without looking at any input. An answer of numbers has no `chance`: `numbers` are its
    outputs by name, `interval` is the first target's.
    """

    prediction_id: str
    orb: str
    version: str
    stage: str
    decided_at: datetime
    logged_at: datetime
    replayed: bool
    chance: float | None
    walk: float | None
    confidence: float | None
    advice: str | None
    base: float | None
    refusal: str | None
    label: str = BREAK_DIRECTION.name
    rule: str | None = None
    numbers: tuple[tuple[str, float], ...] = ()
    interval: tuple[float, float] | None = None
    size: float | None = None


def said_of_day(journal: pa.Table) -> tuple[Said, ...]:
    """Return what the newest version said of each range of one day (rows of `judged_predictions`), in order.

    Challengers answer in the dark: what they say is not shown here.
    """
    newest: dict[str, dict[str, Any]] = {}
    for row in journal.to_pylist():
        if (row["role"] or "").startswith(CHALLENGER):
            continue
        if row["orb"] not in newest or row["version"] > newest[row["orb"]]["version"]:
            newest[row["orb"]] = row
    return tuple(_said(row) for row in newest.values())


def heard_in(said: Said, stage: str) -> Said:
    """Return `said` in the stage it may be heard in: never above the one it was made in, nor above `stage` by now.

    What was asked afterwards, by a replay, is heard by nobody.
    """
    lowest = SHADOW if said.replayed else min(said.stage, stage, key=STAGES.index)
    return replace(said, stage=lowest)


def said_by_model(journal: pa.Table) -> dict[str, tuple[Said, ...]]:
    """Return what each model said of one day, by its name."""
    return {
        name: said_of_day(journal.filter(pc.equal(journal["model"], name)))
        for name in sorted(set(journal["model"].to_pylist()))
    }


def _said(row: dict[str, Any]) -> Said:
    label = label_named(row["label"])
    of_direction = label == BREAK_DIRECTION
    walk = row["baseline_prob_up"] if of_direction else next(iter(row["baselines"] or ()), None)
    return Said(
        prediction_id=row["prediction_id"],
        orb=row["orb"],
        version=row["version"],
        stage=row["stage"] or "shadow",
        decided_at=row["decided_at"],
        logged_at=row["logged_at"],
        replayed=bool(row["replayed"]),
        chance=None if label.targets else row[label.columns[0]],
        walk=walk,
        confidence=row["confidence"],
        advice=row["advice"],
        base=row["base_prob_up"] if of_direction else row["base_value"],
        refusal=row["refusal_reason"],
        label=label.name,
        rule=row["rule"],
        numbers=tuple(zip(row["outputs"] or (), row["quantiles"] or (), strict=True)),
        interval=None if row["interval_low"] is None else (row["interval_low"], row["interval_high"]),
        size=row["advised_size"],
    )
