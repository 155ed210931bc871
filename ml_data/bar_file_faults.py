"""The ways in which a file of bars cannot be read, each in a sentence that says what to do."""

import gzip
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import zstandard

from trading.errors import BadBars


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Turn what reading the file or member `where` raises into BadBars."""
    try:
        yield
    except EOFError as error:
        raise BadBars(f"{where}: the file is cut short: its packed content has no end; download it again.") from error
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError, zstandard.ZstdError, zipfile.BadZipFile) as error:
        raise BadBars(f"{where}: the file is damaged and cannot be unpacked ({error}); download it again.") from error
    except IsADirectoryError as error:
        example = Path(where) / "*.csv"
        raise BadBars(f"{where}: expected a file, found a folder; name the files in it, such as {example}.") from error
    except FileNotFoundError as error:
        raise BadBars(f"{where}: there is no such file; check the path.") from error
    except PermissionError as error:
        raise BadBars(f"{where}: the file may not be read by this user; change its permissions.") from error
    except OSError as error:
        if error.errno is None:  # of an unpacker, not of the disk
            raise BadBars(
                f"{where}: the file is damaged and cannot be unpacked ({error}); download it again."
            ) from error
        raise BadBars(f"{where}: the file cannot be read: {error.strerror or error}; check the disk.") from error


@contextmanager
def opened_zip(disk: IO[bytes], where: str) -> Iterator[zipfile.ZipFile]:
    """Open the list of a zip's members, and unpack members in the block.

    Raises
    ------
    BadBars
        when the list is missing or damaged, or a member is packed in a way that this program cannot unpack.
    """
    try:
        archive = zipfile.ZipFile(disk)
    except (zipfile.BadZipFile, struct.error, ValueError, OverflowError, NotImplementedError) as error:
        raise BadBars(
            f"{where}: the zip is cut short or damaged: the list of its members at its end cannot be read; download it "
            f"again."
        ) from error
    with archive:
        try:
            yield archive
        except NotImplementedError as error:
            raise BadBars(
                f"{where}: it is packed in a way that cannot be read here ({error}); unpack the zip and name the files "
                f"in it."
            ) from error
