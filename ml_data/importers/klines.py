"""JSON as exchanges answer: `[[1704153900000, "100.5", ...], ...]`, or objects with names, by opening time."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import Any, Final

import numpy as np
import pyarrow as pa

from ml_data.bar_file import BarFile
from ml_data.importers.arrow_columns import TableColumns, named_columns
from ml_data.importers.arrow_values import stamp_column
from ml_data.importers.base import AS_WRITTEN, Chunk, Importer, Reading
from ml_data.importers.csv_layout import PRICES
from ml_data.importers.json_rows import first_rows, json_rows
from ml_data.importers.stamps import stamp_layout
from ml_data.importers.table_bars import TableBars, table_bars
from trading.domain.instrument import Instrument
from trading.errors import BadBars

BATCH_ROWS: Final = 65_536
_SAMPLES: Final = 200
_SHARE: Final = 0.9  # of the first rows that must fit: a few may be damaged
_FEWEST: Final = 5  # values of a row: a time and four prices
_TIMES: Final = ("t", "T", "start", "begin", "id")  # what exchanges call a time, and others something else
_BINANCE: Final = (
    "open time", "open", "high", "low", "close", "volume", "close time", "quote volume", "trades", "taker volume",
    "taker quote volume", "unused",
)  # fmt: skip
_ORDERS: Final = {  # whose lists have their values in this order, the time before them
    "Kraken": ("open", "high", "low", "close", "vwap", "volume", "trades"),
    "Binance, Bybit, OKX and others": ("open", "high", "low", "close", "volume"),
    "Coinbase": ("low", "high", "open", "close", "volume"),
    "Bitfinex and KuCoin": ("open", "close", "high", "low", "volume"),
}


@dataclass(frozen=True)
class _Layout:
    """What the values of a row are; `cells` returns those of `columns.used` in this order, or why it cannot."""

    columns: TableColumns
    cells: Callable[[Any], tuple[Any, ...] | str]
    why: str


class Klines:
    """The importer of lists and objects of JSON."""

    format = "json"
    title = "JSON klines of an exchange"

    def recognise(self, head: bytes) -> str | None:
        """Return what its first rows are, or None."""
        layout = _layout(head)
        return None if layout is None else layout.why

    def open(self, file: BarFile, instrument: Instrument, time_zone: str | None) -> Reading:
        """Read the layout from the first rows; the bars are read when chunks are taken."""
        layout = _layout(file.head)
        if layout is None:
            raise BadBars(f"{file.name}: expected {self.title}, found no list of bars; download it again.")
        cells = [row for row in map(layout.cells, first_rows(file.head, _SAMPLES)) if not isinstance(row, str)]
        first = dict(zip(layout.columns.used, zip(*cells, strict=True), strict=True))
        stamps = stamp_column(
            file.name, [json_array(first[place]) for place in layout.columns.stamps], as_written=time_zone == AS_WRITTEN
        )
        bars = table_bars(file.name, layout.columns, stamps, instrument, time_zone)
        return Reading(bars.recognised(self.format, self.title, layout.why), _chunks(file, layout, bars))

    def raw_rows(self, file: BarFile, row_numbers: Collection[int]) -> dict[int, str]:
        """Return rows as JSON."""
        wanted = set(row_numbers)
        with file.unpacked() as (content, _):
            rows = enumerate(json_rows(content, file.name), start=1)
            return {number: json.dumps(row) for number, row in rows if number in wanted}


def _layout(head: bytes) -> _Layout | None:
    if b"\0" in head:
        return None
    rows = [_flat(row) if isinstance(row, dict) else row for row in first_rows(head, _SAMPLES)]
    lists = [row for row in rows if isinstance(row, list)]
    objects = [row for row in rows if isinstance(row, dict)]
    if not rows:
        return None
    return _of_lists(lists) if len(lists) >= len(objects) else _of_objects(objects)


def _of_lists(rows: list[list[Any]]) -> _Layout | None:
    [(width, _)] = Counter(len(row) for row in rows).most_common(1)
    if width < _FEWEST:
        return None
    fitting = {
        vendors: sum(_fits(row, width, names) for row in rows)
        for vendors, names in _ORDERS.items()
        if "vwap" not in names or width == len(names) + 1
    }
    vendors = max(fitting, key=lambda name: fitting[name])
    if fitting[vendors] < _SHARE * len(rows):
        return None
    order = _ORDERS[vendors][: width - 1]
    more = tuple(f"value {place}" for place in range(len(order) + 2, width + 1))
    names = _BINANCE if width == len(_BINANCE) and order == _BINANCE[1:6] else ("time", *order, *more)
    opened, high, low, close = (names.index(name) for name in PRICES)
    columns = TableColumns(
        names=names,
        stamps=(0,),
        prices=(opened, high, low, close),
        volume=names.index("volume") if "volume" in names else None,
        symbol=None,
        ticker=None,
        indexed=False,
    )

    pick = itemgetter(*columns.used)

    def cells(row: Any) -> tuple[Any, ...] | str:
        if not isinstance(row, list):
            return "the row is no list of values"
        return pick(row) if len(row) == width else f"the row has {len(row)} values where {width} are expected"

    why = f"its content is JSON, lists of {', '.join(names[: len(order) + 1])} in the order of {vendors}"
    return _Layout(columns, cells, why)


def _fits(row: list[Any], width: int, order: tuple[str, ...]) -> bool:
    """Return whether the values of `row`, taken in `order`, can be a bar."""
    if len(row) != width or stamp_layout([str(row[0])]) is None:
        return False
    try:
        values = dict(zip(order, (float(value) for value in row[1:]), strict=False))
    except (TypeError, ValueError):
        return False
    lowest, highest = min(values[name] for name in PRICES), max(values[name] for name in PRICES)
    average = values.get("vwap", lowest) or lowest
    return values["low"] == lowest and values["high"] == highest and lowest <= average <= highest


def _of_objects(rows: list[dict[str, Any]]) -> _Layout | None:
    [(keys, times)] = Counter(tuple(row) for row in rows).most_common(1)
    places = (None, *(keys.index(key) for key in _TIMES if key in keys))
    headers = [found for place in places if (found := named_columns(keys, place)) is not None]
    if not headers or times < _SHARE * len(rows):
        return None
    header = min(headers, key=lambda found: bool(found.habits.ends))  # a time of opening goes before one of closing
    if any(isinstance(row.get(keys[place]), list) for row in rows for place in header.bars):
        return None  # columns, not rows
    columns = TableColumns(
        names=keys,
        stamps=header.stamps[0],
        prices=header.bars,
        volume=header.volume,
        symbol=header.symbol,
        ticker=None,
        indexed=False,
        clock=header.clock,
        habits=header.habits,
    )

    used = tuple(keys[place] for place in columns.used)

    def cells(row: Any) -> tuple[Any, ...] | str:
        if not isinstance(row, dict):
            return "the row is no object"
        flat = _flat(row)
        if flat.get("complete") is False:
            return "the bar was not complete when it was written"
        return tuple([flat.get(key) for key in used])

    return _Layout(columns, cells, f"its content is JSON, objects of {', '.join(used)}")


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Return `row` with the values of the objects in it (`mid`, `hd`), named `bid.o` where several have one name."""
    inner = [(name, value) for name, value in row.items() if isinstance(value, dict)]
    if not inner:
        return row
    names = Counter([name for name, value in row.items() if not isinstance(value, dict)])
    names.update(key for _, value in inner for key in value)
    flat = {name: value for name, value in row.items() if not isinstance(value, dict)}
    for name, value in inner:
        flat |= {key if names[key] == 1 else f"{name}.{key}": cell for key, cell in value.items()}
    return flat


