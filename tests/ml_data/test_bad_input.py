"""Bad input, each with its sentence: nothing is stored, nothing stored is harmed, no exception but the hub's own."""

import gzip
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ml_data.import_report import describe
from ml_data.ingest import ingest
from ml_data.store import Store
from tests.ml_data.bar_files import CSV_HEADER, NOW, csv, dbn, mgc, minutes, nq, record, write, zip_of, zstd
from trading.domain.instrument import Instrument

TABLES = ("bars_1m", "bar_imports", "bar_rejects", "bar_revisions", "history_dirty")


@dataclass(frozen=True)
class Case:
    content: bytes
    sentence: str
    instrument: Instrument | None = None
    time_zone: str | None = None
    format: str | None = None


def text(*rows: str, header: str = CSV_HEADER) -> bytes:
    return "\n".join((header, *rows, "")).encode()


def bars(count: int, **changes: str) -> list[str]:
    rows = minutes("2024-03-01 00:00", count)
    for old, new in changes.items():
        rows = [row.replace(old, new) for row in rows]
    return rows


def locked(packed: bytes) -> bytes:
    """A zip of one member, marked as locked with a password."""
    listed = packed.index(b"PK\1\2") + 8
    return packed[:6] + b"\1" + packed[7:listed] + b"\1" + packed[listed + 1 :]


def damaged(packed: bytes) -> bytes:
    """A zip of one member, with a changed byte in the member."""
    return packed[:200] + bytes([packed[200] ^ 0x55]) + packed[201:]


DBN_FILE = dbn(*(record(f"2024-01-02 00:{minute:02d}") for minute in range(9)))

