"""A file of bars as it lies on disk: its bytes, unpacked, and a sentence for each way in which it cannot be read."""

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal, Protocol

import zstandard

from trading.errors import BadBars

HEAD_BYTES: Final = 65_536
_STEP: Final = 65_536  # packed bytes unpacked at a time: bounds what a block of extreme compression can grow to
Packing = Literal["", "gzip", "zstd"]
_MAGIC: Final[dict[bytes, Packing]] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


class Unpacked(Protocol):
    """The unpacked content of a file, read from front to back."""

    def read(self, size: int, /) -> bytes:
        """Return the next `size` bytes; fewer only at the end."""


@dataclass(frozen=True)
class BarFile:
    """One file to import. `head` is the first 64 KiB of its content, unpacked; `packing` is "" for none."""

    path: Path
    size: int
    sha256: str
    packing: Packing
    head: bytes

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return self.path.name

    @contextmanager
    def unpacked(self) -> Iterator[tuple[Unpacked, BinaryIO]]:
        """Open the content: a reader of unpacked bytes, and the packed file whose `tell()` says how far it is.

        Raises
        ------
        BadBars
            in the block, when the packed bytes are cut short or damaged, or the file cannot be read.
        """
        with _explained(self.path), self.path.open("rb") as packed:
            yield _unpacker(packed, self.packing), packed


def open_bar_file(path: Path) -> BarFile:
    """Return the file at `path`, read once for its hash and its head.

    Raises
    ------
    BadBars
        when there is no such file, it is a folder, may not be read, is empty, or its packing is damaged.
    """
    with _explained(path), path.open("rb") as packed:
        size = os.fstat(packed.fileno()).st_size
        if size == 0:
            raise BadBars(f"{path}: the file is empty; download it again.")
        magic = packed.read(4)
        packing: Packing = next((name for start, name in _MAGIC.items() if magic.startswith(start)), "")
        packed.seek(0)
        sha256 = hashlib.file_digest(packed, "sha256").hexdigest()
        packed.seek(0)
        head = _unpacker(packed, packing).read(HEAD_BYTES)
    if not head:
        raise BadBars(f"{path}: the file is empty once unpacked; download it again.")
    return BarFile(path=path, size=size, sha256=sha256, packing=packing, head=head)


class _Zstd:
    """A zstd reader that notices a missing end: the library's own stream reader returns what there is, silently."""

    def __init__(self, packed: BinaryIO) -> None:
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


def _unpacker(packed: BinaryIO, packing: str) -> Unpacked:
    if packing == "gzip":
        return gzip.GzipFile(fileobj=packed, mode="rb")
    return _Zstd(packed) if packing == "zstd" else packed


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except EOFError as error:
        raise BadBars(f"{path}: the file is cut short: its packed content has no end; download it again.") from error
    except (gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as error:
        raise BadBars(f"{path}: the file is damaged and cannot be unpacked ({error}); download it again.") from error
    except IsADirectoryError as error:
        example = path / "*.csv"
        raise BadBars(f"{path}: expected a file, found a folder; name the files in it, such as {example}.") from error
    except FileNotFoundError as error:
        raise BadBars(f"{path}: there is no such file; check the path.") from error
    except PermissionError as error:
        raise BadBars(f"{path}: the file may not be read by this user; change its permissions.") from error
    except OSError as error:
        raise BadBars(f"{path}: the file cannot be read: {error.strerror or error}; check the disk.") from error
