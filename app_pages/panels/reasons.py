"""Why the model says what it says: signed bars, in points of probability."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st


@dataclass(frozen=True)
class Reason:
    """One input's part in the forecast.

    `value` is the input in words and units; `points` is its contribution in points of probability (100 points are
    certainty), positive towards the target.
    """

    name: str
    value: str
    points: float


def reasons_html(reasons: Sequence[Reason]) -> str:
    """Return one row a reason, in the order given; the longest bar is the largest `points`."""
    longest = max((abs(reason.points) for reason in reasons), default=0.0) or 1.0
    return f'<div class="hub-reasons">{"".join(_row(reason, longest) for reason in reasons)}</div>'


def _row(reason: Reason, longest: float) -> str:
    side, sign = ("up", "▲") if reason.points >= 0 else ("down", "▼")
    bar = f'<i class="{side}" style="width:{50 * abs(reason.points) / longest:.1f}%"></i>'
    return (
        f'<div><span>{escape(reason.name)}</span><span class="value">{escape(reason.value)}</span>'
        f'<span class="bar">{bar}</span><span class="points"><i>{sign}</i>{abs(reason.points):.1f}</span></div>'
    )


def draw_reasons(reasons: Sequence[Reason], title: str = "Why, in points of probability") -> None:
    """Draw the rows under their title."""
    st.html(f'<div class="hub-caption">{escape(title)}</div>{reasons_html(reasons)}')
