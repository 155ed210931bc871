"""Writes that a crash cannot halve: a reader sees what was there before, or all of what was written."""

import os
import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

_WINDOWS: Final = os.name == "nt"
_REPLACE_TRIES: Final = 100  # Windows refuses to replace a file while somebody reads it, for milliseconds
_REPLACE_PAUSE_S: Final = 0.01


def write_new(path: Path, content: bytes) -> None:
    """Write `content` into the new, read-only file `path` and wait until it is on disk; fails if it exists."""
    _write(path, content, os.O_CREAT | os.O_EXCL, 0o444)


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` in the place of the file `path`, or create it, in one step; then wait until it is on disk.

    The copy aside has one fixed name, so the next call overwrites what a crash leaves behind; callers take turns.
    """
    aside = path.with_name(f".{path.name}.aside")
    _write(aside, content, os.O_CREAT | os.O_TRUNC, 0o644)
    for left in reversed(range(_REPLACE_TRIES)):
        try:
            os.replace(aside, path)
            break
        except PermissionError:
            if not (_WINDOWS and left):
                raise
            time.sleep(_REPLACE_PAUSE_S)
    sync_folder(path.parent)


def rewrite_new(path: Path, content: bytes) -> None:
    """Write `content` into the read-only file `path` that no reader can know yet."""
    path.chmod(stat.S_IWRITE | stat.S_IREAD)
    path.unlink()
    write_new(path, content)


def append_line(path: Path, line: bytes) -> None:
    """Append `line` and a line end to `path`, whose last line must be whole, and wait until it is on disk."""
    new = not path.exists()
    _write(path, line + b"\n", os.O_CREAT | os.O_APPEND, 0o644)
    if new:
        sync_folder(path.parent)


def cut_torn_line(path: Path) -> None:
    """Cut off what a crash left after the last line end of `path`."""
    content = path.read_bytes() if path.exists() else b""
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)


def rename_new(source: Path, target: Path) -> None:
    """Rename the folder `source` to `target`, which must not exist, and wait until it is on disk."""
    if target.exists():
        raise FileExistsError(f"{target} exists")
    os.rename(source, target)
    sync_folder(target.parent)
    if source.parent != target.parent:
        sync_folder(source.parent)


def make_folder(folder: Path) -> None:
    """Create `folder` and its parents where they are missing, and wait until they are on disk."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def copy_new(source: Path, target: Path) -> None:
    """Copy a file to the new file `target`, which no more people may read, and wait until it is on disk."""
    _write(target, source.read_bytes(), os.O_CREAT | os.O_EXCL, stat.S_IMODE(source.stat().st_mode))


def copy_tree(source: Path, target: Path, left_out: Callable[[str], bool]) -> None:
    """Copy a folder to the new folder `target`, but for names that are `left_out`, and wait until it is on disk."""
    target.mkdir()
    for path in sorted(source.iterdir()):
        if left_out(path.name):
            continue
        if path.is_dir():
            copy_tree(path, target / path.name, left_out)
        else:
            copy_new(path, target / path.name)
    shutil.copymode(source, target)
    sync_folder(target)


def sync_folder(folder: Path) -> None:
    """Wait until the names in `folder` are on disk. Windows cannot sync a folder and does not need to."""
    if _WINDOWS:
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_tree(folder: Path) -> None:
    """Remove `folder` with its read-only files."""
    for path in folder.rglob("*"):
        if not path.is_dir():
            path.chmod(stat.S_IWRITE | stat.S_IREAD)
    shutil.rmtree(folder)


def _write(path: Path, content: bytes, flags: int, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | flags | getattr(os, "O_BINARY", 0), mode)
    try:
        written = 0
        while written < len(content):
            written += os.write(handle, content[written:])
        os.fsync(handle)
    except OSError as error:
        error.filename = str(path)  # a write says none
        raise
    finally:
        os.close(handle)
