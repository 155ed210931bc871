"""The store: `market.duckdb` and `journal.duckdb` under the home folder, and the only module that opens DuckDB.

A process keeps one in-memory DuckDB instance and takes a lease on a file for milliseconds: lock, attach, work on a
cursor, fetch everything, commit, detach, release. Long work is done aside: read, leave the lease, compute, then write
in one short lease. Arrow goes in with `cursor.register(name, table)` and `INSERT ... SELECT` (`executemany` is 230
times slower), and comes out with `cursor.sql(question, params=[...]).to_arrow_table()` (`execute` warns of a copy).

Facts of DuckDB 2.0.0 that shape this module, each held by a test:

- A file open for writing in one process cannot be opened in another, and the refusal comes at once. DuckDB's own lock
  is dropped when the holder's process opens or copies the file in any other way. So every opener goes through the lock
  file beside it, and a copy is made with `backup`.
- A connection shared by threads returns wrong results: each lease gives a cursor of its own, ATTACH and DETACH too.
- DETACH keeps the file locked while a result is open: the cursor is closed first, which drops what was not fetched.
- `fetchone` leaves its result open even at the last row, and `cursor.sql` then refuses: use `fetchall`.
- `SET TimeZone` reaches one connection only, and its cursors start from the host's zone: it is set GLOBAL.
- One transaction writes to one attached file only; both files can be read in one question.
- A checkpoint that fails (disk full) harms nothing: what was committed is in the write-ahead log, and the next lease
  reads it from there.
- A checkpoint writes up to 2,000 last rows of a table again: a prediction costs 8 to 15 ms with one and 5 ms without.
  A log of 24 KB costs each reader 1.3 ms. So a burst of writes does without, and only then the log outlives its lease.
- An ATTACH for writing deletes a write-ahead log whose database file is gone, and the rows in it.
- Each ATTACH and DETACH leaves about a kilobyte in the instance: a loop that leases twenty times a minute would grow by
  a gigabyte a month, so the instance is renewed now and then.
- Sums of DOUBLE run in any order: their last bit is not reproducible. Sum in compiled passes, or sum whole numbers.
"""

import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

import duckdb

from ml_data import schema
from ml_data.lease import Lease, write_in_place
from ml_data.store_failures import damaged, explaining
from trading.errors import StoreError

Alias = Literal["market", "journal"]
ALIASES: tuple[Alias, ...] = ("market", "journal")
LEASES_OF_AN_INSTANCE = 3_000
"""After so many leases, and while there is none, a fresh instance is taken: 15 ms every two hours of a live loop."""
BURST_WRITES, BURST_SECONDS, BURST_BYTES = 8, 1.0, 24_576
"""So many writes of one process to a file in so short a time are a burst: what comes then stays in the write-ahead log,
until that has grown to so much. A step of the live loop writes less often."""


