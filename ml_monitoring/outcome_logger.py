"""Settlement: gives each prediction what really happened, as soon as the bars say it, by the one definition."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa

from ml_data.build import read_bars
from ml_data.events import EventRows
from ml_data.history import History, history_of_days
from ml_data.journal import OutcomeRow, append_outcomes, judged_predictions
from ml_data.outcomes import PENDING, VOID, Outcomes, range_outcomes
from ml_data.rolls import ContractDays
from ml_data.store import Store
from ml_monitoring.judged import takes_the_break
from trading.domain.calendar import day_windows, from_minute, to_minute
from trading.domain.instrument import Instrument

DIRECTIONS = {1: "UP", -1: "DOWN", 0: "NONE"}
CHUNK_DAYS = 120
"""Trading days settled at a time, so that memory is bounded by a chunk and not by history."""


@dataclass(frozen=True)
class SettleReport:
    """What settling came to: predictions looked at, and how many matured, turned void, and still wait."""

    looked_at: int
    matured: int
    void: int
    pending: int


def settle(store: Store, instrument: Instrument, *, now: datetime) -> SettleReport:
    """Write the outcome of every prediction of `instrument` that is known by `now` and not yet in the journal.

    Outcomes are read from the stored bars of the prediction's own contract. Running it twice changes nothing.
    """
    waiting = judged_predictions(store, instrument=instrument.symbol, known_by=now)
    waiting = waiting.filter(pa.compute.equal(waiting["state"], PENDING))
    days = sorted(set(waiting["trading_day"].to_pylist()))
    rows: list[OutcomeRow] = []
    for start in range(0, len(days), CHUNK_DAYS):
        chunk = days[start : start + CHUNK_DAYS]
        mine = waiting.filter(pa.compute.is_in(waiting["trading_day"], pa.array(chunk, pa.date32())))
        rows += _outcomes(store, instrument, mine, now)
    append_outcomes(store, rows, now)
    void = sum(row.state == VOID for row in rows)
    return SettleReport(waiting.num_rows, len(rows) - void, void, waiting.num_rows - len(rows))


def _outcomes(store: Store, instrument: Instrument, waiting: pa.Table, now: datetime) -> list[OutcomeRow]:
    """Return the outcomes of the waiting predictions that are known by `now`."""
    columns = waiting.select(
        ["prediction_id", "trading_day", "orb", "contract", "advice", "prob_up", "prob_down", "prob_none"]
    ).to_pylist()
    history = _history_of(store, instrument, {row["trading_day"]: row["contract"] for row in columns}, now)
    names = [rule.name for rule in instrument.opening_ranges]
    day = np.array([int(np.searchsorted(history.days, np.datetime64(row["trading_day"]))) for row in columns])
    opening = np.array([names.index(row["orb"]) for row in columns])
    events = EventRows(day, opening, history.windows.range_ends[day, opening])
    outcomes = range_outcomes(history, events)
    return [
        _row(prediction, outcomes, index)
        for index, prediction in enumerate(columns)
        if outcomes.state[index] != PENDING and from_minute(int(outcomes.known[index])) <= now
    ]


def _history_of(store: Store, instrument: Instrument, contracts: dict[date, str], now: datetime) -> History:
    """Return the history of single days, each in the contract its predictions were made in."""
    days = np.array(sorted(contracts), dtype="datetime64[D]")
    windows = day_windows(instrument, days)
    since = from_minute(int(windows.reaches_back.min()))
    until = min(from_minute(int(windows.ends.max())) + timedelta(days=4), now)
    bars = read_bars(store, instrument, since, until)
    chosen = [
        bars.contracts.index(contracts[day]) if contracts[day] in bars.contracts else -1 for day in sorted(contracts)
    ]
    return history_of_days(
        bars,
        instrument,
        ContractDays(
            days=days,
            contract=np.array(chosen, dtype=np.int64),
            reason=("predicted",) * len(days),
            rolled=np.zeros(len(days), dtype=bool),
            volume_share=np.full(len(days), np.nan),
        ),
        min(bars.through, to_minute(now)),
    )


def _row(prediction: dict[str, object], outcomes: Outcomes, index: int) -> OutcomeRow:
    void = outcomes.state[index] == VOID
    actual = None if void else DIRECTIONS[int(outcomes.direction[index])]
    said = _said(prediction)
    r_net = None if void or np.isnan(outcomes.r_net[index]) else float(outcomes.r_net[index])
    advice = None if prediction["advice"] is None else str(prediction["advice"])
    return OutcomeRow(
        prediction_id=str(prediction["prediction_id"]),
        state=str(outcomes.state[index]),
        actual=actual,
        correct=None if void or said is None else said == actual,
        r_net=r_net,
        r_net_advised=None if advice is None or r_net is None else (r_net if takes_the_break(advice, actual) else 0.0),
        known_at=from_minute(int(outcomes.known[index])),
        void_reason=outcomes.void_reason[index],
    )


def _said(prediction: dict[str, object]) -> str | None:
    """Return the class that the prediction called likeliest; None for a refusal."""
    probabilities = {
        name: prediction[column]
        for name, column in (("UP", "prob_up"), ("DOWN", "prob_down"), ("NONE", "prob_none"))
        if isinstance(prediction[column], float)
    }
    return max(probabilities, key=lambda name: float(str(probabilities[name]))) if probabilities else None
