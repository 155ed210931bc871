"""Today: what is the market, what now, what does the model say, how old is the data."""

import streamlit as st

from app_pages.context import PageContext, draw_nothing_stored


def draw(context: PageContext) -> None:
    """Draw the page."""
    if context.instrument is None:
        draw_nothing_stored(context.settings.store_folder)
        return
    st.write(context.instrument.name)
