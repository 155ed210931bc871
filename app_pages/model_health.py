"""Model health: whether the model beats the simplest alternative, after costs, and how sure that is."""

import logging

import pyarrow as pa
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app_pages import health_view as view
from app_pages import health_window as windows
from app_pages.challengers_card import draw_challengers
from app_pages.context import PageContext, choose, draw_link, draw_nothing_stored, set_choice, shown_clock
from app_pages.gates_card import draw_gates, hour_of
from app_pages.health_cards import draw_tiles, draw_titles, fill
from app_pages.health_gates import stage_shown
from app_pages.health_queries import Health, health, journal_rows, models_asked
from app_pages.label_words import model_title
from app_pages.panels.states import draw_empty, draw_error, draw_stale
from app_pages.paper_card import draw_paper
from app_pages.reconciled_card import draw_reconciled
from app_pages.retrainings_card import draw_next
from app_pages.theme import current_mode
from ml_models.model_version import model_name
from ml_models.verdicts import counted
from ml_monitoring.judged import counts_of, question_of
from trading.domain.instrument import Instrument
from trading.errors import StoreError


def draw(context: PageContext) -> None:
    """Draw the page."""
    instrument = context.instrument
    if instrument is None:
        draw_nothing_stored(context.settings.store_folder)
        return
    usual = model_name("directional", instrument.symbol)
    head = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    head.title("Model health", anchor=False, width="content")
    try:
        known = context.read(models_asked, instrument.symbol, context.clock.replay, of="journal")
        model = _choose_model(instrument, known, usual)
        rows = context.read(journal_rows, instrument.symbol, model, None, context.clock.replay, of="journal")
        if rows.num_rows == 0:
            draw_empty("No forecast is stored yet", view.nothing_stored(context.registry.models(), model, instrument))
        else:
            _draw_health(context, instrument, model, head, rows)
    except StoreError as error:
        logging.getLogger("hub").exception("model health")
        draw_error("The forecasts cannot be read", str(error), "Today and Data go on without them.")


def _draw_health(
    context: PageContext, instrument: Instrument, model: str, head: DeltaGenerator, rows: pa.Table
) -> None:
    now, replay = context.clock.now(), context.clock.replay
    newest = windows.versions(rows)[0]
    stage = context.read(stage_shown, model, newest, hour_of(context), of="journal")
    head.badge(view.STAGES.get(stage, stage), icon=":material/visibility_off:", color="gray")
    usual = windows.usual_window(instrument, now, rows)
    with head:
        window = choose(
            "window", "Trading days back from the clock", list(windows.WINDOWS), usual, windows.NAMES.__getitem__
        )
    line = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    version = _choose_version(line, rows)
    first = windows.first_day(instrument, now, window)
    shown = windows.of_version(windows.since(rows, first), version)
    wall = shown_clock(context, instrument, rows["decided_at"][-1].as_py())
    line.caption(windows.about(shown, model, version, replay, wall), width="content")
    late = windows.lateness(rows, now, wall)
    if late is not None and not instrument.synthetic:
        draw_stale(*late)
    if shown.num_rows == 0:
        why = windows.nothing_in_window(window, rows)
        if draw_empty("No forecast in this window", why, action="Show all", key="show_all"):
            set_choice("window", "all", usual)
            st.rerun()
        return
    counts = counts_of(shown)
    tiles = st.container()
    if counts.matured == 0:
        draw_empty("No outcome yet", windows.nothing_matured(counts))
    subject = (model, version, first, replay)
    fresh = st.session_state.get("health") != subject
    slots = draw_titles(question_of(shown), fresh=fresh) if counts.matured else {}
    names = tuple(rule.name for rule in instrument.opening_ranges)
    found: Health = context.read(
        health, instrument.symbol, names, *subject, current_mode(), context.up_down, of="journal"
    )
    st.session_state["health"] = subject
    draw_tiles(tiles, found)
    fill(slots, found)
    draw_gates(context, instrument, model, version or newest)
    draw_paper(context, instrument, model)
    draw_reconciled(context, instrument, model)
    draw_challengers(context, instrument, model, first, replay)
    draw_next(context, instrument, model)
    with st.container(border=True):
        st.markdown("**Forecast log**")
        st.caption(f"Each of {counted(shown.num_rows, 'forecast')} with its reasons, its outcome and what you did.")
        chosen = {"models": model, "versions": version, "since": None if first is None else str(first)}
        query = {name: value for name, value in chosen.items() if value is not None}
        draw_link("journal", "Open them in the journal", ":material/menu_book:", **query)


def _choose_model(instrument: Instrument, known: tuple[str, ...], usual: str) -> str:
    """Return the model to show: the direction's, unless the reader chose another that has said something."""
    options = tuple(dict.fromkeys((usual, *known)))
    if len(options) < 2:
        return usual
    return choose("model", "Model", options, usual, lambda name: model_title(name, instrument.symbol))


def _choose_version(place: DeltaGenerator, rows: pa.Table) -> str | None:
    known = windows.versions(rows)
    if len(known) < 2:
        return None
    with place.container(width=250):
        chosen = st.selectbox(
            "Version", [*known, "all"], key="version", bind="query-params", label_visibility="collapsed"
        )
    return None if chosen == "all" else chosen
