"""The way of a version from shadow to auto: up one step at a time on evidence and by name, down at any time at once.

Pure: the moves so far and the present instant in, the next move or the reasons against it out. A version without moves
is in shadow, so a new version never inherits a stage.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ml_data.stage_history import StageChange, current_stage
from ml_monitoring.gates import GateReport
from trading.domain.advice import STAGES
from trading.errors import HubError

_ROLE = "champion"

SEEN_LENGTH: Final = 12
"""So much of a hash must be named at least."""


@dataclass(frozen=True)
class Decision:
    """The move to write down, or, where there is none, every reason against it."""

    change: StageChange | None
    reasons: tuple[str, ...] = ()


def current_move(changes: Sequence[StageChange], version: str) -> StageChange | None:
    """Return the move that brought `version` into its stage."""
    return next((change for change in reversed(changes) if change.version == version), None)


def promotion(
    changes: Sequence[StageChange],
    report: GateReport,
    to: str,
    *,
    at: datetime,
    by: str,
    why: str,
    seen: str | None = None,
) -> Decision:
    """Return the move of `report`'s version to the next stage, or every reason against it.

    `report` must have been made at this very instant `at`; `seen` is the hash of the evidence that was approved, where
    the one who approves names it.
    """
    now = current_stage(changes, report.version)
    newest = max((change.since for change in changes), default=None)
    reasons = []
    if to not in STAGES or STAGES.index(to) != STAGES.index(now) + 1:
        after = STAGES[STAGES.index(now) + 1] if now != STAGES[-1] else None
        step = f"the next stage is {after}" if after else "there is no further stage"
        reasons.append(f"{report.version} is in {now}: {step}.")
    if newest is not None and at < newest:
        reasons.append(f"The clock went back: a move is written at {newest:%Y-%m-%d %H:%M:%SZ} already.")
    if not by.strip() or not why.strip():
        reasons.append("An approval has a name (--by) and a reason (--why).")
    if (report.stage, report.at) != (to, at):
        reasons.append("The gates were judged for another stage or at another time: judge them again.")
    if seen is not None and not (len(seen) >= SEEN_LENGTH and report.evidence_hash.startswith(seen)):
        reasons.append(
            f"The evidence has changed since it was seen: {seen[:12]} was approved, it is {report.evidence_hash[:12]}."
        )
    reasons += [f"{gate.title}: {gate.sentence}" for gate in report.gates if gate.state != "good"]
    reasons += [
        f"{gate.title}: its value is not a number."
        for gate in report.gates
        if gate.state == "good" and gate.n and math.isnan(gate.value)
    ]
    if not report.gates:
        reasons.append("No gate was judged.")
    if reasons:
        return Decision(None, tuple(reasons))
    return Decision(
        StageChange(report.model, report.version, to, _ROLE, at, by.strip(), why.strip(), report.evidence_hash)
    )


def demotion(
    changes: Sequence[StageChange], model: str, version: str, to: str, *, at: datetime, by: str, why: str
) -> StageChange:
    """Return the move of `version` down to `to`: always possible, and in force from `at` on.

    Raises
    ------
    HubError
        when `to` is not below its stage.
    """
    now = current_stage(changes, version)
    if to not in STAGES or STAGES.index(to) >= STAGES.index(now):
        below = ", ".join(STAGES[: STAGES.index(now)]) or "nothing"
        raise HubError(f"{version} is in {now}; below it is {below}.")
    return StageChange(model, version, to, _ROLE, at, by, why, None)
