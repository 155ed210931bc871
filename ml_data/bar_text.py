"""Text as programs on Windows and old Macs write it: UTF-16, Windows-1252, lines that end with a carriage return alone.

What importers read is UTF-8 with line feeds; a file that is written otherwise is translated while it is read.
"""

import codecs
import io
import re
from typing import Final, Literal, Protocol

Writing = Literal["utf-16", "utf-16-le", "utf-16-be", "cp1252", "carriage returns"]

_UTF_32: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SEEN: Final = 64  # bytes that must look like UTF-16 where no mark says so
_TEXT: Final = re.compile(rb"[\t\r\n\x20-\x7e]*")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1f]")


class Bytes(Protocol):
    """Bytes read from front to back."""

    def read(self, size: int, /) -> bytes:
        """Return the next `size` bytes; fewer only at the end."""


def writing_of(head: bytes) -> Writing | None:
    r"""Return how text that begins with `head` is written; None for UTF-8 with line feeds, and for what is no text.

    >>> writing_of("open;high".encode("utf-16")), writing_of(b"a,b\r1,2\r"), writing_of(b"a,b\n1,2\n")
    ('utf-16', 'carriage returns', None)
    """
    if head.startswith(_MARKS) and not head.startswith(_UTF_32):
        return "utf-16"
    seen = head[: _SEEN - _SEEN % 2]
    if len(seen) >= 16 and len(seen) % 2 == 0:
        for letters, zeros, name in ((seen[::2], seen[1::2], "utf-16-le"), (seen[1::2], seen[::2], "utf-16-be")):
            if not any(zeros) and _TEXT.fullmatch(letters):
                return "utf-16-le" if name == "utf-16-le" else "utf-16-be"
    if _CONTROL.search(head):
        return None
    is_json = head.lstrip().startswith((b"[", b"{"))  # which is UTF-8, or damaged
    first = b"" if is_json else re.split(rb"[\r\n]", head, maxsplit=1)[0]
    try:
        first.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "cp1252"
    return "carriage returns" if b"\r" in head and b"\n" not in head else None


class Translated:
    """The content of `source` as UTF-8 with line feeds; what cannot be decoded becomes a question mark in a diamond."""

    def __init__(self, source: Bytes, writing: Writing) -> None:
        self._source = source
        self._ready = b""
        self._decoder: codecs.IncrementalDecoder | io.IncrementalNewlineDecoder
        if writing == "carriage returns":
            decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
            self._decoder = io.IncrementalNewlineDecoder(decoder, translate=True)
        else:
            self._decoder = codecs.getincrementaldecoder(writing)(errors="replace")

    def read(self, size: int, /) -> bytes:
        """Return the next `size` bytes; fewer only at the end."""
        while len(self._ready) < size:
            step = self._source.read(max(size, 1))
            self._ready += self._decoder.decode(step, final=not step).encode()
            if not step:
                break
        found, self._ready = self._ready[:size], self._ready[size:]
        return found
