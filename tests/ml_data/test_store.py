"""The store: its tables, reading and writing, and the files of SQL."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from ml_data import store as store_module
from ml_data.schema import migrations
from ml_data.store import ALIASES, Store, sql
from tests.ml_data.store_use import act, acts, in_threads
from trading.errors import StoreError

ROOT = Path(__file__).resolve().parents[2]

TABLES = {
    "market": """
        bar_doubts: instrument VARCHAR, trading_day DATE, contract VARCHAR, kind VARCHAR, ts TIMESTAMPTZ,
            last_ts TIMESTAMPTZ, open DOUBLE, high DOUBLE, low DOUBLE, close DOUBLE, volume DOUBLE, usual DOUBLE,
            bars INTEGER, step_minutes INTEGER
        bar_hours: instrument VARCHAR, trading_day DATE, contract VARCHAR, starts_at TIMESTAMPTZ, bars INTEGER,
            expected_bars INTEGER, volume DOUBLE, zero_volume INTEGER
        bar_silences: instrument VARCHAR, trading_day DATE, contract VARCHAR, starts_at TIMESTAMPTZ,
            ends_at TIMESTAMPTZ, minutes INTEGER, at_edge BOOLEAN, holiday VARCHAR
        bar_imports: import_id VARCHAR, instrument VARCHAR, file_name VARCHAR, sha256 VARCHAR, format VARCHAR,
            time_zone VARCHAR,
            rows_read BIGINT, rows_stored BIGINT, rows_rejected BIGINT, rows_unchanged BIGINT, rows_revised BIGINT,
            first_ts TIMESTAMPTZ, last_ts TIMESTAMPTZ, imported_at TIMESTAMPTZ, bars_dropped BIGINT,
            contracts INTEGER, verdict VARCHAR, reasons VARCHAR[], stored_in VARCHAR
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
        day_bar_revisions: instrument VARCHAR, trading_day DATE, import_id VARCHAR,
            old_open DOUBLE, old_high DOUBLE, old_low DOUBLE, old_close DOUBLE, old_volume DOUBLE,
            new_open DOUBLE, new_high DOUBLE, new_low DOUBLE, new_close DOUBLE, new_volume DOUBLE
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
        series_1d: series VARCHAR, day DATE, known_at TIMESTAMPTZ, value DOUBLE, import_id VARCHAR
        sessions: instrument VARCHAR, trading_day DATE, session VARCHAR, starts_at TIMESTAMPTZ,
            ends_at TIMESTAMPTZ, open DOUBLE, high DOUBLE, low DOUBLE, close DOUBLE, volume DOUBLE, range DOUBLE,
            bars INTEGER, expected_bars INTEGER, complete BOOLEAN
        snapshots: instrument VARCHAR, recipe VARCHAR, data_hash VARCHAR, first_day DATE, last_day DATE,
            events BIGINT, made_at TIMESTAMPTZ
    """,
    "journal": """
        ml_actions: prediction_id VARCHAR, action VARCHAR, why VARCHAR, acted_at TIMESTAMPTZ, revision INTEGER,
            by_whom VARCHAR, outcome_settled BOOLEAN
        ml_alert_deliveries: alert_id VARCHAR, channel VARCHAR, attempt INTEGER, state VARCHAR, error VARCHAR,
            logged_at TIMESTAMPTZ
        ml_alerts: alert_id VARCHAR, kind VARCHAR, instrument VARCHAR, subject VARCHAR, sentence VARCHAR,
            severity VARCHAR, happened_at TIMESTAMPTZ, raised_at TIMESTAMPTZ, withheld VARCHAR
        ml_breaker: instrument VARCHAR, model VARCHAR, version VARCHAR, code VARCHAR, kind VARCHAR, subject VARCHAR,
            value DOUBLE, line DOUBLE, sentence VARCHAR, happened_at TIMESTAMPTZ, by_whom VARCHAR, why VARCHAR
        ml_drift: instrument VARCHAR, model VARCHAR, version VARCHAR, monitor VARCHAR, through DATE, state VARCHAR,
            subject VARCHAR, value DOUBLE, line DOUBLE, rate DOUBLE, sentence VARCHAR, looked_at TIMESTAMPTZ
        ml_gates: instrument VARCHAR, model VARCHAR, version VARCHAR, stage VARCHAR, gate VARCHAR, state VARCHAR,
            value DOUBLE, low DOUBLE, high DOUBLE, n BIGINT, need DOUBLE, further_days DOUBLE, sentence VARCHAR,
            evidence_hash VARCHAR, judged_at TIMESTAMPTZ
        ml_outcomes: prediction_id VARCHAR, revision INTEGER, state VARCHAR, actual VARCHAR, correct BOOLEAN,
            r_net DOUBLE, r_net_advised DOUBLE, known_at TIMESTAMPTZ, void_reason VARCHAR, settled_at TIMESTAMPTZ,
            actual_values DOUBLE[], definitions_hash VARCHAR
        ml_paper_fills: prediction_id VARCHAR, revision INTEGER, state VARCHAR, entered_at TIMESTAMPTZ, entry DOUBLE,
            stop DOUBLE, target DOUBLE, exited_at TIMESTAMPTZ, exit_price DOUBLE, ambiguous BOOLEAN, r_net DOUBLE,
            money DOUBLE, settled_at TIMESTAMPTZ
        ml_paper_orders: prediction_id VARCHAR, instrument VARCHAR, model VARCHAR, version VARCHAR, trading_day DATE,
            orb VARCHAR, rule VARCHAR, side VARCHAR, lots INTEGER, share DOUBLE, budget DOUBLE, reason VARCHAR,
            placed_at TIMESTAMPTZ
        ml_predictions: prediction_id VARCHAR, instrument VARCHAR, kind VARCHAR, trading_day DATE, orb VARCHAR,
            decided_at TIMESTAMPTZ, contract VARCHAR, model VARCHAR, version VARCHAR, version_hash VARCHAR,
            role VARCHAR, stage VARCHAR, replayed BOOLEAN, features DOUBLE[], schema_hash VARCHAR,
            max_input_time TIMESTAMPTZ, data_hash VARCHAR, raw_score DOUBLE[], prob_up DOUBLE, prob_down DOUBLE,
            prob_none DOUBLE, baseline_prob_up DOUBLE, confidence DOUBLE, advice VARCHAR, base_prob_up DOUBLE,
            reasons DOUBLE[], refusal_code VARCHAR, refusal_reason VARCHAR, latency_ms DOUBLE, logged_at TIMESTAMPTZ,
            label VARCHAR, rule VARCHAR, prob_win DOUBLE, prob_miss DOUBLE, expected_r DOUBLE, quantiles DOUBLE[],
            interval_low DOUBLE, interval_high DOUBLE, advised_size DOUBLE, base_value DOUBLE, baselines DOUBLE[],
            outputs VARCHAR[], confidence_threshold DOUBLE, stale_minutes INTEGER, slippage_ticks INTEGER,
            definitions_hash VARCHAR
        ml_reconciliations: instrument VARCHAR, model VARCHAR, version VARCHAR, trading_day DATE, replayed BOOLEAN,
            events BIGINT, differ BIGINT, unsettled BIGINT, r_live DOUBLE, r_replay DOUBLE, causes VARCHAR[],
            cause_events BIGINT[], cause_r DOUBLE[], looked_at TIMESTAMPTZ
        ml_retraining_results: retraining_id VARCHAR, verdict VARCHAR, ended_at TIMESTAMPTZ, candidate VARCHAR,
            opened BOOLEAN, first_day DATE, last_day DATE, score VARCHAR, gain DOUBLE, low DOUBLE, high DOUBLE,
            least DOUBLE, n BIGINT, days BIGINT, why VARCHAR
        ml_retrainings: retraining_id VARCHAR, instrument VARCHAR, model VARCHAR, started_at TIMESTAMPTZ,
            by_whom VARCHAR, cause VARCHAR, because VARCHAR, champion VARCHAR, champion_through DATE, level DOUBLE
        ml_stage_history: model VARCHAR, version VARCHAR, stage VARCHAR, role VARCHAR, since TIMESTAMPTZ,
            by_whom VARCHAR, why VARCHAR, evidence_hash VARCHAR
        ml_trial_results: trial_id VARCHAR, state VARCHAR, ended_at TIMESTAMPTZ, fold_scores DOUBLE[], sharpe DOUBLE,
            days DATE[], results DOUBLE[], why VARCHAR
        ml_trials: trial_id VARCHAR, family VARCHAR, kind VARCHAR, started_at TIMESTAMPTZ, parameters VARCHAR,
            parameters_hash VARCHAR, data_hash VARCHAR, by_whom VARCHAR
        ml_window_openings: trial_id VARCHAR, family VARCHAR, first_day DATE, last_day DATE, opened_at TIMESTAMPTZ
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
            (step.version, step.name) for step in migrations("journal")
        ]
    store.close()
    assert sorted(file.name for file in (home / "deep").glob("*.duckdb")) == ["journal.duckdb"]


