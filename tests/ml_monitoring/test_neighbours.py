"""The nearest past ranges: never one whose outcome was not known yet."""

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from ml_monitoring.neighbours import nearest
from ml_monitoring.past_ranges import PastRanges
from trading.domain.calendar import to_minute

NOW = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
NAMES = ("size", "hour")


def past(values: list[list[float]]) -> PastRanges:
    """An event a day at 09:05 from 1 January 2025 on, known two hours later: UP and DOWN in turn."""
    n = len(values)
    decided = np.array([to_minute(datetime(2025, 1, 1, 9, 5, tzinfo=UTC) + timedelta(days=each)) for each in range(n)])
    return PastRanges(
        names=NAMES,
        x=np.array(values, dtype=np.float64),
        days=np.datetime64("2025-01-01") + np.arange(n),
        orb=np.array(["0900"] * n, dtype=object),
        decided=decided,
        known=decided + 120,
        actual=np.array(["UP", "DOWN"] * (n // 2), dtype=object),
        value=np.full(n, math.nan),
        r_net=np.arange(n) % 3 - 1.0,
    )


def grid(n: int = 40) -> list[list[float]]:
    return [[float(each), float(n - each)] for each in range(n)]


def day(number: int) -> date:
    return date(2025, 1, 1) + timedelta(days=number)


def test_the_nearest_come_first_with_what_came_of_them():
    found = nearest([7.2, 32.8], NAMES, NOW, past(grid()), {"size": 1.0})
    assert [each.trading_day for each in found.found] == [day(number) for number in (7, 8, 6, 9, 5)]
    assert (found.found[0].actual, found.found[0].r_net) == ("DOWN", 0.0)
    assert found.searched == 40
    assert found.sentence.startswith("The 5 nearest of 40 past ranges with a known outcome")
    assert "3 DOWN, 2 UP; net R of 5 trades from -1.00 to +1.00, mean +0.00." in found.sentence


def test_of_numbers_it_is_told_where_they_came_out():
    events = replace(past(grid()), actual=np.full(40, None, dtype=object), value=np.arange(40) / 10)
    found = nearest([7.0, 33.0], NAMES, NOW, events, {"size": 1.0})
    assert "came from +0.50 to +0.90, mean +0.70" in found.sentence
    assert found.found[0].value == 0.7


def test_only_inputs_that_the_model_looks_at_count():
    values = [[float(each), 100.0 * (each % 2)] for each in range(40)]
    found = nearest([20.0, 100.0], NAMES, NOW, past(values), {"size": 1.0, "hour": 0.0})
    assert found.found[0].trading_day == day(20)
    by_hour = nearest([20.0, 100.0], NAMES, NOW, past(values), {"size": 0.0, "hour": 1.0})
    assert all((each.trading_day - day(0)).days % 2 for each in by_hour.found)


def test_a_version_that_was_asked_with_fewer_inputs_in_another_order_is_compared_by_their_names():
    both = nearest([33.0, 7.0], ("hour", "size"), NOW, past(grid()), {})
    one = nearest([7.0], ("size",), NOW, past(grid()), {})
    assert both.found[0].trading_day == one.found[0].trading_day == day(7)


def test_a_range_whose_outcome_was_not_known_at_the_decision_is_never_shown():
    events = past(grid())
    known = events.known.copy()
    known[7] = to_minute(NOW) + 1
    found = nearest([7.0, 33.0], NAMES, NOW, replace(events, known=known), {})
    assert day(7) not in [each.trading_day for each in found.found]
    assert found.searched == 39


def test_what_comes_to_be_known_later_changes_nothing():
    """Suffix: events and outcomes after the decision may be anything."""
    events, moment = replace(past(grid(60)), value=np.zeros(60)), datetime(2025, 2, 10, 9, 5, tzinfo=UTC)
    before = nearest([7.0, 33.0], NAMES, moment, events, {"size": 1.0})
    late = events.known > to_minute(moment)
    garbage = replace(
        events,
        x=np.where(late[:, None], [[7.0, 33.0]], events.x),
        r_net=np.where(late, 99.0, events.r_net),
        actual=np.where(late, "NONE", events.actual),
    )
    assert 30 < before.searched < 60
    assert nearest([7.0, 33.0], NAMES, moment, garbage, {"size": 1.0}) == before


def test_a_missing_input_lies_a_deviation_off_and_a_constant_one_does_not_count():
    values = [[float(each), 5.0] for each in range(40)]
    values[7] = [float("nan"), 5.0]
    found = nearest([7.0, 9.0], NAMES, NOW, past(values), {"size": 1.0, "hour": 1.0})
    assert found.found[0].trading_day in (day(6), day(8))
    assert day(7) not in [each.trading_day for each in found.found]


def test_too_few_past_ranges_are_not_searched():
    found = nearest([7.0, 33.0], NAMES, NOW, past(grid(20)), {})
    assert (found.found, found.searched) == ((), 20)
    assert found.sentence.startswith("… 20 past ranges had a known outcome")
