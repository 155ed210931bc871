"""`hub gates`: what a version has shown so far, gate by gate, and what the next stage still needs."""

import math
from typing import Annotated

import typer

from ml_data.stage_history import current_stage, next_stage, stage_changes
from ml_inference.replay_audit import audit_replay
from ml_inference.skew_audit import SkewReport, audit_skew
from ml_monitoring.day_audit import reconciled_so_far
from ml_monitoring.gatekeeper import judge, record, take_back
from ml_monitoring.gates import Check, Gate, GateReport, required_checks
from ml_monitoring.looks import Monitoring
from ml_monitoring.outcome_logger import settle
from ml_scripts.console import Hub, InstrumentOption, JsonFlag, RuleOption, now, opened, run, say
from ml_scripts.shadow import DIRECTIONAL, RecipeOption, named_model
from trading.domain.advice import STAGES
from trading.domain.instrument import Instrument
from trading.errors import HubError

SHAPES = {"good": "✓", "bad": "✕", "cannot tell": "…"}


def command(
    instrument: InstrumentOption = None,
    recipe: RecipeOption = DIRECTIONAL,
    rule: RuleOption = None,
    version: Annotated[str, typer.Option(help="A version, an alias, or 'latest'.")] = "latest",
    stage: Annotated[str | None, typer.Option(help="advisory, hybrid or auto (default: the next one).")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Judge a version for its next stage: live forecasts count, replayed ones never do."""
    if stage is not None and stage not in STAGES[1:]:
        raise HubError(f"{stage!r} has no gates; expected one of {', '.join(STAGES[1:])}.")
    with opened() as hub:
        chosen = hub.instrument(instrument)
        report, _ = judged_now(hub, chosen, named_model(chosen, recipe, rule), version, stage)
    say(describe(report), report, as_json=as_json)


def judged_now(
    hub: Hub, instrument: Instrument, model: str, version: str, stage: str | None
) -> tuple[GateReport, Monitoring]:
    """Settle, take back what does not stand any more, judge, and write the verdicts down."""
    if model not in hub.registry.models():
        train = f"hub train {model.split('-')[0]} --instrument {instrument.symbol}"
        raise HubError(f"{model}: nothing is published yet. Train a version: {train}")
    found = str(hub.registry.load(model, version).version)
    settle(hub.store, instrument, now=now())
    at, settings = now(), hub.settings.gates
    take_back(hub.store, hub.registry, instrument, model, at=at, settings=settings, breaker=hub.settings.breaker)
    asked = stage or next_stage(current_stage(stage_changes(hub.store, model), found))
    checks = audit_checks(hub, instrument, model) if "replay" in required_checks(asked) else {}
    report, monitoring = judge(
        hub.store, hub.registry, instrument, model, found, at=at, settings=settings, stage=asked, checks=checks
    )
    record(hub.store, report, monitoring)
    return report, monitoring


def audit_checks(hub: Hub, instrument: Instrument, model: str) -> dict[str, Check]:
    """Return what the audits say: of the inputs of live predictions (skew), of every logged answer (replay)."""
    found = audit_replay(hub.store, hub.registry, instrument, settings=hub.engine_settings)
    others = [each for each in found.mismatches if not each.what.startswith("feature ")]
    answers = f"{others[0]}." if others else f"{found.predictions:,} logged forecasts come out bit for bit."
    looks = reconciled_so_far(hub.store, instrument.symbol, model, known_by=now())
    told = "" if looks is None else f" Live against replay by day ({looks.days:,} compared): {looks.sentence}"
    return {"skew": skew_check(audit_skew(hub.store, instrument)), "replay": Check(not others, answers + told)}


def skew_check(report: SkewReport) -> Check:
    """Return what the skew audit says of the inputs of live forecasts; without any, nobody can tell."""
    if report.live == 0:
        return Check(None, "No live forecast is logged, so there are no live inputs to compare.")
    open_ = report.unexplained(replayed=False)
    sound = f"Inputs of {report.live:,} live forecasts come out from stored bars."
    return Check(not open_, f"Inputs that differ: {len(open_):,}; first: {open_[0]}" if open_ else sound)


def describe(report: GateReport) -> list[str]:
    """Return the gates in words."""
    open_ = sum(gate.state == "good" for gate in report.gates)
    replayed = f"; {report.replayed:,} replayed ones count for nothing here" if report.replayed else ""
    return [
        f"{report.model} {report.version} for {report.stage}: {open_} of {len(report.gates)} gates are passed "
        f"({report.live:,} live forecasts with outcome{replayed}).",
        *(f"  {SHAPES[gate.state]} {gate.title}: {gate.sentence}{wait_of(gate)}" for gate in report.gates),
        f"Evidence {report.evidence_hash}",
    ]


def wait_of(gate: Gate) -> str:
    """Return how long a closed gate would take, where that is known."""
    if (
        gate.state == "good"
        or math.isnan(gate.further_days)
        or gate.further_days == 0
        or gate.name in ("skill", "net_r")
    ):
        return ""
    if math.isinf(gate.further_days):
        return " Never at the present rate."
    return f" About {gate.further_days:,.0f} further trading days."


if __name__ == "__main__":
    run(command)
