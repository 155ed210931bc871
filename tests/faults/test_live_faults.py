"""The live loop meets the faults of a disk, a store, a clock and a feed, one after the other, within one day.

Each is named in the log, in the state on disk and on a page, and the journal is that of a day without any of them.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ml_data import store
from ml_data.feeds.base import Notice
from ml_data.store import Store
from ml_inference import roster
from ml_inference.clock_watch import ClockWatch
from ml_inference.live_state import LiveState, read_state, write_state
from ml_scripts import console, live_board, live_feed, shadow
from tests.app_pages.test_model_health_page import page
from tests.faults.growing_file import GrowingFile
from tests.faults.step_killer import MADE_AT
from tests.faults.store_child import child, next_line
from tests.hub_home import STORES, copied, using
from tests.ml_scripts.hub_runs import run_hub

HELD = """
store = Store(home)
with store.journal_write():
    print(os.getpid(), flush=True)
    time.sleep(600)
"""
OPENED = """
import duckdb
other = None
while other is None:
    try:
        other = duckdb.connect(str(home / "journal.duckdb"))
    except duckdb.IOException:  # the hub has it for a moment
        time.sleep(0.005)
print(os.getpid(), flush=True)
time.sleep(600)
"""
LONG = timedelta(minutes=30)
LOCKED_SECONDS = float(os.environ.get("FAULT_LOCK_SECONDS", "1.5"))
"""For so long another process keeps the journal, six times as long as the store waits; a real minute every night."""
Step = Callable[[], object]


@dataclass
class Day:
    """What happens while the loop pauses: the steps of `faults`, then the market goes on to the end of the day."""

    home: Path
    faults: Iterator[Step]
    clock_error: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        self.market = GrowingFile(self.home / "bars.csv")
        self.market_time = self.market.now()
        self._seen = Event()

    def looked(self, watch: ClockWatch, now: datetime) -> Notice | None:
        self._seen.set()
        return watch.looked(now)

    def seen(self) -> None:
        """Wait until somebody has looked at the clock twice, so that one look is of now."""
        for _ in range(2):
            self._seen.clear()
            assert self._seen.wait(30)

    def now(self) -> datetime:
        if self.market.path.exists():
            self.market_time = self.market.now()
        return self.market_time + self.clock_error

    def passes(self, stop: Event, _: float) -> None:
        step = next(self.faults, None)
        if step is not None:
            step()
        elif not self.market.grow():
            stop.set()


@dataclass(frozen=True)
class Watch:
    """The watch of the clock, which tells the day that it has looked."""

    day: Day
    real: ClockWatch

    def looked(self, now: datetime) -> Notice | None:
        return self.day.looked(self.real, now)


def follow(day: Day, monkeypatch: pytest.MonkeyPatch, wait: float = 0.3) -> None:
    with monkeypatch.context() as patched:
        for module in (live_feed, live_board, shadow):
            patched.setattr(module, "now", day.now)
        patched.setattr(live_feed, "_sleep", day.passes)
        patched.setattr(live_feed, "ClockWatch", lambda tolerance: Watch(day, ClockWatch(tolerance)))
        patched.setattr(live_feed, "jobs_of", lambda *_: [])
        patched.setattr(roster.Seat, "made_at", MADE_AT)
        patched.setattr(console, "Store", partial(Store, wait=wait))
        patched.setattr(store, "BURST_SECONDS", 0.0)  # the steps of a real day are minutes apart
        ran = run_hub("shadow", "--feed", f"folder:{day.market.path}", "--instrument", "DEMO", home=day.home)
    assert ran.code == 0, ran.err


def faults(day: Day, opened: ExitStack) -> Iterator[Step]:
    """Six moments, each under another fault of the store; then the faults of the feed and of the clock."""
    market, stores = day.market, day.home / STORES

    def begun(script: str) -> None:
        next_line(opened.enter_context(child(script, stores)))
        market.grow()

    def away(path: Path) -> None:
        path.rename(path.with_name("away"))

    def back(path: Path) -> None:
        path.with_name("away").rename(path)

    yield market.grow
    for script in (HELD, OPENED):
        yield partial(begun, script)
        yield opened.close
    for name in ("journal.duckdb", "market.duckdb"):
        yield lambda name=name: (away(stores / name), market.grow())
        yield partial(back, stores / name)
    yield lambda: (market.grow(), room(100))
    yield partial(room, None)
    until = market.until()
    yield lambda: (setattr(market, "more", 2), market.add(market.rows(until - timedelta(minutes=2), until)))
    clock_error = partial(setattr, day, "clock_error")
    yield lambda: (market.add(market.rows(until + LONG, until + 2 * LONG)), clock_error(2 * LONG))  # a hole
    yield lambda: market.add(market.rows(until, until + LONG))  # which is filled: out of order
    yield partial(away, market.path)
    yield partial(back, market.path)
    yield lambda: (clock_error(4 * LONG), day.seen())  # nothing is heard
    yield lambda: (clock_error(2 * LONG), day.seen())  # the clock goes back
    yield lambda: (clock_error(timedelta(0)), market.grow())


def room(left: int | None) -> None:
    """Let no file of this process grow beyond `left` bytes, as a disk without room would; None: as before."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most if left is None else left, most))


