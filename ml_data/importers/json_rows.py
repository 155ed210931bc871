"""The rows of a JSON text, one after the other: of its list of lists or objects, in an answer or not, or one a line.

Objects that are named by their time, `{"2024-01-16 09:30:00": {"1. open": ...}}`, are rows too, of that `time`.
"""

import json
import re
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from typing import Any, Final, Literal

from ml_data.bar_file import HEAD_BYTES, Unpacked
from ml_data.importers.stamps import stamp_layout
from trading.errors import BadBars

LONGEST_ROW: Final = 1 << 20
"""Characters; what is longer is no row of a bar, and would have to be held whole."""

_STEP: Final = 1 << 20
_NAMES_ASKED: Final = 8  # of the objects before those of the bars
_LIST: Final = re.compile(r"\[\s*(?=[\[{])")
_BETWEEN: Final = re.compile(r"[\s,]*")
_DECODER: Final = json.JSONDecoder()
_NAMED: Final = re.compile(r'"(?P<name>[^"\\\\]{8,40})"\s*:\s*\{')
_COLON: Final = re.compile(r"\s*:\s*")
Shape = Literal["list", "answer", "lines", "named"]


@dataclass(frozen=True)
class RowsShape:
    """Where rows begin in a text, and how they lie: in lists, in the one list of an answer, one a line, or by name."""

    start: int
    shape: Shape


def shape_of(text: str) -> RowsShape | None:
    """Return how rows lie in a text that begins so; None when it has none.

    >>> shape_of('[[1, "2"]]').shape, shape_of('{"result": [{"o": 1}]}').shape, shape_of('{"o": 1}').shape
    ('list', 'answer', 'lines')
    """
    place = _after(text, 0)
    if text[place : place + 1] not in ("[", "{"):
        return None
    found = _LIST.match(text, place)
    if found is not None:
        return RowsShape(found.end(), "list")
    found = _LIST.search(text) if text[place] == "{" else None
    named = _first_named(text, place) if text[place] == "{" else None
    if named is not None and (found is None or named < found.start()):
        return RowsShape(named, "named")
    return RowsShape(place, "lines") if found is None else RowsShape(found.end(), "answer")


def first_rows(head: bytes, limit: int) -> list[Any]:
    """Return up to `limit` rows that are complete in `head`, the beginning of a text; none when it has none."""
    rows: list[Any] = []
    text = head.decode("utf-8-sig", errors="ignore").encode()
    with suppress(BadBars):  # of a row that goes on behind the head
        for row in islice(json_rows(BytesIO(text), ""), limit):
            rows.append(row)
    return rows


def json_rows(content: Unpacked, file_name: str) -> Iterator[Any]:
    """Yield the rows of `content` as JSON has them.

    Raises
    ------
    BadBars
        when the text is no JSON, no UTF-8, ends before its rows do, or has another list of rows in its answer.
    """
    text = _Text(content, file_name)
    text.more(HEAD_BYTES)
    found = shape_of(text.ready)
    if found is None:
        return
    text.place = found.start
    number = 1
    row = _named_row if found.shape == "named" else _row
    while not _at_end(text, found.shape, number):
        yield row(text, number)
        number += 1


class _Text:
    """The part of a text that is read and not used yet: `ready` from `place` on."""

    def __init__(self, content: Unpacked, file_name: str) -> None:
        self.ready = ""
        self.place = 0
        self.file_name = file_name
        self._content = content
        self._decoder = getincrementaldecoder("utf-8-sig")()
        self._ended = False

    def more(self, size: int) -> bool:
        """Read on; return whether there was more."""
        if self._ended:
            return False
        step = self._content.read(size)
        self._ended = not step
        try:
            new = self._decoder.decode(step, final=self._ended)
        except UnicodeDecodeError as error:
            raise BadBars(f"{self.file_name}: the file is damaged: it is no UTF-8 text; download it again.") from error
        self.ready, self.place = self.ready[self.place :] + new, 0
        return not self._ended

    def next_mark(self) -> str:
        """Return the next character that is no space and no comma; "" at the end."""
        self.place = _after(self.ready, self.place)
        while self.place == len(self.ready) and self.more(_STEP):
            self.place = _after(self.ready, self.place)
        return self.ready[self.place : self.place + 1]


def _at_end(text: _Text, shape: Shape, number: int) -> bool:
    """Return whether the rows end here; go into the next list where lists follow each other."""
    mark = text.next_mark()
    if shape == "lines":
        return not mark
    if shape == "named" and mark == "}":
        _refuse_another_list(text)
        return True
    while mark == "]":
        text.place += 1
        if shape == "answer":
            _refuse_another_list(text)
            return True
        mark = text.next_mark()
        if not mark:
            return True
        if mark != "[":
            raise BadBars(
                f"{text.file_name}: expected the end, or another list, after row {number - 1:,}, found "
                f"{text.ready[text.place : text.place + 40]!r}; remove it."
            )
        text.place += 1
        mark = text.next_mark()
    return False


def _row(text: _Text, number: int) -> Any:
    return _decoded(text, number, lambda: _DECODER.raw_decode(text.ready, text.place))


def _named_row(text: _Text, number: int) -> Any:
    def decode() -> tuple[Any, int]:
        name, end = _DECODER.raw_decode(text.ready, text.place)
        colon = _COLON.match(text.ready, end)
        row, end = _DECODER.raw_decode(text.ready, end if colon is None else colon.end())
        return (row | {"time": name} if isinstance(row, dict) else row), end

    return _decoded(text, number, decode)


def _decoded(text: _Text, number: int, decode: Callable[[], tuple[Any, int]]) -> Any:
    """Return what `decode` makes of the text from its place on, reading on until it is whole."""
    while True:
        try:
            row, text.place = decode()
        except (json.JSONDecodeError, RecursionError) as error:
            short = len(text.ready) - text.place <= LONGEST_ROW and not isinstance(error, RecursionError)
            if short and text.more(_STEP):
                continue
            raise BadBars(
                f"{text.file_name}: the file is cut short or damaged: row {number:,} is no complete JSON; download it "
                f"again."
            ) from error
        return row


def _refuse_another_list(text: _Text) -> None:
    while True:
        if _LIST.search(text.ready, text.place) or _first_named(text.ready, text.place) is not None:
            raise BadBars(
                f"{text.file_name}: expected one list of bars, found another after it; write each to a file of its own."
            )
        text.place = max(text.place, len(text.ready) - 1)
        if not text.more(_STEP):
            return


def _first_named(text: str, place: int) -> int | None:
    """Return where the first object begins whose name is a time."""
    for found in islice(_NAMED.finditer(text, place), _NAMES_ASKED):
        if stamp_layout([found["name"]]) is not None:
            return found.start()
    return None


def _after(text: str, place: int) -> int:
    found = _BETWEEN.match(text, place)
    return place if found is None else found.end()
