from datetime import UTC, datetime

import pytest

from app_pages.clock import Clock, WallClock, distinct_zones, read_clock, wall_clock, zone_label
from tests.app_pages.today_values import MGC, at
from trading.domain.instrument import read_instrument
from trading.errors import BadSettings
from trading.settings import CHECKOUT

NQ = read_instrument(CHECKOUT / "config" / "instruments" / "NQ.toml")


@pytest.mark.parametrize(
    ("day", "clock", "instant"),
    [
        ("2025-03-03", "23:20", at("13:20")),
        ("2025-03-03", "09:00", at("23:00", 2)),
        ("2025-03-03", "08:59", at("22:59")),  # before the day's start: on the next date
        ("2025-03-03", None, at("22:59")),  # the day's last minute
    ],
)
def test_a_clock_of_the_url_lies_in_its_trading_day(day: str, clock: str | None, instant: datetime):
    assert read_clock(MGC, day, clock).now() == instant


def test_a_day_called_by_its_end_begins_the_evening_before():
    """NQ's Monday 3 March 2025 begins Sunday 18:00 in New York."""
    assert read_clock(NQ, "2025-03-03", "18:00").now() == datetime(2025, 3, 2, 23, 0, tzinfo=UTC)
    assert read_clock(NQ, "2025-03-03", "09:30").now() == datetime(2025, 3, 3, 14, 30, tzinfo=UTC)


def test_without_a_day_the_clock_is_the_real_one_in_whole_minutes():
    clock = read_clock(MGC, None, None)
    assert not clock.is_replay
    assert (clock.now().second, clock.now().microsecond, clock.now().tzinfo) == (0, 0, UTC)
    assert Clock(at("13:20")).is_replay


@pytest.mark.parametrize(
    ("day", "clock"), [("3 March", None), ("2025-02-30", None), ("2025-03-03", "25:00"), (None, "23:20")]
)
def test_what_cannot_be_read_is_refused(day: str | None, clock: str | None):
    with pytest.raises(BadSettings):
        read_clock(MGC, day, clock)


@pytest.mark.parametrize(
    ("choice", "browser", "shown"),
    [
        ("range", None, WallClock(36_000, "Brisbane", "AEST")),
        ("exchange", None, WallClock(-18_000, "New York", "EST")),
        ("utc", None, WallClock(0, "UTC", "UTC")),
        ("browser", "Asia/Kolkata", WallClock(19_800, "Kolkata", "IST")),
        ("browser", "America/Sao_Paulo", WallClock(-10_800, "Sao Paulo", "UTC-03:00")),
        ("browser", None, WallClock(0, "UTC", "UTC")),
        ("Europe/Berlin", None, WallClock(3_600, "Berlin", "CET")),
    ],
)
def test_a_zone_has_one_offset_a_name_and_a_label(choice: str, browser: str | None, shown: WallClock):
    assert wall_clock(choice, MGC, browser, at("13:20")) == shown


def test_a_wall_clock_shows_and_counts_the_same_time():
    clock = WallClock(36_000, "Brisbane", "AEST")
    assert (clock.hm(at("13:05")), clock.day_hm(at("13:05"))) == ("23:05", "Mon 3 Mar 23:05")
    assert clock.seconds(at("13:05")) == int(datetime(2025, 3, 3, 23, 5, tzinfo=UTC).timestamp())


def test_the_picker_names_zones_by_place_or_by_whose_they_are():
    names = [zone_label(choice, MGC) for choice in ("range", "exchange", "utc", "browser", "Europe/Berlin")]
    assert names == ["Brisbane", "Exchange", "UTC", "Browser", "Berlin"]


def test_the_picker_offers_no_two_zones_of_one_name():
    zones = ("range", "exchange", "utc", "browser")
    bitcoin = read_instrument(CHECKOUT / "config" / "instruments" / "BTCUSDT.toml")
    assert distinct_zones(zones, "range", MGC) == ["range", "exchange", "utc", "browser"]
    assert distinct_zones(zones, "range", bitcoin) == ["range", "exchange", "browser"]
    assert distinct_zones(zones, "utc", bitcoin) == ["exchange", "utc", "browser"]
