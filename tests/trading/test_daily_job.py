"""When daily work is due: by a clock that is changed twice a year, after closes, and once after many misses."""

from datetime import UTC, datetime, time

import pytest

from trading.domain.daily_job import AfterClose, Daily, is_owed, last_due, next_due, schedule_of
from trading.domain.instrument import Instrument, read_instrument
from trading.settings import SHIPPED_INSTRUMENTS


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def shipped(symbol: str) -> Instrument:
    return read_instrument(SHIPPED_INSTRUMENTS / f"{symbol}.toml")


def due_instants(schedule: Daily | AfterClose, since: str, times: int) -> list[str]:
    found, now = [], at(since)
    for _ in range(times):
        following = next_due(schedule, now)
        assert following is not None
        found.append(f"{following:%Y-%m-%dT%H:%M}")
        now = following
    return found


NIGHT = Daily(time(2, 30), "America/New_York")


def test_in_spring_the_time_that_is_left_out_is_taken_by_the_clock_before_the_change():
    # 9 March 2025: 02:00 becomes 03:00. Winter 02:30 is 07:30 UTC, which is 03:30 of the new clock.
    assert due_instants(NIGHT, "2025-03-07T12:00", 4) == [
        "2025-03-08T07:30",
        "2025-03-09T07:30",
        "2025-03-10T06:30",
        "2025-03-11T06:30",
    ]


def test_in_autumn_the_time_that_comes_twice_is_due_once_at_the_first():
    # 2 November 2025: 02:00 becomes 01:00, so 01:30 comes twice; and 02:30 but once.
    assert due_instants(Daily(time(1, 30), "America/New_York"), "2025-11-01T12:00", 3) == [
        "2025-11-02T05:30",
        "2025-11-03T06:30",
        "2025-11-04T06:30",
    ]
    assert due_instants(NIGHT, "2025-11-01T12:00", 3) == ["2025-11-02T07:30", "2025-11-03T07:30", "2025-11-04T07:30"]


def test_where_the_change_is_by_half_an_hour_and_in_the_other_half_of_the_year():
    # Lord Howe, 6 April 2025: 02:00 becomes 01:30.
    lord_howe = Daily(time(1, 45), "Australia/Lord_Howe")
    assert due_instants(lord_howe, "2025-04-04T16:00", 3) == [
        "2025-04-05T14:45",
        "2025-04-06T15:15",
        "2025-04-07T15:15",
    ]


def test_after_the_close_follows_the_market_over_weekends_and_changes_of_its_clock():
    after = AfterClose(shipped("ES"), 15)  # 17:00 in New York, and a quarter
    assert due_instants(after, "2025-03-06T23:00", 3) == ["2025-03-07T22:15", "2025-03-10T21:15", "2025-03-11T21:15"]
    assert due_instants(AfterClose(shipped("BTCUSDT"), 0), "2025-03-07T12:00", 2) == [
        "2025-03-08T00:00",
        "2025-03-09T00:00",
    ]


@pytest.mark.parametrize(
    ("dealt", "now", "owed"),
    [
        ("2025-03-04T07:30", "2025-03-05T07:29", False),
        ("2025-03-04T07:30", "2025-03-05T07:30", True),
        ("2025-03-05T07:30", "2025-03-05T07:30", False),  # done
        ("2025-03-01T07:30", "2025-03-05T12:00", True),  # four were missed: it is done once, for the newest
        ("2025-03-05T07:30", "2025-03-05T06:45", False),  # the clock went back over it: not done twice
        (None, "2025-03-05T12:00", False),  # new on the schedule
    ],
)
def test_work_that_was_due_since_it_was_dealt_with_is_owed(dealt: str | None, now: str, owed: bool):
    assert is_owed(NIGHT, None if dealt is None else at(dealt), at(now)) is owed


def test_the_newest_time_due_is_the_one_to_be_dealt_with():
    assert last_due(NIGHT, at("2025-03-05T12:00")) == at("2025-03-05T07:30")


def test_settings_name_a_schedule():
    es = shipped("ES")
    assert schedule_of("never", es) is None
    assert schedule_of("close+15", es) == AfterClose(es, 15)
    assert schedule_of("02:30", es) == Daily(time(2, 30), es.trading_day.zone)
