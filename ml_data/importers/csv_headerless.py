"""Rows without a header, from no vendor in particular: a stamp, open, high, low, close, and a volume, in this order.

FirstRate's files are such (their clock is America/New_York), and Kibot's; Kraken's have the number of trades behind
them. That the four prices are what they are taken for is checked: in every row the second is the highest and the third
the lowest. The first row must be such too: a line of unknown words above may say that the columns are others.
"""

import re
from typing import Final

from ml_data.importers.base import Importer
from ml_data.importers.csv_importer import CsvImporter
from ml_data.importers.csv_layout import DELIMITERS, Found, Header, cells_of, columns
from ml_data.importers.stamps import stamp_layout

_NUMBER: Final = re.compile(r"[ \t]*\d+([.,]\d+)?[ \t]*", re.ASCII)
_NAMES: Final = ("open", "high", "low", "close", "volume")
_ROWS: Final = 100
_MOST_EXTRA: Final = 3
_SHARE: Final = 0.9  # of the first rows that must be such: a few may be damaged


def _find(lines: tuple[str, ...]) -> Found | None:
    for extra in range(_MOST_EXTRA + 1):
        for delimiter in DELIMITERS:
            rows = [cells_of(line, delimiter) for line in lines[:_ROWS]]
            for stamps in (("datetime",), ("date", "time")):
                found = _of_width(rows, delimiter, stamps, extra)
                if found is not None:
                    return found
    return None


def _of_width(rows: list[list[str]], delimiter: str, stamps: tuple[str, ...], extra: int) -> Found | None:
    """Return the layout of rows with so many columns behind the volume; they are not read."""
    more = tuple(f"column {len(stamps) + len(_NAMES) + place}" for place in range(1, extra + 1))
    layouts = ((*stamps, *_NAMES, *more),) if extra else ((*stamps, *_NAMES), (*stamps, *_NAMES[:-1]))
    width = len(layouts[0])
    for names in layouts if rows and len(rows[0]) <= width else ():
        header = columns(delimiter, *names)
        alike = [_is_bar(row, header) for row in rows]
        if not alike[0] or sum(alike) < _SHARE * len(rows) or not _has_stamp(rows, header):
            continue
        if extra and all(_like_a_price(row, header) for row in rows if len(row) == width):
            continue  # another price stands where the volume should be
        shown = ", ".join(name for name in names if name not in more)
        beyond = f", and {extra} more" if extra else ""
        return Found(header, 0, f"its rows are {shown}{beyond} without a header, as their order shows")
    return None


def _like_a_price(row: list[str], header: Header) -> bool:
    places = (header.bars[2], header.bars[1], header.volume or 0)
    low, high, volume = (float(row[place].replace(",", ".")) for place in places)
    return low <= volume <= high


def _is_bar(row: list[str], header: Header) -> bool:
    if len(row) != len(header.names):
        return False
    places = (*header.bars, *(place for place in (header.volume,) if place is not None))
    if not all(_NUMBER.fullmatch(row[place]) for place in places):
        return False
    opened, high, low, close = (float(row[place].replace(",", ".")) for place in header.bars)
    return low <= min(opened, close) <= max(opened, close) <= high


def _has_stamp(rows: list[list[str]], header: Header) -> bool:
    whole = (row for row in rows if len(row) == len(header.names))
    return stamp_layout(" ".join(row[place] for place in header.stamps[0]) for row in whole) is not None


IMPORTER: Final[Importer] = CsvImporter("csv-headerless", "CSV without a header", _find)
