"""How far the price travels in the four hours after a range. Days are MGC's, prices ticks."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from ml_data.ahead import ahead_of
from ml_data.bar_arrays import BarArrays, bar_arrays
from ml_data.demo_market import demo_bars
from ml_data.events import range_events
from ml_data.feature_matrix import feature_matrix
from ml_data.features import ahead_lately
from ml_data.history import build_history
from ml_data.outcomes import Outcomes, ahead_outcomes
from tests.hub_home import DEMO
from tests.ml_data.bar_files import mgc
from tests.ml_data.written_bars import Bar, minute, written

DAY = date(2024, 2, 14)
RANGE: list[Bar] = [("09:00", 1005, 1010, 1000, 1004, 1.0), ("09:04", 1004, 1006, 1004, 1005, 1.0)]  # 10 ticks, to 1005


def quiet(first: str, last: str) -> list[Bar]:
    """A bar in 20 minutes at 1005, so that no half hour is without one."""
    starts = range(int(first[:2]) * 60 + int(first[3:]), int(last[:2]) * 60 + int(last[3:]) + 1, 20)
    return [(f"{m // 60:02}:{m % 60:02}", 1005, 1005, 1005, 1005, 1.0) for m in starts]


def outcome(bars: BarArrays) -> Outcomes:
    history = build_history(bars, mgc())
    events = range_events(history)
    return ahead_outcomes(
        history, events.where((history.days[events.day] == np.datetime64(DAY)) & (events.opening == 0))
    )


def moved(*bars: Bar) -> list[Bar]:
    return sorted([*RANGE, *quiet("09:05", "13:25"), *bars])


def test_travel_rise_and_fall_are_logs_of_a_tick_more_over_the_range():
    found = outcome(
        written((DAY, moved(("09:30", 1005, 1024, 1005, 1020, 1.0), ("12:50", 1005, 1006, 996, 1000, 1.0))))
    )
    assert found.state[0] == "matured"
    assert found.values[0].tolist() == np.log([29 / 10, 20 / 10, 10 / 10]).tolist()  # 28, 19 and 9 ticks


def test_it_is_known_four_hours_after_the_range_and_not_before():
    assert outcome(written((DAY, moved()))).known[0] == minute(DAY, "13:05")
    bars = written((DAY, [*RANGE, *quiet("09:05", "13:03")]))
    found = outcome(bars)
    assert (found.state[0], found.known[0]) == ("pending", -1)
    assert np.isnan(found.values).all()


def test_what_comes_after_the_four_hours_does_not_count():
    later: Bar = ("13:05", 1005, 1900, 100, 1005, 1.0)
    assert (
        outcome(written((DAY, moved(later)))).values[0].tolist() == outcome(written((DAY, moved()))).values[0].tolist()
    )


def test_a_price_that_never_rises_has_a_rise_of_nothing():
    found = outcome(written((DAY, moved(("09:05", 1003, 1003, 1001, 1002, 1.0)))))
    assert found.values[0, 1] == np.log(1 / 10)


def test_a_hole_in_the_four_hours_leaves_open_how_far_it_went():
    found = outcome(written((DAY, [*RANGE, *quiet("09:05", "10:05"), *quiet("11:00", "13:20")])))
    assert (found.state[0], found.void_reason[0]) == ("void", "missing_bars")


def test_a_day_that_closes_sooner_ends_it():
    history = build_history(written((DAY, moved())), mgc())
    found, closes = ahead_of(history), history.windows.closes[0]
    assert (found.ends[0] <= closes).all()
    assert (found.ends[0] == np.minimum(history.windows.range_ends[0] + 240, closes)).all()


def test_what_the_market_did_lately_is_the_mean_of_the_six_newest_outcomes_that_were_over():
    history = build_history(
        bar_arrays(pa.concat_tables(demo_bars(DEMO, date(2023, 10, 2), date(2023, 12, 29), 3)), DEMO.tick), DEMO
    )
    events, found = range_events(history), ahead_of(history)
    lately = feature_matrix(history, events, (ahead_lately.GROUP,)).values[:, 0]
    logs = np.log(found.ticks[:, :, 0] + 1)
    outcomes = sorted(
        (int(found.ends[day, orb]), logs[day, orb] - np.nanmean(logs[day - 20 : day, orb]))
        for day in range(20, len(logs))
        for orb in range(logs.shape[1])
        if not np.isnan(logs[day, orb])
    )
    late = np.flatnonzero(events.day > 26)
    expected = [np.mean([off for end, off in outcomes if end <= events.decided[event]][-6:]) for event in late]
    assert lately[late].tolist() == pytest.approx(expected, abs=1e-12)
    assert np.isnan(lately[events.day <= 10]).all()
