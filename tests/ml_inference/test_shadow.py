"""The shadow step: every event once and in order, and on disk before anything that came after it is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

from ml_data.build import build
from ml_data.ingest import ingest_bars
from ml_data.stage_history import StageChange, append_stage_change
from ml_data.store import Store, sql
from ml_inference.shadow import ShadowLoop, ShadowReport, decision_moments
from ml_monitoring.outcome_logger import settle
from tests.hub_home import DEMO, MODEL, NOW, REGISTRY, STORES, Home, copied, demo_table, using
from trading.errors import Refused

FIRST, LAST = "2023-05-08", "2023-05-09"
MOMENTS = 12


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Moments


def test_moments_come_in_the_order_of_time_one_for_each_range_of_each_day():
    moments = list(decision_moments(DEMO, date(2023, 5, 12), date(2023, 5, 15)))  # a Friday to a Monday
    assert [(each.trading_day.isoformat(), each.orb) for each in moments] == [
        (day, orb) for day in ("2023-05-12", "2023-05-15") for orb in ("0900", "1000", "1100", "1800", "2300", "0030")
    ]
    assert [each.decided_at for each in moments] == sorted(each.decided_at for each in moments)
    assert moments[0].decided_at == at("2023-05-11T23:05")
    assert moments[5].decided_at == at("2023-05-12T14:35")


def test_a_weekend_has_no_moments():
    assert list(decision_moments(DEMO, date(2023, 5, 13), date(2023, 5, 14))) == []


# Replay


def test_every_event_is_answered_once_and_in_order(home: Home):
    assert home.replay(FIRST, LAST) == ShadowReport(moments=MOMENTS, logged=MOMENTS)
    with home.store.journal() as cursor:
        as_written = cursor.execute("SELECT trading_day, orb, decided_at FROM journal.ml_predictions").fetchall()
    moments = decision_moments(DEMO, date.fromisoformat(FIRST), date.fromisoformat(LAST))
    assert as_written == [(each.trading_day, each.orb, each.decided_at) for each in moments]


def test_a_live_answer_carries_the_stage_its_version_was_in_and_a_replayed_one_was_never_used(home: Home):
    version = str(home.engine().version().version)
    every = list(decision_moments(DEMO, date.fromisoformat(FIRST), date.fromisoformat(LAST)))
    live = ShadowLoop(home.store, home.engine(), clock=home.clock, replayed=False)
    live.step(every[0])
    up = StageChange(MODEL, version, "advisory", "champion", every[1].decided_at, "Ann", "passed", "e" * 64)
    append_stage_change(home.store, up)
    live.step(every[1])
    ShadowLoop(home.store, home.engine(), clock=home.clock, replayed=True).step(every[2])
    down = StageChange(MODEL, version, "shadow", "champion", every[3].decided_at, "hub", "alarm", None)
    append_stage_change(home.store, down)
    live.step(every[3])
    stages = dict(home.journal("orb, stage"))
    assert [stages[event.orb] for event in every[:4]] == ["shadow", "advisory", "shadow", "shadow"]


def test_replaying_again_changes_nothing(home: Home):
    home.replay(FIRST, LAST)
    before, stamp = home.journal("*"), home.store.stamp("journal")
    home.clock.at += timedelta(days=1)
    assert home.replay(FIRST, LAST) == ShadowReport(moments=MOMENTS, known_before=MOMENTS)
    assert repr(home.journal("*")) == repr(before)
    assert home.store.stamp("journal") == stamp


def test_days_that_overlap_are_answered_once(home: Home):
    home.replay(FIRST, FIRST)
    assert home.replay(FIRST, LAST) == ShadowReport(moments=MOMENTS, logged=6, known_before=6)


def test_a_holiday_is_counted_as_moments_without_a_range(home: Home):
    assert home.replay("2023-04-07", "2023-04-07") == ShadowReport(moments=6, without_range=6)


def test_a_refused_event_is_written_down_as_refused_and_not_asked_again(home: Home):
    assert home.replay("2023-04-28", "2023-04-28") == ShadowReport(moments=6, logged=6, refused=6)
    assert {row[0] for row in home.journal("refusal_code")} == {"in_sample"}
    assert home.replay("2023-04-28", "2023-04-28") == ShadowReport(moments=6, known_before=6)


def test_without_a_model_nothing_is_written(home: Home):
    with pytest.raises(Refused) as caught:
        home.replay(FIRST, LAST, model="directional-NOTHING")
    assert caught.value.code == "no_model"
    assert home.journal() == []


def test_rows_say_whether_they_were_replayed(home: Home):
    home.replay(FIRST, FIRST)
    live = ShadowLoop(home.store, home.engine(), clock=home.clock, replayed=False)
    live.step(next(decision_moments(DEMO, date.fromisoformat(LAST), date.fromisoformat(LAST))))
    assert [row[0] for row in sorted(home.journal("replayed, decided_at"), key=lambda row: row[1])] == [True] * 6 + [
        False
    ]


class Watch:
    """Sees what is read from the market, and at that moment, whether everything that came before is in the journal."""

    def __init__(self, home: Home, moments: list[datetime]) -> None:
        self.home, self.moments, self.reads, self.real = home, moments, 0, home.store.market

    @contextmanager
    def market(self) -> Iterator["WatchedCursor"]:
        with self.real() as cursor:
            yield WatchedCursor(cursor, self)

    def check(self, question: str, asked: dict[str, Any]) -> None:
        if "bars_1m" not in question or question == sql("bar_bounds"):  # how far bars reach is not what they were
            return
        assert question == sql("bars_between"), f"bars are read in a way that this test does not know: {question}"
        self.reads += 1
        with self.home.store.journal() as cursor:
            logged = {row[0] for row in cursor.execute("SELECT decided_at FROM journal.ml_predictions").fetchall()}
        forgotten = [each for each in self.moments if each < asked["before"] and each not in logged]
        assert not forgotten, f"bars up to {asked['before']} are read before the answer of {forgotten[0]} is on disk"


class WatchedCursor:
    """A cursor that tells its watch what it is asked."""

    def __init__(self, cursor: Any, watch: Watch) -> None:
        self._cursor, self._watch = cursor, watch

    def execute(self, question: str, asked: Any = None) -> Any:
        self._watch.check(question, asked)
        return self._cursor.execute(question, asked)

    def sql(self, question: str, params: Any = None) -> Any:
        self._watch.check(question, params)
        return self._cursor.sql(question, params=params)


def test_a_prediction_is_on_disk_before_any_bar_after_its_moment_is_read(home: Home):
    moments = [each.decided_at for each in decision_moments(DEMO, date(2023, 5, 8), date(2023, 5, 12))]
    watch = Watch(home, moments)
    home.store.market = watch.market  # type: ignore[method-assign]
    assert home.replay("2023-05-08", "2023-05-12").logged == len(moments)
    assert watch.reads >= len(moments)


def test_the_watch_sees_a_step_that_reads_ahead(home: Home):
    moments = list(decision_moments(DEMO, date(2023, 5, 8), date(2023, 5, 8)))
    home.store.market = Watch(home, [each.decided_at for each in moments]).market  # type: ignore[method-assign]
    with pytest.raises(AssertionError, match="before the answer of 2023-05-07 23:05"):
        home.engine().predict(moments[1])  # the first was never asked


# Bars that come bit by bit


def start(folder: Path, demo_home: Path, before: str) -> None:
    """Make a home whose bars end before an instant."""
    copied(demo_home / REGISTRY, folder / REGISTRY)
    store = Store(folder / STORES)
    add_bars(store, "2000-01-01", before)
    build(store, DEMO)
    store.close()


def add_bars(store: Store, since: str, before: str) -> None:
    table = demo_table()
    ts = table["ts"]
    mine = table.filter(pc.and_(pc.greater_equal(ts, at(since)), pc.less(ts, at(before))))
    ingest_bars(store, DEMO, [mine], source_name=f"bars to {before}", now=NOW)


@pytest.fixture(scope="module")
def in_one_go(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    with using(copied(demo_home, tmp_path_factory.mktemp("shadow") / "home")) as home:
        home.replay("2023-05-08", "2023-05-11")
        settle(home.store, DEMO, now=NOW)
        return [*home.journal(), *home.outcomes()]


def test_bars_that_come_between_the_steps_give_the_journal_of_one_go(
    demo_home: Path, tmp_path: Path, in_one_go: list[tuple[Any, ...]]
):
    # Each stop cuts where it hurts: in the first minute of a range, before its last, right at its end, in the night.
    stops = ["2023-05-07T23:01", "2023-05-08T00:04", "2023-05-08T01:05", "2023-05-09T13:02", "2023-05-10T14:34"]
    folder = tmp_path / "home"
    start(folder, demo_home, stops[0])
    with using(folder) as home:
        reports = []
        for since, before in zip(stops, [*stops[1:], "2023-06-05T00:00"], strict=True):
            reports.append(home.replay("2023-05-08", "2023-05-11"))
            settle(home.store, DEMO, now=NOW)
            add_bars(home.store, since, before)
        assert [report.logged for report in reports] == [0, 1, 2, 7, 7]
        assert all(report.ahead + report.logged + report.known_before == 24 for report in reports)
        home.replay("2023-05-08", "2023-05-11")
        settle(home.store, DEMO, now=NOW)
        assert repr([*home.journal(), *home.outcomes()]) == repr(in_one_go)


def test_a_replay_stops_where_the_bars_stop_however_far_it_was_asked_to_go(home: Home):
    report = home.replay("2023-06-02", "2199-12-31")
    assert (report.logged, report.without_range) == (6, 0)
    assert report.ahead == report.moments - 6


def test_a_replay_from_before_the_first_bar_passes_over_what_is_not_there(home: Home):
    assert home.replay("2022-12-19", "2022-12-20") == ShadowReport(moments=MOMENTS, without_range=MOMENTS)


def test_a_late_bar_changes_no_prediction_that_was_written_and_is_seen_by_the_next(home: Home):
    moments = list(decision_moments(DEMO, date(2023, 5, 8), date(2023, 5, 8)))
    loop = ShadowLoop(home.store, home.engine(), clock=home.clock, replayed=False)
    with home.store.market_write() as cursor:
        cursor.execute(
            "CREATE TABLE market.aside AS SELECT * FROM market.bars_1m WHERE ts = TIMESTAMPTZ '2023-05-07 23:02Z'"
        )
        cursor.execute("DELETE FROM market.bars_1m WHERE ts = TIMESTAMPTZ '2023-05-07 23:02Z'")
    loop.step(moments[0])
    written = home.journal()
    with home.store.market_write() as cursor:
        cursor.execute("INSERT INTO market.bars_1m SELECT * FROM market.aside")
        cursor.execute("DROP TABLE market.aside")
    assert loop.step(moments[0]) == ShadowReport(moments=1, known_before=1)
    assert repr(home.journal()) == repr(written)
    loop.step(moments[1])
    seen = {row[0]: row[1] for row in home.journal("orb, data_hash")}
    assert seen[moments[1].orb] == home.engine().predict(moments[1]).data_hash
    assert seen[moments[0].orb] != home.engine().predict(moments[0]).data_hash  # the replay audit will name it
