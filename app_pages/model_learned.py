"""The cards of the Models page that say what one version learned, and what its sureness would have been worth."""

from typing import Final

import streamlit as st

from app_pages import explain_charts as explain
from app_pages import model_charts as charts
from app_pages import models_view as view
from app_pages.charts import Chart
from app_pages.context import PageContext
from app_pages.explain_queries import reasons_of_version
from app_pages.explain_view import dependence_sentence, swarm_sentence
from app_pages.health_view import plain
from app_pages.panels.states import draw_error
from app_pages.theme import current_mode, styled, tokens
from ml_models.published import PublishedVersion
from trading.domain.instrument import Instrument
from trading.errors import StoreError

FORECASTS: Final = 300
"""Newest stored forecasts whose reasons are drawn."""


def draw_learned(context: PageContext, instrument: Instrument, shown: PublishedVersion) -> None:
    """Draw what `shown` looked at in training, its selective prediction curve, and the reasons of its forecasts."""
    left, right = st.columns([0.56, 0.44])
    with left.container(border=True, height="stretch"):
        _draw_importance(context, shown)
    with right.container(border=True, height="stretch"):
        _draw_selective(context, shown)
    _draw_reasons(context, instrument, shown)


def _draw_importance(context: PageContext, shown: PublishedVersion) -> None:
    st.markdown("**What it looked at**, on rows it was not fitted on; line: folds; right: share of the gain")
    unit = view.shap_unit(shown)
    frame = view.importance_frame(shown.importance)
    if frame["shap"].notna().any():
        _place(context, charts.importance_chart(frame, unit, tokens(current_mode(), context.up_down)))
    st.caption(view.importance_sentence(shown.importance, unit))
    for sentence in (*view.shuffled_sentences(shown.importance), *shown.told("interactions")):
        st.caption(plain(sentence))


def _draw_selective(context: PageContext, shown: PublishedVersion) -> None:
    st.markdown("**If only sure answers were acted on**: net R of a trade, out of fold, after costs")
    frame = view.selective_frame(shown)
    if frame.empty:
        st.caption("… This version was published without the curve, or its question brings no advice.")
        return
    measure = str(shown.metrics["selective"]["measure"])
    _place(context, charts.selective_chart(frame, measure, tokens(current_mode(), context.up_down)))
    for sentence in shown.told("selective"):
        st.caption(plain(sentence))


def _draw_reasons(context: PageContext, instrument: Instrument, shown: PublishedVersion) -> None:
    """Draw the reasons that were stored with the version's forecasts: nothing is computed again."""
    asked = (instrument.symbol, shown.model, str(shown.version), context.clock.replay, FORECASTS)
    try:
        found = context.read(reasons_of_version, *asked, of="journal")
    except StoreError as error:
        draw_error("The reasons cannot be read", str(error), "The shelf goes on without them.")
        return
    if found is None:
        st.caption("… No forecast of this version is stored yet: `hub shadow --replay FROM TO` asks it.")
        return
    colour = tokens(current_mode(), context.up_down)
    frame = explain.swarm_frame(found)
    left, right = st.columns([0.56, 0.44])
    with left.container(border=True, height="stretch"):
        st.markdown("**Reasons as they were stored**, a point a forecast")
        _place(context, explain.swarm_chart(frame, found, colour))
        st.caption(swarm_sentence(found))
    with right.container(border=True, height="stretch"):
        name = st.selectbox(
            "What one input does", list(dict.fromkeys(frame["input"])), key="input", bind="query-params"
        )
        _place(context, explain.dependence_chart(found, name, colour))
        st.caption(dependence_sentence(found, name))


def _place(context: PageContext, chart: Chart) -> None:
    figure = styled(chart, current_mode(), context.up_down).to_dict()
    st.vega_lite_chart(figure, theme=None, width="stretch")
