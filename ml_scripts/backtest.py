"""`hub backtest RULE`: what a trade rule earned on stored history, alone and with a model's advice; each is counted."""

from dataclasses import asdict
from typing import Annotated

import typer

from ml_data.trials import TrialResult
from ml_monitoring import backtest as runs
from ml_scripts.console import (
    FIRST_DATE,
    LAST_DATE,
    Hub,
    InstrumentOption,
    JsonFlag,
    day,
    now,
    opened,
    run,
    say,
    who,
)
from ml_scripts.models import version_named
from ml_scripts.shadow import named_model
from ml_training.ledger import Ledger
from ml_training.recipe import shipped_recipe
from trading.domain.calendar import as_date
from trading.domain.instrument import Instrument
from trading.domain.label import BREAK_DIRECTION
from trading.domain.trade_rule import rule_named
from trading.errors import HubError

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def command(
    rule: Annotated[str, typer.Argument(help="A trade rule, such as full-rr1-day.")],
    instrument: InstrumentOption = None,
    recipe: Annotated[str | None, typer.Option(help="Follow the logged advice of this model family too.")] = None,
    version: Annotated[str, typer.Option(help="With --recipe: a version, an alias, or 'latest'.")] = "latest",
    orb: Annotated[str | None, typer.Option("--range", help="One opening range, such as 0900.")] = None,
    direction: Annotated[str | None, typer.Option(help="UP or DOWN breaks only.")] = None,
    weekday: Annotated[str | None, typer.Option(help="One weekday: Mon to Fri.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="First trading day: YYYY-MM-DD.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Last trading day: YYYY-MM-DD.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Trade every break by one rule, after costs; with --recipe also as the model's logged advice would have it."""
    with opened() as hub:
        chosen = hub.instrument(instrument)
        asked = runs.Asked(
            instrument=chosen.symbol,
            rule=rule_named(rule).name,
            first=day(since) if since else FIRST_DATE,
            last=day(until) if until else LAST_DATE,
            orb=_one_of("--range", orb, tuple(each.name for each in chosen.opening_ranges)),
            direction=_one_of("--direction", direction, ("UP", "DOWN")),
            weekday=None if weekday is None else _WEEKDAYS.index(str(_one_of("--weekday", weekday, _WEEKDAYS))) + 1,
        )
        found, lines = _counted(hub, chosen, asked, recipe, version)
    say(lines, found, as_json=as_json)


def _counted(
    hub: Hub, instrument: Instrument, asked: runs.Asked, recipe: str | None, version: str
) -> tuple[dict[str, object], list[str]]:
    """Return what a backtest came to, which is in the ledger before it is run and before anybody sees it."""
    trades, data_hash = runs.stored_trades(hub.store, asked)
    asked = runs.spanned(asked, as_date(trades.days.min()), as_date(trades.days.max()))
    model = None if recipe is None else _model(instrument, asked, recipe)
    named = None if model is None else version_named(hub.registry, model, version)
    parameters = {**{name: str(value) for name, value in asdict(asked).items()}, "model": model, "version": named}
    ledger = Ledger(hub.store, now, who())
    with ledger.trial(model or asked.family, "backtest", parameters, data_hash) as trial:
        plain = runs.run_of(trades)
        advised = None if model is None or named is None else runs.advised_run(hub.store, asked, trades, model, named)
        judged = plain if advised is None else advised.followed
        came = judged.came_to
        days = tuple(as_date(each) for each in came.day)
        trial.end(TrialResult("finished", (), runs.sharpe_of(judged), days, tuple(came.by_day.tolist())))
    choice = runs.chosen_among(judged, ledger.trials(trial.family))
    lines = [
        f"{asked.instrument} {asked.rule}, trading days {asked.first} to {asked.last}{_filters(asked)}.",
        *runs.describe(plain, "Rule alone, every trade"),
        *([] if advised is None else runs.describe_advised(advised)),
        runs.describe_choice(choice, trial.family),
    ]
    return {"asked": asked, "rule_alone": plain, "advised": advised, "choice": choice, "family": trial.family}, lines


def _model(instrument: Instrument, asked: runs.Asked, recipe: str) -> str:
    """Return the model of a recipe that answers for the rule that is asked about, or for any."""
    about = shipped_recipe(recipe)
    if about.asked != BREAK_DIRECTION and not about.asked.by_rule:
        raise HubError(f"{recipe} tells {about.asked.name} and advises nothing, so there is nothing to follow.")
    return named_model(instrument, recipe, None if about.rule is None else asked.rule)


def _one_of(option: str, found: str | None, known: tuple[str, ...]) -> str | None:
    if found is None:
        return None
    match = next((each for each in known if each.upper() == found.upper()), None)
    if match is None:
        raise HubError(f"{option} {found!r}: expected one of {', '.join(known)}.")
    return match


def _filters(asked: runs.Asked) -> str:
    day_name = None if asked.weekday is None else _WEEKDAYS[asked.weekday - 1]
    chosen = [each for each in (asked.orb, asked.direction, day_name) if each is not None]
    return f"; only {', '.join(chosen)}" if chosen else ""


if __name__ == "__main__":
    run(command)
