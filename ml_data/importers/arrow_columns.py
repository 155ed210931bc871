"""Which columns of a table are which: by their names, and by what pandas wrote about its index."""

import ast
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from ml_data.importers.column_names import plain_names
from ml_data.importers.csv_layout import PRICES, Header, read_header
from ml_data.importers.vendor_habits import PLAIN, Habits
from trading.errors import BadBars

_NAMELESS: Final = "__index_level_"  # what pandas calls an index without a name
_STAMP: Final = "timestamp"
_SHOWN: Final = 12


@dataclass(frozen=True)
class TableColumns:
    """The columns that are read, as places in the schema; `stamps` make the stamp together (a date and a time).

    `names` are all columns as written. `ticker` is the symbol that stands in the names of the columns, if one does;
    `indexed` says that the stamp is the index that pandas wrote, `clock` is the one that its name states, or "".
    `habits` are those of the vendor that the names tell.
    """

    names: tuple[str, ...]
    stamps: tuple[int, ...]
    prices: tuple[int, int, int, int]
    volume: int | None
    symbol: int | None
    ticker: str | None
    indexed: bool
    clock: str = ""
    habits: Habits = PLAIN

    @property
    def used(self) -> tuple[int, ...]:
        """The places to read."""
        others = (place for place in (self.volume, self.symbol) if place is not None)
        return tuple(sorted({*self.stamps, *self.prices, *others}))


def find_columns(file_name: str, schema: pa.Schema) -> TableColumns:
    """Return which columns of `schema` are which.

    A time in the index that pandas wrote, or in the only column of instants, needs no usual name.

    Raises
    ------
    BadBars
        when a time or a price is missing, or two columns could be one of them.
    """
    names, ticker = _without_tickers(file_name, tuple(schema.names))
    index = _pandas_index(schema)
    instants = [place for place, kind in enumerate(schema.types) if pa.types.is_timestamp(kind)]
    header = next(
        (
            found
            for stamp in (
                *(place for place in index if place in instants),
                None,
                *(place for place in index if names[place].startswith(_NAMELESS)),
                *(instants if len(instants) == 1 else ()),
            )
            if (found := named_columns(names, stamp)) is not None
        ),
        None,
    )
    if header is None:
        more = ", ..." if len(names) > _SHOWN else ""
        raise BadBars(
            f"{file_name}: expected columns of the time (timestamp, datetime, date) and of open, high, low and close, "
            f"found {', '.join(names[:_SHOWN]) or 'none'}{more}; rename its columns so."
        )
    columns = TableColumns(
        names=names,
        stamps=header.stamps[0],
        prices=header.bars,
        volume=header.volume,
        symbol=header.symbol,
        ticker=ticker,
        indexed=set(header.stamps[0]) <= set(index),
        clock=header.clock,
        habits=header.habits,
    )
    plain = [name.strip().lower() for name in names]
    for place in columns.used:
        if plain.count(plain[place]) > 1:
            raise BadBars(f"{file_name}: two columns are called {names[place]!r}; remove one of them.")
    return columns


def named_columns(names: tuple[str, ...], stamp: int | None = None) -> Header | None:
    """Return which of `names` are which, with that at `stamp` as the time; None when a time or a price is missing."""
    cleaned = [" ".join(name.replace('"', "'").split()) for name in names]
    if stamp is not None:
        plain = plain_names(tuple(cleaned))
        cleaned = [
            _STAMP if place == stamp else "" if plain[place] == _STAMP else name for place, name in enumerate(cleaned)
        ]
    return read_header("\t".join(cleaned))


def _pandas_index(schema: pa.Schema) -> list[int]:
    """Return the places of the columns that were the index of a pandas frame."""
    with suppress(ValueError, KeyError, TypeError):
        index = json.loads((schema.metadata or {})[b"pandas"])["index_columns"]
        return [schema.names.index(name) for name in index if isinstance(name, str) and name in schema.names]
    return []


def _without_tickers(file_name: str, names: tuple[str, ...]) -> tuple[tuple[str, ...], str | None]:
    """Return `names` as they are, or those that pandas wrote for columns such as ('Close', 'AAPL') and their ticker."""
    pairs: dict[int, tuple[str, str]] = {}
    for place, name in enumerate(names):
        with suppress(ValueError, SyntaxError):
            pair = ast.literal_eval(name) if name.startswith("(") else None
            if isinstance(pair, tuple) and len(pair) == 2:
                pairs[place] = (str(pair[0]), str(pair[1]))
    level = next((level for level in (0, 1) if any(pair[level].lower() == "close" for pair in pairs.values())), None)
    if level is None:
        return names, None
    plain = tuple(pairs[place][level] if place in pairs else name for place, name in enumerate(names))
    tickers = sorted({pair[1 - level] for pair in pairs.values() if pair[level].lower() in PRICES})
    if len(tickers) > 1:
        raise BadBars(
            f"{file_name}: expected the bars of one symbol in its columns, found those of {', '.join(tickers[:5])} "
            f"side by side; write one file a symbol, or one row a bar with a symbol column."
        )
    return plain, tickers[0] or None
