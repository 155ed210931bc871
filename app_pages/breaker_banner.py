"""The line on every page while a code of the circuit breaker stands tripped: which, since when, and what arms it."""

import logging
from datetime import UTC, datetime
from html import escape
from typing import Final

import streamlit as st

from app_pages.clock import WallClock
from app_pages.context import PageContext, shown_clock
from ml_data.breaker_log import BreakerEvent, tripped_at
from trading.errors import StoreError
from trading.settings import BreakerSettings

LATER: Final = datetime(9000, 1, 1, tzinfo=UTC)
"""At the present every trip that is written counts, whatever the clock says."""


@st.fragment(run_every="20s", key="breaker")
def draw_breaker_banner(context: PageContext) -> None:
    """Draw a line a version with an open trip, as known at the page's clock; nothing while all is armed."""
    if context.instrument is None or not context.settings.ml.enabled:
        return
    try:
        trips = context.read(tripped_at, context.instrument.symbol, context.clock.replay or LATER, of="journal")
    except StoreError as error:
        logging.getLogger("hub").exception("breaker of %s", context.instrument.symbol)
        st.caption(f"… Whether the circuit breaker has tripped cannot be read: {error}")
        return
    if trips:
        wall = shown_clock(context, context.instrument, trips[0].happened_at)
        st.html(banner_html(trips, wall, context.settings.breaker, context.clock.replay or datetime.now(UTC)))


def banner_html(trips: tuple[BreakerEvent, ...], wall: WallClock, settings: BreakerSettings, now: datetime) -> str:
    """Return a bar a version: the codes that stand tripped, since when, why, and what arms them."""
    from ml_monitoring.breaker import (
        TITLES,
        rearm_rule,
    )  # with it come the scores, for which no page without a trip waits

    bars = []
    for version in dict.fromkeys((trip.model, trip.version) for trip in trips):
        own = [trip for trip in trips if (trip.model, trip.version) == version]
        told = " ".join(
            f"<b>{TITLES[trip.code]}</b> ({trip.code}) {_since(trip, wall, now)} "
            f"Armed again {rearm_rule(trip.code, settings)}."
            for trip in own
        )
        bars.append(
            '<div class="hub-decision tripped" role="alert"><span class="state"><i>✕</i>BREAKER</span>'
            f'<span class="sentence">{escape(" ".join(version))} is in shadow and moves nothing. {told}</span></div>'
        )
    return "".join(bars)


def _since(trip: BreakerEvent, wall: WallClock, now: datetime) -> str:
    """Return since when a code stands tripped and what was read then, which may be fine by now without arming it."""
    from ml_monitoring.breaker import ASKED_AGAIN

    at, read = f"{wall.day_hm(trip.happened_at)} {wall.label}", escape(trip.sentence)
    if trip.kind == "recovering":
        said = f"tripped, not armed again yet, though within its line since {at}: {read}"
    elif trip.kind == "trip" and trip.why == ASKED_AGAIN:
        said = f"tripped before, and asked again since {at} without having been armed: {read}"
    else:
        said = f"since {at}: {read}"
    return said if trip.happened_at <= now else f"{said} The clock was set back since: nothing arms itself before {at}."
