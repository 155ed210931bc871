"""From files to the store: new, known and revised bars, what is written beside them, what an interruption leaves."""

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from ml_data import import_windows, import_write
from ml_data import ingest as ingest_module
from ml_data.demo_market import demo_bars
from ml_data.import_report import ImportReport, describe
from ml_data.importers import csv_lines
from ml_data.ingest import ingest, ingest_bars
from ml_data.spool import Spool
from ml_data.store import Store
from tests.ml_data.bar_files import INSTRUMENTS, NOW, at, csv, dbn, mgc, minutes, nq, record, write, zstd
from trading.domain.bar import BARS
from trading.domain.instrument import read_instrument
from trading.errors import BadBars, StoreBusy

HEADER_OF_CONTRACTS = "timestamp,open,high,low,close,volume,contract"


@pytest.fixture
def store(tmp_path: Path):
    store = Store(tmp_path / "home")
    yield store
    store.close()


def query(store: Store, question: str) -> list[tuple]:
    with store.market() as cursor:
        return cursor.execute(question).fetchall()


def stored(store: Store) -> list[tuple]:
    return query(store, "SELECT contract, ts, close FROM market.bars_1m ORDER BY ALL")


def figures(report: ImportReport) -> tuple[int, int, int, int, int, int]:
    """Read, stored, revised, unchanged, rejected, dropped; the first is the sum of the others."""
    parts = (
        report.rows_stored,
        report.rows_revised,
        report.rows_unchanged,
        report.rows_rejected,
        report.bars_dropped,
    )
    assert report.rows_read == sum(parts)
    return (report.rows_read, *parts)


def test_a_file_is_stored_with_its_import_and_its_span_to_build(store: Store, tmp_path: Path):
    path = csv(tmp_path / "a.csv", *minutes("2024-01-02 00:00", 3))
    [report] = ingest(store, nq(), [path], now=NOW)
    assert (report.verdict, report.dry_run, figures(report)) == ("stored", False, (3, 3, 0, 0, 0, 0))
    assert query(store, "SELECT * FROM market.bars_1m ORDER BY ts")[0] == (
        "NQ", "NQ", at("2024-01-02 00:00"), 100.0, 101.0, 99.0, 100.5, 10.0
    )  # fmt: skip
    assert query(store, "SELECT * FROM market.history_dirty") == [
        ("NQ", at("2024-01-02 00:00"), at("2024-01-02 00:02"), report.import_id)
    ]
    assert query(
        store,
        "SELECT import_id, file_name, sha256, format, time_zone, rows_read, rows_stored, rows_rejected, rows_unchanged,"
        " rows_revised, first_ts, last_ts, imported_at, bars_dropped, contracts, verdict FROM market.bar_imports",
    ) == [
        (report.import_id, "a.csv", report.sha256, "csv", "offset in each stamp", 3, 3, 0, 0, 0,
         at("2024-01-02 00:00"), at("2024-01-02 00:02"), NOW, 0, 1, "stored")
    ]  # fmt: skip


def test_the_same_file_again_changes_no_bar_and_marks_nothing(store: Store, tmp_path: Path):
    path = csv(tmp_path / "a.csv", *minutes("2024-01-02 00:00", 3))
    [first] = ingest(store, nq(), [path], now=NOW)
    before = stored(store)
    [again] = ingest(store, nq(), [path], now=NOW)
    assert (again.verdict, figures(again)) == ("unchanged", (3, 0, 0, 3, 0, 0))
    assert stored(store) == before
    assert query(store, "SELECT count(*) FROM market.history_dirty") == [(1,)]
    assert query(store, "SELECT count(*) FROM market.bar_revisions") == [(0,)]
    assert again.import_id != first.import_id
    assert query(store, "SELECT verdict FROM market.bar_imports ORDER BY ALL") == [("stored",), ("unchanged",)]


