"""Days on which exchanges close early, or not at all, and the weeks in which New York and London are out of step."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from trading.domain.calendar import day_windows, expected_minutes, from_minute
from trading.domain.instrument import Instrument
from trading.domain.instrument_files import find_instrument
from trading.settings import SHIPPED_INSTRUMENTS

INDEX = ("ES", "MES", "NQ", "MNQ", "YM")
SHARES = ("SPY", "QQQ")
GOLD = ("MGC", "XAUUSD")


def instrument(symbol: str) -> Instrument:
    return find_instrument((SHIPPED_INSTRUMENTS,), symbol)


def windows_on(symbol: str, day: str):
    return day_windows(instrument(symbol), np.array([day], dtype="datetime64[D]"))


def closing(symbol: str, day: str) -> str:
    """Return when an early close begins, in UTC; "holiday", or "" on a whole day."""
    told = windows_on(symbol, day)
    if told.holiday[0]:
        return "holiday"
    early = told.closed_from[0] < told.ends[0]
    return f"{from_minute(int(told.closed_from[0])):%m-%d %H:%MZ}" if early else ""


@pytest.mark.parametrize("symbols", [INDEX, SHARES, GOLD, ("EURUSD",), ("BTCUSDT",)], ids=lambda names: names[0])
@pytest.mark.parametrize(
    ("day", "index", "shares", "gold", "fx"),
    [
        ("2021-11-26", "11-26 18:15Z", "11-26 18:00Z", "11-26 18:45Z", ""),  # the day after Thanksgiving
        ("2023-11-24", "11-24 18:15Z", "11-24 18:00Z", "11-24 18:45Z", ""),
        ("2024-11-29", "11-29 18:15Z", "11-29 18:00Z", "11-29 18:45Z", ""),
        ("2024-12-24", "12-24 18:15Z", "12-24 18:00Z", "12-24 18:45Z", ""),  # Christmas Eve
        ("2024-07-03", "07-03 17:15Z", "07-03 17:00Z", "", ""),
        ("2024-07-04", "07-04 17:00Z", "holiday", "07-04 18:30Z", ""),
        ("2021-07-05", "07-05 17:00Z", "holiday", "07-05 17:00Z", ""),  # gold closed at 13:00 until 2021
        ("2024-11-28", "11-28 18:00Z", "holiday", "11-28 19:30Z", ""),  # Thanksgiving
        ("2023-06-19", "06-19 17:00Z", "holiday", "06-19 18:30Z", ""),  # Juneteenth
        ("2024-01-15", "01-15 18:00Z", "holiday", "01-15 19:30Z", ""),  # Martin Luther King
        ("2025-01-09", "01-09 14:30Z", "holiday", "", ""),  # a day of national mourning
        ("2024-03-29", "holiday", "holiday", "holiday", ""),  # Good Friday
        ("2024-12-25", "holiday", "holiday", "holiday", "holiday"),
        ("2024-01-01", "holiday", "holiday", "holiday", "holiday"),
        ("2021-12-24", "holiday", "holiday", "holiday", ""),  # Christmas is a Saturday
        ("2024-03-11", "", "", "", ""),
    ],
)
def test_half_days_and_holidays(symbols: tuple[str, ...], day: str, index: str, shares: str, gold: str, fx: str):
    expected = {INDEX: index, SHARES: shares, GOLD: gold, ("EURUSD",): fx, ("BTCUSDT",): ""}[symbols]
    for symbol in symbols:
        assert closing(symbol, day) == expected, symbol


@pytest.mark.parametrize(
    ("day", "new_york_open", "london_open"),
    [
        ("2024-03-08", "14:30", "08:00"),  # both in winter
        ("2024-03-11", "13:30", "08:00"),  # New York has changed, London has not
        ("2024-03-28", "13:30", "08:00"),
        ("2024-04-01", "13:30", "07:00"),  # both in summer
        ("2024-10-25", "13:30", "07:00"),
        ("2024-10-28", "13:30", "08:00"),  # London is back, New York not yet
        ("2024-11-01", "13:30", "08:00"),
        ("2024-11-04", "14:30", "08:00"),
        ("2023-10-30", "13:30", "08:00"),
        ("2023-03-13", "13:30", "08:00"),
    ],
)
def test_each_open_follows_the_clock_of_its_own_city(day: str, new_york_open: str, london_open: str):
    for symbol in (*INDEX, *SHARES):
        for orb, minutes in (("0930-5", 5), ("0930-15", 15), ("0930-30", 30)):
            starts, ends = range_on(symbol, orb, day)
            assert (starts, (ends - starts).seconds) == (at(day, new_york_open), minutes * 60)
    for symbol in ("XAUUSD", "EURUSD"):
        assert range_on(symbol, "london-15", day)[0] == at(day, london_open)
        assert range_on(symbol, "ny-open-5", day)[0] == at(day, new_york_open)
        hour = f"{int(new_york_open[:2]) - 1:02d}:30"
        assert range_on(symbol, "ny-15", day)[0] == at(day, hour)
    assert range_on("MGC", "0030", day)[0] == at(day, "14:30")  # Brisbane keeps its clock, whatever others do
    assert range_on("BTCUSDT", "1330-15", day)[0] == at(day, "13:30")


def range_on(symbol: str, orb: str, day: str) -> tuple[datetime, datetime]:
    place = [rule.name for rule in instrument(symbol).opening_ranges].index(orb)
    told = windows_on(symbol, day)
    return from_minute(int(told.range_starts[0, place])), from_minute(int(told.range_ends[0, place]))


def at(day: str, wall: str) -> datetime:
    hour, minute = wall.split(":")
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).replace(
        hour=int(hour), minute=int(minute)
    )


@pytest.mark.parametrize(
    ("symbol", "day", "minutes"),
    [
        ("SPY", "2024-11-27", 390),  # the bar of 16:00 with the closing auction lies outside
        ("SPY", "2024-11-29", 210),
        ("ES", "2024-11-27", 1380),
        ("ES", "2024-11-29", 1155),  # 18:00 to 13:15
        ("XAUUSD", "2024-07-04", 1230),  # 18:00 to 14:30
        ("XAUUSD", "2025-01-09", 1380),
        ("EURUSD", "2024-11-29", 1440),
        ("EURUSD", "2024-03-11", 1440),
        ("BTCUSDT", "2024-03-31", 1440),
    ],
)
def test_minutes_in_which_a_market_is_open(symbol: str, day: str, minutes: int):
    told = windows_on(symbol, day)
    assert expected_minutes(instrument(symbol), told.starts, told.ends).tolist() == [minutes]


def test_a_currencys_week_begins_and_ends_at_five_in_new_york():
    sunday, friday = windows_on("EURUSD", "2024-03-11"), windows_on("EURUSD", "2024-03-15")
    assert from_minute(int(sunday.starts[0])) == datetime(2024, 3, 10, 21, 0, tzinfo=UTC)
    assert from_minute(int(friday.ends[0])) == datetime(2024, 3, 15, 21, 0, tzinfo=UTC)
