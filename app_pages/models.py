"""Models: versions side by side, compared on the same events; what a version looked at; the champion; the card."""

import streamlit as st

from app_pages import model_charts as charts
from app_pages import models_view as view
from app_pages.context import PageContext, choose, draw_nothing_stored
from app_pages.health_view import marked, plain
from app_pages.label_words import model_title
from app_pages.model_learned import draw_learned
from app_pages.model_moves import draw_moves
from app_pages.models_queries import ShelfRow, answered_by, comparison, models_of, shelf_of
from app_pages.panels.states import draw_empty, draw_error
from app_pages.retrainings_card import draw_retrainings
from app_pages.theme import current_mode, styled, tokens
from ml_models.published import PublishedVersion
from trading.domain.instrument import Instrument
from trading.errors import StoreError

CARD_HEIGHT = 420


def draw(context: PageContext) -> None:
    """Draw the page."""
    instrument = context.instrument
    if instrument is None:
        draw_nothing_stored(context.settings.store_folder)
        return
    st.title("Models", anchor=False)
    names = models_of(context.registry, instrument)
    if not names:
        draw_empty(
            "No model is published yet",
            f"Train one: `hub train directional --instrument {instrument.symbol}`. It is audited, walked forward and "
            "published with its card in a minute or two; then load this page again.",
        )
        return
    model = names[0]
    if len(names) > 1:
        model = choose("model", "Model", names, names[0], lambda name: model_title(name, instrument.symbol))
    rows = shelf_of(context.registry, model)
    if not rows:
        draw_empty("No version is on this shelf", f"All of {model} were deleted. Train again to publish one.")
        return
    _draw_versions(context, instrument, model, rows)
    left, right = st.columns([0.56, 0.44])
    with left.container(border=True, height="stretch"):
        _draw_skill(context, rows)
    with right.container(border=True, height="stretch"):
        _draw_comparison(context, instrument, model, rows)
    with st.container(border=True):
        draw_retrainings(context, instrument, model)
    shown = _choose_version(rows)
    if shown is not None:
        draw_learned(context, instrument, shown)
    left, right = st.columns([0.56, 0.44])
    with left.container(border=True, height=CARD_HEIGHT):
        if shown is None:
            st.caption("✕ No version on this shelf can be read.")
        else:
            st.markdown(
                shown.card.replace("![", "\\!\\[")
                .replace("\n# ", "\n### ")
                .replace("# Model card", "#### Model card", 1)
            )
    with right.container(border=True, height="stretch"):
        st.markdown("**The champion**")
        draw_moves(context.registry, model, rows, replay=context.clock.replay is not None)


def _draw_versions(context: PageContext, instrument: Instrument, model: str, rows: tuple[ShelfRow, ...]) -> None:
    with st.container(border=True):
        st.markdown(f"**Versions**, {model}; as the shelf is now")
        try:
            answered = context.read(answered_by, instrument.symbol, model, context.clock.replay, of="journal")
        except StoreError as error:
            draw_error("The forecasts cannot be counted", str(error), "The shelf goes on without them.")
            answered = {}
        st.dataframe(view.version_frame(rows, answered), hide_index=True, height="content", placeholder="–")
        st.caption(view.shelf_sentence(rows))


def _draw_skill(context: PageContext, rows: tuple[ShelfRow, ...]) -> None:
    st.markdown("**Skill over the best baseline** (0), 95 % interval by trading day")
    mode = current_mode()
    chart = charts.versions_chart(rows, tokens(mode, context.up_down))
    published = [row.published for row in rows if row.published is not None]
    if chart is None or not published:
        st.caption("… No version was published with figures.")
        return
    st.vega_lite_chart(styled(chart, mode, context.up_down).to_dict(), theme=None, width="stretch")
    st.caption(view.skill_sentence(published))
    for sentence in view.told(published[0]):
        st.caption(sentence)


def _draw_comparison(context: PageContext, instrument: Instrument, model: str, rows: tuple[ShelfRow, ...]) -> None:
    st.markdown("**On identical events** of the journal, paired")
    names = [str(row.summary.version) for row in rows]
    if len(names) < 2:
        st.caption("… There is one version: train another and let both answer the same days to compare them.")
        return
    with st.container(horizontal=True):
        one = st.selectbox("Version", names, index=0, key="one", bind="query-params")
        others = [name for name in names if name != one]
        other = st.selectbox("against", others, index=0, key="other", bind="query-params")
    try:
        found = context.read(comparison, instrument.symbol, model, one, other, context.clock.replay, of="journal")
    except StoreError as error:
        draw_error("The forecasts cannot be read", str(error), "The shelf goes on without them.")
        return
    if found.gains:
        st.dataframe(
            view.comparison_frame(found),
            hide_index=True,
            height="content",
            column_config={"worth": st.column_config.NumberColumn(format="%.0f")},
        )
    st.caption(marked(found.verdict))
    st.caption(plain(view.left_out(found)))
    if not found.gains:
        st.caption(f"Let both answer the same days: `hub shadow --replay FROM TO --version {other}`.")


def _choose_version(rows: tuple[ShelfRow, ...]) -> PublishedVersion | None:
    known = {str(row.summary.version): row.published for row in rows if row.published is not None}
    if not known:
        return None
    if len(known) == 1:
        return next(iter(known.values()))
    with st.container(width=320):
        chosen = st.selectbox("Shown below", list(known), key="version", bind="query-params")
    return known[chosen]