def test_every_file_of_the_store_has_a_name_that_git_ignores_in_the_checkout(store: Store, home: Path):
    act(store, "p1")
    with store.market() as cursor:
        cursor.execute("SELECT 1").fetchall()
    names = sorted(file.name for file in home.iterdir())
    assert all(re.fullmatch(r"(market|journal)\.duckdb(\..+)?", name) for name in names), names


def test_tables_that_are_not_those_of_their_version_are_named_and_left_alone(store: Store, home: Path):
    act(store, "p1")
    newest = migrations("journal")[-1]
    with store.journal_write() as cursor:
        cursor.execute("DELETE FROM journal.schema_version WHERE version = ?", [newest.version])
    with pytest.raises(StoreError, match=rf"its tables say version {newest.version - 1} .*{newest.name}"):
        acts(Store(home))
    with duckdb.connect(str(home / "journal.duckdb"), read_only=True) as file:
        assert file.execute("SELECT max(version) FROM schema_version").fetchall() == [(newest.version - 1,)]
        assert file.execute("SELECT prediction_id FROM ml_actions").fetchall() == [("p1",)]


# Reading and writing


def test_a_worn_instance_is_renewed_only_while_nobody_holds_a_lease(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store_module, "LEASES_OF_AN_INSTANCE", 3)
    first = store._instance
    act(store, "p1")
    with store.market(), store.journal() as cursor:
        for _ in range(5):
            assert acts(store) == ["p1"]
        assert store._instance is first
        assert cursor.execute("SELECT count(*) FROM journal.ml_actions").fetchall() == [(1,)]
    act(store, "p2")
    assert store._instance is not first
    assert in_threads(*[lambda: [acts(store) for _ in range(20)] for _ in range(4)]) == []
    assert acts(store) == ["p1", "p2"]


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


