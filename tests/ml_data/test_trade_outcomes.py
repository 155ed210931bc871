"""What trading a break came to, and from when on that was known. Days are MGC's, prices ticks."""

from datetime import date

import numpy as np
import pytest

from ml_data.bar_arrays import BarArrays
from ml_data.events import EventRows, break_events, event_at
from ml_data.history import build_history
from ml_data.outcomes import Outcomes, trade_outcomes
from tests.ml_data.bar_files import mgc
from tests.ml_data.written_bars import Bar, minute, written
from trading.domain.trade_rule import rule_named

DAY = date(2024, 2, 14)  # winter in New York: the day is over at 08:00 local
NEXT: tuple[date, list[Bar]] = (date(2024, 2, 15), [("09:00", 1000, 1000, 1000, 1000, 1.0)])
RANGE: list[Bar] = [("09:00", 1005, 1010, 1000, 1005, 1.0), ("09:04", 1005, 1005, 1005, 1005, 1.0)]
UP: Bar = ("09:06", 1005, 1012, 1005, 1012, 1.0)  # entry 1012, stop 1000, target of 1 R 1024
WIN, MISS = 0, 1


def at(clock: str) -> int:
    return minute(DAY, clock)


def outcome(bars: BarArrays, rule: str = "full-rr1-day") -> Outcomes:
    history = build_history(bars, mgc())
    events = break_events(history)
    return trade_outcomes(history, events.where(history.days[events.day] == np.datetime64(DAY)), rule_named(rule))


def quiet(first: str, last: str) -> list[Bar]:
    """Bars that touch nothing, one in 20 minutes, so that no half hour is without one."""
    return [(f"{m // 60:02}:{m % 60:02}", 1012, 1013, 1011, 1012, 1.0) for m in range(_of(first), _of(last) + 1, 20)]


def _of(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def shown(found: Outcomes) -> tuple[str, int, int]:
    return str(found.state[0]), int(found.code[0]), int(found.label_known[0])


def test_a_break_is_an_event_when_the_bar_that_broke_has_closed():
    history = build_history(written((DAY, [*RANGE, UP])), mgc())
    events = break_events(history)
    event = event_at(history, events, 0)
    assert (len(events), int(events.decided[0]), events.kind) == (1, at("09:07"), "break_closed")
    assert event.key == "MGC|break_closed|2024-02-14|0900|2024-02-13T23:07:00Z"


def test_a_target_first_is_a_win_known_when_the_bar_that_touched_it_has_closed():
    found = outcome(written((DAY, [*RANGE, UP, ("09:20", 1012, 1024, 1001, 1020, 1.0)])))
    assert shown(found) == ("matured", WIN, at("09:21"))
    assert found.known[0] == found.label_known[0]
    assert found.r_gross[0] == 1.0


@pytest.mark.parametrize(("high", "low"), [(1023, 1000), (1024, 1000)])  # the stop, or both in one bar
def test_a_stop_or_both_in_one_bar_is_a_miss(high: int, low: int):
    found = outcome(written((DAY, [*RANGE, UP, ("09:20", 1012, high, low, 1010, 1.0)])))
    assert shown(found) == ("matured", MISS, at("09:21"))
    assert found.r_gross[0] == -1.0


def test_a_trade_that_still_runs_has_no_label_yet():
    found = outcome(written((DAY, [*RANGE, UP, ("09:20", 1012, 1023, 1001, 1020, 1.0)])))
    assert shown(found) == ("pending", -1, -1)
    assert np.isnan(found.r_net[0])


def test_the_same_bars_are_a_win_for_a_near_target_and_open_for_a_far_one():
    bars = written((DAY, [*RANGE, UP, ("09:20", 1012, 1024, 1001, 1020, 1.0)]))
    assert shown(outcome(bars, "full-rr2-day"))[0] == "pending"
    assert shown(outcome(bars, "half-rr1.5-session"))[:2] == ("matured", MISS)  # its stop lies at 1005


def test_neither_by_the_end_of_the_session_is_a_miss_known_at_that_end():
    day = (DAY, [*RANGE, UP, *quiet("09:10", "17:10")])
    assert shown(outcome(written(day), "full-rr1-session")) == ("matured", MISS, at("17:00"))
    assert shown(outcome(written(day), "full-rr1-day"))[0] == "pending"


def test_a_break_after_the_session_cannot_be_traded_by_its_rules():
    inside: list[Bar] = [(bar[0], 1005, 1006, 1004, 1005, 1.0) for bar in quiet("09:10", "17:10")]
    bars = written((DAY, [*RANGE, *inside, ("17:15", 1012, 1012, 1012, 1012, 1.0)]))
    found = outcome(bars, "full-rr1-session")
    assert (found.state[0], found.void_reason[0]) == ("void", "too_late")
    assert outcome(bars, "full-rr1-day").state[0] == "pending"


def test_a_hole_while_the_trade_runs_leaves_open_what_came_first():
    found = outcome(written((DAY, [*RANGE, UP, ("10:20", 1012, 1024, 1012, 1020, 1.0)]), NEXT))
    assert (found.state[0], found.void_reason[0]) == ("void", "missing_bars")


def test_a_break_that_by_the_bars_as_they_are_now_happened_at_another_minute_is_void():
    history = build_history(written((DAY, [*RANGE, UP, ("09:20", 1012, 1024, 1001, 1020, 1.0)])), mgc())
    events = break_events(history)
    earlier = EventRows(events.day, events.opening, events.decided - 1, events.kind)
    found = trade_outcomes(history, earlier, rule_named("full-rr1-day"))
    assert (found.state[0], found.void_reason[0]) == ("void", "break_moved")
