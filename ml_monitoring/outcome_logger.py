"""Settlement: gives each prediction what really happened, as soon as the bars say it, by the one definition."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from ml_data.build import read_bars
from ml_data.events import EventRows
from ml_data.history import History, history_of_days
from ml_data.history_tables import definitions_hash
from ml_data.journal import OutcomeRow, append_outcomes, open_predictions
from ml_data.outcomes import PENDING, VOID, Outcomes, outcomes_of
from ml_data.rolls import ContractDays
from ml_data.store import Store, sql
from ml_monitoring.paper_broker import fill
from trading.domain.advice import takes_the_break
from trading.domain.calendar import Days, day_windows, from_minute, to_minute
from trading.domain.instrument import Instrument
from trading.domain.label import LABELS, ORB_COMPLETE, Label, label_named
from trading.domain.trade_rule import REFERENCE_RULE, rule_named

CHUNK_DAYS = 120
"""Trading days settled at a time, so that memory is bounded by a chunk and not by history."""

_SAID = ("advice", "advised_size", *(column for label in LABELS.values() for column in label.columns))
"""What an outcome is set against; a row may lack what its label does not say."""


@dataclass(frozen=True)
class SettleReport:
    """What settling came to: predictions that waited, and how many matured, turned void, and still wait.

    `corrected` counts outcomes settled earlier that bars which came in since have changed: each got a new revision.
    """

    looked_at: int
    matured: int
    void: int
    pending: int
    corrected: int = 0


@dataclass(frozen=True)
class Doubt:
    """Why a settled outcome is looked at again: `imports` brought bars late (None: the built history says otherwise).

    The outcome is that of its `revision`.
    """

    prediction_id: str
    revision: int
    imports: int | None


def settle(store: Store, instrument: Instrument, *, now: datetime, upheld: set[Doubt] | None = None) -> SettleReport:
    """Write the outcome of every prediction of `instrument` that is known by `now` and not yet in the journal.

    Outcomes are read from the stored bars of the prediction's own contract. Running it twice changes nothing. An
    outcome that the built history no longer agrees with, because bars were revised or came late, is looked at again.
    Whoever settles with every bar hands in `upheld`: late bars that left an outcome as it was are put into it, and not
    looked at again until more come late.
    """
    doubts = [each for each in _doubts(store, instrument) if upheld is None or each not in upheld]
    predictions = open_predictions(store, instrument.symbol, now, [each.prediction_id for each in doubts])
    through = _known_through(store, instrument, now)
    rows = [row for chunk in _chunks(predictions) for row in _outcomes(store, instrument, chunk, through)]
    written = append_outcomes(store, rows, now)
    if upheld is not None:
        found = {row.prediction_id for row in rows}
        upheld |= {each for each in doubts if each.imports is not None and each.prediction_id in found}
    fill(store, instrument, at=now)
    waiting = {str(each["prediction_id"]) for each in predictions if each["waits"]}
    first = [row for row in rows if row.prediction_id in waiting]
    void = sum(row.state == VOID for row in first)
    return SettleReport(len(waiting), len(first) - void, void, len(waiting) - len(first), written - len(first))


def _doubts(store: Store, instrument: Instrument) -> list[Doubt]:
    """Return the settled predictions whose outcome the bars may tell otherwise by now."""
    asked = {"instrument": instrument.symbol, "rule": REFERENCE_RULE.name}
    with store.market(), store.journal() as cursor:
        return [Doubt(*row) for row in cursor.execute(sql("doubted_outcomes"), asked).fetchall()]


def _known_through(store: Store, instrument: Instrument, now: datetime) -> int:
    """Return the minute up to which bars are stored, and had closed by `now`."""
    with store.market() as cursor:
        [(_, last)] = cursor.execute(sql("bar_bounds"), {"instrument": instrument.symbol}).fetchall()
    return 0 if last is None else min(to_minute(last) + 1, to_minute(now))


def _chunks(predictions: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield the predictions question by question and contract by contract, `CHUNK_DAYS` trading days at a time."""
    asked = [(str(each["label"]), str(each["rule"]), str(each["contract"])) for each in predictions]
    for question in sorted(set(asked)):
        mine = [each for each, of in zip(predictions, asked, strict=True) if of == question]
        days = sorted({each["trading_day"] for each in mine})
        for start in range(0, len(days), CHUNK_DAYS):
            chunk = set(days[start : start + CHUNK_DAYS])
            yield [each for each in mine if each["trading_day"] in chunk]


