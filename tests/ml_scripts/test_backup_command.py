"""`hub backup`: what a trader finds in the copy, what is never in it, and what is told when it is not whole."""

import json
import stat
import sys
from pathlib import Path

import pytest

from ml_data import store as store_module
from ml_data.store import Store
from ml_models.model_registry import ModelRegistry
from tests.hub_home import MODEL, REGISTRY, STORES, using
from tests.ml_models.drafts import damage
from tests.ml_scripts.conftest import fingerprint
from tests.ml_scripts.hub_runs import Ran, run_hub
from tests.ml_scripts.verb_table import cut_the_models
from trading.settings import SHIPPED_INSTRUMENTS

CHANNEL = "tgram://123456789abc/hunter22-hunter22"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def backup(home: Path, elsewhere: Path, *more: str) -> Path:
    ran = run_hub("backup", str(elsewhere), *more, home=home)
    assert ran.code == 0, ran
    [made] = elsewhere.iterdir()
    return made


def check_nothing_is_left(ran: Ran, elsewhere: Path, said: str) -> None:
    assert ran.code == 2, ran
    assert said in ran.said
    assert list(elsewhere.iterdir()) == []


def test_the_copy_opens_as_a_home_whose_predictions_come_out_bit_for_bit(own_home: Path, elsewhere: Path):
    ran = run_hub("backup", str(elsewhere), "--json", home=own_home)
    [made] = elsewhere.iterdir()
    assert ran.object["folder"] == str(made)
    assert ran.object["rows"]["journal"]["ml_predictions"] == 60
    assert ran.object["versions"] == 4
    for verb in ("audit replay", "doctor"):
        there, here = (run_hub(*verb.split(), home=home) for home in (made, own_home))
        assert there.code == here.code == 0
        assert there.out.replace(str(made), "HOME") == here.out.replace(str(own_home), "HOME")
    with using(made) as copy, using(own_home) as home:
        assert repr(copy.journal("*")) == repr(home.journal("*"))  # NaN is not equal to itself
        copy.replay("2023-05-29", "2023-05-29")  # it goes on from there, in the copy alone
        assert copy.registry.journal(MODEL) == home.registry.journal(MODEL)
        assert repr(copy.journal("*")) != repr(home.journal("*"))


def test_the_copy_is_named_after_the_instant_and_holds_nothing_but_what_a_home_holds(own_home: Path, elsewhere: Path):
    made = backup(own_home, elsewhere)
    assert made.name.startswith("hub-20")
    assert len(made.name) == len("hub-20261128T093000Z")
    found, of_home = fingerprint(made), fingerprint(own_home)
    stores = {f"{STORES}/market.duckdb", f"{STORES}/journal.duckdb"}
    assert stores <= set(found)
    models = {name for name in of_home if name.startswith(str(REGISTRY))}
    assert {name: of_home[name] for name in models} == {name: found[name] for name in set(found) - stores}
    beside = {path.name for path in (made / STORES).iterdir()}
    assert beside == {"market.duckdb", "market.duckdb.stamp", "journal.duckdb", "journal.duckdb.stamp"}


def test_without_bars_the_journal_the_models_and_the_settings_are_there(own_home: Path, elsewhere: Path):
    made = backup(own_home, elsewhere, "--no-bars")
    assert [path.name for path in sorted((made / STORES).iterdir())] == ["journal.duckdb", "journal.duckdb.stamp"]
    assert "✓ journal: 60 predictions logged" in run_hub("doctor", home=made).out


@pytest.mark.parametrize("secrets", ["secrets.toml", "config/secrets.toml", "config/series/keys.toml"])
def test_secrets_are_never_copied_wherever_they_lie_and_that_is_told(
    secrets: str, own_home: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
):
    for kind in ("instruments", "series"):
        (own_home / "config" / kind).mkdir(parents=True)
    (own_home / "config" / "instruments" / "ES.toml").write_bytes((SHIPPED_INSTRUMENTS / "ES.toml").read_bytes())
    (own_home / secrets).write_text(f'[alerts.channels.phone]\nurl = "{CHANNEL}"\n')
    for name in ("live.json", "live.log", "live.log.1", "live.lock", "parquet"):
        (own_home / STORES / name).write_text(CHANNEL)
    settings = own_home.parent / "mine.toml"
    settings.write_text('instrument = "DEMO"\n')
    monkeypatch.setenv("HUB_TOML", str(settings))
    monkeypatch.setenv("HUB_SECRETS", str(own_home / secrets))
    ran = run_hub("backup", str(elsewhere), "--no-bars", home=own_home)
    assert ran.code == 0, ran
    assert "Not in it: secrets.toml, logs, locks, live.json, Parquet, bars: import them again." in ran.said
    [made] = elsewhere.iterdir()
    files = {path.relative_to(made).as_posix(): path.read_bytes() for path in made.rglob("*") if path.is_file()}
    assert {name for name in files if not name.startswith(("ml_models/", "ml_data/journal.duckdb"))} == {
        "hub.toml",
        "config/instruments/ES.toml",
    }
    assert [name for name, content in files.items() if CHANNEL.encode() in content] == []
    assert files["hub.toml"] == b'instrument = "DEMO"\n'