def log_of(home: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home / STORES / "live.log").read_text().splitlines()]


@pytest.fixture(scope="module")
def faulty_home(live_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home whose loop met every fault in turn."""
    home = copied(live_home, tmp_path_factory.mktemp("faulty") / "home")
    if sys.platform == "win32":
        pytest.skip("limits on the size of a file, and renaming what is open, are matters of Unix")
    with ExitStack() as opened, pytest.MonkeyPatch.context() as monkeypatch:
        day = Day(home, iter(()))
        day.faults = faults(day, opened)
        try:
            follow(day, monkeypatch)
        finally:
            room(None)
    return home


def test_the_journal_is_that_of_a_day_without_faults(
    faulty_home: Path, live_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = copied(live_home, tmp_path / "whole")
    follow(Day(whole, iter(())), monkeypatch)
    with using(whole) as undisturbed, using(faulty_home) as faulty:
        wanted, outcomes = undisturbed.journal("* EXCLUDE (latency_ms)"), undisturbed.outcomes()
        assert len(wanted) == len(outcomes) == 6
        assert repr(faulty.journal("* EXCLUDE (latency_ms)")) == repr(wanted)
        # What was settled over the hole was corrected when that was filled: the last word is the same.
        newest = {row[0]: row[:1] + row[2:] for row in faulty.outcomes()}
        assert repr(list(newest.values())) == repr([row[:1] + row[2:] for row in outcomes])
        assert len(set(faulty.outcomes("prediction_id, revision"))) == len(faulty.outcomes())


def test_a_journal_that_is_locked_for_long_costs_no_answer(
    live_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    locked, whole = copied(live_home, tmp_path / "locked"), copied(live_home, tmp_path / "whole")
    wait = LOCKED_SECONDS / 6
    follow(Day(whole, iter(())), monkeypatch)
    asked: list[float] = []

    def holding(day: Day) -> Iterator[Step]:
        yield day.market.grow
        with child(HELD, locked / STORES) as holder:
            next_line(holder)
            yield day.market.grow
            begun = time.monotonic()
            while time.monotonic() < begun + LOCKED_SECONDS:
                yield lambda: asked.append(time.monotonic() - begun)
        yield lambda: None  # the loop finds the journal free before the market goes on

    day = Day(locked, iter(()))
    day.faults = holding(day)
    follow(day, monkeypatch, wait)
    assert len(asked) >= 3
    assert asked[-1] > LOCKED_SECONDS / 2
    with using(whole) as undisturbed, using(locked) as held:
        wanted = undisturbed.journal("* EXCLUDE (latency_ms)")
        assert len(wanted) == 6
        assert repr(held.journal("* EXCLUDE (latency_ms)")) == repr(wanted)
        assert repr(held.outcomes()) == repr(undisturbed.outcomes())
    told = log_of(locked)
    for kind, over in (("store", "store_back"), ("alert_not_sent", "alerts_back")):
        said = [line["sentence"] for line in told if line["kind"] == kind]
        assert sum(f"held it for longer than {wait:g} s" in sentence for sentence in said) <= 1, kind
        assert sum(line["kind"] == over for line in told) == len(said), kind
    assert sum(line["kind"] == "store" for line in told) == 1


STORE_FAULTS = (
    "held it for longer than 0.3 s",
    "outside the hub; close it there",
    "journal.duckdb: the file is gone, though journal.duckdb.stamp says that it was here",
    "market.duckdb: the file is gone, though market.duckdb.stamp says that it was here",
    "the disk is full, so nothing of this step was stored",
)
FEED_FAULTS = ("repeated", "hole", "late", "missing", "readable", "silent", "heard", "clock")


def test_every_fault_is_named_once_in_the_log_and_when_it_is_over(faulty_home: Path):
    told = log_of(faulty_home)
    for words in STORE_FAULTS:
        assert sum(words in line["sentence"] for line in told if line["kind"] == "store") == 1, words
    assert sum(line["kind"] == "store_back" and line["instrument"] == "DEMO" for line in told) == len(STORE_FAULTS)
    assert set(FEED_FAULTS) <= {line["kind"] for line in told}


@pytest.mark.skipif(sys.platform == "win32", reason="limits on the size of a file are a matter of Unix")
def test_lines_that_a_full_disk_kept_from_the_log_are_written_when_there_is_room(tmp_path: Path):
    shown: list[str] = []
    with live_board.live_log(Store(tmp_path), shown.append) as tell:
        tell(Notice("stored", "before"))
        try:
            room(100)
            for number in range(3):
                tell(Notice("stored", f"while the disk is full, {number}"))
        finally:
            room(None)
        tell(Notice("stored", "after"))
    said = [json.loads(line)["sentence"] for line in (tmp_path / "live.log").read_text().splitlines()]
    assert said == ["before", *(f"while the disk is full, {number}" for number in range(3)), "after"]
    assert [line.split("live.log ")[1] for line in shown] == [
        "cannot be written: [Errno 27] File too large. Its last 200 lines wait for it.",
        "is written again.",
    ]


def put_into_the_present(home: Path, *, over: bool) -> LiveState:
    """Write the state of the loop as if all of it had happened just now; return it."""
    path, now = home / STORES / "live.json", datetime.now(UTC)
    state = read_state(path)
    assert state is not None
    troubles = {
        key: replace(each, first_at=now, last_at=now, over_at=now if over and each.over_at else None)
        for key, each in state.troubles.items()
    }
    state = replace(state, alive_at=now, ended_at=None, troubles=troubles)
    write_state(path, state)
    return state


def said_on_today(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    [said] = [each.value for each in shown(home, "today", monkeypatch).warning]
    return said


def shown(home: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("HUB_HOME", str(home))
    at = AppTest.from_function(page, args=(name,), default_timeout=60).run()
    assert not at.exception
    return at


def test_today_says_what_goes_on_and_what_has_just_passed(
    faulty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home = copied(faulty_home, tmp_path / "home")
    put_into_the_present(home, over=True)
    passing, lasting = (
        ("a hole from", "came after newer ones", "went back by"),
        ("no bar for", "not there", "disk is full"),
    )
    said = said_on_today(home, monkeypatch)
    assert [words for words in (*passing, *lasting) if words in said] == list(passing)
    put_into_the_present(home, over=False)
    said = said_on_today(home, monkeypatch)
    assert [words for words in (*passing, *lasting) if words in said] == [*passing, *lasting]
    assert "already with the same values" not in said


def test_the_data_page_lists_all_of_it(faulty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    home = copied(faulty_home, tmp_path / "home")
    state = put_into_the_present(home, over=True)
    at = shown(home, "data", monkeypatch)
    table = next(each.value for each in at.dataframe if "In words" in each.value.columns)
    assert set(table["In words"]) == {each.sentence for each in state.troubles.values()}
    assert set(table["State"].str[0]) == {"✓", "·"}
    assert any("✓ live: alive" in each.value for each in at.caption)
