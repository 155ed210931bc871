"""Reads any text file of bars whose layout a finder recognised: the same way for every vendor."""

import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml_data.bar_file import BarFile
from ml_data.importers.base import AS_WRITTEN, Chunk, Mark, Reading, Recognised, UnknownClock, told
from ml_data.importers.chunks import Columns, chunk_of
from ml_data.importers.csv_layout import PRICES, CsvLayout, Finder, first_lines, sample_rows
from ml_data.importers.csv_lines import MORE_VOLUME, Lines, line_blocks, read_lines, without_header
from ml_data.importers.csv_rows import read_layout, with_order
from ml_data.importers.stamps import to_instants
from ml_data.importers.symbols import ContractOf, contract_of
from ml_data.importers.vendor_habits import from_fixed_point
from ml_data.importers.volumes import NO_COLUMN, usable_volume
from trading.domain.instrument import Instrument
from trading.errors import BadBars

_MINUTE_US = 60_000_000


@dataclass(frozen=True)
class CsvImporter:
    """The importer of one text layout: `find` recognises it, `stamps` says what a stamp of it marks.

    It is an `ml_data.importers.base.Importer`.
    """

    format: str
    title: str
    find: Finder
    stamps: Mark = "start"

    def recognise(self, head: bytes) -> str | None:
        """Return what of the first lines has this layout, or None."""
        found = self.find(first_lines(head))
        return None if found is None else found.why

    def open(self, file: BarFile, instrument: Instrument, time_zone: str | None) -> Reading:
        """Read the layout from the first lines; the bars are read when chunks are taken."""
        recognised, source = self._opened(file, instrument, time_zone)
        return Reading(recognised, _chunks(source))

    def open_lines(self, file: BarFile, instrument: Instrument, time_zone: str | None) -> "LineReader":
        """Read the layout from the first lines, for someone who reads the lines himself; raises as `open` does."""
        return LineReader(*self._opened(file, instrument, time_zone))

    def _opened(self, file: BarFile, instrument: Instrument, time_zone: str | None) -> "tuple[Recognised, _Source]":
        lines = first_lines(file.head)
        found = self.find(lines)
        if found is None:
            raise BadBars(f"{file.name}: expected {self.title}, found {''.join(lines[:1])[:80].strip()!r}.")
        if found.refusal:
            raise BadBars(f"{file.name}: {found.refusal}")
        as_written = time_zone == AS_WRITTEN
        layout = read_layout(file.name, found, lines, as_written=as_written)
        if layout.stamp_layout.order == "unknown":
            layout = with_order(file.name, layout, _stamps(file, layout))
        clock = layout.stamp_layout.clock
        zone = "UTC" if as_written else layout.header.clock or time_zone
        habits = layout.header.habits
        stamps: Mark = "end" if habits.ends else self.stamps
        if clock == "naive" and zone is None:
            raise UnknownClock(file.name, layout.stamp_sample.strip())
        named = layout.stamp_layout.zone
        names = layout.header.names
        why, notes = found.why, (*found.notes, *habits.notes)
        if habits.ends:
            why += f"; {habits.ends}"
        if layout.price_unit != 1:
            why += "; its whole prices count billionths"
        if clock == "naive" and layout.stamp_layout.epoch_us:
            why += "; its seconds since 1970 count what the server's clock shows"
        if instrument.contracts is not None and layout.header.symbol is None:
            why += f"; without a contract column its bars are one continuous series of {instrument.symbol}"
        if layout.stamp_layout.order != "year":
            why += f"; its dates have the {layout.stamp_layout.order} first, as a day above 12 says"
        recognised = Recognised(
            format=self.format,
            title=self.title,
            why=why,
            columns_used=tuple(names[place] for place in layout.used),
            columns_ignored=tuple(name for place, name in enumerate(names) if place not in layout.used and name),
            time_zone={
                "naive": str(zone),
                "aware": f"{named}, named in each stamp" if named else "offset in each stamp",
                "epoch": "UTC",
            }[clock],
            stamps=stamps,
            span=None,
            notes=notes if layout.header.volume is not None else (*notes, NO_COLUMN),
            told=_told(layout, lines),
        )
        source = _Source(
            file=file,
            layout=layout,
            zone=zone if clock == "naive" else None,
            lead=_MINUTE_US if stamps == "end" and not as_written else 0,
            symbol=instrument.symbol,
            contract_of=contract_of(instrument),
        )
        return recognised, source

    def raw_rows(self, file: BarFile, row_numbers: Collection[int]) -> dict[int, str]:
        """Return lines as they are written, without their line ends."""
        found = self.find(first_lines(file.head))
        wanted, raw = set(row_numbers), dict[int, str]()
        with file.unpacked() as (content, _):
            row = 0 if found is None else -found.skip
            for block in line_blocks(content, file.name):
                for line in io.BytesIO(block):
                    row += not line.isspace()
                    if row in wanted and row not in raw:
                        raw[row] = line.decode("utf-8", errors="replace").rstrip("\r\n").removeprefix("\ufeff")
        return raw


