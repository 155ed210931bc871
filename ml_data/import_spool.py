"""Rows that wait for the one transaction that stores them: in memory while they are few, then in a temporary file."""

import tempfile
from pathlib import Path
from typing import IO, Final

import pyarrow as pa

from trading.errors import StoreError

MEMORY_ROWS: Final = 1_048_576


class Spool:
    """Tables of one schema, put aside in order; the temporary file in `folder` lives until `close`."""

    def __init__(self, schema: pa.Schema, folder: Path, memory_rows: int = MEMORY_ROWS) -> None:
        self.rows = 0
        self._schema = schema
        self._folder = folder
        self._memory_rows = memory_rows
        self._tables: list[pa.Table] = []
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
        self._tables.append(table)
        if self.rows <= self._memory_rows:
            return
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - it lives until close
                self._writer = pa.ipc.new_stream(self._file, self._schema)
            if self._writer is not None:
                for waiting in self._tables:
                    self._writer.write_table(waiting)
        except OSError as error:
            raise StoreError(
                f"{self._folder}: the import needs room here to put bars aside, found {error.strerror or error}; free "
                f"some space and run it again."
            ) from error
        self._tables = []

    def content(self) -> pa.Table | pa.RecordBatchReader:
        """Return all rows, to be read once; nothing may be added after."""
        if self._file is None or self._writer is None:
            return pa.concat_tables([self._schema.empty_table(), *self._tables])
        self._writer.close()
        self._file.seek(0)
        return pa.ipc.open_stream(self._file)
