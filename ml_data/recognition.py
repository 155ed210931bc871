"""Which format a file has, judged by its content: every importer of `ml_data.importers` is asked."""

import json
import re
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from ml_data import importers
from ml_data.bar_file import HEAD_BYTES, BarFile
from ml_data.importers.base import Importer
from ml_data.importers.csv_layout import missing_names
from trading.errors import BadBars

# Formats that people try and that no importer reads; RIFF and its kind would never be tried.
_FOREIGN: Final = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"\x00\x05\x16\x07", "what macOS adds to a file"),
    (b"\x00\x00\x00\x01Bud1", "what macOS adds to a folder"),
    (b"PARE", "an encrypted Parquet file"),
    (b"FEA1", "a Feather file of version 1"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"\xff\xfe\x00\x00", "UTF-32 text"),
    (b"\x00\x00\xfe\xff", "UTF-32 text"),
)

_LITTER: Final = (b"\x89PNG", b"\xff\xd8\xff", b"%PDF", b"\x00\x05\x16\x07", b"\x00\x00\x00\x01Bud1")
_BINARY: Final = "binary content of an unknown kind"
_JSON_ROWS: Final = re.compile(rb"\s*\[\s*\[")
_WEB_PAGE: Final = re.compile(r"<(!doctype|!--|\?xml|[a-z]+[\s/>])", re.IGNORECASE)
_CELL: Final = re.compile(r"[,;|\t ]+")
_NUMBER: Final = re.compile(r"[\s\"']*[+-]?\d+([.,]\d*)?([eE][+-]?\d+)?[\s\"']*")
_CELLS_OF_A_BAR: Final = 4  # open, high, low, close

# Formats that others write too, the plainest first: each yields to those after it, and to all that are not here.
_PLAIN: Final = ("csv-headerless", "csv")

# Formats that may look alike in all they hold: the name that a vendor gives its files goes before their rank.
_FILE_NAMES: Final = {
    "histdata": re.compile(r"histdata|dat_(ascii|nt)_", re.IGNORECASE),
    "ninjatrader": re.compile(r"\.(last|bid|ask)\.txt$", re.IGNORECASE),
}

_EXPORT: Final = "export one-minute bars as CSV whose first line is timestamp,open,high,low,close,volume"


@cache
def known_importers() -> tuple[Importer, ...]:
    """Return the importer of every module of `ml_data.importers` that has one, by format name."""
    modules = [import_module(f"{importers.__name__}.{found.name}") for found in iter_modules(importers.__path__)]
    return tuple(sorted((module.IMPORTER for module in modules if hasattr(module, "IMPORTER")), key=lambda i: i.format))


def importer_of(file: BarFile, format_name: str | None = None) -> Importer:
    """Return the importer that recognises the content of `file`, or the one of `format_name`.

    Raises
    ------
    BadBars
        when no importer, or more than one, recognises the content, or the one that is named does not.
    """
    known = known_importers()
    formats = ", ".join(importer.format for importer in known)
    if format_name is not None:
        asked = [importer for importer in known if importer.format == format_name]
        if not asked:
            raise BadBars(f"--format: expected one of {formats}, found {format_name!r}.")
        if asked[0].recognise(file.head) is None:
            raise BadBars(
                f"{file.name}: expected {asked[0].title} as --format says, found {_found(file.head)}; leave --format "
                f"away to have the file recognised."
            )
        return asked[0]
    every = {importer: _rank(importer) for importer in known if importer.recognise(file.head) is not None}
    named = [importer for importer in every if (said := _FILE_NAMES.get(importer.format)) and said.search(file.name)]
    if len(named) == 1:
        return named[0]
    takers = [importer for importer, rank in every.items() if rank == max(every.values())]
    if len(takers) > 1:
        names = " and ".join(importer.format for importer in takers)
        raise BadBars(f"{file.name}: recognised as {names}; say which with --format.")
    if not takers:
        raise BadBars(
            f"{file.name}: expected bars in a format of docs/formats.md, found {_found(file.head)}; {_EXPORT}."
        )
    return takers[0]


def _rank(importer: Importer) -> int:
    return _PLAIN.index(importer.format) if importer.format in _PLAIN else len(_PLAIN)


def note_in(head: bytes) -> str | None:
    """Return what content that starts with `head` is, when it plainly holds no bars (a report, a licence, a picture).

    None for what an importer recognises, and for rows of numbers, JSON arrays and binary content: such a file was
    meant to be imported.

    >>> note_in(b"Gap of 71s found between 20180108163844 and 20180108164001.")
    "text whose first line is 'Gap of 71s found between 20180108163844 and 20180108164001.'"
    >>> note_in(b"1704153900,1,1,1,1,1")
    """
    if any(importer.recognise(head) is not None for importer in known_importers()):
        return None
    found = _found(head)
    if head.startswith(_LITTER):
        return found
    if head.startswith(tuple(magic for magic, _ in _FOREIGN)) or found == _BINARY or _JSON_ROWS.match(head):
        return None
    lines = [line for line in head.decode("utf-8-sig", errors="replace").splitlines()[:200] if line.strip()]
    rows = sum(_is_row(line) for line in lines)
    return None if 2 * rows > len(lines) else found


def _is_row(line: str) -> bool:
    return sum(bool(_NUMBER.fullmatch(cell)) for cell in _CELL.split(line)) >= _CELLS_OF_A_BAR


def _found(head: bytes) -> str:
    """Return in a few words what content that starts with `head` is."""
    for magic, words in _FOREIGN:
        if head.startswith(magic):
            return words
    text = head.decode("utf-8-sig", errors="replace").lstrip()
    first = text.splitlines()[0] if text else ""
    if lacks := missing_names(first):
        return f"a header that names no {' and no '.join(lacks)}: {first[:80]!r}"
    if _WEB_PAGE.match(text):
        return "a web page (HTML or XML)"
    if text.startswith(("{", "[")) and _is_json(text, cut=len(head) == HEAD_BYTES):
        return "JSON"
    if not text:
        return "only blank lines"
    if sum(not character.isprintable() and not character.isspace() for character in text) > len(text) // 100:
        return _BINARY
    return f"text whose first line is {first[:80]!r}"


def _is_json(text: str, *, cut: bool) -> bool:
    try:
        json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError as error:
        return cut and error.pos > len(text) // 2  # what begins well and is longer than the head
    return True
