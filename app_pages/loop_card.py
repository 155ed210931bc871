"""What the process that follows feeds says of itself: on Today what is amiss now, on the Data page everything."""

from datetime import UTC, datetime
from typing import Any, Final

import pandas as pd
import streamlit as st

from app_pages.clock import WallClock
from app_pages.context import PageContext, shown_clock
from app_pages.panels.states import draw_stale
from app_pages.tables import draw_table
from app_pages.typed import as_typed
from ml_inference.live_state import LiveState, Trouble, live_path, read_state
from ml_inference.troubles import lasts, of_now
from ml_scripts.live_health import SILENT, health_of

COLUMNS: Final[dict[str, Any]] = {
    "State": None,
    "Market": None,
    "What": None,
    "Times": st.column_config.NumberColumn(format="localized"),
    "First": None,
    "Newest": None,
    "In words": st.column_config.TextColumn(width="large"),
}
_SHAPES: Final = {"good": "✓", "look": "…", "bad": "✕"}


def draw_loop_now(context: PageContext) -> None:
    """Say what keeps the live loop from its work, or did within the hour; nothing where none runs or all is well."""
    state = None if context.clock.is_replay else _state(context)
    if state is None or context.instrument is None:
        return
    now = datetime.now(UTC)
    lines = amiss(state, now, context.instrument.symbol, shown_clock(context, context.instrument, now))
    if lines:
        draw_stale("The live loop", as_typed("  \n".join(lines)))


def followed(context: PageContext) -> str | None:
    """Return the feed that the live loop follows now for the page's instrument; None without, and in a replay."""
    state = None if context.clock.is_replay else _state(context)
    if state is None or context.instrument is None:
        return None
    return feed_of(state, context.instrument.symbol, datetime.now(UTC))


def feed_of(state: LiveState, symbol: str, now: datetime) -> str | None:
    """Return the feed of `symbol` while the process lives and follows it."""
    each = state.follows.get(symbol)
    lives = state.ended_at is None and now - state.alive_at <= SILENT
    return each.feed if lives and each is not None and each.state == "following" else None


def draw_loop(context: PageContext) -> None:
    """Draw a card of all that the live loop has said of itself; nothing where none ever ran."""
    state = None if context.clock.is_replay else _state(context)
    if state is None or context.instrument is None:
        return
    now = datetime.now(UTC)
    with st.container(border=True):
        st.markdown("**The live loop**, by its own word")
        health = (f"{_SHAPES[each.state]} {each.what}: {each.sentence}" for each in health_of(state, now))
        st.caption(as_typed("  \n".join(health)))
        table = trouble_frame(state, now, shown_clock(context, context.instrument, now))
        draw_table(table, COLUMNS, "Nothing was amiss since it ran first.")


def amiss(state: LiveState, now: datetime, symbol: str, wall: WallClock) -> list[str]:
    """Return a sentence for all that concerns `symbol`: that the process is gone, what goes on, what has passed."""
    gone = [each.sentence for each in health_of(state, now) if each.state == "bad" and each.what == "live"]
    found = [each for each in of_now(state.troubles, now) if each.instrument in ("", symbol)]
    return [*gone, *(_line(each, wall) for each in found)]


def trouble_frame(state: LiveState, now: datetime, wall: WallClock) -> pd.DataFrame:
    """Return one row for each kind of trouble, what goes on first, then by its newest time."""
    going_on = of_now(state.troubles, now)
    rest = sorted(state.troubles.values(), key=lambda each: each.last_at, reverse=True)
    ordered = list(dict.fromkeys([*going_on, *rest]))
    return pd.DataFrame(
        {
            "State": [_words(each, wall) for each in ordered],
            "Market": [each.instrument or "all" for each in ordered],
            "What": [each.kind for each in ordered],
            "Times": [each.times for each in ordered],
            "First": [wall.day_hm(each.first_at) for each in ordered],
            "Newest": [wall.day_hm(each.last_at) for each in ordered],
            "In words": [each.sentence for each in ordered],
        }
    )


def _state(context: PageContext) -> LiveState | None:
    return read_state(live_path(context.store, "json"))


def _line(trouble: Trouble, wall: WallClock) -> str:
    often = f", {trouble.times:,} times since {wall.day_hm(trouble.first_at)}" if trouble.times > 1 else ""
    return f"{wall.day_hm(trouble.last_at)} {wall.label}, {trouble.kind}{often}: {trouble.sentence}"


def _words(trouble: Trouble, wall: WallClock) -> str:
    if trouble.over_at is not None:
        return f"✓ over since {wall.day_hm(trouble.over_at)}"
    return "✕ goes on" if lasts(trouble) else "· passed"
