"""An import that is killed at any step leaves whole files, and running it again ends as if nothing had happened."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ml_data.ingest import ingest
from ml_data.store import Store
from tests.ml_data.bar_files import NOW, csv, minutes, nq

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def killer():
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.ingest_killer"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.stdin.close()


def tables(home: Path) -> dict[str, list[tuple]]:
    store = Store(home)
    with store.market() as cursor:
        found = {
            "bars": cursor.execute("SELECT * FROM market.bars_1m ORDER BY ALL").fetchall(),
            "dirty": cursor.execute(
                "SELECT instrument, first_ts, last_ts FROM market.history_dirty ORDER BY ALL"
            ).fetchall(),
            "files": cursor.execute(
                "SELECT file_name FROM market.bar_imports WHERE rows_stored + rows_revised > 0 ORDER BY ALL"
            ).fetchall(),
            "revisions": cursor.execute(
                "SELECT ts, old_close, new_close FROM market.bar_revisions ORDER BY ALL"
            ).fetchall(),
        }
    store.close()
    return found


def test_a_killed_import_leaves_whole_files_and_running_it_again_gives_the_same_store(killer, tmp_path: Path):
    rows = minutes("2024-01-03 00:00", 8)
    files = [
        csv(tmp_path / "a.csv", *minutes("2024-01-02 00:00", 6)),
        csv(tmp_path / "b.csv", *rows, "x"),
        csv(tmp_path / "c.csv", *rows[:7], rows[7].replace(",17", ",18")),
        csv(tmp_path / "d.csv", *minutes("2024-01-05 00:00", 6)),
    ]
    halfway = []
    for count in range(5):
        store = Store(tmp_path / f"first-{count}")
        ingest(store, nq(), files[:count], now=NOW)
        store.close()
        halfway.append(tables(tmp_path / f"first-{count}"))
    died_at = []
    for step in range(100):
        home = tmp_path / f"home-{step}"
        killer.stdin.write(f"{home} {step} {' '.join(map(str, files))}\n")
        killer.stdin.flush()
        answer = killer.stdout.readline().strip()
        left = tables(home)
        assert left in halfway, f"killed at {step}, {answer}"
        died_at.append(answer.removeprefix("killed "))
        store = Store(home)
        ingest(store, nq(), files, now=NOW)
        store.close()
        assert tables(home) == halfway[4], f"killed at {step}, {answer}"
        if answer == "done":
            break
    assert died_at[-1] == "done"
    assert {"put", "_change_stamp", "_detach"} <= set(died_at)
    assert len(died_at) > 15
