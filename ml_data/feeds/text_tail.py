"""The end of a text file that another program appends to: only new lines are read, and only whole ones."""

from io import BufferedIOBase
from pathlib import Path
from typing import Final

import pyarrow as pa

from ml_data.bar_file import HEAD_BYTES
from ml_data.feeds.watched_file import NOTHING, STEP_BYTES, FileNews, Layout, Signature, bar_file, bars_of, since
from ml_data.importers.csv_importer import CsvImporter, LineReader
from ml_data.importers.csv_lines import without_header
from trading.domain.bar import BARS
from trading.domain.instrument import Instrument

_SEARCHED: Final = 64 * 1024  # a span of the file this small is read, not searched further
_LINES_TRIED: Final = 8 * 1024  # bytes from a place on in which a line with a bar is looked for
_HEAD: Final = 256  # bytes at the beginning that tell one file from another that took its name


class TextTail:
    """One text file in the layout of `importer`.

    It is read from the first line on whose bar starts at the newest stored one (found by halving, as files are appended
    in the order of time), later from where it was read to. The last whole line is looked at again each time: some
    programs write it anew until its minute is over. A line without its end is left until the end is there.
    """

    def __init__(self, path: Path, importer: CsvImporter, instrument: Instrument, layout: Layout) -> None:
        self._path, self._importer, self._instrument, self._layout = path, importer, instrument, layout
        self._lines: LineReader | None = None
        self._head = self._last_line = b""
        self._offset = 0  # where the last whole line begins that was read
        self._row = 1

    def news(self, signature: Signature, since_us: int) -> FileNews:
        """Return the bars of whole lines that were not there before."""
        amiss, begins = "", False
        with self._path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            if self._lines is not None and self._was_replaced(head, signature.size, file):
                self._lines, amiss = None, f"{self._path.name} is another file than before; it is read anew."
            if self._lines is None:
                self._begin(head, signature.size, since_us, file)
                begins = True
            file.seek(self._offset)
            content = file.read(STEP_BYTES)
        end = content.rfind(b"\n") + 1
        if end == 0:
            return NOTHING
        start = content.rfind(b"\n", 0, end - 1) + 1
        block = content[:end]
        if self._last_line and block.startswith(self._last_line):
            block = block[len(self._last_line) :]
        bars, rejected = self._read(block)
        more = self._offset + len(content) < signature.size
        self._last_line, self._offset = content[start:end], self._offset + start
        self._head = head[: min(_HEAD, self._offset)]
        return FileNews(since(bars, since_us) if begins else bars, more, amiss, rejected)

    def _begin(self, head: bytes, size: int, since_us: int, file: BufferedIOBase) -> None:
        lines = self._importer.open_lines(bar_file(self._path, head), self._instrument, self._layout.time_zone)
        self._lines, self._last_line, self._row = lines, b"", 1
        low, high = len(head) - len(without_header(head, lines.skip)), size
        while since_us > 0 and high - low > _SEARCHED:
            middle = (low + high) // 2
            file.seek(middle)
            part = file.read(_LINES_TRIED)
            line = part.find(b"\n") + 1
            bars, _ = self._read(part[line : part.rfind(b"\n") + 1])
            first = bars.column("ts").cast(pa.int64())[0].as_py() if len(bars) else since_us
            if line == 0 or first >= since_us:
                high = middle
            else:
                low = middle + line
        self._offset, self._row = low, 1

    def _was_replaced(self, head: bytes, size: int, file: BufferedIOBase) -> bool:
        """Return whether what was read before is not there any more: another beginning, or no line where one began."""
        if size < self._offset or not head.startswith(self._head):
            return True
        file.seek(max(0, self._offset - 1))
        return self._offset > 0 and file.read(1) != b"\n"

    def _read(self, block: bytes) -> tuple[pa.Table, tuple[str, ...]]:
        tables, rejected = [BARS.empty_table()], list[str]()
        if self._lines is not None and block:
            for chunk in self._lines.chunks(block, self._row):
                tables.append(bars_of(chunk, self._lines.recognised, self._layout.stamps))
                rejected += [f"{self._path.name}: {reason}" for reason in chunk.rejects.column("reason").to_pylist()]
                self._row += chunk.rows_read
        return pa.concat_tables(tables), tuple(rejected)
