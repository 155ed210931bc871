"""`hub models`: the registry: list, show, card, verify, promote, rollback, delete."""

from typing import Annotated

import typer

from ml_data.staleness import Stale
from ml_data.staleness import stale as stale_of
from ml_models.card import told_parts
from ml_models.model_registry import ModelRegistry
from ml_monitoring.stale import versions_made
from ml_scripts.console import Hub, JsonFlag, fail, now, opened, run, say, verbs, who
from trading.errors import HubError, NothingStored, RegistryError

cli = verbs("The model registry.")

ModelArgument = Annotated[str, typer.Argument(help="A model, such as directional-MGC.")]
VersionArgument = Annotated[str, typer.Argument(help="A version, an alias, or 'latest'.")]
AliasOption = Annotated[str, typer.Option(help="The pointer to move.")]
WhyOption = Annotated[str, typer.Option(help="The reason, kept in the registry's journal.")]


@cli.command("list")
def list_versions(as_json: JsonFlag = False) -> None:
    """List every version of every model."""
    with opened() as hub:
        rows = [(model, summary) for model in hub.registry.models() for summary in hub.registry.versions(model)]
    if not rows:
        raise NothingStored("The registry is empty. Train a version: hub train directional --instrument SYMBOL")
    say(
        [
            f"{model}  {summary.version}  {', '.join(summary.standing) or '-'}  "
            f"{summary.problem or f'{summary.created_at:%Y-%m-%d %H:%MZ} by {summary.who}: {summary.why}'}"
            f"{f' Rejected: {summary.rejected}' if summary.rejected else ''}"
            for model, summary in rows
        ],
        {"versions": [{"model": model, **vars(summary)} for model, summary in rows]},
        as_json=as_json,
    )


@cli.command("show")
def show(model: ModelArgument, version: VersionArgument = "latest", as_json: JsonFlag = False) -> None:
    """Show what one version is, what it learned from, and its metrics beside their baselines."""
    with opened() as hub:
        loaded = hub.registry.load(model, version)
        stale = _stale(hub, model, str(loaded.version))
        summary = next(each for each in hub.registry.versions(model) if each.version == loaded.version)
    opened_window = loaded.metadata.extra.get("untouched_window_opened")
    facts = {
        "model": model,
        "version": str(loaded.version),
        "version_hash": loaded.version_hash,
        "metadata": loaded.metadata.document(),
        "metrics": dict(loaded.metrics),
        "stale": stale,
        "aliases": summary.aliases,
        "rejected": summary.rejected,
    }
    say(
        [
            f"{model} {loaded.version} ({loaded.version_hash[:12]})",
            f"{loaded.metadata.question} {loaded.metadata.instrument}: {', '.join(loaded.schema.classes)}.",
            *(f"{r.name}: {r.first_day} to {r.last_day}, {r.events:,} events" for r in loaded.metadata.ranges),
            f"Trials counted: {loaded.metadata.trials}. Expires on {loaded.metadata.expires_on}.",
            *([f"Rejected: {summary.rejected}"] if summary.rejected else []),
            *(sentence for part in told_parts(loaded.metrics).values() for sentence in part),
            *([f"Its untouched window was opened {opened_window}."] if opened_window else []),
            *_stale_lines(stale),
            f"Card: hub models card {model}",
        ],
        facts,
        as_json=as_json,
    )


@cli.command("card")
def card(model: ModelArgument, version: VersionArgument = "latest", as_json: JsonFlag = False) -> None:
    """Print the model card (Markdown)."""
    with opened() as hub:
        found = version_named(hub.registry, model, version)
        text = hub.registry.published(model, found).card
    say(text, {"model": model, "version": found, "card": text}, as_json=as_json)


@cli.command("verify")
def verify(model: ModelArgument, version: VersionArgument = "latest", as_json: JsonFlag = False) -> None:
    """Check every byte of a version and that its golden rows come back; leaves with 1 when something is wrong."""
    with opened() as hub:
        found = version_named(hub.registry, model, version)
        problems = hub.registry.verify(model, found)
        stale = _stale(hub, model, found)
    result = {"model": model, "version": found, "problems": problems, "stale": stale}
    if problems:
        fail(problems, result, as_json=as_json)
    good = f"{model} {found}: every file is as it was published, and the golden rows come back."
    say([good, *_stale_lines(stale)], result, as_json=as_json)


@cli.command("promote")
def promote(
    model: ModelArgument,
    version: VersionArgument,
    why: WhyOption,
    alias: AliasOption = "champion",
    as_json: JsonFlag = False,
) -> None:
    """Point an alias at a version."""
    with opened() as hub:
        found = version_named(hub.registry, model, version)
        hub.registry.promote(model, found, alias=alias, now=now(), who=who(), why=why)
    say(f"{model}: {alias} is {found}.", {"model": model, "alias": alias, "version": found}, as_json=as_json)


@cli.command("rollback")
def rollback(model: ModelArgument, why: WhyOption, alias: AliasOption = "champion", as_json: JsonFlag = False) -> None:
    """Point an alias back at the version it named before."""
    with opened() as hub:
        pointer = hub.registry.rollback(model, alias, now=now(), who=who(), why=why)
    result = {"model": model, "alias": alias, "version": str(pointer.version)}
    say(f"{model}: {alias} is {pointer.version} again.", result, as_json=as_json)


@cli.command("delete")
def delete(model: ModelArgument, version: VersionArgument, why: WhyOption, as_json: JsonFlag = False) -> None:
    """Take a version off the shelf; refused while an alias or a logged prediction needs it."""
    with opened() as hub:
        found = version_named(hub.registry, model, version)
        with hub.store.journal() as cursor:
            rows = cursor.execute("SELECT DISTINCT version_hash FROM journal.ml_predictions").fetchall()
        logged = {row[0] for row in rows}
        hub.registry.delete(model, found, now=now(), who=who(), why=why, referenced=logged.__contains__)
    result = {"model": model, "deleted": found}
    say(f"{model}: {found} is deleted; its number is not used again.", result, as_json=as_json)


def _stale(hub: Hub, model: str, version: str) -> tuple[Stale, ...]:
    """Return why a version is stale: nothing, or the bars that a vendor changed since; its instrument may be gone."""
    try:
        chosen = hub.instrument(hub.registry.metadata(model, version).instrument)
    except HubError:
        return ()
    made = [each for each in versions_made(hub.registry, chosen, model) if each.id == f"{model} {version}"]
    return stale_of(hub.store, chosen, made)


def _stale_lines(stale: tuple[Stale, ...]) -> list[str]:
    return [f"Stale: {each}. It stays as it was published; train again to learn from the new bars." for each in stale]


def version_named(registry: ModelRegistry, model: str, which: str) -> str:
    """Return the version that a name stands for."""
    if which.startswith("v_"):
        return which
    pointer = registry.alias(model, which)
    if pointer is None:
        raise RegistryError(f"{model}: {which} does not point at any version; 'hub models list' names those it has.")
    return str(pointer.version)


if __name__ == "__main__":
    run(cli)
