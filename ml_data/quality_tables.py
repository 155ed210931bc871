"""The public tables of what the bars leave open: `bar_hours`, `bar_silences`, `bar_doubts` (see docs/quality.md).

They state facts of each day's own contract and judge nothing: what a silence means depends on other days, and is asked
of `ml_data.quality`. A day's rows depend on bars up to its end and of the days before it, so a day built alone is the
same as one built with all others.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_data.bar_doubts import APART, BEFORE, DECIDED, Doubt, regular_steps, spikes_and_jumps
from ml_data.history import History
from trading.domain.calendar import Minutes, expected_minutes, holidays_kept
from trading.domain.instrument import Instrument

LEAST_SILENCE: Final = 4
"""Open minutes without a bar from which a silence is written down."""

LEAST_HOLE: Final = 7
"""Shorter silences are no holes anywhere, so nobody asks whether a holiday is kept."""

_DAY_AND_NIGHT: Final = 12 * 60
_LOOK_BACK: Final = APART + BEFORE - 1 + DECIDED
_MINUTE_US: Final = 60_000_000


def quality_tables(history: History) -> dict[str, pa.Table]:
    """Return the three tables, keyed by name, sorted by day and time."""
    own = _OwnBars(history)
    return {"bar_hours": _bar_hours(own), "bar_silences": _bar_silences(own), "bar_doubts": _bar_doubts(own)}


class _OwnBars:
    """The bars of each day's own contract within the day: `rows` of the history's bars and the `day` of each (index).

    `starts`, `ends` (n,) bound what is known of each day: its last one may not be over.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        windows = history.windows
        self.starts = windows.starts
        self.ends = np.maximum(np.minimum(windows.ends, history.through), windows.starts)
        minute = history.bars.minute
        first = [
            low + int(np.searchsorted(minute[low:high], start))
            for low, high, start in zip(history.row_from.tolist(), history.row_to.tolist(), self.starts, strict=True)
        ]
        counts = history.row_to - np.array(first, dtype=np.int64)
        self.first = np.array(first, dtype=np.int64)
        self.day = np.repeat(np.arange(len(counts)), counts)
        self.rows = np.arange(len(self.day)) + np.repeat(self.first - (np.cumsum(counts) - counts), counts)
        names = np.array([*history.bars.contracts, None], dtype=object)
        self.contracts = names[history.contracts.contract]

    @property
    def instrument(self) -> Instrument:
        """The instrument."""
        return self.history.instrument

    def keys(self, day: npt.NDArray[np.int64]) -> dict[str, Any]:
        """Return the columns that every table begins with, for rows of the days with these indexes."""
        return {
            "instrument": pa.repeat(pa.scalar(self.instrument.symbol), len(day)),
            "trading_day": pa.array(self.history.days[day]),
            "contract": pa.array(self.contracts[day], pa.string()),
        }


def _bar_hours(own: _OwnBars) -> pa.Table:
    first, last = own.starts // 60, (own.ends + 59) // 60
    counts = np.maximum(last - first, 0)
    day = np.repeat(np.arange(len(counts)), counts)
    begins = np.cumsum(counts) - counts
    hour = np.arange(len(day)) - np.repeat(begins - first, counts)
    bars = own.history.bars
    place = begins[own.day] + bars.minute[own.rows] // 60 - first[own.day]
    found = np.bincount(place, minlength=len(day))
    silent = np.bincount(place, bars.volume[own.rows] <= 0, minlength=len(day))
    since, until = np.maximum(hour * 60, own.starts[day]), np.minimum(hour * 60 + 60, own.ends[day])
    expected = expected_minutes(own.instrument, since, until)
    kept = (expected > 0) | (found > 0)
    table = pa.table(
        own.keys(day)
        | {
            "starts_at": _instants(hour * 60),
            "bars": pa.array(found.astype(np.int32)),
            "expected_bars": pa.array(expected.astype(np.int32)),
            "volume": pa.array(np.bincount(place, bars.volume[own.rows], minlength=len(day)).astype(np.float64)),
            "zero_volume": pa.array(silent.astype(np.int32)),
        }
    )
    return table.filter(pa.array(kept))


