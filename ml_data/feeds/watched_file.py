"""A file that another program writes while it is read: what one is, and how a watch of it is told of trouble."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

import pyarrow as pa

from ml_data.bar_file import HEAD_BYTES, BarFile
from ml_data.importers.base import Chunk, Reading, Recognised
from ml_data.stamp_marks import marked
from trading.domain.bar import BARS

STEP_BYTES: Final = 8 * 1024 * 1024
"""How much of a file is read at once."""


@dataclass(frozen=True)
class Layout:
    """What the settings say of watched files: named once, so that no step guesses it. None: as the content says."""

    format: str | None = None
    time_zone: str | None = None
    stamps: Literal["start", "end"] | None = None
    pattern: str = "*"


@dataclass(frozen=True)
class Signature:
    """Which file lies at a path, and whether it was written since: it is read again only when this changes."""

    device: int
    inode: int
    size: int
    changed_ns: int

    @property
    def identity(self) -> tuple[int, int]:
        """The file itself, whatever is in it."""
        return self.device, self.inode


@dataclass(frozen=True)
class FileNews:
    """What is new in a file: bars, whether more is there at once, and a sentence about what was amiss ("" if nothing).

    `rejected` are lines that hold no bar, with the reason.
    """

    bars: pa.Table
    more: bool = False
    amiss: str = ""
    rejected: tuple[str, ...] = ()


class WatchedFile(Protocol):
    """The watch of one file."""

    def news(self, signature: Signature, since_us: int) -> FileNews:
        """Return the bars that are new; at first those that start at `since_us` (microseconds, UTC) or later.

        Raises
        ------
        BadBars
            when nothing of the file can be read as it is now.
        OSError
            when it cannot be opened.
        """


NOTHING: Final = FileNews(BARS.empty_table())


def signature(path: Path) -> Signature:
    """Return the signature of the file at `path`."""
    found = path.stat()
    return Signature(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def bar_file(path: Path, head: bytes) -> BarFile:
    """Return a growing file as importers take it; what it will hold in the end nobody knows, so it has no hash."""
    return BarFile(path=path, size=max(1, os.path.getsize(path)), sha256="", packing=(), head=head)


def head_of(path: Path) -> bytes:
    """Return the first bytes of a file."""
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def bars_of(chunk: Chunk, recognised: Recognised, stamps: Literal["start", "end"] | None) -> pa.Table:
    """Return the bars of a chunk by their start, as `stamps` says that they are marked."""
    [taken] = marked(Reading(recognised, iter([chunk])), stamps).chunks
    return taken.bars.select(BARS.names)


def since(bars: pa.Table, since_us: int) -> pa.Table:
    """Return the bars that start at `since_us` (microseconds since 1970, UTC) or later."""
    return bars.filter(pa.array(bars.column("ts").cast(pa.int64()).to_numpy() >= since_us))
