"""The journal: every event that a model was asked about, what it said, what came of it, and what the trader did."""

import logging
from typing import Final, cast

import pandas as pd
import streamlit as st

from app_pages import journal_words as words
from app_pages.context import PageContext, choose, choose_zone, draw_nothing_stored, set_choice
from app_pages.health_view import nothing_stored
from app_pages.journal_downloads import draw_downloads
from app_pages.journal_drawer import ROWS, draw_drawer
from app_pages.journal_filters import choose_rows
from app_pages.journal_queries import options_of, page_of, summary_of
from app_pages.panels.states import draw_empty, draw_error, draw_no_match
from ml_data.journal_log import SORTS, LogFilter, LogOptions, Sort
from ml_models.model_version import model_name
from trading.domain.instrument import Instrument
from trading.errors import StoreError

PAGE_ROWS: Final = 100
HEIGHT: Final = 420
_SORTS: Final = {
    "newest": "Newest",
    "oldest": "Oldest",
    "best": "Best net R",
    "worst": "Worst net R",
    "surest": "Surest",
}


def draw(context: PageContext) -> None:
    """Draw the page."""
    instrument = context.instrument
    if instrument is None:
        draw_nothing_stored(context.settings.store_folder)
        return
    head = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    head.title("Journal", anchor=False, width="content")
    with head:
        zone = choose_zone(context, instrument)
    notice = st.container()
    try:
        options = context.read(options_of, instrument.symbol, context.clock.replay, of="journal")
        if options.logged == 0:
            usual = model_name("directional", instrument.symbol)
            draw_empty("No forecast is stored yet", nothing_stored(context.registry.models(), usual, instrument))
        else:
            _draw_log(context, instrument, options, zone)
        draw_drawer(context, st.query_params.get("id"), notice)
    except StoreError as error:
        logging.getLogger("hub").exception("journal")
        draw_error("The journal cannot be read", str(error), "Today and Data go on without it.")


def _draw_log(context: PageContext, instrument: Instrument, options: LogOptions, zone: str) -> None:
    chosen = choose_rows(context, instrument, options)
    summary = st.container()
    with st.container(border=True):
        line = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
        with line:
            sort = cast(Sort, choose("sort", "Order", SORTS, "newest", _SORTS.__getitem__))
        skip = _skip(chosen, sort)
        asked = (instrument, chosen, sort, PAGE_ROWS)
        frame, ids = context.read(page_of, *asked, skip, zone, st.context.timezone, of="journal")
        if not ids and skip:  # an address of a page that is no more
            skip = 0
            frame, ids = context.read(page_of, *asked, skip, zone, st.context.timezone, of="journal")
        table = st.container()
        foot = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
        if not ids:
            with table:
                draw_no_match(f"None of {options.logged:,} forecasts matches these filters: take one away.")
            return
        with table:
            _draw_rows(frame, ids)
        st.caption("Choose a row to open it: chart, forecast, reasons, outcome, and what you did.")
    found = context.read(summary_of, chosen, of="journal")
    with foot:
        _draw_pager(skip, found.rows)
        draw_downloads(context, chosen, sort)
    with summary:
        st.caption(words.counts_sentence(found, options.logged))
        if found.models:
            st.dataframe(words.summary_frame(found.models, instrument.symbol), hide_index=True, height="content")
        narrowed = chosen != LogFilter(instrument.symbol, known_by=chosen.known_by)
        for sentence in words.summary_sentences(found, narrowed=narrowed, knows_outcomes=chosen.knows_outcomes):
            st.caption(sentence)
    with st.container(border=True):
        st.markdown("**What I did**, against what the model said")
        if found.deeds:
            st.dataframe(words.deeds_frame(found.deeds), hide_index=True, height="content")
        st.caption(words.deeds_sentence(found))


def _draw_rows(frame: pd.DataFrame, ids: tuple[str, ...]) -> None:
    column = st.column_config

    def opened() -> None:
        rows = st.session_state[ROWS]["selection"]["rows"]
        if rows and rows[0] < len(ids):
            st.query_params["id"] = ids[rows[0]]

    st.dataframe(
        frame,
        hide_index=True,
        height=HEIGHT,
        placeholder="–",
        on_select=opened,
        selection_mode="single-row",
        key=ROWS,
        column_order=[name for name in frame.columns if name != "Why" or (frame["Why"] != "").any()],
        column_config={
            "Made": column.DatetimeColumn(format="YYYY-MM-DD HH:mm", width=130),
            "Net R": column.NumberColumn(format="%+.2f", help="of the plain rule, after costs"),
            "with advice": column.NumberColumn(format="%+.2f", help="net R with the advice followed"),
            "How": column.TextColumn(help="Replayed: asked of stored bars afterwards. Live: at the moment itself."),
        },
    )


def _skip(chosen: LogFilter, sort: Sort) -> int:
    """Return how many rows lie before this page; a new choice begins at its first."""
    before = st.session_state.get("journal_choice")
    st.session_state["journal_choice"] = (chosen, sort)
    if before is not None and before != (chosen, sort):
        set_choice("after", "0", "0")
    asked = st.query_params.get("after", "0")
    return int(asked) // PAGE_ROWS * PAGE_ROWS if asked.isdecimal() else 0


def _draw_pager(skip: int, rows: int) -> None:
    def turn(to: int) -> None:
        set_choice("after", str(to), "0")

    last = min(skip + PAGE_ROWS, rows)
    with st.container(horizontal=True, vertical_alignment="center", width="content"):
        st.button(
            "Before",
            icon=":material/chevron_left:",
            disabled=skip == 0,
            on_click=turn,
            args=(max(0, skip - PAGE_ROWS),),
        )
        st.caption(f"{skip + 1:,} to {last:,} of {rows:,}", width="content")
        st.button("After", icon=":material/chevron_right:", disabled=last >= rows, on_click=turn, args=(last,))
