"""The cards of the Models page that say what one version learned, and what its sureness would have been worth."""

import streamlit as st

from app_pages import model_charts as charts
from app_pages import models_view as view
from app_pages.charts import Chart
from app_pages.context import PageContext
from app_pages.health_view import plain
from app_pages.theme import current_mode, styled, tokens
from ml_models.published import PublishedVersion


def draw_learned(context: PageContext, shown: PublishedVersion) -> None:
    """Draw what `shown` looked at in training, and its selective prediction curve."""
    left, right = st.columns([0.56, 0.44])
    with left.container(border=True, height="stretch"):
        _draw_importance(context, shown)
    with right.container(border=True, height="stretch"):
        _draw_selective(context, shown)


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


def _place(context: PageContext, chart: Chart) -> None:
    figure = styled(chart, current_mode(), context.up_down).to_dict()
    st.vega_lite_chart(figure, theme=None, width="stretch")
