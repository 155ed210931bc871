"""Settlement on the demo market: what it writes is what the built history says, and follows it when bars change."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ml_data.build import build
from ml_data.ingest import ingest_bars
from ml_data.journal import append_predictions
from ml_data.store import sql
from ml_inference.shadow import decision_moments
from ml_monitoring import outcome_logger
from ml_monitoring.outcome_logger import Doubt, SettleReport, settle
from tests.hub_home import DEMO, NOW, Home, copied, demo_table, using
from trading.domain.trade_rule import REFERENCE_RULE

EVENTS = 60


@pytest.fixture
def logged(logged_home: Path, tmp_path: Path) -> Iterator[Home]:
    """A home with the predictions of two weeks, not settled."""
    with using(copied(logged_home, tmp_path / "home")) as opened:
        yield opened


def told_by_history(home: Home) -> list[tuple[Any, ...]]:
    question = """
        SELECT p.prediction_id, r.break_direction, CASE WHEN isnan(t.r_net) THEN NULL ELSE t.r_net END,
               CASE WHEN t.exited_at IS NULL THEN NULL ELSE t.exited_at END
        FROM journal.ml_predictions AS p
        JOIN market.opening_ranges AS r USING (instrument, trading_day, orb)
        LEFT JOIN market.orb_trades AS t
            ON (t.instrument, t.trading_day, t.orb, t.rule) = (p.instrument, p.trading_day, p.orb, ?)
        ORDER BY 1"""
    with home.store.market(), home.store.journal() as cursor:
        return cursor.execute(question, [REFERENCE_RULE.name]).fetchall()


def doubted(home: Home) -> list[tuple[Any, ...]]:
    with home.store.market(), home.store.journal() as cursor:
        asked = {"instrument": "DEMO", "rule": REFERENCE_RULE.name}
        return [row[:1] for row in cursor.execute(sql("doubted_outcomes"), asked).fetchall()]


# What is written


def test_outcomes_are_the_rows_of_the_built_history(logged: Home):
    assert settle(logged.store, DEMO, now=NOW) == SettleReport(EVENTS, EVENTS, 0, 0)
    written = logged.outcomes("prediction_id, actual, r_net")
    told = told_by_history(logged)
    assert written == [row[:3] for row in told]
    assert {row[1] for row in written} >= {"UP", "DOWN"}
    assert doubted(logged) == []


def test_settling_again_changes_nothing(logged: Home):
    settle(logged.store, DEMO, now=NOW)
    before, stamp = logged.outcomes("*"), logged.store.stamp("journal")
    assert settle(logged.store, DEMO, now=NOW + timedelta(days=1)) == SettleReport(0, 0, 0, 0)
    assert logged.outcomes("*") == before
    assert logged.store.stamp("journal") == stamp


def test_settled_step_by_step_or_at_once_the_outcomes_are_the_same_and_none_is_known_later_than_now(
    logged: Home, logged_home: Path, tmp_path: Path
):
    with using(copied(logged_home, tmp_path / "at once")) as other:
        settle(other.store, DEMO, now=NOW)
        wanted = other.outcomes()
    now, end = datetime(2023, 5, 15, 0, 0, tzinfo=UTC), datetime(2023, 5, 31, tzinfo=UTC)
    seen: set[int] = set()
    while now < end:
        report = settle(logged.store, DEMO, now=now)
        seen.add(report.pending)
        assert all(row[0] <= now for row in logged.outcomes("known_at"))
        now += timedelta(hours=11, minutes=3)
    assert logged.outcomes() == wanted
    assert max(seen) > 0


def test_an_outcome_does_not_depend_on_what_else_is_waiting(logged: Home, logged_home: Path, tmp_path: Path):
    # Eleven days without bars begin after the day's first range: who looks at that day alone must see that trading
    # went on, and that nobody knows which side broke first.
    holes = "DELETE FROM market.bars_1m WHERE ts >= '2023-05-16 23:06Z' AND ts < '2023-05-28 00:00Z'"
    with logged.store.market_write() as cursor:
        cursor.execute(holes)
    settle(logged.store, DEMO, now=NOW)
    with using(copied(logged_home, tmp_path / "alone")) as alone:
        with alone.store.market_write() as cursor:
            cursor.execute(holes)
        with alone.store.journal_write() as cursor:
            cursor.execute("DELETE FROM journal.ml_predictions WHERE trading_day <> '2023-05-17'")
        settle(alone.store, DEMO, now=NOW)
        found = {row[0]: row for row in alone.outcomes()}
    together = {row[0]: row for row in logged.outcomes()}
    assert [row[2:4] for row in found.values()] == [("void", None)]
    assert {name: together.get(name) for name in found} == found


def test_two_predictions_of_one_day_are_each_settled_in_their_own_contract(logged: Home):
    with logged.store.market() as cursor:
        contracts = cursor.execute(
            "SELECT contract FROM market.bars_1m WHERE ts BETWEEN '2023-05-23 00:00Z' AND '2023-05-23 12:00Z' "
            "GROUP BY 1 ORDER BY count(*) DESC LIMIT 2"
        ).fetchall()
    moment = next(iter(decision_moments(DEMO, date(2023, 5, 23), date(2023, 5, 23))))
    row = logged.engine().predict(moment)
    with logged.store.journal_write() as cursor:
        cursor.execute("DELETE FROM journal.ml_predictions")
    rows = [replace(row, prediction_id=f"p{i}", contract=name) for i, (name,) in enumerate(contracts)]
    append_predictions(logged.store, rows, NOW)
    settle(logged.store, DEMO, now=NOW)
    together = logged.outcomes("prediction_id, state, actual, r_net, known_at")
    alone = []
    for each in rows:
        with logged.store.journal_write() as cursor:
            cursor.execute("DELETE FROM journal.ml_predictions")
            cursor.execute("DELETE FROM journal.ml_outcomes")
        append_predictions(logged.store, [each], NOW)
        settle(logged.store, DEMO, now=NOW)
        alone += logged.outcomes("prediction_id, state, actual, r_net, known_at")
    assert together == alone


def test_a_prediction_in_a_contract_without_bars_waits_and_so_does_one_of_a_range_that_is_no_more(logged: Home):
    row = logged.engine().predict(next(iter(decision_moments(DEMO, date(2023, 5, 23), date(2023, 5, 23)))))
    with logged.store.journal_write() as cursor:
        cursor.execute("DELETE FROM journal.ml_predictions")
    strange = [replace(row, prediction_id="p1", contract="DEMOZ9"), replace(row, prediction_id="p2", orb="0123")]
    append_predictions(logged.store, strange, NOW)
    assert settle(logged.store, DEMO, now=NOW) == SettleReport(2, 0, 0, 2)


# When bars change afterwards


def changed_bar(home: Home, since: str, ticks: int) -> datetime:
    """Import again, with another price, the bar in which the 10:00 range of a day broke; return its minute."""
    with home.store.market() as cursor:
        ((contract, broke_at),) = cursor.execute(
            "SELECT contract, broke_at FROM market.opening_ranges WHERE trading_day = ? AND orb = '1000'", [since]
        ).fetchall()
        table = cursor.sql(
            "SELECT contract, ts, open, high, low, close, volume FROM market.bars_1m "
            "WHERE contract = ? AND ts BETWEEN ? AND ?",
            params=[contract, broke_at - timedelta(minutes=200), broke_at + timedelta(minutes=200)],
        ).to_arrow_table()
    frame = table.to_pylist()
    for bar in frame:
        if bar["ts"] == broke_at:
            bar["close"] = round(bar["close"] + ticks * DEMO.tick, 1)
            bar["high"], bar["low"] = max(bar["high"], bar["close"]), min(bar["low"], bar["close"])
    revised = type(table).from_pylist(frame, schema=demo_table().schema)
    ingest_bars(home.store, DEMO, [revised], source_name="revised", now=NOW + timedelta(hours=1))
    return broke_at


def test_an_outcome_that_revised_bars_contradict_gets_a_new_revision(logged: Home):
    settle(logged.store, DEMO, now=NOW)
    before = logged.outcomes("*")
    with logged.store.market() as cursor:
        (side,) = cursor.execute(
            "SELECT break_direction FROM market.opening_ranges WHERE trading_day = '2023-05-16' AND orb = '1000'"
        ).fetchall()[0]
    changed_bar(logged, "2023-05-16", -80 if side == "UP" else 80)
    build(logged.store, DEMO)
    report = settle(logged.store, DEMO, now=NOW + timedelta(days=1))
    assert report.looked_at == 0
    assert report.corrected >= 1
    after = logged.outcomes("*")
    assert [row for row in after if row in before] == before, "an earlier revision was changed"
    newest = {row[0]: row[1:] for row in logged.outcomes("prediction_id, actual, r_net")}
    assert newest == {row[0]: row[1:3] for row in told_by_history(logged)}
    assert settle(logged.store, DEMO, now=NOW + timedelta(days=2)) == SettleReport(0, 0, 0, 0)
    assert logged.outcomes("*") == after


def test_a_void_outcome_matures_when_the_missing_bars_come(logged: Home):
    ends = next(iter(decision_moments(DEMO, date(2023, 5, 16), date(2023, 5, 16)))).decided_at
    span = [ends, ends + timedelta(hours=5)]
    with logged.store.market_write() as cursor:
        cursor.execute("DELETE FROM market.bars_1m WHERE ts >= ? AND ts < ?", span)
    with logged.store.journal_write() as cursor:
        cursor.execute("DELETE FROM journal.ml_predictions WHERE trading_day <> '2023-05-16' OR orb <> '0900'")
    build(logged.store, DEMO, since=date(2023, 5, 15))
    assert settle(logged.store, DEMO, now=NOW) == SettleReport(1, 0, 1, 0)
    assert logged.outcomes("state, void_reason") == [("void", "missing_bars")]
    ingest_bars(logged.store, DEMO, [demo_table()], source_name="again", now=NOW + timedelta(hours=1))
    build(logged.store, DEMO)
    assert settle(logged.store, DEMO, now=NOW + timedelta(days=1)) == SettleReport(0, 0, 0, 0, corrected=1)
    assert logged.outcomes("revision, state, void_reason") == [(0, "void", "missing_bars"), (1, "matured", None)]
    assert settle(logged.store, DEMO, now=NOW + timedelta(days=1)) == SettleReport(0, 0, 0, 0)


# A feed brings bars every minute


def between(first: str, until: str) -> pa.Table:
    """The demo bars that start in [first, until)."""
    ts, span = demo_table().column("ts"), [pa.scalar(datetime.fromisoformat(f"{at}Z")) for at in (first, until)]
    return demo_table().filter(pc.and_(pc.greater_equal(ts, span[0]), pc.less(ts, span[1])))


def came(home: Home, first: str, until: str, now: str) -> None:
    ingest_bars(home.store, DEMO, [between(first, until)], source_name="feed", now=datetime.fromisoformat(f"{now}Z"))
    build(home.store, DEMO)


@pytest.fixture
def ahead(break_home: Path, tmp_path: Path) -> Iterator[Home]:
    """A home at 03:10 on 23 May: of 09:00 in Brisbane it is just known how far the price went in the four hours after.

    The bars of 00:30 to 00:39 and of 03:05 to 03:07 have not come.
    """
    with using(copied(break_home, tmp_path / "home")) as opened:
        with opened.store.journal_write() as cursor:
            cursor.execute("DELETE FROM journal.ml_outcomes")
            cursor.execute(
                "DELETE FROM journal.ml_predictions "
                "WHERE label IS DISTINCT FROM 'range_ahead' OR trading_day <> '2023-05-23' OR orb <> '0900'"
            )
        with opened.store.market_write() as cursor:
            cursor.execute(
                "DELETE FROM market.bars_1m WHERE ts >= '2023-05-23 03:10Z' "
                "OR ts BETWEEN '2023-05-23 03:05Z' AND '2023-05-23 03:07Z' "
                "OR ts BETWEEN '2023-05-23 00:30Z' AND '2023-05-23 00:39Z'"
            )
            cursor.execute(
                "UPDATE market.bar_imports SET imported_at = '2023-05-23 03:10Z', last_ts = '2023-05-23 03:09Z'"
            )
        build(opened.store, DEMO, since=date(2023, 5, 20))
        settle(opened.store, DEMO, now=datetime(2023, 5, 23, 3, 10, 1, tzinfo=UTC))
        assert opened.outcomes("state, known_at") == [("matured", datetime(2023, 5, 23, 3, 5, tzinfo=UTC))]
        yield opened


def test_bars_that_come_on_time_cast_no_doubt_on_what_was_settled_before_them(ahead: Home):
    for since, until in (("03:10", "03:25"), ("03:25", "03:40"), ("03:40", "06:00")):
        came(ahead, f"2023-05-23 {since}", f"2023-05-23 {until}", f"2023-05-23 {until}:03")
    assert doubted(ahead) == []


def test_bars_that_come_late_cast_doubt_only_on_outcomes_that_they_have_a_say_in(ahead: Home):
    came(ahead, "2023-05-23 03:05", "2023-05-23 03:08", "2023-05-23 03:20:03")
    assert doubted(ahead) == [], "the four hours were over at 03:05"
    came(ahead, "2023-05-23 00:30", "2023-05-23 00:40", "2023-05-23 03:21:03")
    assert doubted(ahead) == ahead.journal("prediction_id")


def test_a_loop_looks_once_at_what_late_bars_leave_as_it_was_until_more_come_late(
    ahead: Home, monkeypatch: pytest.MonkeyPatch
):
    looked: list[int] = []
    real = outcome_logger.read_bars
    monkeypatch.setattr(outcome_logger, "read_bars", lambda *asked: looked.append(1) or real(*asked))
    upheld: set[Doubt] = set()

    def settled(now: str) -> tuple[int, int]:
        looked.clear()
        report = settle(ahead.store, DEMO, now=datetime.fromisoformat(f"{now}Z"), upheld=upheld)
        return len(looked), report.corrected

    came(ahead, "2023-05-23 00:30", "2023-05-23 00:35", "2023-05-23 03:21:03")
    assert settled("2023-05-23 03:21:04") == (1, 0)
    assert settled("2023-05-23 03:22:04") == (0, 0)
    late = between("2023-05-23 00:35", "2023-05-23 00:40")
    high = pa.array([each + 50.0 for each in late.column("high").to_pylist()])
    late = late.set_column(late.schema.get_field_index("high"), "high", high)
    ingest_bars(ahead.store, DEMO, [late], source_name="feed", now=datetime(2023, 5, 23, 3, 23, 3, tzinfo=UTC))
    build(ahead.store, DEMO)
    assert settled("2023-05-23 03:23:04") == (1, 1)
    assert settled("2023-05-23 03:24:04") == (0, 0)
    assert ahead.outcomes("revision, state") == [(0, "matured"), (1, "matured")]
