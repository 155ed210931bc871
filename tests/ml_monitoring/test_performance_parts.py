from dataclasses import replace

import numpy as np
import pytest

from ml_monitoring.judged import judged_of
from ml_monitoring.performance_parts import describe_expectation, parts
from tests.ml_monitoring.journal_tables import UP, WRONG, journal, on_days


def test_skill_is_told_by_weekday_and_every_event_is_in_one():
    found = parts(judged_of(journal(*on_days(70, UP))))
    assert next(iter(found.by_weekday)) == "Monday"
    assert sum(estimate.n for estimate in found.by_weekday.values()) == 70
    assert found.by_weekday["Wednesday"].n == 10


def test_skill_is_told_from_the_least_sure_to_the_surest():
    sure = [replace(UP, up=up, orb=orb) for up, orb in ((0.55, "0900"), (0.65, "1000"), (0.8, "1100"))]
    found = parts(judged_of(journal(*on_days(12, *sure)))).by_confidence
    assert {name: estimate.n for name, estimate in found.items()} == {
        "to 62 %": 12,
        "62 % to 70 %": 12,
        "above 70 %": 12,
    }
    values = [estimate.value for estimate in found.values()]
    assert values == sorted(values)  # all were right: the surer, the more is saved


def test_forecasts_that_are_all_alike_are_one_group():
    assert len(parts(judged_of(journal(*on_days(12, UP)))).by_confidence) == 1


def test_skill_is_told_from_the_calmest_to_the_most_volatile_third():
    judged = judged_of(journal(*on_days(30, UP)))
    known = replace(judged, volatility=np.r_[np.full(11, 0.008), np.full(10, 0.012), np.full(8, 0.02), np.nan])
    found = parts(known).by_regime
    assert {name: estimate.n for name, estimate in found.items()} == {
        "calm, to 0.80 %": 11,
        "usual, 0.80 % to 1.20 %": 10,
        "volatile, above 1.20 %": 8,
    }
    assert parts(judged).by_regime == {}


@pytest.mark.parametrize(
    ("right_by_day", "state", "says"),
    [
        ((2, 4), "bad", "Surer than it is right"),
        ((9, 10), "bad", "Less sure than it is right"),
        ((5, 7), "cannot tell", "cannot be told from its own expectation"),
    ],
)
def test_log_loss_against_its_own_expectation(right_by_day: tuple[int, int], state: str, says: str):
    """Ten forecasts of 60 % a day, of which so many are right on even and on odd days."""
    made = []
    for day, row in enumerate(on_days(20, UP)):
        right = right_by_day[day % 2]
        made += [replace(row if n < right else replace(WRONG, day=row.day), orb=f"{n:02d}00") for n in range(10)]
    verdict = describe_expectation(parts(judged_of(journal(*made))).expectation)
    assert verdict is not None
    assert verdict.state == state
    assert says in verdict.sentence


def test_nothing_is_told_of_nothing():
    found = parts(judged_of(journal()))
    assert (found.by_weekday, found.by_confidence, found.by_regime) == ({}, {}, {})
    assert (found.expectation, found.rolling) == (None, None)
    assert describe_expectation(found.expectation) is None
