"""`hub retrain`: trains a candidate on newer days; it must beat the champion on days that neither has seen."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Annotated, Any

import typer

from ml_data.retrainings import Retraining
from ml_models.model_version import model_name
from ml_scripts.alone import alone
from ml_scripts.console import Hub, InstrumentOption, JsonFlag, RuleOption, fail, now, opened, progress, run, say, who
from ml_training.due import Due, due
from ml_training.recipe import shipped_recipe
from ml_training.retrain_facts import champion_of, facts_of
from ml_training.retraining import retrain, settle_left
from trading.errors import HubError, RegistryError, StoreError

IfDueFlag = Annotated[bool, typer.Option("--if-due", help="Only what is due by schedule, new outcomes or an alarm.")]
RecipeOption = Annotated[
    str | None, typer.Option("--recipe", help="Which model family (default: directional; with --if-due all there are).")
]


def command(
    if_due: IfDueFlag = False,
    instrument: InstrumentOption = None,
    recipe: RecipeOption = None,
    rule: RuleOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Train a candidate and compare it with the champion: a challenger if it is better, else kept as rejected."""
    with opened() as hub:
        models = models_meant(hub, if_due, instrument, recipe, rule)
        with _retraining_alone(hub):
            told = [_one(hub, model, if_due=if_due) for model in models]
    lines = [line for each in told for line in each["lines"]] or ["No model is published yet: nothing is due."]
    document = {"models": [{name: value for name, value in each.items() if name != "lines"} for each in told]}
    if any(each["failed"] for each in told):
        fail(lines, document, as_json=as_json)
    say(lines, document, as_json=as_json)


def models_meant(hub: Hub, if_due: bool, symbol: str | None, recipe: str | None, rule: str | None) -> list[str]:
    """Return the models that the options name; with `if_due` all that are published and not ruled out."""
    chosen = None if if_due and symbol is None else hub.instrument(symbol).symbol
    if chosen is not None and (recipe is not None or not if_due):
        family = recipe or "directional"
        model = model_name(family, chosen, shipped_recipe(family, rule).rule)
        champion_of(hub.registry, model)
        return [model]
    found = []
    for model in hub.registry.models():
        if not any(summary.aliases for summary in hub.registry.versions(model)):
            continue
        try:
            metadata = hub.registry.metadata(model, champion_of(hub.registry, model))
        except RegistryError:
            found.append(model)  # what is wrong with it is told when it is asked
            continue
        asked: Any = metadata.extra.get("recipe") or {}
        told = ((chosen, metadata.instrument), (recipe, metadata.recipe), (rule, asked.get("rule")))
        if all(wanted in (None, stated) for wanted, stated in told):
            found.append(model)
    return found


def _retraining_alone(hub: Hub) -> AbstractContextManager[None]:
    lock, note = (hub.store.home / f"retrain.{kind}" for kind in ("lock", "holder"))
    return alone(lock, note, {"who": who()}, _busy)


def _busy(holder: Mapping[str, Any] | None) -> str:
    by = "another process"
    if holder is not None:
        by = f"process {holder['process']} of {holder.get('who', 'unknown')}, since {holder['since']}"
    return f"A retraining runs already ({by}); leave it to its work, or end it."


def _one(hub: Hub, model: str, *, if_due: bool) -> dict[str, Any]:
    """Retrain one model if it is to be; return what to say of it."""
    settings = hub.settings.retrain
    try:
        champion = champion_of(hub.registry, model)
        instrument = hub.instrument(hub.registry.metadata(model, champion).instrument)
        left = settle_left(hub.store, hub.registry, model, now=now(), who=who())
        facts = facts_of(hub.store, hub.registry, instrument, model, champion, now())
        found = due(facts, settings, now(), by_hand=not if_due)
    except HubError as error:
        if not if_due or isinstance(error, StoreError):
            raise
        return {"model": model, "lines": [f"{model}: {error}"], "failed": True}
    lines = [f"{model}: an earlier retraining was cut off; nothing of it is in use."] if left else []
    told: dict[str, Any] = {"model": model, "champion": facts.champion, "due": found}
    if found.state != "due":
        lines += [f"{model}: {found.sentence}"]
        return {**told, "retraining": None, "lines": lines, "failed": found.state == "waiting" and not if_due}
    with progress(f"{model} retraining") as advance:
        came = retrain(
            hub.store,
            hub.registry,
            instrument,
            model,
            facts,
            found,
            settings,
            clock=now,
            who=who(),
            confidence_threshold=hub.settings.ml.confidence_threshold,
            progress=lambda _step, done, total: advance(done, total),
        )
    failed = came.result is not None and came.result.verdict == "failed"
    expired = _still_expired(hub, model, facts.champion)
    lines += [*describe(came, found), *([expired] if expired else [])]
    return {**told, "retraining": came, "expired": expired, "lines": lines, "failed": failed}


def _still_expired(hub: Hub, model: str, champion: str) -> str | None:
    """Return that a champion may not answer any more, which no retraining changes: it replaces none."""
    metadata = hub.registry.metadata(model, champion)
    if metadata.expires_on is None or now().date() <= metadata.expires_on:
        return None
    return f"{metadata.expired_sentence(champion)} Until then nobody answers for {model}."


def describe(came: Retraining, found: Due) -> list[str]:
    """Return what a retraining came to, in words."""
    result = came.result
    if result is None:
        return [f"{came.model}: runs still."]
    days = "" if result.first_day is None else f" on {result.first_day} to {result.last_day}"
    words = {
        "challenger": f"{result.candidate} is a challenger; the champion stays {came.champion}.",
        "rejected": f"{result.candidate} is kept as rejected; the champion stays {came.champion}.",
        "failed": f"it failed; the champion stays {came.champion}.",
        "cut off": "it was cut off.",
    }
    return [
        f"{came.model}: {found.because}. Compared{days}: {words[result.verdict]}"
        if result.opened
        else f"{came.model}: {found.because}: {words[result.verdict]}",
        result.why,
    ]


if __name__ == "__main__":
    run(command)
