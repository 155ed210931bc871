from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from app_pages.forecast_log import LogFilter, log_frame, range_labels, shown_sentence
from tests.app_pages.small_home import MGC
from tests.ml_monitoring.journal_tables import PENDING, REFUSED, UP, VOID, WRONG, journal

ROWS = journal(
    replace(UP, day="2025-03-07"),
    replace(WRONG, day="2025-03-10", orb="1000", base=0.3, replayed=True),
    replace(VOID, day="2025-03-10", orb="1100"),
    replace(REFUSED, day="2025-03-10", orb="1800"),
    replace(PENDING, day="2025-03-10", orb="2300", advice="NONE"),
)


def test_a_row_is_what_was_said_beside_what_came_of_it_newest_first():
    log = log_frame(ROWS, MGC, None, "range", None)
    assert log["State"].tolist() == ["pending", "refused", "void", "matured", "matured"]
    assert log["Why"].tolist() == ["", "The newest bar is too old.", "missing bars", "", ""]
    assert log["Advice"].tolist() == ["– none", "…", "▲ UP", "▲ UP", "▲ UP"]
    assert log["Actual"].tolist() == ["…", "▲ UP", "…", "▼ DOWN", "▲ UP"]
    assert log["Right?"].tolist() == ["…", "…", "…", "✕ wrong", "✓ right"]
    assert log["Net R"].tolist()[3:] == [-1.1, 0.9]
    assert log["Net R"].isna().tolist() == [True, False, True, False, False]
    assert log["P(UP)"].isna().tolist() == [False, True, False, False, False]
    assert log["How"].tolist() == ["live", "live", "live", "replayed", "live"]
    assert log["At"].iloc[-1] == datetime(2025, 3, 7, 9, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "friday", "monday"),
    [
        ("range", "2025-03-07 19:05", "2025-03-10 20:05"),
        ("exchange", "2025-03-07 04:05", "2025-03-10 06:05"),  # New York turns its clocks on Sunday 9 March 2025
        ("utc", "2025-03-07 09:05", "2025-03-10 10:05"),
        ("browser", "2025-03-07 10:05", "2025-03-10 11:05"),
    ],
)
def test_each_row_shows_the_wall_clock_of_its_own_day(zone: str, friday: str, monday: str):
    made = log_frame(ROWS, MGC, None, zone, "Europe/Berlin")["Made"]
    assert f"{made.iloc[-1]:%Y-%m-%d %H:%M}" == friday
    assert f"{made.iloc[-2]:%Y-%m-%d %H:%M}" == monday


def test_the_log_begins_on_a_trading_day():
    assert len(log_frame(ROWS, MGC, date(2025, 3, 10), "utc", None)) == 4


@pytest.mark.parametrize(
    ("chosen", "states"),
    [
        (LogFilter(), ["pending", "refused", "void", "matured", "matured"]),
        (LogFilter(states=("void", "refused")), ["refused", "void"]),
        (LogFilter(ranges=("09:00",)), ["matured"]),
        (LogFilter(sides=("– none",)), ["pending"]),
        (LogFilter(results=("✕ wrong", "✓ right")), ["matured", "matured"]),
        (LogFilter(ranges=("09:00",), results=("✕ wrong",)), []),
    ],
)
def test_a_row_is_shown_when_every_filter_lets_it_through(chosen: LogFilter, states: list[str]):
    assert chosen.matching(log_frame(ROWS, MGC, None, "utc", None))["State"].tolist() == states


def test_the_sentence_sets_the_martingale_beside_the_model():
    log = log_frame(ROWS, MGC, None, "utc", None)
    assert shown_sentence(log, log) == (
        "5 of 5 forecasts; of 2 with an outcome 1 called the side, the martingale 1. The side alone earns nothing: see "
        "the net R."
    )
    assert shown_sentence(log[:3], log) == "3 of 5 forecasts; none of them has an outcome."


def test_ranges_are_named_in_the_days_order():
    assert range_labels(MGC) == ("09:00", "10:00", "11:00", "18:00", "23:00", "00:30")
