"""Research: what breaks of opening ranges earned, by filter; and what of them can be told ahead at all."""

import logging
from typing import Final

import streamlit as st

from app_pages import research_view as view
from app_pages.charts import ranges_chart
from app_pages.context import PageContext, choose, draw_nothing_stored
from app_pages.models_queries import models_of, shelf_of
from app_pages.panels.states import draw_empty, draw_error
from app_pages.research_queries import GROUPINGS, SIZES, WEEKDAYS, Group, Question, groups_of
from app_pages.theme import current_mode, styled, tokens
from ml_models.published import PublishedVersion
from trading.domain.instrument import Instrument
from trading.domain.trade_rule import REFERENCE_RULE, TRADE_RULES
from trading.domain.words import range_label
from trading.errors import StoreError

ANY: Final = "any"
PERIODS: Final[dict[str, int | None]] = {"all": None, "3 y": 1096, "1 y": 365, "90 d": 90}
_R: Final = st.column_config.NumberColumn(format="%+.3f")


def draw(context: PageContext) -> None:
    """Draw the page."""
    instrument = context.instrument
    if instrument is None:
        draw_nothing_stored(context.settings.store_folder)
        return
    st.title("Research", anchor=False)
    try:
        _draw_trades(context, instrument)
    except StoreError as error:
        logging.getLogger("hub").exception("research")
        draw_error("The trades cannot be read", str(error), "Models go on without them.")
    with st.container(border=True):
        st.markdown("**What can be told ahead?** The newest version of each family, as it was trained")
        newest = _newest(context, instrument)
        st.dataframe(
            view.predictable_frame(newest, instrument.symbol), hide_index=True, height="content", placeholder="–"
        )
        st.caption(view.predictable_sentence(newest))


@st.fragment
def _draw_trades(context: PageContext, instrument: Instrument) -> None:
    with st.container(border=True):
        st.markdown("**What breaks earned**, R a trade")
        asked = _ask(context, instrument)
        groups: tuple[Group, ...] = context.read(groups_of, instrument, asked)
        if not groups:
            draw_empty(
                "No trade matches",
                "No break that had closed by then fits these filters: take one away. Without any, build the history: "
                f"`hub build --instrument {instrument.symbol}`.",
            )
            return
        left, right = st.columns([0.62, 0.38])
        number = st.column_config.NumberColumn
        columns = {
            "worth": number(format="%.0f", help="How many independent trades these n are worth."),
            "Won": number(format="%.1f %%", help="Target touched before the stop, in time."),
            **dict.fromkeys(("Gross R", "Costs R", "Net R"), _R),
        }
        left.dataframe(view.group_frame(groups), hide_index=True, height="content", column_config=columns)
        mode = current_mode()
        by_name = {each.name: each.net for each in groups}
        chart = ranges_chart(by_name, list(by_name), tokens(mode, context.up_down), "nothing", "net R a trade")
        figure = styled(chart.properties(height=max(200, 26 * len(groups) + 40)), mode, context.up_down).to_dict()
        right.vega_lite_chart(figure, theme=None, width="stretch", key=f"research_{asked!r}")
        st.caption(view.group_sentence(groups))


def _ask(context: PageContext, instrument: Instrument) -> Question:
    """Draw the filters, which live in the address, and return the question."""
    with st.container(horizontal=True):
        group = choose("by", "By", GROUPINGS, "range", lambda name: f"by {name}")
        period = choose("period", "Period", tuple(PERIODS), "all")
    with st.container(horizontal=True):
        rules = [rule.name for rule in TRADE_RULES]
        usual = rules.index(REFERENCE_RULE.name)
        rule = st.selectbox("Rule", rules, usual, key="trade_rule", bind="query-params", disabled=group == "rule")
        ranges = [ANY, *(rule.name for rule in instrument.opening_ranges)]
        orb = st.selectbox("Range", ranges, key="orb_filter", bind="query-params", format_func=range_label)
        side = st.selectbox("Direction", [ANY, "UP", "DOWN"], key="side", bind="query-params")
        weekday = st.selectbox("Weekday", [ANY, *WEEKDAYS], key="weekday", bind="query-params")
        size = st.selectbox("Size in ATR(14)", [ANY, *SIZES], key="size", bind="query-params")
    return Question(
        group=group,
        rule=None if group == "rule" else rule,
        orb=None if orb == ANY else orb,
        direction=None if side == ANY else side,
        weekday=None if weekday == ANY else WEEKDAYS.index(weekday) + 1,
        size=None if size == ANY else size,
        days=PERIODS[period],
        until=context.clock.replay,
    )


def _newest(context: PageContext, instrument: Instrument) -> dict[str, PublishedVersion | None]:
    """Return the newest readable version of each family; of rules the one that was published last."""
    found: dict[str, PublishedVersion | None] = {}
    for model in models_of(context.registry, instrument):
        published = next((row.published for row in shelf_of(context.registry, model) if row.published), None)
        if published is None:
            continue
        known = found.get(published.metadata.recipe)
        if known is None or known.version < published.version:
            found[published.metadata.recipe] = published
    return found
