"""`hub backup` while others write, killed anywhere, and on a disk without room."""

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_models.model_registry import ModelRegistry
from tests.faults.killers import NEVER, Killer, killing
from tests.faults.store_child import ROOT, child, next_line, stored
from tests.faults.test_live_faults import Day, follow
from tests.hub_home import MODEL, REGISTRY, STORES, copied, using
from tests.ml_scripts.hub_runs import run_hub

KILLS = int(os.environ.get("FAULT_KILLS", "4"))
WRITER = """
store = Store(home)
for number in range(100_000):
    add(store, str(number))
    print(number, flush=True)
"""


@pytest.fixture(scope="module")
def killer(logged_home: Path) -> Iterator[Killer]:
    with killing("step_killer") as helper:
        yield helper


def finished(elsewhere: Path) -> list[Path]:
    return [path for path in sorted(elsewhere.iterdir()) if path.suffix != ".partial"]


def check_whole(made: Path, home: Path) -> None:
    """It holds what the home holds, and every version can be trusted."""
    with using(made) as copy, using(home) as opened:
        assert repr(copy.journal("*")) == repr(opened.journal("*"))
        versions = copy.registry.versions(MODEL)
        assert [each.version for each in versions] == [each.version for each in opened.registry.versions(MODEL)]
        assert [copy.registry.verify(MODEL, each.version) for each in versions] == [[]] * len(versions)


def test_a_backup_made_while_another_process_writes_holds_every_row_acknowledged_before_it_began(
    logged_home: Path, tmp_path: Path
):
    home, elsewhere = copied(logged_home, tmp_path / "home"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    with child(WRITER, home / STORES) as writer:
        acknowledged = {next_line(writer) for _ in range(20)}  # the newest of them are in the log alone
        ran = run_hub("backup", str(elsewhere), "--no-bars", home=home)
        writer.kill()
        out, _ = writer.communicate()
    assert ran.code == 0, ran
    written = {line.strip() for line in out.splitlines(keepends=True) if line.endswith("\n")}
    assert len(written) > 10, "nothing was written meanwhile"
    [made] = elsewhere.iterdir()
    found = stored(made / STORES)
    assert acknowledged <= set(found)
    assert set(found.values()) == {6}, "a transaction is there in part"
    assert {*acknowledged, *written} <= set(stored(home / STORES))


def test_a_backup_made_while_another_process_publishes_holds_whole_versions_and_their_moves(
    logged_home: Path, tmp_path: Path
):
    home, elsewhere, start = copied(logged_home, tmp_path / "home"), tmp_path / "elsewhere", tmp_path / "start"
    elsewhere.mkdir()
    arguments = [str(home / REGISTRY), "eve", "3", str(start)]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.registry_publisher", *arguments], stdout=subprocess.PIPE, text=True
    ) as publisher:
        assert next_line(publisher) == "ready"
        start.touch()
        first = next_line(publisher)
        ran = run_hub("backup", str(elsewhere), "--no-bars", home=home)
        assert ran.code == 0, ran
        publisher.communicate()
    [made] = elsewhere.iterdir()
    copy = ModelRegistry(made / REGISTRY)
    listed = [str(each.version) for each in copy.versions("directional")]
    assert first in listed
    assert sorted(str(move.to_version) for move in copy.journal("directional")) == sorted(listed)
    assert copy.load("directional").version in listed


