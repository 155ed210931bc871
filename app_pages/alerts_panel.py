"""The bell in the header line of every page: the newest alerts, and the channels with a test for each."""

from datetime import UTC, datetime, timedelta

import streamlit as st

from app_pages.access import by_whom, may
from app_pages.alerts_view import Told, alerts_html, badge_html, channel_html, unread
from app_pages.context import PageContext
from app_pages.theme import current_mode
from app_pages.typed import as_typed
from ml_data.alert_journal import alerts_since, deliveries_since
from ml_data.store import Store
from ml_monitoring.alert_channels import Channel, channels_of
from trading.domain.words import shown_zone
from trading.errors import HubError, NotAllowed

_SHOWN = 30
_HEIGHT = 420
_LOOK_BACK = timedelta(days=7)
_NEW = timedelta(hours=24)


def told_by(store: Store, known_by: datetime) -> Told:
    """Return the newest alerts that had been raised by `known_by`, and how they were sent."""
    since = known_by - _LOOK_BACK
    known = [alert for alert in alerts_since(store, since) if alert.raised_at <= known_by]
    return Told(tuple(known[:_SHOWN]), deliveries_since(store, since))


def draw_alerts(context: PageContext) -> None:
    """Draw the bell; it looks for new alerts by itself, without drawing the page anew."""
    with st.container(key="alerts"):
        _bell(context)


@st.fragment(run_every="10s", key="bell")
def _bell(context: PageContext) -> None:
    now = context.clock.replay or datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    try:
        told = context.read(told_by, now, of="journal")
    except HubError as error:
        st.caption(f"Alerts cannot be read: {as_typed(str(error))}")
        return
    seen: datetime = st.session_state.setdefault("alerts_seen", datetime.now(UTC) - _NEW)
    channels = channels_of(context.settings.alerts, told.deliveries, datetime.now(UTC))
    zone = _zone(context)
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        st.html(badge_html(unread(told.alerts, seen), channels), width="content")
        # The label never changes: with another one it would be another popover, and a closed one.
        bell = st.popover(
            "Alerts", icon=":material/notifications:", type="tertiary", key="alerts_open", on_change="rerun"
        )
    with bell:
        if not bell.open:
            st.session_state["alerts_marked"] = seen
            return
        before: datetime = st.session_state.get("alerts_marked", seen)
        if told.alerts:
            st.session_state["alerts_seen"] = max(seen, *(each.raised_at for each in told.alerts))
            with st.container(height=_HEIGHT, border=False):
                st.html(alerts_html(told, zone, before, current_mode()))
        else:
            st.caption("No alert in the last seven days.")
        _channels(context, channels, zone)


def _channels(context: PageContext, channels: tuple[Channel, ...], zone: str) -> None:
    """Draw the channels, each with a button that sends a test to it."""
    if not channels:
        st.caption("No channel is set up: alerts are shown here alone. docs/alerts.md says how to get them elsewhere.")
    for channel in channels:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(channel_html(channel, current_mode()))
            if st.button("Test", key=f"test_{channel.name}", disabled=not may("test_alert")):
                _test(context, channel.name, zone)


def _test(context: PageContext, name: str, zone: str) -> None:
    from ml_scripts.alert_sending import send_test  # not before somebody asks

    try:
        by_whom("test_alert")
    except NotAllowed as error:
        st.toast(as_typed(str(error)), icon=":material/error:")
        return
    with st.spinner(f"Sending a test to {name}"):
        [sent] = send_test(context.store, context.settings, [name], zone, datetime.now(UTC))
    st.toast(sent.sentence, icon=":material/check:" if sent.error is None else ":material/error:")


def _zone(context: PageContext) -> str:
    if context.instrument is None:
        return "UTC"
    return shown_zone(context.settings.display.time_zone, context.instrument)
