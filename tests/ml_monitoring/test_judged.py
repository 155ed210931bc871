from dataclasses import replace

import numpy as np

from ml_monitoring.judged import Counts, counts_of, judged_of
from tests.ml_monitoring.journal_tables import PENDING, REFUSED, UP, VOID, WRONG, Row, journal


def test_every_logged_prediction_is_counted_once():
    rows = journal(UP, WRONG, PENDING, VOID, REFUSED, replace(REFUSED, state="pending"), replace(UP, replayed=True))
    assert counts_of(rows) == Counts(logged=7, matured=3, pending=1, void=1, refused=2, replayed=1)


def test_an_empty_journal_counts_nothing_and_judges_nothing():
    assert counts_of(journal()) == Counts(0, 0, 0, 0, 0, 0)
    assert len(judged_of(journal())) == 0


def test_only_answered_and_matured_predictions_are_judged():
    judged = judged_of(journal(UP, PENDING, VOID, REFUSED, WRONG))
    assert judged.classes == ("UP", "DOWN")
    assert judged.actual.tolist() == [0, 1]
    assert judged.probs.round(12).tolist() == [[0.6, 0.4], [0.6, 0.4]]
    assert judged.orb.tolist() == ["0900", "0900"]
    assert judged.days.astype(str).tolist() == ["2025-01-02", "2025-01-02"]


def test_an_outcome_none_is_left_out_when_the_model_said_nothing_of_it():
    nothing = Row(actual="NONE", correct=False, r_net=None, r_advised=None)
    assert judged_of(journal(UP, nothing)).actual.tolist() == [0]
    spoken = judged_of(journal(UP, replace(nothing, none=0.2, up=0.5)))
    assert spoken.classes == ("UP", "DOWN", "NONE")
    assert spoken.actual.tolist() == [0, 2]
    assert spoken.probs.round(12).tolist() == [[0.6, 0.4, 0.0], [0.5, 0.3, 0.2]]


def test_the_majority_of_an_event_counts_outcomes_known_before_it_was_decided():
    early, late = Row(orb="0900", minutes=60), Row(orb="0930", actual="DOWN", minutes=60)
    after_both = Row(orb="1030")
    judged = judged_of(journal(early, late, after_both))
    # 09:05 nothing known, 09:35 nothing yet (09:05 + 60 min), 10:35 one UP (10:05) and one DOWN (10:35) known
    assert judged.baselines["majority"].tolist() == [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]]
    later = judged_of(journal(early, replace(late, minutes=61), after_both))
    assert later.baselines["majority"][2].round(12).tolist() == [round(2 / 3, 12), round(1 / 3, 12)]


def test_the_martingale_is_what_was_logged_and_of_none_says_what_was_known_then():
    with_none = [Row(none=0.2, up=0.5, base=0.25), Row(orb="1100", none=0.2, up=0.5, base=0.25, actual="NONE")]
    martingale = judged_of(journal(*with_none)).baselines["martingale"]
    # at 09:05 each class counts one: a third; at 11:05 one UP is known: NONE is one of four
    assert np.allclose(martingale, [[0.25 * 2 / 3, 0.75 * 2 / 3, 1 / 3], [0.25 * 0.75, 0.75 * 0.75, 0.25]])
    assert np.allclose(martingale.sum(axis=1), 1.0)


def test_a_martingale_that_is_not_known_says_one_half():
    assert judged_of(journal(Row(base=float("nan")))).baselines["martingale"].tolist() == [[0.5, 0.5]]


def test_advice_keeps_a_break_unless_it_names_the_other_side():
    judged = judged_of(journal(UP, WRONG, Row(advice="NONE"), Row(advice="DOWN")))
    assert judged.kept.tolist() == [True, False, True, False]
    assert judged.advised.tolist() == [True, True, False, True]


def test_where_nothing_was_traded_r_is_nan():
    judged = judged_of(journal(UP, Row(r_net=None, r_advised=None)))
    assert np.isnan(judged.r_net).tolist() == [False, True]
    assert judged.where(np.array([False, True])).r_net_advised.tolist() != [0.0]
