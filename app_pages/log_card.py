"""The card of the forecast log on Model health: filters that live in the URL, the table, its sentence, its CSV."""

from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from app_pages import forecast_log as log
from app_pages.clock import wall_clock
from app_pages.context import PageContext, choose_zone
from app_pages.health_queries import forecast_log
from app_pages.label_words import words_of
from app_pages.panels.states import draw_no_match
from app_pages.prediction_card import draw_prediction
from trading.domain.instrument import Instrument
from trading.domain.label import Label

HEIGHT = 352


@st.fragment
def draw_log(
    context: PageContext, instrument: Instrument, label: Label, model: str, version: str | None, first: date | None
) -> None:
    """Draw the log of a window; a click on a filter runs this card alone."""
    with st.container(border=True):
        head = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
        head.markdown("**Forecast log**", width="content")
        with head:
            zone = choose_zone(context, instrument)
        chosen = _choose(instrument, label)
        replay = context.clock.replay
        whole: pd.DataFrame = context.read(
            forecast_log, instrument, model, version, first, replay, zone, st.context.timezone, of="journal"
        )
        shown = chosen.matching(whole)
        if shown.empty:
            draw_no_match(f"None of {len(whole):,} forecasts matches these filters: take one away.")
            return
        place = wall_clock(zone, instrument, st.context.timezone, shown["At"].iloc[0]).place
        chances = () if label.targets else log.columns(label)[2:4]
        percent = shown.assign(**{name: 100 * shown[name] for name in chances})
        order = [name for name in log.columns(label) if name != "Why" or (shown["Why"] != "").any()]
        picked = st.dataframe(
            percent,
            hide_index=True,
            height=HEIGHT,
            column_config=_columns(place, label),
            column_order=order,
            placeholder="–",
            on_select="rerun",
            selection_mode="single-row",
            key="log_rows",
        )
        foot = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
        foot.caption(log.shown_sentence(shown, whole, label), width="content")
        foot.download_button(
            "CSV", lambda: shown.to_csv(index=False), "forecasts.csv", "text/csv", icon=":material/download:"
        )

        rows = picked.selection.rows
        if rows and rows[0] < len(shown):
            draw_prediction(context, str(shown["Id"].iloc[rows[0]]))
        else:
            st.caption("Choose a row to see why it was said, and the past ranges that were most like it.")


def _choose(instrument: Instrument, label: Label) -> log.LogFilter:
    options = {
        "state": log.STATES,
        "range": log.range_labels(instrument),
        "side": log.advices(label),
        "result": tuple(log.RESULTS.values()),
    }
    with st.container(horizontal=True):
        state, ranges, side, result = (
            tuple(
                st.pills(
                    name.capitalize(),
                    values,
                    selection_mode="multi",
                    key=name,
                    bind="query-params",
                    label_visibility="collapsed",
                )
            )
            for name, values in options.items()
        )
    return log.LogFilter(state, ranges, side, result)


def _columns(place: str, label: Label) -> dict[str, Any]:
    column, number = st.column_config, st.column_config.NumberColumn(format="%+.3f")
    chance, walk = words_of(label).chance, label.walk.capitalize()
    said = dict.fromkeys((chance, walk, "Came"), number)
    if not label.targets:
        said = {
            chance: column.ProgressColumn(format="%.0f %%", min_value=0, max_value=100, width=150),
            walk: column.NumberColumn(f"{walk} {chance}", format="%.0f %%"),
        }
    return {
        "Made": column.DatetimeColumn(f"Made, {place}", format="YYYY-MM-DD HH:mm", width=150),
        "Range": column.TextColumn(width=70),
        **said,
        "Net R": column.NumberColumn(format="%+.2f"),
        "How": column.TextColumn(help="Replayed: asked of stored bars afterwards. Live: at the moment itself."),
    }
