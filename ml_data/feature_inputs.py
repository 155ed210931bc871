"""The arrays behind the features of some events: bars, day tables and the own contract's daily values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numba import njit

from ml_data.bar_arrays import BarArrays
from ml_data.day_tables import DayTables
from ml_data.events import EventRows
from ml_data.features.base import HISTORY_DAYS, Floats, Inputs, Ints
from ml_data.features.calendar import calendar_columns
from ml_data.features.indicators import average_true_range
from ml_data.history_tables import costs_in_ticks
from ml_data.kernels import LOSS, first_at_or_after
from trading.domain.calendar import Days, as_date, day_spans, trading_days
from trading.domain.instrument import Instrument


@dataclass(frozen=True)
class OwnDays:
    """Daily values of contracts, contract by contract: `starts` is the day's first minute, `until` its last bar's end.

    Contract `k` owns the rows `offsets[k]` to `offsets[k + 1]`: none, unless an event trades in it.
    """

    offsets: Ints
    starts: Ints
    high: Ints
    low: Ints
    close: Ints
    until: Ints


@dataclass(frozen=True)
class Memory:
    """How far back each of E events may look: to the trading day `days` (E,), from the minute `since` (E,) on."""

    days: Days
    since: Ints


def memory_of(instrument: Instrument, days: Days) -> Memory:
    """Return the memory of events of `days` (E,)."""
    remembered = memory_days(instrument, days)
    return Memory(remembered, day_spans(instrument, remembered)[0])


def feature_inputs(
    bars: BarArrays,
    instrument: Instrument,
    tables: DayTables,
    own: OwnDays,
    contract: Ints,
    events: EventRows,
    memory: Memory | None = None,
) -> Inputs:
    """Return the arrays that the groups read for `events`, whose days are rows of `tables`.

    `contract` (E,) is each event's own contract as an index into those of `bars`. The tables and `own` must hold the
    `HISTORY_DAYS` trading days before an event, as far as there is history. `memory` is the events', where it is known
    already.
    """
    memory = memory_of(instrument, tables.days[events.day]) if memory is None else memory
    own_first = _rows(own.starts, own.offsets, contract, memory.since)
    own_now = _rows(own.starts, own.offsets, contract, tables.starts[events.day])
    atr = np.empty(len(events))
    _average_true_ranges(own.high, own.low, own.close, own_first, own_now, atr)
    now_row = _rows(bars.minute, bars.offsets, contract, events.decided)
    return Inputs(
        minute=bars.minute,
        open=bars.open,
        high=bars.high,
        low=bars.low,
        close=bars.close,
        volume=bars.volume,
        first_row=_rows(bars.minute, bars.offsets, contract, memory.since),
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
        day_starts=tables.starts,
        day_ends=tables.ends,
        session_starts=tables.session_starts,
        session_ends=tables.session_ends,
        range_starts=tables.range_starts,
        range_ends=tables.range_ends,
        range_prices=tables.range_prices,
        range_volumes=tables.range_volumes,
        range_counts=tables.range_counts,
        range_complete=tables.range_complete,
        directions=tables.directions,
        break_minutes=tables.break_minutes,
        reference_r=tables.reference_r,
        ahead=tables.ahead,
        ahead_ends=tables.ahead_ends,
        day_closes=tables.closes,
        rule_ends=tables.rule_ends,
        calendar=calendar_columns(
            tables.days[events.day],
            events.decided,
            tables.starts[events.day],
            events.opening,
            _days_since_traded(tables, events.day, memory.days),
        ),
        costs=_costs(bars, instrument, contract, now_row),
    )


def atr_before(bars: BarArrays, instrument: Instrument, days: Days, contracts: Sequence[str]) -> Floats:
    """Return the ATR(14) of each of `days` (n,) in its own contract of `contracts` (n,), in price units.

    The mean true range of the 14 days before it, as the feature `atr_14` has it; NaN where there is none.
    """
    atr = np.empty(len(days))
    if not len(days):
        return atr
    place = {name: number for number, name in enumerate(bars.contracts)}
    contract = np.array([place[name] for name in contracts], dtype=np.int64)
    own = own_days(bars, instrument, contract, days)
    first = _rows(own.starts, own.offsets, contract, memory_of(instrument, days).since)
    now = _rows(own.starts, own.offsets, contract, day_spans(instrument, days)[0])
    _average_true_ranges(own.high, own.low, own.close, first, now, atr)
    return atr * instrument.tick


def _costs(bars: BarArrays, instrument: Instrument, contract: Ints, now_row: Ints) -> Floats:
    """Return what a losing round trip entered at each event's last close costs, in ticks; NaN without a bar."""
    known = now_row > bars.offsets[contract]
    last = bars.close[np.where(known, now_row - 1, 0)] if len(bars) else now_row
    costs = costs_in_ticks(instrument, np.full(len(last), LOSS), last)
    return np.where(known, costs, np.nan)


