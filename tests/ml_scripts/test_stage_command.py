"""`hub gates` and `hub stage` as typed: nobody gets up without evidence, everybody gets down, even damaged."""

from datetime import UTC, date, datetime
from pathlib import Path

from ml_data.feeds.base import Notice
from ml_data.journal import append_predictions
from ml_data.stage_history import StageChange, append_stage_change
from ml_data.store import Store
from ml_inference.inference_engine import MLInferenceEngine
from ml_inference.shadow import decision_moments
from ml_models.model_registry import ModelRegistry
from ml_scripts.console import Hub
from ml_scripts.live_feed import _settled
from tests.hub_home import DEMO, MODEL, NOW, REGISTRY, STORES
from tests.ml_models.drafts import damage
from tests.ml_scripts.hub_runs import run_hub
from trading.settings import HubSettings

UP = ("--to", "advisory", "--by", "Ann", "--why", "it looks good")
DOWN = ("--to", "shadow", "--by", "Ann", "--why", "enough")


def in_advisory(home: Path) -> str:
    """Write down that the newest version is in advisory, on evidence that nobody has."""
    version = max(path.name for path in (home / REGISTRY / MODEL).glob("v_*"))
    store = Store(home / STORES)
    since = datetime(2023, 6, 5, tzinfo=UTC)
    append_stage_change(store, StageChange(MODEL, version, "advisory", "champion", since, "Bob", "bold", "e" * 64))
    store.close()
    return version


def test_without_its_evidence_a_version_stays_and_every_reason_is_told(own_home: Path):
    ran = run_hub("stage", MODEL, *UP, "--json", home=own_home)
    assert ran.code == 1
    assert ran.object["stage"] == "shadow"
    assert any("trading days with live forecasts" in reason for reason in ran.object["refused"])
    assert run_hub("stage", MODEL, "--json", home=own_home).object["moves"] == []


def test_gates_say_what_counts_and_give_the_hash_of_it(own_home: Path):
    found = run_hub("gates", "--instrument", "DEMO", "--json", home=own_home).object
    assert (found["stage"], found["live"]) == ("advisory", 0)
    assert {gate["state"] for gate in found["gates"] if gate["name"] in ("days", "skill", "net_r")} == {"cannot tell"}
    assert len(found["evidence_hash"]) == 64


def test_a_stage_on_bars_of_years_ago_is_taken_back_by_the_next_look_and_stays_closed(own_home: Path):
    version = in_advisory(own_home)
    found = run_hub("monitor", "--instrument", "DEMO", "--json", home=own_home).object
    assert [(move["version"], move["stage"]) for move in found["taken_back"]] == [(version, "shadow")]
    assert found["taken_back"][0]["why"].startswith("stale_data")
    looked = run_hub("breaker", "--instrument", "DEMO", "--json", home=own_home).object
    assert (looked["tripped"], looked["taken_back"]) == (True, [])
    assert {each["code"]: each["state"] for each in looked["codes"]}["stale_data"] == "tripped"
    refused = run_hub("stage", MODEL, *UP, "--json", home=own_home).object["refused"]
    assert any(reason.startswith("Circuit breaker is armed: Tripped: stale_data since") for reason in refused)
    by_hand = ("--rearm", "stale_data", "--by", "Ann", "--why", "it is fine")
    ran = run_hub("breaker", "--instrument", "DEMO", *by_hand, "--json", home=own_home)
    assert (ran.code, ran.object["code"]) == (1, "stale_data")


def test_a_damaged_version_is_taken_back_by_hand(own_home: Path):
    version = in_advisory(own_home)
    damage(own_home / REGISTRY / MODEL / version / "model.txt", b"nothing")
    ran = run_hub("stage", MODEL, "--version", version, *DOWN, home=own_home)
    assert (ran.code, ran.out) == (0, f"{MODEL} {version} is in shadow now.\n")
    again = run_hub("stage", MODEL, "--version", version, "--json", home=own_home).object
    assert [(move["stage"], move["by_whom"]) for move in again["moves"]] == [("advisory", "Bob"), ("shadow", "Ann")]


def test_the_loop_takes_a_version_back_when_outcomes_come_in_and_a_replay_never_does(own_home: Path):
    version = in_advisory(own_home)
    store, registry = Store(own_home / STORES), ModelRegistry(own_home / REGISTRY)
    hub = Hub(HubSettings(home=own_home), store, registry)
    engine = MLInferenceEngine(store, registry, DEMO, model=MODEL, clock=lambda: NOW)
    for event in list(decision_moments(DEMO, date(2023, 5, 8), date(2023, 5, 8))):
        append_predictions(store, [engine.predict(event)], event.decided_at)
    told: list[Notice] = []
    replayed = _settled(hub, DEMO, told.append, datetime(2023, 5, 8, 12, tzinfo=UTC), set(), live=False)
    assert replayed.matured > 0
    assert told == []
    assert _settled(hub, DEMO, told.append, NOW, set(), live=True).matured > 0
    store.close()
    [notice] = told
    assert notice.kind == "taken_back"
    assert f"{version} is in shadow now: stale_data" in notice.sentence
