"""HistData's one-minute bars: `20180102 180100;1302.34;1302.82;1302.34;1302.59;0`, no header, a clock of its own."""

import io
import re
from collections.abc import Collection, Iterator
from itertools import count
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from ml_data.bar_file import BarFile
from ml_data.importers.base import AS_WRITTEN, Chunk, Importer, Reading, Recognised
from ml_data.importers.chunks import NUMBERS, Columns, chunk_of
from ml_data.importers.csv_layout import first_lines, read_header
from ml_data.importers.csv_lines import line_blocks
from ml_data.importers.source_clocks import HISTDATA
from ml_data.importers.stamps import StampLayout, to_instants
from ml_data.importers.symbols import contract_of
from trading.domain.instrument import Instrument

COLUMNS: Final = ("stamp", *NUMBERS)
_ROW: Final = re.compile(r"\d{8} \d{6}(;\d+(\.\d+)?){4};0\s*")
_NUMBER: Final = re.compile(r"\s*\d+(\.\d*)?\s*")
_SHARE: Final = 0.9  # of the first lines that look so: a few may be damaged
_WRITTEN: Final = StampLayout(clock="naive", iso=False)
_PARSED: Final = StampLayout(clock="naive")


class HistData:
    """The importer of HistData's "Generic ASCII" and NinjaTrader files, which are alike."""

    format = "histdata"
    title = "HistData one-minute bars"

    def recognise(self, head: bytes) -> str | None:
        """Return what its rows have in common, or None; other vendors that write so have volume."""
        lines = first_lines(head)
        alike = sum(_ROW.fullmatch(line) is not None for line in lines)
        if not lines or alike < _SHARE * len(lines) or read_header(lines[0]) is not None:
            return None
        return "its rows are YYYYMMDD HHMMSS;open;high;low;close;0 without a header and without volume"

    def open(self, file: BarFile, instrument: Instrument, time_zone: str | None) -> Reading:
        """Start to read; without a `time_zone` the stamps show the vendor's own clock, which is known."""
        why = self.recognise(file.head) or "--format says so"
        clock = f"{time_zone}, as --time-zone says" if time_zone else f"{HISTDATA.name}, for {HISTDATA.evidence}"
        recognised = Recognised(
            format=self.format,
            title=self.title,
            why=f"{why}; its stamps show {clock}; it names no symbol, so its bid prices are taken for "
            f"{instrument.symbol}",
            columns_used=COLUMNS,
            columns_ignored=(),
            time_zone=time_zone or HISTDATA.name,
            stamps="start",
            span=None,
        )
        return Reading(recognised, _chunks(file, instrument, time_zone))

    def raw_rows(self, file: BarFile, row_numbers: Collection[int]) -> dict[int, str]:
        """Return lines as they are written, without their line ends."""
        wanted, raw, rows = set(row_numbers), dict[int, str](), count(1)
        with file.unpacked() as (content, _):
            for block in line_blocks(content, file.name):
                for line in io.BytesIO(block):
                    if not line.isspace() and (row := next(rows)) in wanted:
                        raw[row] = line.decode("utf-8", errors="replace").rstrip("\r\n")
        return raw


def _chunks(file: BarFile, instrument: Instrument, time_zone: str | None) -> Iterator[Chunk]:
    row = 1
    with file.unpacked() as (content, packed):
        for block in line_blocks(content, file.name):
            part = _columns(block.removeprefix(b"\xef\xbb\xbf"), row, time_zone)
            chunk = chunk_of(part, instrument.symbol, contract_of(instrument), packed.tell() / file.size)
            row += chunk.rows_read
            yield chunk


def _columns(block: bytes, row: int, time_zone: str | None) -> Columns:
    """Return the rows of `block`, the first of which is row `row` of the file: quickly where all of them are good."""
    try:
        table = pacsv.read_csv(
            pa.BufferReader(block),
            read_options=pacsv.ReadOptions(column_names=COLUMNS, block_size=1 << 20),
            parse_options=pacsv.ParseOptions(delimiter=";"),
            convert_options=pacsv.ConvertOptions(
                column_types={"stamp": pa.timestamp("us")} | dict.fromkeys(NUMBERS, pa.float64()),
                timestamp_parsers=["%Y%m%d %H%M%S"],
            ),
        )
    except pa.ArrowInvalid:
        table = None
    if table is not None and len(table) == block.count(b"\n") + (not block.endswith(b"\n")):
        instants, faults = _instants(table.column("stamp"), time_zone)
        numbers = {name: table.column(name) for name in NUMBERS}
        return Columns(instants, faults, numbers, None, np.arange(row, row + len(table)))
    return _carefully(block, row, time_zone)


def _carefully(block: bytes, row: int, time_zone: str | None) -> Columns:
    """Read line by line: a line with a fault is rejected, the others are kept."""
    stamps: list[str] = []
    numbers: list[list[float]] = []
    kept: list[int] = []
    rejects: list[tuple[int, str]] = []
    for line in block.decode("utf-8", errors="replace").split("\n"):
        if not line.strip():
            continue
        cells = line.split(";")
        if len(cells) != len(COLUMNS):
            rejects.append((row, f"the row has {len(cells)} columns where {len(COLUMNS)} are expected"))
        elif not all(_NUMBER.fullmatch(cell) for cell in cells[1:]):
            rejects.append((row, "a price is not a number"))
        else:
            stamps.append(cells[0])
            numbers.append([float(cell) for cell in cells[1:]])
            kept.append(row)
        row += 1
    written = pa.chunked_array([pa.array(stamps, pa.string())])
    wall, bad = to_instants(written, _WRITTEN, None)
    instants, faults = _instants(pa.chunked_array([pa.array(wall, mask=bad != 0).cast(pa.timestamp("us"))]), time_zone)
    matrix = np.array(numbers, dtype=np.float64).reshape(len(kept), len(NUMBERS))
    return Columns(
        instants=instants,
        faults=np.where(bad != 0, bad, faults),
        numbers={name: pa.array(matrix[:, place]) for place, name in enumerate(NUMBERS)},
        symbols=None,
        row_number=np.array(kept, dtype=np.int64),
        rejects=rejects,
    )


def _instants(stamps: pa.ChunkedArray, time_zone: str | None) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    if time_zone is None:
        return HISTDATA.to_instants(stamps)
    return to_instants(stamps, _PARSED, None if time_zone == AS_WRITTEN else time_zone)


IMPORTER: Final[Importer] = HistData()
