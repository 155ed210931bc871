"""The cards of gates and monitors on Model health: what the version still needs, and whether anything has changed."""

from datetime import datetime, timedelta

import streamlit as st

from app_pages.breaker_banner import LATER
from app_pages.context import PageContext, shown_clock
from app_pages.health_breaker import breaker_codes, breaker_html, breaker_title
from app_pages.health_gates import Gates, gates, gates_html, gates_title, next_step, register_html, register_sentence
from app_pages.health_view import marked
from app_pages.theme import current_mode
from ml_monitoring.breaker import AT_ONCE, CODES
from trading.domain.instrument import Instrument

_TITLES = {
    "wealth": "**Wealth of a bettor** on whole days, live forecasts only",
    "drift": "**Drift**, PSI of ten trading days by week; ▲ above 95 % of own windows",
    "quality": "**Quality**: excess log loss, or misses of the interval, piled up by day",
}


def draw_gates(context: PageContext, instrument: Instrument, model: str, version: str) -> None:
    """Draw the gates of one version, the wealth of its bets, its drift, its quality and the alarm register."""
    found: Gates = context.read(
        gates,
        context.registry,
        instrument,
        model,
        version,
        hour_of(context),
        context.settings.gates,
        current_mode(),
        context.up_down,
        of="both",
    )
    left, right = st.columns([0.48, 0.52])
    with left.container(border=True, height="stretch"):
        st.markdown(gates_title(found))
        st.html(gates_html(found))
        st.caption(next_step(found))
    with right:
        _draw(found, "wealth")
        _draw(found, "quality")
    with st.container(border=True):
        _draw_breaker(context, instrument, model, version)
    left, right = st.columns([0.66, 0.34])
    with left:
        _draw(found, "drift")
    with right.container(border=True, height="stretch"):
        st.markdown("**Alarm register**: seen, beside what chance brings")
        rows = register_html(found)
        if rows:
            st.html(rows)
        st.caption(register_sentence(found))


def _draw_breaker(context: PageContext, instrument: Instrument, model: str, version: str) -> None:
    """Draw the codes of the breaker: what can be told at once for this minute, the others for this hour."""
    minute = context.clock.now().replace(second=0, microsecond=0)
    known_by = context.clock.replay or LATER
    settings, slow = context.settings.breaker, tuple(code for code in CODES if code not in AT_ONCE)
    subject = (context.registry, instrument, model, version)
    at_once = context.read(breaker_codes, *subject, minute, known_by, settings, AT_ONCE, of="both")
    found = (*at_once, *context.read(breaker_codes, *subject, hour_of(context), known_by, settings, slow, of="both"))
    st.markdown(breaker_title(found))
    st.html(breaker_html(found, shown_clock(context, instrument, minute), settings))


def hour_of(context: PageContext) -> datetime:
    """Return the instant for which the page judges: the replay's, or the end of the present hour."""
    now = context.clock.replay
    if now is not None:
        return now
    return context.clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _draw(found: Gates, name: str) -> None:
    with st.container(border=True):
        st.markdown(_TITLES[name])
        said = marked(found.verdicts[name])
        if name in found.figures:
            st.vega_lite_chart(found.figures[name], theme=None, width="stretch", alt=said)
        st.caption(said)
