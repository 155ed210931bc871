"""The card of live against replay on Model health: how many logged events a replay does not give again, and why."""

from datetime import datetime
from html import escape

import streamlit as st

from app_pages.context import PageContext
from app_pages.gates_card import hour_of
from app_pages.health_view import SHAPES, marked
from ml_data.store import Store
from ml_models.verdicts import State, Verdict
from ml_monitoring.day_audit import Reconciled, reconciled_so_far
from trading.domain.instrument import Instrument
from trading.domain.substitution import CAUSES, UNEXPLAINED
from trading.domain.words import r_text


def draw_reconciled(context: PageContext, instrument: Instrument, model: str) -> None:
    """Draw the card of the looks that `hub audit reconcile` wrote down; it names the command where there is none."""
    found: Reconciled | None = context.read(looks, instrument.symbol, model, hour_of(context), of="journal")
    with st.container(border=True):
        st.markdown(
            "**Live against replay**: what a replay does not give again, by first cause, and the net R it moves"
        )
        if found is None:
            st.caption(
                "… No day of live forecasts was set against a replay yet. To split one into causes: "
                f"`hub audit reconcile DAY --instrument {instrument.symbol}`."
            )
            return
        if found.causes:
            st.html(causes_html(found))
        st.caption(marked(verdict_of(found)))


def looks(store: Store, symbol: str, model: str, known_by: datetime) -> Reconciled | None:
    """Return the newest look at each day of live forecasts by an instant, summed."""
    return reconciled_so_far(store, symbol, model, known_by=known_by)


def verdict_of(found: Reconciled) -> Verdict:
    """Return what the looks come to: bad where a difference has no cause, "cannot tell" where each has one."""
    state: State = "bad" if not found.passed else "cannot tell" if found.causes else "good"
    days = f"{found.first:%d %b %Y}" if found.days == 1 else f"{found.first:%d %b %Y} to {found.last:%d %b %Y}"
    count = f"{found.days:,} trading day{'s' * (found.days > 1)} ({days})"
    waiting = f" {found.unsettled:,} have no outcome yet, so no R of theirs is in it." if found.unsettled else ""
    net = f"Net R {r_text(found.r_live)} live, {r_text(found.r_replay)} in the replay."
    return Verdict(state, f"On {count}: {found.sentence} {net}{waiting}")


def causes_html(found: Reconciled) -> str:
    """Return the causes as rows, in causal order: shape, words, events beside net R."""
    rows = []
    for cause in CAUSES:
        if cause.name in found.causes:
            events, r = found.causes[cause.name]
            count = f"{events:,} of {found.events:,} events" if events else "as well"
            tone, shape = ("bad", SHAPES["bad"]) if cause is UNEXPLAINED else ("muted", SHAPES["cannot tell"])
            rows.append(
                f'<div><i class="tone-{tone}">{shape}</i><span>{escape(cause.words.capitalize())}</span>'
                f'<span class="value">{count}, {r_text(r)}</span>'
                f'<span class="sub">{escape(cause.name)}</span></div>'
            )
    return f'<div class="hub-gates">{"".join(rows)}</div>'
