"""Parquet, Feather and Arrow files of bars, as pandas, Polars, DuckDB and others write them."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa

from ml_data.bar_file import BarFile
from ml_data.importers.arrow_columns import TableColumns, find_columns
from ml_data.importers.arrow_content import ArrowContent, kind_of, opened
from ml_data.importers.arrow_values import as_utc, is_number, stamp_column
from ml_data.importers.base import AS_WRITTEN, Chunk, Importer, Reading, tells, told
from ml_data.importers.csv_layout import PRICES
from ml_data.importers.table_bars import TableBars, table_bars
from trading.domain.instrument import Instrument
from trading.errors import BadBars


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
            _refuse_other_than_numbers(file.name, columns, content.schema.types)
            first = next((batch for batch, _ in content.batches(columns.stamps) if len(batch)), None)
            if first is None:
                raise BadBars(f"{file.name}: the file holds no bars, only columns; download it again.")
            stamps = stamp_column(file.name, first.columns, as_written=time_zone == AS_WRITTEN)
            bars = table_bars(file.name, columns, stamps, instrument, time_zone)
            told_by = _told(content, columns)
        read = " and ".join(columns.names[place] for place in columns.stamps)
        kind = self.recognise(file.head) or "--format says so"
        why = f"{kind}; its time is {'the index' if columns.indexed else 'the column'} {read}"
        return Reading(replace(bars.recognised(self.format, self.title, why), told=told_by), _chunks(file, bars))

    def raw_rows(self, file: BarFile, row_numbers: Collection[int]) -> dict[int, str]:
        """Return the values of the columns that are read, with their names."""
        wanted, raw, row = set(row_numbers), dict[int, str](), 1
        with opened(file) as content:
            columns = find_columns(file.name, content.schema)
            for batch, _ in content.batches(columns.used):
                for number in sorted(wanted.intersection(range(row, row + len(batch)))):
                    values = (as_utc(column.slice(number - row, 1))[0].as_py() for column in batch.columns)
                    named = zip(batch.schema.names, values, strict=True)
                    raw[number] = ", ".join(f"{name}={value}" for name, value in named)
                row += len(batch)
        return raw


def _refuse_other_than_numbers(file_name: str, columns: TableColumns, kinds: list[pa.DataType]) -> None:
    for place, name in zip((*columns.prices, columns.volume), (*PRICES, "volume"), strict=True):
        if place is not None and not is_number(kinds[place]):
            raise BadBars(
                f"{file_name}: expected numbers for {name} in the column {columns.names[place]!r}, found "
                f"{kinds[place]}; write it as numbers."
            )


def _told(content: ArrowContent, columns: TableColumns) -> tuple[tuple[str, str], ...]:
    """Return what the first values of columns that are not read say of what the bars are of."""
    places = [place for place, name in enumerate(columns.names) if place not in columns.used and tells(name)]
    first = next((batch for batch, _ in content.batches(places) if len(batch)), None) if places else None
    if first is None:
        return ()
    names = [columns.names[place] for place in places]
    return told(dict(zip(names, (column[0].as_py() for column in first.columns), strict=True)))


def _chunks(file: BarFile, bars: TableBars) -> Iterator[Chunk]:
    row, places = 1, bars.columns.used
    with opened(file) as content:
        for batch, share in content.batches(places):
            values = dict(zip(places, batch.columns, strict=True))
            yield bars.chunk(values, np.arange(row, row + len(batch), dtype=np.int64), share)
            row += len(batch)


IMPORTER: Final[Importer] = ArrowFiles()
