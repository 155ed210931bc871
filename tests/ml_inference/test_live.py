"""The loop that follows a feed: the journal of a replay where all goes well, nothing back-dated where it does not."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ml_data.build import build
from ml_data.feeds import intake
from ml_data.feeds.base import Delivery, Feed, Notice, nothing_new
from ml_data.feeds.replay import ReplayClock, ReplayFeed
from ml_data.ingest import ingest_bars
from ml_data.store import Store
from ml_inference import live, live_state
from ml_inference.engine_settings import EngineSettings
from ml_inference.inference_engine import MLInferenceEngine
from ml_inference.live import Clocks, LiveLoop, LiveReport, LiveRules
from ml_inference.live_state import LiveState, live_path, watched_so_far, write_state
from ml_inference.replay_audit import audit_replay
from ml_inference.shadow import decision_moments
from ml_models.model_version import model_name
from ml_monitoring.outcome_logger import settle
from ml_training.recipe import shipped_recipe
from tests.hub_home import (
    BREAK_DAYS,
    BREAK_RECIPES,
    DEMO,
    MODEL,
    NOW,
    REGISTRY,
    STORES,
    Home,
    copied,
    demo_table,
    using,
)
from trading.errors import StoreBusy

FIRST, LAST = "2023-05-08", "2023-05-09"
RULES = LiveRules(timedelta(seconds=2), timedelta(seconds=30), hole_minutes=5, silent_minutes=10)
REPLAY = LiveRules(timedelta(0), None, hole_minutes=5, silent_minutes=10)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass
class Pushed:
    """A feed whose bars a test hands over."""

    name: str = "pushed"
    poll_seconds: float | None = 1.0
    settles_after: float = 0.0
    deliveries: list[Delivery] = field(default_factory=list)

    def newest(self, since: datetime | None, now: datetime) -> Delivery:
        return self.deliveries.pop(0) if self.deliveries else nothing_new()

    def close(self) -> None:
        pass


MARKET = cache(demo_table)


def bars(since: str, before: str) -> pa.Table:
    ts = MARKET()["ts"]
    return MARKET().filter(pc.and_(pc.greater_equal(ts, at(since)), pc.less(ts, at(before)))).sort_by("ts")


def loop_of(home: Home, feed: Feed, watched: str, told: list[Notice], rules: LiveRules = RULES) -> LiveLoop:
    return LiveLoop(
        home.store,
        home.engine(),
        feed,
        rules=rules,
        clocks=Clocks(home.clock, home.clock),
        watched=at(watched),
        settle=lambda now: settle(home.store, DEMO, now=now),
        tell=told.append,
    )


@pytest.fixture
def short_home(demo_home: Path, tmp_path: Path) -> Iterator[Home]:
    """Return a home whose bars end as the trading day of 8 May 2023 begins, two minutes before its first range."""
    folder = tmp_path / "home"
    copied(demo_home / REGISTRY, folder / REGISTRY)
    store = Store(folder / STORES)
    ingest_bars(store, DEMO, [bars("2000-01-01", "2023-05-07T22:58")], source_name="before", now=NOW)
    build(store, DEMO)
    store.close()
    with using(folder) as home:
        yield home


def replayed_journal(demo_home: Path, folder: Path) -> list[tuple[Any, ...]]:
    with using(copied(demo_home, folder)) as home:
        home.replay(FIRST, LAST)
        settle(home.store, DEMO, now=NOW)
        return [*home.journal(), *home.outcomes()]


@pytest.mark.parametrize("speed", [None, 1e7])
def test_a_feed_of_stored_bars_gives_the_journal_of_a_replay(home: Home, demo_home: Path, tmp_path: Path, speed: Any):
    seconds = iter(range(10**9))
    feed = ReplayFeed(home.store, DEMO, date.fromisoformat(FIRST), date.fromisoformat(LAST), speed)
    clock = ReplayClock(feed.starts_at, None if speed is None else 3_000.0, lambda: float(next(seconds)))
    told: list[Notice] = []
    loop = LiveLoop(
        home.store,
        home.engine(),
        feed,
        rules=REPLAY,
        clocks=Clocks(clock.now, home.clock),
        watched=feed.starts_at,
        settle=lambda now: settle(home.store, DEMO, now=now),
        tell=told.append,
        replayed=True,
    )
    stamp, report = home.store.stamp("market"), LiveReport()
    while not loop.ended:
        report = report.plus(loop.step())
        clock.wait(loop.pause_seconds(), lambda _: None)
    settle(home.store, DEMO, now=NOW)
    assert (report.answered, report.missed, report.bars_stored) == (12, 0, 0)
    assert home.store.stamp("market") == stamp  # the bars were there: nothing is written to them
    assert repr([*home.journal(), *home.outcomes()]) == repr(replayed_journal(demo_home, tmp_path / "replayed"))


@pytest.mark.parametrize("recipe", BREAK_RECIPES)
def test_moments_of_breaks_along_a_feed_are_answered_as_a_replay_answers_them(
    break_home: Path, tmp_path: Path, recipe: str
):
    model, (first, _) = model_name(recipe, "DEMO", shipped_recipe(recipe).rule), BREAK_DAYS
    mine = f"model = '{model}' AND trading_day = '{first}'"
    with using(copied(break_home, tmp_path / "home")) as home:
        wanted = home.journal(f"* EXCLUDE (logged_at, latency_ms) REPLACE ({mine} AS replayed)")
        wanted = [row for row in wanted if True in row]
        with home.store.journal_write() as cursor:
            cursor.execute("DELETE FROM journal.ml_predictions")
        day = date.fromisoformat(first)
        feed = ReplayFeed(home.store, DEMO, day, day)
        clock, told = ReplayClock(feed.starts_at, None, lambda: 0.0), list[Notice]()
        loop = LiveLoop(
            home.store,
            home.engine(model=model),
            feed,
            rules=REPLAY,
            clocks=Clocks(clock.now, home.clock),
            watched=feed.starts_at,
            settle=lambda now: settle(home.store, DEMO, now=now),
            tell=told.append,
            replayed=True,
        )
        while not loop.ended:
            loop.step()
            clock.wait(loop.pause_seconds(), lambda _: None)
        assert repr(home.journal()) == repr(wanted)
        assert len(wanted) > 0
        assert all(f" by {model} v_" in notice.sentence for notice in told if notice.kind == "answered")


def test_bars_that_come_on_time_minute_by_minute_give_the_answers_of_a_replay(
    short_home: Home, demo_home: Path, tmp_path: Path
):
    feed, told = Pushed(), list[Notice]()
    loop = loop_of(short_home, feed, "2023-05-07T22:59", told)
    stops = ["22:58", "23:02", "23:03", "23:04", "23:05", "23:06", "23:59"]
    stops = [f"2023-05-07T{stop}" for stop in stops] + [f"2023-05-08T00:0{minute}" for minute in range(3, 7)]
    for since, before in pairwise(stops):
        feed.deliveries.append(Delivery(bars(since, before)))
        short_home.clock.at = at(before) + timedelta(seconds=3)
        loop.step()
    live = short_home.journal("* EXCLUDE (logged_at, latency_ms, replayed)")
    assert [row[0] for row in short_home.journal("orb")] in (["0900", "1000"], ["1000", "0900"])
    with using(copied(demo_home, tmp_path / "replayed")) as home:
        home.replay(FIRST, FIRST)
        wanted = {row[0]: repr(row) for row in home.journal("* EXCLUDE (logged_at, latency_ms, replayed)")}
    assert all(wanted[row[0]] == repr(row) for row in live)
    assert short_home.journal("DISTINCT replayed, refusal_code IS NULL") == [(False, True)]
    assert [notice.kind for notice in told if notice.kind == "answered"] == ["answered"] * 2


def journal_of_orb(home: Home, orb: str) -> list[tuple[Any, ...]]:
    return [row[1:] for row in home.journal("orb, refusal_code, prob_up, replayed") if row[0] == orb]


def test_the_moment_waits_until_no_bar_before_it_is_missing(short_home: Home):
    feed, told = Pushed(), list[Notice]()
    loop = loop_of(short_home, feed, "2023-05-07T22:59", told)
    short_home.clock.at = at("2023-05-07T23:05:02")
    feed.deliveries.append(Delivery(bars("2023-05-07T22:58", "2023-05-07T23:04")))  # one minute is not there yet
    assert loop.step().answered == 0
    short_home.clock.at = at("2023-05-07T23:05:20")
    feed.deliveries.append(Delivery(bars("2023-05-07T23:04", "2023-05-07T23:05")))
    assert loop.step().answered == 1


def test_a_feed_that_vouches_for_a_minute_without_trades_is_believed(short_home: Home):
    feed = Pushed(deliveries=[Delivery(bars("2023-05-07T22:58", "2023-05-07T23:04"), through=at("2023-05-07T23:05"))])
    short_home.clock.at = at("2023-05-07T23:05:05")
    assert loop_of(short_home, feed, "2023-05-07T22:59", []).step().answered == 1


@pytest.mark.parametrize(("seconds", "code"), [(29, None), (30, None), (31, "missed"), (7200, "missed")])
def test_what_comes_late_is_written_down_as_missed_with_its_inputs_and_without_an_answer(
    short_home: Home, seconds: int, code: str | None
):
    feed, told = Pushed(), list[Notice]()
    loop = loop_of(short_home, feed, "2023-05-07T22:59", told)
    feed.deliveries.append(Delivery(bars("2023-05-07T22:58", "2023-05-07T23:05")))
    short_home.clock.at = at("2023-05-07T23:05") + timedelta(seconds=seconds)
    loop.step()
    [(found, up, replayed)] = journal_of_orb(short_home, "0900")
    assert (found, up is None, replayed) == (code, code is not None, False)
    [(features, logged_at)] = short_home.journal("len(features), logged_at")
    assert features > 50
    assert logged_at == short_home.clock.at


def test_a_clock_that_was_set_back_does_not_make_an_old_moment_new(short_home: Home):
    feed = Pushed(deliveries=[Delivery(bars("2023-05-07T22:58", "2023-05-07T23:08"))])
    short_home.clock.at = at("2023-05-07T23:05:10")  # the bars show that it is 23:08
    assert loop_of(short_home, feed, "2023-05-07T22:59", []).step().missed == 1


def test_moments_that_passed_while_nobody_was_there_are_missed_and_settled(short_home: Home):
    feed, told = Pushed(), list[Notice]()
    loop = loop_of(short_home, feed, "2023-05-07T22:59", told)
    feed.deliveries.append(Delivery(bars("2023-05-07T22:58", "2023-05-09T23:30")))
    short_home.clock.at = at("2023-05-09T23:30:02")
    report = loop.step()
    assert (report.answered, report.missed) == (0, 13)
    assert {row[0] for row in short_home.journal("refusal_code")} == {"missed"}
    assert len(short_home.outcomes()) > 0
    # An audit compares the inputs of what was missed; that it was late, bars cannot say.
    assert audit_replay(short_home.store, short_home.registry, DEMO, settings=EngineSettings()).passed
    feed.deliveries.append(Delivery(bars("2023-05-09T23:30", "2023-05-10T00:05")))
    short_home.clock.at = at("2023-05-10T00:05:03")
    assert loop.step().answered == 1


def test_a_market_of_which_nothing_is_heard_is_told_once_and_again_after_it_spoke(short_home: Home):
    feed, told = Pushed(), list[Notice]()
    loop = loop_of(short_home, feed, "2023-05-07T22:59", told)
    for minute in (5, 9, 12, 15):
        short_home.clock.at = at("2023-05-07T23:00") + timedelta(minutes=minute)
        loop.step()
    assert [notice.kind for notice in told] == ["silent"]
    feed.deliveries.append(Delivery(bars("2023-05-07T22:58", "2023-05-07T23:15")))
    loop.step()
    short_home.clock.at = at("2023-05-07T23:40")
    loop.step()
    assert [notice.kind for notice in told if notice.kind == "silent"] == ["silent"] * 2


def test_it_wakes_when_a_minute_has_closed_and_for_the_moment_when_it_may_jump(short_home: Home):
    feed = Pushed(poll_seconds=30.0)
    loop = loop_of(short_home, feed, "2023-05-07T22:59", [])
    short_home.clock.at = at("2023-05-07T23:00:50")
    assert loop.pause_seconds() == 12.0  # 23:01:02
    short_home.clock.at = at("2023-05-07T23:00:10")
    assert loop.pause_seconds() == 30.0
    feed.poll_seconds = None
    assert loop.pause_seconds() == 290.0  # 23:05:00


def test_bars_that_another_process_imports_meanwhile_are_built_before_the_moment_is_asked_again(short_home: Home):
    feed, told = Pushed(), list[Notice]()
    loop = loop_of(short_home, feed, "2023-05-07T22:59", told)
    loop.step()
    old = bars("2023-01-05", "2023-01-06").slice(0, 1).to_pylist()[0]
    changed = pa.Table.from_pylist([old | {"volume": old["volume"] + 1}], MARKET().schema)
    ingest_bars(short_home.store, DEMO, [changed], source_name="meanwhile", now=NOW)
    feed.deliveries.append(nothing_new(through=at("2023-05-07T23:05")))
    short_home.clock.at = at("2023-05-07T23:05:03")
    assert (loop.step().troubles, told[-1].kind) == (1, "no_answer")
    short_home.clock.at = at("2023-05-07T23:05:04")
    loop.step()
    assert told[-1].kind == "no_range"  # it is asked now; these bars end before the range


def test_a_store_that_is_held_by_others_costs_time_and_nothing_else(short_home: Home, monkeypatch: pytest.MonkeyPatch):
    feed, told = Pushed(), list[Notice]()
    loop = loop_of(short_home, feed, "2023-05-07T22:59", told)
    feed.deliveries.append(Delivery(bars("2023-05-07T22:58", "2023-05-07T23:05")))
    short_home.clock.at = at("2023-05-07T23:05:03")

    def busy(*_: Any, **__: Any) -> None:
        raise StoreBusy("journal.duckdb: process 7 held it for longer than 10 s; wait for it, or end it.")

    with monkeypatch.context() as held:
        held.setattr(live, "append_predictions", busy)
        assert loop.step().troubles == 1
    assert short_home.journal("orb") == []
    short_home.clock.at = at("2023-05-07T23:05:14")
    assert loop.step().answered == 1
    assert [notice.kind for notice in told if notice.kind in ("store", "answered")] == ["store", "answered"]


# Killed and started again


class Killed(BaseException):
    """What a test raises where a process would be gone."""


class Stored:
    """A feed that has every bar that has closed by the clock, from where the store ends on, as a vendor has."""

    name, poll_seconds, settles_after = "stored", 1.0, 0.0

    def newest(self, since: datetime | None, now: datetime) -> Delivery:
        assert since is not None
        return Delivery(bars(since.isoformat()[:16], now.isoformat()[:16]))

    def close(self) -> None:
        pass


def step_or_die(home: Home, die_at: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Take the step of a new process, which ends at the call numbered `die_at`; say whether it lived."""
    count = [0]

    def mortal(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def call(*arguments: Any, **named: Any) -> Any:
            count[0] += 1
            if count[0] == die_at:
                raise Killed
            return real(*arguments, **named)

        patched.setattr(owner, name, call)

    path = live_path(home.store, MODEL, "json")
    watched = watched_so_far(home.store, "DEMO", MODEL, "v_20230501_000000-00000", home.clock())
    with monkeypatch.context() as patched:
        for owner, name in [
            (live, "append_predictions"),
            (live, "build"),
            (intake, "ingest_bars"),
            (Store, "_change_stamp"),
            (MLInferenceEngine, "answer"),
            (live_state.os, "replace"),
        ]:
            mortal(owner, name)
        try:
            write_state(path, LiveState(MODEL, "stored", 1, NOW, NOW, watched, None))
            loop = loop_of(home, Stored(), watched.replace(tzinfo=None).isoformat(), [])
            loop.step()
            write_state(path, LiveState(MODEL, "stored", 1, NOW, NOW, loop.watched, loop.newest))
        except Killed:
            return False
    return True


def test_a_loop_killed_at_random_points_ends_with_the_journal_of_one_that_was_not_but_for_what_was_late(
    short_home: Home, demo_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    chance, deaths = random.Random(8), 0  # noqa: S311
    moments = [event.decided_at for event in decision_moments(DEMO, date(2023, 5, 8), date(2023, 5, 10))]
    short_home.clock.at = at("2023-05-07T22:59")
    assert step_or_die(short_home, 0, monkeypatch)
    for moment in moments:
        if chance.random() < 0.15:
            continue  # the machine sleeps
        short_home.clock.at = moment + timedelta(seconds=3)
        while not step_or_die(short_home, chance.randrange(1, 24), monkeypatch):
            deaths += 1
            short_home.clock.at += timedelta(seconds=chance.choice([5, 5, 40, 4_000]))
    short_home.clock.at = at("2023-05-10T23:00")
    assert step_or_die(short_home, 0, monkeypatch)
    settle(short_home.store, DEMO, now=NOW)
    columns = "* EXCLUDE (logged_at, latency_ms, replayed)"
    with using(copied(demo_home, tmp_path / "whole")) as whole:
        whole.replay(FIRST, "2023-05-10")
        wanted = {row[0]: row for row in whole.journal(columns)}
    found = {row[0]: row for row in short_home.journal(columns)}
    late = {row[0] for row in short_home.journal("prediction_id, refusal_code") if row[1] == "missed"}
    assert deaths > 5
    assert found.keys() == wanted.keys()
    assert 0 < len(late) < len(found)
    assert {key: repr(row) for key, row in found.items() if key not in late} == {
        key: repr(row) for key, row in wanted.items() if key not in late
    }
    inputs = "prediction_id, features, data_hash, max_input_time, contract"
    with using(tmp_path / "whole") as whole:
        assert [repr(row) for row in short_home.journal(inputs)] == [repr(row) for row in whole.journal(inputs)]
    assert len(short_home.outcomes("DISTINCT prediction_id")) == len(short_home.outcomes("prediction_id"))
