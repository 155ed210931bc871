"""Parquet: the public tables by instrument and year, and the training snapshot under its content hash."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from ml_data.store import Store, sql
from ml_data.store_failures import explaining

EXPORTED: Final = {
    "bars_1d": ("trading_day", "trading_day"),
    "bars_1m": ("ts", "contract, ts"),
    "contract_days": ("trading_day", "trading_day"),
    "sessions": ("trading_day", "trading_day, starts_at"),
    "opening_ranges": ("trading_day", "trading_day, starts_at"),
    "orb_trades": ("trading_day", "trading_day, orb, rule"),
}
"""Table of an instrument: the column that says the year, and the order of rows in a file."""

_SERIES: Final = {"series_1d": ("day", "day, known_at")}


@dataclass(frozen=True)
class ExportReport:
    """The files written and the rows in them, by table."""

    folder: Path
    files: int
    rows: dict[str, int]


def export_tables(
    store: Store, instrument: str, folder: Path, progress: Callable[[int, int], None] | None = None
) -> ExportReport:
    """Write the tables of one instrument as `folder/<table>/instrument=<I>/year=<Y>/data.parquet`.

    Each file is written aside and then moved into place, so a reader meets the old file or the new one. Years that the
    store no longer holds are left alone.
    """
    return _export(store, EXPORTED, "instrument", [instrument], folder, progress)


def export_day_bars(
    store: Store, instruments: Sequence[str], folder: Path, progress: Callable[[int, int], None] | None = None
) -> ExportReport:
    """Write the day bars of instruments as `folder/bars_1d/instrument=<I>/year=<Y>/data.parquet`."""
    tables = {"bars_1d": EXPORTED["bars_1d"]}
    return _export(store, tables, "instrument", instruments, folder, progress)


def export_series(
    store: Store, series: Sequence[str], folder: Path, progress: Callable[[int, int], None] | None = None
) -> ExportReport:
    """Write series as `folder/series_1d/series=<S>/year=<Y>/data.parquet`, each value with when it was known."""
    return _export(store, _SERIES, "series", series, folder, progress)


def _export(
    store: Store,
    tables: Mapping[str, tuple[str, str]],
    key: str,
    names: Sequence[str],
    folder: Path,
    progress: Callable[[int, int], None] | None,
) -> ExportReport:
    partitions: list[tuple[str, str, int]] = []
    with store.market() as cursor:
        for table, (when, _) in tables.items():
            years = cursor.execute(
                f"SELECT DISTINCT {key}, year({when}) FROM market.{table} WHERE list_contains(?, {key}) ORDER BY ALL",
                [list(names)],
            ).fetchall()
            partitions += [(table, str(name), int(year)) for name, year in years]
    rows = dict.fromkeys(tables, 0)
    for done, (table, name, year) in enumerate(partitions, start=1):
        target = folder / table / f"{key}={name}" / f"year={year}" / "data.parquet"
        rows[table] += _write_partition(store, table, tables[table], key, name, year, target)
        if progress is not None:
            progress(done, len(partitions))
    return ExportReport(folder, len(partitions), rows)


def write_snapshot(table: pa.Table, content_hash: str, folder: Path) -> Path:
    """Write a training snapshot as `folder/<hash>.parquet`, its hash in the file's metadata too; return the path.

    Equal content has an equal name; a snapshot that is there already is left as it is.
    """
    target = folder / f"{content_hash}.parquet"
    if target.is_file():
        return target
    named = table.replace_schema_metadata({**(table.schema.metadata or {}), b"content_hash": content_hash.encode()})
    with _put_in_place(target) as aside:
        pq.write_table(named, aside, compression="zstd")
    return target


def record_snapshot(
    store: Store,
    *,
    instrument: str,
    recipe: str,
    data_hash: str,
    first_day: date,
    last_day: date,
    events: int,
    made_at: datetime,
) -> None:
    """Write down that a snapshot was exported, of bars as they were at `made_at` (UTC) or later.

    It is told as stale by this when a vendor changes a bar of it; exported again with the same content it is not.
    """
    row = {
        "instrument": instrument,
        "recipe": recipe,
        "data_hash": data_hash,
        "first_day": first_day,
        "last_day": last_day,
        "events": events,
        "made_at": made_at,
    }
    with store.market_write() as cursor:
        cursor.execute(sql("insert_snapshot"), row).fetchall()


def _write_partition(
    store: Store, table: str, columns: tuple[str, str], key: str, name: str, year: int, target: Path
) -> int:
    when, order = columns
    with _put_in_place(target) as aside:
        quoted = str(aside).replace("'", "''")  # COPY takes no bound parameter for its file
        with store.market() as cursor, explaining(target):
            written = cursor.execute(
                f"COPY (SELECT * FROM market.{table} WHERE {key} = $name AND year({when}) = $year "
                f"ORDER BY {order}) TO '{quoted}' (FORMAT parquet, COMPRESSION zstd)",
                {"name": name, "year": year},
            ).fetchall()
    return int(written[0][0])


@contextmanager
def _put_in_place(target: Path) -> Iterator[Path]:
    """Yield where to write `target` aside: moved into place when the block ends, taken away when it raises."""
    aside = target.with_suffix(f".{os.getpid()}.tmp")
    try:
        with explaining(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            yield aside
            os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)
