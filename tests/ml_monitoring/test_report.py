from datetime import date

import pytest

from ml_monitoring.report import describe, health_of
from tests.ml_monitoring.journal_tables import PENDING, REFUSED, UP, VOID, Row, journal, on_days

NAMES = {"instrument": "MGC", "model": "directional-MGC"}


def test_an_empty_journal_has_a_report_that_says_so():
    report = health_of(journal(), **NAMES)
    assert report.performance is report.rolling is report.calibration is report.worth is None
    assert describe(report) == [
        "directional-MGC on MGC: 0 predictions logged (0 by replay): 0 matured, 0 pending, 0 void, 0 refused.",
        "Nothing has matured yet, so there is nothing to judge.",
    ]


def test_predictions_that_wait_are_counted_and_not_judged():
    report = health_of(journal(PENDING, VOID, REFUSED), **NAMES)
    assert report.performance is None
    assert report.by_range == {}
    assert (report.counts.pending, report.counts.void, report.counts.refused) == (1, 1, 1)


def test_a_later_start_judges_fewer_events_and_keeps_what_the_windows_had_seen():
    rows = journal(*on_days(50, Row(base=0.5)))
    whole, late = health_of(rows, **NAMES), health_of(rows, **NAMES, first=date(2025, 2, 15))
    assert (whole.counts.logged, late.counts.logged) == (50, 5)
    assert late.rolling is not None
    assert whole.rolling is not None
    assert len(whole.rolling) == 11  # windows of 40 days end on day 40, 41, ... 50
    assert late.rolling.value.tolist() == whole.rolling.value[-5:].tolist()
    assert len(late.rolling_error) == len(late.rolling) == 5
    # the majority of day 46 has seen 45 upward breaks: 46 of 47
    assert late.judged.baselines["majority"][0, 0] == pytest.approx(46 / 47)


def test_the_report_in_words_has_every_score_and_a_verdict_on_each_question():
    lines = describe(health_of(journal(*on_days(45, UP, Row(orb="1000", actual="DOWN", correct=False))), **NAMES))
    told = "\n".join(lines)
    for word in ("accuracy", "log_loss", "recall_DOWN", "Skill (", "Calibration (", "Worth (", "Help ("):
        assert word in told
    assert "nan" not in told
    assert "majority –" in told  # it never called a break down, so nobody knows how often it would have been right
