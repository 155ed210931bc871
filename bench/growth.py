"""Growth in bars: import, history and features of 1, 10 and 100 × the rows: `python -m bench.growth`.

The exponent is the slope of log time on log rows between the two larger sizes; below them fixed costs decide. Memory
is the peak of the import alone, in a process of its own.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench.measure import Figure, mgc
from ml_data.build import build, read_bars
from ml_data.events import range_events
from ml_data.feature_matrix import feature_matrix
from ml_data.history import build_history
from ml_data.ingest import ingest_bars
from ml_data.store import Store
from trading.domain.bar import BARS

SIZES, EXPONENT, MEMORY_RATIO, MONTH = (30_000, 300_000, 3_000_000), 1.05, 1.6, 30_000


def months(rows: int, symbol: str = "MGC") -> Iterator[pa.Table]:
    """Yield `rows` bars of one endless contract, a month at a time: a seeded walk, every minute traded."""
    start = np.datetime64("2015-01-05T00:00", "us")
    for first in range(0, rows, MONTH):
        random = np.random.default_rng(first)
        close = 20_000 + random.integers(-3, 4, MONTH).cumsum()
        opens = np.concatenate([[20_000], close[:-1]])
        stamps = start + np.timedelta64(1, "m") * (first + np.arange(MONTH))
        prices = (opens, np.maximum(opens, close) + 1, np.minimum(opens, close) - 1, close)
        yield pa.table(
            [
                pa.repeat(pa.scalar(symbol), MONTH),
                pa.array(stamps).cast(BARS.field("ts").type),
                *(pa.array(ticks * 0.1) for ticks in prices),
                pa.array(random.integers(1, 99, MONTH).astype(float)),
            ],
            schema=BARS,
        )


def timed(rows: int) -> float:
    """Return the seconds of import, build and features of `rows` bars in a new store."""
    instrument = mgc().model_copy(update={"contracts": None})
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        tables = list(months(rows))
        begun = time.perf_counter()
        ingest_bars(store, instrument, tables, source_name="bench", now=datetime.now(UTC))
        build(store, instrument)
        history = build_history(read_bars(store, instrument), instrument)
        feature_matrix(history, range_events(history))
        seconds = time.perf_counter() - begun
        store.close()
    return seconds


def peak_of_import(rows: int) -> float:
    """Return the peak memory in MB of a process that imports `rows` bars from one CSV file."""
    command = [sys.executable, "-m", "bench.growth", "--import", str(rows)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def figures() -> list[Figure]:
    """Return the rows of growth."""
    timed(SIZES[0])  # compiled passes are loaded
    seconds = [min(timed(rows) for _ in range(2)) for rows in SIZES]
    exponent = float(np.log(seconds[2] / seconds[1]) / np.log(SIZES[2] / SIZES[1]))
    sizes = ", ".join(f"{rows:,}" for rows in SIZES)
    taken = ", ".join(f"{each:.2f} s" for each in seconds)
    small, large = peak_of_import(SIZES[1]), peak_of_import(SIZES[2])
    return [
        Figure(f"growth: import + history + features of {sizes} bars", "linear", taken, exponent, EXPONENT, "exponent"),
        Figure(
            f"memory of a CSV import, {SIZES[2]:,} against {SIZES[1]:,} bars",
            f"{small:.0f} MB",
            f"{large:.0f} MB",
            large / small,
            MEMORY_RATIO,
        ),
    ]


def _import_file(rows: int) -> None:
    from pyarrow import csv

    from ml_data.ingest import ingest

    instrument = mgc().model_copy(update={"contracts": None})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bars.csv"
        with csv.CSVWriter(file, BARS.remove(0)) as writer:
            for table in months(rows):
                writer.write_table(table.drop_columns(["contract"]))
        store = Store(Path(folder) / "home")
        ingest(store, instrument, [file], now=datetime.now(UTC))
        store.close()
    sys.stdout.write(str(peak_megabytes()))


def peak_megabytes() -> float:
    """Return the most memory that this process ever held (Linux)."""
    # Not ru_maxrss: a new process begins it with what its parent held.
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return float(peak.split()[1]) / 1024


if __name__ == "__main__":
    if "--import" in sys.argv:
        _import_file(int(sys.argv[-1]))
    else:
        print(*(figure.row for figure in figures()), sep="\n")
