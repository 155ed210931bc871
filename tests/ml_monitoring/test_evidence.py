from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from tests.ml_monitoring.journal_tables import PENDING, REFUSED, UP
from tests.ml_monitoring.live_journals import evidence, live, rows

THREE_DAYS = [replace(UP, day=f"2025-01-0{day}") for day in (1, 2, 3)]


def days_of(found):
    return np.unique(found.live.days).astype(str).tolist()


def test_a_day_counts_when_a_later_one_has_begun():
    assert days_of(evidence(live(*THREE_DAYS))) == ["2025-01-01", "2025-01-02"]


def test_no_day_counts_from_one_that_waits_for_an_outcome():
    waits = replace(PENDING, day="2025-01-02", orb="1000")
    found = evidence(live(*THREE_DAYS, waits))
    assert days_of(found) == ["2025-01-01"]
    assert found.waiting == 1


def test_replayed_forecasts_never_count():
    found = evidence(live(*(replace(row, replayed=True) for row in rows(120, 0.9))))
    assert (len(found.live), len(found.replayed), found.newest) == (0, 600, None)


@pytest.mark.parametrize(("seconds", "counts"), [(0.0, 2), (60.0, 2), (61.0, 0), (-1.0, 0), (4000.0, 0)])
def test_what_was_not_written_down_at_its_moment_does_not_count(seconds: float, counts: int):
    assert len(evidence(live(*THREE_DAYS, late=seconds)).live) == counts


def test_a_forecast_without_the_time_of_its_writing_does_not_count():
    table = live(*THREE_DAYS)
    place = table.schema.get_field_index("logged_at")
    nothing = pa.nulls(len(THREE_DAYS), table.schema.field(place).type)
    unknown = table.set_column(place, "logged_at", nothing)
    assert len(evidence(unknown).live) == 0


def test_refusals_are_no_evidence_and_hold_nothing_up():
    assert days_of(evidence(live(*THREE_DAYS, replace(REFUSED, day="2025-01-01", state="pending")))) == [
        "2025-01-01",
        "2025-01-02",
    ]


def test_evidence_of_a_stage_begins_with_it():
    table = live(*THREE_DAYS)
    began = table["decided_at"][1].as_py()
    assert days_of(evidence(table, since=began)) == ["2025-01-02"]
    assert len(evidence(table, since=began + timedelta(seconds=1)).live) == 0


def test_the_worst_of_a_trade_is_one_r_and_the_costs_of_its_own_range():
    found = evidence(live(*THREE_DAYS))
    assert found.worst_r.tolist() == pytest.approx([1 + 0.324 / 10] * 2, rel=0.2)
    assert (found.worst_r > 1).all()


@pytest.mark.parametrize(
    "changed",
    [{"up": 0.61}, {"base": 0.49}, {"actual": "DOWN"}, {"r_advised": 0.8}, {"advice": "NONE"}, {"minutes": 61}],
)
def test_any_change_of_what_counts_changes_the_hash(changed):
    first, *others = THREE_DAYS
    one, other = evidence(live(*THREE_DAYS)), evidence(live(replace(first, **changed), *others))
    assert one.digest == evidence(live(*THREE_DAYS)).digest
    assert one.digest != other.digest


def test_what_comes_later_leaves_the_hash_of_the_same_days_alone():
    # the third day still goes on; that it has more events by now says nothing new of the two before
    more = replace(UP, day="2025-01-03", orb="1000", up=0.7)
    assert evidence(live(*THREE_DAYS)).digest == evidence(live(*THREE_DAYS, more)).digest
