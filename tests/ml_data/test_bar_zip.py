"""Bars in a zip: each member is a file of its own; notes are left out by name; nothing leads out of the zip."""

import gzip
import hashlib
import os
import random
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from ml_data.bar_file import open_bar_file
from ml_data.bar_zip import zip_members
from ml_data.import_report import describe
from ml_data.ingest import ingest
from ml_data.store import Store
from tests.ml_data.bar_files import CSV_HEADER, NOW, csv, dbn, mgc, minutes, nq, record, write, zip_of, zstd
from trading.errors import BadBars

GAPS = b"HistData.com (c) 2012\nGap of 71s found between 20180108163844 and 20180108164001.\n"


def text(*rows: str) -> bytes:
    return "\n".join((CSV_HEADER, *rows, "")).encode()


@pytest.fixture
def store(tmp_path: Path):
    store = Store(tmp_path / "home")
    yield store
    store.close()


def bars_stored(store: Store) -> int:
    with store.market() as cursor:
        [(bars,)] = cursor.execute("SELECT count(*) FROM market.bars_1m").fetchall()
    return int(bars)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_is_read_as_the_file_it_would_be_if_the_zip_were_unpacked(tmp_path: Path, method: int):
    content = text(*minutes("2024-01-02 00:00", 2_000))
    path = write(tmp_path / "bars.zip", zip_of(("2024/january.csv", content), method=method))
    assert zip_members(path) == ("2024/january.csv",)
    file = open_bar_file(path, "2024/january.csv")
    assert (file.name, file.packing, file.size) == ("bars.zip/2024/january.csv", (), len(content))
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert file.head == content[:65_536]
    with file.unpacked() as (unpacked, packed):
        assert unpacked.read(100) + unpacked.read(10_000_000) == content
        assert packed.tell() == file.size


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_packed_files_in_a_zip_are_unpacked(store: Store, tmp_path: Path, pack):
    path = write(tmp_path / "a.zip", zip_of(("a.csv.packed", pack(text(*minutes("2024-01-02 00:00", 3))))))
    [report] = ingest(store, nq(), [path], now=NOW)
    assert (report.file_name, report.verdict, report.rows_stored) == ("a.zip/a.csv.packed", "stored", 3)


def test_each_member_is_a_file_of_its_own_in_the_order_of_the_zip(store: Store, tmp_path: Path):
    path = write(
        tmp_path / "a.zip",
        zip_of(
            ("folder/", b""),
            ("folder/b.csv", text(*minutes("2024-01-02 01:00", 3))),
            ("bad.csv", text()),
            ("a.csv", text(*minutes("2024-01-02 00:00", 4))),
        ),
    )
    after = csv(tmp_path / "after.csv", *minutes("2024-01-02 02:00", 5))
    heard: list[tuple[float, str]] = []
    reports = ingest(store, nq(), [path, after], now=NOW, progress=lambda share, name: heard.append((share, name)))
    assert [(report.file_name, report.verdict, report.rows_stored) for report in reports] == [
        ("a.zip/folder/b.csv", "stored", 3),
        ("a.zip/bad.csv", "refused", 0),
        ("a.zip/a.csv", "stored", 4),
        ("after.csv", "stored", 5),
    ]
    assert bars_stored(store) == 12
    shares = [share for share, _ in heard]
    assert shares == sorted(shares)
    assert heard[-1] == (1.0, "after.csv")
    with store.market() as cursor:
        names = cursor.execute("SELECT file_name FROM market.bar_imports ORDER BY ALL").fetchall()
    assert names == [("a.zip/a.csv",), ("a.zip/folder/b.csv",), ("after.csv",)]


def test_notes_beside_the_bars_are_left_out_by_name_and_by_content(store: Store, tmp_path: Path):
    path = write(
        tmp_path / "a.zip",
        zip_of(
            ("gaps.csv", GAPS),
            ("bars.txt", text(*minutes("2024-01-02 00:00", 3))),
            ("condition.json", b'[{"date": "2024-01-02", "condition": "available"}]'),
            ("__MACOSX/._bars.txt", b"\0\5\x16\7\0\2\0\0Mac OS X        "),
            ("chart.png", b"\x89PNG\r\n\x1a\n" + bytes(range(99))),
        ),
    )
    reports = ingest(store, nq(), [path], now=NOW)
    assert [describe(report).split("\n")[0] for report in reports] == [
        "a.zip/bars.txt: stored",
        "left out: a.zip/gaps.csv: not bars but text whose first line is 'HistData.com (c) 2012'",
        "left out: a.zip/condition.json: not bars but JSON",
        "left out: a.zip/__MACOSX/._bars.txt: not bars but what macOS adds to a file",
        "left out: a.zip/chart.png: not bars but a PNG image",
    ]
    assert bars_stored(store) == 3


