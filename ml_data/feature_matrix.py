"""Features of events: discovery of the groups, the arrays behind them, the matrix.

Training, live inference, backtest and audit call `feature_matrix`; there is no other way to a feature.
"""

import hashlib
import importlib
import json
import pkgutil
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

import numpy as np
from numba import njit

from ml_data import features as feature_package
from ml_data.events import EventRows
from ml_data.features.base import HISTORY_DAYS, Feature, FeatureGroup, Floats, Inputs, Ints
from ml_data.features.calendar import calendar_columns
from ml_data.features.indicators import average_true_range
from ml_data.history import History
from ml_data.history_tables import trade_money
from ml_data.kernels import NO_TRADE, OPEN, first_at_or_after
from trading.domain.calendar import as_date, day_windows, from_minute, trading_days, wall_minutes
from trading.domain.trade_rule import REFERENCE_RULE, TRADE_RULES
from trading.errors import LawOfTimeBroken


@dataclass(frozen=True)
class FeatureMatrix:
    """Features of E events: `values` (E, F) float64, NaN where a feature is missing by its own rule.

    `newest_input` (E, G) is the minute at which each group's newest input was known; it never exceeds the event's.
    """

    names: tuple[str, ...]
    values: Floats
    newest_input: Ints

    @property
    def newest(self) -> Ints:
        """The minute at which the newest input of each event was known, shape (E,)."""
        result: Ints = self.newest_input.max(axis=1)
        return result


@lru_cache(maxsize=1)
def feature_groups() -> tuple[FeatureGroup, ...]:
    """Return the group of every module in `ml_data.features`, by module name: found, not listed."""
    names = sorted(module.name for module in pkgutil.iter_modules(feature_package.__path__) if module.name != "base")
    modules = [importlib.import_module(f"{feature_package.__name__}.{name}") for name in names]
    return tuple(module.GROUP for module in modules)


def features_of(groups: tuple[FeatureGroup, ...]) -> tuple[Feature, ...]:
    """Return the features of `groups` in the order of the matrix's columns."""
    return tuple(feature for group in groups for feature in group.features)


