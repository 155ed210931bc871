"""Parquet, Feather and Arrow files of bars, as pandas, Polars, DuckDB and others write them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa

from ml_data.bar_file import BarFile
from ml_data.importers.arrow_columns import TableColumns, find_columns
from ml_data.importers.arrow_content import kind_of, opened
from ml_data.importers.arrow_values import StampColumn, as_utc, is_number, numbers_of, stamp_column
from ml_data.importers.base import Chunk, Importer, Reading, Recognised, UnknownClock, belongs
from ml_data.importers.chunks import Columns, chunk_of
from ml_data.importers.csv_layout import PRICES
from ml_data.importers.volumes import NO_COLUMN, usable_volume
from trading.domain.instrument import Instrument
from trading.errors import BadBars


@dataclass(frozen=True)
class _Source:
    file: BarFile
    columns: TableColumns
    stamps: StampColumn
    zone: str | None
    instrument: Instrument


class ArrowFiles:
    """The importer of files of columns."""

    format = "arrow"
    title = "Parquet or Feather"

    def recognise(self, head: bytes) -> str | None:
        """Return which kind the first bytes state, or None."""
        kind = kind_of(head)
        return None if kind is None else f"its content is {kind}"

    def open(self, file: BarFile, instrument: Instrument, time_zone: str | None) -> Reading:
        """Read the columns' names and the first stamps; the bars are read when chunks are taken."""
        with opened(file) as content:
            columns = find_columns(file.name, content.schema)
            kinds = content.schema.types
            _refuse_other_than_numbers(file.name, columns, kinds)
            first = next((batch for batch, _ in content.batches(columns.stamps) if len(batch)), None)
            if first is None:
                raise BadBars(f"{file.name}: the file holds no bars, only columns; download it again.")
            stamps = stamp_column(file.name, first.columns)
            zone = "UTC" if columns.utc else time_zone
            if stamps.layout.clock == "naive" and zone is None:
                raise UnknownClock(file.name, stamps.sample)
            source = _Source(file, columns, stamps, zone if stamps.layout.clock == "naive" else None, instrument)
            kind = self.recognise(file.head) or "--format says so"
            return Reading(_recognised(source, kind, kinds), _chunks(source))

    def raw_rows(self, file: BarFile, row_numbers: Collection[int]) -> dict[int, str]:
        """Return the values of the columns that are read, with their names."""
        wanted, raw, row = set(row_numbers), dict[int, str](), 1
        with opened(file) as content:
            columns = find_columns(file.name, content.schema)
            for batch, _ in content.batches(columns.used):
                for number in sorted(wanted.intersection(range(row, row + len(batch)))):
                    values = [as_utc(column.slice(number - row, 1))[0].as_py() for column in batch.columns]
                    raw[number] = ", ".join(
                        f"{name}={value}" for name, value in zip(batch.schema.names, values, strict=True)
                    )
                row += len(batch)
        return raw


def _refuse_other_than_numbers(file_name: str, columns: TableColumns, kinds: list[pa.DataType]) -> None:
    for place, name in zip((*columns.prices, columns.volume), (*PRICES, "volume"), strict=True):
        if place is not None and not is_number(kinds[place]):
            raise BadBars(
                f"{file_name}: expected numbers for {name} in the column {columns.names[place]!r}, found "
                f"{kinds[place]}; write it as numbers."
            )


def _recognised(source: _Source, kind: str, kinds: list[pa.DataType]) -> Recognised:
    columns, stamps, symbol = source.columns, source.stamps, source.instrument.symbol
    names = columns.names
    read = (names[place] for place in columns.stamps)
    why = f"{kind}; its time is {'the index' if columns.indexed else 'the column'} {' and '.join(read)}"
    if columns.ticker is not None:
        why += f"; its columns are of {columns.ticker}"
    elif columns.symbol is None:
        series = "one continuous series of " if source.instrument.contracts is not None else ""
        why += f"; without a symbol column its bars are {series}{symbol}"
    instants = kinds[columns.stamps[0]] if len(columns.stamps) == 1 else pa.null()
    clock = {"naive": str(source.zone), "aware": "offset in each stamp", "epoch": "UTC"}[stamps.layout.clock]
    return Recognised(
        format=ArrowFiles.format,
        title=ArrowFiles.title,
        why=why,
        columns_used=tuple(names[place] for place in columns.used),
        columns_ignored=tuple(name for place, name in enumerate(names) if place not in columns.used),
        time_zone="UTC" if pa.types.is_timestamp(instants) and instants.tz else clock,
        stamps="start",
        span=None,
        notes=() if columns.volume is not None else (NO_COLUMN,),
    )


def _chunks(source: _Source) -> Iterator[Chunk]:
    columns, row = source.columns, 1
    ours = belongs(source.instrument)
    with opened(source.file) as content:
        for batch, share in content.batches(columns.used):
            values = dict(zip(columns.used, batch.columns, strict=True))
            instants, faults = source.stamps.instants([values[place] for place in columns.stamps], source.zone)
            volume, repairs = usable_volume(
                None if columns.volume is None else pa.chunked_array([numbers_of(values[columns.volume])]), len(batch)
            )
            numbers = {name: numbers_of(values[place]) for name, place in zip(PRICES, columns.prices, strict=True)}
            symbols = None if columns.symbol is None else values[columns.symbol]
            if columns.ticker is not None:
                symbols = pa.repeat(pa.scalar(columns.ticker), len(batch))
            read = Columns(
                instants=instants,
                faults=faults,
                numbers=numbers | {"volume": volume},
                symbols=symbols,
                row_number=np.arange(row, row + len(batch), dtype=np.int64),
            )
            yield replace(chunk_of(read, source.instrument.symbol, ours, share), repairs=repairs)
            row += len(batch)


IMPORTER: Final[Importer] = ArrowFiles()
