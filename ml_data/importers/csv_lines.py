"""The lines of a CSV file in columns: at the speed of Arrow's reader, and line by line only around a bad line."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from ml_data.bar_file import Unpacked
from ml_data.importers.csv_layout import PRICES, CsvLayout, cells_of
from trading.errors import BadBars

BLOCK_BYTES: Final = 4 * 1024 * 1024
MORE_VOLUME: Final = "more volume"
NUMBERS: Final = (*PRICES, "volume", MORE_VOLUME)
_NOTHING: Final = frozenset(pacsv.ConvertOptions().null_values)  # what the quick way takes for a missing number
_CAREFUL_BYTES: Final = 64 * 1024  # a block this small is read line by line when one of its lines is bad


@dataclass(frozen=True)
class Lines:
    """The lines of a part of a block, in columns: numbers as float64, stamps and symbols as the CSV reader left them.

    `row_number` counts from the part's first line; `rejects` are lines that are in no column; `rows` is all of them.
    """

    columns: dict[str, Any]
    row_number: Any
    rejects: list[tuple[int, str]]
    rows: int


def line_blocks(content: Unpacked, file_name: str) -> Iterator[bytes]:
    """Yield the content in blocks of whole lines; the last may lack its line end."""
    rest = b""
    while block := content.read(BLOCK_BYTES):
        cut = block.rfind(b"\n") + 1
        if cut == 0:
            rest += block
            if len(rest) > 2 * BLOCK_BYTES:
                raise BadBars(f"{file_name}: a line is longer than {BLOCK_BYTES:,} bytes, so this is no file of bars.")
            continue
        yield rest + block[:cut]
        rest = block[cut:]
    if rest:
        yield rest


def without_header(block: bytes, lines: int = 1) -> bytes:
    """Return what follows the first `lines` lines of `block` that are not blank, and no byte order mark."""
    start = 3 if block.startswith(b"\xef\xbb\xbf") else 0
    while lines:
        end = block.find(b"\n", start) + 1
        if end == 0:
            return b""
        lines -= bool(block[start:end].strip())
        start = end
    return block[start:]


def read_lines(block: bytes, layout: CsvLayout) -> Iterator[Lines]:
    """Yield the lines of `block`: at the CSV reader's speed where all of them are good, else in ever smaller parts."""
    if not block.strip():
        return
    quick = _read_quickly(block, layout)
    if quick is not None:
        yield quick
        return
    cut = block.find(b"\n", len(block) // 2) + 1
    if len(block) <= _CAREFUL_BYTES or cut in (0, len(block)):
        yield _read_carefully(block, layout)
    else:
        yield from read_lines(block[:cut], layout)
        yield from read_lines(block[cut:], layout)


def _read_quickly(block: bytes, layout: CsvLayout) -> Lines | None:
    """Return all lines, or None when one of them is blank or bad, or when rows and lines are not the same."""
    names = [str(place) for place in range(len(layout.header.names))]
    numbers = {place: pa.float64() for name, place in _places(layout) if name in NUMBERS}
    texts = dict.fromkeys(layout.used, pa.string())
    stamp = {layout.stamp[0]: layout.stamp_layout.arrow_type} if len(layout.stamp) == 1 else {}
    types = {str(place): kind for place, kind in (texts | stamp | numbers).items()}
    try:
        table = pacsv.read_csv(
            pa.BufferReader(block),
            read_options=pacsv.ReadOptions(column_names=names, block_size=1 << 20),
            parse_options=pacsv.ParseOptions(delimiter=layout.header.delimiter),
            convert_options=pacsv.ConvertOptions(
                column_types=types, include_columns=list(types), decimal_point=layout.decimal
            ),
        )
    except pa.ArrowInvalid:
        return None
    if len(table) != block.count(b"\n") + (not block.endswith(b"\n")):
        return None
    columns = {name: table.column(str(place)) for name, place in _places(layout)}
    columns["stamp"] = _joined([table.column(str(place)) for place in layout.stamp])
    return Lines(columns, np.arange(len(table)), [], len(table))


def _read_carefully(block: bytes, layout: CsvLayout) -> Lines:
    """Read line by line, in plain Python: a line with a fault is rejected, the others are kept."""
    expected = len(layout.header.names)
    kept: list[list[str]] = []
    numbers: list[list[float]] = []
    row_number: list[int] = []
    rejects: list[tuple[int, str]] = []
    row = 0
    for line in io.StringIO(block.decode("utf-8", errors="replace"), newline="\n"):
        if not line.strip():
            continue
        cells = cells_of(line, layout.header.delimiter)
        fault = f"the row has {len(cells)} columns where {layout.width_rule} {expected}"
        if len(cells) == expected:
            found = {name: _number(cells[place], layout.decimal) for name, place in _places(layout) if name in NUMBERS}
            fault = next((f"{name} is not a number" for name, value in found.items() if value is None), "")
        if fault:
            rejects.append((row, fault))
        else:
            kept.append(cells)
            numbers.append([value for value in found.values() if value is not None])
            row_number.append(row)
        row += 1
    names = [name for name, _ in _places(layout) if name in NUMBERS]
    matrix = np.array(numbers, dtype=np.float64).reshape(len(kept), len(names))
    columns: dict[str, Any] = {name: pa.chunked_array([matrix[:, index]]) for index, name in enumerate(names)} | {
        "stamp": _texts(" ".join(cells[place] for place in layout.stamp) for cells in kept)
    }
    symbol = layout.header.symbol
    if symbol is not None:
        columns["symbol"] = _texts(cells[symbol] for cells in kept)
    return Lines(columns, np.array(row_number, dtype=np.int64), rejects, row)


def _places(layout: CsvLayout) -> list[tuple[str, int]]:
    header = layout.header
    others = (("volume", header.volume), (MORE_VOLUME, header.more_volume), ("symbol", header.symbol))
    known = [(name, place) for name, place in others if place is not None]
    return [*zip(PRICES, layout.header.bars, strict=True), *known]


def _joined(columns: list[pa.ChunkedArray]) -> pa.ChunkedArray:
    if len(columns) == 1:
        return columns[0]
    return pc.binary_join_element_wise(*columns, " ")


def _texts(values: Iterable[str]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.string())])


def _number(cell: str, decimal: str) -> float | None:
    text = cell.strip()
    if text in _NOTHING:
        return float("nan")
    if decimal != ".":
        text = text.replace(".", "x").replace(decimal, ".")
    try:
        return float(text) if "_" not in text else None
    except ValueError:
        return None