def test_changed_bars_are_stored_and_the_old_values_kept(store: Store, tmp_path: Path):
    rows = minutes("2024-01-02 00:00", 3)
    ingest(store, nq(), [csv(tmp_path / "a.csv", *rows)], now=NOW)
    changed = [rows[0], rows[1].replace(",11", ",12"), rows[2], *minutes("2024-01-05 00:00", 1)]
    [report] = ingest(store, nq(), [csv(tmp_path / "b.csv", *changed)], now=NOW)
    assert (report.verdict, figures(report)) == ("stored with warnings", (4, 1, 1, 2, 0, 0))
    assert report.warnings == (
        "1 bar differs from what was stored (first: NQ 2024-01-02 00:01Z volume 11, now 12); the new values are "
        "stored, the old ones kept as revisions",
    )
    assert query(store, "SELECT * FROM market.bar_revisions") == [
        ("NQ", "NQ", at("2024-01-02 00:01"), report.import_id,
         100.25, 101.25, 99.25, 100.75, 11.0, 100.25, 101.25, 99.25, 100.75, 12.0)
    ]  # fmt: skip
    assert query(store, "SELECT count(*), count(DISTINCT ts) FROM market.bars_1m") == [(4, 4)]
    assert query(store, "SELECT volume FROM market.bars_1m ORDER BY ts") == [(10.0,), (12.0,), (12.0,), (10.0,)]
    assert query(
        store, f"SELECT first_ts, last_ts FROM market.history_dirty WHERE import_id = '{report.import_id}' ORDER BY ALL"
    ) == [(at("2024-01-02 00:01"),) * 2, (at("2024-01-05 00:00"),) * 2]


def test_a_bar_that_was_changed_in_the_store_is_found_and_put_right_by_the_same_file(store: Store, tmp_path: Path):
    path = csv(tmp_path / "a.csv", *minutes("2024-01-02 00:00", 3))
    ingest(store, nq(), [path], now=NOW)
    with store.market_write() as cursor:
        cursor.execute("UPDATE market.bars_1m SET close = 99 WHERE ts = ?", [at("2024-01-02 00:01")]).fetchall()
        cursor.execute("DELETE FROM market.bars_1m WHERE ts = ?", [at("2024-01-02 00:02")]).fetchall()
    [report] = ingest(store, nq(), [path], now=NOW)
    assert figures(report) == (3, 1, 1, 1, 0, 0)
    assert [close for _, _, close in stored(store)] == [100.5, 100.75, 101.0]


def test_overlapping_files_of_one_call_that_disagree_leave_the_later_one_and_say_so(store: Store, tmp_path: Path):
    rows = minutes("2024-01-02 00:00", 4)
    first = csv(tmp_path / "first.csv", *rows[:3])
    second = csv(tmp_path / "second.csv", rows[1], rows[2].replace(",12", ",99"), rows[3])
    reports = ingest(store, nq(), [first, second], now=NOW)
    assert [figures(report) for report in reports] == [(3, 3, 0, 0, 0, 0), (3, 1, 1, 1, 0, 0)]
    assert (
        reports[1].warnings[0].startswith("1 bar differs from what first.csv said (first: NQ 2024-01-02 00:02Z volume")
    )
    assert query(store, "SELECT volume FROM market.bars_1m ORDER BY ts") == [(10.0,), (11.0,), (99.0,), (13.0,)]


def test_running_overlapping_files_that_disagree_again_changes_nothing(store: Store, tmp_path: Path):
    rows = minutes("2024-01-02 00:00", 3)
    files = [csv(tmp_path / "a.csv", *rows), csv(tmp_path / "b.csv", *rows[:2], rows[2].replace(",12", ",99"))]
    ingest(store, nq(), files, now=NOW)
    before = stored(store)
    reports = ingest(store, nq(), files, now=NOW)
    assert [report.verdict for report in reports] == ["unchanged", "unchanged"]
    assert stored(store) == before
    assert query(store, "SELECT count(*) FROM market.bar_revisions") == [(1,)]
    assert query(store, "SELECT count(*) FROM market.history_dirty") == [(2,)]


