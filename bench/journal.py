"""The Journal page on 10,000 rows, from the journal file on: `python -m bench.journal`.

What a page asks when nothing is kept: by what rows can be narrowed, the newest page of them, and what all of them came
to with its bootstraps; then all rows as a file. The floor reads the rows and does nothing with them. Each figure is the
best of `REPEATS`, since other work on the machine only ever adds.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa

from app_pages.clock import WallClock
from app_pages.journal_queries import options_of, summary_of
from app_pages.journal_view import log_frame
from bench.measure import Figure, best_times
from bench.monitoring_report import INSTRUMENT, fill
from ml_data.journal_log import LogFilter, log_rows
from ml_data.log_files import csv_bytes, log_export, parquet_bytes
from ml_data.store import Store
from ml_models import intervals

REPEATS, PAGE_ROWS, TARGET_SECONDS = 5, 100, 1.0
EVERY_ROW = LogFilter(INSTRUMENT)


def first_page(store: Store) -> pd.DataFrame:
    """Return the newest page, after all that the page says above it, without draws that an earlier one kept."""
    intervals._drawn_days.cache_clear()
    options_of(store, INSTRUMENT, None)
    summary_of(store, EVERY_ROW)
    rows = log_rows(store, EVERY_ROW, most=PAGE_ROWS)
    return log_frame(rows, INSTRUMENT, lambda _: WallClock(0, "UTC", "UTC"))


def figures() -> list[Figure]:
    """Return the rows of the page and of its downloads."""
    with TemporaryDirectory() as folder:
        store = Store(Path(folder))
        n = fill(store)

        def floor() -> pa.Table:
            return log_rows(store, EVERY_ROW)

        least, page = best_times(floor, lambda: first_page(store), repeats=REPEATS)
        _, text = best_times(floor, lambda: csv_bytes(log_export(store, EVERY_ROW)), repeats=REPEATS)
        _, parquet = best_times(floor, lambda: parquet_bytes(log_export(store, EVERY_ROW)), repeats=REPEATS)
        store.close()
    told = ((f"a page of {PAGE_ROWS}, filters and summary", page), ("all as CSV", text), ("all as Parquet", parquet))
    return [
        Figure(f"journal of {n:,} rows: {what}", f"reading {least:.3f} s", f"{taken:.2f} s", taken, TARGET_SECONDS, "s")
        for what, taken in told
    ]


if __name__ == "__main__":
    print(*(each.row for each in figures()), sep="\n")