def test_rows_that_no_importer_takes_are_refused_and_not_left_out(store: Store, tmp_path: Path):
    rows = b"x,y,z\n" + b"1704153900,1,1.5,1e2,1\n" * 9
    noise = hashlib.sha512(b"noise").digest() * 9
    members = {"rows.txt": rows, "noise": noise, "k.json": b'[[1, "x"]]', "utf16": rows.decode().encode("utf-16")}
    path = write(tmp_path / "a.zip", zip_of(*members.items(), ("note", b"see rows.txt\n")))
    reports = ingest(store, nq(), [path], now=NOW)
    assert [(report.file_name, report.verdict) for report in reports] == [
        ("a.zip/rows.txt", "refused"),
        ("a.zip/noise", "refused"),
        ("a.zip/k.json", "refused"),
        ("a.zip/utf16", "refused"),
        ("a.zip/note", "left out"),
    ]


def test_a_member_and_the_same_file_unpacked_are_one_content(store: Store, tmp_path: Path):
    old, new = minutes("2024-01-02 00:00", 40), minutes("2024-01-02 00:00", 1, price=99.0)
    path = write(tmp_path / "a.zip", zip_of(("a.csv", text(*old))))
    ingest(store, nq(), [path], now=NOW)
    ingest(store, nq(), [csv(tmp_path / "b.csv", *new, *old[1:])], now=NOW)
    [report] = ingest(store, nq(), [csv(tmp_path / "c.csv", *old)], now=NOW)
    assert (report.verdict, report.rows_unchanged) == ("unchanged", 40)


def test_binary_bars_are_found_in_a_zip(store: Store, tmp_path: Path):
    packed = zstd(dbn(record("2024-01-02 00:00"), record("2024-01-02 00:01")))
    path = write(tmp_path / "GLBX-20240102.zip", zip_of(("metadata.json", b"{}"), ("glbx.dbn.zst", packed)))
    reports = ingest(store, mgc(), [path], now=NOW)
    assert [(report.file_name, report.verdict, report.rows_stored) for report in reports] == [
        ("GLBX-20240102.zip/glbx.dbn.zst", "stored", 2),
        ("GLBX-20240102.zip/metadata.json", "left out", 0),
    ]


@pytest.mark.parametrize(
    "name", ["../a.csv", "a/../../b.csv", "/etc/a.csv", "C:\\a.csv", "C:a.csv", "\\\\host\\a.csv", "..\\a.csv", "a\nb"]
)
def test_a_name_that_leads_out_of_the_zip_refuses_the_zip(tmp_path: Path, name: str):
    path = write(tmp_path / "a.zip", zip_of(("good.csv", b"x"), (name, b"x")))
    with pytest.raises(BadBars, match="expected plain names of files in the zip, found '"):
        zip_members(path)


def test_a_damaged_zip_is_refused_with_a_sentence_wherever_the_damage_is(tmp_path: Path):
    whole = zip_of(("a.csv", text(*minutes("2024-01-02 00:00", 40))), ("b.csv", text(*minutes("2024-01-02 01:00", 40))))
    dice = random.Random(7)  # noqa: S311 - damage, not secrets
    sentences = [sentence for _ in range(300) if (sentence := damaged_zip_says(whole, dice, tmp_path / "a.zip"))]
    assert not [sentence for sentence in sentences if "\n" in sentence or not sentence.endswith(".")]
    assert len({sentence.split(": ", 1)[1][:30] for sentence in sentences}) > 3


def damaged_zip_says(whole: bytes, dice: random.Random, path: Path) -> str | None:
    """The refusal of `whole` with a few other bytes, perhaps cut short; None where nothing of the bars was hit."""
    bad = bytearray(whole)
    for _ in range(dice.randint(1, 3)):
        bad[dice.randrange(4, len(bad))] = dice.randrange(256)
    write(path, bytes(bad[: dice.choice((len(bad), dice.randrange(5, len(bad))))]))
    try:
        for member in zip_members(path) or ():
            with open_bar_file(path, member).unpacked() as (content, _):
                content.read(100_000)
    except BadBars as error:
        return str(error)
    return None


def test_a_large_member_takes_no_more_memory_than_a_piece_of_it(tmp_path: Path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive, archive.open("a", "w") as member:
        for _ in range(256):
            member.write(bytes(1 << 18))
    tracemalloc.start()
    try:
        with open_bar_file(path, "a").unpacked() as (content, _):
            read = 0
            while piece := content.read(1 << 18):
                read += len(piece)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert read == 1 << 26
    assert most < 4 << 20


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadBars, match="pipe: expected a file, found a pipe or a device; write its content to a file"):
        zip_members(tmp_path / "pipe")
