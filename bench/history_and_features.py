"""Ranges, trades, features of all real bars against the compiled passes: `python -m bench.history_and_features`.

The floor calls the same compiled passes once, on arrays that are prepared already: the least that this much arithmetic
takes. Ours is what the hub calls: contracts, calendars, tables of days, checks and all.
"""

import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.measure import Figure, best_times, mgc, read_bars, real_files, real_store
from ml_data import kernels
from ml_data.bar_arrays import bar_arrays
from ml_data.build import build
from ml_data.day_tables import day_tables
from ml_data.events import range_events
from ml_data.feature_inputs import feature_inputs, own_days
from ml_data.feature_matrix import feature_groups, feature_matrix
from ml_data.history import DOUBLE_REWARDS, build_history
from ml_data.snapshot import export_tables
from ml_data.store import Store

TARGET, DAY_MS, PARQUET_S = 5.0, 50.0, 0.5


def figures() -> list[Figure]:
    """Return the rows of history and features."""
    if not real_files():
        return [Figure("ranges, 28 rules, features, 5 years", "–", "the real bars are not there", None, TARGET)]
    with tempfile.TemporaryDirectory() as folder:
        store = real_store(Path(folder))
        build(store, mgc())
        found = [*_from_arrays(store), _day_appended(store), _from_parquet(store, Path(folder))]
        store.close()
    return found


def _from_arrays(store: Store) -> list[Figure]:
    instrument = mgc()
    bars = read_bars(store, instrument)
    history = build_history(bars, instrument)
    events = range_events(history)
    contract = history.contracts.contract[events.day]
    own = own_days(bars, instrument, contract, history.days[events.day])
    inputs = feature_inputs(bars, instrument, day_tables(history), own, contract, events)
    windows, ranges = history.windows, history.ranges
    range_rows = np.empty(windows.range_ends.shape, dtype=np.int64)
    outs = [np.empty((len(events), len(group.features))) for group in feature_groups()]
    newest = np.empty(len(events), dtype=np.int64)

    def floor() -> None:
        for starts, ends in (
            (windows.session_starts, windows.session_ends),
            (windows.range_starts, windows.range_ends),
        ):
            shape = starts.shape
            kernels.window_bars(
                bars.minute, bars.open, bars.high, bars.low, bars.close, bars.volume,
                history.row_from, history.row_to, starts, ends,
                np.zeros((*shape, 4), np.int64), np.zeros(shape), np.zeros(shape, np.int64),
            )  # fmt: skip
        kernels.first_rows(bars.minute, history.row_from, history.row_to, windows.range_ends, range_rows)
        kernels.breaks_and_trades(
            bars.minute, bars.high, bars.low, bars.close, history.row_to, range_rows, windows.ends, windows.closes,
            windows.range_session_ends, np.ascontiguousarray(ranges.prices[:, :, 1]),
            np.ascontiguousarray(ranges.prices[:, :, 2]), history.range_complete, history.through, DOUBLE_REWARDS,
            np.zeros_like(history.directions), np.zeros_like(history.break_rows), np.zeros_like(history.trades),
        )  # fmt: skip
        for group, out in zip(feature_groups(), outs, strict=True):
            group.compute(inputs, out, newest)

    def ours() -> None:
        made = build_history(bars, instrument)
        feature_matrix(made, range_events(made))

    least, taken = best_times(floor, ours)
    width = sum(out.shape[1] for out in outs)
    work = f"sessions, ranges, 28 rules, {len(events):,} × {width} features, {len(bars):,} bars"
    return [Figure(work, f"compiled passes alone {least:.3f} s", f"{taken:.3f} s", taken / least, TARGET)]


def _day_appended(store: Store) -> Figure:
    """Rebuild the newest whole day in the store: bars read, history made, four tables written in one transaction."""
    last = date(2025, 6, 30)
    (taken,) = best_times(lambda: build(store, mgc(), since=last), repeats=9)
    work = "a day appended: read, built and written to the store"
    return Figure(work, "–", f"{taken * 1e3:.0f} ms", taken * 1e3, DAY_MS, "ms")


def _from_parquet(store: Store, folder: Path) -> Figure:
    instrument = mgc()
    export_tables(store, instrument.symbol, folder / "parquet")
    files = sorted((folder / "parquet" / "bars_1m").rglob("*.parquet"))
    chosen = set(build_history(read_bars(store, instrument), instrument).bars.contracts)

    def ours() -> None:
        columns = ["contract", "ts", "open", "high", "low", "close", "volume"]
        table = pa.concat_tables([pq.read_table(file, columns=columns, read_dictionary=["contract"]) for file in files])
        table = table.unify_dictionaries().combine_chunks()
        made = build_history(bar_arrays(table, instrument.tick), instrument)
        matrix = feature_matrix(made, range_events(made))
        values = pa.table({name: matrix.values[:, place] for place, name in enumerate(matrix.names)})
        pq.write_table(values, folder / "features.parquet")

    (taken,) = best_times(ours, repeats=3)
    work = f"from Parquet ({len(chosen)} contracts) to features written"
    return Figure(work, "–", f"{taken:.2f} s", taken, PARQUET_S, "s")


if __name__ == "__main__":
    print(*(figure.row for figure in figures()), sep="\n")
