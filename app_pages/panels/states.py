"""What a card shows when it has nothing good to show: empty, stale, failed, still loading.

Each says why in words; the card around it keeps its title, and the rest of the page keeps working.
"""

import streamlit as st

from app_pages.typed import as_typed
from trading.secret_values import hidden


def draw_empty(title: str, why: str, *, action: str = "", key: str = "") -> bool:
    """Say why there is nothing and when that will change; return True when the one `action` was clicked.

    `why` is Markdown. Without an `action` there is no button; with one, `key` names it on the page.
    """
    st.info(why, title=title, icon=":material/hourglass_empty:")
    return bool(action) and st.button(action, key=key, icon=":material/history:")


def draw_stale(title: str, frozen: str, *, action: str = "", key: str = "") -> bool:
    """Say how old the data are and what is therefore frozen; return True when the `action` was clicked."""
    st.warning(frozen, title=title, icon=":material/schedule:")
    return bool(action) and st.button(action, key=key, icon=":material/refresh:")


def draw_error(title: str, cause: str, still_works: str = "") -> None:
    """Say what failed, in words, and what still works. The trace belongs in the log, not here."""
    st.error(as_typed(hidden(f"{cause} {still_works}".strip())), title=title, icon=":material/error:")


def draw_no_match(sentence: str) -> None:
    """Stand in for a table whose filters leave nothing."""
    st.caption(sentence)


def draw_loading(height: int) -> None:
    """Hold the place of a card's content, `height` CSS pixels high, until it comes."""
    st.skeleton(height=height)
