"""The Data page's cards of day bars and of series: drawn where there are any, whatever instrument is looked at."""

import logging

import streamlit as st

from app_pages import daily_view as view
from app_pages.context import PageContext
from app_pages.panels.states import draw_error, draw_no_match
from app_pages.tables import draw_table
from trading.errors import HubError, StoreError


def read_daily(context: PageContext) -> view.DailyData | None:
    """Return the day bars and series at the page's clock; None, with the reason drawn, when they cannot be read."""
    settings = context.settings
    folders = (settings.universe_folders, settings.series_folders, settings.instrument_folders)
    try:
        data: view.DailyData = context.read(view.daily_data, *folders, context.clock.replay)
    except HubError as error:
        if isinstance(error, StoreError) and context.instrument is not None:
            return None  # the page says it of the bars
        logging.getLogger("hub").exception("daily")
        draw_error("Day bars and series cannot be shown", str(error), "Nothing stored was changed.")
        return None
    return data


def draw_daily(data: view.DailyData) -> None:
    """Draw a card for day bars and one for series; nothing where there are none."""
    if data.days or data.undescribed:
        with st.container(border=True):
            st.markdown("**Day bars**, by stock and instrument, against the sessions of the exchange")
            if data.days:
                draw_table(view.day_frame(data.days), view.DAYS, "")
            else:
                draw_no_match("No day bar was known by then.")
            st.caption(view.day_sentence(data))
    if not data.series.empty:
        with st.container(border=True):
            st.markdown("**Series** that instruments share, and when their values are known")
            draw_table(view.series_frame(data), view.SERIES, "")
            st.caption(view.series_sentence())
