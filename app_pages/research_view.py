"""What the Research page says, as values: groups of trades as a table, what can be told ahead. Pure."""

import math
from collections.abc import Sequence
from typing import Final

import pandas as pd

from app_pages.health_view import SHAPES, plain
from app_pages.label_words import SIDES
from app_pages.models_view import skill_words, state_of
from app_pages.research_queries import Group
from ml_models.intervals import Estimate
from ml_models.published import PublishedVersion
from ml_models.verdicts import State, counted
from trading.domain.words import range_label

QUESTIONS: Final = {
    "directional": "Side: which way it breaks",
    "entry_quality": "Result: target before stop",
    "r_multiple": "Result: net R of the trade",
    "orb_ensemble": "Result: net R, three models blended",
    "range_ahead": "Size: how far it travels in four hours",
}
"""What each recipe asks, in the order of the honest table."""

_WORDS: Final[dict[State, str]] = {"good": "yes", "bad": "worse than the baseline", "cannot tell": "cannot tell"}


def group_name(name: str) -> str:
    """Return a group in words.

    >>> group_name("0900"), group_name("UP"), group_name("full-rr1-day")
    ('09:00', '▲ UP', 'full-rr1-day')
    """
    return SIDES.get(name, range_label(name)) if not name.startswith("20") else name


def group_frame(groups: Sequence[Group]) -> pd.DataFrame:
    """Return the groups as a table: n, win share, gross, costs and net R with the interval, what n is worth."""
    return pd.DataFrame(
        [
            {
                "Group": group_name(each.name),
                "n": each.net.n,
                "days": each.net.days,
                "worth": each.net.n_effective,
                "Won": 100 * each.won.value,
                "Gross R": each.gross.value,
                "Costs R": each.costs,
                "Net R": each.net.value,
                "95 % interval of net R": _interval(each.net),
                "": SHAPES[state_of(each.net)],
            }
            for each in groups
        ]
    )


def _interval(estimate: Estimate) -> str:
    return "none" if math.isnan(estimate.low) else plain(f"{estimate.low:+.3f} to {estimate.high:+.3f}")


def group_sentence(groups: Sequence[Group]) -> str:
    """Return how many groups earned or lost, and how many would stand out by chance."""
    tested = [each for each in groups if not math.isnan(each.net.low)]
    if not tested:
        return "… No group has the 5 trading days that an interval takes."
    earned = [each for each in tested if each.net.low > 0]
    lost = [each for each in tested if each.net.high < 0]
    trades = sum(each.net.n for each in groups)
    before = [each for each in tested if each.gross.low > 0]
    state: State = "good" if earned and not lost else "bad" if lost and not earned else "cannot tell"
    named = f" ({', '.join(group_name(each.name) for each in earned[:4])})" if earned else ""
    chance = 0.025 * len(tested)
    return plain(
        f"{SHAPES[state]} {counted(trades, 'trade')}: of {counted(len(tested), 'group')} {len(earned)} earned after "
        f"costs{named}, {len(lost)} lost, at 95 % by trading day; before costs {len(before)} earned. By chance alone "
        f"about {chance:.1f} would seem to earn. Filters tried until one shines are trials too."
    )


def predictable_frame(newest: dict[str, PublishedVersion | None], symbol: str) -> pd.DataFrame:
    """Return the honest table: each question with its newest version's skill, and whether it can be told ahead."""
    return pd.DataFrame([_question(recipe, newest.get(recipe), symbol) for recipe in QUESTIONS])


def _question(recipe: str, found: PublishedVersion | None, symbol: str) -> dict[str, object]:
    line: dict[str, object] = {"Question": QUESTIONS[recipe]}
    if found is None:
        return {**line, "Can it be told?": f"– not trained: hub train {recipe} --instrument {symbol}"}
    walk, window = found.skill("walk_forward"), found.skill("untouched")
    state = "cannot tell" if walk is None else state_of(walk[1])
    block = found.metrics.get("walk_forward", {})
    return {
        **line,
        "Can it be told?": f"{SHAPES[state]} {_WORDS[state]}",
        "Skill, walk-forward": skill_words(walk),
        "Skill, untouched window": skill_words(window),
        "Against": str(block.get("best_baseline", "–")),
        "AUC or R²": _score(found.score("walk_forward")),
        "Trials": found.metadata.trials,
        "Version": str(found.version),
    }


def _score(found: tuple[str, Estimate] | None) -> str:
    if found is None:
        return "–"
    name, estimate = found
    said = "AUC" if name == "auc" else "R²"
    return plain(f"{said} {estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})")


def predictable_sentence(newest: dict[str, PublishedVersion | None]) -> str:
    """Return which questions can be told ahead better than by their baseline."""
    states = {
        recipe: state_of(found[1])
        for recipe, each in newest.items()
        if each is not None and (found := each.skill("walk_forward")) is not None
    }
    if not states:
        return "… No model is trained yet, so nothing is known of what can be told ahead."
    told = [QUESTIONS[recipe].split(":")[0].lower() for recipe, state in states.items() if state == "good"]
    named = ", ".join(dict.fromkeys(told)) if told else "nothing"
    return (
        f"Of {counted(len(states), 'question')} asked, walk-forward, {named} can be told better than by the simplest "
        "answer (interval above zero). What can be told need not pay: see the net R above."
    )
