"""The card of champion and challengers on Model health: each version beside the champion, on the very same events."""

import math
from datetime import date, datetime

import pandas as pd
import streamlit as st

from app_pages.context import PageContext
from app_pages.health_queries import journal_rows
from app_pages.health_view import SHAPES, marked, plain
from app_pages.health_window import since
from app_pages.models_view import state_of
from ml_data.store import Store
from ml_models.intervals import Estimate
from ml_monitoring.challengers import Challenge, challenge, champion_of
from ml_monitoring.comparison import NET_R
from trading.domain.instrument import Instrument


def draw_challengers(
    context: PageContext, instrument: Instrument, model: str, first: date | None, replay: datetime | None
) -> None:
    """Draw the card; it names how a challenger comes to be where there is none."""
    found: Challenge | None = context.read(challengers, instrument.symbol, model, first, replay, of="journal")
    with st.container(border=True):
        st.markdown("**Champion and challengers**, on the events that both answered, paired by event")
        if found is None:
            st.caption(
                "… No other version answered the champion's events in this window. One that is pointed at as a "
                f"challenger answers them too, in the dark: `hub models promote {model} VERSION --alias challenger-1 "
                "--why REASON`."
            )
            return
        st.dataframe(challenge_frame(found), hide_index=True, height="content", placeholder="–")
        st.caption(marked(found.verdict))


def challengers(
    store: Store, symbol: str, model: str, first: date | None, known_by: datetime | None
) -> Challenge | None:
    """Return how the versions did beside the champion from `first` on, as the journal stood at `known_by`."""
    rows = since(journal_rows(store, symbol, model, None, known_by), first)
    champion = champion_of(rows)
    return None if champion is None else challenge(rows, champion)


def challenge_frame(found: Challenge) -> pd.DataFrame:
    """Return the challengers as a table: what each gained over the champion, n, days, the interval and what it says."""
    lines = []
    for each in found.comparisons:
        skill = next(iter(each.gains.values()))
        net = each.gains.get(NET_R)
        lines.append(
            {
                "Challenger": each.version,
                "": SHAPES[state_of(skill)],
                "n": skill.n,
                "days": skill.days,
                "Gain an event": _words(skill, "{:+.4f}"),
                "Net R an event with the advice": "–" if net is None else _words(net, "{:+.3f}"),
                "Answered alone": each.only_version,
                "Champion alone": each.only_other,
            }
        )
    return pd.DataFrame(lines)


def _words(found: Estimate, number: str) -> str:
    if math.isnan(found.low):
        return plain(f"{number.format(found.value)} (no interval)")
    return plain(f"{number.format(found.value)} ({number.format(found.low)} to {number.format(found.high)})")
