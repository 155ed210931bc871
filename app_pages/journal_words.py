"""What the Journal page says of a choice of rows, each number beside its baseline, with n and interval. Pure."""

import math
from collections.abc import Sequence

import pandas as pd

from app_pages.health_view import SHAPES, plain
from app_pages.health_window import day_name
from app_pages.journal_view import RESULTS
from app_pages.label_words import model_title
from ml_data.actions import FOLLOWED
from ml_models.intervals import Estimate
from ml_models.verdicts import counted
from ml_monitoring.log_summary import Deed, LogSummary, ModelSummary
from ml_monitoring.sentences import gain_unit


def counts_sentence(summary: LogSummary, logged: int) -> str:
    """Return how many of the `logged` rows are shown, on which days, and how they divide."""
    if summary.first is None or summary.last is None:
        return f"None of {counted(logged, 'forecast')} matches these filters: take one away."
    parts = [f"{summary.results[name]:,} {words}" for name, words in RESULTS.items() if name in summary.results]
    span = f"{day_name(summary.first)} to {day_name(summary.last)}, {counted(summary.days, 'trading day')}"
    replayed = f"{summary.replayed:,} replayed (asked of stored bars afterwards)" if summary.replayed else "all live"
    return f"{summary.rows:,} of {counted(logged, 'forecast')} · {span} · {' · '.join(parts)} · {replayed}"


def summary_frame(models: Sequence[ModelSummary], symbol: str) -> pd.DataFrame:
    """Return one row a model: skill over its better baseline, and net R of the advised trades beside the plain rule."""
    return pd.DataFrame([_model_row(each, symbol) for each in models])


def _model_row(each: ModelSummary, symbol: str) -> dict[str, object]:
    shape = {"good": "better", "bad": "worse", "cannot tell": "cannot tell"}[each.verdict.state]
    row: dict[str, object] = {
        "Model": model_title(each.model, symbol),
        "Skill an event": f"{_number(each.skill, 4)} {gain_unit(each.label)} over the {each.baseline}",
        "n": f"{each.rows:,} on {counted(each.skill.days, 'day')}",
        "So": f"{SHAPES[each.verdict.state]} {shape}",
        "Called right": f"{each.right:,}, the {each.label.walk} {each.walk_right:,}" if each.label.classes else "–",
    }
    if each.worth is None:
        return {**row, "Advised trades, net R": "no trade", "Plain rule, net R": "no trade", "Difference an event": "–"}
    return {
        **row,
        "Advised trades, net R": f"{_number(each.worth.taken, 3)}, n {each.worth.taken.n:,}",
        "Plain rule, net R": f"{_number(each.worth.plain_mean, 3)}, n {each.worth.plain_mean.n:,}",
        "Difference an event": f"{_shape(each.worth.difference)} {_number(each.worth.difference, 3)}",
    }


def summary_sentences(summary: LogSummary, *, narrowed: bool, knows_outcomes: bool) -> list[str]:
    """Return what is to be known about the numbers of a choice: where there are none, why."""
    if knows_outcomes:
        return [
            "… These rows were chosen by what came of them, or by words that may have been written afterwards. A score "
            "of such rows means nothing, so none is shown."
        ]
    if not summary.models:
        return ["… None of these rows has an answer with an outcome: there is nothing to score yet."]
    said = []
    for each in summary.models:
        if each.rows > each.events:
            said.append(
                f"{each.model}: {each.rows:,} answers are to {each.events:,} events: several versions answered some."
            )
    if narrowed:
        said.append(
            "A choice of rows is one of many: of twenty choices that mean nothing one stands out at 95 % by chance."
        )
    return [plain(sentence) for sentence in said]


def deeds_frame(deeds: Sequence[Deed]) -> pd.DataFrame:
    """Return one row an action: what it stands for, beside the plain rule and the advice on the very same trades."""
    return pd.DataFrame(
        [
            {
                "I": each.action,
                "Noted": each.noted,
                "Trades": f"{each.own.n:,} on {counted(each.own.days, 'day')}",
                "Net R as I did": _number(each.own, 3),
                "Plain rule": _number(each.plain, 3),
                "Advice": _number(each.advised, 3),
                "I less the advice": "the same"
                if each.action == FOLLOWED
                else f"{_shape(each.gained)} {_number(each.gained, 3)}",
            }
            for each in deeds
        ]
    )


def deeds_sentence(summary: LogSummary) -> str:
    """Return by what the actions are priced, and which notes are left out."""
    late = f" {counted(summary.late, 'row')} with a note made after the outcome: left out." if summary.late else ""
    if not summary.deeds:
        return f"Nothing was noted before its outcome among these rows.{late} Open a row to note what you did."
    several = len(summary.models) > 1
    twice = " Of several models a trade counts once for each: choose one above." if several else ""
    return (
        "Only what was noted before the outcome. Priced by the journal's rule, not by your fills: followed is the rule "
        f"with the advice, ignored the rule alone, opposite the trades that the advice left.{late}{twice}"
    )


def _number(estimate: Estimate, digits: int) -> str:
    if math.isnan(estimate.value):
        return "none"
    if math.isnan(estimate.low):
        return plain(f"{estimate.value:+.{digits}f} (too few days for an interval)")
    return plain(f"{estimate.value:+.{digits}f} ({estimate.low:+.{digits}f} to {estimate.high:+.{digits}f})")


def _shape(estimate: Estimate) -> str:
    return "✓" if estimate.low > 0 else "✕" if estimate.high < 0 else "…"
