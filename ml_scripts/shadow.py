"""`hub shadow`: asks models at every decision moment and writes their answers down, live or over stored bars."""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

import typer

from ml_inference.inference_engine import MLInferenceEngine
from ml_inference.roster import Seat, Who, everybody, only
from ml_inference.shadow import ShadowLoop, ShadowReport
from ml_models.model_version import model_name
from ml_models.verdicts import counted
from ml_monitoring.outcome_logger import settle
from ml_scripts import settle as settle_verb
from ml_scripts.console import Hub, InstrumentOption, JsonFlag, RuleOption, day, note, now, opened, progress, run, say
from ml_scripts.live_feed import Followed, Wanted, follow
from ml_training.recipe import shipped_recipe
from trading.domain.instrument import Instrument
from trading.errors import HubError, RegistryError

DIRECTIONAL = "directional"

RecipeOption = Annotated[str, typer.Option("--recipe", help="Which model family: directional, entry_quality, ...")]
_OF_SYMBOL: Final = re.compile(r"([A-Za-z0-9]{1,12})=(.+)")


def command(
    replay: Annotated[
        tuple[str, str] | None, typer.Option(help="First and last trading day to step through: FROM TO.")
    ] = None,
    feed: Annotated[
        list[str] | None,
        typer.Option(
            help="Follow a feed until stopped: folder:/path, replay:DAY..DAY[@speed], databento:DATASET:SYMBOLS, "
            "ib:host:port, ccxt:EXCHANGE:SYMBOL. Several instruments: --feed SYMBOL=FEED, each once."
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Along feeds: one step, then leave (for cron).")] = False,
    instrument: InstrumentOption = None,
    recipe: Annotated[
        str | None,
        typer.Option(help="One model family alone, its newest version; default: every champion and challenger."),
    ] = None,
    rule: RuleOption = None,
    version: Annotated[str | None, typer.Option(help="One version alone, by its number or an alias.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no line a happening: live.log has them.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Predict, write down, then settle: live along feeds, or moment by moment over stored bars."""
    with opened() as hub:
        feeds = feed or (list(hub.settings.service.follow) if replay is None else [])
        if (replay is None) == (not feeds):
            raise HubError(
                "Say what to step along: either --feed FEED, or --replay FROM TO. (Feeds that are followed without "
                "being named: follow = [...] in [service] of hub.toml.)"
            )
        chosen = _Chosen(hub, recipe, rule, version)
        if replay is None:
            wanted = [Wanted(each, words, chosen.by(each)) for each, words in named_feeds(hub, feeds, instrument)]
            show = (lambda _line: None) if quiet else note if as_json else say
            followed = follow(hub, wanted, once=once, show=show)
            found: list[dict[str, Any]] = [{"instrument": each.instrument, "live": each} for each in followed]
            lives = found[0] if len(found) == 1 else {"lives": found}
            say([describe_feed(each) for each in followed], lives, as_json=as_json)
            return
        one = hub.instrument(instrument)
        by_seat, settled = replay_days(hub, one, replay, chosen.by(one)()().seats)
    total = ShadowReport()
    for each in by_seat.values():
        total = total.plus(each)
    lines = [describe(seat, each) for seat, each in by_seat.items()] if len(by_seat) > 1 else []
    say(
        [describe(one.symbol, total), *lines, settle_verb.describe(one.symbol, settled)],
        {"shadow": total, "seats": by_seat, "settled": settled},
        as_json=as_json,
    )


class _Chosen:
    """Who is asked, by the options: every champion and challenger, or one version that was named."""

    def __init__(self, hub: Hub, recipe: str | None, rule: str | None, version: str | None) -> None:
        self._hub, self._recipe, self._rule, self._version = hub, recipe, rule, version

    def by(self, instrument: Instrument) -> Callable[[], Who]:
        """Return what says who is asked about an instrument, once it has seen that somebody can be.

        It raises `HubError` where nothing is published, or no version can be loaded.
        """
        registry, symbol = self._hub.registry, instrument.symbol

        def one() -> Who:
            model, which = named_model(instrument, self._recipe or DIRECTIONAL, self._rule), self._version or "latest"
            engine_of(self._hub, instrument, which, model).version()
            return lambda: only(registry, model, which)

        def all_of_them() -> Who:
            found = everybody(registry, symbol)
            if not found.seats and found.vacant:
                raise RegistryError(found.vacant[0].why)
            if not found.seats:
                engine_of(self._hub, instrument).version()
            return lambda: everybody(registry, symbol)

        return one if self._recipe or self._rule or self._version else all_of_them


def named_feeds(hub: Hub, feeds: Sequence[str], symbol: str | None) -> list[tuple[Instrument, str]]:
    """Return the instrument and the words of each feed: of `SYMBOL=FEED`, or of a feed alone and `symbol`.

    Raises
    ------
    HubError
        when two feeds are of one instrument, or a feed and `symbol` name different ones.
    """
    found: dict[str, tuple[Instrument, str]] = {}
    for words in feeds:
        of = _OF_SYMBOL.fullmatch(words)
        if of is not None and symbol is not None and of[1].upper() != symbol.upper():
            raise HubError(f"--feed {words} is of {of[1]}, and --instrument says {symbol}; leave that away.")
        instrument = hub.instrument(of[1] if of is not None else symbol)
        feed = of[2] if of is not None else words
        if instrument.symbol in found:
            raise HubError(
                f"{instrument.symbol} has two feeds, {found[instrument.symbol][1]} and {feed}; name each instrument "
                f"once: --feed SYMBOL=FEED --feed SYMBOL=FEED."
            )
        found[instrument.symbol] = (instrument, feed)
    return list(found.values())


def replay_days(
    hub: Hub, instrument: Instrument, days: tuple[str, str], seats: Sequence[Seat]
) -> tuple[dict[str, ShadowReport], Any]:
    """Replay the days `(first, last)` of an instrument with each of `seats`, and settle what is known."""
    first, last = (day(text) for text in days)
    if last < first:
        raise HubError(f"--replay goes from the earlier day to the later one; found {first} and {last}.")
    reports = {}
    for seat in seats:  # each a version by its number, wherever pointers move meanwhile
        engine = engine_of(hub, instrument, str(seat.version.version), seat.model)
        loop = ShadowLoop(hub.store, engine, clock=now, replayed=True, role=seat.role)
        with progress(f"{seat.key} shadow") as advance:
            reports[f"{seat.key} {seat.version.version}"] = loop.replay(instrument, first, last, advance)
    return reports, settle(hub.store, instrument, now=now())


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


def describe(what: str, report: ShadowReport) -> str:
    """Return what the replay came to, in words."""
    ahead = f", {report.ahead:,} that the stored bars do not reach yet" if report.ahead else ""
    return (
        f"{what}: {report.moments:,} decision moments; {report.logged:,} logged ({report.refused:,} refused), "
        f"{report.known_before:,} logged before, {report.without_range:,} without a range{ahead}."
    )


def describe_feed(followed: Followed) -> str:
    """Return what following a feed came to, in words."""
    found = followed.report
    return (
        f"{followed.instrument}: {counted(found.steps, 'step')} along {followed.feed} ({followed.ended_by}); "
        f"{counted(found.bars_stored, 'new bar')}, {found.bars_revised:,} revised, {found.bars_rejected:,} rejected; "
        f"{counted(found.answered, 'forecast')}, {found.refused:,} refused, {found.missed:,} missed, "
        f"{found.without_range:,} without a range; {counted(found.settled, 'outcome')}."
    )


if __name__ == "__main__":
    run(command)
