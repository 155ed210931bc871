"""`hub shadow --feed` as a person or cron starts it: what it prints, how it leaves, and that there is only one."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from ml_inference.live_state import Following, read_state
from ml_models.model_registry import ModelRegistry
from ml_scripts.shadow import command
from tests.hub_home import MODEL, NOW, REGISTRY, ROOT, STORES, copied, using
from tests.ml_inference.shelves import three_class_draft


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
    lines = (home / STORES / "live.log").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_a_replay_prints_a_line_an_event_and_says_what_it_came_to(home: Path):
    code, said, _ = run("--feed", "replay:2023-05-08..2023-05-08")
    assert code == 0
    lines = said.splitlines()
    assert sum(" answered: DEMO 2023-05-08 " in line for line in lines) == 6
    assert "(end); 0 new bars" in lines[-1]
    assert "6 forecasts, 0 refused, 0 missed" in lines[-1]
    with using(home) as opened:
        assert opened.journal("DISTINCT replayed") == [(True,)]
    assert {line["kind"] for line in log_of(home)} >= {"started", "answered", "ended"}
    assert read_state(home / STORES / "live.json") is None  # a replay is not the live loop


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
    state = read_state(home / STORES / "live.json")
    assert state is not None
    assert state.follows["DEMO"].newest_bar == starts + timedelta(minutes=3)


def test_either_a_feed_or_a_replay_must_be_named(home: Path):
    assert "either --feed FEED, or --replay FROM TO" in run()[2]
    assert "either --feed FEED, or --replay FROM TO" in run("--feed", "x:y", "--replay", "2023-05-08", "2023-05-09")[2]


def test_a_replay_asks_the_challengers_too_unless_one_family_is_named(home: Path):
    registry = ModelRegistry(home / REGISTRY)
    champion = str(registry.load(MODEL).version)
    registry.promote(MODEL, champion, now=NOW, who="Ann", why="a test")
    draft = three_class_draft(registry.load(MODEL))
    challenger = str(registry.publish(MODEL, draft, now=NOW, who="Ann", why="a test"))
    registry.promote(MODEL, challenger, "challenger-a", now=NOW, who="Ann", why="a test")
    code, said, _ = run("--replay", "2023-05-08", "2023-05-08")
    assert code == 0
    assert said.splitlines()[:3] == [
        "DEMO: 12 decision moments; 12 logged (0 refused), 0 logged before, 0 without a range.",
        f"{MODEL} champion {champion}: 6 decision moments; 6 logged (0 refused), 0 logged before, 0 without a range.",
        f"{MODEL} challenger-a {challenger}: 6 decision moments; 6 logged (0 refused), 0 logged before, 0 without a "
        "range.",
    ]
    with using(home) as opened:
        asked = set(opened.journal("role, version, replayed"))
    assert sorted(asked) == [("challenger-a", challenger, True), ("champion", champion, True)]
    code, said, _ = run("--replay", "2023-05-09", "2023-05-09", "--recipe", "directional", "--version", champion)
    assert said.splitlines()[0].startswith("DEMO: 6 decision moments; 6 logged")


@pytest.mark.parametrize(
    ("feeds", "words"),
    [
        (
            ("DEMO=folder:/a", "demo=folder:/b"),
            "DEMO has two feeds, folder:/a and folder:/b; name each instrument once",
        ),
        (("NQ=folder:/a",), "--feed NQ=folder:/a is of NQ, and --instrument says DEMO; leave that away."),
        (("DEMO=pigeon:/a",), "--feed: expected one of folder:/path/to/files; "),
    ],
)
@pytest.mark.usefixtures("home")
def test_feeds_that_cannot_be_meant_are_refused(feeds: tuple[str, ...], words: str):
    assert words in run(*(word for feed in feeds for word in ("--feed", feed)))[2]


def follows(home: Path) -> Mapping[str, Following]:
    state = read_state(home / STORES / "live.json")
    return {} if state is None else state.follows


@pytest.fixture
def running(home: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    (tmp_path / "bars").mkdir()
    feeds = [f"DEMO=folder:{tmp_path / 'bars'}", "NQ=folder:/nowhere"]
    process = subprocess.Popen(
        [sys.executable, "-m", "ml_scripts.shadow", "--json"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "HUB_SERVICE__FOLLOW": json.dumps(feeds)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not {"DEMO", "NQ"} <= follows(home).keys():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl+C to consoles, not to processes")
def test_ctrl_c_ends_the_steps_at_hand_and_a_second_loop_is_told_who_is_there(
    running: subprocess.Popen[str], home: Path
):
    code, _, error = run("--feed", "replay:2023-05-08..2023-05-08")
    assert code != 0
    assert f"process {running.pid} follows DEMO=folder:" in error
    assert " with this journal already; one process follows all feeds of a journal." in error
    # A feed that cannot be followed is named, tried again, and stops no other.
    found = follows(home)
    assert (found["DEMO"].state, found["NQ"].state) == ("following", "waiting")
    assert found["DEMO"].dealt.keys() == {"directional-DEMO champion"}
    refused = found["NQ"].last_error
    assert refused is not None
    assert refused.sentence.startswith("directional-NQ: nothing is published yet. Train a version: hub train")
    assert refused.sentence.endswith("NQ is tried again in 30 seconds.")
    running.send_signal(signal.SIGINT)
    said, lines = running.communicate(timeout=60)
    assert running.returncode == 0
    ended = {live["instrument"]: live["live"]["ended_by"] for live in json.loads(said)["lives"]}
    assert ended == {"DEMO": "stopped", "NQ": "failed"}
    assert "started: DEMO follows folder:" in lines
    assert "Traceback" not in lines
    state = read_state(home / STORES / "live.json")
    assert state is not None
    assert state.ended_at is not None
