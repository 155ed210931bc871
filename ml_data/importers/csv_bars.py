"""CSV with a header: a time, open, high, low, close, volume, and a contract if there are several."""

import io
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml_data.bar_file import BarFile
from ml_data.importers.base import (
    OTHERS_SHOWN,
    REJECTS,
    ROWS,
    Chunk,
    Importer,
    Reading,
    Recognised,
    UnknownClock,
    belongs,
)
from ml_data.importers.csv_layout import CsvLayout, first_lines, read_header, read_layout
from ml_data.importers.csv_lines import NUMBERS, Lines, line_blocks, read_lines, without_header
from ml_data.importers.stamps import FAULTS, to_instants
from trading.domain.instrument import Instrument


@dataclass(frozen=True)
class _Source:
    """What does not change from block to block."""

    file: BarFile
    layout: CsvLayout
    zone: str | None
    symbol: str
    belongs: Callable[[str], bool]


class CsvBars:
    """The importer of CSV files whose first line names their columns."""

    format = "csv"
    title = "CSV with a header"

    def recognise(self, head: bytes) -> str | None:
        """Return which columns the first line names, or None."""
        if b"\0" in head:
            return None
        lines = first_lines(head)
        header = read_header(lines[0]) if lines else None
        if header is None:
            return None
        volume = set() if header.volume is None else {header.volume}
        named = [header.names[place] for place in sorted({*header.stamps[0], *header.bars, *volume})]
        return f"its first line names the columns {', '.join(named)}"

    def open(self, file: BarFile, instrument: Instrument, time_zone: str | None) -> Reading:
        """Read the layout from the first lines; the bars are read when chunks are taken."""
        layout = read_layout(file.name, first_lines(file.head))
        clock = layout.stamp_layout.clock
        if clock == "naive" and time_zone is None:
            raise UnknownClock(file.name, layout.stamp_sample)
        names = layout.header.names
        source = _Source(
            file=file,
            layout=layout,
            zone=time_zone if clock == "naive" else None,
            symbol=instrument.symbol,
            belongs=belongs(instrument),
        )
        why = self.recognise(file.head) or "--format says so"
        if instrument.contracts is not None and layout.header.symbol is None:
            why += f"; without a contract column its bars are one continuous series of {instrument.symbol}"
        recognised = Recognised(
            format=self.format,
            title=self.title,
            why=why,
            columns_used=tuple(names[place] for place in layout.used),
            columns_ignored=tuple(name for place, name in enumerate(names) if place not in layout.used),
            time_zone={"naive": str(time_zone), "aware": "offset in each stamp", "epoch": "UTC"}[clock],
            stamps="start",
            span=None,
        )
        return Reading(recognised, _chunks(source))

    def raw_rows(self, file: BarFile, row_numbers: Collection[int]) -> dict[int, str]:
        """Return lines as they are written, without their line ends."""
        wanted, raw = set(row_numbers), dict[int, str]()
        with file.unpacked() as (content, _):
            row = -1  # the header is row 0
            for block in line_blocks(content, file.name):
                for line in io.BytesIO(block):
                    row += not line.isspace()
                    if row in wanted and row not in raw:
                        raw[row] = line.decode("utf-8", errors="replace").rstrip("\r\n")
        return raw


def _chunks(source: _Source) -> Iterator[Chunk]:
    row = 1
    with source.file.unpacked() as (content, packed):
        for number, block in enumerate(line_blocks(content, source.file.name)):
            body = without_header(block) if number == 0 else block
            for part in read_lines(body, source.layout):
                yield _chunk(part, row, source, packed.tell() / source.file.size)
                row += part.rows


def _chunk(lines: Lines, first_row: int, source: _Source, share: float) -> Chunk:
    layout = source.layout
    if "symbol" in lines.columns:
        symbols = pc.utf8_trim_whitespace(lines.columns["symbol"]).combine_chunks().dictionary_encode()
        names = symbols.dictionary.to_pylist()
        ours = np.array([source.belongs(name) for name in names], dtype=bool)
        others = tuple(sorted(name for name, our in zip(names, ours, strict=True) if not our))
        mine = ours[symbols.indices.to_numpy(zero_copy_only=False)]
        contract = symbols.cast(pa.string())
    else:
        mine, others = np.ones(len(lines.row_number), dtype=bool), ()
        contract = pa.repeat(pa.scalar(source.symbol, pa.string()), len(mine))
    instants, faults = to_instants(lines.columns["stamp"], layout.stamp_layout, source.zone)
    row_number = lines.row_number + first_row
    good = mine & (faults == 0)
    bars = pa.table(
        [
            contract,
            pa.array(instants).cast(ROWS.field("ts").type),
            *(lines.columns[name].cast(pa.float64()).fill_null(float("nan")) for name in NUMBERS),
            pa.array(row_number),
        ],
        schema=ROWS,
    )
    bad = mine & (faults != 0)
    rejects = [(row + first_row, reason) for row, reason in lines.rejects]
    rejects += [(int(row), FAULTS[fault]) for row, fault in zip(row_number[bad], faults[bad], strict=True)]
    return Chunk(
        bars=bars if good.all() else bars.filter(pa.array(good)),
        rejects=pa.table(
            {
                "row_number": pa.array([row for row, _ in rejects], pa.int64()),
                "reason": pa.array([reason for _, reason in rejects], pa.string()),
            },
            schema=REJECTS,
        ),
        rows_read=lines.rows,
        bars_dropped=int((~mine).sum()),
        share=share,
        others=others[:OTHERS_SHOWN],
    )


IMPORTER: Final[Importer] = CsvBars()