def _bar_silences(own: _OwnBars) -> pa.Table:
    minute = own.history.bars.minute[own.rows]
    n = len(own.starts)
    day = np.concatenate([own.day, np.arange(n)])
    stop = np.concatenate([minute, own.ends])  # each silence ends with a bar or with the day
    order = np.lexsort((stop, day))
    day, stop = day[order], stop[order]
    start = np.concatenate([[0], stop[:-1] + 1])
    opens = np.concatenate([[True], day[1:] != day[:-1]])[: len(day)]
    start = np.where(opens, own.starts[day], start)
    long = stop - start >= LEAST_SILENCE
    day, start, stop = day[long], start[long], stop[long]
    minutes = expected_minutes(own.instrument, start, stop)
    long = minutes >= LEAST_SILENCE
    day, start, stop, minutes = day[long], start[long], stop[long], minutes[long]
    at_edge = expected_minutes(own.instrument, start - 1, stop + 1) < stop - start + 2
    return pa.table(
        own.keys(day)
        | {
            "starts_at": _instants(start),
            "ends_at": _instants(stop),
            "minutes": pa.array(minutes.astype(np.int32)),
            "at_edge": pa.array(at_edge),
            "holiday": pa.array(_holidays(own, day, minutes), pa.string()),
        }
    )


def _holidays(own: _OwnBars, day: npt.NDArray[np.int64], minutes: Minutes) -> npt.NDArray[np.object_]:
    """Return where a holiday is kept on the day of each longer silence; London's say nothing of a market of the day."""
    names = np.full(len(day), None, dtype=object)
    long = np.flatnonzero(minutes >= LEAST_HOLE)
    if len(long):
        open_minutes = expected_minutes(own.instrument, own.starts[day[long]], own.history.windows.ends[day[long]])
        kept = holidays_kept(own.history.days[day[long]])
        by_day = open_minutes < _DAY_AND_NIGHT
        names[long] = [None if near and name == "London" else name for name, near in zip(kept, by_day, strict=True)]
    return names


def _bar_doubts(own: _OwnBars) -> pa.Table:
    bars, tick = own.history.bars, own.instrument.tick
    found = sorted(_doubts(own), key=lambda each: (each[0], each[1] + each[2].row))
    day = np.array([day for day, *_ in found], dtype=np.int64)
    row = np.array([base + doubt.row for _, base, doubt in found], dtype=np.int64)
    last = np.array([base + doubt.last_row for _, base, doubt in found], dtype=np.int64)
    prices = {name: np.round(getattr(bars, name)[row] * tick, 10) for name in ("open", "high", "low", "close")}
    return pa.table(
        own.keys(day)
        | {
            "kind": pa.array([doubt.kind for *_, doubt in found], pa.string()),
            "ts": _instants(bars.minute[row]),
            "last_ts": _instants(bars.minute[last]),
            **prices,
            "volume": bars.volume[row],
            "usual": pa.array([round(doubt.usual * tick, 10) for *_, doubt in found], pa.float64()),
            "bars": pa.array((last - row + 1).astype(np.int32)),
            "step_minutes": pa.array([doubt.step for *_, doubt in found], pa.int32()),
        }
    )


def _doubts(own: _OwnBars) -> Iterator[tuple[int, int, Doubt]]:
    """Yield each doubt with the index of the day on which it was known and the row from which its rows count.

    Of consecutive days in one contract all bars are asked at once, and those before that a spike is compared with. A
    spike or a jump is known with the last bar that it was compared with; regular steps are looked for day by day.
    """
    bars, contract, last = own.history.bars, own.history.contracts.contract, own.history.row_to
    edges = np.flatnonzero(np.diff(contract, prepend=-2, append=-2) != 0).tolist()
    for low, till in pairwise(edges):
        if contract[low] < 0 or last[till - 1] <= own.first[low]:
            continue
        base = max(int(bars.offsets[contract[low]]), int(own.first[low]) - _LOOK_BACK)
        rows = slice(base, int(last[till - 1]))
        highs, lows, closes = (values[rows].astype(np.float64) for values in (bars.high, bars.low, bars.close))
        for doubt in spikes_and_jumps(bars.minute[rows], highs, lows, closes, bars.volume[rows]):
            known = base + doubt.row + DECIDED
            day = low + int(np.searchsorted(own.first[low:till], known, side="right")) - 1
            if day >= low and known < last[day]:
                yield day, base, doubt
        for day in range(low, till):
            first = int(own.first[day])
            rows = slice(first, int(last[day]))
            for doubt in regular_steps(bars.minute[rows], bars.close[rows].astype(np.float64)):
                yield day, first, doubt


def _instants(minutes: Minutes) -> pa.Array:
    return pa.array(minutes * _MINUTE_US, pa.int64()).cast(pa.timestamp("us", tz="UTC"))
