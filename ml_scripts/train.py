"""`hub train RECIPE`: trains, audits and publishes one version, with its metrics and every reason to doubt it."""

from typing import Annotated

import typer

from ml_scripts.console import InstrumentOption, JsonFlag, RuleOption, day, now, opened, progress, run, say, who
from ml_training.recipe import shipped_recipe
from ml_training.train_pipeline import train
from ml_training.train_report import describe_training


def command(
    recipe: Annotated[str, typer.Argument(help="A recipe, such as directional or entry_quality.")],
    instrument: InstrumentOption = None,
    rule: RuleOption = None,
    until: Annotated[str | None, typer.Option(help="Last trading day to know anything of: YYYY-MM-DD.")] = None,
    tune: Annotated[int, typer.Option(min=0, help="Choose the recipe's numbers among so many trials first.")] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Train, audit and publish one version. Nothing is published when an audit or a canary fails."""
    chosen_recipe = shipped_recipe(recipe, rule)
    with opened() as hub:
        chosen = hub.instrument(instrument)
        with progress(f"{chosen.symbol} {recipe}") as advance:
            report = train(
                hub.store,
                hub.registry,
                chosen,
                chosen_recipe,
                until=day(until) if until else None,
                now=now(),
                who=who(),
                clock=now,
                tune=tune,
                confidence_threshold=hub.settings.ml.confidence_threshold,
                progress=lambda _step, done, total: advance(done, total),
            )
    say(describe_training(report), report.document(), as_json=as_json)


if __name__ == "__main__":
    run(command)
