"""The questions that Today asks the store: each takes the store and a moment, and returns frozen values."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from app_pages.today_said import Said, heard_in, said_by_model
from app_pages.today_view import Moment, TodayView, today_view
from ml_data.build import read_bars
from ml_data.event_view import event_window
from ml_data.history import continue_history
from ml_data.history_tables import definitions_hash
from ml_data.journal import judged_predictions, prediction, reasons_of
from ml_data.quality import range_hole
from ml_data.stage_history import stage_at, stage_changes, stage_of
from ml_data.store import Store, sql
from ml_data.stored_quality import shares_before
from trading.domain.calendar import (
    as_date,
    calendar_day_of,
    day_spans,
    day_windows,
    expected_minutes,
    from_minute,
    to_minute,
    trading_days,
)
from trading.domain.instrument import Instrument
from trading.domain.trade_rule import TradeRule
from trading.errors import NothingStored, Refused

if TYPE_CHECKING:
    from app_pages.today_card import Record
    from app_pages.today_insight import NumbersRecord
    from ml_models.model_registry import ModelRegistry

_LOOK_AHEAD = timedelta(days=10)
"""How far ahead the next range may lie: over the longest run of holidays."""


def today_at(store: Store, instrument: Instrument, clock: datetime, stale_minutes: int, rule: TradeRule) -> TodayView:
    """Return the trading day as it stood at `clock` (UTC): from bars that had closed by then, and from nothing else.

    Stored ranges and trades know their day's future, so they are not read: the same pass that builds them runs over the
    bars up to the clock. `stale_minutes` is how many open minutes may pass without a bar before the feed is behind.

    Raises
    ------
    NothingStored
        when no bar had closed by `clock`, or history is not built up to the day; the message names the command.
    """
    now = to_minute(clock)
    symbol = instrument.symbol
    with store.market() as cursor:
        parameters = {"instrument": symbol, "before": from_minute(now)}
        newest = cursor.execute(sql("newest_bar"), parameters).fetchall()[0][0]
    if newest is None:
        raise NothingStored(f"{symbol}: no bar had closed by {clock:%Y-%m-%d %H:%M} UTC. Choose a later clock.")
    through = to_minute(newest) + 1
    day = shown_day(instrument, now, through, stale_minutes)
    _, since = event_window(instrument, day)
    bars = read_bars(store, instrument, since, from_minute(now))
    before = contract_before(store, instrument, day)
    history = continue_history(
        bars, instrument, day, before, known_through(instrument, day, now, through, stale_minutes)
    )
    moment = Moment(
        clock=from_minute(now),
        through=from_minute(through),
        missed=open_minutes(instrument, through, now),
        is_open=open_minutes(instrument, now, now + 1) > 0,
        next_range=next_range(instrument, now),
        previous_day=as_date(trading_days(instrument, day - timedelta(days=7), day - timedelta(days=1))[-1]),
    )
    return _with_holes(store, today_view(history, rule, moment))


def _with_holes(store: Store, view: TodayView) -> TodayView:
    """Say of each complete range that lacks minutes whether they usually have a bar; most days no range does."""
    if not any(each.lacks for each in view.ranges):
        return view
    shares = shares_before(store, view.instrument, view.day)
    ranges = tuple(
        replace(each, over_hole=range_hole(each.lacks, shares.at(view.day, each.starts_at))) for each in view.ranges
    )
    return replace(view, ranges=ranges)


def contract_before(store: Store, instrument: Instrument, day: date) -> str | None:
    """Return the contract of the trading day before `day`; None when no bar is stored before it.

    Raises
    ------
    NothingStored
        when there are bars before `day` that history is not built from, so that nobody knows the contract.
    """
    symbol = instrument.symbol
    starts = from_minute(int(day_spans(instrument, np.array([day], dtype="datetime64[D]"))[0][0]))
    with store.market() as cursor:
        newest = cursor.execute(sql("newest_bar"), {"instrument": symbol, "before": starts}).fetchall()[0][0]
        state = cursor.execute(sql("history_state"), {"instrument": symbol}).fetchall()
        dirty = cursor.execute(sql("history_dirty"), {"instrument": symbol}).fetchall()
        rows = cursor.execute(sql("contract_before"), {"instrument": symbol, "trading_day": day}).fetchall()
    if newest is None:
        return None
    built = bool(state) and state[0][1] == definitions_hash(instrument) and state[0][0] > newest
    if not built or any(since < starts for since, *_ in dirty):
        raise NothingStored(
            f"{symbol}: history is not built from all stored bars. Run: hub build --instrument {symbol}"
        )
    return str(rows[0][0]) if rows else None


def shown_day(instrument: Instrument, now: int, through: int, stale_minutes: int) -> date:
    """Return the trading day to show at minute `now`, when bars are known up to minute `through`.

    The last one that has begun, if it has a bar or may still get its first; else that of the newest bar.
    """
    edges = calendar_day_of(instrument, np.array([through - 1, now], dtype=np.int64))
    days = trading_days(instrument, as_date(edges[0]) - timedelta(days=7), as_date(edges[1]))
    windows = day_windows(instrument, days)
    start = int(windows.starts[-1])
    awaited = not windows.holiday[-1] and open_minutes(instrument, max(start, through), now) <= stale_minutes
    if through > start or awaited:
        return as_date(days[-1])
    return as_date(days[days <= edges[0]][-1])


def known_through(instrument: Instrument, day: date, now: int, through: int, stale_minutes: int) -> int:
    """Return the minute up to which the bars of `day` are known: `through`, or its close when that has passed.

    The last minutes of a day need not trade. When the close is over and no more than `stale_minutes` open minutes
    before it are without a bar, nothing more can come.
    """
    windows = day_windows(instrument, np.array([day], dtype="datetime64[D]"))
    start, closes = int(windows.starts[0]), int(windows.closes[0])
    if now >= closes + stale_minutes and open_minutes(instrument, through, closes) <= stale_minutes:
        return max(through, closes)
    return max(through, start + 1)


def open_minutes(instrument: Instrument, since: int, until: int) -> int:
    """Return how many of the minutes in `[since, until)` the exchange is open."""
    edges = np.array([since, until], dtype=np.int64)
    return int(expected_minutes(instrument, edges[:1], edges[1:])[0])


def next_range(instrument: Instrument, now: int) -> tuple[str, datetime] | None:
    """Return the name and start of the next opening range that begins at or after minute `now`; None: none in sight."""
    today = as_date(calendar_day_of(instrument, np.array([now], dtype=np.int64))[0])
    windows = day_windows(instrument, trading_days(instrument, today, today + _LOOK_AHEAD))
    closed = windows.holiday[:, None] | (
        (windows.range_starts >= windows.closed_from[:, None]) & (windows.range_starts < windows.closed_until[:, None])
    )
    starts = np.where((windows.range_starts >= now) & ~closed, windows.range_starts, np.iinfo(np.int64).max)
    if starts.size == 0 or starts.min() == np.iinfo(np.int64).max:
        return None
    opening = int(np.argmin(starts.min(axis=0)))
    return instrument.opening_ranges[opening].name, from_minute(int(starts.min()))


def said_at(store: Store, symbol: str, day: date, clock: datetime, replay: bool = True) -> dict[str, tuple[Said, ...]]:
    """Return by model what was stored of the ranges of `day` by `clock`, the newest version's answer for each.

    Each is in the stage that it may be heard in at `clock`; at the present (no `replay`) also by what was written last.
    """
    stored = said_by_model(judged_predictions(store, instrument=symbol, first=day, last=day, known_by=clock))
    stage_then = stage_at if replay else stage_of
    changes = {model: stage_changes(store, model) for model in stored}
    return {
        model: tuple(heard_in(said, stage_then(changes[model], said.version, clock)) for said in each)
        for model, each in stored.items()
    }


def record_at(store: Store, symbol: str, model: str, said: Said, clock: datetime) -> "Record":
    """Return why `said` is what it is, and what earlier forecasts came to, as far as it was known at `clock`."""
    from app_pages.today_card import record_before  # with it come the scores, for which the first paint does not wait

    row = prediction(store, said.prediction_id) or {}
    reasons = reasons_of(row["features"], row["reasons"], row["schema_hash"]) if row.get("reasons") else ()
    known = judged_predictions(store, instrument=symbol, model=model, version=said.version, known_by=clock)
    return record_before(known, said, reasons)


def numbers_record_at(store: Store, symbol: str, model: str, said: Said, clock: datetime) -> "NumbersRecord":
    """Return what earlier answers of numbers of the version of `said` came to, as far as it was known at `clock`."""
    from app_pages.today_insight import numbers_before

    return numbers_before(
        judged_predictions(store, instrument=symbol, model=model, version=said.version, known_by=clock), said
    )


def why_unasked(
    store: Store, registry: "ModelRegistry", instrument: Instrument, model: str, day: date, orb: str
) -> str | None:
    """Return why the model would not answer for a complete range of `day`; None when it would, but was not asked."""
    from ml_inference.inference_engine import MLInferenceEngine  # with it comes LightGBM
    from ml_inference.shadow import decision_moments

    event = next(each for each in decision_moments(instrument, day, day) if each.orb == orb)
    engine = MLInferenceEngine(store, registry, instrument, model=model, clock=lambda: event.decided_at)
    try:
        row = engine.predict(event)
    except Refused as refused:
        return str(refused)
    return None if row.refusal is None else row.refusal.reason
