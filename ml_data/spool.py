"""Rows that wait for the one transaction that stores them: in memory while they are few, then in a temporary file."""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final

import pyarrow as pa

from trading.errors import StoreError

ROW_GROUP: Final = 122_880
"""How many rows DuckDB keeps together. Rows that come in other portions leave half groups, which it writes twice."""

MEMORY_ROWS: Final = 4 * ROW_GROUP


class Spool:
    """Tables of one schema, put aside in order; the temporary file in `folder` lives until `close`."""

    def __init__(self, schema: pa.Schema, folder: Path, memory_rows: int = MEMORY_ROWS) -> None:
        self.rows = 0
        self.schema = schema
        self._folder = folder
        self._memory_rows = memory_rows
        self._tables: list[pa.Table] = []
        self._waiting = 0
        self._file: IO[bytes] | None = None
        self._writer: pa.RecordBatchStreamWriter | None = None

    def close(self) -> None:
        """Let the rows go."""
        self._tables = []
        if self._file is not None:
            self._file.close()

    def add(self, table: pa.Table) -> None:
        """Put the rows of `table` after those that wait.

        Raises
        ------
        StoreError
            when the temporary file cannot be written.
        """
        self.rows += len(table)
        self._waiting += len(table)
        self._tables.append(table)
        if self._waiting <= self._memory_rows:
            return
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - it lives until close
                self._writer = pa.ipc.new_stream(self._file, self.schema)
            if self._writer is not None:
                for waiting in self._tables:
                    self._writer.write_table(waiting)
        except OSError as error:
            raise StoreError(
                f"{self._folder}: room is needed here to put rows aside, found {error.strerror or error}; free "
                f"some space and run it again."
            ) from error
        self._tables, self._waiting = [], 0

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield all rows, to be read once; nothing may be added after."""
        if self._file is not None and self._writer is not None:
            self._writer.close()
            self._file.seek(0)
            yield from pa.ipc.open_stream(self._file)
        for table in self._tables:
            yield from table.to_batches()


def in_row_groups(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> pa.RecordBatchReader:
    """Return the rows of `batches`, which have `schema`, in their order and in portions of whole row groups."""
    return pa.RecordBatchReader.from_batches(schema, _whole_groups(schema, batches))


def _whole_groups(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        while rows + len(batch) >= ROW_GROUP:
            head = batch.slice(0, ROW_GROUP - rows)
            yield _joined(schema, [*waiting, head])
            batch, waiting, rows = batch.slice(len(head)), [], 0
        waiting.append(batch)
        rows += len(batch)
    if rows:
        yield _joined(schema, waiting)


def _joined(schema: pa.Schema, batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.Table.from_batches(batches, schema).combine_chunks().to_batches()[0]