@dataclass(frozen=True)
class _Source:
    """What does not change from block to block. `lead` is how far a stamp is ahead of its bar's start, microseconds."""

    file: BarFile
    layout: CsvLayout
    zone: str | None
    lead: int
    symbol: str
    contract_of: ContractOf


def _told(layout: CsvLayout, lines: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    row = next(iter(sample_rows(lines[: layout.skip + 3], layout.header, layout.skip)), [])
    named = enumerate(zip(layout.header.names, row, strict=False))
    return told({name: cell for place, (name, cell) in named if name and place not in layout.used})


@dataclass(frozen=True)
class LineReader:
    """Reads lines of a file whose layout is known, from anywhere in it (a file that is still being written)."""

    recognised: Recognised
    source: _Source

    @property
    def skip(self) -> int:
        """How many lines that are not blank stand before the first bar."""
        return self.source.layout.skip

    def chunks(self, block: bytes, first_row: int) -> Iterator[Chunk]:
        """Yield the bars of whole lines; `first_row` is the number of the first of them."""
        for part in read_lines(block, self.source.layout):
            yield _chunk(part, first_row, self.source, 1.0)
            first_row += part.rows


def _lines(file: BarFile, layout: CsvLayout) -> Iterator[tuple[Lines, float]]:
    with file.unpacked() as (content, packed):
        for number, block in enumerate(line_blocks(content, file.name)):
            for part in read_lines(block if number else without_header(block, layout.skip), layout):
                yield part, packed.tell() / file.size


def _stamps(file: BarFile, layout: CsvLayout) -> Iterator[pa.ChunkedArray]:
    for part, _ in _lines(file, layout):
        yield part.columns["stamp"]


def _chunks(source: _Source) -> Iterator[Chunk]:
    row = 1
    for part, share in _lines(source.file, source.layout):
        yield _chunk(part, row, source, share)
        row += part.rows


def _chunk(lines: Lines, first_row: int, source: _Source, share: float) -> Chunk:
    instants, faults = to_instants(lines.columns["stamp"], source.layout.stamp_layout, source.zone)
    counted = lines.columns.get("volume")
    if counted is not None and MORE_VOLUME in lines.columns:
        counted = pc.add(counted, lines.columns[MORE_VOLUME])
    volume, repairs = usable_volume(counted, len(instants))
    numbers = lines.columns | {"volume": volume}
    if source.layout.price_unit != 1:
        numbers |= {name: pa.chunked_array([from_fixed_point(numbers[name].to_numpy())]) for name in PRICES}
    columns = Columns(
        instants=np.asarray(instants) - source.lead,
        faults=faults,
        numbers=numbers,
        symbols=lines.columns.get("symbol"),
        row_number=lines.row_number + first_row,
        rejects=[(row + first_row, reason) for row, reason in lines.rejects],
    )
    return replace(chunk_of(columns, source.symbol, source.contract_of, share), repairs=repairs)
