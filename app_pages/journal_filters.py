"""The filters of the Journal page: each lives in the address, so that a choice of rows can be kept and sent on."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final

import streamlit as st

from app_pages.context import PageContext
from app_pages.journal_view import RESULTS
from app_pages.label_words import ADVICES, model_title
from ml_data.actions import DEEDS
from ml_data.journal_log import LATE, NOTHING, LogFilter, LogOptions
from trading.domain.instrument import Instrument
from trading.domain.words import range_label

LIVE, REPLAYED = "live", "replayed"
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DID: Final = {
    **{name: name for name in DEEDS},
    NOTHING: "nothing noted in time",
    LATE: "noted after the outcome",
}
_FOLDED: Final = ("ranges", "weekdays", "advices", "did", "how", "stages", "roles", "versions", "since", "until")
"""The filters' names in the address, of those that are folded away until one of them is chosen."""


def choose_rows(context: PageContext, instrument: Instrument, options: LogOptions) -> LogFilter:
    """Draw the filters and return the choice."""
    ranges = tuple(rule.name for rule in instrument.opening_ranges if rule.name in options.orbs)
    with st.container(horizontal=True, vertical_alignment="center"):
        models = _several("models", options.models, lambda name: model_title(name, instrument.symbol))
        results = _several("results", tuple(RESULTS), RESULTS.__getitem__)
        text = st.text_input(
            "Text",
            key="text",
            bind="query-params",
            placeholder="id, version, reason",
            icon=":material/search:",
            label_visibility="collapsed",
            width=240,
        )
    opened = any(key in st.query_params for key in _FOLDED)
    with st.expander("More filters", expanded=opened, icon=":material/filter_list:"), st.container(horizontal=True):
        orbs = _several("ranges", ranges, range_label, title="Range")
        weekdays = _several("weekdays", WEEKDAYS[: max(options.weekdays, default=0)], title="Weekday")
        advices = _several("advices", options.advices, lambda name: ADVICES.get(name, name), title="Advice")
        did = _several("did", tuple(DID), DID.__getitem__, title="What I did")
        how = _several("how", (LIVE, REPLAYED), title="How", least=1)
        stages = _several("stages", options.stages, title="Stage", least=1)
        roles = _several("roles", options.roles, title="Role", least=1)
        versions = st.multiselect("Version", options.versions, key="versions", bind="query-params", width=320)
        since = _day("since", "From trading day", options)
        until = _day("until", "to", options)
    return LogFilter(
        instrument=instrument.symbol,
        models=models,
        versions=tuple(versions),
        roles=roles,
        stages=stages,
        replayed=how[0] == REPLAYED if len(how) == 1 else None,
        orbs=orbs,
        weekdays=tuple(WEEKDAYS.index(name) + 1 for name in weekdays),
        first=since,
        last=until,
        advices=advices,
        results=results,
        actions=did,
        text=text or "",
        known_by=context.clock.replay,
    )


def _several(
    key: str,
    options: Sequence[str],
    words: Callable[[str], str] = str,
    *,
    title: str = "",
    least: int = 2,
) -> tuple[str, ...]:
    """Draw pills of which several may be chosen, `?key=option` each; none where there is nothing to choose among."""
    if len(options) < least:
        return ()
    drawn = f"choose_{key}"

    def keep() -> None:
        st.query_params[key] = st.session_state[drawn]

    # Not bound by Streamlit: that would write the words of the page into the address, not the names of the journal.
    wanted = [name for name in options if name in st.query_params.get_all(key)]
    if st.session_state.get(drawn) != wanted:
        st.session_state[drawn] = wanted
    chosen = st.pills(
        title or key.capitalize(),
        options,
        selection_mode="multi",
        format_func=words,
        key=drawn,
        on_change=keep,
        label_visibility="visible" if title else "collapsed",
        wrap=True,
    )
    return tuple(chosen)


def _day(key: str, title: str, options: LogOptions) -> date | None:
    asked: Any = st.date_input(
        title,
        None,
        min_value=options.first_day,
        max_value=options.last_day,
        key=key,
        bind="query-params",
        format="YYYY-MM-DD",
        width=150,
    )
    return asked if isinstance(asked, date) else None