def memory_days(instrument: Instrument, days: Days) -> Days:
    """Return for each event's day the trading day `HISTORY_DAYS` before it."""
    if len(days) == 0:
        return days
    earliest = as_date(days.min()) - timedelta(days=7 * HISTORY_DAYS)
    every = trading_days(instrument, earliest, as_date(days.max()))
    back: Days = every[np.searchsorted(every, days) - HISTORY_DAYS]
    return back


def _days_since_traded(tables: DayTables, day: Ints, remembered: Days) -> Floats:
    """Return for each event the calendar days since the last day with bars before its own; NaN: none is remembered."""
    ordinal = tables.days.astype(np.int64)
    last_traded = np.maximum.accumulate(np.where(tables.traded, ordinal, -1))
    before = np.where(day > 0, last_traded[day - 1], -1)
    since: Floats = np.where(before >= remembered.astype(np.int64), (ordinal[day] - before).astype(np.float64), np.nan)
    return since


def own_days(bars: BarArrays, instrument: Instrument, contract: Ints, days: Days) -> OwnDays:
    """Return the daily values that events of `days` may read, of each contract in `contract`.

    They go from the first day that the first event remembers to the last event's day.
    """
    used = np.unique(contract)
    starts = ends = np.empty(0, dtype=np.int64)
    if len(days):
        first = memory_days(instrument, days).min()
        starts, ends = day_spans(instrument, trading_days(instrument, as_date(first), as_date(days.max())))
    values = np.empty((5, len(starts) * len(used)), dtype=np.int64)
    offsets = np.zeros(len(bars.contracts) + 1, dtype=np.int64)
    _fill_own_days(bars.minute, bars.high, bars.low, bars.close, bars.offsets, used, starts, ends, offsets, values)
    return OwnDays(offsets, *values)


def _rows(minute: Ints, offsets: Ints, contract: Ints, wanted: Ints) -> Ints:
    """Return for each event the first row of its contract whose minute is `wanted` or later."""
    rows = np.empty(len(wanted), dtype=np.int64)
    _find_rows(minute, offsets, contract, wanted, rows)
    return rows


@njit(cache=True, nogil=True)
def _find_rows(minute: Ints, offsets: Ints, contract: Ints, wanted: Ints, rows: Ints) -> None:
    for event in range(len(wanted)):
        own = contract[event]
        rows[event] = first_at_or_after(minute, offsets[own], offsets[own + 1], wanted[event])


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
    used: Ints,
    day_starts: Ints,
    day_ends: Ints,
    own_offsets: Ints,
    values: Ints,
) -> None:
    """Write each used contract's days with bars: `values` (5, rows) are start, high, low, close, end of last bar."""
    count = 0
    for contract in used:
        row, stop = offsets[contract], offsets[contract + 1]
        for day in range(len(day_starts)):
            if row >= stop:
                break
            row = first_at_or_after(minute, row, stop, day_starts[day])
            if row >= stop or minute[row] >= day_ends[day]:
                continue
            top, bottom = high[row], low[row]
            while row < stop and minute[row] < day_ends[day]:
                top, bottom = max(top, high[row]), min(bottom, low[row])
                row += 1
            values[0, count] = day_starts[day]
            values[1, count] = top
            values[2, count] = bottom
            values[3, count] = close[row - 1]
            values[4, count] = minute[row - 1] + 1
            count += 1
        own_offsets[contract + 1 :] = count
