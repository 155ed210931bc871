"""`hub reproduce VERSION` or a prediction's id: made again and compared, or which input has changed since."""

from typing import Annotated

import typer

from ml_data.journal import prediction
from ml_data.staleness import stale as stale_of
from ml_inference.replay_audit import audit_replay
from ml_models.model_version import VersionId
from ml_monitoring.stale import versions_made
from ml_scripts.console import Hub, JsonFlag, fail, opened, progress, run, say
from ml_training.code_state import code_state, library_versions
from ml_training.reproduction import reproduce
from trading.errors import HubError, NothingStored


def command(
    what: Annotated[str, typer.Argument(help="A version (v_…), an alias with --model, or the id of a prediction.")],
    model: Annotated[str | None, typer.Option(help="The model of an alias, such as directional-MGC.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a version or a prediction again and compare, byte for byte; leaves with 1 when it differs."""
    with opened() as hub:
        if model is not None or VersionId.fits(what):
            lines, result, passed = _version(hub, what, model)
        else:
            lines, result, passed = _prediction(hub, what)
    if not passed:
        fail(lines, result, as_json=as_json)
    say(lines, result, as_json=as_json)


def _version(hub: Hub, what: str, model: str | None) -> tuple[list[str], dict[str, object], bool]:
    model, version = _named(hub, what, model)
    chosen = hub.instrument(hub.registry.metadata(model, version).instrument)
    with progress(f"{model} {version}") as advance:
        found = reproduce(hub.store, hub.registry, chosen, model, version, code_state(), library_versions(), advance)
    made = [each for each in versions_made(hub.registry, chosen, model) if each.id == f"{model} {version}"]
    revised = [f"  revised bars: {each}" for each in stale_of(hub.store, chosen, made)]
    lines = [*found.sentences, *([] if found.passed else revised)]
    return lines, {**vars(found), "passed": found.passed, "lines": lines}, found.passed


def _named(hub: Hub, what: str, model: str | None) -> tuple[str, str]:
    """Return the model and the version that are meant."""
    if model is not None and not VersionId.fits(what):
        pointer = hub.registry.alias(model, what)
        if pointer is None:
            raise HubError(f"{model}: {what} does not point at any version; 'hub models list' names those it has.")
        return model, str(pointer.version)
    for name in hub.registry.models() if model is None else (model,):
        if any(str(summary.version) == what for summary in hub.registry.versions(name)):
            return name, what
    raise NothingStored(f"There is no version {what} on the shelf; 'hub models list' names those there are.")


def _prediction(hub: Hub, what: str) -> tuple[list[str], dict[str, object], bool]:
    row = prediction(hub.store, what)
    if row is None:
        raise NothingStored(
            f"{what!r} is neither a version ('hub models list') nor the id of a logged prediction (the last column of "
            "the CSV on Model health); an alias takes --model."
        )
    chosen = hub.instrument(row["instrument"])
    found = audit_replay(hub.store, hub.registry, chosen, settings=hub.engine_settings, only=what)
    name = f"{row['model']} {row['version']}, {row['instrument']} {row['trading_day']} {row['orb']}"
    lines = [f"{name}: the same, bit for bit, with every input and reason."]
    if found.revised:
        lines = [f"{name}: the same from the bars as they were.", *(str(each) for each in found.revised)]
    if not found.passed:
        lines = [f"{name}: comes out differently:", *(str(each) for each in found.mismatches)]
    return lines, {**vars(found), "prediction_id": what, "passed": found.passed, "lines": lines}, found.passed


if __name__ == "__main__":
    run(command)
