"""A zip of bars: which files are in it."""

from collections import Counter
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final

from ml_data.bar_file_faults import explained, opened_zip
from trading.errors import BadBars

_STARTS: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_DOCUMENTS: Final = {"[Content_Types].xml": "an Excel workbook", "content.xml": "an OpenDocument sheet"}


def zip_members(path: Path) -> tuple[str, ...] | None:
    """Return the names of the files in the zip at `path`, in its order; None when it is not a zip.

    Raises
    ------
    BadBars
        when the file cannot be read, or is a zip that is damaged, empty, a document, or has members whose names lead
        out of it or cannot be told apart.
    """
    where = str(path)
    with explained(where):
        if path.exists() and not (path.is_file() or path.is_dir()):  # to open a pipe is to wait for who writes it
            raise BadBars(
                f"{path}: expected a file, found a pipe or a device; write its content to a file and name that."
            )
    with explained(where), path.open("rb") as disk:
        if not disk.read(4).startswith(_STARTS):
            return None
        with opened_zip(disk, where) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    for name, words in _DOCUMENTS.items():
        if name in names:
            raise BadBars(f"{path}: expected bars, found {words}; save its sheet as CSV.")
    if not names:
        raise BadBars(f"{path}: the zip is empty; download it again.")
    for name in names:
        if _leads_out(name) or not name.isprintable():
            raise BadBars(
                f"{path}: expected plain names of files in the zip, found {name!r}; unpack it yourself, if you trust "
                f"it, and name the files in it."
            )
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise BadBars(f"{path}: {times} files in the zip are called {name!r}; unpack it and name the files in it.")
    return tuple(names)


def _leads_out(name: str) -> bool:
    there = PureWindowsPath(name)
    return bool(there.drive or there.root or PurePosixPath(name).is_absolute() or ".." in there.parts)