def test_a_value_that_comes_back_in_a_new_file_is_a_revision_again(store: Store, tmp_path: Path):
    rows = minutes("2024-01-02 00:00", 2)
    other = rows[1].replace(",11", ",99")
    for name, row in (("a.csv", rows[1]), ("b.csv", other), ("c.csv", rows[1])):
        extra = [] if name != "c.csv" else minutes("2024-01-02 01:00", 1)
        [report] = ingest(store, nq(), [csv(tmp_path / name, rows[0], row, *extra)], now=NOW)
    assert report.rows_revised == 1
    assert query(store, "SELECT volume FROM market.bars_1m ORDER BY ts") == [(10.0,), (11.0,), (10.0,)]


def test_the_same_file_named_twice_is_stored_once(store: Store, tmp_path: Path):
    path = csv(tmp_path / "a.csv", *minutes("2024-01-02 00:00", 3))
    reports = ingest(store, nq(), [path, path], now=NOW)
    assert [report.verdict for report in reports] == ["stored", "unchanged"]
    assert len(stored(store)) == 3


def test_a_file_that_contradicts_most_of_what_it_overlaps_is_refused_unless_accepted(store: Store, tmp_path: Path):
    ingest(store, nq(), [csv(tmp_path / "a.csv", *minutes("2024-01-02 00:00", 60))], now=NOW)
    shifted = csv(tmp_path / "b.csv", *minutes("2024-01-02 00:10", 60))
    before = stored(store)
    [report] = ingest(store, nq(), [shifted], now=NOW)
    assert report.refusal == (
        "b.csv: 50 of the 50 bars that are stored already have other values in this file (first: NQ 2024-01-02 00:10Z "
        "open 102.5, now 100), so it is of another instrument, clock or price adjustment; if it is right, import it "
        "with --accept-revisions."
    )
    assert stored(store) == before
    [report] = ingest(store, nq(), [shifted], now=NOW, accept_revisions=True)
    assert figures(report) == (60, 10, 50, 0, 0, 0)


def test_rejected_rows_are_kept_with_their_reason_and_text(store: Store, tmp_path: Path):
    rows = minutes("2024-01-02 00:00", 4)
    bad = "2024-01-02T00:09:00Z,100,99,101,100,7"
    [report] = ingest(store, nq(), [csv(tmp_path / "a.csv", *rows, bad, "x")], now=NOW)
    assert (report.verdict, figures(report)) == ("stored with warnings", (6, 4, 0, 0, 2, 0))
    assert query(store, "SELECT * FROM market.bar_rejects ORDER BY ALL") == [
        (report.import_id, 5, "high is below low", bad),
        (report.import_id, 6, "the row has 1 columns where the first line names 6", "x"),
    ]
    assert f"  row 5 rejected: high is below low: {bad}" in describe(report).splitlines()


def test_a_dry_run_says_the_same_and_writes_nothing(store: Store, tmp_path: Path):
    path = csv(tmp_path / "a.csv", *minutes("2024-01-02 00:00", 3))
    stamp_before = (query(store, "SELECT count(*) FROM market.bars_1m"), store.stamp("market"))
    [report] = ingest(store, nq(), [path], now=NOW, dry_run=True)
    assert (report.dry_run, report.verdict, report.import_id, figures(report)) == (
        True,
        "stored",
        None,
        (3, 3, 0, 0, 0, 0),
    )
    assert (query(store, "SELECT count(*) FROM market.bars_1m"), store.stamp("market")) == stamp_before
    assert describe(report).startswith("a.csv: would be stored\n")


def test_a_refused_file_stops_no_other(store: Store, tmp_path: Path):
    files = [
        csv(tmp_path / "a.csv", *minutes("2024-01-02 00:00", 3)),
        write(tmp_path / "empty.csv", ""),
        csv(tmp_path / "b.csv", *minutes("2024-02-02 00:00", 3)),
    ]
    reports = ingest(store, nq(), files, now=NOW)
    assert [report.verdict for report in reports] == ["stored", "refused", "stored"]
    assert len(stored(store)) == 6


