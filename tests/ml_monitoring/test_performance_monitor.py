import math
from dataclasses import replace

import numpy as np
import pytest

from ml_monitoring.judged import judged_of
from ml_monitoring.performance_monitor import performance, rolling_skill, skill_by_range, worth
from tests.ml_monitoring.journal_tables import UP, WRONG, Row, journal, on_days

EVEN = math.log(0.5)


def test_without_a_matured_prediction_there_is_nothing_to_say():
    nothing = judged_of(journal())
    assert performance(nothing) is None
    assert worth(nothing) is None


def test_scores_stand_beside_what_the_baselines_scored_on_the_same_events():
    found = performance(judged_of(journal(*on_days(10, Row(base=0.5), Row(orb="1000", up=0.7, base=0.5)))))
    assert found is not None
    assert found.scores["accuracy"].value == 1.0
    assert found.scores["log_loss"].value == pytest.approx(-(math.log(0.6) + math.log(0.7)) / 2)
    assert found.baseline_scores["martingale"]["log_loss"] == pytest.approx(-EVEN)
    assert set(found.baseline_scores) == {"majority", "martingale"}
    assert set(found.baseline_scores["majority"]) == set(found.scores)


def test_skill_is_against_the_better_baseline_and_names_it():
    rising = performance(judged_of(journal(*on_days(10, Row(base=0.5)))))
    assert rising is not None
    assert rising.baseline == "majority"  # it soon knows that every break was upwards; the martingale says one half
    sharp = performance(judged_of(journal(*on_days(10, Row(base=0.9), replace(WRONG, orb="1000", base=0.1)))))
    assert sharp is not None
    assert sharp.baseline == "martingale"
    assert sharp.skills["log_loss"].value == pytest.approx((math.log(0.6) + math.log(0.4)) / 2 - math.log(0.9))
    assert sharp.verdict.state == "bad"
    assert sharp.verdict.sentence.startswith("Worse than the martingale baseline: gain in log loss -0.6082 nats")


def test_rolling_skill_is_what_was_saved_on_the_martingale():
    judged = judged_of(journal(*on_days(12, Row(base=0.5))))
    rolling = rolling_skill(judged, window=10)
    assert rolling.value.tolist() == pytest.approx([math.log(0.6) - EVEN] * 3)
    brier = rolling_skill(judged, window=10, score="brier")
    assert brier.value.tolist() == pytest.approx([2 * 0.25 - 2 * 0.16] * 3)


def test_each_range_is_judged_by_its_own_events():
    by_range = skill_by_range(judged_of(journal(*on_days(8, Row(base=0.5), Row(orb="1000", up=0.5, base=0.5)))))
    assert list(by_range) == ["0900", "1000"]
    assert by_range["0900"].value == pytest.approx(math.log(0.6) - EVEN)
    assert by_range["1000"].value == 0.0
    assert (by_range["0900"].n, by_range["0900"].days) == (8, 8)


def test_worth_adds_up_what_was_taken_and_what_was_left():
    found = worth(
        judged_of(journal(*on_days(6, UP, WRONG, Row(orb="1000", advice="NONE", r_net=-1.1, r_advised=-1.1))))
    )
    assert found is not None
    assert (found.traded, found.kept) == (18, 12)
    assert found.plain.tolist() == pytest.approx(list(np.cumsum([0.9 - 1.1 - 1.1] * 6)))
    assert found.advised.tolist() == pytest.approx(list(np.cumsum([0.9 - 1.1] * 6)))
    assert found.taken.value == pytest.approx(-0.1)
    assert found.difference.value == pytest.approx(1.1 / 3)
    assert (found.verdict.state, found.help.state) == ("bad", "good")


def test_a_break_that_was_not_traded_is_worth_nothing():
    found = worth(judged_of(journal(*on_days(5, UP, Row(r_net=None, r_advised=None)))))
    assert found is not None
    assert (found.traded, found.kept) == (5, 5)


def test_advice_that_leaves_every_break_takes_none():
    found = worth(judged_of(journal(*on_days(6, WRONG))))
    assert found is not None
    assert found.kept == 0
    assert math.isnan(found.taken.value)
    assert found.verdict.state == "cannot tell"
    assert found.verdict.sentence == "With the advice 0 of 6 breaks are taken."