# The files of SQL

REGISTERED = re.compile(r"^-- registered: (\w+)\((.+)\)$", re.MULTILINE)


def test_every_sql_file_can_be_prepared_on_an_empty_store(store: Store):
    for file in sorted((ROOT / "ml_data" / "sql").glob("*.sql")):
        text = sql(file.stem)
        with store.market_write(), store.journal_write() as cursor:
            for name, columns in REGISTERED.findall(text):
                asked = f"AS {columns}" if columns.startswith("SELECT ") else f"({columns})"
                cursor.execute(f"CREATE TEMP TABLE {name} {asked}")
            for statement in duckdb.extract_statements(text):
                names = statement.named_parameters
                values: object = {name: None for name in names}
                if all(name.isdigit() for name in names):
                    values = [None] * len(names)
                try:
                    cursor.execute(f"EXPLAIN {statement.query}", values).fetchall()
                except duckdb.Error as error:
                    pytest.fail(
                        f"{file.name}: {error}\nA registered table is named in a comment: see `ml_data.store.sql`."
                    )


def test_an_sql_file_is_named_by_a_question_and_names_its_tables_by_store():
    for file in sorted((ROOT / "ml_data" / "sql").glob("*.sql")):
        assert re.fullmatch(r"[a-z0-9_]+", file.stem), file.name
        text = re.sub(r"--.*", "", file.read_text(encoding="utf-8"))
        own = {line.split(":")[0].strip() for tables in TABLES.values() for line in tables.splitlines() if ":" in line}
        for table in sorted(own):
            bare = re.search(rf"(?i)\b(?:FROM|JOIN|INTO|UPDATE)\s+{table}\b", text)
            assert bare is None, f"{file.name} names {table} without market. or journal."
