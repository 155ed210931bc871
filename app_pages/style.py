"""The one style sheet of the pages: colours as CSS variables, and the few rules Streamlit's theme cannot express."""

from pathlib import Path

import streamlit as st

from app_pages.theme import UpDown, css_variables

_SHEET = Path(__file__).with_name("style.css")


def use_style(up_down: UpDown = "blue_orange") -> None:
    """Put the style sheet on the page; once a run, before anything that uses it."""
    st.html(f"<style>{css_variables(up_down)}{_SHEET.read_text(encoding='utf-8')}</style>")