@cache
def sql(name: str) -> str:
    """Return the text of `ml_data/sql/<name>.sql`; its values are parameters to bind.

    A file that reads a registered Arrow table says so, with the columns it needs, in a comment of the form
    `-- registered: new_bars(contract VARCHAR, ts TIMESTAMPTZ)`, so that a test can prepare it; the columns may be
    those of a question: `-- registered: fresh(SELECT * EXCLUDE (revision) FROM journal.ml_outcomes)`.
    """
    return (files("ml_data") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


class Store:
    """The two files under `home`, made and brought up to date when first used.

    `wait` is how long, in seconds, a lease waits for others before it gives up. Safe to share among threads, not
    across a fork. A thread that needs both files leases market first.

    An error from a write lease means that nothing of its transaction was stored. StoreBusy: others held the file for
    longer than `wait`. StoreError: the file cannot be used; the message says why and what to do.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     store = Store(Path(folder))
    ...     before = store.stamp("journal")
    ...     with store.journal_write() as cursor:
    ...         _ = cursor.execute("INSERT INTO journal.ml_actions (prediction_id, action) VALUES ('p1', 'followed')")
    ...     with store.journal() as cursor:
    ...         rows = cursor.execute("SELECT prediction_id, action FROM journal.ml_actions").fetchall()
    ...     changed = store.stamp("journal") != before
    ...     store.close()
    >>> rows, changed
    ([('p1', 'followed')], True)
    """

    def __init__(self, home: Path, *, wait: float = 10.0, threads: int = 2, memory_limit: str = "1GB") -> None:
        self.home = home.absolute()
        self._process = os.getpid()
        self._threads, self._memory_limit = threads, memory_limit
        self._instance = self._fresh_instance()
        self._leased = self._since_fresh = 0
        self._counting = threading.Lock()
        self._checked: dict[Alias, tuple[int, int]] = {}  # stamp and size of a file that was sound when last let go
        self._writes = {alias: deque[float](maxlen=BURST_WRITES) for alias in ALIASES}  # on the monotonic clock
        self._unwritten: dict[Alias, bool] = {}  # files whose log holds rows of ours, and whether a burst is on
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
            return int.from_bytes(self._path(alias, ".stamp").read_bytes(), "big")
        except FileNotFoundError:
            return 0

    def backup(self, alias: Alias, target: Path) -> dict[str, int]:
        """Write a whole copy of a file to `target`, which must not exist yet; return its number of rows by table.

        The copy is opened and read again: it holds, row for row, what the file held. Other processes wait for the file
        while it is copied (a second for a million bars), not while the copy is read. To restore it, see docs/data.md.

        Raises
        ------
        StoreError
            when `target` exists, cannot be written or does not hold the same; nothing is left behind.
        """
        if target.exists():
            raise StoreError(f"{target}: exists already, and a backup never replaces anything; choose another name.")
        self._end_burst(alias)
        partial = target.with_name(f"{target.name}.{secrets.token_hex(4)}.partial")
        copy = f"copy_{secrets.token_hex(4)}"
        try:
            with self._read(alias) as cursor:
                held = _contents(cursor, alias)
                with explaining(target):
                    _attach_file(cursor, copy, partial, write=True)
                    try:
                        cursor.execute(f"COPY FROM DATABASE {alias} TO {copy}")
                        cursor.execute(f"CHECKPOINT {copy}")
                    finally:
                        cursor.execute(f"DETACH {copy}")
            with self._counted(), self._instance.cursor() as cursor, explaining(target):
                _attach_file(cursor, copy, partial, write=False)
                try:
                    copied = _contents(cursor, copy)
                finally:
                    cursor.execute(f"DETACH {copy}")
            if copied != held:
                differing = ", ".join(sorted({table for table, _ in held.items() ^ copied.items()}))
                raise StoreError(f"{target}: does not hold what was copied into it ({differing}); use another disk.")
            with explaining(target):
                os.replace(partial, target)
        finally:
            for leftover in (partial, partial.with_name(f"{partial.name}.wal")):
                leftover.unlink(missing_ok=True)
        return {table: rows for table, (rows, _) in held.items()}

    def close(self) -> None:
        """Bring what a burst left in a log into its file, and end the instance; leases must have been left."""
        for alias in ALIASES:
            self._end_burst(alias)
        self._instance.close()

    def _fresh_instance(self) -> duckdb.DuckDBPyConnection:
        instance = duckdb.connect(
            ":memory:",
            config={
                "threads": self._threads,
                "memory_limit": self._memory_limit,
                "temp_directory": str(self.home / "store.duckdb.spill"),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        instance.execute("SET GLOBAL TimeZone = 'UTC'")
        instance.execute("PRAGMA disable_checkpoint_on_shutdown")  # of a DETACH too: `_detach` sees to it
        return instance

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Count a lease, and begin it with a fresh instance when the old one is worn and nobody uses it."""
        with self._counting:
            if self._since_fresh >= LEASES_OF_AN_INSTANCE and not self._leased:
                self._instance.close()
                self._instance, self._since_fresh = self._fresh_instance(), 0
            self._leased += 1
            self._since_fresh += 1
        try:
            yield
        finally:
            with self._counting:
                self._leased -= 1

    def _path(self, alias: Alias, suffix: str = "") -> Path:
        return self.home / f"{alias}.duckdb{suffix}"

    def _lease_on(self, alias: Alias, wait: float) -> Lease:
        return Lease(
            self._path(alias), wait, lambda write: self._attach(alias, write=write), lambda: self._detach(alias)
        )

    @contextmanager
    def _lease(self, alias: Alias, *, write: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        if os.getpid() != self._process:
            raise RuntimeError("a store does not survive a fork: make one in each process")
        if alias == "market" and self._leases["journal"].is_mine() and not self._leases["market"].is_mine():
            raise RuntimeError("lease market before journal: two processes that take turns would wait for each other")
        with self._counted(), self._leases[alias].held(write=write), self._instance.cursor() as cursor:
            yield cursor

    @contextmanager
    def _read(self, alias: Alias) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._lease(alias, write=False) as cursor, explaining(self._path(alias), (duckdb.Error,)):
            yield cursor

    @contextmanager
    def _write(self, alias: Alias) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._lease(alias, write=True) as cursor, explaining(self._path(alias), (duckdb.Error,)):
            cursor.execute("BEGIN")
            try:
                yield cursor
                self._change_stamp(alias)
                cursor.execute("COMMIT")
                self._unwritten[alias] = self._is_burst(alias)
            except BaseException:
                with suppress(duckdb.Error):  # the transaction may be gone already; the first error is the one to tell
                    cursor.execute("ROLLBACK")
                raise

    def _attach(self, alias: Alias, *, write: bool) -> None:
        path = self._path(alias)
        with self._instance.cursor() as cursor, explaining(path):
            if not path.exists():
                self._create(cursor, alias)
            _attach_file(cursor, alias, path, write=write)
            if self._checked.get(alias) == (self.stamp(alias), path.stat().st_size):
                return
            try:
                _check_length(cursor, alias, path)
                version = schema.stored_version(cursor, alias, str(path))
                if version < schema.known_version(alias):
                    cursor.execute(f"DETACH {alias}")
                    _attach_file(cursor, alias, path, write=True)
                    self._change_stamp(alias)
                    schema.migrate(cursor, alias, version)
                    cursor.execute(f"DETACH {alias}")
                    _attach_file(cursor, alias, path, write=write)
            except BaseException:
                with suppress(duckdb.Error):
                    cursor.execute(f"DETACH {alias}")
                raise

    def _detach(self, alias: Alias) -> None:
        self._checked.pop(alias, None)
        with self._instance.cursor() as cursor, explaining(self._path(alias)):
            if self._is_checkpoint_due(alias):
                with suppress(duckdb.IOException):
                    cursor.execute(f"CHECKPOINT {alias}")
                    del self._unwritten[alias]
            cursor.execute(f"DETACH {alias}")
            with suppress(FileNotFoundError):  # it was moved away meanwhile, as the next lease finds out
                self._checked[alias] = self.stamp(alias), self._path(alias).stat().st_size

    def _is_burst(self, alias: Alias) -> bool:
        """Count a write, and return whether there were many of late."""
        writes = self._writes[alias]
        writes.append(time.monotonic())
        return len(writes) == writes.maxlen and writes[-1] - writes[0] < BURST_SECONDS

    def _end_burst(self, alias: Alias) -> None:
        if alias in self._unwritten:
            with suppress(StoreError), self._lease(alias, write=True):  # whatever hinders it: the log is as safe
                self._unwritten[alias] = False

    def _is_checkpoint_due(self, alias: Alias) -> bool:
        log = self._path(alias, ".wal")
        in_burst = self._unwritten.get(alias)
        return in_burst is not None and (not in_burst or (log.exists() and log.stat().st_size > BURST_BYTES))

    def _create(self, cursor: duckdb.DuckDBPyConnection, alias: Alias) -> None:
        # Made aside and renamed: a kill while DuckDB writes the first pages would leave a file that nothing can open.
        path, log = self._path(alias), self._path(alias, ".wal")
        if log.exists():
            raise StoreError(
                f"{path}: the file is gone, but rows of it are still in {log.name}; "
                "put the file back beside it, or move that one away to begin anew."
            )
        aside, stamp = self._path(alias, ".new"), self._path(alias, ".stamp")
        if stamp.exists() and not aside.exists():  # with one aside, a kill left it half made
            raise StoreError(
                f"{path}: the file is gone, though {stamp.name} says that it was here; put it, or the one of "
                f"a backup (hub backup), back, or remove {stamp.name} to begin anew."
            )
        for leftover in (aside, self._path(alias, ".new.wal")):
            leftover.unlink(missing_ok=True)
        _attach_file(cursor, alias, aside, write=True)
        try:
            schema.migrate(cursor, alias, 0)
        finally:
            cursor.execute(f"DETACH {alias}")
        self._change_stamp(alias)
        os.replace(aside, path)

    def _change_stamp(self, alias: Alias) -> None:
        # 52 random bits: no clock, no number that returns when a file is restored, exact in JSON and JavaScript.
        with explaining(self._path(alias)):
            write_in_place(self._path(alias, ".stamp"), secrets.randbits(52).to_bytes(8, "big"))


def _attach_file(cursor: duckdb.DuckDBPyConnection, alias: str, path: Path, *, write: bool) -> None:
    quoted = str(path).replace("'", "''")
    # With the type said, DuckDB does not look for an extension that might read a foreign file.
    cursor.execute(f"ATTACH '{quoted}' AS {alias} (TYPE duckdb" + (")" if write else ", READ_ONLY)"))


def _contents(cursor: duckdb.DuckDBPyConnection, alias: str) -> dict[str, tuple[int, int | None]]:
    """Return, by table of an attached file, how many rows it holds and the sum of their hashes; reads every value."""
    tables = cursor.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = ?", [alias]).fetchall()
    return {
        table: cursor.execute(f"SELECT count(*), sum(hash(held)) FROM {alias}.{table} AS held").fetchall()[0]
        for (table,) in tables
    }


def _check_length(cursor: duckdb.DuckDBPyConnection, alias: str, path: Path) -> None:
    # DuckDB opens a file that was cut short, and finds out only when a question needs the missing part. Free blocks at
    # the end need not be there, so the blocks in use are counted.
    row = cursor.execute(
        "SELECT used_blocks * block_size FROM pragma_database_size() WHERE database_name = ?", [alias]
    ).fetchone()
    needed, found = int(row[0]) if row else 0, path.stat().st_size
    if found < needed:
        raise damaged(path, f"{needed:,} bytes expected, {found:,} found")