def _chunks(file: BarFile, layout: _Layout, bars: TableBars) -> Iterator[Chunk]:
    with file.unpacked() as (content, packed):
        rows = enumerate(json_rows(content, file.name), start=1)
        while True:
            numbers: list[int] = []
            kept: list[tuple[Any, ...]] = []
            rejects: list[tuple[int, str]] = []
            for number, row in islice(rows, BATCH_ROWS):
                cells = layout.cells(row)
                if isinstance(cells, str):
                    rejects.append((number, cells))
                else:
                    numbers.append(number)
                    kept.append(cells)
            if not numbers and not rejects:
                return
            columns = zip(*kept, strict=True) if kept else [()] * len(layout.columns.used)
            values = {place: json_array(cells) for place, cells in zip(layout.columns.used, columns, strict=True)}
            yield bars.chunk(values, np.array(numbers, dtype=np.int64), packed.tell() / file.size, rejects)


def json_array(values: Sequence[Any]) -> pa.Array:
    """Return JSON values as numbers or text; what is neither as its text."""
    try:
        found = pa.array(values)
        if any(same(found.type) for same in (pa.types.is_integer, pa.types.is_floating, pa.types.is_string)):
            return found
    except (pa.ArrowException, OverflowError):
        pass  # numbers among texts, or too large
    return pa.array([None if value is None else str(value) for value in values], pa.string())


IMPORTER: Final[Importer] = Klines()
