"""Today: what is the market, what now, what does the model say, how old are the data. In the order of a trader's look.

The page computes nothing: `queries` reads what was known at the clock, `today_view` and its neighbours make values of
it, and the panels draw them.
"""

import logging

import pandas as pd
import streamlit as st

from app_pages.clock import WallClock
from app_pages.context import PageContext, choose, choose_zone, draw_nothing_stored, set_choice, shown_clock, turn_to
from app_pages.loop_card import draw_loop_now, followed
from app_pages.panels.decision import draw_decision
from app_pages.panels.states import draw_empty, draw_error, draw_stale
from app_pages.panels.strip import draw_strip
from app_pages.price_chart import draw_price_chart
from app_pages.queries import today_at
from app_pages.today_model import draw_model_card, forecasts
from app_pages.today_scene import day_scene, gathered
from app_pages.today_view import TodayView, within_limit
from app_pages.today_words import (
    age_sentence,
    decision,
    hole_sentence,
    is_stale,
    opening_sentence,
    rule_note,
    strip_cells,
    table_rows,
)
from trading.domain.instrument import Instrument
from trading.domain.trade_rule import REFERENCE_RULE, TRADE_RULES, TradeRule
from trading.domain.words import range_label
from trading.errors import BadSettings, HubError, NothingStored

_BARS = ("1m", "5m", "15m")
_CHART_HEIGHT = 496


def draw(context: PageContext) -> None:
    """Draw the page."""
    if context.instrument is None:
        draw_nothing_stored(context.settings.store_folder)
        return
    _today(context, context.instrument, _rule(st.query_params.get("rule")))


@st.fragment(run_every="5s", key="today")
def _today(context: PageContext, instrument: Instrument, rule: TradeRule) -> None:
    """Draw everything anew; what it reads is kept until the store's change stamp or the minute changes."""
    stale = context.settings.ml.stale_minutes
    try:
        with st.skeleton(height=58), st.skeleton(height=44), st.skeleton(height=560), st.skeleton(height=270):
            view = context.read(today_at, instrument, context.clock.now(), stale, rule)
            view = within_limit(view, context.settings.account.max_day_loss_r)
        st.session_state["view"] = view
    except NothingStored as error:
        draw_empty("Nothing to show yet", str(error))
        return
    except HubError as error:
        logging.getLogger("hub").exception("today of %s", instrument.symbol)
        if "view" not in st.session_state:
            draw_error("Could not read the store", str(error), "The other pages may still work.")
            return
        view = st.session_state["view"]
        draw_error("Could not read the store", str(error), f"The page shows the copy of {view.clock:%H:%M} UTC.")
    _pick_box(view)
    wall = shown_clock(context, instrument, view.starts_at)
    said = forecasts(context, view)
    draw_strip(strip_cells(view, wall, is_replay=context.clock.is_replay, stale_minutes=stale))
    draw_decision(*decision(view, wall, stale), rule_note(rule), said.voice(view))
    if is_stale(view, stale) and (context.clock.is_replay or not instrument.synthetic):  # the demo follows no feed
        draw_stale(
            "The feed is behind", age_sentence(view, wall, followed(context)), action="Try again now", key="again"
        )
    draw_loop_now(context)
    with_model = context.settings.ml.enabled
    left, right = st.columns([0.735, 0.265]) if with_model else (st.container(), None)
    table = st.container(border=True)
    with left.container(border=True, height="stretch"):
        selected = _chart_card(context, view, wall, said.prob_up)
    with table:
        st.markdown("**Opening ranges of the day**")
        _table(view, said.prob_up)
        if (hole := hole_sentence(view)) is not None:
            st.caption(hole)
    if right is not None:
        with right.container(border=True, height="stretch"):
            draw_model_card(context, view, view.range(selected), said, wall)
    if context.clock.is_replay:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Replay: nothing after {wall.day_hm(view.clock)} {wall.label} is used here.", width="content")
            if st.button("Show the present", key="present", type="tertiary"):
                turn_to(None)


def _chart_card(context: PageContext, view: TodayView, wall: WallClock, prob_up: dict[str, float]) -> str:
    """Draw the pickers and the chart; return the range that is selected."""
    with st.container(horizontal=True):
        selected = choose("orb", "Range", _names(view), view.current_range, range_label)
        minutes = int(choose("bars", "Bars", _BARS, _BARS[0]).removesuffix("m"))
        st.space("stretch")
        choose_zone(context, view.instrument)
    if not view.traded and draw_empty(
        "Waiting for the open", opening_sentence(view, wall), action="Open last day", key="last"
    ):
        turn_to(str(view.previous_day))
    if not view.frame.num_rows:
        return selected
    scene = day_scene(view, wall, minutes, selected, prob_up, context.up_down)
    draw_price_chart(gathered(view.frame, minutes, wall), scene, key="chart", height=_CHART_HEIGHT)
    return selected


def _table(view: TodayView, prob_up: dict[str, float]) -> None:
    rows = pd.DataFrame(table_rows(view, prob_up))
    st.dataframe(
        rows,
        hide_index=True,
        key="ranges",
        on_select=lambda: _pick_row(view),
        selection_mode="single-cell",
        placeholder="–",
        column_config={
            "P(up)": st.column_config.ProgressColumn(format="%.0f%%", min_value=0, max_value=100),
            **{name: st.column_config.TextColumn(alignment="right") for name in rows.columns[3:10]},
            "Result, net": st.column_config.TextColumn(alignment="right"),
        },
    )


def _names(view: TodayView) -> list[str]:
    return [each.name for each in view.ranges]


def _pick_row(view: TodayView) -> None:
    cells = st.session_state["ranges"]["selection"]["cells"]
    if cells:
        set_choice("orb", _names(view)[cells[0][0]], view.current_range)


def _pick_box(view: TodayView) -> None:
    """Take the range whose box was clicked on the chart since the last run."""
    picked = (st.session_state.get("chart") or {}).get("picked_range")
    if picked in _names(view):
        set_choice("orb", picked, view.current_range)


def _rule(name: str | None) -> TradeRule:
    for rule in TRADE_RULES:
        if name in (rule.name, None) and (name or rule == REFERENCE_RULE):
            return rule
    raise BadSettings(f"rule={name} is not a trade rule. There are {', '.join(each.name for each in TRADE_RULES)}.")
