"""What the models may say beside the rules, by the stage they are in at the clock: nothing at all in shadow. Pure."""

from collections.abc import Iterable
from typing import Final

from app_pages.label_words import model_title
from app_pages.today_said import Said
from app_pages.today_view import RangeView
from trading.domain.advice import Advice
from trading.domain.prediction import BIAS_NONE, TAKE
from trading.risk_engine import risk_share

SIDES: Final = {"UP": "up", "DOWN": "down"}


def advice_of(said: Iterable[tuple[str, Said]]) -> tuple[Advice, ...]:
    """Return the advice in what models (by name) said of one range; a refusal and a number advise nothing."""
    return tuple(
        Advice(model, each.version, each.stage, each.advice, each.size)
        for model, each in said
        if each.refusal is None and each.advice is not None
    )


def voice(advice: Iterable[Advice], each: RangeView, symbol: str) -> str:
    """Return what is said beside the rules' own sentence about a range; empty where nobody may speak."""
    return " · ".join(
        f"{model_title(one.model, symbol)} ({one.stage}) {_words(one, each.side)}" for one in advice if one.is_heard
    )


def _words(advice: Advice, side: str | None) -> str:
    """Return one advice in words, with what it does to the risk where it may."""
    if advice.says == BIAS_NONE:
        return "is not sure enough to say"
    if side is None and advice.says in SIDES:
        other = "down" if advice.says == "UP" else "up"
        half = _risk(risk_share([advice], "DOWN" if advice.says == "UP" else "UP"), advice)
        return f"says take a break {SIDES[advice.says]}, skip one {other}{half}"
    takes = advice.takes(side) if side is not None else advice.says == TAKE
    return f"says {'take' if takes else 'skip'}{_risk(risk_share([advice], side or ''), advice)}"


def _risk(share: float, advice: Advice) -> str:
    return f" ({share:g} of the rules' risk)" if advice.scales_risk and share < 1 else ""
