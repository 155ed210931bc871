"""Bars that can hardly be true: a lone spike, a jump of the level as a split leaves it, longer bars among minutes.

A doubt is told, never acted on: the bars stay as they came. Real crashes are none: prices that stay down, or come back
over more than two minutes, or whose neighbours move as well, or that traded many times the usual volume.

All bars asked are of one contract, sorted by `minute` (start, minutes since the Unix epoch); prices are float64 in any
one unit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["spike", "jump", "steps"]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

BEFORE: Final = 10
AFTER: Final = 5
APART: Final = 2
"""A bar is compared with the 10 bars that end 2 before it and the 5 that begin 2 after it, so that a fault of two
minutes does not hide itself."""

DECIDED: Final = APART + AFTER - 1
"""So many bars later nothing that follows changes what is said of a bar."""

MOST_DISTANCE: Final = 3 * 1440  # minutes to the farthest bar that is compared
_CLOSE_STEP: Final = 5  # minutes between bars that say something of each other
_CLOSE_STEPS: Final = 10  # of the 13 steps among the bars compared

_LEAST_SHARE: Final = 0.005  # of the price that a spike reaches beyond its neighbours, at the least
_LARGE_SHARE: Final = 0.02  # from here on its volume does not excuse it
_SCALES: Final = 10.0  # ranges of a usual bar
_REACHES: Final = 4.0  # ranges of the second largest bar near by
_LARGE_REACHES: Final = 3.0
_BUSY: Final = 8.0  # a bar that traded so many times the usual volume was a battle, not a mistake
_AT_ONCE: Final = 65_536

LEAST_JUMP: Final = 1.25
"""From one close to the next, up or down; the largest daily moves of an index are smaller, split ratios larger."""

_LONG_SILENCE: Final = 10 * 1440  # after which a level may have moved so far by trading alone
_RATIOS: Final = (1.5, 2, 3, 4, 5, 7, 8, 10, 15, 20, 25, 30, 50, 100, 1_000, 10_000, 100_000, 1_000_000)
_NEAR: Final = 0.04  # in logarithms: what a price moves meanwhile

LONGEST_STEP: Final = 60
LEAST_SURPRISE: Final = 25.0
"""Nats. Among one-minute bars a step of k minutes is met less often than once in k, so a run of n such steps has
n * ln(k) or more: 16 steps of five minutes, 37 of two."""


@dataclass(frozen=True)
class Doubt:
    """Something that can hardly be true, in rows `row` to `last_row` of the bars that were asked.

    `usual` is the price around a spike, or before a jump; `step` the minutes between bars of `steps`.
    """

    kind: Kind
    row: int
    last_row: int
    usual: float
    step: int


def spikes_and_jumps(minute: Ints, high: Floats, low: Floats, close: Floats, volume: Floats) -> list[Doubt]:
    """Return the spikes and jumps, by row. Nothing is said of a row before `DECIDED` more have followed."""
    spikes = [row for rows in _spikes(minute, high, low, close, volume) for row in rows.tolist()]
    found = [Doubt("spike", row, row, float(np.median(close[_around(row)])), 0) for row in spikes]
    spiky = set(spikes)
    with np.errstate(divide="ignore"):
        far = np.abs(np.log(close[1:] / close[:-1])) >= np.log(LEAST_JUMP)
    for row in (1 + np.flatnonzero(far)).tolist():
        after_silence = minute[row] - minute[row - 1] > _LONG_SILENCE
        unlikely = split_ratio(close[row - 1], close[row]) is not None or not after_silence
        if unlikely and not {row, row - 1} & spiky and row < len(minute) - DECIDED:
            found.append(Doubt("jump", row, row, float(close[row - 1]), 0))
    return sorted(found, key=lambda doubt: doubt.row)


def regular_steps(minute: Ints, close: Floats) -> list[Doubt]:
    """Return the runs of bars that start a regular 2 to 60 minutes after each other, too long to be chance."""
    steps = np.diff(minute)
    first = np.flatnonzero(np.diff(steps, prepend=-1) != 0)
    lengths = np.diff(np.append(first, len(steps)))
    step = steps[first]
    runs = (step > 1) & (step <= LONGEST_STEP)
    runs[runs] = lengths[runs] * np.log(step[runs]) >= LEAST_SURPRISE
    return [
        Doubt("steps", row, row + length, float(close[row]), each)
        for row, length, each in zip(first[runs].tolist(), lengths[runs].tolist(), step[runs].tolist(), strict=True)
    ]


def split_ratio(before: float, after: float) -> str | None:
    """Return the split that would make a price of `before` one of `after`, in words; None where none is near.

    >>> split_ratio(900.0, 300.5), split_ratio(8.0, 80.0), split_ratio(300.0, 201.0), split_ratio(100.0, 70.0)
    ('3 for 1', '1 for 10', '3 for 2', None)
    """
    ratio = before / after
    for known in _RATIOS:
        if abs(np.log(ratio / known)) <= _NEAR:
            return "3 for 2" if known == _RATIOS[0] else f"{known:,} for 1"
        if abs(np.log(ratio * known)) <= _NEAR:
            return "2 for 3" if known == _RATIOS[0] else f"1 for {known:,}"
    return None


def _around(rows: Ints | int) -> Ints:
    """Return the rows that bars are compared with: 10 before and 5 after, (..., 15)."""
    before = np.arange(1 - APART - BEFORE, 1 - APART)
    around: Ints = np.add.outer(rows, np.concatenate([before, np.arange(APART, DECIDED + 1)]))
    return around


def _spikes(minute: Ints, high: Floats, low: Floats, close: Floats, volume: Floats) -> Iterator[Ints]:
    """Yield the rows that reach far beyond the bars before and after them."""
    rows = np.arange(APART + BEFORE - 1, len(minute) - DECIDED)
    least = _LEAST_SHARE * close[rows]
    # A spike of two bars goes beyond the two next to those: what does not is none, and nearly no bar does.
    above = high[rows] - np.maximum(high[rows - APART], high[rows + APART])
    below = np.minimum(low[rows - APART], low[rows + APART]) - low[rows]
    rows = rows[np.maximum(above, below) >= least]
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        yield part[_is_spike(part, minute, high, low, close, volume)]


def _is_spike(
    rows: Ints, minute: Ints, high: Floats, low: Floats, close: Floats, volume: Floats
) -> npt.NDArray[np.bool_]:
    around = _around(rows)
    far = np.abs(minute[around[:, [0, -1]]] - minute[rows, np.newaxis]).max(axis=1, initial=0) > MOST_DISTANCE
    steps = np.delete(np.diff(minute[around], axis=1), BEFORE - 1, axis=1)
    near = (steps <= _CLOSE_STEP).sum(axis=1) >= _CLOSE_STEPS
    ranges = high[around] - low[around]
    # The second largest: another spike near by must not hide this one.
    above = high[rows] - np.sort(high[around], axis=1)[:, -2]
    below = np.sort(low[around], axis=1)[:, 1] - low[rows]
    beyond = np.maximum(above, below)
    scale = np.maximum(np.median(ranges[:, :BEFORE], axis=1), np.median(ranges[:, BEFORE:], axis=1))
    reach = np.sort(ranges, axis=1)[:, -2]
    large = beyond >= _LARGE_SHARE * close[rows]
    usual = np.median(volume[around], axis=1)
    busy = (usual > 0) & (volume[rows] > _BUSY * usual) & ~large
    tall = (beyond >= _LEAST_SHARE * close[rows]) & (beyond >= _SCALES * scale)
    found: npt.NDArray[np.bool_] = (
        ~far & near & tall & ~busy & (beyond >= np.where(large, _LARGE_REACHES, _REACHES) * reach)
    )
    return found
