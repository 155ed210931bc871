"""`hub monitor`: settles what is known, then says how good the logged predictions were."""

from typing import Annotated

import typer

from ml_monitoring.outcome_logger import settle
from ml_monitoring.report import describe, health_report
from ml_scripts.console import InstrumentOption, JsonFlag, RuleOption, now, opened, run, say
from ml_scripts.shadow import DIRECTIONAL, RecipeOption, named_model


def command(
    instrument: InstrumentOption = None,
    recipe: RecipeOption = DIRECTIONAL,
    rule: RuleOption = None,
    version: Annotated[str | None, typer.Option(help="One version only; default: all that answered.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Report accuracy, skill over the baselines, calibration and worth, with intervals."""
    with opened() as hub:
        chosen = hub.instrument(instrument)
        settle(hub.store, chosen, now=now())
        model = named_model(chosen, recipe, rule)
        report = health_report(hub.store, instrument=chosen.symbol, model=model, version=version)
    say(describe(report), report, as_json=as_json)


if __name__ == "__main__":
    run(command)