def schema_hash(groups: tuple[FeatureGroup, ...]) -> str:
    """Return a hash of names, units and meanings: what a model was trained on, it is asked with."""
    text = json.dumps([[feature.name, feature.unit, feature.doc, feature.missing] for feature in features_of(groups)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def feature_matrix(
    history: History, events: EventRows, groups: tuple[FeatureGroup, ...] | None = None
) -> FeatureMatrix:
    """Return the features of `events` (of `history`), computed group by group in one pass each.

    Raises
    ------
    LawOfTimeBroken
        when a group used something that was known only after its event.
    """
    groups = feature_groups() if groups is None else groups
    inputs = feature_inputs(history, events)
    values = np.full((len(events), sum(len(group.features) for group in groups)), np.nan)
    newest = np.zeros((len(events), len(groups)), dtype=np.int64)
    column = 0
    for index, group in enumerate(groups):
        out = np.full((len(events), len(group.features)), np.nan)
        group_newest = np.zeros(len(events), dtype=np.int64)
        group.compute(inputs, out, group_newest)
        values[:, column : column + len(group.features)] = out
        newest[:, index] = group_newest
        column += len(group.features)
    late = newest > events.decided[:, None]
    if late.any():
        event, group_index = np.argwhere(late)[0]
        raise LawOfTimeBroken(
            f"feature group {groups[group_index].name!r} used something known at "
            f"{from_minute(newest[event, group_index])} for an event decided at {from_minute(events.decided[event])}"
        )
    return FeatureMatrix(tuple(feature.name for feature in features_of(groups)), values, newest)


def feature_inputs(history: History, events: EventRows) -> Inputs:
    """Return the arrays that the groups read for `events`."""
    bars, windows = history.bars, history.windows
    contract = history.contracts.contract[events.day]
    memory = _memory_starts(history)[events.day]
    first_row = _rows(bars.minute, bars.offsets, contract, memory)
    now_row = _rows(bars.minute, bars.offsets, contract, events.decided)
    own = _own_days(history)
    own_first = _rows(own.starts, own.offsets, contract, memory)
    own_now = _rows(own.starts, own.offsets, contract, windows.starts[events.day])
    atr = np.empty(len(events))
    _average_true_ranges(own.high, own.low, own.close, own_first, own_now, atr)
    broke = history.break_rows >= 0
    return Inputs(
        minute=bars.minute,
        open=bars.open,
        high=bars.high,
        low=bars.low,
        close=bars.close,
        volume=bars.volume,
        first_row=first_row,
        now_row=now_row,
        decided=events.decided,
        day=events.day,
        opening=events.opening,
        atr=atr,
        own_first=own_first,
        own_now=own_now,
        own_high=own.high,
        own_low=own.low,
        own_close=own.close,
        own_until=own.until,
        day_starts=windows.starts,
        day_ends=windows.ends,
        session_starts=windows.session_starts,
        session_ends=windows.session_ends,
        range_starts=windows.range_starts,
        range_ends=windows.range_ends,
        range_prices=history.ranges.prices,
        range_volumes=history.ranges.volumes,
        range_counts=history.ranges.counts,
        range_complete=history.range_complete,
        directions=history.directions,
        break_minutes=np.where(broke, bars.minute[np.where(broke, history.break_rows, 0)], -1)
        if len(bars)
        else history.break_rows,
        reference_r=reference_r(history),
        calendar=calendar_columns(
            history.days[events.day],
            events.decided,
            windows.starts[events.day],
            events.opening,
            _days_since_traded(history)[events.day],
        ),
    )


def reference_r(history: History) -> Floats:
    """Return the gross R of the plain rule for each range, shape (n, O); NaN while open and without a trade."""
    trades = history.trades[:, :, TRADE_RULES.index(REFERENCE_RULE)]
    result = np.full(trades.shape[:2], np.nan)
    day, opening = np.nonzero((trades[..., 0] != NO_TRADE) & (trades[..., 0] != OPEN))
    rows = trades[day, opening]
    entry = history.bars.close[history.break_rows[day, opening]]
    _, gross, _ = trade_money(
        history.instrument, rows, history.directions[day, opening], entry, history.bars.close[rows[:, 1]]
    )
    result[day, opening] = gross
    return result


@dataclass(frozen=True)
class _OwnDays:
    """Daily values of every contract, contract by contract: `starts` is the day's first minute, `until` its last."""

    offsets: Ints
    starts: Ints
    high: Ints
    low: Ints
    close: Ints
    until: Ints


def _own_days(history: History) -> _OwnDays:
    """Return the daily highs, lows and closes of each contract on every trading day with bars in it."""
    bars = history.bars
    windows = history.windows
    if len(bars):
        # Days before the history's first, which a roll or a late start may need, belong to the table as well.
        first = from_minute(int(bars.minute.min())).date() - timedelta(days=1)
        days = trading_days(history.instrument, first, as_date(history.days[-1]))
        windows = day_windows(history.instrument, days) if len(days) != len(history.days) else windows
    size = len(windows.days) * len(bars.contracts)
    table = _OwnDays(
        offsets=np.zeros(len(bars.contracts) + 1, dtype=np.int64),
        starts=np.empty(size, dtype=np.int64),
        high=np.empty(size, dtype=np.int64),
        low=np.empty(size, dtype=np.int64),
        close=np.empty(size, dtype=np.int64),
        until=np.empty(size, dtype=np.int64),
    )
    _fill_own_days(
        bars.minute,
        bars.high,
        bars.low,
        bars.close,
        bars.offsets,
        windows.starts,
        windows.ends,
        table.offsets,
        table.starts,
        table.high,
        table.low,
        table.close,
        table.until,
    )
    return table


def _days_since_traded(history: History) -> Floats:
    """Return for each day the calendar days since the last trading day before it with bars; NaN without one."""
    ordinal = history.days.astype(np.int64).astype(np.float64)
    traded = history.row_to > history.row_from
    result = np.full(len(ordinal), np.nan)
    last = np.nan
    for index in range(len(ordinal)):
        result[index] = ordinal[index] - last
        if traded[index]:
            last = ordinal[index]
    return result


def _memory_starts(history: History) -> Ints:
    """Return the start of the trading day `HISTORY_DAYS` before each day of the history."""
    days = history.days
    if len(days) == 0:
        return np.empty(0, dtype=np.int64)
    instrument = history.instrument
    earliest = as_date(days[0]) - timedelta(days=7 * HISTORY_DAYS)
    every = trading_days(instrument, earliest, as_date(days[-1]))
    back = every[np.searchsorted(every, days) - HISTORY_DAYS]
    return wall_minutes(back, instrument.trading_day.starts, instrument.trading_day.zone)


def _rows(minute: Ints, offsets: Ints, contract: Ints, wanted: Ints) -> Ints:
    """Return for each event the first row of its contract whose minute is `wanted` or later."""
    rows = np.empty(len(wanted), dtype=np.int64)
    _find_rows(minute, offsets[contract], offsets[contract + 1], wanted, rows)
    return rows


@njit(cache=True, nogil=True)
def _find_rows(minute: Ints, low: Ints, high: Ints, wanted: Ints, rows: Ints) -> None:
    for event in range(len(wanted)):
        rows[event] = first_at_or_after(minute, low[event], high[event], wanted[event])


@njit(cache=True, nogil=True)
def _average_true_ranges(high: Ints, low: Ints, close: Ints, first: Ints, now: Ints, out: Floats) -> None:
    for event in range(len(out)):
        out[event] = average_true_range(high, low, close, first[event], now[event])


@njit(cache=True, nogil=True)
def _fill_own_days(
    minute: Ints,
    high: Ints,
    low: Ints,
    close: Ints,
    offsets: Ints,
    day_starts: Ints,
    day_ends: Ints,
    own_offsets: Ints,
    starts: Ints,
    tops: Ints,
    bottoms: Ints,
    closes: Ints,
    untils: Ints,
) -> None:
    count = 0
    for contract in range(len(offsets) - 1):
        row, stop = offsets[contract], offsets[contract + 1]
        for day in range(len(day_starts)):
            if row >= stop:
                break
            row = first_at_or_after(minute, row, stop, day_starts[day])
            if row >= stop or minute[row] >= day_ends[day]:
                continue
            starts[count] = day_starts[day]
            tops[count], bottoms[count] = high[row], low[row]
            while row < stop and minute[row] < day_ends[day]:
                tops[count] = max(tops[count], high[row])
                bottoms[count] = min(bottoms[count], low[row])
                closes[count] = close[row]
                untils[count] = minute[row] + 1
                row += 1
            count += 1
        own_offsets[contract + 1] = count
