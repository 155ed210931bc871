"""The skew audit: which logged input is not what the stored bars give, how large the difference is, and why."""

import math
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from ml_data.ingest import ingest_bars
from ml_data.journal import features_asked
from ml_inference.skew_audit import DEFINITIONS, LATE, NO_EVENT, REVISED, UNEXPLAINED, SkewReport, audit_skew
from ml_monitoring.gates import Check
from ml_scripts.gates import skew_check
from tests.hub_home import DEMO, NOW, Home, copied, demo_table, using
from tests.ml_monitoring.test_stale import revise

LATER = NOW + timedelta(days=1)


@pytest.fixture
def live(logged_home: Path, tmp_path: Path) -> Iterator[Home]:
    """One day of live forecasts, and the day after it replayed."""
    with using(copied(logged_home, tmp_path / "home")) as opened:
        with opened.store.journal_write() as cursor:
            cursor.execute("DELETE FROM journal.ml_predictions WHERE trading_day NOT IN ('2023-05-16', '2023-05-17')")
            cursor.execute("UPDATE journal.ml_predictions SET replayed = FALSE WHERE trading_day = '2023-05-16'")
        yield opened


def audited(home: Home) -> SkewReport:
    return audit_skew(home.store, DEMO)


def change(home: Home, feature: str, to: Callable[[float], float | None], *, day: str = "2023-05-16") -> None:
    """Change one logged input of the day's 10:00 range."""
    with home.store.journal_write() as cursor:
        where = f"WHERE orb = '1000' AND trading_day = '{day}'"
        question = f"SELECT features, schema_hash FROM journal.ml_predictions {where}"
        [(values, schema)] = cursor.execute(question).fetchall()
        place = [each.name for each in features_asked(schema, len(values))].index(feature)
        values[place] = to(values[place])
        cursor.execute(f"UPDATE journal.ml_predictions SET features = ?::DOUBLE[] {where}", [values])


def values(home: Home, feature: str) -> list[float]:
    """The live values of an input as they were logged."""
    with home.store.journal() as cursor:
        rows = cursor.execute(
            "SELECT features, schema_hash FROM journal.ml_predictions WHERE NOT replayed ORDER BY decided_at"
        ).fetchall()
    place = [each.name for each in features_asked(rows[0][1], len(rows[0][0]))].index(feature)
    return [row[0][place] for row in rows]


def test_inputs_that_come_out_again_are_counted_live_and_replayed(live: Home):
    assert audited(live) == SkewReport(6, 6, ())
    assert audited(live).passed
    assert audit_skew(live.store, DEMO, since=date(2023, 5, 17)) == SkewReport(0, 6, ())
    assert audit_skew(live.store, DEMO, model="range_ahead-DEMO") == SkewReport(0, 0, ())


def test_a_difference_is_told_with_its_size_in_the_features_own_spread(live: Home):
    logged = values(live, "martingale_up")
    change(live, "martingale_up", lambda value: value + 0.25)
    [found] = audited(live).features
    low, high = np.quantile([logged[0], logged[1] + 0.25, *logged[2:]], [0.25, 0.75])
    assert (found.feature, found.replayed, found.events, found.differ) == ("martingale_up", False, 6, 1)
    assert found.largest == pytest.approx(0.25)
    assert found.spreads == pytest.approx(0.25 / (high - low))
    assert (found.first, found.causes, found.missing) == ("DEMO 2023-05-16 1000", {UNEXPLAINED: 1}, 0)
    assert (found.logged, found.rebuilt) == (logged[1] + 0.25, logged[1])
    assert not audited(live).passed
    assert skew_check(audited(live)).passed is False


def test_the_last_bit_is_a_difference_like_any_other(live: Home):
    change(live, "martingale_up", lambda value: math.nextafter(value, 1.0))
    [found] = audited(live).features
    assert (found.differ, found.missing) == (1, 0)
    assert 0 < found.largest < 1e-15


@pytest.mark.parametrize("lost", [None, math.nan], ids=["null", "NaN"])
def test_a_number_beside_none_is_a_difference_without_a_size(live: Home, lost: float | None):
    change(live, "martingale_up", lambda _: lost)
    [found] = audited(live).features
    assert (found.differ, found.missing, found.causes) == (1, 1, {UNEXPLAINED: 1})
    assert math.isnan(found.largest)
    assert "1 without a number on one side" in str(found)


def test_a_replayed_difference_is_named_so_and_says_nothing_of_live_inputs(live: Home):
    change(live, "martingale_up", lambda value: value + 1, day="2023-05-17")
    report = audited(live)
    assert [(each.feature, each.replayed) for each in report.features] == [("martingale_up", True)]
    assert str(report.features[0]).startswith("martingale_up (replayed): 1 of 6 events differ")
    assert not report.passed
    assert skew_check(report) == Check(True, "Inputs of 6 live forecasts come out from stored bars.")


def test_without_a_live_forecast_the_gate_cannot_tell(live: Home):
    assert skew_check(SkewReport(0, 60, ())).passed is None


def test_a_bar_that_a_vendor_revised_explains_what_depends_on_it_and_nothing_else(live: Home):
    import_id = revise(live, "2023-05-16 00:03", by=3.0)  # in the 10:00 range, and in what later events look back to
    report = audited(live)
    assert report.passed
    assert report.features
    assert {cause for each in report.features for cause in each.causes} == {REVISED}
    assert all(import_id in each.why for each in report.features)
    assert all(
        each.first == "DEMO 2023-05-16 1000" for each in report.features if not each.replayed and each.differ > 4
    )
    change(live, "weekday", lambda value: value + 1)
    [edited] = audited(live).unexplained(replayed=False)
    assert (edited.feature, edited.causes) == ("weekday", {UNEXPLAINED: 1})


def test_bars_that_came_in_late_are_named_and_stay_a_difference(home: Home):
    bars = demo_table()
    minute = "ts = '2023-05-16 00:03Z' AND contract = 'DEMOM3'"
    with home.store.market_write() as cursor:
        cursor.execute(f"DELETE FROM market.bars_1m WHERE {minute}")
    home.replay("2023-05-16", "2023-05-16")
    with home.store.journal_write() as cursor:
        cursor.execute("UPDATE journal.ml_predictions SET replayed = FALSE")
    assert audited(home).passed
    report = ingest_bars(home.store, DEMO, [bars], source_name="the missing minute", now=LATER)
    assert report.rows_stored == 1
    found = audited(home)
    assert not found.passed
    assert {cause for each in found.features for cause in each.causes} == {LATE}
    assert all(f"1 of import {report.import_id} (the missing minute" in each.why for each in found.features)


def test_inputs_that_are_defined_otherwise_by_now_cannot_be_compared(live: Home):
    with live.store.journal_write() as cursor:
        cursor.execute("UPDATE journal.ml_predictions SET schema_hash = 'older' WHERE orb = '1000' AND NOT replayed")
    [found] = audited(live).features
    assert (found.feature, found.events, found.differ, found.causes) == (DEFINITIONS, 6, 1, {UNEXPLAINED: 1})


def test_an_event_that_the_bars_do_not_know_any_more_is_named(live: Home):
    with live.store.market_write() as cursor:
        cursor.execute("DELETE FROM market.bars_1m WHERE ts >= '2023-05-16 00:00Z' AND ts < '2023-05-16 00:05Z'")
    gone = [each for each in audited(live).features if each.feature == NO_EVENT]
    assert [(each.events, each.first, each.causes) for each in gone] == [(6, "DEMO 2023-05-16 1000", {UNEXPLAINED: 1})]
