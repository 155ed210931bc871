"""Formats are told by content; every importer of the folder is found and keeps the same promises."""

import gzip
from pathlib import Path

import pytest

from ml_data import importers
from ml_data.bar_file import open_bar_file
from ml_data.recognition import importer_of, known_importers
from tests.ml_data.bar_files import csv, dbn, minutes, record, write, zstd
from trading.errors import BadBars

MODULES = {file.stem for file in Path(importers.__path__[0]).glob("*.py")}


def test_the_importers_of_the_folder_are_found():
    assert {"csv", "databento-dbn"} <= {importer.format for importer in known_importers()}


def test_no_two_importers_have_one_name():
    formats = [importer.format for importer in known_importers()]
    assert len(formats) == len(set(formats))


@pytest.mark.parametrize("importer", known_importers(), ids=lambda importer: importer.format)
@pytest.mark.parametrize(
    "head", [b"", b"\0", b"\n", b"\xff\xfe", b"PK\x03\x04", b"<html>", b"{}", b"D", b"\xef\xbb\xbf"]
)
def test_no_importer_takes_or_trips_over_a_stray_head(importer, head: bytes):
    assert importer.recognise(head) is None


def test_a_file_is_told_by_its_content_and_not_by_its_name(tmp_path: Path):
    binary = write(tmp_path / "bars.csv", zstd(dbn(record("2024-01-02 00:00"))))
    text = write(
        tmp_path / "bars.dbn.zst", gzip.compress(csv(tmp_path / "a", *minutes("2024-01-02 00:00", 1)).read_bytes())
    )
    assert importer_of(open_bar_file(binary)).format == "databento-dbn"
    assert importer_of(open_bar_file(text)).format == "csv"
    assert importer_of(open_bar_file(text), "csv").format == "csv"


def test_a_format_that_is_named_must_exist_and_fit(tmp_path: Path):
    file = open_bar_file(csv(tmp_path / "a.csv", *minutes("2024-01-02 00:00", 1)))
    with pytest.raises(BadBars, match=r"--format: expected one of .*csv, .*databento-dbn, .*found 'excel'"):
        importer_of(file, "excel")
    with pytest.raises(
        BadBars, match="expected Databento DBN as --format says, found text whose first line is 'timestamp,"
    ):
        importer_of(file, "databento-dbn")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x89PNG\r\n\x1a\n....", "a PNG image"),
        (b"%PDF-1.7", "a PDF document"),
        (b"PK\x03\x04....", "a zip archive or an Excel workbook"),
        (b"PARE....", "an encrypted Parquet file"),
        (b"FEA1\0\0", "a Feather file of version 1"),
        (b"\n <!DOCTYPE html><html>", r"a web page \(HTML or XML\)"),
        (b'[[1704153900000, "100.5", "101"]]', "JSON"),
        (b'{"bars": [' + b'{"open": 100.5},' * 9000, "JSON"),
        (b"[General]\nname = x\n", "text whose first line is '\\[General\\]'"),
        (b"1704153900,1,3,2,1,1\n", "text whose first line is '1704153900,1,3,2,1,1'"),
        ("timestamp,open".encode("utf-32"), "UTF-32 text"),
        ("timestamp,open".encode("utf-16"), "text whose first line is 'timestamp,open'"),
        (b"   \n\n", "only blank lines"),
        (b"time,open,high,close,volume\n1,2,3,4,5\n", "a header that names no low: 'time,open,high,close,volume'"),
        (b"Open;High;Low;Last\n", "a header that names no time: 'Open;High;Low;Last'"),
        (b"time,open,high,close\r1,2,3,4\r", "a header that names no low: 'time,open,high,close'"),
        (bytes(range(1, 32)) * 10, "binary content of an unknown kind"),
    ],
)
def test_foreign_content_is_called_by_its_name(tmp_path: Path, content: bytes, words: str):
    with pytest.raises(
        BadBars, match=f"^a.csv: expected bars in a format of docs/formats.md, found {words}; export one-minute bars as"
    ):
        importer_of(open_bar_file(write(tmp_path / "a.csv", content)))
