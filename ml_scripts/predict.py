"""`hub predict`: what the engine says of an opening range, with reasons. Nothing is logged."""

from datetime import datetime, timedelta
from typing import Annotated

import typer

from ml_inference.shadow import moments
from ml_scripts.console import InstrumentOption, JsonFlag, RuleOption, checked_date, opened, run, say
from ml_scripts.shadow import DIRECTIONAL, RecipeOption, engine_of, named_model
from trading.domain.label import label_named
from trading.domain.prediction import Answer, PredictionRow
from trading.errors import HubError, NothingStored


def command(
    instrument: InstrumentOption = None,
    recipe: RecipeOption = DIRECTIONAL,
    rule: RuleOption = None,
    moment: Annotated[
        str | None, typer.Option(help="An instant such as 2025-03-03T00:00Z; default: the newest bar.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Say what the model says of the last opening range that was complete, or had broken, at a moment."""
    with opened() as hub:
        chosen = hub.instrument(instrument)
        with hub.store.market() as cursor:
            newest = cursor.execute(
                "SELECT max(ts) FROM market.bars_1m WHERE instrument = ?", [chosen.symbol]
            ).fetchone()
        if newest is None or newest[0] is None:
            raise NothingStored(f"{chosen.symbol}: no bars are stored. Run hub ingest.")
        known = newest[0] + timedelta(minutes=1)
        at = _instant(moment) if moment else known
        if at > known:
            raise HubError(
                f"{chosen.symbol}: the stored bars end at {known:%Y-%m-%d %H:%MZ}, so nothing can be said of "
                f"{moment}; ask for a moment up to there, or import newer bars."
            )
        engine = engine_of(hub, chosen, model=named_model(chosen, recipe, rule))
        kind = engine.version().schema.asked.event
        span = (at.date() - timedelta(days=7), at.date() + timedelta(days=1))
        events = [event for event in moments(hub.store, chosen, kind, *span) if event.decided_at <= at]
        if not events:
            raise NothingStored(f"{chosen.symbol}: no opening range broke in the week before {at:%Y-%m-%d %H:%MZ}.")
        row = engine.predict(events[-1])
    say(describe(row), row, as_json=as_json)


def describe(row: PredictionRow) -> list[str]:
    """Return an answer or a refusal in words."""
    title = f"{row.instrument} {row.trading_day} {row.orb} ({row.contract}), decided {row.decided_at:%Y-%m-%d %H:%MZ}"
    if row.answer is None:
        return [title, f"No forecast ({row.refusal.code}): {row.refusal.reason}" if row.refusal else "No forecast."]
    answer = row.answer
    rest = sum(reason.points for reason in answer.reasons[6:])
    if not answer.probabilities:
        return [title, *_numbers(row, answer)]
    subject, walk = label_named(row.label).subject, next(iter(row.baselines), row.baseline_prob_up)
    chances = ", ".join(f"{name} {value:.1%}" for name, value in answer.probabilities.items())
    return [
        title,
        f"{row.version}: {chances}; a walk without drift: {subject} {walk:.1%}. Shadow: not used.",
        f"From {answer.base:.1%} without looking, in points of probability for {subject}:",
        *(
            f"  {reason.points * 100:+5.1f}  {reason.feature} = {reason.value:.4g} {reason.unit}"
            for reason in answer.reasons[:6]
        ),
        f"  {rest * 100:+5.1f}  the other {len(answer.reasons) - 6} inputs",
    ]


def _numbers(row: PredictionRow, answer: Answer) -> list[str]:
    """Return an answer of numbers in words."""
    label = label_named(row.label)
    low, high = answer.interval or (float("nan"), float("nan"))
    rest = sum(reason.points for reason in answer.reasons[6:])
    return [
        f"{row.version}: {label.targets[0]} {answer.expected:+.3f} {label.unit}, {low:+.2f} to {high:+.2f}; "
        f"{label.walk}: {row.baselines[0]:+.3f} {label.unit}. Shadow: not used.",
        f"From {answer.base:+.3f} {label.unit} without looking:",
        *(
            f"  {reason.points:+6.3f}  {reason.feature} = {reason.value:.4g} {reason.unit}"
            for reason in answer.reasons[:6]
        ),
        f"  {rest:+6.3f}  the other {len(answer.reasons) - 6} inputs",
    ]


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise HubError(f"{text!r} is not an instant; expected one such as 2025-03-03T00:00Z.") from error
    if instant.tzinfo is None:
        raise HubError(f"{text!r} names no time zone; add Z for UTC or an offset such as +10:00.")
    checked_date(instant.date())
    return instant


if __name__ == "__main__":
    run(command)