def test_dbn_and_csv_of_the_same_bars_agree_to_the_last_bit(store: Store, tmp_path: Path):
    binary = write(
        tmp_path / "a.dbn.zst", zstd(dbn(record("2024-01-02 00:00"), record("2024-01-02 00:00", instrument_id=43)))
    )
    text = csv(
        tmp_path / "a.csv",
        "2024-01-02T00:00:00Z,2070,2070.5,2069.5,2070.1,7,MGCG4",
        "2024-01-02T00:00:00Z,2070,2070.5,2069.5,2070.1,7,MGCJ4",
        header=HEADER_OF_CONTRACTS,
    )
    reports = ingest(store, mgc(), [binary, text], now=NOW)
    assert [figures(report) for report in reports] == [(2, 2, 0, 0, 0, 0), (2, 0, 0, 2, 0, 0)]
    assert reports[0].contracts == ("MGCG4", "MGCJ4")


def test_a_continuous_series_and_single_contracts_are_not_mixed(store: Store, tmp_path: Path):
    row = "2024-01-02T00:00:00Z,2070,2070.5,2069.5,2070.1,7"
    continuous = csv(tmp_path / "continuous.csv", row)
    single = csv(tmp_path / "single.csv", f"{row},MGCG4", header=HEADER_OF_CONTRACTS)
    for home, files in (("one", [continuous, single]), ("two", [single, continuous])):
        other = Store(tmp_path / home)
        reports = ingest(other, mgc(), files, now=NOW)
        later = ingest(other, mgc(), files[1:], now=NOW)
        other.close()
        assert [report.verdict for report in reports + later] == ["stored", "refused", "refused"]
        assert "MGC would be stored twice, as one continuous series and by single contracts" in str(later[0].refusal)


def test_instruments_do_not_touch_each_other(store: Store, tmp_path: Path):
    path = csv(tmp_path / "a.csv", *minutes("2024-01-02 00:00", 3))
    ingest(store, nq(), [path], now=NOW)
    [report] = ingest(store, nq().model_copy(update={"symbol": "ES"}), [path], now=NOW)
    assert figures(report) == (3, 3, 0, 0, 0, 0)
    assert query(store, "SELECT instrument, count(*) FROM market.bars_1m GROUP BY ALL ORDER BY ALL") == [
        ("ES", 3),
        ("NQ", 3),
    ]


# Long files, in windows and through a temporary file


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(import_windows, "CHUNK_ROWS", 100)
    monkeypatch.setattr(csv_lines, "BLOCK_BYTES", 4_000)


def in_small_memory(schema: pa.Schema, folder: Path) -> Spool:
    return Spool(schema, folder, memory_rows=150)


@pytest.mark.usefixtures("small_windows")
def test_a_long_file_is_stored_as_a_short_one_and_leaves_no_temporary_file(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ingest_module, "Spool", in_small_memory)
    path = csv(tmp_path / "a.csv", *minutes("2024-01-02 00:00", 1_000))
    [report] = ingest(store, nq(), [path], now=NOW)
    assert figures(report) == (1_000, 1_000, 0, 0, 0, 0)
    assert query(store, "SELECT count(*), count(DISTINCT ts), min(ts), max(ts), sum(volume) FROM market.bars_1m") == [
        (1_000, 1_000, at("2024-01-02 00:00"), at("2024-01-02 16:39"), 509_500.0)
    ]
    [again] = ingest(store, nq(), [path], now=NOW)
    assert figures(again) == (1_000, 0, 0, 1_000, 0, 0)
    assert sorted(file.suffix for file in store.home.iterdir() if file.name.startswith("tmp")) == []


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("order", ["newest first", "two halves exchanged", "each minute twice"])
def test_rows_in_another_order_give_the_same_bars(store: Store, tmp_path: Path, order: str):
    rows = minutes("2024-01-02 00:00", 600)
    rows = {
        "newest first": rows[::-1],
        "two halves exchanged": rows[300:] + rows[:300],
        "each minute twice": [row for row in rows for _ in range(2)],
    }[order]
    [report] = ingest(store, nq(), [csv(tmp_path / "a.csv", *rows)], now=NOW)
    assert (report.rows_stored, report.rows_unchanged) == (600, len(rows) - 600)
    assert query(store, "SELECT count(*), count(DISTINCT ts), sum(volume) FROM market.bars_1m") == [
        (600, 600, 185_700.0)
    ]


