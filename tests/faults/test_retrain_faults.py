"""A retraining that is killed anywhere leaves champion, pointers and stages; the next one tells of it and goes on."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_data.retrainings import retrainings_of
from tests.faults.killers import NEVER, Killer, killing
from tests.hub_home import MODEL, Home, copied, using

KILLS = int(os.environ.get("FAULT_KILLS", "10"))
"""`make nightly` kills 200 times."""


@pytest.fixture
def killer(demo_home: Path) -> Iterator[Killer]:  # the home first: making it warms the cache of the compiled passes
    with killing("retrain_killer") as helper:
        yield helper


def in_use(home: Home) -> dict[str, object]:
    """What a retraining that loses must not change: every pointer, every stage, and the version that answers."""
    return {
        "pointers": {str(each.version): each.aliases for each in home.registry.versions(MODEL) if each.aliases},
        "moves": [move for move in home.registry.journal(MODEL) if move.alias is not None],
        "stages": home.store.stamp("journal") and _stages(home),
        "answers": home.engine().version().version_hash,
    }


def _stages(home: Home) -> list[tuple[object, ...]]:
    with home.store.journal() as cursor:
        return cursor.execute("SELECT * FROM journal.ml_stage_history").fetchall()


def check_all_told(home: Home) -> None:
    """Every record has its end, every version that was made is judged as its record says, and is whole."""
    records = retrainings_of(home.store, MODEL)
    assert all(each.result is not None for each in records)
    judged = {each.result.candidate: each.result for each in records if each.result and each.result.candidate}
    for summary in home.registry.versions(MODEL):
        if summary.aliases:
            continue
        assert summary.standing == ("rejected",)
        assert summary.rejected == judged[str(summary.version)].why
        assert home.registry.verify(MODEL, summary.version) == []


def test_a_retraining_killed_at_many_points_leaves_the_champion_and_the_next_one_ends(
    demo_home: Path, tmp_path: Path, killer: Killer
):
    home, chance, kills = copied(demo_home, tmp_path / "home"), random.Random(20230703), 0  # noqa: S311
    with using(home) as opened:
        wanted = in_use(opened)
    calls = {how: int(killer.order(home, how, NEVER).removeprefix("done ")) for how in ("keep", "made")}
    calls["whole"] = calls.pop("keep")
    while kills < KILLS:
        how = "made" if kills % 10 else "whole"
        said = killer.order(home, how, chance.randrange(calls[how]))
        assert said == "killed" or said.startswith("done "), said
        kills += said == "killed"
        with using(home) as opened:
            assert in_use(opened) == wanted
            running = [each for each in retrainings_of(opened.store, MODEL) if each.result is None]
            assert len(running) <= 1, "what was cut off before must have been told"
    assert killer.order(home, "made", NEVER).startswith("done ")
    with using(home) as opened:
        assert in_use(opened) == wanted
        check_all_told(opened)
        verdicts = {each.result.verdict for each in retrainings_of(opened.store, MODEL) if each.result}
        assert verdicts == {"cut off", "rejected"}
