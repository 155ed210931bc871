"""The store: tables, leases, stamps, migrations, backups, and the facts of DuckDB that it is built on."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from ml_data import lease, schema
from ml_data.store import ALIASES, Store, sql
from trading.errors import StoreBusy, StoreError

ROOT = Path(__file__).resolve().parents[2]

TABLES = {
    "market": """
        bar_imports: import_id VARCHAR, file_name VARCHAR, sha256 VARCHAR, format VARCHAR, time_zone VARCHAR,
            rows_read BIGINT, rows_stored BIGINT, rows_rejected BIGINT, rows_unchanged BIGINT, rows_revised BIGINT,
            first_ts TIMESTAMPTZ, last_ts TIMESTAMPTZ, imported_at TIMESTAMPTZ, bars_dropped BIGINT,
            contracts INTEGER, verdict VARCHAR
        bar_rejects: import_id VARCHAR, row_number BIGINT, reason VARCHAR, raw VARCHAR
        bar_revisions: instrument VARCHAR, contract VARCHAR, ts TIMESTAMPTZ, import_id VARCHAR,
            old_open DOUBLE, old_high DOUBLE, old_low DOUBLE, old_close DOUBLE, old_volume DOUBLE,
            new_open DOUBLE, new_high DOUBLE, new_low DOUBLE, new_close DOUBLE, new_volume DOUBLE
        bars_1d: instrument VARCHAR, trading_day DATE, open DOUBLE, high DOUBLE, low DOUBLE, close DOUBLE,
            volume DOUBLE
        bars_1m: instrument VARCHAR, contract VARCHAR, ts TIMESTAMPTZ, open DOUBLE, high DOUBLE, low DOUBLE,
            close DOUBLE, volume DOUBLE
        contract_days: instrument VARCHAR, trading_day DATE, contract VARCHAR, reason VARCHAR, rolled BOOLEAN,
            volume_share DOUBLE
        history_dirty: instrument VARCHAR, first_ts TIMESTAMPTZ, last_ts TIMESTAMPTZ, import_id VARCHAR
        history_state: instrument VARCHAR, built_through TIMESTAMPTZ, definitions_hash VARCHAR
        opening_ranges: instrument VARCHAR, trading_day DATE, orb VARCHAR, starts_at TIMESTAMPTZ,
            ends_at TIMESTAMPTZ, open DOUBLE, high DOUBLE, low DOUBLE, size DOUBLE, close DOUBLE, volume DOUBLE,
            bars INTEGER, complete BOOLEAN, void_reason VARCHAR, break_direction VARCHAR, broke_at TIMESTAMPTZ,
            break_close DOUBLE, expected_bars INTEGER, zero_size BOOLEAN, contract VARCHAR
        orb_trades: instrument VARCHAR, trading_day DATE, orb VARCHAR, rule VARCHAR, direction VARCHAR,
            entered_at TIMESTAMPTZ, entry DOUBLE, stop DOUBLE, target DOUBLE, exited_at TIMESTAMPTZ,
            exit_price DOUBLE, result VARCHAR, r_gross DOUBLE, r_net DOUBLE, mae_r DOUBLE, mfe_r DOUBLE,
            ambiguous BOOLEAN, void_reason VARCHAR, costs_r DOUBLE
        schema_version: version INTEGER, name VARCHAR, applied_at TIMESTAMPTZ
        sessions: instrument VARCHAR, trading_day DATE, session VARCHAR, starts_at TIMESTAMPTZ,
            ends_at TIMESTAMPTZ, open DOUBLE, high DOUBLE, low DOUBLE, close DOUBLE, volume DOUBLE, range DOUBLE,
            bars INTEGER, expected_bars INTEGER, complete BOOLEAN
    """,
    "journal": """
        ml_actions: prediction_id VARCHAR, action VARCHAR, why VARCHAR, acted_at TIMESTAMPTZ
        ml_outcomes: prediction_id VARCHAR, revision INTEGER, state VARCHAR, actual VARCHAR, correct BOOLEAN,
            r_net DOUBLE, r_net_advised DOUBLE, known_at TIMESTAMPTZ, void_reason VARCHAR, settled_at TIMESTAMPTZ
        ml_predictions: prediction_id VARCHAR, instrument VARCHAR, kind VARCHAR, trading_day DATE, orb VARCHAR,
            decided_at TIMESTAMPTZ, contract VARCHAR, model VARCHAR, version VARCHAR, version_hash VARCHAR,
            role VARCHAR, stage VARCHAR, features DOUBLE[], schema_hash VARCHAR, max_input_time TIMESTAMPTZ,
            data_hash VARCHAR, raw_score DOUBLE[], prob_up DOUBLE, prob_down DOUBLE, prob_none DOUBLE,
            baseline_prob_up DOUBLE, confidence DOUBLE, advice VARCHAR, reasons VARCHAR, refusal_code VARCHAR,
            refusal_reason VARCHAR, latency_ms DOUBLE, logged_at TIMESTAMPTZ
        ml_stage_history: model VARCHAR, version VARCHAR, stage VARCHAR, role VARCHAR, since TIMESTAMPTZ,
            by_whom VARCHAR, why VARCHAR, evidence_hash VARCHAR
        schema_version: version INTEGER, name VARCHAR, applied_at TIMESTAMPTZ
    """,
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    made = Store(home)
    yield made
    made.close()


def act(store: Store, prediction_id: str) -> None:
    with store.journal_write() as cursor:
        cursor.execute("INSERT INTO journal.ml_actions (prediction_id, action) VALUES (?, 'followed')", [prediction_id])


def acts(store: Store) -> list[str]:
    with store.journal() as cursor:
        question = "SELECT prediction_id FROM journal.ml_actions ORDER BY prediction_id"
        return [name for (name,) in cursor.execute(question).fetchall()]


def in_threads(*works: object) -> list[BaseException]:
    """Run the callables at the same time; return what they raised."""
    raised: list[BaseException] = []

    def guarded(work: object) -> None:
        try:
            work()  # type: ignore[operator]
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


# Tables


def described(text: str) -> dict[str, list[str]]:
    whole = re.sub(r",\s+", ", ", text)
    return {
        name: columns.split(", ")
        for name, columns in (line.strip().split(": ", 1) for line in whole.splitlines() if line.strip())
    }


@pytest.mark.parametrize("alias", ALIASES)
def test_the_tables_are_those_of_the_data_contract(store: Store, alias: str):
    with getattr(store, alias)() as cursor:
        rows = cursor.execute(
            "SELECT table_name, column_name, replace(data_type, 'TIMESTAMP WITH TIME ZONE', 'TIMESTAMPTZ') "
            "FROM duckdb_columns() WHERE database_name = ? ORDER BY table_name, column_index",
            [alias],
        ).fetchall()
    found: dict[str, list[str]] = {}
    for table, column, kind in rows:
        found.setdefault(table, []).append(f"{column} {kind}")
    assert found == described(TABLES[alias])


@pytest.mark.parametrize("alias", ALIASES)
def test_no_table_has_a_primary_key_or_an_index(store: Store, alias: str):
    with getattr(store, alias)() as cursor:
        keys = cursor.execute(
            "SELECT table_name FROM duckdb_constraints() WHERE database_name = ? AND constraint_type <> 'NOT NULL'",
            [alias],
        ).fetchall()
        indexes = cursor.execute("SELECT 1 FROM duckdb_indexes() WHERE database_name = ?", [alias]).fetchall()
    assert (keys, indexes) == ([], [])


def test_the_first_use_makes_the_home_folder_and_only_the_file_that_was_asked_for(home: Path):
    store = Store(home / "deep")
    assert not home.exists()
    with store.journal() as cursor:
        assert cursor.execute("SELECT version, name FROM journal.schema_version").fetchall() == [
            (1, "0001_predictions_and_outcomes")
        ]
    store.close()
    assert sorted(file.name for file in (home / "deep").glob("*.duckdb")) == ["journal.duckdb"]


def test_every_file_of_the_store_has_a_name_that_git_ignores_in_the_checkout(store: Store, home: Path):
    act(store, "p1")
    with store.market() as cursor:
        cursor.execute("SELECT 1").fetchall()
    names = sorted(file.name for file in home.iterdir())
    assert all(re.fullmatch(r"(market|journal)\.duckdb(\..+)?", name) for name in names), names


# Reading and writing


def test_a_write_lease_commits_when_its_block_ends(store: Store):
    act(store, "p1")
    act(store, "p2")
    assert acts(store) == ["p1", "p2"]


def test_a_write_lease_rolls_everything_back_when_its_block_raises(store: Store):
    act(store, "p1")
    before = store.stamp("journal")

    def break_off() -> None:
        with store.journal_write() as cursor:
            cursor.execute("INSERT INTO journal.ml_actions (prediction_id, action) VALUES ('p2', 'ignored')")
            cursor.execute("DELETE FROM journal.ml_actions WHERE prediction_id = 'p1'")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert acts(store) == ["p1"]
    assert store.stamp("journal") == before


def test_a_wrong_statement_is_told_as_it_is_and_rolls_back(store: Store):
    def ask_wrongly() -> None:
        with store.journal_write() as cursor:
            cursor.execute("INSERT INTO journal.ml_actions (prediction_id, action) VALUES ('p2', 'ignored')")
            cursor.execute("SELECT * FROM journal.corrupt_table")

    with pytest.raises(duckdb.CatalogException, match="corrupt_table"):
        ask_wrongly()
    assert acts(store) == []


def test_an_error_that_the_caller_meets_in_its_block_is_not_blamed_on_the_store(store: Store, tmp_path: Path):
    with pytest.raises(FileNotFoundError), store.market():
        (tmp_path / "no.csv").read_text()


def test_a_read_lease_cannot_write(store: Store):
    with pytest.raises(duckdb.InvalidInputException, match="read-only"), store.journal() as cursor:
        cursor.execute("INSERT INTO journal.ml_actions (prediction_id, action) VALUES ('p1', 'followed')")
    assert acts(store) == []


def test_arrow_goes_in_and_comes_out_unchanged(store: Store):
    bars = pa.table(
        {
            "contract": ["MGCJ5", "MGCJ5"],
            "ts": pa.array(
                [datetime(2025, 3, 6, 23, 0, tzinfo=UTC), datetime(2025, 3, 6, 23, 1, tzinfo=UTC)],
                pa.timestamp("us", tz="UTC"),
            ),
            "open": [2918.1, 2918.4],
            "high": [2918.6, 2918.4],
            "low": [2917.9, 2918.2],
            "close": [2918.4, 2918.3],
            "volume": [12.0, 3.0],
        }
    )
    with store.market_write() as cursor:
        cursor.register("new_bars", bars)
        cursor.execute("INSERT INTO market.bars_1m BY NAME SELECT 'MGC' AS instrument, * FROM new_bars")
    with store.market() as cursor:
        found = cursor.sql(
            "SELECT * EXCLUDE (instrument) FROM market.bars_1m WHERE instrument = $instrument ORDER BY ts",
            params={"instrument": "MGC"},
        ).to_arrow_table()
    assert found.equals(bars.cast(found.schema))
    assert str(found.schema.field("ts").type) == "timestamp[us, tz=UTC]"


def test_a_prediction_keeps_every_bit_of_its_features(store: Store):
    features = [0.1 + 0.2, float("nan"), -0.0, 5e-324, 1.7976931348623157e308]
    with store.journal_write() as cursor:
        cursor.execute(
            "INSERT INTO journal.ml_predictions "
            "(prediction_id, instrument, kind, trading_day, decided_at, model, version, features) "
            "VALUES ('p1', 'MGC', 'orb_complete', ?, ?, 'directional', 'v_1', ?)",
            [date(2025, 3, 7), datetime(2025, 3, 6, 23, 5, tzinfo=UTC), features],
        )
    with store.journal() as cursor:
        row = cursor.execute("SELECT trading_day, decided_at, features FROM journal.ml_predictions").fetchone()
    assert row is not None
    assert row[:2] == (date(2025, 3, 7), datetime(2025, 3, 6, 23, 5, tzinfo=UTC))
    assert [value.hex() for value in row[2]] == [value.hex() for value in features]


def test_both_files_can_be_read_in_one_question(store: Store):
    act(store, "p1")
    with store.market(), store.journal() as cursor:
        rows = cursor.execute("SELECT (SELECT count(*) FROM market.bars_1m), count(*) FROM journal.ml_actions")
        assert rows.fetchall() == [(0, 1)]


def test_two_stores_of_one_process_on_one_home_do_not_disturb_each_other(store: Store, home: Path):
    other = Store(home)
    act(store, "p1")
    act(other, "p2")
    assert acts(store) == acts(other) == ["p1", "p2"]
    other.close()


def test_times_are_utc_whatever_the_zone_of_the_machine(home: Path):
    child = """
