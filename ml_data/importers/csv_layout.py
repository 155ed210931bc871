"""What the first lines of a CSV file say: its delimiter, which column is which, and how its stamps are written."""

import csv
from dataclasses import dataclass
from typing import Final

from ml_data.importers.stamps import StampLayout, stamp_layout
from trading.errors import BadBars

DELIMITERS: Final = ",;\t|"
PRICES: Final = ("open", "high", "low", "close")
_WHOLE_STAMPS: Final = ("timestamp", "datetime", "date time", "date_time", "date/time", "ts")
_SYNONYMS: Final = {"close": ("close", "last"), "volume": ("volume", "vol"), "symbol": ("contract", "symbol", "ticker")}


@dataclass(frozen=True)
class Header:
    """The header line: `names` as written, `bars` the positions of open, high, low and close.

    `stamps` are the positions that may hold the stamp, best first: one column, or a date and a time column.
    """

    delimiter: str
    names: tuple[str, ...]
    bars: tuple[int, int, int, int]
    volume: int | None
    symbol: int | None
    stamps: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class CsvLayout:
    """How to read each line: the header, the columns of the stamp, and how stamps are written."""

    header: Header
    volume: int
    stamp: tuple[int, ...]
    stamp_layout: StampLayout
    stamp_sample: str

    @property
    def used(self) -> tuple[int, ...]:
        """The positions of the columns that are read, in the file's order."""
        symbol = () if self.header.symbol is None else (self.header.symbol,)
        return tuple(sorted({*self.stamp, *self.header.bars, self.volume, *symbol}))


def first_lines(head: bytes) -> list[str]:
    """Return the lines that are complete in `head` and not blank, without a byte order mark."""
    lines = head.decode("utf-8-sig", errors="replace").splitlines()
    whole = lines if len(lines) < 2 or head.endswith((b"\n", b"\r")) else lines[:-1]
    return [line for line in whole if line.strip()]


def read_header(line: str) -> Header | None:
    """Return what the header `line` names; None when it does not name a time and the four prices.

    Case, spaces, quotes and angle brackets around names do not matter.
    """
    for delimiter in DELIMITERS:
        names = tuple(name.strip() for name in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True)))
        plain = [_plain(name) for name in names]
        found = {name: _position(plain, _SYNONYMS.get(name, (name,))) for name in (*PRICES, "volume", "symbol")}
        bars = tuple(place for name in PRICES if (place := found[name]) is not None)
        stamps = _stamp_columns(plain)
        if len(bars) == len(PRICES) and stamps:
            return Header(
                delimiter, names, (bars[0], bars[1], bars[2], bars[3]), found["volume"], found["symbol"], stamps
            )
    return None


def read_layout(file_name: str, lines: list[str]) -> CsvLayout:
    """Return how to read a file that begins with `lines`, the first of which is a header.

    Raises
    ------
    BadBars
        when there is no volume column or no line whose stamp is understood.
    """
    header = read_header(lines[0])
    if header is None:
        raise BadBars(
            f"{file_name}: expected a first line that names timestamp (or time, or date), open, high, low, close and "
            f"volume, found {lines[0][:80]!r}; add such a line."
        )
    if header.volume is None:
        raise BadBars(f"{file_name}: expected a volume column, found {', '.join(header.names)}; export it with volume.")
    plain = [_plain(name) for name in header.names]
    for place in (*header.bars, header.volume, *header.stamps[0]):
        if plain.count(plain[place]) > 1:
            raise BadBars(f"{file_name}: two columns are called {header.names[place]!r}; remove one of them.")
    if len(lines) == 1:
        raise BadBars(f"{file_name}: the file holds no bars, only the line of column names; download it again.")
    rows = [row for row in csv.reader(lines[1:101], delimiter=header.delimiter) if len(row) == len(header.names)]
    for columns in header.stamps:
        samples = [" ".join(row[column] for column in columns) for row in rows]
        for sample in samples:
            layout = stamp_layout([sample])
            if layout is not None:
                return CsvLayout(header, header.volume, columns, layout, sample.strip())
    if not rows:
        raise BadBars(
            f"{file_name}: expected {len(header.names)} columns in each row as the first line names them, found "
            f"{lines[1][:80]!r}."
        )
    shown = " ".join(rows[0][column] for column in header.stamps[0]).strip()
    raise BadBars(
        f"{file_name}: expected stamps with the year first, such as '2024-03-08 09:30:00', or seconds since 1970, "
        f"found {shown!r}; write them so."
    )


def _plain(name: str) -> str:
    return name.strip("<> ").lower()


def _position(plain: list[str], wanted: tuple[str, ...]) -> int | None:
    return next((plain.index(name) for name in wanted if name in plain), None)


def _stamp_columns(plain: list[str]) -> tuple[tuple[int, ...], ...]:
    whole = _position(plain, _WHOLE_STAMPS)
    if whole is not None:
        return ((whole,),)
    date, time = _position(plain, ("date",)), _position(plain, ("time",))
    if date is not None and time is not None:
        return ((date, time), (time,))
    return tuple((place,) for place in (time, date) if place is not None)
