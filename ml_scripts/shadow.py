"""`hub shadow`: asks the model at every decision moment and writes its answers down, live or over stored bars."""

from typing import Annotated, Any

import typer

from ml_inference.inference_engine import MLInferenceEngine
from ml_inference.shadow import ShadowLoop, ShadowReport
from ml_models.model_version import model_name
from ml_monitoring.outcome_logger import settle
from ml_scripts import settle as settle_verb
from ml_scripts.console import Hub, InstrumentOption, JsonFlag, RuleOption, day, note, now, opened, progress, run, say
from ml_scripts.live_feed import Followed, follow
from ml_training.recipe import shipped_recipe
from trading.domain.instrument import Instrument
from trading.errors import HubError

DIRECTIONAL = "directional"

RecipeOption = Annotated[str, typer.Option("--recipe", help="Which model family: directional, entry_quality, ...")]


def command(
    replay: Annotated[
        tuple[str, str] | None, typer.Option(help="First and last trading day to step through: FROM TO.")
    ] = None,
    feed: Annotated[
        str | None,
        typer.Option(
            help="Follow a feed until stopped: folder:/path, replay:DAY..DAY[@speed], databento:DATASET:SYMBOLS, "
            "ib:host:port, ccxt:EXCHANGE:SYMBOL."
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="With --feed: one step, then leave (for cron).")] = False,
    instrument: InstrumentOption = None,
    recipe: RecipeOption = DIRECTIONAL,
    rule: RuleOption = None,
    version: Annotated[str, typer.Option(help="A version, an alias, or 'latest'.")] = "latest",
    as_json: JsonFlag = False,
) -> None:
    """Predict, write down, then settle: live along a feed, or moment by moment over stored bars."""
    if (replay is None) == (feed is None):
        raise HubError("Say what to step along: either --feed FEED, or --replay FROM TO.")
    with opened() as hub:
        chosen = hub.instrument(instrument)
        if feed is not None:
            engine = engine_of(hub, chosen, version, named_model(chosen, recipe, rule))
            followed = follow(hub, chosen, engine, feed, once=once, show=note if as_json else say)
            found = {"instrument": chosen.symbol, "live": followed}
            say(describe_feed(chosen.symbol, followed), found, as_json=as_json)
            return
        report, settled = replay_days(hub, chosen, replay or ("", ""), version, named_model(chosen, recipe, rule))
    say(
        [describe(chosen.symbol, report), settle_verb.describe(chosen.symbol, settled)],
        {"shadow": report, "settled": settled},
        as_json=as_json,
    )


def replay_days(
    hub: Hub, instrument: Instrument, days: tuple[str, str], version: str = "latest", model: str | None = None
) -> tuple[ShadowReport, Any]:
    """Replay the days `(first, last)` of an instrument and settle what is known."""
    first, last = (day(text) for text in days)
    if last < first:
        raise HubError(f"--replay goes from the earlier day to the later one; found {first} and {last}.")
    which = (
        engine_of(hub, instrument, version, model).version().version
    )  # one version, wherever pointers move meanwhile
    engine = engine_of(hub, instrument, str(which), model)
    loop = ShadowLoop(hub.store, engine, clock=now, replayed=True)
    with progress(f"{instrument.symbol} shadow") as advance:
        report = loop.replay(instrument, first, last, advance)
    return report, settle(hub.store, instrument, now=now())


def named_model(instrument: Instrument, recipe: str, rule: str | None) -> str:
    """Return the model of a recipe; without a `rule` that of the recipe's own."""
    return model_name(recipe, instrument.symbol, shipped_recipe(recipe, rule).rule)


def engine_of(hub: Hub, instrument: Instrument, version: str = "latest", model: str | None = None) -> MLInferenceEngine:
    """Return the engine for a model of an instrument; without a `model` for that of the direction."""
    return MLInferenceEngine(
        hub.store,
        hub.registry,
        instrument,
        model=model or model_name(DIRECTIONAL, instrument.symbol),
        clock=now,
        which=version,
        settings=hub.engine_settings,
    )


def describe(symbol: str, report: ShadowReport) -> str:
    """Return what the replay came to, in words."""
    ahead = f", {report.ahead:,} that the stored bars do not reach yet" if report.ahead else ""
    return (
        f"{symbol}: {report.moments:,} decision moments; {report.logged:,} logged ({report.refused:,} refused), "
        f"{report.known_before:,} logged before, {report.without_range:,} without a range{ahead}."
    )


def describe_feed(symbol: str, followed: Followed) -> str:
    """Return what following a feed came to, in words."""
    found = followed.report
    return (
        f"{symbol}: {found.steps:,} steps along {followed.feed} ({followed.ended_by}); {found.bars_stored:,} bars new, "
        f"{found.bars_revised:,} revised, {found.bars_rejected:,} rejected; {found.answered:,} forecasts, "
        f"{found.refused:,} refused, {found.missed:,} missed, {found.without_range:,} without a range; "
        f"{found.settled:,} outcomes."
    )


if __name__ == "__main__":
    run(command)