import sys; from pathlib import Path; from ml_data.store import Store
store = Store(Path(sys.argv[1]))
with store.market() as cursor:
    print(cursor.execute("SELECT current_setting('TimeZone')").fetchall()[0][0])
    print(cursor.execute("SELECT TIMESTAMPTZ '2025-03-07 09:00:00+10'::VARCHAR").fetchall()[0][0])
    print(cursor.sql("SELECT now() AS ts").to_arrow_table().schema.field("ts").type)
"""
    told = subprocess.run(
        [sys.executable, "-W", "error", "-c", child, str(home)],
        cwd=ROOT,
        env={**os.environ, "TZ": "Australia/Brisbane"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.splitlines() == ["UTC", "2025-03-06 23:00:00+00", "timestamp[us, tz=UTC]"]


def test_the_zone_of_a_plain_set_does_not_reach_cursors_so_the_store_sets_it_globally():
    child = """
import duckdb
plain = duckdb.connect(":memory:"); plain.execute("SET TimeZone = 'UTC'")
print(plain.cursor().execute("SELECT current_setting('TimeZone')").fetchone()[0])
"""
    told = subprocess.run(
        [sys.executable, "-c", child],
        env={**os.environ, "TZ": "Australia/Brisbane"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "Australia/Brisbane"


def test_no_extension_is_looked_for(store: Store):
    with store.market() as cursor:
        settings = "current_setting('autoload_known_extensions'), current_setting('autoinstall_known_extensions')"
        assert cursor.execute(f"SELECT {settings}").fetchall() == [(False, False)]


# Leases


def test_threads_of_one_process_share_a_read_lease(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lease, "JOIN_SECONDS", 60.0)
    inside = threading.Barrier(4, timeout=20)

    def read() -> None:
        with store.market() as cursor:
            cursor.execute("SELECT count(*) FROM market.bars_1m").fetchall()
            inside.wait()  # nobody gets past before all four are in

    assert in_threads(*[read] * 4) == []


def test_a_reader_does_not_join_an_old_lease_so_that_a_waiting_writer_gets_its_turn(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(lease, "JOIN_SECONDS", 0.0)
    order: list[str] = []
    opened = threading.Event()

    def first() -> None:
        with store.journal():
            opened.set()
            time.sleep(0.2)
            order.append("first reader leaves")

    def second() -> None:
        opened.wait()
        with store.journal():
            order.append("second reader enters")

    assert in_threads(first, second) == []
    assert order == ["first reader leaves", "second reader enters"]


def test_threads_that_share_a_lease_never_see_the_rows_of_another_thread(store: Store):
    wrong: list[tuple[int, object]] = []

    def ask(number: int) -> None:
        for _ in range(60):
            with store.market() as cursor:
                cursor.register("mine", pa.table({"number": [number] * 50}))
                rows = cursor.execute(
                    "SELECT number, count(*) FROM mine, (SELECT ? AS n) WHERE n = number GROUP BY number", [number]
                ).fetchall()
            if rows != [(number, 50)]:
                wrong.append((number, rows))

    assert in_threads(*[lambda n=n: ask(n) for n in range(8)]) == []
    assert wrong == []


def test_a_write_lease_is_alone_among_the_threads_too(store: Store):
    inside = 0
    most = 0

    def write() -> None:
        nonlocal inside, most
        for number in range(5):
            with store.journal_write() as cursor:
                inside += 1
                most = max(most, inside)
                cursor.execute("INSERT INTO journal.ml_actions (prediction_id, action) VALUES (?, 'a')", [str(number)])
                time.sleep(0.002)
                cursor.execute("INSERT INTO journal.ml_actions (prediction_id, action) VALUES (?, 'b')", [str(number)])
                inside -= 1

    def read() -> None:
        for _ in range(20):
            with store.journal() as cursor:
                counts = cursor.execute("SELECT count(*) FROM journal.ml_actions").fetchone()
            assert counts is not None
            assert counts[0] % 2 == 0, "a reader saw half a transaction"

    assert in_threads(write, read, write, read, write) == []
    assert most == 1
    assert len(acts(store)) == 30


def test_threads_are_served_in_the_order_they_came(store: Store):
    order: list[str] = []
    opened = threading.Event()

    def hold() -> None:
        with store.journal_write():
            opened.set()
            time.sleep(0.4)

    def write(after: float) -> None:
        opened.wait()
        time.sleep(after)
        with store.journal_write():
            order.append(f"writer {after}")

    def read(after: float) -> None:
        opened.wait()
        time.sleep(after)
        with store.journal():
            order.append(f"reader {after}")

    assert in_threads(hold, lambda: write(0.1), lambda: read(0.2), lambda: write(0.3)) == []
    assert order == ["writer 0.1", "reader 0.2", "writer 0.3"]


def test_a_lease_that_another_thread_holds_too_long_is_told_as_busy(home: Path):
    store = Store(home, wait=0.05)
    opened, done = threading.Event(), threading.Event()

    def hold() -> None:
        with store.journal_write():
            opened.set()
            done.wait(20)

    def ask() -> None:
        opened.wait(20)
        try:
            with pytest.raises(StoreBusy) as refusal, store.journal():
                pass
        finally:
            done.set()
        assert str(refusal.value) == (
            f"{home}/journal.duckdb: another part of this program held it for longer than 0.05 s; try again."
        )

    assert in_threads(hold, ask) == []
    assert acts(store) == [], "the lease is free again"
    store.close()


def test_a_thread_may_lease_again_what_it_reads(store: Store):
    with store.journal(), store.journal() as cursor:
        assert cursor.execute("SELECT count(*) FROM journal.ml_actions").fetchall() == [(0,)]
    act(store, "p1")
    assert acts(store) == ["p1"]


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("journal", "journal_write", "leave it before the next"),
        ("journal_write", "journal", "leave it before the next"),
        ("journal_write", "journal_write", "leave it before the next"),
        ("journal", "market", "lease market before journal"),
        ("journal_write", "market_write", "lease market before journal"),
    ],
)
def test_a_lease_that_would_wait_for_itself_is_refused_at_once(store: Store, first: str, second: str, words: str):
    with (
        pytest.raises(RuntimeError, match=words),
        getattr(store, first)() as cursor,
        getattr(store, second)(),
    ):
        cursor.execute("SELECT 1").fetchall()
    act(store, "p1")
    assert acts(store) == ["p1"], "both leases are free again"


def test_a_result_left_open_does_not_keep_the_file_locked(store: Store, home: Path):
    act(store, "p1")
    with store.journal() as cursor:
        cursor.execute("SELECT * FROM journal.ml_actions, range(1000000)")
        cursor.fetchone()
    elsewhere = duckdb.connect(str(home / "journal.duckdb"))
    assert elsewhere.execute("SELECT prediction_id FROM ml_actions").fetchall() == [("p1",)]
    elsewhere.close()


def test_a_store_refuses_to_be_used_in_a_forked_process(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "getpid", lambda: 1)
    with pytest.raises(RuntimeError, match="does not survive a fork"), store.market():
        pass


# Change stamps


def test_every_commit_changes_the_stamp_and_reading_does_not(store: Store):
    stamps = [store.stamp("journal")]
    for number in range(100):
        act(store, str(number))
        stamps.append(store.stamp("journal"))
        if number % 10 == 0:
            acts(store)
            assert store.stamp("journal") == stamps[-1]
    assert stamps[0] == 0
    assert len(set(stamps)) == 101
    assert max(stamps) < 2**53, "exact in JSON"


def test_the_stamps_of_the_two_files_are_their_own(store: Store):
    acts(store)
    with store.market() as cursor:
        cursor.execute("SELECT 1").fetchall()
    market, journal = store.stamp("market"), store.stamp("journal")
    act(store, "p1")
    assert store.stamp("market") == market
    assert store.stamp("journal") != journal


def test_the_stamp_is_read_without_a_lease_and_another_store_sees_it(store: Store, home: Path):
    other = Store(home, wait=0.05)
    with store.journal_write():
        before = other.stamp("journal")
        with pytest.raises(StoreBusy), other.journal():
            pass
    assert other.stamp("journal") == store.stamp("journal") != before
    other.close()


def test_what_is_read_after_taking_a_stamp_is_at_least_as_new_as_the_stamp(home: Path):
    # A reader that keeps rows by stamp is right as long as an unchanged stamp means unchanged rows.
    writer, reader = Store(home), Store(home)
    kept: dict[int, int] = {}
    older: list[tuple[int, int, int]] = []
    done = threading.Event()

    def write() -> None:
        for number in range(40):
            act(writer, str(number))
        done.set()

    def read() -> None:
        while not done.is_set():
            stamp = reader.stamp("journal")
            count = len(acts(reader))
            if stamp == reader.stamp("journal") and kept.setdefault(stamp, count) != count:
                older.append((stamp, kept[stamp], count))

    assert in_threads(write, read) == []
    assert older == []
    assert len(acts(reader)) == 40
    writer.close()
    reader.close()


# Migrations


def next_step(*statements: str) -> tuple[schema.Migration, ...]:
    return (*schema.migrations("journal"), schema.Migration(2, "0002_next", "; ".join(statements)))


@pytest.mark.parametrize("alias", ALIASES)
def test_the_migrations_are_numbered_without_gaps_and_touch_their_own_file_only(alias: str):
    steps = schema.migrations(alias)
    assert [step.version for step in steps] == list(range(1, len(steps) + 1))
    for step in steps:
        assert re.fullmatch(r"\d{4}_[a-z0-9_]+", step.name)
        tables = re.findall(r"(?:TABLE|INTO|FROM|UPDATE)\s+(?:IF NOT EXISTS\s+)?([a-z_0-9.]+)", step.sql)
        assert tables
        assert all(table.startswith(f"{alias}.") for table in tables)


def test_a_store_of_an_older_schema_is_brought_up_to_date_and_keeps_its_rows(
    store: Store, home: Path, monkeypatch: pytest.MonkeyPatch
):
    act(store, "p1")
    steps = next_step("CREATE TABLE journal.ml_gates (gate VARCHAR)", "INSERT INTO journal.ml_gates VALUES ('skill')")
    monkeypatch.setattr(schema, "migrations", lambda alias: steps)
    newer = Store(home)
    with newer.journal() as cursor:
        versions = cursor.execute("SELECT version, name FROM journal.schema_version ORDER BY version").fetchall()
        gates = cursor.execute("SELECT gate FROM journal.ml_gates").fetchall()
    assert versions == [(1, "0001_predictions_and_outcomes"), (2, "0002_next")]
    assert gates == [("skill",)]
    assert acts(newer) == ["p1"]
    newer.close()


def test_a_migration_that_fails_leaves_the_store_as_it_was(store: Store, home: Path, monkeypatch: pytest.MonkeyPatch):
    act(store, "p1")
    with monkeypatch.context() as patched:
        steps = next_step("CREATE TABLE journal.ml_gates (gate VARCHAR)", "DROP TABLE journal.no_such_table")
        patched.setattr(schema, "migrations", lambda alias: steps)
        newer = Store(home)
        with pytest.raises(duckdb.CatalogException, match="no_such_table"), newer.journal():
            pass
        newer.close()
    with store.journal() as cursor:
        assert cursor.execute("SELECT max(version) FROM journal.schema_version").fetchall() == [(1,)]
        assert cursor.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'ml_gates'").fetchall() == []
    assert acts(store) == ["p1"]


def test_a_store_of_a_newer_schema_is_refused_even_by_a_program_that_already_runs(store: Store, home: Path):
    act(store, "p1")
    newer = Store(home)
    with newer.journal_write() as cursor:
        cursor.execute("INSERT INTO journal.schema_version VALUES (7, '0007_later', now())")
    for use in (store.journal, store.journal_write, newer.journal):
        with pytest.raises(StoreError) as refusal, use():
            pass
        assert str(refusal.value) == (
            f"{home}/journal.duckdb: its tables are of version 7, this program knows version 1; "
            "update the program, or choose another home folder."
        )
    with store.market() as cursor:
        assert cursor.execute("SELECT count(*) FROM market.bars_1m").fetchall() == [(0,)]
    newer.close()


def test_a_file_that_disappears_is_made_anew(store: Store, home: Path):
    act(store, "p1")
    (home / "journal.duckdb").unlink()
    assert acts(store) == []


# Backups


def test_a_backup_holds_every_row_and_can_take_the_place_of_the_file(store: Store, home: Path, tmp_path: Path):
    act(store, "p1")
    stamp = store.stamp("journal")
    store.backup("journal", tmp_path / "backup.duckdb")
    act(store, "p2")
    assert store.stamp("journal") != stamp
    (tmp_path / "backup.duckdb").replace(home / "journal.duckdb")
    restored = Store(home)
    assert acts(restored) == ["p1"]
    act(restored, "p3")
    assert acts(restored) == ["p1", "p3"]
    restored.close()
    assert sorted(tmp_path.iterdir()) == [home]


def test_a_backup_never_replaces_a_file(store: Store, tmp_path: Path):
    target = tmp_path / "taken.duckdb"
    target.write_text("precious")
    with pytest.raises(StoreError, match="exists already"):
        store.backup("journal", target)
    assert target.read_text() == "precious"


def test_a_backup_to_a_folder_that_is_not_there_is_told_and_leaves_nothing(store: Store, tmp_path: Path):
    with pytest.raises(StoreError, match=r"no/backup\.duckdb: cannot be used \(Cannot open file"):
        store.backup("journal", tmp_path / "no" / "backup.duckdb")
    assert not (tmp_path / "no").exists()
    act(store, "p1")


# The files of SQL

REGISTERED = re.compile(r"^-- registered: (\w+)\((.+)\)$", re.MULTILINE)


def test_every_sql_file_can_be_prepared_on_an_empty_store(store: Store):
    for file in sorted((ROOT / "ml_data" / "sql").glob("*.sql")):
        text = sql(file.stem)
        with store.market_write(), store.journal_write() as cursor:
            for name, columns in REGISTERED.findall(text):
                cursor.execute(f"CREATE TEMP TABLE {name} ({columns})")
            for statement in duckdb.extract_statements(text):
                names = statement.named_parameters
                values: object = {name: None for name in names}
                if all(name.isdigit() for name in names):
                    values = [None] * len(names)
                try:
                    cursor.execute(f"EXPLAIN {statement.query}", values).fetchall()
                except duckdb.Error as error:
                    pytest.fail(f"{file.name}: {error}")


def test_an_sql_file_is_named_by_a_question_and_names_its_tables_by_store():
    for file in sorted((ROOT / "ml_data" / "sql").glob("*.sql")):
        assert re.fullmatch(r"[a-z0-9_]+", file.stem), file.name
        text = re.sub(r"--.*", "", file.read_text(encoding="utf-8"))
        own = {line.split(":")[0].strip() for tables in TABLES.values() for line in tables.splitlines() if ":" in line}
        for table in sorted(own):
            bare = re.search(rf"(?i)\b(?:FROM|JOIN|INTO|UPDATE)\s+{table}\b", text)
            assert bare is None, f"{file.name} names {table} without market. or journal."
