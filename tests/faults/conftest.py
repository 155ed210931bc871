"""A home that is followed live: its bars end where a growing file begins."""

from pathlib import Path

import pytest

from ml_data.build import build
from ml_data.ingest import ingest_bars
from ml_data.store import Store
from tests.faults.growing_file import BEGINS, GrowingFile
from tests.hub_home import DEMO, NOW, REGISTRY, STORES, copied, demo_table


@pytest.fixture(scope="session")
def live_home(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home to copy and follow, with `bars.csv` in it that has one minute to go to the first bars of a day."""
    folder = tmp_path_factory.mktemp("live") / "home"
    copied(demo_home / REGISTRY, folder / REGISTRY)
    store = Store(folder / STORES)
    bars = demo_table().filter([at < BEGINS for at in demo_table()["ts"].to_pylist()])
    ingest_bars(store, DEMO, [bars], source_name="before", now=NOW)
    build(store, DEMO)
    store.close()
    GrowingFile(folder / "bars.csv").begin()
    return folder