@pytest.mark.parametrize("state", ["newer than the journal", "gone"])
def test_a_backup_of_a_home_that_is_followed_live_is_put_back_and_what_lies_between_is_written_down_as_missed(
    live_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str
):
    home, elsewhere = copied(live_home, tmp_path / "home"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    day = Day(home, iter(()))
    verb = [sys.executable, "-m", "ml_scripts.hub", "backup", str(elsewhere)]

    def back_up() -> None:
        subprocess.run(verb, cwd=ROOT, env={**os.environ, "HUB_HOME": str(home)}, check=True, capture_output=True)

    day.faults = iter([*[day.market.grow] * 4, back_up])
    follow(day, monkeypatch)
    [made] = elsewhere.iterdir()
    with using(home) as whole, using(made) as copy:
        logged, held = whole.journal("prediction_id, refusal_code"), copy.journal("prediction_id, refusal_code")
    assert len(logged) == 6
    assert 0 < len(held) < 5
    # As docs/data.md says: the loop has ended; the file and its log away, those of the backup there.
    for path in (home / STORES).glob("journal.duckdb*"):
        path.rename(tmp_path / path.name)
    for path in (made / STORES).glob("journal.duckdb*"):
        shutil.copy2(path, home / STORES)
    if state == "gone":
        (home / STORES / "live.json").unlink()
    follow(Day(home, iter(())), monkeypatch)
    with using(home) as restored:
        found = restored.journal("prediction_id, refusal_code")
    assert {row for row in found if row[1] != "missed"} == set(held)
    assert {row[0] for row in found} == {row[0] for row in logged}
    assert run_hub("doctor", home=home).code == 0


def test_a_killed_backup_leaves_nothing_under_the_final_name_and_the_next_is_whole(
    logged_home: Path, tmp_path: Path, killer: Killer
):
    home, elsewhere = copied(logged_home, tmp_path / "home"), tmp_path / "home" / "backups"
    elsewhere.mkdir()
    begun = time.monotonic()
    said = killer.order("backup", home, "call", NEVER)
    took = time.monotonic() - begun
    assert said.startswith("done "), said
    calls, chance = int(said.removeprefix("done ")), random.Random(20261128)  # noqa: S311
    check_whole(finished(elsewhere)[0], home)
    shutil.rmtree(elsewhere)
    for number in range(KILLS):
        elsewhere.mkdir()
        # The first dies as it is about to be renamed; of the others every second at a moment of the clock.
        how, when = ("after", round(chance.uniform(0.0, took), 3)) if number % 2 else ("call", chance.randrange(calls))
        said = killer.order("backup", home, how, calls - 2 if number == 0 else when)
        assert said == "killed" or said.startswith("done "), said
        for made in finished(elsewhere):  # killed after it was renamed
            check_whole(made, home)
        assert said == "killed" or finished(elsewhere)
        if number == 0:
            assert [path.suffix for path in elsewhere.iterdir()] == [".partial"]
        time.sleep(1.0)  # another name
        before = finished(elsewhere)
        ran = run_hub("backup", str(elsewhere), "--no-bars", home=home)
        assert ran.code == 0, ran
        [made] = set(finished(elsewhere)) - set(before)
        check_whole(made, home)
        assert ("or was killed: then remove it." in ran.said) == any(elsewhere.glob("*.partial"))
        shutil.rmtree(elsewhere)


@pytest.mark.parametrize("share", [0.1, 0.6, 0.99])
def test_a_disk_without_room_for_all_of_it_is_told_and_nothing_is_left(share: float, logged_home: Path, tmp_path: Path):
    home, elsewhere, disk = copied(logged_home, tmp_path / "home"), tmp_path / "elsewhere", tmp_path / "disk"
    for folder in (elsewhere, disk):
        folder.mkdir()
    assert run_hub("backup", str(elsewhere), home=home).code == 0
    needed = sum(path.stat().st_blocks * 512 for path in elsewhere.rglob("*"))
    mounted = sys.platform == "linux" and os.geteuid() == 0
    mounted = mounted and not subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={int(needed * share)}", "tmpfs", str(disk)], capture_output=True,
        check=False,
    ).returncode  # fmt: skip
    if not mounted:
        pytest.skip("mounting a small disk takes the rights of root on Linux")
    try:
        ran = run_hub("backup", str(disk), home=home)
        assert ran.code == 2, ran
        assert "disk is full" in ran.said or "No space left on device" in ran.said
        assert str(disk) in ran.said
        assert list(disk.iterdir()) == []
        subprocess.run(["mount", "-o", "remount,size=100m", str(disk)], check=True)
        assert run_hub("backup", str(disk), home=home).code == 0
        check_whole(finished(disk)[0], home)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
