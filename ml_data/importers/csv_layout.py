"""What the first lines of a text file say: its delimiter, which column is which, and how stamps and numbers look."""

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ml_data.importers.column_names import plain_names, position, stamp_columns, volume_position
from ml_data.importers.stamps import StampLayout
from ml_data.importers.vendor_habits import PLAIN, Habits, habits_of

DELIMITERS: Final = ",;\t|"
PRICES: Final = ("open", "high", "low", "close")
_LINES_BEFORE_NAMES: Final = 10  # a title or an address stands above the names in some files
_ALIKE: Final = 0.9
_MOST_MISSING: Final = 2  # a line that names fewer of the five is no header


@dataclass(frozen=True)
class Header:
    """The columns: `names` as written, `bars` the positions of open, high, low and close.

    `stamps` are the positions that may hold the stamp, best first: one column, or a date and a time column. `clock` is
    the one that their names state, or "". `habits` are those of the vendor that the names tell.
    """

    delimiter: str
    names: tuple[str, ...]
    bars: tuple[int, int, int, int]
    volume: int | None
    symbol: int | None
    stamps: tuple[tuple[int, ...], ...]
    clock: str = ""
    habits: Habits = PLAIN
    more_volume: int | None = None  # of a second part of the volume, to be added


@dataclass(frozen=True)
class Found:
    """A layout that was recognised. `skip` lines that are not blank stand before the first bar.

    `why` finishes "taken for <title> because ...", `notes` are what the values need to be read with, `refusal`
    finishes "<file>: ..." where the content is recognised and no use.
    """

    header: Header
    skip: int
    why: str
    notes: tuple[str, ...] = ()
    refusal: str = ""


Finder = Callable[[tuple[str, ...]], Found | None]
"""From a file's first lines to what they are, or None."""


@dataclass(frozen=True)
class CsvLayout:
    """How to read each line: the columns, those of the stamp, how stamps and numbers are written."""

    header: Header
    skip: int
    stamp: tuple[int, ...]
    stamp_layout: StampLayout
    stamp_sample: str
    decimal: str
    price_unit: int = 1  # how many of them make one of the currency

    @property
    def used(self) -> tuple[int, ...]:
        """The positions of the columns that are read, in the file's order."""
        header = self.header
        others = {place for place in (header.volume, header.more_volume, header.symbol) if place is not None}
        return tuple(sorted({*self.stamp, *self.header.bars, *others}))

    @property
    def width_rule(self) -> str:
        """What says how many columns a row has, for messages."""
        return "the first line names" if self.skip else "the first row has"


@lru_cache(maxsize=4)
def first_lines(head: bytes) -> tuple[str, ...]:
    """Return the lines that are complete in `head` and not blank, without a byte order mark; none of binary content."""
    if b"\0" in head:
        return ()
    lines = head.decode("utf-8-sig", errors="replace").split("\n")
    whole = lines if len(lines) < 2 or not lines[-1] else lines[:-1]
    return tuple(line for line in whole if line.strip())


def cells_of(line: str, delimiter: str) -> list[str]:
    """Return the cells of one line as they are written, without quotes."""
    try:
        return next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter), [])
    except csv.Error:  # a cell of more than 128 KiB, or a stray carriage return
        return [line]


def find_header(lines: tuple[str, ...]) -> tuple[Header, int] | None:
    """Return the first of the `lines` that names columns, and how many lines come before the bars."""
    for place, line in enumerate(lines[:_LINES_BEFORE_NAMES]):
        header = read_header(line)
        if header is not None:
            return header, place + 1
    return None


def read_header(line: str) -> Header | None:
    """Return what the header `line` names; None when it does not name a time and the four prices.

    Case, spaces, underscores, quotes and brackets around names do not matter.
    """
    for delimiter in DELIMITERS:
        if line.count(delimiter) < len(PRICES):
            continue
        names = tuple(name.strip().strip('"') for name in cells_of(line.replace(f"{delimiter} ", delimiter), delimiter))
        plain = plain_names(names)
        bars = tuple(place for name in PRICES if (place := position(plain, name)) is not None)
        stamps = stamp_columns(names)
        if len(bars) == len(PRICES) and stamps:
            return Header(
                delimiter,
                names,
                (bars[0], bars[1], bars[2], bars[3]),
                volume_position(names),
                position(plain, "symbol"),
                tuple(stamp.places for stamp in stamps),
                stamps[0].clock,
                habits_of(plain, ends=stamps[0].ends),
            )
    return None


def missing_names(line: str) -> tuple[str, ...]:
    """Return what the header `line` lacks: a time, open, high, low or close; nothing when it is no header at all.

    >>> missing_names("time,open,high,close,volume")
    ('low',)
    >>> missing_names("Dear trader, open the door, please")
    ()
    """
    for delimiter in DELIMITERS:
        names = tuple(cells_of(line, delimiter))
        lacks = [name for name in PRICES if position(plain_names(names), name) is None]
        lacks += [] if stamp_columns(names) else ["time"]
        if len(lacks) <= _MOST_MISSING:
            return tuple(lacks)
    return ()


def columns(delimiter: str, *names: str) -> Header:
    """Return the header of a file that has none: `names` are date, time, datetime, open, high, low, close, volume.

    >>> columns(";", "datetime", "open", "high", "low", "close", "volume").bars
    (1, 2, 3, 4)
    """
    header = read_header(delimiter.join(names))
    if header is None:
        raise ValueError(names)
    return header


def share_alike(lines: tuple[str, ...], row: re.Pattern[str]) -> bool:
    """Return whether nearly all `lines`, at least one, are rows of the form `row`: a few may be damaged.

    Below a line that names columns they are not: those names say more than the form.
    """
    if lines and read_header(lines[0]) is not None:
        return False
    alike = sum(row.fullmatch(line) is not None for line in lines)
    return alike > 0 and alike >= _ALIKE * len(lines)


def sample_rows(lines: tuple[str, ...], header: Header, skip: int) -> list[list[str]]:
    """Return the cells of the first lines of bars that have as many cells as the header."""
    cut = (cells_of(line, header.delimiter) for line in lines[skip:])
    return [cells for cells in cut if len(cells) == len(header.names)]
