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

from ml_data import bar_tape
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
from ml_inference.live_state import Following, LiveState, asked_from, live_path, read_state, write_state
from ml_inference.panel import Panel
from ml_inference.replay_audit import audit_replay
from ml_inference.roster import Seat, everybody, only
from ml_inference.shadow import decision_moments
from ml_models.model_registry import ModelRegistry
from ml_monitoring.outcome_logger import settle
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
from tests.ml_inference.shelves import three_class_draft
from tests.ml_models.drafts import damage
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


def panel_of(home: Home, model: str = MODEL) -> Panel:
    who = lambda: only(home.registry, model, "latest")  # noqa: E731
    return Panel(home.store, home.registry, DEMO, who=who, clock=home.clock)


def loop_of(
    home: Home, feed: Feed, watched: str, told: list[Notice], panel: Panel | None = None, **more: Any
) -> LiveLoop:
    return LiveLoop(
        home.store,
        panel or panel_of(home),
        feed,
        rules=RULES,
        clocks=Clocks(home.clock, home.clock),
        start=lambda _: at(watched),
        settle=lambda now: settle(home.store, DEMO, now=now),
        tell=told.append,
        **more,
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
        panel_of(home),
        feed,
        rules=REPLAY,
        clocks=Clocks(clock.now, home.clock),
        start=lambda _: feed.starts_at,
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
    assert [notice.kind for notice in told] == ["seated", "silent"]
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
    assert loop.step().troubles == 1
    assert [notice.kind for notice in told][-2:] == ["no_answer", "heard"]
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
        held.setattr(live, "written_predictions", busy)
        assert loop.step().troubles == 1
    assert short_home.journal("orb") == []
    short_home.clock.at = at("2023-05-07T23:05:14")
    assert loop.step().answered == 1
    assert [notice.kind for notice in told if notice.kind in ("store", "answered")] == ["store", "answered"]


def test_a_clock_that_goes_back_an_hour_answers_nothing_twice_and_dates_nothing_back(short_home: Home):
    feed, told = Pushed(), list[Notice]()
    loop = loop_of(short_home, feed, "2023-05-07T22:59", told)
    feed.deliveries.append(Delivery(bars("2023-05-07T22:58", "2023-05-07T23:05")))
    short_home.clock.at = at("2023-05-07T23:05:03")
    assert loop.step().answered == 1
    stored = []
    for real, clock in [("2023-05-07T23:30", "2023-05-07T22:30:03"), ("2023-05-08T00:05", "2023-05-07T23:05:03")]:
        feed.deliveries.append(Delivery(bars("2023-05-07T23:00", real), through=at(real)))
        short_home.clock.at = at(clock)
        report = loop.step()
        assert (report.answered, report.missed) == (0, 0)
        stored.append(report.bars_stored)
    assert stored == [0, 5]  # bars that begin more than five minutes after the clock are not taken
    # The next range was complete at 00:05. By the clock that is an hour away; when it gets there, it is too late.
    feed.deliveries.append(Delivery(bars("2023-05-07T23:05", "2023-05-08T01:05"), through=at("2023-05-08T01:05")))
    short_home.clock.at = at("2023-05-08T00:05:03")
    assert loop.step().missed == 1
    assert [code for code, _, _ in journal_of_orb(short_home, "0900")] == [None]
    assert [code for code, _, _ in journal_of_orb(short_home, "1000")] == ["missed"]
    assert all(logged >= decided for logged, decided in short_home.journal("logged_at, decided_at"))
    assert {"future"} <= {notice.kind for notice in told}


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


class Made(Seat):
    """A seat whose version is older than the market of the tests."""

    made_at = at("2023-05-01")


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

    path = live_path(home.store, "json")
    state = read_state(path)
    [seat] = everybody(home.registry, "DEMO").seats
    seat = Made(seat.model, seat.role, seat.version)
    before = None if state is None else state.follows["DEMO"]
    watched = asked_from(home.store, "DEMO", seat, before, home.clock())

    def kept(dealt: dict[str, datetime]) -> None:
        write_state(path, LiveState(1, NOW, NOW, follows={"DEMO": Following("stored", "following", NOW, dealt=dealt)}))

    with monkeypatch.context() as patched:
        for owner, name in [
            (live, "written_predictions"),
            (live, "build"),
            (intake, "ingest_bars"),
            (Store, "_change_stamp"),
            (MLInferenceEngine, "answer"),
            (live_state.os, "replace"),
        ]:
            mortal(owner, name)
        try:
            kept({seat.key: watched})
            loop = loop_of(home, Stored(), watched.replace(tzinfo=None).isoformat(), [])
            loop.step()
            kept(loop.dealt)
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


# Champion and challengers


def publish_challenger(home: Home, alias: str, made: str) -> str:
    """Publish another version of the model as of `made`, and point `alias` at it."""
    draft = three_class_draft(home.registry.load(MODEL, "champion"))
    version = home.registry.publish(MODEL, draft, now=at(made), who="Ann", why="a test")
    home.registry.promote(MODEL, version, alias, now=at(made), who="Ann", why="a test")
    return str(version)


def everybodys_panel(home: Home) -> Panel:
    who = lambda: everybody(home.registry, "DEMO")  # noqa: E731
    return Panel(home.store, home.registry, DEMO, who=who, clock=home.clock)


def promote_first(home: Home) -> str:
    """Promote the one version that there is: what is newer then is no champion."""
    version = str(home.registry.load(MODEL).version)
    home.registry.promote(MODEL, version, now=NOW, who="Ann", why="a test")
    return version


def roles(home: Home) -> list[tuple[Any, ...]]:
    rows = home.journal("orb, role, version, refusal_code")
    return sorted((orb, role, version, code) for orb, role, version, code in rows)


def test_champion_and_challenger_answer_the_same_event_once_and_their_features_are_computed_once(
    short_home: Home, monkeypatch: pytest.MonkeyPatch
):
    champion = promote_first(short_home)
    challenger = publish_challenger(short_home, "challenger-a", "2023-05-01")
    short_home.registry.promote(MODEL, champion, "challenger-b", now=NOW, who="Ann", why="the champion again")
    seen = []
    real = bar_tape.seen_at
    monkeypatch.setattr(bar_tape, "seen_at", lambda *given: seen.append(given) or real(*given))
    feed, told = Pushed(), list[Notice]()
    loop = loop_of(short_home, feed, "2023-05-07T22:59", told, everybodys_panel(short_home))
    feed.deliveries.append(Delivery(bars("2023-05-07T22:58", "2023-05-07T23:05")))
    short_home.clock.at = at("2023-05-07T23:05:03")
    report = loop.step()
    assert roles(short_home) == [("0900", "challenger-a", challenger, None), ("0900", "champion", champion, None)]
    assert (report.answered, len(seen)) == (2, 1)
    assert len(set(short_home.journal("logged_at, decided_at, data_hash"))) == 1
    said = [notice.sentence for notice in told if notice.kind == "answered"]
    assert said[0].endswith(f"by {MODEL} {champion}.")
    assert said[1].endswith(f"by {MODEL} {challenger} (challenger-a).")
    # Each can be made again from the stored bars, bit for bit.
    assert audit_replay(short_home.store, short_home.registry, DEMO, settings=EngineSettings()).passed


def test_a_version_that_is_promoted_meanwhile_answers_the_next_event_without_a_new_start(short_home: Home):
    first = promote_first(short_home)
    feed, told = Pushed(), list[Notice]()
    loop = loop_of(short_home, feed, "2023-05-07T22:59", told, everybodys_panel(short_home))
    feed.deliveries.append(Delivery(bars("2023-05-07T22:58", "2023-05-07T23:05")))
    short_home.clock.at = at("2023-05-07T23:05:03")
    loop.step()
    second = publish_challenger(short_home, "champion", "2023-05-07T23:30")
    feed.deliveries.append(Delivery(bars("2023-05-07T23:05", "2023-05-08T00:05")))
    short_home.clock.at = at("2023-05-08T00:05:03")
    loop.step()
    assert roles(short_home) == [("0900", "champion", first, None), ("1000", "champion", second, None)]
    assert [notice.sentence for notice in told if notice.kind == "seated"] == [
        f"{MODEL} {first} is asked, as champion.",
        f"{MODEL} {second} is asked, as champion.",
    ]


def test_a_damaged_champion_is_named_and_stops_no_challenger_and_what_it_owes_is_missed(short_home: Home):
    champion = promote_first(short_home)
    challenger = publish_challenger(short_home, "challenger-a", "2023-05-01")
    path = short_home.registry.root / MODEL / champion / "model.txt"
    whole = path.read_bytes()
    damage(path, b"nothing")
    home = Home(short_home.folder, short_home.store, ModelRegistry(short_home.registry.root), short_home.clock)
    feed, told = Pushed(), list[Notice]()
    loop = loop_of(home, feed, "2023-05-07T22:59", told, everybodys_panel(home))
    feed.deliveries.append(Delivery(bars("2023-05-07T22:58", "2023-05-07T23:05")))
    home.clock.at = at("2023-05-07T23:05:03")
    loop.step()
    loop.step()
    assert roles(home) == [("0900", "challenger-a", challenger, None)]
    [named] = [notice.sentence for notice in told if notice.kind == "no_answer"]  # told once, not with every step
    assert named.startswith(f"{MODEL} champion is not asked: {MODEL} {champion} (champion): model.txt: has 7 bytes")
    damage(path, whole)
    home.clock.at = at("2023-05-07T23:20:03")
    loop.step()
    assert roles(home) == [("0900", "challenger-a", challenger, None), ("0900", "champion", champion, "missed")]


def test_models_of_both_kinds_of_event_are_asked_by_one_loop_as_each_is_by_a_replay(break_home: Path, tmp_path: Path):
    first = date.fromisoformat(BREAK_DAYS[0])
    with using(copied(break_home, tmp_path / "home")) as home:
        wanted = home.journal("prediction_id, model, role, prob_up, prob_win, expected_r, raw_score, data_hash, stage")
        of_day = {row[0] for row in home.journal("prediction_id, trading_day") if row[1] == first}
        with home.store.journal_write() as cursor:
            cursor.execute("DELETE FROM journal.ml_predictions")
        feed = ReplayFeed(home.store, DEMO, first, first)
        clock, told = ReplayClock(feed.starts_at, None, lambda: 0.0), list[Notice]()
        loop = LiveLoop(
            home.store,
            everybodys_panel(home),
            feed,
            rules=REPLAY,
            clocks=Clocks(clock.now, home.clock),
            start=lambda _: feed.starts_at,
            settle=lambda now: settle(home.store, DEMO, now=now),
            tell=told.append,
            replayed=True,
        )
        while not loop.ended:
            loop.step()
            clock.wait(loop.pause_seconds(), lambda _: None)
        found = home.journal("prediction_id, model, role, prob_up, prob_win, expected_r, raw_score, data_hash, stage")
    models = {row[1] for row in found}
    assert len(models) == 1 + len(BREAK_RECIPES)
    said = [notice.sentence for notice in told if notice.kind == "answered"]
    assert {name for name in models for sentence in said if f" by {name} v_" in sentence} == models
    assert repr(found) == repr([row for row in wanted if row[0] in of_day])


def test_an_event_is_not_answered_by_a_clock_that_has_not_reached_it(short_home: Home):
    feed = Pushed(
        deliveries=[Delivery(bars("2023-05-07T22:58", "2023-05-07T23:05"), through=at("2023-05-07T23:05:01"))]
    )
    short_home.clock.at = at("2023-05-07T23:04:58")  # it goes seven seconds late
    loop = loop_of(short_home, feed, "2023-05-07T22:59", [])
    assert loop.step().answered == 0
    short_home.clock.at = at("2023-05-07T23:05:03")
    assert loop.step().answered == 1
    [(logged_at, decided_at)] = short_home.journal("logged_at, decided_at")
    assert logged_at > decided_at
