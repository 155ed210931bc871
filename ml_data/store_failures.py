"""What DuckDB's own words mean for the person who meets them: one sentence for each way in which a file can fail."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from trading.errors import StoreBusy, StoreError

_FULL = ("no space left", "file too large", "disk quota exceeded", "not enough space on the disk")
_FORBIDDEN = ("permission denied", "access is denied", "read-only file system", "operation not permitted")
_DAMAGED = (
    "corrupt",
    "could not read enough bytes",
    "failed to deserialize",
    "failure while replaying wal",
    "has been invalidated",
    "reached the end of the file",
)
_OF_THE_PROGRAM = (duckdb.ProgrammingError, duckdb.DataError, duckdb.IntegrityError, duckdb.NotSupportedError)
_INTERRUPTED = "Query interrupted"
_HOLDER = re.compile(r"Conflicting lock is held in (.+? \(PID \d+\))")


@contextmanager
def explaining(path: Path, kinds: tuple[type[Exception], ...] = (duckdb.Error, OSError)) -> Iterator[None]:
    """Turn what DuckDB or the disk says about `path` into a StoreError; leave the program's own errors alone.

    Ctrl+C within a question comes from DuckDB as a plain RuntimeError: it is a KeyboardInterrupt again.
    """
    try:
        yield
    except RuntimeError as error:
        if str(error) == _INTERRUPTED:
            raise KeyboardInterrupt from error
        raise
    except kinds as error:
        told = explained(error, path)
        if told is None:
            raise
        raise told from error


def explained(error: BaseException, path: Path) -> StoreError | None:
    """Return what to tell about `error`, met while using the file at `path`; None when the file is not at fault.

    An error in a statement (a wrong name, a wrong type) is the program's own and is not explained.
    """
    if isinstance(error, _OF_THE_PROGRAM):
        return None
    words = str(error).lower()
    if isinstance(error, duckdb.OutOfMemoryException):
        return StoreError(
            f"{path}: the question needs more memory than the store may use ({_first_line(error)}); "
            "ask for a shorter span, or raise the store's memory limit."
        )
    if _contains(words, "could not set lock on file", "unique file handle conflict", "being used by another process"):
        holder = _HOLDER.search(str(error))
        return StoreBusy(
            f"{path}: opened by {holder.group(1) if holder else 'another program'} outside the hub; "
            "close it there and try again."
        )
    if _contains(words, *_FULL):
        return StoreError(
            f"{path}: the disk is full, so nothing of this step was stored and nothing stored was harmed; "
            "free some space and run it again."
        )
    if _contains(words, *_FORBIDDEN):
        return StoreError(
            f"{path}: no permission to use it ({_first_line(error)}); "
            "change the permissions of the file and its folder, or choose another home folder."
        )
    if _contains(words, "not a valid duckdb database file"):
        return StoreError(
            f"{path}: expected a DuckDB file, found something else; move it away, or put the one of a "
            "backup (hub backup) in its place."
        )
    if _contains(words, "wal does not match database file"):
        return StoreError(
            f"{path}: {path.name}.wal beside it was written for another copy of this file; put that copy back, or, "
            "if this file is the one you want, move the log away: it holds rows that only the other copy can take."
        )
    if _contains(words, *_DAMAGED):
        return damaged(path, _first_line(error))
    if isinstance(error, (duckdb.IOException, duckdb.FatalException, OSError)):
        return StoreError(f"{path}: cannot be used ({_first_line(error)}); see to it, or choose another home folder.")
    return None


def damaged(path: Path, finding: str) -> StoreError:
    """Return the error for a file whose content is not whole."""
    again = ", or import the bars again" if path.name == "market.duckdb" else ""
    return StoreError(
        f"{path}: the file is damaged ({finding}); put the one of a backup (hub backup) in its place{again}."
    )


def _contains(words: str, *phrases: str) -> bool:
    return any(phrase in words for phrase in phrases)


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0].removeprefix("IO Error: ").rstrip(".!")