def outcomes_again(
    store: Store,
    instrument: Instrument,
    predictions: list[dict[str, Any]],
    *,
    now: datetime,
    bars_known_at: datetime | None = None,
) -> dict[str, OutcomeRow]:
    """Return by id what settling `predictions` would come to now; nothing is written.

    A prediction needs its id, event, contract, label and rule; advice and size only for `r_net_advised`, probabilities
    only for `correct`. With `bars_known_at` bars have the values that they had at that instant.
    """
    through = _known_through(store, instrument, now)
    whole = [{**dict.fromkeys(_SAID), **each} for each in predictions]
    return {
        row.prediction_id: row
        for chunk in _chunks(whole)
        for row in _outcomes(store, instrument, chunk, through, bars_known_at)
    }


def _outcomes(
    store: Store,
    instrument: Instrument,
    predictions: list[dict[str, Any]],
    through: int,
    bars_known_at: datetime | None = None,
) -> list[OutcomeRow]:
    """Return the outcomes of predictions of one question and contract that are known by the minute `through`."""
    names = [rule.name for rule in instrument.opening_ranges]
    asked = [each for each in predictions if each["orb"] in names]
    if not asked:
        return []
    days = np.array(sorted({each["trading_day"] for each in asked}), dtype="datetime64[D]")
    history = _history_of(store, instrument, str(asked[0]["contract"]), days, through, bars_known_at)
    day = np.searchsorted(days, np.array([each["trading_day"] for each in asked], dtype="datetime64[D]"))
    opening = np.array([names.index(each["orb"]) for each in asked])
    label = label_named(asked[0]["label"])
    rule = None if asked[0]["rule"] is None else rule_named(asked[0]["rule"])
    decided = np.array([to_minute(each["decided_at"]) for each in asked], dtype=np.int64)
    moments = history.windows.range_ends[day, opening] if label.event == ORB_COMPLETE else decided
    outcomes = outcomes_of(history, EventRows(day, opening, moments, label.event), label, rule)
    definitions = definitions_hash(instrument)
    return [
        replace(_row(label, prediction, outcomes, index), definitions_hash=definitions)
        for index, prediction in enumerate(asked)
        if outcomes.state[index] != PENDING and outcomes.known[index] <= through
    ]


def _history_of(
    store: Store, instrument: Instrument, contract: str, days: Days, through: int, bars_known_at: datetime | None
) -> History:
    """Return the history of single days in one contract."""
    windows = day_windows(instrument, days)
    since, until = int(windows.reaches_back.min()), min(int(windows.ends.max()), through)
    bars = read_bars(store, instrument, from_minute(since), from_minute(until), bars_known_at)
    index = bars.contracts.index(contract) if contract in bars.contracts else -1
    return history_of_days(
        bars,
        instrument,
        ContractDays(
            days=days,
            contract=np.full(len(days), index, dtype=np.int64),
            reason=("predicted",) * len(days),
            rolled=np.zeros(len(days), dtype=bool),
            volume_share=np.full(len(days), np.nan),
        ),
        through,
    )


def _row(label: Label, prediction: dict[str, object], outcomes: Outcomes, index: int) -> OutcomeRow:
    void = outcomes.state[index] == VOID
    actual = None if void or not label.classes else label.classes[int(outcomes.code[index])]
    said = _said(label, prediction)
    r_net = None if void or np.isnan(outcomes.r_net[index]) else float(outcomes.r_net[index])
    advice = None if prediction["advice"] is None else str(prediction["advice"])
    size = None if prediction["advised_size"] is None else float(str(prediction["advised_size"]))
    return OutcomeRow(
        prediction_id=str(prediction["prediction_id"]),
        state=str(outcomes.state[index]),
        actual=actual,
        correct=None if void or said is None else said == actual,
        r_net=r_net,
        r_net_advised=advised_r(advice, size, actual, r_net),
        known_at=from_minute(int(outcomes.known[index])),
        void_reason=outcomes.void_reason[index],
        actual_values=None if void or not label.targets else tuple(outcomes.values[index].tolist()),
    )


def advised_r(advice: str | None, size: float | None, actual: str | None, r_net: float | None) -> float | None:
    """Return the net R of a trade with the advice followed, of its `size` (None: the rule's); None without either.

    >>> advised_r("UP", None, "DOWN", 0.5), advised_r("TAKE", 0.5, None, -1.0), advised_r(None, None, "UP", 1.0)
    (0.0, -0.5, None)
    """
    if advice is None or r_net is None:
        return None
    return float(takes_the_break(advice, actual)) * (1.0 if size is None else size) * r_net


def _said(label: Label, prediction: dict[str, object]) -> str | None:
    """Return the class that the prediction called likeliest; None for a refusal."""
    probabilities = {
        name: prediction[column]
        for name, column in zip(label.classes, label.columns, strict=True)
        if isinstance(prediction[column], float)
    }
    return max(probabilities, key=lambda name: float(str(probabilities[name]))) if probabilities else None
