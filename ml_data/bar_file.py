"""A file of bars as it lies on disk or in a zip: its bytes, unpacked, and a sentence for each fault of them."""

import gzip
import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final, Literal, Protocol, cast

import zstandard

from ml_data.bar_file_faults import explained, opened_zip
from ml_data.bar_text import Translated, Writing, writing_of
from trading.errors import BadBars

HEAD_BYTES: Final = 65_536
LAYERS: Final = 4
"""How often content may be packed over: the last but one is always a mistake, more could go on for ever."""

_STEP: Final = 65_536  # packed bytes unpacked at a time: bounds what a block of extreme compression can grow to
_WRITINGS: Final = 2  # an encoding, and what ends a line
_LOCKED: Final = 0x1  # the bit of a member's flags that says so
Packing = Literal["gzip", "zstd"]
_MAGIC: Final[dict[bytes, Packing]] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


class Unpacked(Protocol):
    """The unpacked content of a file, read from front to back."""

    def read(self, size: int, /) -> bytes:
        """Return the next `size` bytes; fewer only at the end."""


@dataclass(frozen=True)
class BarFile:
    """One file to import: the file at `path`, or the `member` of the zip there.

    `size` and `sha256` are those of the file as it lies on disk, or as it would if the zip were unpacked. `packing`
    are the layers around its content, outermost first, and `writing` how its text is written where it is not UTF-8 with
    line feeds; `head` is the first 64 KiB of the content.
    """

    path: Path
    size: int
    sha256: str
    packing: tuple[Packing, ...]
    head: bytes
    member: str | None = None
    writing: tuple[Writing, ...] = ()

    @property
    def name(self) -> str:
        """The file's name without its folder; of a member, `bars.zip/2018.csv`."""
        return self.path.name if self.member is None else f"{self.path.name}/{self.member}"

    @contextmanager
    def unpacked(self) -> Iterator[tuple[Unpacked, BufferedIOBase]]:
        """Open the content: a reader of unpacked bytes, and one whose `tell()` says how far of `size` it is.

        Raises
        ------
        BadBars
            in the block, when the packed bytes are cut short or damaged, or the file cannot be read.
        """
        with _packed(self.path, self.member) as (packed, _):
            yield _translated(_unpacker(packed, self.packing), self.writing), packed

    @contextmanager
    def random_access(self) -> Iterator[BufferedIOBase]:
        """Open the content for reading anywhere in it; what is packed is unpacked into a temporary file first.

        Raises
        ------
        BadBars
            as `unpacked` does, or when there is no room for the temporary file.
        """
        with self.unpacked() as (content, packed):
            if content is packed and self.member is None:
                yield packed
                return
            with TemporaryFile() as spool:
                while step := content.read(1 << 20):
                    spool.write(step)
                spool.seek(0)
                yield cast(BufferedIOBase, spool)


def open_bar_file(path: Path, member: str | None = None) -> BarFile:
    """Return the file at `path`, or a member of the zip there, read once for its hash and its head.

    Raises
    ------
    BadBars
        when there is no such file, it is a folder, may not be read, is empty or locked, or its packing is damaged.
    """
    where = _where(path, member)
    with _packed(path, member) as (packed, size):
        if size == 0:
            raise BadBars(f"{where}: the file is empty; download it again.")
        sha256 = hashlib.file_digest(packed, "sha256").hexdigest()
        packing: tuple[Packing, ...] = ()
        head = b""
        for _ in range(LAYERS + 1):
            packed.seek(0)
            head = _unpacker(packed, packing).read(HEAD_BYTES)
            layer = next((name for start, name in _MAGIC.items() if head.startswith(start)), None)
            if layer is None:
                break
            packing = (*packing, layer)
        writing: tuple[Writing, ...] = ()
        while len(writing) < _WRITINGS and (found := writing_of(head)) is not None:
            writing = (*writing, found)
            packed.seek(0)
            head = _translated(_unpacker(packed, packing), writing).read(HEAD_BYTES)
    if len(packing) > LAYERS:
        raise BadBars(f"{where}: it is packed more than {LAYERS} times over; unpack it and name the files in it.")
    if not head:
        raise BadBars(f"{where}: the file is empty once unpacked; download it again.")
    if head.startswith(b"PK\x03\x04") and (packing or member):
        raise BadBars(
            f"{where}: expected bars, found another zip or an Excel workbook in it; unpack it and name the files in it."
        )
    return BarFile(path=path, size=size, sha256=sha256, packing=packing, head=head, member=member, writing=writing)


class _Zstd:
    """A zstd reader that notices a missing end: the library's own stream reader returns what there is, silently."""

    def __init__(self, packed: Unpacked) -> None:
        self._packed = packed
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._ready = b""

    def read(self, size: int, /) -> bytes:
        parts, length = [self._ready], len(self._ready)
        while length < size:
            step = self._packed.read(_STEP)
            if not step:
                if not self._frame.eof:
                    raise EOFError
                break
            while step:
                if self._frame.eof:  # a file may hold several frames, one after the other
                    self._frame = zstandard.ZstdDecompressor().decompressobj()
                parts.append(self._frame.decompress(step))
                length += len(parts[-1])
                step = self._frame.unused_data if self._frame.eof else b""
        content = b"".join(parts)
        self._ready = content[size:]
        return content[:size] if self._ready else content


def _unpacker(packed: BufferedIOBase, packing: tuple[Packing, ...]) -> Unpacked:
    content: Unpacked = packed
    for layer in packing:
        content = gzip.GzipFile(fileobj=cast(IO[bytes], content), mode="rb") if layer == "gzip" else _Zstd(content)
    return content


def _translated(content: Unpacked, writing: tuple[Writing, ...]) -> Unpacked:
    for way in writing:
        content = Translated(content, way)
    return content


@contextmanager
def _packed(path: Path, member: str | None) -> Iterator[tuple[BufferedIOBase, int]]:
    """Yield the bytes of a file or of a member, still packed, and their number."""
    where = _where(path, member)
    with ExitStack() as opened:
        opened.enter_context(explained(where))
        disk = opened.enter_context(path.open("rb"))
        if member is None:
            yield disk, os.fstat(disk.fileno()).st_size
            return
        archive = opened.enter_context(opened_zip(disk, where))
        info = archive.getinfo(member)
        if info.flag_bits & _LOCKED:
            raise BadBars(f"{where}: it is locked with a password; unpack the zip and name the files in it.")
        yield opened.enter_context(cast(BufferedIOBase, archive.open(info))), info.file_size


def _where(path: Path, member: str | None) -> str:
    return str(path) if member is None else f"{path}/{member}"
