"""What an event came to: pending, matured or void, and from when on that was known. Days are MGC's, prices ticks."""

from datetime import date

import numpy as np
import pytest

from ml_data.bar_arrays import BarArrays
from ml_data.events import range_events
from ml_data.history import build_history, history_of_days
from ml_data.outcomes import Outcomes, range_outcomes
from tests.ml_data.bar_files import mgc
from tests.ml_data.written_bars import Bar, flat, minute, written

WEDNESDAY = date(2024, 2, 14)  # winter in New York: the day is over at 08:00 local
NEXT: tuple[date, list[Bar]] = (date(2024, 2, 15), [("09:00", 1000, 1000, 1000, 1000, 1.0)])
RANGE: list[Bar] = [("09:00", 1005, 1010, 1000, 1005, 1.0), ("09:04", 1005, 1005, 1005, 1005, 1.0)]
UP: Bar = ("09:06", 1005, 1012, 1005, 1012, 1.0)  # entry 1012, stop 1000, target 1024
COSTS = 2 * 0.75 / 1.0  # ticks: 0.75 USD a side, 1 USD a tick


def outcome(bars: BarArrays, day: date = WEDNESDAY, orb: str = "0900") -> Outcomes:
    history = build_history(bars, mgc())
    events = range_events(history)
    opening = [rule.name for rule in mgc().opening_ranges].index(orb)
    mine = (history.days[events.day] == np.datetime64(day)) & (events.opening == opening)
    assert mine.sum() == 1
    return range_outcomes(history, events.where(mine))


def shown(found: Outcomes) -> tuple[str, int, int, int]:
    return str(found.state[0]), int(found.direction[0]), int(found.label_known[0]), int(found.known[0])


def at(clock: str, day: date = WEDNESDAY) -> int:
    return minute(day, clock)


def test_a_break_whose_trade_has_closed_is_matured_and_known_when_the_bars_close():
    found = outcome(written((WEDNESDAY, [*RANGE, UP, ("09:20", 1012, 1024, 1001, 1020, 1.0)])))
    assert shown(found) == ("matured", 1, at("09:07"), at("09:21"))
    assert found.r_gross[0] == 1.0
    assert found.r_net[0] == 1.0 - (COSTS + 1) / 12  # the entry slips, the target does not
    assert found.void_reason[0] is None


def test_a_stopped_trade_slips_twice():
    found = outcome(written((WEDNESDAY, [*RANGE, UP, ("09:20", 1012, 1023, 1000, 1020, 1.0)])))
    assert shown(found) == ("matured", 1, at("09:07"), at("09:21"))
    assert (found.r_gross[0], found.r_net[0]) == (-1.0, -1.0 - (COSTS + 2) / 12)


def test_a_break_whose_trade_still_runs_is_pending_though_its_direction_is_known():
    found = outcome(written((WEDNESDAY, [*RANGE, UP])))
    assert shown(found) == ("pending", 1, at("09:07"), -1)
    assert np.isnan(found.r_gross[0])
    assert np.isnan(found.r_net[0])


def test_events_of_days_that_hold_no_bar_at_all_wait():
    whole = build_history(written((WEDNESDAY, [*RANGE, UP]), NEXT), mgc())
    nothing = BarArrays(("MGCJ4",), np.zeros(2, np.int64), *[np.empty(0, np.int64)] * 5, np.empty(0))
    history = history_of_days(nothing, mgc(), whole.contracts, at("09:04"), whole.windows)
    found = range_outcomes(history, range_events(whole))
    assert set(found.state) == {"pending"}
    assert set(found.known) == set(found.label_known) == {-1}


def test_a_range_that_has_not_broken_yet_is_pending_and_undecided():
    assert shown(outcome(written((WEDNESDAY, [*RANGE, *flat("09:05", "12:00", 1005)])))) == ("pending", 2, -1, -1)


def test_a_range_that_never_breaks_is_none_when_the_day_is_over_by_schedule():
    quiet = [*RANGE, *flat("09:30", "+07:30", 1005), ("+07:59", 1005, 1005, 1005, 1005, 1.0)]
    found = outcome(written((WEDNESDAY, quiet)))
    assert shown(found) == ("matured", 0, at("+08:00"), at("+08:00"))
    assert np.isnan(found.r_net[0])
    unfinished = outcome(written((WEDNESDAY, quiet[:-1])))
    assert shown(unfinished) == ("pending", 2, -1, -1)


def test_an_expired_trade_is_known_when_the_day_is_over_and_not_at_its_last_bar():
    bars = [*RANGE, UP, *flat("09:30", "+06:00", 1015)]
    assert shown(outcome(written((WEDNESDAY, bars)))) == ("pending", 1, at("09:07"), -1)
    found = outcome(written((WEDNESDAY, bars), NEXT))
    assert shown(found) == ("matured", 1, at("09:07"), at("+08:00"))
    last_minute: Bar = ("+07:59", 1015, 1015, 1015, 1015, 1.0)
    assert shown(outcome(written((WEDNESDAY, [*bars, last_minute])))) == shown(found)
    assert found.r_gross[0] == 3 / 12
    assert found.r_net[0] == 3 / 12 - (COSTS + 2) / 12


