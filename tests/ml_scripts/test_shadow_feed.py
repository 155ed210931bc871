"""`hub shadow --feed` as a person or cron starts it: what it prints, how it leaves, and that there is only one."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from ml_inference.live_state import read_state
from ml_scripts.shadow import command
from tests.hub_home import ROOT, STORES, copied, using


@pytest.fixture
def home(demo_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = copied(demo_home, tmp_path / "home")
    monkeypatch.setenv("HUB_HOME", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def run(*arguments: str) -> tuple[int, str, str]:
    cli = typer.Typer()
    cli.command()(command)
    result = CliRunner().invoke(cli, [*arguments, "--instrument", "DEMO"])
    return result.exit_code, result.stdout, str(result.exception or "")


def log_of(home: Path) -> list[dict[str, Any]]:
    lines = (home / STORES / "live-directional-DEMO.log").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_a_replay_prints_a_line_an_event_and_says_what_it_came_to(home: Path):
    code, said, _ = run("--feed", "replay:2023-05-08..2023-05-08")
    assert code == 0
    lines = said.splitlines()
    assert sum(" answered: DEMO 2023-05-08 " in line for line in lines) == 6
    assert "(end); 0 bars new" in lines[-1]
    assert "6 forecasts, 0 refused, 0 missed" in lines[-1]
    with using(home) as opened:
        assert opened.journal("DISTINCT replayed") == [(True,)]
    assert {line["kind"] for line in log_of(home)} >= {"started", "answered", "ended"}
    assert read_state(home / STORES / "live-directional-DEMO.json") is None  # a replay is not the live loop


def test_with_json_there_is_one_object_on_stdout(home: Path):
    code, said, _ = run("--feed", "replay:2023-05-08..2023-05-08", "--json")
    found = json.loads(said)
    assert (code, found["live"]["ended_by"], found["live"]["report"]["answered"]) == (0, "end", 6)


def test_one_step_for_cron_takes_what_is_new_and_leaves(home: Path, tmp_path: Path):
    starts = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=30)
    bars = tmp_path / "bars.csv"
    rows = [f"{starts + timedelta(minutes=m):%Y-%m-%dT%H:%M:%SZ},2000,2001,1999,2000,{m + 1},{{}}\n" for m in range(4)]
    bars.write_text("timestamp,open,high,low,close,volume,symbol\n" + "".join(row.format("DEMOZ6") for row in rows[:3]))
    with using(home) as opened, opened.store.market() as cursor:
        contract = cursor.execute("SELECT max(contract) FROM market.bars_1m").fetchone()
    assert contract is not None
    bars.write_text(bars.read_text().replace("DEMOZ6", str(contract[0])))
    code, said, _ = run("--feed", f"folder:{bars}", "--once", "--json")
    assert (code, json.loads(said)["live"]["report"]["bars_stored"]) == (0, 3)
    with bars.open("a") as file:
        file.write(rows[3].format(contract[0]))
    code, said, _ = run("--feed", f"folder:{bars}", "--once", "--json")
    assert (code, json.loads(said)["live"]["report"]["bars_stored"]) == (0, 1)
    state = read_state(home / STORES / "live-directional-DEMO.json")
    assert state is not None
    assert state.newest_bar == starts + timedelta(minutes=3)


def test_either_a_feed_or_a_replay_must_be_named(home: Path):
    assert "either --feed FEED, or --replay FROM TO" in run()[2]
    assert "either --feed FEED, or --replay FROM TO" in run("--feed", "x:y", "--replay", "2023-05-08", "2023-05-09")[2]


@pytest.fixture
def running(home: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    (tmp_path / "bars").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "ml_scripts.shadow", "--feed", f"folder:{tmp_path / 'bars'}", "--json"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "HUB_INSTRUMENT": "DEMO"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 60
        while read_state(home / STORES / "live-directional-DEMO.json") is None:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl+C to consoles, not to processes")
def test_ctrl_c_ends_the_step_at_hand_and_a_second_loop_is_told_who_is_there(running: subprocess.Popen[str]):
    code, _, error = run("--feed", "replay:2023-05-08..2023-05-08")
    assert code != 0
    assert f"directional-DEMO: process {running.pid} (folder:" in error
    assert "follows a feed with it already" in error
    running.send_signal(signal.SIGINT)
    said, lines = running.communicate(timeout=60)
    assert running.returncode == 0
    assert json.loads(said)["live"]["ended_by"] == "stopped"
    assert "started: DEMO follows folder:" in lines
    assert "Traceback" not in lines
