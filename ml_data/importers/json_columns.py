"""JSON of columns: `{"t": [...], "o": [...], ...}`, Yahoo's charts, and `{"columns": [...], "data": [[...]]}`."""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ml_data.bar_file import BarFile
from ml_data.importers.arrow_columns import TableColumns, named_columns
from ml_data.importers.arrow_values import stamp_column
from ml_data.importers.base import CHUNK_ROWS, Chunk, Importer, Reading
from ml_data.importers.klines import json_array
from ml_data.importers.table_bars import TableBars, table_bars
from trading.domain.instrument import Instrument
from trading.errors import BadBars

LARGEST: Final = 1 << 29
"""Bytes; columns are read whole, and an exchange answers with a few thousand rows."""

_TIMES: Final = ("t", "time", "timestamp", "timestamps", "date", "datetime", "ts", "index")
_OBJECTS: Final = re.compile(r'\[\s*[\[{]\s*"?\w+"?\s*:\s*[-\d"]')  # rows with names: another importer's
_COLUMN: Final = re.compile(r'"(?P<name>[A-Za-z_ ]{1,20})"\s*:\s*\[\s*(?:-?\d|null|"|\])')
_KNOWN: Final = frozenset(
    (
        *_TIMES,
        "o",
        "h",
        "l",
        "c",
        "v",
        "open",
        "high",
        "low",
        "close",
        "volume",
        "columns",
        "Open",
        "High",
        "Low",
        "Close",
    )
)


@dataclass(frozen=True)
class _Content:
    names: tuple[str, ...]
    values: tuple[list[Any], ...]


class JsonColumns:
    """The importer of lists that each hold one column."""

    format = "json-columns"
    title = "JSON of columns"

    def recognise(self, head: bytes) -> str | None:
        """Return which column its first list is, or None."""
        text = head.decode("utf-8-sig", errors="ignore").lstrip()
        if b"\0" in head or not text.startswith("{") or _OBJECTS.search(text):
            return None
        found = next((found for found in _COLUMN.finditer(text) if found["name"].lower() in _KNOWN), None)
        return None if found is None else f"its content is JSON, lists of which the first is {found['name']!r}"

    def open(self, file: BarFile, instrument: Instrument, time_zone: str | None) -> Reading:
        """Read the file, which must fit in memory."""
        content = _read(file)
        header = named_columns(content.names)
        if header is None:
            raise BadBars(
                f"{file.name}: expected lists of times and of open, high, low and close, found lists of "
                f"{', '.join(content.names[:8]) or 'nothing'}; export one-minute bars with all of them."
            )
        columns = TableColumns(
            names=content.names,
            stamps=header.stamps[0],
            prices=header.bars,
            volume=header.volume,
            symbol=header.symbol,
            ticker=None,
            indexed=False,
            clock=header.clock,
            habits=header.habits,
        )
        lengths = {len(content.values[place]) for place in columns.used}
        if len(lengths) > 1:
            raise BadBars(
                f"{file.name}: its lists have {' and '.join(map(str, sorted(lengths)))} values, so they are not of the "
                f"same bars; download it again."
            )
        if lengths == {0}:
            raise BadBars(f"{file.name}: the file holds no bars, only empty lists; download it again.")
        stamps = stamp_column(file.name, [json_array(content.values[place][:1000]) for place in columns.stamps])
        bars = table_bars(file.name, columns, stamps, instrument, time_zone)
        why = self.recognise(file.head) or "--format says so"
        return Reading(bars.recognised(self.format, self.title, why), _chunks(content, bars))

    def raw_rows(self, file: BarFile, row_numbers: Collection[int]) -> dict[int, str]:
        """Return the values of a row, with their names."""
        content = _read(file)
        length = min(len(values) for values in content.values)
        return {
            row: json.dumps(dict(zip(content.names, (values[row - 1] for values in content.values), strict=True)))
            for row in row_numbers
            if row <= length
        }


def _read(file: BarFile) -> _Content:
    """Return the columns of `file`: the times, and the lists beside them or below them that are as long."""
    with file.unpacked() as (content, _):
        text = content.read(LARGEST)
    if len(text) == LARGEST:
        raise BadBars(
            f"{file.name}: JSON of columns is read whole, and this is longer than {LARGEST:,} bytes; split it."
        )
    try:
        tree = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise BadBars(f"{file.name}: the file is cut short or damaged: it is no JSON; download it again.") from error
    if isinstance(tree, dict) and isinstance(tree.get("columns"), list) and isinstance(tree.get("data"), list):
        return _of_rows(file.name, tree)
    lists = list(_lists(tree))
    times = [(name, values) for name, values in lists if name.lower() in _TIMES]
    if not times:
        return _Content(tuple(name for name, _ in lists), tuple(values for _, values in lists))
    stamp, at = times[0]
    names = [name for name, _ in lists if name != stamp]
    twice = next((name for name in names if names.count(name) > 1), None)
    if len(times) > 1 or twice is not None:
        raise BadBars(
            f"{file.name}: expected the bars of one symbol, found several lists of {twice or stamp}; write each symbol "
            f"to a file of its own."
        )
    others = [(name, values) for name, values in lists if name != stamp]
    return _Content(("time", *(name for name, _ in others)), (at, *(values for _, values in others)))


def _of_rows(file_name: str, tree: dict[str, Any]) -> _Content:
    """Return the columns of what pandas writes with orient="split"."""
    names = tuple(str(name) for name in tree["columns"])
    rows = tree["data"]
    if any(not isinstance(row, list) or len(row) != len(names) for row in rows):
        raise BadBars(f"{file_name}: expected {len(names)} values in each row, as columns has; download it again.")
    values = tuple([row[place] for row in rows] for place in range(len(names)))
    index = tree.get("index")
    if isinstance(index, list) and len(index) == len(rows):
        return _Content(("index", *names), (index, *values))
    return _Content(names, values)


def _lists(tree: Any, name: str = "") -> Iterator[tuple[str, list[Any]]]:
    """Yield the lists of plain values in `tree`, with their names, outer ones first."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _lists(value, str(key))
    elif isinstance(tree, list) and tree and all(isinstance(value, dict) for value in tree[:2]):
        for value in tree:
            yield from _lists(value, name)
    elif isinstance(tree, list):
        yield name, tree


def _chunks(content: _Content, bars: TableBars) -> Iterator[Chunk]:
    columns = bars.columns
    length = len(content.values[columns.stamps[0]])
    for start in range(0, length, CHUNK_ROWS):
        values = {place: json_array(content.values[place][start : start + CHUNK_ROWS]) for place in columns.used}
        rows = np.arange(start + 1, min(start + CHUNK_ROWS, length) + 1)
        yield bars.chunk(values, rows, min(1.0, (start + CHUNK_ROWS) / length))


IMPORTER: Final[Importer] = JsonColumns()
