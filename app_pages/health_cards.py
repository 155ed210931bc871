"""The figures and cards of Model health as they are placed on the page."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app_pages import health_view as view
from app_pages.health_queries import Health
from trading.domain.label import Label

_NUMBER = st.column_config.NumberColumn(format="%.3f")
SCORE_COLUMNS = {
    **dict.fromkeys(
        ("Model", "Martingale", "Fair game", "Majority", "Mean", "Zero before costs", "20-day mean", "Atr-scaled"),
        _NUMBER,
    ),
    "worth": st.column_config.NumberColumn(format="%.0f", help="How many independent events these n are worth."),
}


def draw_titles(label: Label, *, fresh: bool) -> dict[str, DeltaGenerator]:
    """Draw the cards with their titles; return the place of each one's content, held open when it takes a moment."""
    slots: dict[str, DeltaGenerator] = {}
    for row in view.cards(label):
        for column, (name, title, _) in zip(st.columns([width for *_, width in row]), row, strict=True):
            card = column.container(border=True, height="stretch")
            card.markdown(title)
            slots[name] = card.empty()
            if fresh:
                slots[name].skeleton(height=view.FIGURE_HEIGHT)
    return slots


def draw_tiles(place: DeltaGenerator, found: Health) -> None:
    """Draw the figures at the top."""
    tiles = view.tiles(found.report, found.weeks)
    for column, tile in zip(place.columns(len(tiles)), tiles, strict=True):
        card = column.container(border=True, height="stretch", gap=None)
        card.metric(
            tile.label,
            tile.value,
            tile.chip,
            tile.tone,
            delta_arrow="off",
            delta_description=tile.interval or None,
            help=tile.help or None,
            chart_data=tile.trend if len(tile.trend) > 1 else None,
            chart_type=tile.kind,
        )
        card.caption(tile.evidence)


def fill(slots: dict[str, DeltaGenerator], found: Health) -> None:
    """Fill the cards that `draw_titles` placed."""
    for name, slot in slots.items():
        with slot.container():
            said = view.marked(found.verdicts[name])
            if name in found.figures:
                st.vega_lite_chart(found.figures[name], theme=None, width="stretch", alt=said)
            elif name == "scores" and found.report.performance is not None:
                table = view.score_frame(found.report.performance)
                st.dataframe(table, hide_index=True, height="content", column_config=SCORE_COLUMNS, placeholder="–")
            st.caption(said)
