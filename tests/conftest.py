"""What many tests share: the real market data, where it is present."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml_data.build import build
from ml_data.ingest import ingest
from ml_data.store import Store
from tests import hub_home
from trading.domain.instrument import read_instrument

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real market data, or skip."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"the real market data are not at {folder}")
    return folder


@pytest.fixture(scope="session")
def real_store(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a store of all MGC bars and their history. It is shared: leave it as it is."""

    def make(folder: Path) -> None:
        mgc = read_instrument(Path(__file__).resolve().parents[1] / "config" / "instruments" / "MGC.toml")
        files = sorted((shared_data / "mgc_databento").glob("*.dbn.zst"))
        store = Store(folder)
        reports = ingest(store, mgc, files, now=datetime(2026, 1, 1, tzinfo=UTC))
        assert [report.refusal for report in reports] == [None] * len(files)
        build(store, mgc)
        store.close()

    store = Store(hub_home.once(tmp_path_factory.getbasetemp(), "real_store", make))
    yield store
    store.close()


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with demo bars, their history and a model, and an empty journal. It is shared: copy it to write."""
    return hub_home.once(tmp_path_factory.getbasetemp(), "demo_home", hub_home.make_home)


@pytest.fixture(scope="session")
def logged_home(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return `demo_home` with the predictions of two weeks, not settled. It is shared: copy it to write."""
    base = tmp_path_factory.getbasetemp()
    return hub_home.once(base, "logged_home", lambda folder: hub_home.make_logged(demo_home, folder)) / "home"


@pytest.fixture(scope="session")
def break_home(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return `demo_home` with a model of every family, asked of a week, settled. It is shared: copy it to write."""
    base = tmp_path_factory.getbasetemp()
    made = hub_home.once(base, "break_home", lambda folder: hub_home.make_break_models(demo_home, folder))
    return made / "home"


@pytest.fixture
def home(demo_home: Path, tmp_path: Path) -> Iterator[hub_home.Home]:
    """Return a copy of `demo_home` to work in."""
    with hub_home.using(hub_home.copied(demo_home, tmp_path / "home")) as opened:
        yield opened
