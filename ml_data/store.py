"""The store: `market.duckdb` and `journal.duckdb` under the home folder, and the only module that opens DuckDB.

A process keeps one in-memory DuckDB instance and takes a lease on a file for milliseconds: lock, attach, work on a
cursor, fetch everything, commit, detach, release. Long work is done aside: read, leave the lease, compute, then write
in one short lease. Facts of DuckDB 2.0.0 that shape this module:

- A file open for writing in one process cannot be opened in another, and the refusal comes at once. DuckDB's own lock
  is dropped when the holder's process opens or copies the file in any other way. So every opener goes through the lock
  file beside it, and a copy is made with `backup`.
- A connection shared by threads returns wrong results. Each lease gives a cursor of its own.
- DETACH keeps the file locked while a result is open: the cursor is closed first, which drops what was not fetched.
- `SET TimeZone` reaches one connection only and its cursors start from the host's zone: it is set GLOBAL.
- One transaction writes to one attached file only.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

import duckdb

from ml_data import schema
from ml_data.lease import Lease
from trading.errors import StoreError

Alias = Literal["market", "journal"]
ALIASES: tuple[Alias, ...] = ("market", "journal")


@cache
def sql(name: str) -> str:
    """Return the text of `ml_data/sql/<name>.sql`; its values are parameters to bind."""
    return (files("ml_data") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


class Store:
    """The two files under `home`, made and brought up to date when first used.

    `wait` is how long, in seconds, a lease waits for others before it gives up. Safe to share among threads; not
    across a fork. A thread that needs both files leases market first.
    """

    def __init__(self, home: Path, *, wait: float = 10.0, threads: int = 2, memory_limit: str = "1GB") -> None:
        self.home = home.absolute()
        self._instance = duckdb.connect(
            ":memory:",
            config={
                "threads": threads,
                "memory_limit": memory_limit,
                "temp_directory": str(self.home / "store.duckdb.spill"),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        self._instance.execute("SET GLOBAL TimeZone = 'UTC'")
        self._checked: dict[Alias, int] = {}  # the stamp at which the tables' version was last looked at
        self._leases = {alias: self._lease_on(alias, wait) for alias in ALIASES}

    @contextmanager
    def market(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lease `market.duckdb` for reading: a cursor that sees it as `market`. Fetch all before leaving."""
        with self._read("market") as cursor:
            yield cursor

    @contextmanager
    def journal(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lease `journal.duckdb` for reading: a cursor that sees it as `journal`. Fetch all before leaving."""
        with self._read("journal") as cursor:
            yield cursor

    @contextmanager
    def market_write(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lease `market.duckdb` for one transaction: committed when the block ends, rolled back when it raises."""
        with self._write("market") as cursor:
            yield cursor

    @contextmanager
    def journal_write(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lease `journal.duckdb` for one transaction: committed when the block ends, rolled back when it raises."""
        with self._write("journal") as cursor:
            yield cursor

    def stamp(self, alias: Alias) -> int:
        """Return the change stamp of a file: another number after every commit, 0 before the first.

        It costs one small read and no lease. Take it **before** reading: what was read then is at least that new. The
        writer changes it just before it commits, while nobody else can read, so not even a kill between the two leaves
        a commit behind an old stamp.
        """
        try:
            return int.from_bytes(self._path(alias, "duckdb.stamp").read_bytes(), "big")
        except FileNotFoundError:
            return 0

    def close(self) -> None:
        """End the instance; leases must have been left."""
        self._instance.close()

    def _path(self, alias: Alias, suffix: str = "duckdb") -> Path:
        return self.home / f"{alias}.{suffix}"

    def _lease_on(self, alias: Alias, wait: float) -> Lease:
        return Lease(
            self._path(alias),
            wait,
            lambda write: self._attach(alias, write=write),
            lambda: self._run(f"DETACH {alias}"),
        )

    @contextmanager
    def _read(self, alias: Alias) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._leases[alias].held(write=False), self._instance.cursor() as cursor:
            yield cursor

    @contextmanager
    def _write(self, alias: Alias) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._leases[alias].held(write=True), self._instance.cursor() as cursor:
            cursor.execute("BEGIN")
            try:
                yield cursor
                self._change_stamp(alias)
                cursor.execute("COMMIT")
            except BaseException:
                with suppress(duckdb.Error):  # the transaction may be gone already; the first error is the one to tell
                    cursor.execute("ROLLBACK")
                raise

    def _run(self, statement: str) -> None:
        with self._instance.cursor() as cursor:
            cursor.execute(statement)

    def _attach(self, alias: Alias, *, write: bool) -> None:
        if not self._path(alias).exists():
            self._create(alias)
        self._attach_file(alias, self._path(alias), write=write)
        stamp = self.stamp(alias)
        if self._checked.get(alias) == stamp:
            return
        try:
            with self._instance.cursor() as cursor:
                version = schema.stored_version(cursor, alias, str(self._path(alias)))
            if version < schema.known_version(alias):
                self._run(f"DETACH {alias}")
                self._attach_file(alias, self._path(alias), write=True)
                self._migrate(alias, version)
                self._run(f"DETACH {alias}")
                self._attach_file(alias, self._path(alias), write=write)
        except BaseException:
            with suppress(duckdb.Error):
                self._run(f"DETACH {alias}")
            raise
        self._checked[alias] = self.stamp(alias)

    def _create(self, alias: Alias) -> None:
        # Made aside and renamed: a kill while DuckDB writes the first pages would leave a file that nothing can open.
        aside = self._path(alias, "duckdb.new")
        for leftover in (aside, self._path(alias, "duckdb.new.wal")):
            leftover.unlink(missing_ok=True)
        self._attach_file(alias, aside, write=True)
        try:
            self._migrate(alias, 0)
        finally:
            self._run(f"DETACH {alias}")
        os.replace(aside, self._path(alias))

    def _migrate(self, alias: Alias, version: int) -> None:
        with self._instance.cursor() as cursor:
            self._change_stamp(alias)
            schema.migrate(cursor, alias, version)

    def _attach_file(self, alias: Alias, path: Path, *, write: bool) -> None:
        quoted = str(path).replace("'", "''")
        try:
            self._run(f"ATTACH '{quoted}' AS {alias}" + ("" if write else " (READ_ONLY)"))
        except duckdb.IOException as error:
            raise StoreError(f"{path}: cannot be opened: {error}") from error

    def _change_stamp(self, alias: Alias) -> None:
        # 52 random bits: no clock, no number that returns when a file is restored, exact in JSON and JavaScript.
        # Written in place: a replaced file could not be read at the same time on Windows.
        descriptor = os.open(
            self._path(alias, "duckdb.stamp"), os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666
        )
        try:
            os.write(descriptor, secrets.randbits(52).to_bytes(8, "big"))
        finally:
            os.close(descriptor)
