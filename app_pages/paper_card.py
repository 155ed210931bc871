"""The paper orders of a model in auto on Model health: what was ordered, why, and what came of it after costs."""

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app_pages.breaker_banner import LATER
from app_pages.clock import WallClock
from app_pages.context import PageContext, shown_clock
from ml_data.paper_book import FILLED, NOT_FILLED, OPEN, VOID, paper_orders
from ml_models.intervals import mean_interval
from trading.domain.instrument import Instrument
from trading.domain.words import MINUS, price_text, r_text, range_label

_STATES = {FILLED: "● Filled", NOT_FILLED: "– Not filled", VOID: "∅ Void", OPEN: "… Open"}
_SHOWN = 8


def draw_paper(context: PageContext, instrument: Instrument, model: str) -> None:
    """Draw the newest orders and what all of them came to; nothing where a model has never ordered."""
    known_by: datetime = context.clock.replay or LATER
    rows: list[dict[str, Any]] = context.read(paper_orders, instrument.symbol, model, known_by, of="journal")
    if not rows:
        return
    with st.container(border=True):
        st.markdown("**Paper orders** of the stage auto, by the rules and after costs")
        st.caption(paper_sentence(rows, instrument.currency))
        wall = shown_clock(context, instrument, rows[-1]["placed_at"])
        st.dataframe(pd.DataFrame(paper_rows(rows[-_SHOWN:], wall, instrument)), hide_index=True, placeholder="–")


def paper_sentence(rows: list[dict[str, Any]], currency: str) -> str:
    """Return what the orders came to: how many, what they earned, and the mean with its interval by day."""
    filled = [row for row in rows if row["state"] == FILLED]
    waiting = sum(row["state"] == OPEN for row in rows)
    counted = f"{len(rows):,} orders: {len(filled):,} filled, {waiting:,} open."
    if not filled:
        return counted
    days = np.array([row["trading_day"] for row in filled], dtype="datetime64[D]")
    mean = mean_interval(np.array([row["r_net"] for row in filled], dtype=np.float64), days)
    money = sum(row["money"] for row in filled)
    earned = f"{r_text(sum(row['r_net'] for row in filled))} net, {money:+,.0f} {currency}".replace("-", MINUS)
    if np.isnan(mean.low):
        return f"{counted} {earned}; too few days for an interval."
    low, high = r_text(mean.low), r_text(mean.high)
    return f"{counted} {earned}; {r_text(mean.value)} a trade ({low} to {high}, n {mean.n:,} on {mean.days:,} days)."


def paper_rows(rows: list[dict[str, Any]], wall: WallClock, instrument: Instrument) -> list[dict[str, object]]:
    """Return one row an order, the newest first."""
    return [
        {
            "Placed": wall.day_hm(row["placed_at"]),
            "Range": range_label(row["orb"]),
            "Side": {"UP": "▲ Long", "DOWN": "▼ Short"}[row["side"]],
            "Lots": row["lots"],
            "State": _STATES[row["state"]],
            "Entry": None if row["entry"] is None else price_text(instrument, row["entry"]),
            "Exit": None if row["exit_price"] is None else price_text(instrument, row["exit_price"]),
            "Net R": None if row["r_net"] is None else r_text(row["r_net"]),
            "Money": None if row["money"] is None else f"{row['money']:+,.0f}".replace("-", MINUS),
            "Reason": row["reason"],
        }
        for row in reversed(rows)
    ]
