"""DBN and CSV files to the store, against the least that must be done: `python -m bench.ingest`.

DBN: the monthly files of one product with its spreads in `../shared/data/mgc_databento` (not measured where that is
absent). The floor decodes the records to Arrow and inserts them into the same table in one go: no symbols by day, no
checks, no comparison, no record of the import. CSV: a million rows; the floor is DuckDB's `read_csv` straight into the
same table. Floor and ours take turns; each figure is the best of `REPEATS`.
"""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import databento_dbn
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv
import zstandard

from bench.measure import Figure
from ml_data.ingest import ingest
from ml_data.schema import migrations
from ml_data.store import Store
from trading.domain.instrument import Instrument, read_instrument

REPEATS, CSV_ROWS, DBN_TARGET, CSV_TARGET = 3, 1_000_000, 2.0, 2.5
ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT.parent / "shared" / "data" / "mgc_databento"
PRICES = ("open", "high", "low", "close")
RECORD = np.dtype(
    [("head", "<u4"), ("id", "<u4"), ("ts", "<i8"), *((name, "<i8") for name in PRICES), ("volume", "<i8")]
)


def decoded(path: Path, symbol_of: Callable[[str], bool]) -> pa.Table:
    """Return the outright bars of a DBN file, each instrument id taken for its first symbol."""
    with path.open("rb") as packed:
        content = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True).read()
    start = 8 + int.from_bytes(content[4:8], "little")
    names = {
        int(interval["symbol"]): name
        for name, intervals in databento_dbn.Metadata.decode(content[:start]).mappings.items()
        for interval in intervals
        if symbol_of(name)
    }
    records: Any = np.frombuffer(content, RECORD, offset=start)
    ids, code = np.unique(records["id"], return_inverse=True)
    kept = np.isin(ids, list(names))[code]
    records = records[kept]
    symbols = pa.array([names.get(number, "") for number in ids.tolist()])
    return pa.table(
        {
            "contract": pa.DictionaryArray.from_arrays(code[kept], symbols).cast(pa.string()),
            "ts": pa.array(records["ts"] // 1000).cast(pa.timestamp("us", tz="UTC")),
            **{name: records[name] / 1e9 for name in PRICES},
            "volume": records["volume"].astype(np.float64),
        }
    )


def plain_insert(folder: Path, insert: str, rows: pa.Table | None = None) -> None:
    """Run `insert` on an empty store file with the hub's tables."""
    with duckdb.connect(config={"threads": 2}) as instance:
        instance.execute("SET GLOBAL TimeZone = 'UTC'").fetchall()
        instance.execute("SET enable_progress_bar = false").fetchall()
        instance.execute(f"ATTACH '{folder / 'floor.duckdb'}' AS market").fetchall()
        for step in migrations("market"):
            instance.execute(step.sql).fetchall()
        if rows is not None:
            instance.register("incoming", rows)
        instance.execute(f"INSERT INTO market.bars_1m {insert}").fetchall()
        instance.execute("DETACH market").fetchall()


def ours(folder: Path, instrument: Instrument, files: list[Path]) -> int:
    """Import `files` into an empty store; return how many rows were stored."""
    store = Store(folder)
    reports = ingest(store, instrument, files, now=datetime.now(UTC), time_zone="UTC")
    store.close()
    return sum(report.rows_stored for report in reports)


def best_times(*works: Callable[[Path], object]) -> list[float]:
    """Return the best wall-clock seconds of each work, given an empty folder; they take turns."""
    best = [np.inf] * len(works)
    for _ in range(REPEATS):
        for index, work in enumerate(works):
            with tempfile.TemporaryDirectory() as folder:
                begun = time.perf_counter()
                work(Path(folder))
                best[index] = min(best[index], time.perf_counter() - begun)
    return best


def figure(name: str, rows: int, times: list[float], target: float) -> Figure:
    """Return a row of the table."""
    floor, ours = (f"{seconds:.2f} s" for seconds in times)
    return Figure(f"{name}, {rows:,} bars", floor, ours, times[1] / times[0], target)


def synthetic_csv(path: Path) -> None:
    """Write a million minutes in ticks of 0.1, without contracts."""
    random = np.random.default_rng(0)
    close = 20_000 + random.integers(-3, 4, CSV_ROWS).cumsum().clip(-10_000, 10_000)
    opens = np.concatenate([close[:1], close[:-1]])
    columns = {"open": opens, "high": np.maximum(opens, close) + 1, "low": np.minimum(opens, close) - 1, "close": close}
    minutes = np.datetime64("2020-01-01T00:00", "s") + 60 * np.arange(CSV_ROWS)
    table = pa.table(
        {
            "timestamp": pa.array(minutes).cast(pa.string()),
            **{name: ticks / 10 for name, ticks in columns.items()},
            "volume": random.integers(1, 1_000, CSV_ROWS),
        }
    )
    pa.csv.write_csv(table, path, pa.csv.WriteOptions(quoting_style="none"))


def figures() -> list[Figure]:
    """Return both rows."""
    mgc = read_instrument(ROOT / "config" / "instruments" / "MGC.toml")
    found = []
    files = sorted(REAL.glob("*.dbn.zst"))
    if files:

        def floor(folder: Path) -> None:
            rows = pa.concat_tables([decoded(file, lambda name: "-" not in name) for file in files])
            plain_insert(folder, "SELECT 'MGC', * FROM incoming", rows)

        stored = []
        times = best_times(floor, lambda folder: stored.append(ours(folder, mgc, files)))
        found.append(figure(f"DBN → stored, {len(files)} files", stored[0], times, DBN_TARGET))
    else:
        found.append(Figure("DBN → stored", "–", f"the files are not at {REAL}", None, DBN_TARGET))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bars.csv"
        synthetic_csv(file)
        read = "SELECT 'X', 'X', timestamp AT TIME ZONE 'UTC', open, high, low, close, volume FROM read_csv"
        times = best_times(
            lambda folder: plain_insert(folder, f"{read}('{file}')"),
            lambda folder: ours(folder, mgc.model_copy(update={"contracts": None}), [file]),
        )
    return [*found, figure("CSV → stored", CSV_ROWS, times, CSV_TARGET)]


if __name__ == "__main__":
    print(*(each.row for each in figures()), sep="\n")
