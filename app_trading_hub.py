"""The hub in the browser: its pages in the order of a trader's day. Start it with `hub app`."""

import importlib
import logging
from collections.abc import Callable

import streamlit as st

from app_pages.access import admit
from app_pages.alerts_panel import draw_alerts
from app_pages.breaker_banner import draw_breaker_banner
from app_pages.context import carry_parameters, draw_instrument_picker, draw_synthetic_banner, open_context
from app_pages.panels.states import draw_error
from app_pages.style import use_style
from app_pages.theme import PAGE_ICON
from trading.errors import HubError

# Module in `app_pages` (its `draw(context)` is the page), title, icon.
_PAGES = (
    ("today", "Today", ":material/candlestick_chart:"),
    ("journal", "Journal", ":material/menu_book:"),
    ("model_health", "Model health", ":material/monitor_heart:"),
    ("models", "Models", ":material/model_training:"),
    ("research", "Research", ":material/query_stats:"),
    ("data", "Data", ":material/database:"),
)

_FIRST = "first"  # the path of the first page, whose address is `/`; a hidden page beside it is `/today`


def main() -> None:
    """Let the reader in, draw the navigation, what every page shows, and the page; a failure becomes one sentence."""
    st.set_page_config(page_title="Trading hub", page_icon=PAGE_ICON, layout="wide")
    if not admit():
        return
    pages = [
        st.Page(_page(module), title=title, icon=icon, url_path=path, default=path == _FIRST)
        for module, title, icon in _PAGES
        for path in (_FIRST if module == "today" else module,)
    ]
    st.session_state["pages"] = {module: page for (module, *_), page in zip(_PAGES, pages, strict=True)}
    named = st.Page(_page("today"), title="Today", url_path="today", visibility="hidden")
    page = st.navigation([*pages, named], position="top")
    carry_parameters(page.url_path)
    page.run()


def _page(module: str) -> Callable[[], None]:
    def run() -> None:
        try:
            context = open_context()
            use_style(context.up_down)
            draw_synthetic_banner(context.instrument)
            draw_breaker_banner(context)
            draw_instrument_picker(context)
            draw_alerts(context)
            importlib.import_module(f"app_pages.{module}").draw(context)
        except HubError as error:
            logging.getLogger("hub").exception("page %s", module)
            use_style()
            draw_error("This page cannot be shown", str(error))

    return run


main()
