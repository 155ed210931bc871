"""A page with the hub's parts on synthetic bars, for the browser tests and for looking at them.

Query parameters: `part` (empty, chart, day, days, first, panels, states, statistics; the chart without it),
`bars` (how many minutes of the day there are), `colours` (green_red).
"""

from dataclasses import replace

import altair as alt
import pandas as pd
import streamlit as st

from app_pages.panels.decision import draw_decision
from app_pages.panels.forecast_axis import ForecastAxis, draw_forecast
from app_pages.panels.reasons import Reason, draw_reasons
from app_pages.panels.states import draw_empty, draw_error, draw_loading, draw_stale
from app_pages.panels.strip import Cell, draw_figures, draw_strip
from app_pages.price_chart import draw_price_chart
from app_pages.style import use_style
from app_pages.theme import PAGE_ICON, current_mode, styled
from tests.browser.chart_scenes import daily_bars, daily_scene, day_bars, day_scene, in_minutes

st.set_page_config(page_title="Parts of the hub", page_icon=PAGE_ICON, layout="wide")
part = st.query_params.get("part", "chart")
up_down = st.query_params.get("colours", "blue_orange")
use_style(up_down)
st.session_state.setdefault("bars", int(st.query_params.get("bars", "861")))


def add_bar() -> None:
    st.session_state.bars += 1


@st.fragment
def chart() -> None:
    bars = day_bars(st.session_state.bars)
    with st.container(horizontal=True):
        name = st.segmented_control(
            "Range", ["0900", "1800", "2300"], default="2300", required=True, key="range", label_visibility="collapsed"
        )
        minutes = st.segmented_control(
            "Bars", [1, 5, 15], default=1, required=True, key="minutes", label_visibility="collapsed"
        )
        st.button("Add a bar", on_click=add_bar)
        st.button("Draw again")
    shown = in_minutes(bars, minutes)
    scene = day_scene(shown, minutes=minutes, selected=name, up_down=up_down)
    events = draw_price_chart(shown, scene, key="chart", height=440)
    st.session_state.drawn = st.session_state.get("drawn", 0) + 1
    st.caption(f"drawn {st.session_state.drawn} times; picked {events.picked_range or 'no range'}")


def card() -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown("**Model · 23:00**", width="content")
        st.badge("Shadow, not used", icon=":material/visibility_off:", color="gray")
    draw_forecast(ForecastAxis(forecast=0.383, break_even=0.40, count=1_356, came_to=0.389, low=0.373, high=0.406))
    draw_figures(
        [
            Cell("Expected", "−0.03R", "−0.07 to +0.02"),
            Cell("Risk, 1R", "$85", "8.5 pts a lot"),
            Cell("Size, $500", "5 lots", "$425 at risk"),
        ]
    )
    draw_reasons(
        [
            Reason("Range size", "0.12 ATR", 1.6),
            Reason("Day range so far", "0.68 ATR", -1.0),
            Reason("Volume in range", "2.6× day median", -1.0),
            Reason("Close within day range", "50%", 0.8),
        ]
    )
    st.caption("Stored 23:05:00, before the break · model v3")


def panels() -> None:
    draw_strip(
        [
            Cell("DEMO · Synthetic gold", "4,362.3", note="▲ 29.8 (+0.69%)", note_tone="up", lead=True),
            Cell("Session", "New York", "23:00–02:00 Brisbane"),
            Cell("Next range", "00:30", "in 1 h 10 min"),
            Cell("Day range", "42.8 pts", "0.68 of 14-day average"),
            Cell("Today", "+3.5R", "3 won · 1 lost · 1 open", tone="up"),
            Cell("Data", "Replay", "bar 23:20, no gaps", tone="good"),
        ]
    )
    draw_decision(
        "IN TRADE", "23:00 long from 4352.7 · now +1.02R · stop 4346.6 · target 4361.8", "Rule ORB-5 full stop, 1.5R"
    )
    left, right = st.columns([0.735, 0.265])
    with left.container(border=True):
        chart()
    with right.container(border=True):
        card()
    draw_decision("WAIT", "The 23:00 range is forming until 23:05 Brisbane")
    draw_decision("READY", "23:00 range complete: 4346.6 to 4352.2, no break yet", "expires 00:30 Brisbane")
    draw_decision("DONE", "All six ranges closed: +4.0R")
    favoured, against, few = st.columns(3)
    with favoured.container(border=True):
        draw_forecast(ForecastAxis(forecast=0.429, break_even=0.40, count=1_098, came_to=0.421, low=0.402, high=0.44))
    with against.container(border=True):
        draw_forecast(ForecastAxis(forecast=0.31, break_even=0.512, count=310, came_to=0.33, low=0.28, high=0.385))
    with few.container(border=True):
        draw_forecast(ForecastAxis(forecast=0.52, break_even=0.512, count=12))


def states() -> None:
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        st.markdown("**Empty**")
        draw_empty(
            "Waiting for the open",
            "No bars yet for 18 December. The market opens 09:00 Brisbane; the first range closes 09:05.",
            action="Open last complete day",
            key="last_day",
        )
    with right.container(border=True, height="stretch"):
        st.markdown("**Stale data**")
        frozen = "Last bar 22:51, nine minutes old. Prices, states and forecasts below are frozen at 22:51."
        draw_stale("Feed is behind", frozen, action="Try again now", key="again")
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        st.markdown("**Error**")
        draw_error(
            "Could not read new forecasts",
            "The store is held by another process (PID 4121, `hub ingest`).",
            "The page shows the copy of 23:05.",
        )
    with right.container(border=True, height="stretch"):
        st.markdown("**Loading**")
        draw_loading(120)


def statistics() -> None:
    rolling = pd.DataFrame({"day": pd.date_range("2025-01-01", periods=120)})
    rolling["skill"] = [0.03 * ((day * 37) % 23 - 11) / 11 for day in range(120)]
    rolling["low"], rolling["high"] = rolling["skill"] - 0.05, rolling["skill"] + 0.05
    base = alt.Chart(rolling).encode(x=alt.X("day:T", title=None))
    band = base.mark_area().encode(y=alt.Y("low:Q", title="skill, bits", axis=alt.Axis(format="+.2f")), y2="high:Q")
    zero = alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(strokeDash=[4, 3]).encode(y="zero:Q")
    chart = styled((band + base.mark_line().encode(y="skill:Q") + zero).properties(height=220), current_mode())
    with st.container(border=True):
        st.markdown("**Rolling skill** over the better baseline, 200 forecasts, 95% band")
        st.altair_chart(chart, theme=None, width="stretch")
        st.caption("The band holds zero on all 120 days: no skill is shown.")


if part == "empty":
    st.write("An empty page.")
elif part == "chart":
    with st.container(border=True):
        chart()
elif part == "day":
    bars = in_minutes(day_bars(1380), 5)
    draw_price_chart(bars, day_scene(bars, minutes=5, selected="1800", up_down=up_down), key="chart", height=440)
elif part == "first":
    if st.button("The market opens"):
        st.session_state.opened = True
    bars = day_bars(3 if st.session_state.get("opened") else 0)
    draw_price_chart(bars, replace(day_scene(day_bars(3), selected="0900"), last_price=None), key="chart", height=440)
elif part == "days":
    bars = daily_bars()
    draw_price_chart(bars, daily_scene(bars), key="chart", height=440)
elif part == "panels":
    panels()
elif part == "states":
    states()
elif part == "statistics":
    statistics()