CASES = {
    "empty": Case(b"", "/bad: the file is empty; download it again."),
    "only blank lines": Case(
        b"\n\n",
        "bad: expected bars in a format of docs/formats.md, found only blank lines; export one-minute bars as CSV "
        "whose first line is timestamp,open,high,low,close,volume.",
    ),
    "a PNG image": Case(b"\x89PNG\r\n\x1a\n" + bytes(99), "found a PNG image"),
    "an HTML page": Case(b"<!DOCTYPE html><html><body>404</body></html>", "found a web page (HTML or XML)"),
    "JSON": Case(b'{"error": "rate limit"}', "found JSON"),
    "damaged Parquet": Case(b"PAR1" + bytes(99), "bad: the file is damaged or cut short (Parquet magic bytes"),
    "encrypted Parquet": Case(b"PARE" + bytes(99), "found an encrypted Parquet file"),
    "a zip cut short": Case(
        zip_of(("a.csv", text(*bars(99))))[:-9],
        "/bad: the zip is cut short or damaged: the list of its members at its end cannot be read; download it again.",
    ),
    "an empty zip": Case(zip_of(), "/bad: the zip is empty; download it again."),
    "a zip whose member leads out of it": Case(
        zip_of(("../a.csv", text(*bars(3)))),
        "/bad: expected plain names of files in the zip, found '../a.csv'; unpack it yourself, if you trust it, and "
        "name the files in it.",
    ),
    "a zip with two members of a name": Case(
        zip_of(("a.csv", text(*bars(3))), ("a.csv", text(*bars(4)))),
        "/bad: 2 files in the zip are called 'a.csv'; unpack it and name the files in it.",
    ),
    "a zip with a password": Case(
        locked(zip_of(("a.csv", text(*bars(3))))),
        "/bad/a.csv: it is locked with a password; unpack the zip and name the files in it.",
    ),
    "a zip of a damaged member": Case(
        damaged(zip_of(("a.csv", text(*bars(99))))), "/bad/a.csv: the file is damaged and cannot be unpacked"
    ),
    "a zip of an empty member": Case(zip_of(("a.csv", b"")), "/bad/a.csv: the file is empty; download it again."),
    "a zip of a zip": Case(
        zip_of(("b.zip", zip_of(("a.csv", text(*bars(3)))))),
        "/bad/b.zip: expected bars, found another zip or an Excel workbook in it; unpack it and name the files in it.",
    ),
    "a zip of notes": Case(
        zip_of(("LICENSE", b"All rights reserved\n"), ("m.json", b'{"schema": "ohlcv-1m"}')),
        "bad: expected bars in the zip, found only bad/LICENSE (text whose first line is 'All rights reserved'); "
        "bad/m.json (JSON); choose the zip that holds bars.",
    ),
    "a zip of rows that no importer knows": Case(
        zip_of(("a.txt", b"1704153900,1,3,2,1,1\n")),
        "bad/a.txt: expected bars in a format of docs/formats.md, found text",
    ),
    "a zip of a bad file": Case(
        zip_of(("a.csv", text())),
        "bad/a.csv: the file holds no bars, only the line of column names; download it again.",
    ),
    "an Excel workbook": Case(
        zip_of(("[Content_Types].xml", b"<Types/>"), ("xl/workbook.xml", b"<workbook/>")),
        "/bad: expected bars, found an Excel workbook; save its sheet as CSV.",
    ),
    "packed over and over": Case(
        zstd(zstd(zstd(zstd(zstd(text(*bars(3))))))), "/bad: it is packed more than 4 times over; unpack it and name"
    ),
    "random bytes": Case(hashlib.sha512(b"noise").digest() * 9, "found binary content of an unknown kind"),
    "prose": Case(b"Dear trader,\nplease find attached\n", "found text whose first line is 'Dear trader,'"),
    "packed prose": Case(gzip.compress(b"Dear trader"), "found text whose first line is 'Dear trader'"),
    "CSV without a header in another order": Case(
        b"2024-01-02T00:00:00Z,1,2,3,2,1\n", "found text whose first line is '2024-01-02T"
    ),
    "CSV named as DBN": Case(
        text(*bars(3)), "expected Databento DBN as --format says, found text", format="databento-dbn"
    ),
    "an unknown format": Case(text(*bars(3)), ", databento-dbn, ", format="x"),
    "gzip cut short": Case(
        gzip.compress(text(*bars(99)))[:-20], "the file is cut short: its packed content has no end"
    ),
    "zstd cut short": Case(zstd(DBN_FILE)[:-7], "the file is cut short: its packed content has no end", mgc()),
    "DBN cut short": Case(
        DBN_FILE[:-7], "bad: the file is cut short: it ends inside record 9; download it again.", mgc()
    ),
    "DBN cut in its header": Case(DBN_FILE[:99], "the file is cut short in its header", mgc()),
    "DBN without records": Case(dbn(), "bad: the file holds no bars; download it again.", mgc()),
    "DBN of spreads only": Case(
        dbn(record("2024-01-02 00:00", instrument_id=44)),
        "bad: wrong instrument: expected bars of MGC, found MGCG4-MGCJ4; choose the instrument that the file is of.",
        mgc(),
    ),
    "DBN of another instrument": Case(
        dbn(record("2024-01-02 00:00"), ids={"ESH4": 42}, symbols=("ES.FUT",)),
        "bad: wrong instrument: expected contracts like MGC[FGHJKMNQUVXZ][0-9]{1,2} for MGC, found ES.FUT (ESH4)",
        mgc(),
    ),
    "DBN of trades": Case(dbn(schema="trades"), "found schema trades; download ohlcv-1m.", mgc()),
    "DBN of hours": Case(dbn(schema="ohlcv-1h"), "found schema ohlcv-1h; download ohlcv-1m.", mgc()),
    "CSV of another instrument": Case(
        text("2024-03-01T00:00:00Z,1,1,1,1,1,ESH4", header=CSV_HEADER + ",symbol"),
        "bad: wrong instrument: expected bars of MGC, found ESH4; choose the instrument that the file is of.",
        mgc(),
    ),
    "prices of another instrument": Case(
        text(*minutes("2024-03-01 00:00", 9, price=100.25)),
        "bad: 5 of 9 rows cannot be used, so nothing of it is stored; most often (5, first in row 1): a price is off "
        "the tick grid.",
        mgc(),
    ),
    "naive stamps without a zone": Case(
        text(*bars(3, Z="")),
        "bad: its stamps, such as '2024-03-01T00:00:00', name no clock, and 3 bars fit America/New_York, UTC, "
        "Australia/Brisbane and 25 more alike; name the right one, for example with --time-zone 'America/New_York', or "
        "bring a longer file.",
    ),
    "a zone that is none": Case(
        text(*bars(3, Z="")),
        "--time-zone: expected a name of the IANA list such as 'America/New_York'",
        time_zone="EDT!",
    ),
    "high below low": Case(
        text(*(f"2024-03-01T00:0{n}:00Z,100,99,101,100,7" for n in range(3))),
        "bad: 3 of 3 rows cannot be used, so nothing of it is stored; most often (3, first in row 1): high is below "
        "low.",
    ),
    "bars of five minutes": Case(
        text(*minutes("2024-03-01 00:00", 9, step=5)),
        "bad: expected one-minute bars, found 5-minute bars; export one-minute bars.",
    ),
    "bars of a week": Case(
        text(*minutes("2024-03-01 00:00", 9, step=7 * 1440)), "bad: expected day bars, found bars of 7 days; export day"
    ),
    "bars of seconds": Case(
        text(*(f"2024-03-01T00:00:{n:02d}Z,100,100,100,100,7" for n in range(9))),
        "bad: expected one-minute bars, found 1-second bars; export one-minute bars.",
    ),
    "bars of half a minute": Case(
        text(*(f"2024-03-01T00:0{n // 2}:{n % 2 * 30:02d}Z,100,100,100,100,7" for n in range(9))),
        "found 30-second bars",
    ),
    "ticks": Case(
        text(*(f"2024-03-01T00:00:{n * n % 60:02d}Z,100,100,100,100,7" for n in range(9))),
        "most often (8, first in row 2): the stamp is not on a full minute.",
    ),
    "a column named twice": Case(
        text("2024-03-01T00:00:00Z,1,1,1,1,1,1", header=CSV_HEADER + ",CLOSE"), "two columns are called 'close'"
    ),
    "day or month first": Case(
        text("03/04/2024 09:30,1,1,1,1,1"),
        "bad: expected to know whether the day or the month comes first in '03/04/2024 09:30', found no day above 12 "
        "in the whole file; write the dates with the year first, such as 2024-04-03, or bring a file that goes beyond "
        "the 12th of a month.",
    ),
    "only the header": Case(text(), "bad: the file holds no bars, only the line of column names; download it again."),
    "a Buddhist year": Case(
        text(*bars(3, **{"2024-": "2567-"})),
        "bad: expected years of the Gregorian calendar, found '2567-03-01T00:00:00Z', a year of the Buddhist calendar; "
        "take 543 off the years.",
    ),
    "a disagreeing overlap": Case(
        text(*minutes("2024-02-01 00:10", 50)),
        "bad: 50 of the 50 bars that are stored already have other values in this file (first: NQ 2024-02-01 00:10Z "
        "open 102.5, now 100), so it is of another instrument, clock or price adjustment; if it is right, import it "
        "with --accept-revisions.",
    ),
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store that holds 60 bars of NQ, one of them revised, and one rejected row."""
    store = Store(tmp_path / "home")
    rows = minutes("2024-02-01 00:00", 60)
    ingest(store, nq(), [csv(tmp_path / "a.csv", *rows, "x")], now=NOW)
    ingest(store, nq(), [csv(tmp_path / "b.csv", *rows[:59], rows[59].replace(",69", ",70"))], now=NOW)
    yield store
    store.close()


def content_of(store: Store) -> dict[str, list[tuple[object, ...]]]:
    with store.market() as cursor:
        return {table: cursor.execute(f"SELECT * FROM market.{table} ORDER BY ALL").fetchall() for table in TABLES}


@contextmanager
def nothing_changes(store: Store) -> Iterator[None]:
    """Neither a row, nor a byte of the file, nor the change stamp, nor the files beside it."""
    rows, content, stamp = content_of(store), (store.home / "market.duckdb").read_bytes(), store.stamp("market")
    beside = sorted(file.name for file in store.home.iterdir())
    assert all(rows.values())
    yield
    assert content_of(store) == rows
    assert (store.home / "market.duckdb").read_bytes() == content
    assert store.stamp("market") == stamp
    assert sorted(file.name for file in store.home.iterdir()) == beside


@pytest.mark.parametrize("case", CASES)
def test_a_bad_file_is_refused_in_one_sentence_and_the_store_is_as_it_was(store: Store, tmp_path: Path, case: str):
    bad = CASES[case]
    path = write(tmp_path / "bad", bad.content)
    with nothing_changes(store):
        [report] = ingest(store, bad.instrument or nq(), [path], now=NOW, format=bad.format, time_zone=bad.time_zone)
    assert report.verdict == "refused"
    assert bad.sentence in str(report.refusal)
    assert "\n" not in str(report.refusal)
    assert str(report.refusal).endswith(".")
    assert describe(report) == f"refused: {report.refusal}"


def test_a_file_that_is_not_there_and_a_folder_are_refused(store: Store, tmp_path: Path):
    with nothing_changes(store):
        missing, folder = ingest(store, nq(), [tmp_path / "none.csv", tmp_path], now=NOW)
    assert missing.refusal == f"{tmp_path / 'none.csv'}: there is no such file; check the path."
    assert folder.refusal == (
        f"{tmp_path}: expected a file, found a folder; name the files in it, such as {tmp_path / '*.csv'}."
    )


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="permissions of this kind are POSIX")
def test_a_file_that_may_not_be_read_is_refused(store: Store, tmp_path: Path):
    path = csv(tmp_path / "locked.csv", *bars(3))
    path.chmod(0)
    me = os.geteuid()
    with nothing_changes(store):
        if me == 0:
            os.seteuid(65_534)
        try:
            [report] = ingest(store, nq(), [path], now=NOW)
        finally:
            os.seteuid(me)
    assert report.refusal == f"{path}: the file may not be read by this user; change its permissions."


def test_a_few_bad_rows_do_not_refuse_a_file_and_half_of_them_do_not_either(store: Store, tmp_path: Path):
    bad = "2024-03-02T00:00:00Z,100,99,101,100,7"
    [report] = ingest(store, nq(), [csv(tmp_path / "half.csv", *bars(3), *[bad] * 3)], now=NOW)
    assert (report.verdict, report.rows_stored, report.rows_rejected) == ("stored with warnings", 3, 3)
    with nothing_changes(store):
        [report] = ingest(store, nq(), [csv(tmp_path / "more.csv", *bars(3), *[bad] * 4)], now=NOW)
    assert report.verdict == "refused"
