"""How each kind of question is spoken of on the pages."""

from dataclasses import dataclass
from typing import Final

from ml_monitoring.sentences import gain_unit
from trading.domain.label import BREAK_DIRECTION, NET_R, RANGE_AHEAD, TARGET_FIRST, Label
from trading.domain.prediction import SKIP, TAKE

SIDES: Final = {"UP": "▲ UP", "DOWN": "▼ DOWN", "NONE": "– none"}
ADVICES: Final = {**SIDES, TAKE: "▲ take", SKIP: "– skip", "WIN": "✓ win", "MISS": "✕ miss"}
"""A shape and a word for every advice, and for everything that may come of a question of classes."""


@dataclass(frozen=True)
class LabelWords:
    """`event` is what the probability is of, `chance` its name; `called` and `happened` stand on axes."""

    event: str
    chance: str
    called: str
    happened: str


_WORDS: Final = {
    BREAK_DIRECTION.name: LabelWords(
        event="the break is up",
        chance="P(UP)",
        called="called UP",
        happened="broke up",
    ),
    TARGET_FIRST.name: LabelWords(
        event="target before stop",
        chance="P(WIN)",
        called="called WIN",
        happened="target first",
    ),
    NET_R.name: LabelWords(
        event="net R of the trade",
        chance="Expected R",
        called="said, R after costs",
        happened="came, R after costs",
    ),
    RANGE_AHEAD.name: LabelWords(
        event="travel of the next four hours",
        chance="Range ahead",
        called="said, log of ranges",
        happened="came, log of ranges",
    ),
}


def words_of(label: Label) -> LabelWords:
    """Return the words for a kind of question."""
    return _WORDS[label.name]


def saved_words(label: Label) -> str:
    """Return what the skill of a kind of question is counted in, an event."""
    return f"{gain_unit(label)} saved an event"


def model_title(model: str, symbol: str) -> str:
    """Return a model's name without the instrument's.

    >>> model_title("entry_quality-MGC-half-rr1_5-session", "MGC"), model_title("directional-MGC", "MGC")
    ('entry quality, half-rr1.5-session', 'directional')
    """
    recipe, _, rule = model.partition(f"-{symbol}")
    said = recipe.replace("_", " ")
    return f"{said}, {rule.removeprefix('-').replace('_', '.')}" if rule else said
