"""Two versions on the events that both answered."""

from dataclasses import replace

import pytest

from ml_monitoring.comparison import NET_R, compare
from tests.ml_monitoring.journal_tables import PENDING, UP, on_days
from tests.ml_monitoring.journal_tables import journal as table

OLD, NEW = "v_20250101_000000-aaaaa", "v_20250201_000000-bbbbb"


def test_only_events_with_an_outcome_that_both_answered_count():
    both = on_days(10, replace(UP, version=OLD, up=0.6), replace(UP, version=NEW, up=0.9))
    old_alone = on_days(3, replace(UP, version=OLD, orb="1000"))
    waiting = on_days(2, replace(PENDING, version=NEW, orb="1100"))
    found = compare(table(*both, *old_alone, *waiting), NEW, OLD)
    assert (found.events, found.only_version, found.only_other) == (10, 0, 3)
    assert found.gains["log_loss"].value == pytest.approx(0.4054651)  # ln(0.9 / 0.6)
    assert found.gains["accuracy"].value == 0.0


def test_the_verdict_follows_from_the_paired_interval():
    days = on_days(30, replace(UP, version=OLD, up=0.55), replace(UP, version=NEW, up=0.7))
    better, worse = compare(table(*days), NEW, OLD), compare(table(*days), OLD, NEW)
    assert (better.verdict.state, worse.verdict.state) == ("good", "bad")
    assert better.verdict.sentence.startswith(f"{NEW} is better than {OLD} on the same events: +0.2412 nats an event")


def test_a_version_against_its_twin_cannot_be_told_apart():
    days = on_days(30, replace(UP, version=OLD), replace(UP, version=NEW))
    found = compare(table(*days), NEW, OLD)
    assert found.verdict.state == "cannot tell"
    assert (found.gains["log_loss"].low, found.gains["log_loss"].high) == (0.0, 0.0)


def test_net_r_is_compared_where_both_were_traded():
    days = on_days(
        10, replace(UP, version=OLD, r_advised=0.9), replace(UP, version=NEW, r_advised=0.0, advice="DOWN", up=0.4)
    )
    assert compare(table(*days), NEW, OLD).gains[NET_R].value == pytest.approx(-0.9)


def test_without_a_common_event_it_says_who_answered_what():
    found = compare(table(*on_days(4, replace(UP, version=OLD))), NEW, OLD)
    assert found.gains == {}
    assert found.verdict.sentence == (f"No event with an outcome was answered by both: 0 by {NEW} alone, 4 by {OLD}.")