@pytest.mark.skipif(sys.platform == "win32", reason="the bits of permissions are a matter of Unix")
def test_nobody_may_read_more_of_the_copy_than_of_the_home(own_home: Path, elsewhere: Path):
    for name, mode in (("", 0o750), (STORES, 0o700), (STORES / "journal.duckdb", 0o600), (REGISTRY / MODEL, 0o710)):
        (own_home / name).chmod(mode)
    made = backup(own_home, elsewhere)
    modes = {
        path.relative_to(made): (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE((own_home / name).stat().st_mode))
        for path in (made, *made.rglob("*"))
        for name in (path.relative_to(made),)
    }
    assert {name: both for name, both in modes.items() if both[0] & ~both[1]} == {}
    assert modes[Path()] == (0o750, 0o750)
    assert modes[STORES / "journal.duckdb"] == (0o600, 0o600)


def test_a_file_put_back_does_not_look_like_the_one_that_was_there(own_home: Path, elsewhere: Path):
    store = Store(own_home / STORES)
    before = {store.stamp("journal"), store.stamp("market")}
    store.close()
    made = Store(backup(own_home, elsewhere) / STORES)
    assert not {made.stamp("journal"), made.stamp("market")} & {*before, 0}
    made.close()


# What is not whole


def test_a_model_that_is_damaged_at_home_is_copied_as_it_is_and_told(own_home: Path, elsewhere: Path):
    cut_the_models(own_home)
    damage(own_home / REGISTRY / "directional" / "journal.jsonl", b"{garbage\n")
    ran = run_hub("backup", str(elsewhere), "--json", home=own_home)
    assert ran.code == 1
    [made] = elsewhere.iterdir()
    assert [each.split(": ")[1].split(" ")[0] for each in ran.object["problems"]] == ["journal.jsonl", "model.txt"]
    with using(made) as copy:
        assert len(copy.journal()) == 60


def test_a_copy_of_a_model_that_is_damaged_on_the_way_is_refused(
    own_home: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
):
    copy = ModelRegistry.copy_model

    def badly(registry: ModelRegistry, model: str, root: Path) -> None:
        copy(registry, model, root)
        [path] = (root / MODEL).glob("v_*/model.txt") if model == MODEL else [None]
        if path is not None:
            damage(path, path.read_bytes().replace(b"tree", b"bush", 1))

    monkeypatch.setattr(ModelRegistry, "copy_model", badly)
    ran = run_hub("backup", str(elsewhere), home=own_home)
    check_nothing_is_left(ran, elsewhere, "was changed after it was published")
    assert "It is whole in the home: copy it to another disk." in ran.said


def test_a_copy_of_a_store_that_lacks_a_row_is_refused(
    own_home: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
):
    contents = store_module._contents

    def of_a_bad_disk(cursor: object, alias: str) -> dict[str, tuple[int, int | None]]:
        held = contents(cursor, alias)
        rows, hashed = held["ml_predictions"]
        return held if alias == "journal" else {**held, "ml_predictions": (rows, (hashed or 0) + 1)}

    monkeypatch.setattr(store_module, "_contents", of_a_bad_disk)
    ran = run_hub("backup", str(elsewhere), home=own_home)
    check_nothing_is_left(ran, elsewhere, "does not hold what was copied into it (ml_predictions); use another disk.")


def test_a_folder_within_the_registry_is_refused(own_home: Path):
    before = fingerprint(own_home)
    ran = run_hub("backup", str(own_home / REGISTRY / MODEL), home=own_home)
    assert (ran.code, fingerprint(own_home)) == (2, before)
    assert "a backup there would be taken for a model" in ran.said


def test_what_a_killed_backup_left_is_told_and_not_touched(own_home: Path, elsewhere: Path):
    left = elsewhere / "hub-20260101T000000Z.partial" / "half"
    left.parent.mkdir()
    left.write_text("half")
    ran = run_hub("backup", str(elsewhere), "--no-bars", home=own_home)
    assert ran.code == 0
    assert f"{left.parent}: a backup is at work there, or was killed: then remove it." in ran.said
    assert left.read_text() == "half"
    assert json.loads(run_hub("backup", str(elsewhere), "--no-bars", "--json", home=own_home).out)["unfinished"] == [
        str(left.parent)
    ]
