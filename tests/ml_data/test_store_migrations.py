"""Migrations and backups: how a file of the store grows older, and how it is copied."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_data import schema
from ml_data import store as store_module
from ml_data.store import ALIASES, Store
from tests.ml_data.store_use import act, acts
from trading.errors import StoreError


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    made = Store(home)
    yield made
    made.close()


# Migrations

NEWEST = len(schema.migrations("journal"))


def next_step(*statements: str) -> tuple[schema.Migration, ...]:
    return (*schema.migrations("journal"), schema.Migration(NEWEST + 1, "next", "; ".join(statements)))


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
    steps = next_step("CREATE TABLE journal.ml_next (gate VARCHAR)", "INSERT INTO journal.ml_next VALUES ('skill')")
    monkeypatch.setattr(schema, "migrations", lambda alias: steps)
    newer = Store(home)
    with newer.journal() as cursor:
        versions = cursor.execute("SELECT version, name FROM journal.schema_version ORDER BY version").fetchall()
        gates = cursor.execute("SELECT gate FROM journal.ml_next").fetchall()
    assert versions[0] == (1, "0001_predictions_and_outcomes")
    assert versions[-1] == (NEWEST + 1, "next")
    assert len(versions) == NEWEST + 1
    assert gates == [("skill",)]
    assert acts(newer) == ["p1"]
    newer.close()


def test_a_migration_that_fails_leaves_the_store_as_it_was(store: Store, home: Path, monkeypatch: pytest.MonkeyPatch):
    act(store, "p1")
    with monkeypatch.context() as patched:
        steps = next_step("CREATE TABLE journal.ml_next (gate VARCHAR)", "DROP TABLE journal.no_such_table")
        patched.setattr(schema, "migrations", lambda alias: steps)
        newer = Store(home)
        with pytest.raises(StoreError, match="no_such_table"), newer.journal():
            pass
        newer.close()
    with store.journal() as cursor:
        assert cursor.execute("SELECT max(version) FROM journal.schema_version").fetchall() == [(NEWEST,)]
        assert cursor.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'ml_next'").fetchall() == []
    assert acts(store) == ["p1"]


def test_a_store_of_a_newer_schema_is_refused_even_by_a_program_that_already_runs(store: Store, home: Path):
    act(store, "p1")
    newer = Store(home)
    with newer.journal_write() as cursor:
        cursor.execute("INSERT INTO journal.schema_version VALUES (77, '0077_later', now())")
    for use in (store.journal, store.journal_write):  # the newer program goes on
        with pytest.raises(StoreError) as refusal, use():
            pass
        assert str(refusal.value) == (
            f"{home}/journal.duckdb: its tables are of version 77, this program knows version {NEWEST}; "
            "update the program, or choose another home folder."
        )
    with store.market() as cursor:
        assert cursor.execute("SELECT count(*) FROM market.bars_1m").fetchall() == [(0,)]
    newer.close()


def test_a_file_that_disappears_is_told_and_not_made_anew_until_its_stamp_is_gone_too(store: Store, home: Path):
    act(store, "p1")
    (home / "journal.duckdb").rename(home / "away.duckdb")
    words = r"journal\.duckdb: the file is gone, though journal\.duckdb\.stamp says that it was here"
    for use in (store.journal, store.journal_write):
        with pytest.raises(StoreError, match=words), use():
            pass
    (home / "away.duckdb").rename(home / "journal.duckdb")
    assert acts(store) == ["p1"]
    (home / "journal.duckdb").unlink()
    (home / "journal.duckdb.stamp").unlink()
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


def test_a_backup_says_how_many_rows_of_each_table_it_holds_those_of_a_burst_included(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(store_module, "BURST_SECONDS", 600.0)
    other = Store(store.home)
    for number in range(20):
        act(other, f"p{number}")
    assert (store.home / "journal.duckdb.wal").exists()
    rows = store.backup("journal", tmp_path / "backup.duckdb")
    assert {table: count for table, count in rows.items() if count} == {"ml_actions": 20, "schema_version": NEWEST}
    other.close()


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
