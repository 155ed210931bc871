"""Every verb, by the table, when store, registry, disk, permissions or port are not as they should be."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ml_data.store import Store
from ml_scripts import app
from tests.hub_home import REGISTRY, STORES, copied
from tests.ml_models.drafts import damage
from tests.ml_scripts.conftest import fingerprint
from tests.ml_scripts.hub_runs import Ran, run_hub
from tests.ml_scripts.verb_table import ROWS, cut_the_models

pytestmark = pytest.mark.usefixtures("no_pages")
FILES = [(name, shelf) for name, row in ROWS.items() for shelf in row.shelves if shelf != "registry"]
ON_SHELVES = [name for name, row in ROWS.items() if row.shelves]
WITH_REGISTRY = [name for name, row in ROWS.items() if "registry" in row.shelves]
WRITING = [name for name, row in ROWS.items() if row.writes]
ROOT_ON_LINUX = sys.platform == "linux" and os.geteuid() == 0


def typed(name: str, words: dict[str, str]) -> list[str]:
    return [*name.split(), *shlex.split(ROWS[name].done.format(**words))]


@pytest.fixture
def no_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """What should have been refused must not serve pages until somebody comes."""

    def serve(*_: object, **__: object) -> None:
        raise AssertionError("the pages would be served")

    monkeypatch.setattr(app, "serve", serve)


def check(ran: Ran, code: int, said: str) -> None:
    assert ran.code == code, ran
    assert said in ran.said
    assert "Traceback" not in ran.said
    assert len(ran.err.splitlines()) <= (1 if code == 2 else 25)


# The store


@pytest.mark.parametrize(("name", "shelf"), FILES)
@pytest.mark.usefixtures("small")
def test_a_store_of_a_newer_program_is_refused_and_left_alone(
    name: str, shelf: str, own_home: Path, words: dict[str, str]
):
    store = Store(own_home / STORES)
    with store.market_write() if shelf == "market" else store.journal_write() as cursor:
        cursor.execute(f"INSERT INTO {shelf}.schema_version VALUES (99, '0099_later', now())")
    store.close()
    before = fingerprint(own_home)
    check(run_hub(*typed(name, words), home=own_home), 2, f"{shelf}.duckdb: its tables are of version 99, this program")
    assert fingerprint(own_home)[f"{STORES}/{shelf}.duckdb"] == before[f"{STORES}/{shelf}.duckdb"]


@pytest.mark.parametrize(("name", "shelf"), FILES)
@pytest.mark.usefixtures("small")
def test_a_damaged_store_is_told_with_its_file_and_left_alone(
    name: str, shelf: str, own_home: Path, words: dict[str, str]
):
    path = own_home / STORES / f"{shelf}.duckdb"
    damage(path, path.read_bytes()[: path.stat().st_size // 2])
    before = path.read_bytes()
    check(run_hub(*typed(name, words), home=own_home), 2, f"{path}: the file is damaged")
    assert path.read_bytes() == before


@pytest.mark.parametrize("shelf", ["market", "journal"])
def test_the_doctor_names_a_damaged_store_and_looks_on(shelf: str, own_home: Path):
    path = own_home / STORES / f"{shelf}.duckdb"
    damage(path, path.read_bytes()[: path.stat().st_size // 2])
    ran = run_hub("doctor", home=own_home)
    check(ran, 1, f"{path}: the file is damaged")
    assert "✓ directional-DEMO" in ran.out


# The registry


@pytest.mark.parametrize("name", [*WITH_REGISTRY, "doctor"])
def test_a_missing_registry_is_told_with_what_to_do(name: str, own_home: Path, words: dict[str, str]):
    shutil.rmtree(own_home / REGISTRY)
    check(run_hub(*typed(name, words), home=own_home), *ROWS[name].no_models)


@pytest.mark.parametrize("name", [*WITH_REGISTRY, "doctor"])
def test_a_damaged_model_is_told_with_its_file(name: str, own_home: Path, words: dict[str, str]):
    cut_the_models(own_home)
    check(run_hub(*typed(name, words), home=own_home), *ROWS[name].broken_model)


@pytest.mark.parametrize("name", [name for name in WITH_REGISTRY if name.startswith("models")])
def test_a_file_in_the_place_of_the_registry_is_told(name: str, own_home: Path, words: dict[str, str]):
    shutil.rmtree(own_home / REGISTRY)
    (own_home / REGISTRY).write_text("mine")
    said = f"{own_home / REGISTRY}: expected the folder of the models, found a file; move it away."
    check(run_hub(*typed(name, words), home=own_home), 2, said)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("models show", "LATEST_VERSION.txt"),
        ("models verify", "LATEST_VERSION.txt"),
        ("models verify", "journal.jsonl"),
        ("models promote", "journal.jsonl"),
        ("models rollback", "journal.jsonl"),
        ("models delete", "journal.jsonl"),
    ],
)
def test_a_damaged_pointer_or_journal_is_told_with_the_model_it_is_of(
    name: str, file: str, own_home: Path, words: dict[str, str]
):
    damage(own_home / REGISTRY / "directional" / file, b"{garbage\n")
    check(run_hub(*typed(name, words), home=own_home), 2, f"directional: {file}: ")


# No permission, no room


@contextmanager
def nobody() -> Iterator[None]:
    """Be a user who owns nothing, where the tests run as root, whom no permission binds."""
    if not ROOT_ON_LINUX:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture(scope="module")
def locked_home(verb_home: Path) -> Iterator[Path]:
    """A home that may be read but not written; not under pytest's own folder, which it closes to everybody else."""
    if sys.platform == "win32":
        pytest.skip("the bits of permissions are a matter of Unix")
    with TemporaryDirectory() as above:
        Path(above).chmod(0o755)
        home = copied(verb_home, Path(above) / "home")
        inside = [home, *home.rglob("*")]
        for path in inside:
            path.chmod(0o555 if path.is_dir() else 0o444)
        yield home
        for path in inside:
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.parametrize("name", ON_SHELVES)
@pytest.mark.usefixtures("small")
def test_a_home_that_may_not_be_written_is_told_or_only_read(name: str, locked_home: Path, words: dict[str, str]):
    before = fingerprint(locked_home)
    with nobody():
        ran = run_hub(*typed(name, words), home=locked_home)
    if ROWS[name].writes or ROWS[name].shelves != ("registry",):
        check(ran, 2, "ermission")
        assert str(locked_home) in ran.said
    else:
        check(ran, 0, "")
    assert fingerprint(locked_home) == before


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("disk")
    mounted = ROOT_ON_LINUX and not subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(place)], capture_output=True, check=False
    ).returncode  # fmt: skip
    if not mounted:
        pytest.skip("mounting a small disk takes the rights of root on Linux")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("name", WRITING)
@pytest.mark.usefixtures("small")
def test_a_full_disk_is_told_and_harms_nothing_and_the_verb_goes_on_when_there_is_room(
    name: str, small_disk: Path, verb_home: Path, words: dict[str, str]
):
    home = small_disk / "home"
    if name == "demo":
        home.mkdir()
    else:
        copied(verb_home, home)
    before = fingerprint(home)
    try:
        filled = small_disk / "filling"
        with filled.open("wb", buffering=0) as filling:
            try:
                while filling.write(bytes(65536)):
                    pass
            except OSError:
                pass
        ran = run_hub(*typed(name, words), home=home)
        check(ran, 2, str(home))
        assert "disk is full" in ran.said or "No space left on device" in ran.said
        if name not in ("models delete",):  # that makes its note of intent first
            assert fingerprint(home) == before
        filled.unlink()
        again = run_hub(*typed(name, words), home=home)
        check(again, 0, "")
    finally:
        for path in small_disk.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
