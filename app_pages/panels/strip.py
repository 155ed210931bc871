"""The market strip at the top of Today, and the small figures of a card: labelled values in a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from app_pages.price_chart import Tone


@dataclass(frozen=True)
class Cell:
    """A labelled value, already in words and units.

    `note` stands behind the value in its `note_tone` (such as `▲ 29.8 (+0.69%)`), `sub` below it. `lead` makes the
    value the largest of the row: the last price. A tone never speaks alone: the text says the same.
    """

    label: str
    value: str
    sub: str = ""
    tone: Tone = "text"
    note: str = ""
    note_tone: Tone = "muted"
    lead: bool = False


def cell_html(cell: Cell) -> str:
    """Return one cell; every text is escaped."""
    note = f'<span class="note tone-{cell.note_tone}">{escape(cell.note)}</span>' if cell.note else ""
    sub = f'<div class="sub">{escape(cell.sub)}</div>' if cell.sub else ""
    kind = "cell lead" if cell.lead else "cell"
    return (
        f'<div class="{kind}"><div class="label">{escape(cell.label)}</div>'
        f'<div class="value tone-{cell.tone}">{escape(cell.value)}{note}</div>{sub}</div>'
    )


def draw_strip(cells: Sequence[Cell]) -> None:
    """Draw the page's strip: cells side by side, wrapping where the window is narrow."""
    st.html(f'<div class="hub-strip">{"".join(map(cell_html, cells))}</div>')


def draw_figures(cells: Sequence[Cell]) -> None:
    """Draw a card's figures: equal columns between two thin lines."""
    st.html(f'<div class="hub-figures">{"".join(map(cell_html, cells))}</div>')
