"""Databento DBN: every version, symbols by day, spreads left out, other content refused."""

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from ml_data.bar_file import open_bar_file
from ml_data.importers.base import ROWS
from ml_data.importers.databento_dbn import IMPORTER
from tests.ml_data.bar_files import Interval, Mapping, at, dbn, mgc, record, take, write, zstd
from trading.errors import BadBars


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("pack", [bytes, zstd])
def test_every_version_gives_the_same_bars_packed_or_not(tmp_path: Path, version: int, pack):
    content = dbn(
        record("2024-01-02 00:00", (2070.0, 2070.5, 2069.5, 2070.1), 7),
        record("2024-01-02 00:01", (2070.1, 2071.0, 2070.0, 2070.9), 8),
        version=version,
    )
    taken = take(IMPORTER, write(tmp_path / "a.bin", pack(content)), mgc())
    assert taken.bars.schema == ROWS
    assert taken.rows == [
        ("MGCG4", "2024-01-02 00:00:00", 2070.0, 2070.5, 2069.5, 2070.1, 7.0, 1),
        ("MGCG4", "2024-01-02 00:01:00", 2070.1, 2071.0, 2070.0, 2070.9, 8.0, 2),
    ]


def test_a_file_of_several_zstd_frames_is_read_to_its_end(tmp_path: Path):
    content = dbn(record("2024-01-02 00:00"), record("2024-01-02 00:01"))
    path = write(tmp_path / "a.dbn.zst", zstd(content[:90], content[90:-20], content[-20:]))
    assert take(IMPORTER, path, mgc()).rows_read == 2


def test_spreads_are_left_out_and_counted_and_named(tmp_path: Path):
    content = dbn(
        record("2024-01-02 00:00", instrument_id=44, ohlc=(-20.1, -20.0, -20.2, -20.1)),
        record("2024-01-02 00:00", instrument_id=43),
    )
    taken = take(IMPORTER, write(tmp_path / "a.dbn", content), mgc())
    assert [row[0] for row in taken.rows] == ["MGCJ4"]
    assert taken.bars_dropped == 1
    assert taken.chunks[0].others == ("MGCG4-MGCJ4",)


def test_an_instrument_id_stands_for_the_symbol_of_its_day(tmp_path: Path):
    mappings = [
        Mapping("MGCG4", (Interval("42", date(2024, 1, 1), date(2024, 1, 3)),)),
        Mapping("MGCJ4", (Interval("42", date(2024, 1, 3), date(2024, 2, 1)), Interval("9"))),
    ]
    content = dbn(
        record("2024-01-02 23:59"),
        record("2024-01-03 00:00"),
        record("2024-01-31 23:59"),
        record("2024-01-03 00:01", instrument_id=9),
        mappings=mappings,
    )
    taken = take(IMPORTER, write(tmp_path / "a.dbn", content), mgc())
    assert [row[0] for row in taken.rows] == ["MGCG4", "MGCJ4", "MGCJ4", "MGCJ4"]


def test_a_record_without_a_symbol_on_its_day_is_rejected_and_shown_with_the_files_own_integers(tmp_path: Path):
    path = write(
        tmp_path / "a.dbn",
        dbn(record("2024-01-02 00:00"), record("2024-02-01 00:00"), record("2024-01-03 00:00", instrument_id=7)),
    )
    taken = take(IMPORTER, path, mgc())
    reason = "the file names no symbol for its instrument id on that day"
    assert taken.rejects == [(2, reason), (3, reason)]
    assert IMPORTER.raw_rows(open_bar_file(path), [3]) == {
        3: "instrument_id=7 ts_event=1704240000000000000 open=2070000000000 high=2070500000000 "
        "low=2069500000000 close=2070100000000 volume=7"
    }


def test_a_price_that_is_not_there_is_nan(tmp_path: Path):
    content = bytearray(dbn(record("2024-01-02 00:00")))
    content[-16:-8] = (2**63 - 1).to_bytes(8, "little")
    close = take(IMPORTER, write(tmp_path / "a.dbn", bytes(content)), mgc()).rows[0][5]
    assert close != close


def test_records_with_a_sending_time_are_read(tmp_path: Path):
    content = dbn(
        record("2024-01-02 00:00", ts_out=True), record("2024-01-02 00:01", ts_out=True), ts_out=True, version=3
    )
    assert [row[1] for row in take(IMPORTER, write(tmp_path / "a.dbn", content), mgc()).rows] == [
        "2024-01-02 00:00:00",
        "2024-01-02 00:01:00",
    ]


