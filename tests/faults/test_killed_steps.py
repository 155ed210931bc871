"""The live loop, `hub settle`, a publication and a page that writes, killed anywhere and started again.

What was acknowledged is there once, nothing is there twice, and the next run ends as one that was never disturbed.
"""

import json
import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ml_data.actions import DEEDS
from ml_models import model_registry
from ml_models.model_registry import ModelRegistry
from tests.app_pages.small_home import make_home, many_forecasts
from tests.faults.killers import NEVER, Killer, killing
from tests.faults.step_killer import NOTES
from tests.hub_home import MODEL, REGISTRY, STORES, copied, using
from tests.ml_scripts.hub_runs import run_hub

KILLS = int(os.environ.get("FAULT_KILLS", "2"))
"""Of each step; `make nightly` kills 200 times."""
TRIES = 20
"""In one home, before the step is taken to its end."""
Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def killer(demo_home: Path) -> Iterator[Killer]:  # the home first: making it warms the cache of the compiled passes
    with killing("step_killer") as helper:
        yield helper


@pytest.fixture(scope="module")
def noted_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("noted") / "home", many_forecasts(2))


def rows(home: Path, question: str) -> Rows:
    with using(home) as opened, opened.store.journal() as cursor:
        return cursor.execute(question).fetchall()


def journal_of(home: Path) -> Rows:
    """Everything that the journal holds of predictions and outcomes, but for how long they took and when they ran."""
    with using(home) as opened:
        return [*opened.journal("* EXCLUDE (logged_at, latency_ms)"), *opened.outcomes()]


def check_nothing_is_doubled(home: Path) -> None:
    keys = {"ml_predictions": "prediction_id", "ml_outcomes": "prediction_id, revision", "ml_alerts": "alert_id"}
    for table, key in keys.items():
        doubled = f"SELECT {key} FROM journal.{table} GROUP BY ALL HAVING count(*) > 1"
        assert rows(home, doubled) == [], table


def told_by_the_loop(home: Path) -> list[str]:
    """Return the events whose answer, or whose lack of one, the loop acknowledged in its log."""
    log = home / STORES / "live.log"
    lines = log.read_text().splitlines(keepends=True) if log.exists() else []
    found = [json.loads(line) for line in lines if line.endswith("\n")]
    return [line["sentence"].split(":")[0] for line in found if line["kind"] in ("answered", "refused_event", "missed")]


def acknowledged(home: Path) -> list[str]:
    path = home / "acknowledged"
    return path.read_text().splitlines() if path.exists() else []


def check_live(home: Path) -> None:
    logged = Counter(
        f"DEMO {day} {orb}" for day, orb in rows(home, "SELECT trading_day, orb FROM journal.ml_predictions")
    )
    told = told_by_the_loop(home)
    assert set(told) <= set(logged), "acknowledged and lost"
    assert max(Counter(told).values(), default=1) == 1, "acknowledged twice"
    assert max(logged.values(), default=1) == 1, "answered twice"


def check_settled(home: Path) -> None:
    outcomes = rows(home, "SELECT count(*) FROM journal.ml_outcomes")[0][0]
    predictions = rows(home, "SELECT count(*) FROM journal.ml_predictions")[0][0]
    assert outcomes in (0, predictions), "settled in part"
    assert outcomes or not acknowledged(home), "acknowledged and lost"


def check_published(home: Path) -> None:
    registry = ModelRegistry(home / REGISTRY)
    listed = {str(each.version) for each in registry.versions(MODEL)}
    assert set(acknowledged(home)) <= listed, "acknowledged and lost"
    for version in listed:
        assert registry.verify(MODEL, version) == []
    assert str(registry.load(MODEL).version) in listed


def check_noted(home: Path) -> None:
    noted = Counter(why for (why,) in rows(home, "SELECT why FROM journal.ml_actions"))
    assert set(acknowledged(home)) <= set(noted), "acknowledged and lost"
    assert max(noted.values(), default=1) == 1, "noted twice"


CHECKS = {"live": check_live, "settle": check_settled, "publish": check_published, "page": check_noted}


def check_end(step: str, home: Path, died: int) -> None:
    """The last run, after `died` kills, went to its end, and the hub itself finds nothing amiss."""
    if step == "live":  # a kill between the journal and the log leaves one answer untold, which is none the less there
        assert len(rows(home, "SELECT prediction_id FROM journal.ml_predictions")) == 6
        assert 6 - died <= len(told_by_the_loop(home)) <= 6
    if step == "page":
        last = rows(home, "SELECT action FROM journal.ml_actions ORDER BY revision DESC LIMIT 1")
        assert last == [(DEEDS[NOTES - 1],)]
    else:
        verb = ("models", "verify", MODEL) if step == "publish" else ("doctor",)
        ran = run_hub(*verb, home=home)
        assert ran.code == 0, ran.said


@pytest.mark.parametrize("step", CHECKS)
def test_a_step_killed_anywhere_loses_nothing_doubles_nothing_and_ends_when_it_is_taken_again(
    step: str, request: pytest.FixtureRequest, tmp_path: Path, killer: Killer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(model_registry, "run_load_check", lambda folder: None)  # the other tests run it
    fixtures = {"live": "live_home", "settle": "logged_home", "publish": "demo_home", "page": "noted_home"}
    source: Path = request.getfixturevalue(fixtures[step])
    whole = copied(source, tmp_path / "whole")
    begun = time.monotonic()
    said = killer.order(step, whole, "call", NEVER)
    took = time.monotonic() - begun
    assert said.startswith("done "), said
    calls, wanted = int(said.removeprefix("done ")), repr(journal_of(whole))
    chance, kills, rounds = random.Random(20230508), 0, 0  # noqa: S311
    while kills < KILLS:
        rounds += 1
        home, before = copied(source, tmp_path / f"killed-{rounds}"), kills
        for _ in range(TRIES):
            timed, last = kills % 2 == 1, calls // 4 if step == "live" else calls  # a live day dies several times
            number = round(chance.uniform(0.0, took), 4) if timed else chance.randrange(last)
            said = killer.order(step, home, "after" if timed else "call", number)
            assert said == "killed" or said.startswith("done "), said
            kills += said == "killed"
            CHECKS[step](home)
            check_nothing_is_doubled(home)
            if kills == KILLS or (said != "killed" and step in ("live", "settle")):  # nothing is left to do here
                break
        assert killer.order(step, home, "call", NEVER).startswith("done ")
        CHECKS[step](home)
        check_nothing_is_doubled(home)
        check_end(step, home, kills - before)
        assert repr(journal_of(home)) == wanted
        shutil.rmtree(home)