@pytest.mark.parametrize(("first_bar", "state"), [("09:35", "matured"), ("09:36", "void")])
def test_more_than_thirty_minutes_without_a_bar_before_the_break_make_it_void(first_bar: str, state: str):
    bars = [*RANGE, (first_bar, 1005, 1012, 1005, 1012, 1.0), ("09:40", 1012, 1024, 1012, 1024, 1.0)]
    found = outcome(written((WEDNESDAY, bars)))
    assert found.state[0] == state
    assert found.void_reason[0] == (None if state == "matured" else "missing_bars")


def test_a_hole_after_the_break_voids_nothing():
    bars = [*RANGE, UP, ("15:00", 1012, 1024, 1012, 1024, 1.0)]
    assert shown(outcome(written((WEDNESDAY, bars)))) == ("matured", 1, at("09:07"), at("15:01"))


def test_a_hole_without_a_break_is_void_only_once_the_day_is_over():
    bars = [*RANGE, *flat("09:30", "15:00", 1005)]
    assert shown(outcome(written((WEDNESDAY, bars)))) == ("pending", 2, -1, -1)
    found = outcome(written((WEDNESDAY, bars), NEXT))
    assert shown(found) == ("void", 0, at("+08:00"), at("+08:00"))
    assert found.void_reason[0] == "missing_bars"


def test_a_day_that_closes_early_without_a_break_is_void_for_that():
    thanksgiving = date(2024, 11, 28)  # closed from 13:00 New York, 04:00 local
    found = outcome(
        written((thanksgiving, [*RANGE, *flat("09:30", "+03:30", 1005)]), (date(2024, 11, 29), NEXT[1])), thanksgiving
    )
    assert (found.state[0], found.void_reason[0]) == ("void", "early_close")


def test_a_hole_on_a_day_that_closes_early_is_missing_bars_all_the_same():
    thanksgiving = date(2024, 11, 28)
    bars = [*RANGE, *flat("09:30", "12:00", 1005), *flat("14:00", "+03:30", 1005)]
    found = outcome(written((thanksgiving, bars), (date(2024, 11, 29), NEXT[1])), thanksgiving)
    assert (found.state[0], found.void_reason[0]) == ("void", "missing_bars")


def test_a_break_on_a_day_that_closes_early_is_as_good_as_any():
    thanksgiving = date(2024, 11, 28)
    found = outcome(written((thanksgiving, [*RANGE, UP, ("09:20", 1012, 1024, 1012, 1024, 1.0)])), thanksgiving)
    assert (found.state[0], found.direction[0]) == ("matured", 1)


def test_the_daily_halt_is_no_hole_and_the_hour_after_it_may_still_break_the_range():
    summer = date(2024, 7, 16)  # halt 07:00 to 08:00 local
    bars = [*RANGE, *flat("09:30", "+06:30", 1005), ("+06:59", 1005, 1005, 1005, 1005, 1.0)]
    broken = [*bars, ("+08:10", 1005, 1005, 990, 999, 1.0), ("+08:20", 999, 1012, 999, 1000, 1.0)]
    found = outcome(written((summer, broken)), summer)
    assert shown(found) == ("matured", -1, at("+08:11", summer), at("+08:21", summer))
    # Half an hour of trading that is missing beside the halt is a hole.
    late: list[Bar] = [*bars, ("+08:31", 1005, 1005, 990, 999, 1.0)]
    assert outcome(written((summer, late)), summer).void_reason[0] == "missing_bars"


def test_a_friday_is_over_when_the_weekend_begins():
    friday = date(2024, 7, 19)  # 07:00 on Saturday
    bars = [*RANGE, *flat("09:30", "+06:30", 1005), ("+06:59", 1005, 1005, 1005, 1005, 1.0)]
    found = outcome(written((friday, bars)), friday)
    assert shown(found) == ("matured", 0, at("+07:00", friday), at("+07:00", friday))


def test_outcomes_of_several_events_are_those_of_each():
    bars = written((WEDNESDAY, [*RANGE, UP, *flat("09:30", "+07:30", 1015, every=1)]), NEXT)
    history = build_history(bars, mgc())
    events = range_events(history)
    together = range_outcomes(history, events)
    for index in range(len(events)):
        one = np.arange(len(events)) == index
        alone = range_outcomes(history, events.where(one))
        assert shown(alone) == (
            together.state[index],
            together.direction[index],
            together.label_known[index],
            together.known[index],
        )


def test_no_events_have_no_outcomes():
    history = build_history(written((WEDNESDAY, RANGE[:1])), mgc())
    assert len(range_outcomes(history, range_events(history)).state) == 0
