"""The numbered migrations of a store file, and the version that a file has reached."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import duckdb

from trading.errors import StoreError


@dataclass(frozen=True)
class Migration:
    """One step of the tables of a store file: `version` counts from 1 without gaps."""

    version: int
    name: str
    sql: str


@cache
def migrations(alias: str) -> tuple[Migration, ...]:
    """Return the migrations of the store file `alias` (`market` or `journal`), oldest first."""
    folder = files("ml_data") / "migrations" / alias
    scripts = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(
        Migration(int(script.name[:4]), script.name.removesuffix(".sql"), script.read_text(encoding="utf-8"))
        for script in scripts
    )


def known_version(alias: str) -> int:
    """Return the newest version of the tables that this program knows."""
    return migrations(alias)[-1].version


def stored_version(cursor: duckdb.DuckDBPyConnection, alias: str, file_name: str) -> int:
    """Return the version of the tables in the attached file `alias`; 0 for a file without tables.

    Raises
    ------
    StoreError
        when the file holds tables but none of ours, or tables newer than this program knows.
    """
    tables = {
        name
        for (name,) in cursor.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = ?", [alias]
        ).fetchall()
    }
    if not tables:
        return 0
    if "schema_version" not in tables:
        raise StoreError(
            f"{file_name}: expected the hub's tables, found those of another program "
            f"({', '.join(sorted(tables)[:3])}); move the file away or choose another home folder."
        )
    row = cursor.execute(f"SELECT max(version) FROM {alias}.schema_version").fetchone()
    version = int(row[0]) if row and row[0] is not None else 0
    if version > known_version(alias):
        raise StoreError(
            f"{file_name}: its tables are of version {version}, this program knows version {known_version(alias)}; "
            f"update the program, or choose another home folder."
        )
    return version


def migrate(cursor: duckdb.DuckDBPyConnection, alias: str, version: int) -> None:
    """Bring the attached file `alias` from `version` to the newest: each step is one transaction, all or nothing.

    The file is checkpointed at the end: table definitions left in the write-ahead log are the part of DuckDB's
    recovery with the most open reports.

    Raises
    ------
    StoreError
        when the tables are not those that the next step takes: the file is as it was after the step before.
    """
    for step in migrations(alias):
        if step.version <= version:
            continue
        cursor.execute("BEGIN")
        try:
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {alias}.schema_version "
                "(version INTEGER NOT NULL, name VARCHAR NOT NULL, applied_at TIMESTAMPTZ NOT NULL)"
            )
            cursor.execute(step.sql)
            cursor.execute(f"INSERT INTO {alias}.schema_version VALUES (?, ?, now())", [step.version, step.name])
            cursor.execute("COMMIT")
        except BaseException as error:
            cursor.execute("ROLLBACK")
            if isinstance(error, duckdb.ProgrammingError):
                raise StoreError(
                    f"{alias}.duckdb: its tables say version {step.version - 1} and are not those of that version "
                    f"(step {step.name}: {str(error).splitlines()[0]}). Another program changed them, or an unreleased "
                    "one of ours; put that of a backup (hub backup) in its place, or choose another home folder. "
                    "Nothing was changed."
                ) from error
            raise
    cursor.execute(f"CHECKPOINT {alias}")
