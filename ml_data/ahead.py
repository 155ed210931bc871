"""What the next four hours after an opening range came to: how far the price travelled, up and down from its close."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from ml_data.features.base import Flags, Floats, Ints
from ml_data.history import History, values_in_windows

AHEAD_MINUTES: Final = 240
"""How far ahead is looked; a day that closes sooner ends it."""


@dataclass(frozen=True)
class Ahead:
    """Of n days and O ranges: `ticks` (n, O, 3) are travel, rise and fall, in ticks; NaN where nothing traded.

    The rise is the highest high over the range's close, the fall its close over the lowest low, neither below 0. Until
    `ends` (n, O; a UTC minute) it was not known: `over` says that it is by what the history knew.
    """

    ticks: Floats
    ends: Ints
    over: Flags


def ahead_of(history: History) -> Ahead:
    """Return what came after each range of `history`, as far as its bars tell."""
    windows = history.windows
    ends = np.minimum(windows.range_ends + AHEAD_MINUTES, windows.closes[:, None])
    found = values_in_windows(history.bars, history.row_from, history.row_to, windows.range_ends, ends)
    high, low, close = found.prices[:, :, 1], found.prices[:, :, 2], history.ranges.prices[:, :, 3]
    moved = np.stack([high - low, np.maximum(high - close, 0), np.maximum(close - low, 0)], axis=2).astype(np.float64)
    over = (ends <= history.through) & history.range_complete
    traded = (found.counts > 0) & over
    return Ahead(np.where(traded[:, :, None], moved, np.nan), ends, over)


def in_ranges(ticks: Floats, size: Floats) -> Floats:
    """Return the log of `ticks` (n, 3), a tick more each, over the range's size (n,): 0 is as far as the range."""
    logs: Floats = np.log((ticks + 1.0) / size[:, None])
    return logs
