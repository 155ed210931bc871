"""Data: what is stored, what is missing where it matters, and what to do next."""

import logging

import streamlit as st

from app_pages import data_tables as tables
from app_pages import data_view as view
from app_pages.context import PageContext, draw_nothing_stored, shown_clock
from app_pages.daily_card import draw_daily, read_daily
from app_pages.data_queries import DataPage, StoredData, data_page, stale_items
from app_pages.loop_card import draw_loop
from app_pages.panels.states import draw_error, draw_no_match, draw_stale
from app_pages.tables import draw_table
from app_pages.theme import current_mode
from ml_data.quality_words import place_of, quality_lines, verdict
from trading.domain.instrument import Instrument
from trading.errors import StoreError


def draw(context: PageContext) -> None:
    """Draw the page."""
    instrument = context.instrument
    daily = read_daily(context)
    if instrument is None and (daily is None or daily.is_empty):
        draw_nothing_stored(context.settings.store_folder)
        return
    head = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    head.title("Data", anchor=False, width="content")
    if instrument is not None:
        _draw_instrument(context, instrument)
    if daily is not None:
        draw_daily(daily)


def _draw_instrument(context: PageContext, instrument: Instrument) -> None:
    """Draw what is stored of one-minute bars and what is built from them."""
    try:
        page: DataPage = context.read(
            data_page, instrument, context.clock.replay, current_mode(), context.up_down, of="both"
        )
    except StoreError as error:
        logging.getLogger("hub").exception("data")
        draw_error("The bars cannot be read", str(error), "Nothing stored was changed.")
        return
    found = page.stored
    if found.first is None or found.last is None:
        draw_no_match(f"No bar of {instrument.symbol} had happened by then: choose a later day.")
        return
    _draw_head(context, instrument, found)
    draw_loop(context)
    _draw_quality(instrument, found)
    with st.container(border=True):
        st.markdown("**Coverage**, share of expected minutes with a bar, by session and month")
        said = view.coverage_sentence(found.coverage)
        if page.figure is not None:
            st.vega_lite_chart(page.figure, theme=None, width="stretch", alt=said)
        st.caption(said)
        if page.days_figure is not None:
            st.markdown("The same by **trading day**, the newest ones")
            newest = view.coverage_sentence(found.last_days)
            st.vega_lite_chart(page.days_figure, theme=None, width="stretch", alt=newest)
            st.caption(newest)
    _draw_tables(found)
    if found.revised:
        _draw_stale(context, instrument)


def _draw_stale(context: PageContext, instrument: Instrument) -> None:
    stale = context.read(stale_items, instrument, context.settings.registry_folder, of="both")
    with st.container(border=True):
        st.markdown("**What was built on bars that a vendor changed since**")
        draw_table(tables.stale_frame(stale), tables.STALE, "Nothing: all that was built is of the bars as they are.")
        st.caption(view.stale_sentence(stale))


def _draw_head(context: PageContext, instrument: Instrument, found: StoredData) -> None:
    clock, stale = context.clock, context.settings.ml.stale_minutes
    wall = shown_clock(context, instrument, found.last or clock.now())
    age = view.age_of(instrument, found.last or clock.now(), clock.now())
    st.caption(view.about(instrument, found, clock.replay, wall))
    step = None if clock.is_replay else view.next_step(found, instrument, age, stale)
    if step is not None:
        draw_stale(step.title, step.sentence)
    tiles = view.tiles(found, instrument, age, stale, wall, is_replay=clock.is_replay)
    for column, tile in zip(st.columns(len(tiles)), tiles, strict=True):
        card = column.container(border=True, height="stretch", gap=None)
        beside = tile.beside or None
        card.metric(tile.label, tile.value, tile.chip, tile.tone, delta_arrow="off", delta_description=beside)
        card.caption(tile.evidence)


def _draw_quality(instrument: Instrument, found: StoredData) -> None:
    """Draw the verdict on the bars with what stands behind it: nothing where no build has looked at them."""
    if found.built.through is None:
        return
    lines = quality_lines(found.quality, instrument)
    with st.container(border=True):
        st.markdown(f"**Can these bars be trusted?** {view.verdict_badge(verdict(lines))}")
        st.markdown(view.verdict_lines(lines))
    holes, doubts = found.quality.holes, found.quality.doubts
    if holes:
        with st.container(border=True):
            st.markdown(f"**Holes**: minutes that usually have a bar, on the clock of {place_of(instrument)}")
            draw_table(tables.hole_frame(holes, instrument), tables.HOLES, "")
            st.caption(view.silence_sentence(holes))
    if len(doubts):
        with st.container(border=True):
            st.markdown(f"**Doubtful bars**, kept as they came, on the clock of {place_of(instrument)}")
            draw_table(tables.doubt_frame(doubts, instrument), tables.DOUBTS, "")
            st.caption(view.doubt_sentences(doubts))


def _draw_tables(found: StoredData) -> None:
    quality = found.quality
    left, right = st.columns([0.56, 0.44])
    with left.container(border=True, height="stretch"):
        st.markdown("**Opening ranges** void, thin or over a hole, holidays left out")
        draw_table(tables.range_frame(quality.ranges, quality.over_hole), tables.RANGES, "No opening range has a hole.")
        st.caption(view.hole_sentence(quality.ranges, found.built.ranges, quality.over_hole))
    with right.container(border=True, height="stretch"):
        st.markdown("**Rolls** of the contract that a day is traded in")
        draw_table(tables.roll_frame(found.rolls), tables.ROLLS, "No roll yet.")
        st.caption(view.roll_sentence(found.rolls))
    with st.container(border=True):
        st.markdown("**Imports**")
        draw_table(tables.import_frame(found.imports), tables.IMPORTS, "No file was imported.")
        st.caption(view.import_sentence(found.imports, found.revised))
    if len(found.rejects):
        with st.container(border=True):
            st.markdown("**Rows that were not stored**")
            draw_table(tables.reject_frame(found.rejects), tables.REJECTS, "")
            st.caption(view.reject_sentence(found.rejects, found.imports))
    if len(found.revisions):
        with st.container(border=True):
            st.markdown("**Bars that a later file changed**")
            draw_table(tables.revision_frame(found.revisions), tables.REVISIONS, "")
            st.caption(view.revision_sentence(found.revisions, found.revised))
