"""One stored prediction explained: every reason from base to answer, and the past ranges that were most like it."""

import logging

import streamlit as st

from app_pages.context import PageContext
from app_pages.explain_charts import waterfall_chart
from app_pages.explain_queries import Near, explained, near_to
from app_pages.explain_view import near_frame, near_sentence, sum_sentence
from app_pages.panels.states import draw_error
from app_pages.theme import current_mode, styled, tokens
from trading.domain.instrument import Instrument
from trading.errors import StoreError


def draw_prediction(
    context: PageContext, instrument: Instrument, prediction_id: str, *, side_by_side: bool = True
) -> None:
    """Draw the waterfall and the nearest ranges of a prediction of `instrument`."""
    found = context.read(explained, prediction_id, of="journal")
    if found is None:
        st.caption("… No reasons are stored with this forecast.")
        return
    left, right = st.columns([0.56, 0.44]) if side_by_side else (st.container(), st.container())
    with left:
        st.markdown("**Why**, from what it says without looking to what it said")
        mode = current_mode()
        chart = styled(waterfall_chart(found, tokens(mode, context.up_down)), mode, context.up_down)
        st.vega_lite_chart(chart.to_dict(), theme=None, width="stretch", key=f"why_{prediction_id}")
        st.caption(sum_sentence(found))
    with right:
        st.markdown("**Five nearest past ranges**, known at that moment")
        try:
            with st.container(gap="xxsmall"), st.skeleton(height=210):
                near = context.read(near_to, context.registry, instrument, prediction_id, of="both")
        except StoreError as error:
            logging.getLogger("hub").exception("ranges near %s", prediction_id)
            draw_error("The past ranges cannot be read", str(error), "The forecast and its reasons do not need them.")
            return
        if near is not None:
            _draw_near(near)


def _draw_near(near: Near) -> None:
    if near.neighbours is not None and near.neighbours.found:
        st.dataframe(
            near_frame(near.neighbours),
            hide_index=True,
            height="content",
            placeholder="–",
            column_config={
                "Distance": st.column_config.NumberColumn(format="%.2f", help="1: as far as two usually lie apart"),
                "Net R": st.column_config.NumberColumn(format="%+.2f", help="of the plain rule, after costs"),
            },
        )
    st.caption(near_sentence(near))
