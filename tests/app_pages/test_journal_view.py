"""Rows of the journal in words: what was said beside what is said without learning, on the wall clock of their day."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from app_pages.clock import wall_clock
from app_pages.journal_view import log_frame
from ml_data.journal_log import LogFilter, log_rows
from ml_data.store import Store
from tests.app_pages.small_home import MGC, put_forecasts
from tests.ml_monitoring.journal_tables import PENDING, REFUSED, UP, VOID, WRONG


def frame(folder: Path, zone: str = "range", browser_zone: str | None = None) -> pd.DataFrame:
    rows = (
        replace(UP, day="2025-03-07"),
        replace(WRONG, day="2025-03-10", orb="1000", base=0.3, replayed=True),
        replace(VOID, day="2025-03-10", orb="1100"),
        replace(REFUSED, day="2025-03-10", orb="1800"),
        replace(PENDING, day="2025-03-10", orb="2300", advice="NONE"),
    )
    store = Store(folder)
    put_forecasts(store, rows)
    found = log_frame(log_rows(store, LogFilter("MGC")), "MGC", lambda at: wall_clock(zone, MGC, browser_zone, at))
    store.close()
    return found


def test_a_row_is_what_was_said_beside_what_came_of_it(tmp_path: Path):
    log = frame(tmp_path)
    assert log["Result"].tolist() == ["… pending", "– refused", "∅ void", "✕ wrong", "✓ right"]
    assert log["Said"].tolist() == ["P(UP) 60 %", "–", "P(UP) 60 %", "P(UP) 60 %", "P(UP) 60 %"]
    assert log["Without learning"].tolist()[3:] == ["martingale 30 %", "martingale 50 %"]
    assert log["Why"].tolist() == ["", "The newest bar is too old.", "missing bars", "", ""]
    assert log["Advice"].tolist() == ["– none", "–", "▲ UP", "▲ UP", "▲ UP"]
    assert log["Came"].tolist() == ["…", "▲ UP", "…", "▼ DOWN", "▲ UP"]
    assert log["Net R"].tolist()[3:] == [-1.1, 0.9]
    assert log["with advice"].tolist()[3:] == [0.0, 0.9]
    assert log["How"].tolist() == ["live", "live", "live", "replayed", "live"]
    assert log["Range"].tolist() == ["23:00", "18:00", "11:00", "10:00", "09:00"]


@pytest.mark.parametrize(
    ("zone", "friday", "monday"),
    [
        ("range", "2025-03-07 19:05", "2025-03-10 20:05"),
        ("exchange", "2025-03-07 04:05", "2025-03-10 06:05"),  # New York turns its clocks on Sunday 9 March 2025
        ("utc", "2025-03-07 09:05", "2025-03-10 10:05"),
        ("browser", "2025-03-07 10:05", "2025-03-10 11:05"),
    ],
)
def test_each_row_shows_the_wall_clock_of_its_own_day(tmp_path: Path, zone: str, friday: str, monday: str):
    made = frame(tmp_path, zone, "Europe/Berlin")["Made"]
    assert f"{made.iloc[-1]:%Y-%m-%d %H:%M}" == friday
    assert f"{made.iloc[-2]:%Y-%m-%d %H:%M}" == monday
