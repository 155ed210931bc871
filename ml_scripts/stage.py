"""`hub stage`: lets a version into its next stage, by name and on the evidence of this moment, or takes it back."""

from typing import Annotated

import typer

from ml_data.stage_history import STAGES, append_stage_change, current_stage, stage_changes
from ml_monitoring.stages import demotion, promotion
from ml_scripts.console import CHECK_FAILED, JsonFlag, fail, now, opened, run, say
from ml_scripts.gates import judged_now
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
    """Move a version to another stage: up with all gates open now, down at any time."""
    if to is not None and to not in STAGES:
        raise HubError(f"{to!r} is no stage; expected one of {', '.join(STAGES)}.")
    with opened() as hub:
        if model not in hub.registry.models():
            raise HubError(f"{model}: nothing is published under that name. See: hub models list")
        found = hub.registry.load(model, version)
        changes = stage_changes(hub.store, model)
        name = str(found.version)
        stage = current_stage(changes, name)
        if to is None:
            moves = [
                f"  {move.since:%Y-%m-%d %H:%MZ}  {move.version}  {move.stage}  {move.by_whom}: {move.why}"
                for move in changes
            ]
            say(
                [f"{model} {name} is in {stage}.", *moves],
                {"version": name, "stage": stage, "moves": changes},
                as_json=as_json,
            )
            return
        if STAGES.index(to) < STAGES.index(stage):
            if not by.strip() or not why.strip():
                raise HubError("Say who takes it back and why: --by NAME --why REASON.")
            move = demotion(changes, model, name, to, at=now(), by=by, why=why)
            append_stage_change(hub.store, move)
            say(f"{model} {name} is in {to} now.", move, as_json=as_json)
            return
        at = now()
        report, _ = judged_now(
            hub, hub.instrument(found.metadata.instrument), model, name, to if to != "shadow" else None, at
        )
        decision = promotion(stage_changes(hub.store, model), report, to, at=report.at, by=by, why=why, seen=evidence)
        if decision.change is not None:
            append_stage_change(hub.store, decision.change)
    if decision.change is None:
        refused = {"version": name, "stage": stage, "refused": decision.reasons, "evidence_hash": report.evidence_hash}
        fail(
            [f"{model} {name} stays in {stage}:", *(f"  {reason}" for reason in decision.reasons)],
            refused,
            as_json=as_json,
            code=CHECK_FAILED,
        )
    say(f"{model} {name} is in {to} now, on evidence {report.evidence_hash[:12]}.", decision.change, as_json=as_json)


if __name__ == "__main__":
    run(command)
