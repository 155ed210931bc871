"""`hub stage`: lets a version into its next stage, by name and on the evidence of this moment, or takes it back."""

from collections.abc import Sequence
from typing import Annotated

import typer

from ml_data.stage_history import StageChange, append_stage_change, current_stage, stage_changes
from ml_monitoring.stages import demotion, promotion
from ml_scripts.console import CHECK_FAILED, Hub, JsonFlag, fail, now, opened, run, say
from ml_scripts.gates import judged_now
from ml_scripts.models import version_named
from trading.domain.advice import SHADOW, STAGES
from trading.errors import HubError


def command(
    model: Annotated[str, typer.Argument(help="A model, such as directional-MGC.")],
    to: Annotated[
        str | None, typer.Option(help="shadow, advisory, hybrid or auto; without it the moves so far.")
    ] = None,
    by: Annotated[str, typer.Option(help="Who approves; kept with the move.")] = "",
    why: Annotated[str, typer.Option(help="The reason; kept with the move.")] = "",
    version: Annotated[str, typer.Option(help="A version, an alias, or 'latest'.")] = "latest",
    evidence: Annotated[
        str | None, typer.Option(help="The hash of the evidence you saw (hub gates); it must be the same still.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Move a version to another stage: up with all gates passed now, down at any time."""
    if to is not None and to not in STAGES:
        raise HubError(f"{to!r} is no stage; expected one of {', '.join(STAGES)}.")
    with opened() as hub:
        changes = stage_changes(hub.store, model)
        if not changes and model not in hub.registry.models():
            raise HubError(f"{model}: nothing is published under that name. See: hub models list")
        name = version_named(hub.registry, model, version)
        stage = current_stage(changes, name)
        if to is None:
            found = {"model": model, "version": name, "stage": stage, "moves": changes}
            say([f"{model} {name} is in {stage}.", *_moves(changes)], found, as_json=as_json)
        elif STAGES.index(to) < STAGES.index(stage):
            if not by.strip() or not why.strip():
                raise HubError("Say who takes it back and why: --by NAME --why REASON.")
            move = demotion(changes, model, name, to, at=now(), by=by.strip(), why=why.strip())
            append_stage_change(hub.store, move)
            say(f"{model} {name} is in {to} now.", move, as_json=as_json)
        else:
            _let_in(hub, model, name, to, by, why, evidence, as_json=as_json)


def _let_in(
    hub: Hub, model: str, name: str, to: str, by: str, why: str, evidence: str | None, *, as_json: bool
) -> None:
    """Judge the gates of this moment, and write the move down or say every reason against it."""
    instrument = hub.instrument(hub.registry.metadata(model, name).instrument)
    report, _ = judged_now(hub, instrument, model, name, None if to == SHADOW else to)
    changes = stage_changes(hub.store, model)
    decision = promotion(changes, report, to, at=report.at, by=by, why=why, seen=evidence)
    if decision.change is None:
        stage = current_stage(changes, name)
        found = {"version": name, "stage": stage, "refused": decision.reasons, "evidence_hash": report.evidence_hash}
        lines = [f"{model} {name} stays in {stage}:", *(f"  {reason}" for reason in decision.reasons)]
        fail(lines, found, as_json=as_json, code=CHECK_FAILED)
    append_stage_change(hub.store, decision.change)
    say(f"{model} {name} is in {to} now, on evidence {report.evidence_hash[:12]}.", decision.change, as_json=as_json)


def _moves(changes: Sequence[StageChange]) -> list[str]:
    return [
        f"  {move.since:%Y-%m-%d %H:%MZ}  {move.version}  {move.stage}  {move.by_whom}: {move.why}" for move in changes
    ]


if __name__ == "__main__":
    run(command)
