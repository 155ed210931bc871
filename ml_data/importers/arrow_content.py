"""What is in a Parquet or Feather file: its columns, and its rows in batches, read as they are asked for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import SEEK_END, BufferedIOBase
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from ml_data.bar_file import BarFile
from trading.errors import BadBars

BATCH_ROWS: Final = 65_536
_BUFFER: Final = 1 << 20  # bytes read of a column at a time
_STREAM: Final = b"\xff\xff\xff\xff"  # begins each message of an Arrow stream, which has no name in front
MAGIC: Final = {b"PAR1": "Parquet", b"ARROW1": "Feather (Arrow IPC)"}


class ArrowContent(Protocol):
    """An open file of columns."""

    @property
    def schema(self) -> pa.Schema:
        """Its columns, with what pandas wrote about its index."""

    def batches(self, places: Sequence[int]) -> Iterator[tuple[pa.RecordBatch, float]]:
        """Yield the columns at `places` in batches of rows, each with the share of the file that it completes."""


def kind_of(head: bytes) -> str | None:
    """Return what content that starts with `head` is, "Parquet" for one; None when it has no columns of this kind."""
    named = next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)
    if named is None and head.startswith(_STREAM):
        try:
            pa.ipc.read_schema(pa.BufferReader(head))
        except (pa.ArrowException, OSError):
            return None
        return "Arrow stream"
    return named


@contextmanager
def opened(file: BarFile) -> Iterator[ArrowContent]:
    """Open `file`, which is of a kind that `kind_of` knows.

    Raises
    ------
    BadBars
        here or in the block, when it is damaged, or packed within in a way that cannot be read.
    """
    with file.random_access() as content:
        try:
            yield _content(file, content)
        except pa.ArrowNotImplementedError as error:
            raise BadBars(
                f"{file.name}: it is written in a way that cannot be read here ({_line(error)}); write it again as "
                f"plain Parquet or as CSV."
            ) from error
        except (pa.ArrowException, OSError, UnicodeDecodeError, MemoryError, OverflowError) as error:
            # The last three are of names that are no text and of lengths that nothing has.
            raise BadBars(
                f"{file.name}: the file is damaged or cut short ({_line(error)}); download or write it again."
            ) from error


def _content(file: BarFile, content: BufferedIOBase) -> ArrowContent:
    kind = kind_of(file.head)
    if kind == "Parquet":
        return _Parquet(pq.ParquetFile(content, pre_buffer=False, buffer_size=_BUFFER))
    return _Stream(content) if kind == "Arrow stream" else _Feather(content)


def _line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".:")


@dataclass(frozen=True)
class _Parquet:
    file: Any  # pq.ParquetFile

    @property
    def schema(self) -> pa.Schema:
        return self.file.schema_arrow

    def batches(self, places: Sequence[int]) -> Iterator[tuple[pa.RecordBatch, float]]:
        names = [self.schema.names[place] for place in places]
        rows, read = max(1, self.file.metadata.num_rows), 0
        for batch in self.file.iter_batches(batch_size=BATCH_ROWS, columns=names, use_threads=False):
            read += len(batch)
            yield batch.select(names), min(1.0, read / rows)


class _Feather:
    def __init__(self, content: BufferedIOBase) -> None:
        self._content = content
        self._whole = pa.ipc.open_file(content)

    @property
    def schema(self) -> pa.Schema:
        return self._whole.schema

    def batches(self, places: Sequence[int]) -> Iterator[tuple[pa.RecordBatch, float]]:
        self._content.seek(0)
        options = pa.ipc.IpcReadOptions(included_fields=sorted(places), use_threads=False)
        file = pa.ipc.open_file(self._content, options=options)
        names = [self.schema.names[place] for place in places]
        for number in range(file.num_record_batches):
            batch = file.get_batch(number).select(names)
            for start in range(0, len(batch), BATCH_ROWS):
                yield batch.slice(start, BATCH_ROWS), (number + 1) / file.num_record_batches


class _Stream:
    def __init__(self, content: BufferedIOBase) -> None:
        self._content = content
        self._schema = pa.ipc.open_stream(content).schema
        self._size = max(1, content.seek(0, SEEK_END))

    @property
    def schema(self) -> pa.Schema:
        return self._schema

    def batches(self, places: Sequence[int]) -> Iterator[tuple[pa.RecordBatch, float]]:
        self._content.seek(0)
        names = [self._schema.names[place] for place in places]
        for batch in pa.ipc.open_stream(self._content):
            for start in range(0, len(batch), BATCH_ROWS):
                yield batch.select(names).slice(start, BATCH_ROWS), self._content.tell() / self._size
