"""The small home of the table of verbs, and what keeps a test short: a smaller recipe and a smaller demo market."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ml_scripts import demo, train
from tests import hub_home
from tests.ml_data.clock_bars import NEW_YORK, bars_file, open_minutes, shipped, shown
from tests.ml_models.drafts import three_versions


@pytest.fixture(scope="session")
def verb_home(logged_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with bars, history, a trained model, three drafts, and predictions that wait. Copy it to write."""

    def make(folder: Path) -> None:
        three_versions(hub_home.copied(logged_home, folder / "home") / hub_home.REGISTRY)

    return hub_home.once(tmp_path_factory.getbasetemp(), "verb_home", make) / "home"


@pytest.fixture
def own_home(verb_home: Path, tmp_path: Path) -> Path:
    return hub_home.copied(verb_home, tmp_path / "home")


@pytest.fixture(scope="module")
def calm_home(verb_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home for what must change nothing."""
    return hub_home.copied(verb_home, tmp_path_factory.mktemp("calm") / "home")


@pytest.fixture(scope="session")
def words(verb_home: Path) -> Iterator[dict[str, str]]:
    """What the names in braces of the table stand for; the files may be read by everybody."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield _words(verb_home, Path(folder))


def _words(verb_home: Path, folder: Path) -> dict[str, str]:
    minutes = open_minutes(shipped("NQ"), "2024-02-04T23:00", "2024-02-08")
    (folder / "empty.csv").write_bytes(b"")
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere").chmod(0o777)
    (folder / "text.csv").write_text("Dear trader,\nthese are no bars.\n" * 20)
    versions = sorted(path.name for path in (verb_home / hub_home.REGISTRY / "directional").glob("v_*"))
    return {
        "bars": str(bars_file(folder / "nq.csv", shown(minutes, NEW_YORK))),
        "folder": str(folder),
        "elsewhere": str(folder / "elsewhere"),
        "empty": str(folder / "empty.csv"),
        "text": str(folder / "text.csv"),
        "old": versions[0],
        "tiny": versions[-1],
        "logged": _first_logged(verb_home),
    }


def _first_logged(verb_home: Path) -> str:
    with hub_home.using(verb_home) as opened:
        return str(opened.journal("prediction_id")[0][0])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train a smaller model, and make a demo market that is the one of the small home."""
    for module in (train, demo):
        shipped_recipe = module.shipped_recipe
        monkeypatch.setattr(
            module,
            "shipped_recipe",
            lambda name, *more, real=shipped_recipe: (
                hub_home.small_recipe() if name == "directional" else real(name, *more)
            ),
        )
    monkeypatch.setattr(demo, "FIRST_DAY", hub_home.FIRST_DAY)
    monkeypatch.setattr(demo, "LAST_DAY", hub_home.LAST_DAY)
    monkeypatch.setattr(demo, "SEED", hub_home.SEED)
    monkeypatch.setattr(demo, "SHADOW_DAYS", 3)


def fingerprint(home: Path) -> dict[str, str]:
    """Every file of a home that holds anything, with a hash of it: not the notes and locks beside the stores."""
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(home.rglob("*"))
        if path.is_file()
        and path.stat().st_size
        and path.suffix not in (".lock", ".turn", ".holder", ".stamp")
        and ".checked" not in path.name
    }
