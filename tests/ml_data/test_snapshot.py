"""Parquet of the public tables, and the training snapshot under the hash of its content."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml_data.bar_arrays import bar_arrays
from ml_data.build import build
from ml_data.demo_market import demo_bars
from ml_data.history import build_history
from ml_data.ingest import ingest_bars
from ml_data.snapshot import EXPORTED, export_day_bars, export_series, export_tables, write_snapshot
from ml_data.store import Store
from ml_scripts.export import snapshot_table
from ml_training.dataset import Dataset, dataset_of
from tests.hub_home import DEMO, small_recipe
from tests.ml_data.bar_files import NOW


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Three months of the demo market over the turn of a year."""
    store = Store(tmp_path_factory.mktemp("snapshot"))
    bars = demo_bars(DEMO, date(2023, 11, 1), date(2024, 1, 31), 7)
    ingest_bars(store, DEMO, bars, source_name="demo", now=NOW)
    build(store, DEMO)
    with store.market_write() as cursor:
        cursor.execute(
            "INSERT INTO market.bars_1d VALUES ('DEMO', '2023-12-29', 1, 2, 1, 2, 9), "
            "('DEMO', '2024-01-02', 2, 3, 2, 3, 8)"
        )
        cursor.execute(
            "INSERT INTO market.series_1d VALUES ('VIX', '2023-12-29', '2023-12-29 21:30Z', 12.5, 'i'), "
            "('VIX', '2024-01-02', '2024-01-02 21:30Z', 13.2, 'i'), "
            "('SLOPE', '2024-01-02', '2024-01-03 21:30Z', 1, 'i')"
        )
    yield store
    store.close()


def dataset(seed: int = 7) -> Dataset:
    table = pa.concat_tables(demo_bars(DEMO, date(2023, 11, 1), date(2024, 1, 31), seed))
    return dataset_of(build_history(bar_arrays(table, DEMO.tick), DEMO), small_recipe())


@pytest.fixture(scope="module")
def learned() -> Dataset:
    return dataset()


def test_every_table_is_written_by_instrument_and_year_in_order(store: Store, tmp_path: Path):
    report = export_tables(store, "DEMO", tmp_path)
    files = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.parquet"))
    assert files == sorted(
        f"{table}/instrument=DEMO/year={year}/data.parquet" for table in EXPORTED for year in (2023, 2024)
    )
    assert report.files == len(files)
    for table in EXPORTED:
        parts = [pq.read_table(tmp_path / f"{table}/instrument=DEMO/year={year}/data.parquet") for year in (2023, 2024)]
        with store.market() as cursor:
            order = "contract, ts" if table == "bars_1m" else EXPORTED[table][1]
            stored = cursor.sql(f"SELECT * FROM market.{table} ORDER BY {order}").to_arrow_table()
        exported = pa.concat_tables(parts)
        if table == "bars_1m":  # each file is sorted by itself
            exported = exported.sort_by([("contract", "ascending"), ("ts", "ascending")])
        columns = stored.column_names
        assert exported.select(columns).cast(stored.schema).equals(stored), table
        assert report.rows[table] == len(stored) > 0


def test_day_bars_and_series_are_written_alone_with_when_each_value_was_known(store: Store, tmp_path: Path):
    days = export_day_bars(store, ["DEMO", "NONE.US"], tmp_path)
    series = export_series(store, ["VIX"], tmp_path)
    assert (days.files, days.rows, series.files, series.rows) == (2, {"bars_1d": 2}, 2, {"series_1d": 2})
    rows = pq.read_table(tmp_path / "series_1d/series=VIX/year=2024/data.parquet").to_pylist()
    assert [(str(row["day"]), f"{row['known_at']:%Y-%m-%d %H:%MZ}", row["value"]) for row in rows] == [
        ("2024-01-02", "2024-01-02 21:30Z", 13.2)
    ]


def test_exporting_again_writes_the_same_bytes(store: Store, tmp_path: Path):
    written = []
    for _ in range(2):
        export_tables(store, "DEMO", tmp_path)
        written.append({file: file.read_bytes() for file in sorted(tmp_path.rglob("*.parquet"))})
    assert written[0] == written[1]
    assert not list(tmp_path.rglob("*.tmp"))


def test_an_instrument_without_rows_has_no_files(store: Store, tmp_path: Path):
    assert export_tables(store, "NQ", tmp_path).files == 0
    assert list(tmp_path.iterdir()) == []


def test_the_content_hash_is_the_same_on_every_run(learned: Dataset):
    assert dataset().data_hash == learned.data_hash
    assert dataset(seed=8).data_hash != learned.data_hash


@pytest.mark.parametrize("name", ["x", "codes", "days", "opening", "decided", "label_known", "walk", "r_net"])
def test_the_content_hash_changes_when_any_value_changes(learned: Dataset, name: str):
    values = getattr(learned, name)
    hashes = {learned.data_hash}
    places = [(0, 0), (len(learned) - 1, values.shape[1] - 1), (7, 0)] if values.ndim == 2 else [0, len(learned) - 1]
    for place in places:
        changed = values.copy()
        if changed.dtype.kind == "f":
            changed[place] = 0.5 if np.isnan(changed[place]) else np.nextafter(changed[place], np.inf)
        else:
            changed[place] = changed[place] + 1
        hashes.add(replace(learned, **{name: changed}).data_hash)
    assert len(hashes) == 1 + len(places)


def test_a_number_that_goes_missing_changes_the_content_hash(learned: Dataset):
    gone = learned.x.copy()
    gone[3, int(np.flatnonzero(~np.isnan(gone[3]))[0])] = np.nan
    assert replace(learned, x=gone).data_hash != learned.data_hash


def test_a_snapshot_has_its_hash_for_a_name_and_holds_every_feature(learned: Dataset, tmp_path: Path):
    path = write_snapshot(snapshot_table(learned), learned.data_hash, tmp_path / "snapshots")
    assert path == tmp_path / "snapshots" / f"{learned.data_hash}.parquet"
    read = pq.read_table(path)
    assert read.schema.metadata[b"content_hash"].decode() == learned.data_hash
    assert len(read) == len(learned)
    for column, name in enumerate(learned.names):
        values = read.column(f"feature.{name}").to_numpy()
        assert np.array_equal(values, learned.x[:, column], equal_nan=True), name
    assert read.column("label").to_pylist() == [learned.classes[code] for code in learned.codes]
    assert read.column("decided_at").cast(pa.int64()).to_pylist() == (learned.decided * 60_000_000).tolist()
    assert np.array_equal(read.column("r_net").to_numpy(), learned.r_net, equal_nan=True)


def test_a_snapshot_that_is_there_is_left_as_it_is(learned: Dataset, tmp_path: Path):
    path = write_snapshot(snapshot_table(learned), learned.data_hash, tmp_path)
    before = path.stat().st_mtime_ns
    assert write_snapshot(snapshot_table(learned), learned.data_hash, tmp_path) == path
    assert path.stat().st_mtime_ns == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
