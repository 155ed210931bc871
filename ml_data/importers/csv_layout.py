"""What the first lines of a text file say: its delimiter, which column is which, and how stamps and numbers look."""

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ml_data.importers.stamps import StampLayout

DELIMITERS: Final = ",;\t|"
PRICES: Final = ("open", "high", "low", "close")
_LINES_BEFORE_NAMES: Final = 10  # a title or an address stands above the names in some files
_WHOLE_STAMPS: Final = (
    "timestamp", "datetime", "date time", "ts", "time stamp", "local time", "open time", "opentime", "window start",
    "ts event", "unix", "unix timestamp", "unix time", "unixtime", "epoch", "start time",
)  # fmt: skip
_DATES: Final = ("date", "day", "dtyyyymmdd")
_TIMES: Final = ("time", "timehhmm", "hour")
_SYNONYMS: Final = {
    "open": ("open", "open price", "o"),
    "high": ("high", "high price", "h"),
    "low": ("low", "low price", "l"),
    "close": ("close", "last", "close price", "closing price", "price", "c"),
    "volume": ("volume", "vol", "vol.", "v", "total volume", "tickvol", "tick volume"),
    "symbol": ("contract", "symbol", "ticker"),
}
_ALIKE: Final = 0.9
_MOST_MISSING: Final = 2  # a line that names fewer of the five is no header
_VOLUME_IN: Final = re.compile(
    r"[Vv]olume (?!EMA|SMA|WMA|VMA|RMA|AVG)[A-Z]{3,5}"
)  # in units of a currency, not an average
_UTC: Final = re.compile(r"\b(utc|gmt)\b")


@dataclass(frozen=True)
class Header:
    """The columns: `names` as written, `bars` the positions of open, high, low and close.

    `stamps` are the positions that may hold the stamp, best first: one column, or a date and a time column. `utc` says
    that their names call it UTC.
    """

    delimiter: str
    names: tuple[str, ...]
    bars: tuple[int, int, int, int]
    volume: int | None
    symbol: int | None
    stamps: tuple[tuple[int, ...], ...]
    utc: bool = False


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

    @property
    def used(self) -> tuple[int, ...]:
        """The positions of the columns that are read, in the file's order."""
        others = {place for place in (self.header.volume, self.header.symbol) if place is not None}
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
        found = {name: _position(plain, words) for name, words in _SYNONYMS.items()}
        if found["volume"] is None:
            found["volume"] = next((place for place, name in enumerate(names) if _VOLUME_IN.fullmatch(name)), None)
        bars = tuple(place for name in PRICES if (place := found[name]) is not None)
        stamps = _stamp_columns(plain)
        if len(bars) == len(PRICES) and stamps:
            return Header(
                delimiter,
                names,
                (bars[0], bars[1], bars[2], bars[3]),
                found["volume"],
                found["symbol"],
                stamps,
                any(_UTC.search(_spaced(names[place])) for place in stamps[0]),
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
        plain = plain_names(tuple(cells_of(line, delimiter)))
        lacks = [name for name in PRICES if _position(plain, _SYNONYMS[name]) is None]
        lacks += [] if _stamp_columns(plain) else ["time"]
        if len(lacks) <= _MOST_MISSING:
            return tuple(lacks)
    return ()


def plain_names(names: tuple[str, ...]) -> list[str]:
    """Return `names` in small letters, without brackets, underscores and the words UTC and GMT."""
    return [" ".join(_UTC.sub(" ", _spaced(name)).split()) for name in names]


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
    """Return whether nearly all `lines`, at least one, are rows of the form `row`: a few may be damaged."""
    alike = sum(row.fullmatch(line) is not None for line in lines)
    return alike > 0 and alike >= _ALIKE * len(lines)


def sample_rows(lines: tuple[str, ...], header: Header, skip: int) -> list[list[str]]:
    """Return the cells of the first lines of bars that have as many cells as the header."""
    cut = (cells_of(line, header.delimiter) for line in lines[skip:])
    return [cells for cells in cut if len(cells) == len(header.names)]


def _spaced(name: str) -> str:
    return re.sub(r"[\s_<>()\[\]\"'/]+", " ", name).strip().lower()


def _position(plain: list[str], wanted: tuple[str, ...]) -> int | None:
    return next((plain.index(name) for name in wanted if name in plain), None)


def _stamp_columns(plain: list[str]) -> tuple[tuple[int, ...], ...]:
    whole = _position(plain, _WHOLE_STAMPS)
    if whole is not None:
        return ((whole,),)
    date, time = _position(plain, _DATES), _position(plain, _TIMES)
    if date is not None and time is not None:
        return ((date, time), (time,))
    return tuple((place,) for place in (time, date) if place is not None)
