"""The side drawer of the journal: one event, from the chart to what the trader did about it."""

import logging
from datetime import datetime
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app_pages import journal_event as event
from app_pages.action_card import draw_action
from app_pages.clock import WallClock, read_clock
from app_pages.context import PageContext, shown_clock
from app_pages.journal_scene import event_scene
from app_pages.panels.states import draw_empty, draw_error
from app_pages.prediction_card import draw_prediction
from app_pages.price_chart import draw_price_chart
from app_pages.queries import today_at
from app_pages.today_scene import gathered
from app_pages.typed import as_typed
from ml_data.journal_log import log_row, outcome_revisions
from trading.domain.instrument import Instrument
from trading.domain.instrument_files import find_instrument
from trading.domain.trade_rule import REFERENCE_RULE, rule_named
from trading.errors import HubError, NothingStored, StoreError

CHART_HEIGHT = 340
ROWS = "journal_rows"
"""The key of the table whose rows open the drawer."""


def draw_drawer(context: PageContext, prediction_id: str | None, notice: DeltaGenerator) -> None:
    """Open the drawer of the prediction that the address names as `?id=`; an id of none is told at `notice`."""
    if prediction_id is None:
        return
    row = context.read(log_row, prediction_id, context.clock.replay, of="journal")
    if row is None:
        as_of = " at the clock of this page" if context.clock.is_replay else ""
        with notice:
            draw_empty("No such forecast", f"Nothing is logged under {as_typed(prediction_id)}{as_of}.")
        return
    drawer = st.dialog(event.title(row), width="large", position="right", on_dismiss=_closed)
    drawer(_draw)(context, row)


def _closed() -> None:
    st.query_params.pop("id", None)
    # Without its mark a row can be chosen again.
    st.session_state[ROWS] = {"selection": {"rows": [], "columns": [], "cells": []}}


def _draw(context: PageContext, row: dict[str, Any]) -> None:
    instrument = find_instrument(context.settings.instrument_folders, row["instrument"])
    wall = shown_clock(context, instrument, row["decided_at"])
    with st.container(horizontal=True):
        st.badge(row["stage"] or "shadow", icon=":material/visibility_off:", color="gray")
        st.badge(row["role"] or "champion", color="gray")
        st.badge("replayed" if row["replayed"] else "live", color="gray")
        st.caption(f"decided {wall.day_hm(row['decided_at'])} {wall.label}", width="content")
    _draw_chart(context, instrument, row, wall)
    if row["refusal_code"] is not None:
        st.markdown(f"**No forecast**: {as_typed(row['refusal_reason'])} (`{row['refusal_code']}`)")
        _draw_outcome(context, row, wall)
    else:
        st.markdown("**Forecast**, beside what is said without learning")
        st.dataframe(event.forecast_frame(row), hide_index=True, height="content")
        st.caption(event.forecast_sentence(row))
        st.markdown("**What I did**")
        draw_action(context, row["prediction_id"])
        _draw_outcome(context, row, wall)
        draw_prediction(context, instrument, row["prediction_id"], side_by_side=False)
    st.markdown("**Made again, bit for bit**")
    st.code(f"hub reproduce {row['prediction_id']}", language=None)
    with st.expander("Version, hashes and instants"):
        st.dataframe(event.origin_frame(row), hide_index=True, height="content")


def _draw_chart(context: PageContext, instrument: Instrument, row: dict[str, Any], wall: WallClock) -> None:
    """Draw the event's day, up to its end or the page's clock."""
    ends = read_clock(instrument, str(row["trading_day"]), None).now()
    clock: datetime = min(ends, context.clock.now())
    rule = REFERENCE_RULE if row["rule"] is None else rule_named(row["rule"])
    try:
        view = context.read(today_at, instrument, clock, context.settings.ml.stale_minutes, rule)
    except NothingStored as error:
        draw_empty("No chart", str(error))
        return
    except HubError as error:
        logging.getLogger("hub").exception("chart of %s", row["prediction_id"])
        draw_error("The bars cannot be read", str(error), "What is logged is shown below.")
        return
    if view.day != row["trading_day"] or not view.frame.num_rows:
        draw_empty("No chart", f"No bar of {row['trading_day']} is stored.")
        return
    scene = event_scene(view, row["orb"], row["decided_at"], row["prob_up"], wall, context.up_down)
    draw_price_chart(gathered(view.frame, 1, wall), scene, key="event_chart", height=CHART_HEIGHT)


def _draw_outcome(context: PageContext, row: dict[str, Any], wall: WallClock) -> None:
    st.markdown("**Outcome**")
    st.caption(event.outcome_sentence(row, wall))
    try:
        revisions = context.read(outcome_revisions, row["prediction_id"], context.clock.replay, of="journal")
    except StoreError as error:
        draw_error("The outcome's revisions cannot be read", str(error))
        return
    if revisions.num_rows > 1:
        st.dataframe(event.revisions_frame(revisions), hide_index=True, height="content", placeholder="–")
