"""`hub audit`: the laws, checked on the user's own data. Leaves with 1 when a check fails."""

from collections.abc import Callable
from datetime import date
from typing import Annotated

import typer

from ml_data.build import read_bars
from ml_data.lookahead import LookaheadReport, audit_lookahead
from ml_data.staleness import counted_kinds
from ml_inference.replay_audit import audit_replay
from ml_inference.skew_audit import SkewReport, audit_skew
from ml_inference.substitution import Substitution, logged_of_day
from ml_models.pointers import CHAMPION, LATEST
from ml_monitoring.day_audit import reconcile_day, record_look
from ml_monitoring.reconciliation import Reconciliation, describe_reconciliation
from ml_monitoring.stale import built_on_revised_bars
from ml_scripts.console import (
    Hub,
    InstrumentOption,
    JsonFlag,
    RuleOption,
    day,
    fail,
    now,
    opened,
    progress,
    run,
    say,
    verbs,
)
from ml_scripts.shadow import DIRECTIONAL, RecipeOption, named_model
from trading.domain.instrument import Instrument
from trading.domain.label import EVENT_KINDS
from trading.domain.words import r_text
from trading.errors import HubError, NothingStored

cli = verbs("Check the laws on your own data.")
SHOWN = 20


@cli.command("lookahead")
def lookahead(
    instrument: InstrumentOption = None,
    sample: Annotated[int, typer.Option(min=1, help="How many events to check, spread evenly over time.")] = 100,
    seed: Annotated[int, typer.Option(help="Which events, and which garbage.")] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Recompute every feature with the future cut off, replaced by garbage, and with a short past.

    So many events are checked at the ends of ranges, and as many at their breaks.
    """
    with opened() as hub:
        chosen = hub.instrument(instrument)
        bars = read_bars(hub.store, chosen)
        if len(bars) == 0:
            raise NothingStored(f"{chosen.symbol}: no bars are stored, so there is nothing to audit. Run hub ingest.")
        with progress("look-ahead") as advance:
            reports = [
                audit_lookahead(bars, chosen, sample=sample, seed=seed, kind=kind, progress=advance)
                for kind in EVENT_KINDS
            ]
    report = LookaheadReport(
        sum(each.events for each in reports),
        max(each.features for each in reports),
        tuple(problem for each in reports for problem in each.problems),
    )
    if report.passed:
        say(
            f"{chosen.symbol}: {report.features} features of {report.events} events know nothing of their future "
            "(prefix, suffix and warm-up, bit for bit).",
            report,
            as_json=as_json,
        )
        return
    title = f"{chosen.symbol}: {len(report.problems)} differences"
    fail(_listed(title, [str(problem) for problem in report.problems]), report, as_json=as_json)


@cli.command("replay")
def replay(instrument: InstrumentOption = None, as_json: JsonFlag = False) -> None:
    """Make every logged prediction again from the stored bars and the registry, and compare bit for bit."""
    with opened() as hub:
        chosen = hub.instrument(instrument)
        with progress("replay") as advance:
            report = audit_replay(hub.store, hub.registry, chosen, settings=hub.engine_settings, progress=advance)
    if report.predictions == 0:
        raise NothingStored(f"{chosen.symbol}: no prediction is logged yet. Run hub shadow --replay FROM TO.")
    told = [str(each) for each in report.revised]
    if report.passed:
        title = f"{chosen.symbol}: all {report.predictions:,} logged predictions come out bit for bit"
        since = f"; {len(told):,} of them from bars that a vendor changed since, as they were then" if told else ""
        say(_listed(f"{title}{since}", told) if told else f"{title}.", report, as_json=as_json)
        return
    differ = len({mismatch.prediction_id for mismatch in report.mismatches})
    title = f"{chosen.symbol}: {differ} of {report.predictions} predictions differ"
    lines = _listed(title, [str(mismatch) for mismatch in report.mismatches])
    more = _listed(f"{len(told):,} more come out from the bars as they were, before a vendor changed them", told)
    fail([*lines, *(more if told else [])], report, as_json=as_json)


@cli.command("stale")
def stale(instrument: InstrumentOption = None, as_json: JsonFlag = False) -> None:
    """List by id what was built on bars that a vendor changed since; leaves with 1 when there is something."""
    with opened() as hub:
        chosen = hub.instrument(instrument)
        found = built_on_revised_bars(hub.store, hub.registry, chosen)
    result = {"instrument": chosen.symbol, "stale": found}
    if not found:
        say(f"{chosen.symbol}: nothing was built on bars that were changed since.", result, as_json=as_json)
        return
    title = f"{chosen.symbol}: built on bars that were changed since: {counted_kinds(found)}"
    fail([f"{title}:", *(f"{each.kind} {each.id}: {each}" for each in found)], result, as_json=as_json)


@cli.command("skew")
def skew(
    instrument: InstrumentOption = None,
    recipe: Annotated[str | None, typer.Option(help="One model family (default: all).")] = None,
    rule: RuleOption = None,
    since: Annotated[str | None, typer.Option(help="From which trading day on (default: the first).")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Compare the logged inputs with those that the stored bars give now, feature by feature and bit for bit."""
    if rule is not None and recipe is None:
        raise HubError("--rule is about one model family: name it with --recipe.")
    first = None if since is None else day(since)
    with opened() as hub:
        chosen = hub.instrument(instrument)
        model = None if recipe is None else named_model(chosen, recipe, rule)
        with progress("skew") as advance:
            report = audit_skew(hub.store, chosen, model=model, since=first, progress=advance)
    if report.live + report.replayed == 0:
        raise NothingStored(f"{chosen.symbol}: no such prediction is logged. Run hub shadow --replay FROM TO.")
    lines = [str(each) for each in report.features]
    title = f"{chosen.symbol}: {skew_sentence(report)}"
    if report.passed:
        say(_listed(title, lines) if lines else title, report, as_json=as_json)
        return
    fail(_listed(title, lines), report, as_json=as_json)


def skew_sentence(report: SkewReport) -> str:
    """Return how many predictions were compared, live and replayed, and in how many features they differ."""
    parts = []
    for kind, count, replayed in (("live", report.live, False), ("replayed", report.replayed, True)):
        differ = [each for each in report.features if each.replayed == replayed]
        open_ = len(report.unexplained(replayed=replayed))
        why = f"{open_:,} without a revision that explains it" if open_ else "each explained by a bar revised since"
        found = f"{_counted(len(differ))}, {why}" if differ else "every input comes out bit for bit"
        parts.append(f"of {count:,} {kind} predictions {found}" if count else f"no {kind} prediction is logged")
    return f"{'; '.join(parts)}."


@cli.command("reconcile")
def reconcile(
    trading_day: Annotated[str, typer.Argument(help="The trading day, such as 2025-03-03.", metavar="DAY")],
    instrument: InstrumentOption = None,
    recipe: RecipeOption = DIRECTIONAL,
    rule: RuleOption = None,
    version: Annotated[str | None, typer.Option(help="Which version a replay asks (default: the champion).")] = None,
    replayed: Annotated[bool, typer.Option("--replayed", help="Compare logged replays instead of live rows.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Split the difference between what was logged on a day and a replay of it into causes, each with its net R.

    The replay is not logged; what was found is written down for the Model health page and the gates.
    """
    asked = day(trading_day)
    with opened() as hub:
        chosen = hub.instrument(instrument)
        with progress("reconcile") as advance:
            found = reconciled_now(
                hub, chosen, named_model(chosen, recipe, rule), asked, version=version, replayed=replayed, tell=advance
            )
        record_look(hub.store, found, now())
    kind = "replayed" if replayed else "live"
    unsettled = f" {found.unsettled:,} have no outcome yet; run hub settle." if found.unsettled else ""
    title = (
        f"{found.instrument} {asked}, {kind} against {found.version}: {describe_reconciliation(found)} "
        f"Net R {r_text(found.r_live)} {kind}, {r_text(found.r_replay)} in the replay.{unsettled}"
    )
    lines = [str(each) for each in found.differences]
    said = _listed(title, lines) if lines else [title]
    if not found.passed:
        fail(said, found, as_json=as_json)
    say(said, found, as_json=as_json)


def reconciled_now(
    hub: Hub,
    instrument: Instrument,
    model: str,
    trading_day: date,
    *,
    version: str | None,
    replayed: bool,
    tell: Callable[[int, int], None] | None = None,
) -> Reconciliation:
    """Return the difference between a day's logged rows and a replay of it by cause; nothing is written."""
    promoted = model in hub.registry.models() and CHAMPION in hub.registry.aliases(model)
    asked = version or (CHAMPION if promoted else LATEST)
    substitution = Substitution(hub.store, hub.registry, instrument, model, settings=hub.engine_settings, version=asked)
    logged = logged_of_day(hub.store, instrument, model, trading_day, replayed=replayed)
    if not logged:
        kind = "replayed" if replayed else "live"
        other = "" if replayed else " --replayed compares what was replayed."
        raise NothingStored(f"{model} {trading_day}: no {kind} prediction of that day is logged.{other}")
    return reconcile_day(
        hub.store,
        instrument,
        logged,
        substitution.of_day(logged, trading_day, tell),
        model=model,
        version=substitution.version,
        trading_day=trading_day,
        replayed=replayed,
        now=now(),
    )


def _counted(inputs: int) -> str:
    return "1 input differs" if inputs == 1 else f"{inputs:,} inputs differ"


def _listed(title: str, lines: list[str]) -> list[str]:
    more = [f"... and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return [f"{title.rstrip('.')}:", *lines[:SHOWN], *more]


if __name__ == "__main__":
    run(cli)
