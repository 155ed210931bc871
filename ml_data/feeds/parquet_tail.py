"""A Parquet file that another program writes again and again: only the row groups with new bars are read."""

from io import BufferedIOBase
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ml_data.feeds.watched_file import NOTHING, FileNews, Layout, Signature, bar_file, bars_of, head_of, since
from ml_data.importers.arrow_columns import find_columns
from ml_data.importers.arrow_values import stamp_column
from ml_data.importers.table_bars import TableBars, table_bars
from trading.domain.bar import BARS, MINUTE_US
from trading.domain.instrument import Instrument
from trading.errors import BadBars


class ParquetTail:
    """One Parquet file. A row group is read when one of its stamps is not older than the newest bar delivered.

    What is read of the others is their column of stamps, from the last group back to the first that is old.
    """

    def __init__(self, path: Path, instrument: Instrument, layout: Layout) -> None:
        self._path, self._instrument, self._layout = path, instrument, layout
        self._groups: list[int] = []
        self._of: Signature | None = None
        self._reached = -1
        self._last = BARS.empty_table()

    def news(self, signature: Signature, since_us: int) -> FileNews:
        """Return the new bars of one row group."""
        since_us = max(since_us, self._reached) if self._reached >= 0 else since_us
        file = bar_file(self._path, head_of(self._path))
        try:
            with file.random_access() as content:
                return self._read(content, signature, since_us)
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, FileNotFoundError | PermissionError):
                raise
            raise BadBars(f"{self._path.name}: it is not whole yet; read once it is.") from error

    def _read(self, content: BufferedIOBase, signature: Signature, since_us: int) -> FileNews:
        parquet = pq.ParquetFile(content, pre_buffer=False)
        if parquet.metadata.num_rows == 0:
            return NOTHING
        columns = find_columns(self._path.name, parquet.schema_arrow)
        stamps = [columns.names[place] for place in columns.stamps]
        names = parquet.schema_arrow.names
        head = next(parquet.iter_batches(batch_size=1_000, columns=[names[place] for place in columns.stamps]))
        layout = stamp_column(self._path.name, head.select(stamps).columns)
        bars = table_bars(self._path.name, columns, layout, self._instrument, self._layout.time_zone)
        if self._of != signature:
            self._of, self._groups = signature, self._new_groups(parquet, bars, since_us)
        if not self._groups:
            return NOTHING
        table = self._bars(parquet, bars, self._groups.pop(0))
        fresh = since(table, since_us)
        if len(self._last) and fresh.slice(0, len(self._last)).equals(self._last):
            fresh = fresh.slice(len(self._last))
        if len(fresh) and not self._groups:
            starts = table.column("ts").cast(pa.int64()).to_numpy()
            self._reached = int(starts.max())
            self._last = table.filter(pa.array(starts == self._reached))
        return FileNews(fresh, more=bool(self._groups))

    def _new_groups(self, parquet: pq.ParquetFile, bars: TableBars, since_us: int) -> list[int]:
        places = bars.columns.stamps
        groups: list[int] = []
        for group in reversed(range(parquet.num_row_groups)):
            table = parquet.read_row_group(group, columns=[bars.columns.names[place] for place in places])
            columns = [table.column(bars.columns.names[place]).combine_chunks() for place in places]
            instants, _ = bars.stamps.instants(columns, bars.zone)
            if np.max(instants, initial=0) < since_us - MINUTE_US:  # a stamp may mark the end of its minute
                break
            groups.insert(0, group)
        return groups

    def _bars(self, parquet: pq.ParquetFile, bars: TableBars, group: int) -> pa.Table:
        places = bars.columns.used
        table = parquet.read_row_group(group, columns=[bars.columns.names[place] for place in places])
        values = {place: table.column(bars.columns.names[place]).combine_chunks() for place in places}
        chunk = bars.chunk(values, np.arange(1, len(table) + 1, dtype=np.int64), 1.0)
        return bars_of(chunk, bars.recognised("arrow", "Parquet", "its content is Parquet"), self._layout.stamps)
