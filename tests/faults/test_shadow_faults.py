"""A replay that is killed anywhere and started again ends with the journal of one that was never interrupted."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ml_inference.shadow import decision_moments
from ml_monitoring.outcome_logger import settle
from tests.hub_home import DEMO, NOW, ROOT, Home, copied, using

FIRST, LAST = "2023-05-01", "2023-05-16"
KILLS = 30
NEVER = 10**9


class Killer:
    """The helper process; orders go in, what became of them comes out."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def said(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, self._process.stderr.read() if self._process.stderr else "the helper died"
        return line

    def order(self, home: Path, how: str, number: float | int) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{home} {FIRST} {LAST} {how} {number}\n")
        self._process.stdin.flush()
        return self.said()


@pytest.fixture
def killer(demo_home: Path) -> Iterator[Killer]:  # the home first: making it warms the cache of the compiled passes
    if not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.shadow_killer"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    helper = Killer(process)
    try:
        assert helper.said() == "ready"
        yield helper
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


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
            if killer.order(home, "after" if timed else "call", number) == "done":
                break
            kills += 1
            found = logged(home)
            assert found == moments()[: len(found)], "an event was left out, answered twice, or out of its order"
            assert len(found) >= known, "a logged prediction is gone"
            known = len(found)
        assert killer.order(home, "call", NEVER) == "done"
        with using(home) as opened:
            assert repr(everything(opened)) == wanted
            before = repr([opened.journal("*"), opened.outcomes("*")])
        assert killer.order(home, "call", NEVER) == "done"  # and once more: nothing is left to do
        with using(home) as opened:
            assert repr([opened.journal("*"), opened.outcomes("*")]) == before