@pytest.mark.usefixtures("small_windows")
def test_a_minute_that_two_windows_share_is_compared_as_one(store: Store, tmp_path: Path):
    contracts = [f"MGC{month}4" for month in "FGHJKMNQUVXZ"]
    rows = [
        f"2024-01-02T00:{minute:02d}:00Z,2070,2070.5,2069.5,2070.1,7,{contract}"
        for minute in range(50)
        for contract in contracts
    ]
    late = rows[595].replace(",7,", ",8,")
    [report] = ingest(store, mgc(), [csv(tmp_path / "a.csv", *rows, late, header=HEADER_OF_CONTRACTS)], now=NOW)
    assert figures(report) == (601, 600, 0, 0, 1, 0)
    assert report.first_rejects[0].raw == late


# Interruptions and neighbours


def test_an_interrupted_import_leaves_whole_files_and_goes_on_where_it_stopped(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    files = [csv(tmp_path / f"{day}.csv", *minutes(f"2024-01-{day} 00:00", 5)) for day in ("02", "03", "04")]
    monkeypatch.setattr(ingest_module, "BATCH_ROWS", 5)
    put, calls = import_write.put, []

    def failing(cursor, name: str, rows, values) -> None:
        calls.append(name)
        put(cursor, name, rows, values)
        if calls.count("insert_bar_imports") == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(import_write, "put", failing)
    with pytest.raises(KeyboardInterrupt):
        ingest(store, nq(), files, now=NOW)
    assert query(store, "SELECT file_name FROM market.bar_imports") == [("02.csv",)]
    assert len(stored(store)) == 5
    monkeypatch.setattr(import_write, "put", put)
    reports = ingest(store, nq(), files, now=NOW)
    assert [report.verdict for report in reports] == ["unchanged", "stored", "stored"]
    assert len(stored(store)) == 15
    assert query(store, "SELECT count(*) FROM market.history_dirty") == [(3,)]


def test_small_files_are_written_together_and_overlapping_ones_apart(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    written = []
    write_imports = ingest_module.write_imports

    def counting(store, instrument, items, now):
        written.append([source.name for source, _ in items])
        return write_imports(store, instrument, items, now)

    monkeypatch.setattr(ingest_module, "write_imports", counting)
    days = [csv(tmp_path / f"{day}.csv", *minutes(f"2024-01-{day} 00:00", 5)) for day in ("02", "03", "04")]
    overlap = csv(tmp_path / "overlap.csv", *minutes("2024-01-04 00:00", 7))
    last = csv(tmp_path / "last.csv", *minutes("2024-01-08 00:00", 5))
    reports = ingest(store, nq(), [*days, overlap, last], now=NOW)
    assert written == [["02.csv", "03.csv", "04.csv"], ["overlap.csv"], ["last.csv"]]
    assert figures(reports[3]) == (7, 2, 0, 5, 0, 0)


def test_what_another_process_stored_meanwhile_is_compared_with(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = csv(tmp_path / "a.csv", *minutes("2024-01-02 00:00", 5))
    write_imports, neighbour = ingest_module.write_imports, []

    def interfered(store, instrument, items, now):
        if not neighbour:
            neighbour.append(True)
            ingest(store, instrument, [path], now=now - timedelta(hours=1))
        return write_imports(store, instrument, items, now)

    monkeypatch.setattr(ingest_module, "write_imports", interfered)
    [report] = ingest(store, nq(), [path], now=NOW)
    assert figures(report) == (5, 0, 0, 5, 0, 0)
    assert len(stored(store)) == 5


def test_a_store_that_never_stands_still_is_said_to_be_busy(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ingest_module, "write_imports", lambda *_: None)
    with pytest.raises(StoreBusy, match=r"a\.csv: other imports changed the store 5 times meanwhile; run it again"):
        ingest(store, nq(), [csv(tmp_path / "a.csv", *minutes("2024-01-02 00:00", 5))], now=NOW)


def test_progress_rises_over_all_files_to_one(store: Store, tmp_path: Path):
    told: list[tuple[float, str]] = []
    files = [csv(tmp_path / f"{day}.csv", *minutes(f"2024-01-{day} 00:00", 50)) for day in ("02", "03")]
    ingest(store, nq(), files, now=NOW, progress=lambda share, name: told.append((share, name)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert (told[0], told[-1]) == ((0.0, "02.csv"), (1.0, "03.csv"))


# Bars from a program


def test_bars_of_a_program_are_stored_by_the_same_rules(store: Store):
    demo = read_instrument(INSTRUMENTS / "DEMO.toml")
    tables = list(demo_bars(demo, at("2024-01-02").date(), at("2024-02-10").date(), 3))
    report = ingest_bars(store, demo, tables, source_name="demo market", now=NOW)
    assert (report.verdict, report.rows_rejected) == ("stored", 0)
    assert report.rows_stored == sum(len(table) for table in tables)
    again = ingest_bars(store, demo, tables, source_name="demo market", now=NOW)
    assert (again.verdict, again.rows_unchanged) == ("unchanged", report.rows_stored)


def test_bars_of_a_program_that_are_no_minutes_are_refused(store: Store):
    bar = {"contract": "NQ", "open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": 1.0}
    table = pa.Table.from_pylist([bar | {"ts": at(f"2024-01-{day:02d} 00:00")} for day in range(1, 9)], BARS)
    with pytest.raises(BadBars, match="found 1,440-minute bars"):
        ingest_bars(store, nq(), [table], source_name="a feed", now=NOW)


# Real files


@pytest.mark.real_data
def test_real_months_are_stored_once_whatever_their_order(store: Store, shared_data: Path):
    folder = shared_data / "mgc_databento"
    files = [folder / f"glbx-mdp3-2024{month}.ohlcv-1m.dbn.zst" for month in ("0201-20240229", "0101-20240131")]
    reports = ingest(store, mgc(), files, now=NOW)
    assert reports[1].rows_stored == 46_300
    again = ingest(store, mgc(), files[::-1], now=NOW)
    assert [report.verdict for report in again] == ["unchanged", "unchanged"]
    assert query(
        store,
        "SELECT count(*) - count(DISTINCT (instrument, contract, ts)), count(*) FILTER (contract LIKE '%-%'),"
        " count(*) FILTER (ts < '2024-02-01'), sum(volume) FILTER (ts < '2024-02-01') FROM market.bars_1m",
    ) == [(0, 0, 46_300, 1_380_294.0)]


@pytest.mark.real_data
def test_a_real_file_read_on_the_wrong_clock_is_refused_once_the_right_one_is_stored(store: Store, shared_data: Path):
    path = shared_data / "firstrate" / "NQ_1min_sample.csv"
    [report] = ingest(store, nq(), [path], now=NOW, time_zone="America/New_York")
    assert figures(report) == (14_714, 14_714, 0, 0, 0, 0)
    [report] = ingest(store, nq(), [path], now=NOW, time_zone="America/Chicago")
    assert "so it is of another instrument, clock or price adjustment" in str(report.refusal)
    assert len(stored(store)) == 14_714
