"""Text that is not UTF-8 with line feeds is read as though it were."""

from io import BytesIO
from pathlib import Path

import pytest

from ml_data.bar_file import open_bar_file
from ml_data.bar_text import Translated, writing_of
from ml_data.recognition import importer_of
from tests.ml_data.bar_files import nq, take, write, zstd

TEXT = (
    "timestamp,open,high,low,close,volume,Börse\n"
    "2024-01-16 09:30:00-05:00,15895,15903.75,15888,15893.25,571,Zürich\n"
    "2024-01-16 09:31:00-05:00,15893,15893.5,15877.75,15883.75,549,Zürich\n"
)
PLAIN = TEXT.replace("ö", "o").replace("ü", "u")


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode("utf-16"),
        ("\ufeff" + TEXT).encode("utf-16-be"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        TEXT.replace("\n", "\r\n").encode("utf-16"),
        TEXT.replace("\n", "\r").encode("utf-16"),
        TEXT.encode("cp1252"),
        TEXT.replace("\n", "\r").encode(),
        TEXT.replace("\n", "\r").encode("cp1252"),
        zstd(TEXT.encode("utf-16")),
    ],
)
def test_a_file_is_read_however_its_text_is_written(tmp_path: Path, content: bytes):
    file = open_bar_file(write(tmp_path / "a.csv", content))
    taken = take(importer_of(file), file.path, nq())
    assert [row[1:] for row in taken.rows] == [
        ("2024-01-16 14:30:00", 15895.0, 15903.75, 15888.0, 15893.25, 571.0, 1),
        ("2024-01-16 14:31:00", 15893.0, 15893.5, 15877.75, 15883.75, 549.0, 2),
    ]


@pytest.mark.parametrize(
    "content", [TEXT.encode(), b"a\r\nb\r\n", b"", b"DBN\x01\x00\x00", b"PAR1\x15\x04", b"\xff\xd8\xff\xe0\x00\x10JFIF"]
)
def test_what_is_utf_8_or_no_text_is_left_as_it_is(content: bytes):
    assert writing_of(content) is None


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_letters_are_whole_however_the_file_is_cut_into_pieces(size: int):
    content = Translated(BytesIO(TEXT.encode("utf-16")), "utf-16")
    pieces = list(iter(lambda: content.read(size), b""))
    assert b"".join(pieces).decode() == TEXT
    assert all(len(piece) == size for piece in pieces[:-1])


def test_a_letter_that_is_cut_at_the_end_spoils_no_other():
    content = Translated(BytesIO(TEXT.encode("utf-16")[:-1]), "utf-16")
    assert content.read(1 << 16).decode() == TEXT[:-1] + "\ufffd"
