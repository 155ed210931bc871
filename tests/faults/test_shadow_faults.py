"""A replay that is killed anywhere and started again ends with the journal of one that was never interrupted."""

import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ml_inference.shadow import decision_moments
from ml_monitoring.outcome_logger import settle
from tests.faults.killers import NEVER, Killer, killing
from tests.hub_home import DEMO, NOW, Home, copied, using

FIRST, LAST = "2023-05-01", "2023-05-16"
KILLS = 30


@pytest.fixture
def killer(demo_home: Path) -> Iterator[Killer]:  # the home first: making it warms the cache of the compiled passes
    with killing("shadow_killer") as helper:
        yield helper


def moments() -> list[tuple[date, str]]:
    span = (date.fromisoformat(FIRST), date.fromisoformat(LAST))
    return [(each.trading_day, each.orb) for each in decision_moments(DEMO, *span)]


def logged(home: Path) -> list[tuple[date, str]]:
    with using(home) as opened, opened.store.journal() as cursor:
        return cursor.execute("SELECT trading_day, orb FROM journal.ml_predictions").fetchall()


def everything(home: Home) -> list[tuple[Any, ...]]:
    return [*home.journal(), *home.outcomes()]


def test_a_replay_killed_at_thirty_points_ends_with_the_journal_of_one_that_was_not(
    demo_home: Path, tmp_path: Path, killer: Killer
):
    with using(copied(demo_home, tmp_path / "whole")) as whole:
        whole.replay(FIRST, LAST)
        settle(whole.store, DEMO, now=NOW)
        wanted = repr(everything(whole))
    chance, kills, rounds = random.Random(20230501), 0, 0  # noqa: S311
    while kills < KILLS:  # a fast machine comes to the end before the thirtieth: then another home is begun
        rounds += 1
        home, known = copied(demo_home, tmp_path / f"killed-{rounds}"), 0
        while kills < KILLS:
            timed = kills % 3 == 2
            number = round(chance.uniform(0.02, 0.4), 3) if timed else chance.randrange(50)
            if killer.order(home, FIRST, LAST, "after" if timed else "call", number) == "done":
                break
            kills += 1
            found = logged(home)
            assert found == moments()[: len(found)], "an event was left out, answered twice, or out of its order"
            assert len(found) >= known, "a logged prediction is gone"
            known = len(found)
        assert killer.order(home, FIRST, LAST, "call", NEVER) == "done"
        with using(home) as opened:
            assert repr(everything(opened)) == wanted
            before = repr([opened.journal("*"), opened.outcomes("*")])
        assert killer.order(home, FIRST, LAST, "call", NEVER) == "done"  # and once more: nothing is left to do
        with using(home) as opened:
            assert repr([opened.journal("*"), opened.outcomes("*")]) == before
