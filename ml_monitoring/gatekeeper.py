"""Judges a version on what the stores hold, writes the verdicts down, and takes a version back when they do not stand.

The edge between the pure gates and the stores: nothing is decided here that `gates` and `stages` do not decide.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from ml_data.breaker_log import breaker_events
from ml_data.journal import evidence_rows, features_asked, logged_inputs
from ml_data.stage_history import StageChange, append_stage_change, current_stage, next_stage, stage_changes
from ml_data.store import Store, sql
from ml_models.model_registry import ModelRegistry
from ml_monitoring.breaker import BY_ITSELF
from ml_monitoring.breaker_watch import breaker_check, watch
from ml_monitoring.evidence import Evidence, evidence_of
from ml_monitoring.gates import Check, GateReport, evidence_hash, gate_report
from ml_monitoring.judged import judged_of
from ml_monitoring.looks import Monitoring, append_looks, monitor
from ml_monitoring.stages import current_move, demotion
from trading.domain.advice import SHADOW
from trading.domain.instrument import Instrument
from trading.errors import HubError
from trading.settings import BreakerSettings, GateSettings


def judge(
    store: Store,
    registry: ModelRegistry,
    instrument: Instrument,
    model: str,
    version: str,
    *,
    at: datetime,
    settings: GateSettings,
    stage: str | None = None,
    checks: Mapping[str, Check] | None = None,
) -> tuple[GateReport, Monitoring]:
    """Return the gates of `stage` (None: the one after the version's own) at the instant `at`, and what monitors found.

    `checks` are what was looked at elsewhere, by name; the version and what its breaker wrote are looked at here.
    """
    changes = stage_changes(store, model)
    now = current_stage(changes, version)
    asked = stage or next_stage(now)
    rows = evidence_rows(store, instrument.symbol, model, version, at)
    evidence = _evidence(store, instrument, model, version, rows, at, current_move(changes, version))
    found = monitored(store, instrument.symbol, model, version, rows, at)
    report = gate_report(
        evidence,
        asked,
        settings,
        most_a_day=len(instrument.opening_ranges),
        looks=found.looks,
        checks={
            "version": version_check(registry, model, version, at.date()),
            "breaker": breaker_check(breaker_events(store, model), version),
            **(checks or {}),
        },
    )
    return report, found


def monitored(
    store: Store, instrument: str, model: str, version: str, rows: pa.Table, known_by: datetime | None = None
) -> Monitoring:
    """Return what the monitors find of one version; `rows` are its rows of the journal with their outcomes."""
    inputs = logged_inputs(store, instrument, model, version, known_by=known_by)
    if inputs.num_rows:  # definitions may change within a version's name only if somebody edits the journal
        inputs = inputs.filter(pc.equal(inputs["schema_hash"], inputs["schema_hash"][-1]))
    count = len(inputs["features"][-1].as_py() or ()) if inputs.num_rows else 0
    known = features_asked(inputs["schema_hash"][-1].as_py() or "", count) if inputs.num_rows else ()
    names = tuple(feature.name for feature in known) or tuple(f"input {place + 1}" for place in range(count))
    return monitor(inputs, names, judged_of(rows))


def record(store: Store, report: GateReport, found: Monitoring) -> None:
    """Write the verdicts down, unless they stand there already, and the looks that are the first of their week."""
    rows = [
        {
            **{name: getattr(report, name) for name in ("instrument", "model", "version", "stage", "evidence_hash")},
            **{name: value for name, value in asdict(gate).items() if name not in ("name", "title")},
            "gate": gate.name,
            "judged_at": report.at,
        }
        for gate in report.gates
    ]
    with store.journal_write() as cursor:
        cursor.register("fresh", pa.Table.from_pylist(rows, schema=_GATES))
        cursor.execute(sql("append_gates"))
        cursor.unregister("fresh")
    append_looks(store, report.instrument, report.model, report.version, found.looks, report.at)


def version_check(registry: ModelRegistry, model: str, version: str, today: date) -> Check:
    """Return whether a published version is whole and may still answer; only one whose audit passed is published."""
    try:
        problems = registry.verify(model, version)
        metadata = registry.metadata(model, version)
    except HubError as error:
        return Check(None, str(error))
    if problems:
        return Check(False, f"{version} is damaged: {problems[0]}")
    expires = metadata.expires_on
    if expires is not None and today > expires:
        return Check(False, metadata.expired_sentence(version))
    return Check(True, f"Published after its audit, unchanged since; it may answer until {expires or 'any day'}.")


def take_back(
    store: Store,
    registry: ModelRegistry,
    instrument: Instrument,
    model: str,
    *,
    at: datetime,
    settings: GateSettings,
    breaker: BreakerSettings,
) -> list[StageChange]:
    """Move every version whose breaker has tripped, or whose approval stands no more, to shadow; return the moves.

    The breaker looks at all of its codes first. An approval stands no more when the evidence it was given on is not the
    same (data, settings, version). Drift takes nothing back: its alarms come without any cause a few times a year.
    """
    moves = list(watch(store, registry, instrument, model, at=at, settings=breaker).moves)
    changes = list(stage_changes(store, model))
    for version in sorted({change.version for change in changes}):
        if current_stage(changes, version) == SHADOW:
            continue
        why = why_not(store, instrument, tuple(changes), version, settings=settings)
        if why is not None:
            move = demotion(changes, model, version, SHADOW, at=at, by=BY_ITSELF, why=why)
            append_stage_change(store, move)
            changes.append(move)
            moves.append(move)
    return moves


def why_not(
    store: Store,
    instrument: Instrument,
    changes: tuple[StageChange, ...],
    version: str,
    *,
    settings: GateSettings,
) -> str | None:
    """Return why the approval of a version stands no more, with a code before the colon; None: it stands."""
    move = current_move(changes, version)
    if move is None:
        return None
    approvals = _approvals(changes, version)
    for place, approval in enumerate(approvals):
        before = approvals[place - 1] if place else _last_fall(changes, version)
        rows = evidence_rows(store, instrument.symbol, move.model, version, approval.since)
        evidence = _evidence(store, instrument, move.model, version, rows, approval.since, before)
        now = evidence_hash(evidence, approval.stage, settings, len(instrument.opening_ranges))
        if now != approval.evidence_hash:
            return (
                f"evidence_changed: approved for {approval.stage} on {str(approval.evidence_hash)[:12]}, which is "
                f"{now[:12]} by now: outcomes, ranges, settings or the version were changed since."
            )
    return None


def _approvals(changes: tuple[StageChange, ...], version: str) -> list[StageChange]:
    """Return the moves up since the version was last in shadow, oldest first."""
    own = [change for change in changes if change.version == version]
    falls = [place for place, change in enumerate(own) if change.stage == SHADOW]
    return [change for change in own[falls[-1] + 1 if falls else 0 :] if change.evidence_hash is not None]


def _last_fall(changes: tuple[StageChange, ...], version: str) -> StageChange | None:
    """Return the last move of the version down to shadow."""
    own = [change for change in changes if change.version == version and change.stage == SHADOW]
    return own[-1] if own else None


def _evidence(
    store: Store,
    instrument: Instrument,
    model: str,
    version: str,
    rows: pa.Table,
    at: datetime,
    move: StageChange | None,
) -> Evidence:
    since = None if move is None else move.since
    span = {"first": date(1900, 1, 1), "last": date(9000, 1, 1)}
    if rows.num_rows:
        span = {"first": pc.min(rows["trading_day"]).as_py(), "last": pc.max(rows["trading_day"]).as_py()}
    with store.market() as cursor:
        found = cursor.execute(sql("range_sizes"), {"instrument": instrument.symbol, **span}).fetchall()
    sizes = {(day, orb): (size, close) for day, orb, size, close in found if size is not None and close is not None}
    return evidence_of(rows, instrument, model, version, at=at, since=since, sizes=sizes)


_GATES: Final[Any] = pa.schema(
    [
        *((name, pa.string()) for name in ("instrument", "model", "version", "stage", "gate", "state")),
        *((name, pa.float64()) for name in ("value", "low", "high")),
        ("n", pa.int64()),
        *((name, pa.float64()) for name in ("need", "further_days")),
        ("sentence", pa.string()),
        ("evidence_hash", pa.string()),
        ("judged_at", pa.timestamp("us", tz="UTC")),
    ]
)
