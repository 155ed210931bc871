"""Bars that can hardly be true: a lone spike, a jump of the level as a split leaves it, longer bars among minutes.

A doubt is told, never acted on: the bars stay as they came. Real crashes are none: prices that stay down, or come back
over more than two minutes, or whose neighbours move as well, or that traded many times the usual volume.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from ml_data.doubt_kernels import APART, BEFORE, DECIDED, find_jumps, find_spikes, find_steps

Kind = Literal["spike", "jump", "steps"]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LEAST_JUMP: Final = 1.25
"""From one close to the next, up or down; the largest daily moves of an index are smaller, split ratios larger."""

LONGEST_STEP: Final = 60
LEAST_SURPRISE: Final = 25.0  # nats: 16 five-minute bars in a row
_LONG_SILENCE: Final = 10 * 1440  # after which a level may have moved so far by trading alone
_RATIOS: Final = (1.5, 2, 3, 4, 5, 7, 8, 10, 15, 20, 25, 30, 50, 100, 1_000, 10_000, 100_000, 1_000_000)
_NEAR: Final = 0.04  # in logarithms: what a price moves meanwhile


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


def doubts(minute: Ints, high: Floats, low: Floats, close: Floats, volume: Floats) -> list[Doubt]:
    """Return all that is doubtful about the bars of one contract, by row. Arguments as of `spikes_and_jumps`."""
    found = [*spikes_and_jumps(minute, high, low, close, volume), *regular_steps(minute, close)]
    return sorted(found, key=lambda doubt: doubt.row)


def spikes_and_jumps(minute: Ints, high: Floats, low: Floats, close: Floats, volume: Floats) -> list[Doubt]:
    """Return the spikes and jumps among the bars of one contract, by row.

    `minute` is the start in minutes since the Unix epoch, sorted; prices may have any unit. A row says nothing before
    `DECIDED` more have followed: then nothing that comes later changes it.
    """
    rows = np.empty(len(minute), dtype=np.int64)
    spikes = rows[: find_spikes(minute, high, low, close, volume, rows)].tolist()
    found = [Doubt("spike", row, row, float(np.median(close[_around(row)])), 0) for row in spikes]
    spiky = set(spikes)
    for row in rows[: find_jumps(close, LEAST_JUMP, rows)].tolist():
        after_silence = minute[row] - minute[row - 1] > _LONG_SILENCE
        unlikely = split_ratio(close[row - 1], close[row]) is not None or not after_silence
        if unlikely and not {row, row - 1} & spiky and row < len(minute) - DECIDED:
            found.append(Doubt("jump", row, row, float(close[row - 1]), 0))
    return sorted(found, key=lambda doubt: doubt.row)


def regular_steps(minute: Ints, close: Floats) -> list[Doubt]:
    """Return the runs of bars that start a regular 2 to 60 minutes after each other, too long to be chance."""
    first, last = np.empty(len(minute), dtype=np.int64), np.empty(len(minute), dtype=np.int64)
    found = find_steps(minute, LEAST_SURPRISE, LONGEST_STEP, first, last)
    return [
        Doubt("steps", row, end, float(close[row]), int(minute[row + 1] - minute[row]))
        for row, end in zip(first[:found].tolist(), last[:found].tolist(), strict=True)
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


def _around(row: int) -> Ints:
    before = np.arange(row - APART - BEFORE + 1, row - APART + 1)
    return np.concatenate([before, np.arange(row + APART, row + DECIDED + 1)])
