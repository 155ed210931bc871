"""A version made again: the same, or which input has changed."""

import json

import pytest

from ml_models.documents import DamagedVersion
from ml_training.code_state import code_state, library_versions
from ml_training.reproduction import Reproduction, reproduce
from tests.hub_home import DEMO, MODEL, Home
from tests.ml_models.drafts import damage, resigned
from trading.domain.instrument import Instrument
from trading.errors import HubError


def again(home: Home, version: str, instrument: Instrument = DEMO) -> Reproduction:
    return reproduce(home.store, home.registry, instrument, MODEL, version, code_state(), library_versions())


@pytest.fixture
def version(home: Home) -> str:
    return str(home.registry.versions(MODEL)[0].version)


def test_a_version_comes_back_byte_for_byte(home: Home, version: str):
    found = again(home, version)
    assert found.passed
    assert found.same == dict.fromkeys(("model.txt", "calibrator.json", "schema.json", "golden.json"), True)
    assert found.sentences[0].startswith(f"{MODEL} {version}: the same, byte for byte (model.txt, ")
    assert found.data_hash == home.registry.metadata(MODEL, version).data_hash


def test_a_revised_bar_is_named_as_changed_data(home: Home, version: str):
    with home.store.market_write() as cursor:
        cursor.execute("UPDATE market.bars_1m SET volume = volume + 1 WHERE ts::DATE = DATE '2023-03-01'")
    found = again(home, version)
    assert not found.passed
    assert found.same == {}
    assert found.changed[0].name.startswith("data ")


def test_bars_after_the_last_day_change_nothing(home: Home, version: str):
    with home.store.market_write() as cursor:
        cursor.execute("DELETE FROM market.bars_1m WHERE ts::DATE > DATE '2023-05-02'")
    assert again(home, version).passed


def test_another_library_is_named(home: Home, version: str):
    folder = home.registry.root / MODEL
    document = json.loads((folder / version / "metadata.json").read_bytes())
    document["libraries"]["scipy"] = "0.0.1"
    other = resigned(folder, version, {"metadata.json": json.dumps(document).encode()})
    found = again(home, str(other))
    names = {each.name: each for each in found.changed}
    assert (names["library scipy"].then, names["library scipy"].now) == ("0.0.1", library_versions()["scipy"])
    assert "Changed since, without effect on it:" in found.sentences


def test_other_settings_of_the_instrument_are_named(home: Home, version: str):
    costs = DEMO.costs.model_copy(update={"slippage_ticks": DEMO.costs.slippage_ticks + 1})
    found = again(home, version, DEMO.model_copy(update={"costs": costs}))
    assert "settings of DEMO" in [each.name for each in found.changed]
    assert not found.passed


def test_another_seed_makes_another_model_and_is_not_passed_off_as_the_same(home: Home, version: str):
    folder = home.registry.root / MODEL
    document = json.loads((folder / version / "metadata.json").read_bytes())
    document["extra"]["recipe"]["seed"] += 1
    found = again(home, str(resigned(folder, version, {"metadata.json": json.dumps(document).encode()})))
    assert not found.passed
    assert not found.same["model.txt"]


def test_a_damaged_version_is_not_made_again(home: Home, version: str):
    damage(home.registry.root / MODEL / version / "model.txt", b"tree\n")
    with pytest.raises(DamagedVersion, match=r"model\.txt"):
        again(home, version)


def test_a_recipe_of_another_hub_says_which_code_made_it(home: Home, version: str):
    folder = home.registry.root / MODEL
    document = json.loads((folder / version / "metadata.json").read_bytes())
    document["extra"]["recipe"]["no_such_part"] = 1
    other = resigned(folder, version, {"metadata.json": json.dumps(document).encode()})
    with pytest.raises(HubError, match="git checkout "):
        again(home, str(other))
