"""The decision bar: one word for the state of the day, one sentence, and what rule it follows."""

from html import escape
from typing import Literal, get_args

import streamlit as st

State = Literal["WAIT", "READY", "IN TRADE", "DONE", "STOP"]
_SHAPES = dict(zip(get_args(State), "○◆●■✕", strict=True))  # a shape and a word each: never colour alone


def decision_html(state: State, sentence: str, note: str = "", voice: str = "") -> str:
    """Return the bar; `sentence`, `note` and what models may say beside the rules, `voice`, are plain text."""
    said = f'<span class="voice">{escape(voice)}</span>' if voice else ""
    kind = state.lower().replace(" ", "-")
    return (
        f'<div class="hub-decision {kind}" role="status"><span class="state"><i>{_SHAPES[state]}</i>{state}</span>'
        f'<span class="sentence">{escape(sentence)}</span>{said}<span class="note">{escape(note)}</span></div>'
    )


def draw_decision(state: State, sentence: str, note: str = "", voice: str = "") -> None:
    """Draw the bar across the page."""
    st.html(decision_html(state, sentence, note, voice))
