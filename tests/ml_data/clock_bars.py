"""Bars of a market that keeps to its hours, as any clock would show them, for the tests of clocks."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ml_data.clock_counts import NaiveBars
from ml_data.closed_hours import closures
from ml_data.importers.wall_clock import to_wall
from tests.ml_data.bar_files import INSTRUMENTS, write
from trading.domain.instrument import Instrument, read_instrument

Minutes = npt.NDArray[np.int64]
NEW_YORK = "America/New_York"


def shipped(symbol: str) -> Instrument:
    return read_instrument(INSTRUMENTS / f"{symbol}.toml")


def minute(text: str) -> int:
    return int(np.datetime64(text, "m").astype(np.int64))


def open_minutes(instrument: Instrument, first: str, last: str) -> Minutes:
    """Every UTC minute from `first` to before `last` in which the market is open."""
    minutes = np.arange(minute(first), minute(last))
    closed = closures(instrument)
    place = np.searchsorted(closed.starts, minutes, side="right") - 1
    return minutes[(place < 0) | (minutes >= closed.ends[place])]


def shown(minutes: Minutes, clock: str) -> Minutes:
    return to_wall(minutes * 60_000_000, clock) // 60_000_000


def as_shown(minutes: Minutes, clock: str, activity: npt.NDArray[np.float64] | None = None) -> NaiveBars:
    """Bars at UTC `minutes` as a file on `clock` has them; of an hour that it shows twice only the first bars stay."""
    walls, place = np.unique(shown(minutes, clock), return_index=True)
    return NaiveBars(walls, np.ones(len(walls)) if activity is None else activity[place])


def of_day(minutes: Minutes, clock: str = NEW_YORK) -> Minutes:
    """The minute after midnight that `clock` shows."""
    return shown(minutes, clock) % 1440


def bars_file(path: Path, walls: Minutes, suffix: str = "") -> Path:
    """A CSV of bars whose stamps are `walls`, with `suffix` behind each."""
    stamps = np.datetime_as_string(walls.astype("datetime64[m]"), unit="s")
    rows = "\n".join(f"{stamp}{suffix},100,101,99,100.5,5" for stamp in stamps)
    return write(path, f"timestamp,open,high,low,close,volume\n{rows}\n")