def test_what_was_recognised_says_format_reason_clock_and_span(tmp_path: Path):
    path = write(tmp_path / "misnamed.txt", zstd(dbn(record("2024-01-02 00:00"), version=2)))
    found = IMPORTER.open(open_bar_file(path), mgc(), None).recognised
    assert (found.format, found.title, found.time_zone, found.stamps) == (
        "databento-dbn",
        "Databento DBN",
        "UTC",
        "start",
    )
    assert found.why == "its content starts with DBN, version 2: GLBX.MDP3, ohlcv-1m, MGC.FUT"
    assert found.span == (at("2024-01-01 00:00"), at("2024-02-01 00:00"))
    assert found.columns_ignored == ("publisher_id",)


def test_content_that_is_not_dbn_is_not_recognised():
    assert IMPORTER.recognise(b"DBZ\x01....") is None
    assert IMPORTER.recognise(b"DBN") is None


def test_a_continuous_series_is_stored_under_the_instrument(tmp_path: Path):
    content = dbn(
        record("2024-01-02 00:00", instrument_id=42),
        record("2024-01-02 00:00", instrument_id=43),
        ids={"MGC.v.0": 42, "MGC.v.1": 43},
        symbols=("MGC.v.0", "MGC.v.1"),
    )
    path = write(tmp_path / "a.dbn", content)
    taken = take(IMPORTER, path, mgc())
    assert (taken.rows[0][:2], taken.bars_dropped) == (("MGC", "2024-01-02 00:00:00"), 1)
    why = IMPORTER.open(open_bar_file(path), mgc(), None).recognised.why
    assert why.endswith("MGC.v.0, MGC.v.1; its bars are one continuous series of MGC")


REFUSED = {
    "another schema": (dbn(schema="trades"), r"expected one-minute bars \(schema ohlcv-1m\), found schema trades"),
    "another bar length": (dbn(schema="ohlcv-1s"), "found schema ohlcv-1s"),
    "several schemas": (dbn(schema=None, version=3), "found several schemas in one file"),
    "another instrument": (
        dbn(record("2024-01-02 00:00"), ids={"ESH4": 42, "ESM4": 43}, symbols=("ES.FUT",)),
        r"wrong instrument: expected contracts like MGC\[FGHJKMNQUVXZ\].* for MGC, found ES.FUT \(ESH4, ESM4\)",
    ),
    "the second contract of each day": (
        dbn(ids={"MGC.c.1": 42}, symbols=("MGC.c.1",)),
        r"wrong instrument: .* for MGC, found MGC.c.1 \(MGC.c.1\); choose the instrument",
    ),
    "no symbols": (dbn(mappings=[]), r"found MGC.FUT \(no symbols\)"),
    "a record of another type": (
        dbn(record("2024-01-02 00:00"), record("2024-01-02 00:01", rtype=0x20)),
        "found a record of type 32 at 2",
    ),
    "the header cut short": (dbn()[:60], "cut short in its header"),
    "cut inside a record": (
        dbn(record("2024-01-02 00:00"), record("2024-01-02 00:01"))[:-9],
        "it ends inside record 2",
    ),
    "zstd cut short": (
        zstd(dbn(record("2024-01-02 00:00")))[:-5],
        "the file is cut short: its packed content has no end",
    ),
    "a second zstd frame cut short": (zstd(dbn(), record("2024-01-02 00:00"))[:-2], "has no end"),
    "a later version": (b"DBN\x09" + dbn()[4:], "expected DBN version 1 to 3, found version 9"),
    "a header of nonsense": (b"DBN\x01" + (200).to_bytes(4, "little") + b"\xff" * 200, "its DBN header says nothing"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_used_is_refused_by_name(tmp_path: Path, case: str):
    content, sentence = REFUSED[case]
    with pytest.raises(BadBars, match=sentence):
        take(IMPORTER, write(tmp_path / "a.dbn", content), mgc())


@pytest.mark.real_data
def test_a_real_month_holds_its_outrights_and_no_spread(shared_data: Path):
    path = shared_data / "mgc_databento" / "glbx-mdp3-20240101-20240131.ohlcv-1m.dbn.zst"
    taken = take(IMPORTER, path, mgc())
    # Counted once with Databento's own decoder, record by record.
    assert (taken.rows_read, taken.bars_dropped, taken.rejects) == (58_775, 12_475, [])
    assert Counter(taken.bars.column("contract").to_pylist()) == {
        "MGCG4": 27_806,
        "MGCJ4": 14_334,
        "MGCM4": 2_661,
        "MGCQ4": 685,
        "MGCZ4": 518,
        "MGCV4": 233,
        "MGCG5": 61,
        "MGCZ5": 2,
    }
    assert "MGCG4-MGCJ4" in taken.chunks[0].others
    assert sum(taken.bars.column("volume").to_pylist()) == 1_380_294
    stamps = taken.bars.column("ts").to_pylist()
    assert (min(stamps), max(stamps)) == (at("2024-01-01 23:00"), at("2024-01-31 23:59"))
