"""Shelves that several tests start from, made once and copied."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_data.store import Store
from ml_models.model_registry import ModelRegistry
from tests.ml_models.drafts import draft
from tests.ml_monitoring.live_journals import MODEL, after
from tests.ml_monitoring.shelves import MADE, Approved, Shelf, approve, forecasts, opened, put


@pytest.fixture(scope="session")
def shelf_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store and a registry with one version and its live forecasts, made once and copied by every test."""
    home = tmp_path_factory.mktemp("shelf")
    store, registry = Store(home / "ml_data"), ModelRegistry(home / "registry")
    version = str(registry.publish(MODEL, draft(), now=MADE, who="test", why="a small one"))
    put(store, forecasts(version))
    store.close()
    return home


@pytest.fixture(scope="session")
def approved_home(shelf_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with the version in advisory."""
    home = Path(shutil.copytree(shelf_home, tmp_path_factory.mktemp("approved") / "home", symlinks=True))
    with opened(home) as shelf:
        approve(shelf)
    return home


@pytest.fixture
def shelf(shelf_home: Path, tmp_path: Path) -> Iterator[Shelf]:
    with opened(Path(shutil.copytree(shelf_home, tmp_path / "home", symlinks=True))) as shelf:
        yield shelf


@pytest.fixture
def approved(approved_home: Path, tmp_path: Path) -> Iterator[Approved]:
    """A shelf whose version was let into advisory, and when."""
    with opened(Path(shutil.copytree(approved_home, tmp_path / "approved", symlinks=True))) as shelf:
        yield shelf, after(shelf.table)
