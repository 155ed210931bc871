"""`hub monitor`: settles what is known, then says how good the logged predictions were."""

from typing import Annotated

import pyarrow.compute as pc
import typer

from ml_data.journal import judged_predictions
from ml_monitoring.gatekeeper import monitored, take_back
from ml_monitoring.looks import Look, append_looks
from ml_monitoring.outcome_logger import settle
from ml_monitoring.report import describe, health_report
from ml_scripts.console import Hub, InstrumentOption, JsonFlag, RuleOption, now, opened, run, say
from ml_scripts.shadow import DIRECTIONAL, RecipeOption, named_model
from trading.domain.instrument import Instrument


def command(
    instrument: InstrumentOption = None,
    recipe: RecipeOption = DIRECTIONAL,
    rule: RuleOption = None,
    version: Annotated[str | None, typer.Option(help="One version only; default: all that answered.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Report accuracy, skill over the baselines, calibration and worth with intervals, and what the monitors see."""
    with opened() as hub:
        chosen = hub.instrument(instrument)
        settle(hub.store, chosen, now=now())
        model = named_model(chosen, recipe, rule)
        report = health_report(hub.store, instrument=chosen.symbol, model=model, version=version)
        looks = look(hub, chosen, model, version)
        at = now()
        back = take_back(
            hub.store, hub.registry, chosen, model, at=at, settings=hub.settings.gates, breaker=hub.settings.breaker
        )
    moved = [f"Taken back: {move.version} is in {move.stage} now. {move.why}" for move in back]
    lines = [*describe(report), *(f"{each.monitor.capitalize()} ({each.state}): {each.sentence}" for each in looks)]
    say([*lines, *moved], {**vars(report), "looks": looks, "taken_back": back}, as_json=as_json)


def look(hub: Hub, instrument: Instrument, model: str, version: str | None) -> tuple[Look, ...]:
    """Let every monitor look at one version (None: the newest that answered), and write down what is due."""
    rows = judged_predictions(hub.store, instrument=instrument.symbol, model=model, version=version)
    if rows.num_rows == 0:
        return ()
    newest = max(rows["version"].to_pylist())
    found = monitored(hub.store, instrument.symbol, model, newest, rows.filter(pc.equal(rows["version"], newest)))
    append_looks(hub.store, instrument.symbol, model, newest, found.looks, now())
    return found.looks


if __name__ == "__main__":
    run(command)
