"""When a model is due for retraining: literal facts in, literal words out."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from ml_data.retrainings import Alarm, Retraining, RetrainingResult
from ml_monitoring.breaker import EXPIRED
from ml_monitoring.looks import FORECASTS, INPUTS
from ml_training.due import WITHOUT_OUTCOMES, Facts, compared_in_year, due
from trading.settings import RetrainSettings

MADE = datetime(2025, 1, 6, 12, tzinfo=UTC)
THROUGH = date(2025, 1, 3)
SETTINGS = RetrainSettings(
    every_days=90, outcomes=500, cooldown_days=14, budget=2, comparisons=4, test_days=20, alpha=0.04
)


def days(count: int, after: date = THROUGH) -> tuple[date, ...]:
    return tuple(after + timedelta(days=step) for step in range(1, count + 1))


def after(number: float) -> datetime:
    return MADE + timedelta(days=number)


FACTS = Facts("v1", MADE, THROUGH, outcomes={}, alarms=(), history=(), days=days(60))


def ended(number: float, verdict: str = "rejected", *, opened: bool = True, last_day: date | None = None) -> Retraining:
    result = RetrainingResult(verdict, after(number), "because", opened=opened, last_day=last_day)  # type: ignore[arg-type]
    return Retraining("id", "MGC", "m", after(number), "schedule", "", "v1", THROUGH, 0.01, result)


def alarm(number: float, monitor: str = "quality", through: date = date(2025, 2, 7)) -> Alarm:
    return Alarm(monitor, after(number), through)


def said(facts: Facts, number: float, **more: bool) -> tuple[str, str | None, str]:
    found = due(facts, SETTINGS, after(number), **more)
    return found.state, found.cause, found.because


def test_a_young_champion_is_not_due():
    expected = "not due: 10 of 90 days, 0 of 500 new outcomes, no alarm that counts; by schedule on 2025-04-06."
    assert due(FACTS, SETTINGS, after(10)).sentence == expected


def test_it_is_due_by_schedule_on_the_day_that_was_told():
    assert said(FACTS, 89.9)[0] == "not due"
    assert said(FACTS, 90) == ("due", "schedule", "90 days since the champion was made")
    assert due(FACTS, SETTINGS, after(0)).on == after(90).date()


def test_it_is_due_by_new_outcomes():
    outcomes = {day: 5 for day in days(100)}
    assert said(replace(FACTS, outcomes=outcomes), 10) == ("due", "outcomes", "500 new outcomes")
    assert said(replace(FACTS, outcomes={**outcomes, days(1)[0]: 4}), 10)[0] == "not due"


def test_a_comparison_begins_the_count_of_days_and_outcomes_anew():
    outcomes = {day: 10 for day in days(60)}
    judged = replace(FACTS, outcomes=outcomes, history=(ended(60, last_day=days(20)[-1]),))
    assert said(judged, 149.9)[2].startswith("89 of 90 days, 400 of 500 new outcomes")
    assert said(judged, 150) == ("due", "schedule", "90 days since the last comparison")


def test_days_that_raised_an_alarm_by_their_outcomes_are_not_compared_on():
    facts = replace(FACTS, alarms=(alarm(35),), days=days(54))
    expected = (
        "quality gave an alarm on 2025-02-10; cannot compare yet: after the days that raised the alarm, 2025-02-07 19 "
        "whole trading days stored, 20 needed"
    )
    assert said(facts, 36) == ("waiting", "alarm", expected)
    found = due(replace(facts, days=days(55)), SETTINGS, after(60))
    assert (found.state, found.cause, found.after) == ("due", "alarm", date(2025, 2, 7))


def test_later_alarms_do_not_put_the_comparison_off():
    facts = replace(FACTS, alarms=(alarm(35), alarm(50, through=date(2025, 2, 24))), days=days(55))
    assert due(facts, SETTINGS, after(60)).state == "due"


def test_the_monitors_and_codes_that_look_at_no_outcome_are_called_so():
    assert (FORECASTS, INPUTS, EXPIRED) == WITHOUT_OUTCOMES


@pytest.mark.parametrize("monitor", WITHOUT_OUTCOMES)
def test_an_alarm_that_looked_at_no_outcome_spoils_no_day(monitor: str):
    found = due(replace(FACTS, alarms=(alarm(35, monitor),), days=days(20)), SETTINGS, after(36))
    assert (found.state, found.cause, found.after) == ("due", "alarm", THROUGH)


def test_where_two_causes_call_the_one_that_can_be_compared_goes_first():
    facts = replace(FACTS, alarms=(alarm(88, through=days(58)[-1]),))
    assert said(facts, 90)[:2] == ("due", "schedule")


def test_an_alarm_within_the_cooldown_does_not_count_again():
    facts = replace(FACTS, history=(ended(40),), alarms=(alarm(35, "input drift"), alarm(53, "input drift")))
    assert said(facts, 60)[0] == "not due"
    assert said(replace(facts, alarms=(*facts.alarms, alarm(54.1, "input drift"))), 60)[:2] == ("due", "alarm")


def test_the_budget_holds_everything_up_until_the_oldest_is_thirty_days_old():
    history = (ended(91, "cut off"), ended(92, "cut off"))
    expected = "100 days since the champion was made; but 2 retrainings in 30 days are the budget; again on 2025-05-07"
    assert said(replace(FACTS, history=history), 100) == ("waiting", "schedule", expected)
    assert said(replace(FACTS, history=history), 121.1)[0] == "due"


def test_a_cut_off_one_is_tried_again_at_once_and_a_failed_one_after_the_cooldown():
    assert said(replace(FACTS, history=(ended(91, "cut off"),)), 91.1)[0] == "due"
    failed = replace(FACTS, history=(ended(91, "failed", opened=False),))
    assert said(failed, 92)[2] == "92 days since the champion was made; but the last one failed; again on 2025-04-21"
    assert said(failed, 105)[0] == "due"


def test_the_comparisons_of_a_year_are_used_up_even_by_hand():
    history = tuple(ended(number) for number in (0, 100, 200, 300))
    expected = "asked for by hand; but 4 comparisons spent the chance of 4 % that 365 days have"
    assert said(replace(FACTS, history=history), 310, by_hand=True) == ("waiting", "by hand", expected)
    assert said(replace(FACTS, history=history), 366, by_hand=True)[0] == "due"


def test_a_comparison_counts_when_the_days_were_opened_or_may_have_been():
    running = replace(ended(3), result=None)
    history = (ended(1, opened=False), ended(2, "failed"), running, ended(-400))
    assert compared_in_year(history, after(10)) == history[1:3]


def test_what_was_spent_at_other_settings_counts_as_it_was():
    spent = tuple(replace(ended(number), level=0.016) for number in (0, 100))
    assert said(replace(FACTS, history=spent), 200, by_hand=True)[0] == "waiting"
    assert said(replace(FACTS, history=spent[:1]), 200, by_hand=True)[0] == "due"


def test_by_hand_the_days_up_to_the_last_alarm_that_was_heard_are_not_compared_on():
    facts = replace(FACTS, alarms=(alarm(35), alarm(42, through=date(2025, 2, 14)), alarm(43, "input drift")))
    found = due(facts, SETTINGS, after(50), by_hand=True)
    assert (found.state, found.after) == ("waiting", date(2025, 2, 14))
    assert due(replace(facts, history=(ended(45),)), SETTINGS, after(50), by_hand=True).after == THROUGH


def test_by_hand_neither_cause_nor_budget_is_asked_but_days_that_nobody_has_seen():
    history = (ended(1, "cut off"), ended(2, "cut off"), ended(3, "failed"))
    assert said(replace(FACTS, history=history[:2]), 3, by_hand=True) == ("due", "by hand", "asked for by hand")
    expected = (
        "asked for by hand; cannot compare yet: after the champion's last day 2025-01-03 19 whole trading days stored, "
        "20 needed"
    )
    assert said(replace(FACTS, days=days(19)), 3, by_hand=True) == ("waiting", "by hand", expected)


def test_a_clock_that_goes_back_makes_nothing_due():
    judged = replace(FACTS, history=(ended(60),), alarms=(alarm(80),))
    assert said(judged, -30)[0] == "not due"
