"""What the process that follows feeds says of itself, the daily work that it has done, and how it is broken off."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ml_data.feeds.base import Notice
from ml_data.store import Store
from ml_inference.clock_watch import ClockWatch
from ml_inference.live_state import Following, JobState, LiveState, Told, Trouble, read_state, write_state
from ml_models.model_registry import ModelRegistry
from ml_scripts import live_board, live_jobs
from ml_scripts.live_board import Board
from ml_scripts.live_health import health_of
from ml_scripts.live_jobs import Job, Jobs, jobs_of
from tests.hub_home import DEMO, REGISTRY, ROOT, STORES, copied, using
from tests.ml_scripts.hub_runs import run_hub
from trading.domain.daily_job import AfterClose
from trading.settings import ServiceSettings

MONDAY = datetime(2025, 3, 3, 22, 0, tzinfo=UTC)


def minutes(count: float) -> datetime:
    return MONDAY + timedelta(minutes=count)


STATE = LiveState(
    4711,
    MONDAY,
    minutes(90),
    memory_bytes=312_400_000,
    follows={
        "MGC": Following(
            "ib:127.0.0.1:7497",
            "following",
            minutes(90),
            newest_bar=minutes(88),
            next_event=minutes(125),
            last_forecast=Told(minutes(65), "MGC 2025-03-04 0900: UP 61.0%."),
        ),
        "MNQ": Following("folder:/nowhere", "waiting", minutes(89), last_error=Told(minutes(89), "no such folder.")),
    },
    jobs={
        "MGC settle": JobState(minutes(10), minutes(10), minutes(11), 0),
        "MGC monitor": JobState(minutes(15), minutes(15), minutes(20), 1),
        "MGC retrain": JobState(minutes(-1)),
    },
)


def test_a_process_that_lives_is_told_with_each_feed_and_each_daily_work():
    told = [(each.state, f"{each.what}: {each.sentence}") for each in health_of(STATE, minutes(90.5))]
    assert told == [
        ("good", "live: alive (process 4711, since 2025-03-03 22:00Z, 312 MB)"),
        (
            "good",
            "live MGC: ib:127.0.0.1:7497 is following; newest bar 2025-03-03 23:28Z, 2 min ago; last forecast "
            "2025-03-03 23:05Z: MGC 2025-03-04 0900: UP 61.0%; next range complete at 2025-03-04 00:05Z.",
        ),
        ("bad", "live MNQ: folder:/nowhere is waiting; last error 2025-03-03 23:29Z: no such folder."),
        ("good", "job MGC settle: due 2025-03-03 22:10Z, done at 2025-03-03 22:11Z in 60 s."),
        (
            "look",
            "job MGC monitor: due 2025-03-03 22:15Z, done at 2025-03-03 22:20Z in 5 min; left with 1: live.log has "
            "what it said.",
        ),
        ("good", "job MGC retrain: not due since it is on the schedule (2025-03-03 21:59Z)."),
    ]


def test_a_feed_that_is_silent_while_the_market_trades_is_not_called_good():
    silent = Trouble("MGC", "silent", "No bar since 23:28Z.", minutes(40), minutes(99))
    state = replace(STATE, alive_at=minutes(100), troubles={"MGC silent": silent})
    feed = health_of(state, minutes(100))[1]
    assert (feed.state, feed.what) == ("look", "live MGC")
    assert "12 min ago; silent since 2025-03-03 23:39Z: No bar since 23:28Z; last forecast" in feed.sentence
    over = replace(state, troubles={"MGC silent": replace(silent, over_at=minutes(100))})
    assert health_of(over, minutes(100))[1].state == "good"
    assert "silent" not in health_of(replace(state, ended_at=minutes(100)), minutes(100))[1].sentence


def test_a_feed_of_a_process_that_is_gone_is_not_said_to_be_followed():
    for state in (STATE, replace(STATE, ended_at=minutes(90))):
        feed = health_of(state, minutes(92))[1]
        assert (feed.state, feed.what) == ("look", "live MGC")
        assert feed.sentence.startswith("ib:127.0.0.1:7497 was followed until then; newest bar")
        assert "next range" not in feed.sentence


@pytest.mark.parametrize(
    ("state", "at", "told"),
    [
        (STATE, minutes(92), ("bad", "not alive since 2025-03-03 23:30Z (process 4711, since 2025-03-03 22:00Z)")),
        (STATE, minutes(30), ("bad", "process 4711, since 2025-03-03 22:00Z wrote at 2025-03-03 23:30Z, which is to ")),
        (
            replace(STATE, ended_at=minutes(90)),
            minutes(9_000),
            ("look", "nothing is followed: process 4711, since 2025-03-03 22:00Z, ended in good order at 2025-03-03 "),
        ),
    ],
)
def test_a_process_that_is_gone_is_told_by_how_it_left(state: LiveState, at: datetime, told: tuple[str, str]):
    first = health_of(state, at)[0]
    assert first.state == told[0]
    assert first.sentence.startswith(told[1])


def test_the_state_comes_back_from_disk_as_it_was_and_half_a_file_is_none(tmp_path: Path):
    path = tmp_path / "live.json"
    write_state(path, STATE)
    assert read_state(path) == STATE
    path.write_bytes(path.read_bytes()[:400])
    assert read_state(path) is None
    assert health_of(read_state(tmp_path / "none.json"), MONDAY) == ()


# Clocks


def test_a_sleep_and_a_clock_that_is_set_back_are_told_once_and_small_corrections_are_not():
    watch = ClockWatch(timedelta(seconds=30))
    looks = [minutes(0), minutes(0.5), minutes(0.49), minutes(500), minutes(500.1), minutes(440.1), minutes(440.2)]
    told = [watch.looked(at) for at in looks]
    assert [each.kind if each else None for each in told] == [None, None, None, "woke", None, "clock", None]
    assert told[3] == Notice(
        "woke",
        "nobody was there from 2025-03-03 22:00:29Z to 2025-03-04 06:20:00Z, 8 h 19 min: the machine slept or was "
        "stopped, or its clock was set ahead. Moments in between are missed.",
    )
    assert told[5] == Notice(
        "clock",
        "the machine's clock went back by 1 h 0 min, to 2025-03-04 05:20:06Z. Nothing is answered twice, and nothing "
        "before the clock has reached its moment.",
    )


# Daily work


@pytest.fixture
def home(logged_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = copied(logged_home, tmp_path / "home")
    monkeypatch.setenv("HUB_HOME", str(folder))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    return folder


def owed(home: Path, *verbs: str) -> None:
    """Put daily work on the schedule that was done last in 2023; all other is done for good."""
    every = {f"DEMO {verb}": JobState(datetime(2100, 1, 1, tzinfo=UTC)) for verb in ("settle", "monitor", "retrain")}
    due = {f"DEMO {verb}": JobState(datetime(2023, 5, 1, tzinfo=UTC)) for verb in verbs}
    write_state(home / STORES / "live.json", LiveState(1, MONDAY, MONDAY, MONDAY, jobs=every | due))


def jobs_on_disk(home: Path) -> dict[str, JobState]:
    state = read_state(home / STORES / "live.json")
    assert state is not None
    return dict(state.jobs)


def test_work_that_was_missed_is_done_once_by_a_child_and_told_with_its_exit_code(home: Path):
    owed(home, "settle")
    ran = run_hub("service", "run-due", home=home)
    assert (ran.code, ran.out) == (0, "DEMO settle: left with 0\n")
    with using(home) as opened:
        assert len(opened.outcomes("prediction_id")) == 60
    done = jobs_on_disk(home)["DEMO settle"]
    assert (done.exit_code, done.dealt > datetime(2026, 1, 1, tzinfo=UTC)) == (0, True)
    [line] = [json.loads(each) for each in (home / STORES / "live.log").read_text().splitlines()]
    assert (line["instrument"], line["kind"]) == ("DEMO", "job")
    assert line["sentence"].startswith("DEMO settle: hub settle --instrument DEMO left with 0. DEMO: 60 predictions ")
    assert run_hub("service", "run-due", home=home).out == "Nothing is due.\n"


def look_until(jobs: Jobs, at: datetime, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while not done():
        assert time.monotonic() < deadline
        jobs.look(at)
        time.sleep(0.02)


def test_work_that_fails_leaves_its_code_and_does_not_keep_other_work_from_being_done(home: Path):
    store, told = Store(home / STORES), list[Notice]()
    board = Board(store, _to(told))
    after = AfterClose(DEMO, 10)
    commands = {"wrong": [("settle", "--instrument", "NOSUCH")], "none": [], "right": [("models", "list")]}
    work = [Job(name, "DEMO", after, lambda name=name: commands[name]) for name in commands]  # type: ignore[misc]
    for name in commands:
        board.put_job(name, JobState(datetime(2025, 2, 1, tzinfo=UTC)))
    jobs = Jobs(work, board, _to(told))
    look_until(jobs, MONDAY, lambda: board.job("right").exit_code is not None)  # type: ignore[union-attr]
    codes = {name: state.exit_code for name in commands if (state := board.job(name))}
    assert codes == {"wrong": 2, "none": 0, "right": 0}
    assert [notice.kind for notice in told] == ["job_failed", "job"]
    assert told[0].sentence.startswith("wrong: hub settle --instrument NOSUCH left with 2. NOSUCH: no such instrument.")
    assert jobs.look(MONDAY) is False
    store.close()


def test_a_disk_that_takes_nothing_is_told_once_and_ends_nothing(home: Path, monkeypatch: pytest.MonkeyPatch):
    store, told = Store(home / STORES), list[Notice]()
    board = Board(store, _to(told))
    jobs = Jobs([Job("full", "DEMO", AfterClose(DEMO, 10), lambda: [("settle",)])], board, _to(told))
    board.put_job("full", JobState(datetime(2025, 2, 1, tzinfo=UTC)))

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(live_board, "write_state", full)
        disk.setattr(live_jobs.tempfile, "TemporaryFile", full)
        jobs.look(MONDAY)
        board.alive()
    assert [notice.kind for notice in told] == ["store", "job_failed"]
    assert told[0].sentence.endswith(
        "live.json: cannot be written: No space left on device. Tried again every ten seconds."
    )
    assert told[1].sentence == "full: cannot be begun: No space left on device."
    board.alive()
    assert jobs_on_disk(home)["full"].exit_code == 1
    store.close()


def test_work_that_is_broken_off_is_owed_still(home: Path):
    store, told = Store(home / STORES), list[Notice]()
    board = Board(store, _to(told))
    board.put_job("slow", JobState(datetime(2025, 2, 1, tzinfo=UTC)))
    jobs = Jobs([Job("slow", "DEMO", AfterClose(DEMO, 10), lambda: [("app", "--help")])], board, _to(told))
    jobs.look(MONDAY)
    jobs.stop()
    assert [notice.sentence for notice in told] == ["slow was broken off; it is done with the next start."]
    store.close()
    again = Board(Store(home / STORES), _to(told)).job("slow")
    assert again is not None
    assert (again.dealt, again.ended_at) == (datetime(2025, 2, 1, tzinfo=UTC), None)


def _to(told: list[Notice]) -> Any:
    return lambda notice, _: told.append(notice)


def test_every_model_is_monitored_by_the_name_of_its_family_and_rule(break_home: Path):
    work = jobs_of(ModelRegistry(break_home / REGISTRY), DEMO, ServiceSettings(retrain_at="never"))
    assert [job.name for job in work] == ["DEMO settle", "DEMO monitor"]
    typed = [" ".join(command) for command in work[1].commands()]
    assert "monitor --instrument DEMO --recipe directional" in typed
    assert "monitor --instrument DEMO --recipe entry_quality --rule full-rr1-day" in typed
    assert len(typed) == 5


# The process


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGSTOP")
def test_a_process_that_was_stopped_tells_it_and_one_that_was_killed_is_told_by_doctor_and_status(home: Path):
    owed(home)
    (home.parent / "bars").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "ml_scripts.service", "run", "--home", home, "--feed", "DEMO=folder:bars"],
        env=os.environ | {"HUB_FEED__LATE_SECONDS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_for(lambda: "DEMO" in follows(home), process)
        assert run_hub("service", "status", home=home).code == 0
        assert run_hub("service", "run-due", home=home).said.count("follows DEMO=folder:bars") == 1  # it does the work
        process.send_signal(signal.SIGSTOP)
        time.sleep(2)
        process.send_signal(signal.SIGCONT)
        wait_for(lambda: "woke" in (home / STORES / "live.log").read_text(), process)
    finally:
        process.kill()
        output, _ = process.communicate()
    assert output == b""
    state = read_state(home / STORES / "live.json")
    assert state is not None
    write_state(home / STORES / "live.json", replace(state, alive_at=state.alive_at - timedelta(minutes=2)))
    for verb in (("service", "status"), ("doctor",)):
        ran = run_hub(*verb, home=home)
        assert ran.code == 1
        assert f"✕ live: not alive since {state.alive_at - timedelta(minutes=2):%Y-%m-%d %H:%MZ}" in ran.said
        assert f"(process {process.pid}, since" in ran.said


def follows(home: Path) -> Any:
    state = read_state(home / STORES / "live.json")
    return {} if state is None else state.follows


def wait_for(happened: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 300
    while not happened():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_unit_is_written_where_it_is_wanted_and_follows_the_feeds_of_the_settings(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    settings = tmp_path / "my hub.toml"
    settings.write_text('[service]\nfollow = ["DEMO=folder:/data/demo"]\n')
    monkeypatch.setenv("HUB_TOML", str(settings))
    ran = run_hub("service", "install", "--platform", "systemd", "--to", str(tmp_path / "units"), home=home)
    assert (ran.code, ran.out) == (0, f"Written: {tmp_path / 'units' / 'trading-hub.service'}\n")
    unit = (tmp_path / "units" / "trading-hub.service").read_text()
    assert f'"run" "--home" "{home}" "--settings" "{settings}"\n' in unit
    assert f"\nWorkingDirectory={tmp_path}\n" in unit
