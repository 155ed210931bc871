"""The instruments that come with the hub: readable, and on the clock that their traders keep."""

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from trading.domain.calendar import calendar_day_of, day_windows, expected_minutes, from_minute, to_minute
from trading.domain.instrument import read_instrument

FOLDER = Path(__file__).resolve().parents[2] / "config" / "instruments"
SYMBOLS = sorted(file.stem for file in FOLDER.glob("*.toml"))


def windows_of(symbol, day):
    return day_windows(read_instrument(FOLDER / f"{symbol}.toml"), np.array([day], dtype="datetime64[D]"))


def range_start(symbol, orb, day):
    instrument = read_instrument(FOLDER / f"{symbol}.toml")
    index = [rule.name for rule in instrument.opening_ranges].index(orb)
    return from_minute(int(windows_of(symbol, day).range_starts[0, index]))


def test_the_instruments_of_the_design_are_shipped():
    assert SYMBOLS == [
        "BTCUSDT", "DEMO", "ES", "EURUSD", "MES", "MGC", "MNQ", "NQ", "QQQ", "SPY", "XAUUSD", "YM",
    ]  # fmt: skip


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_every_window_lies_in_its_day_and_every_range_before_its_session_ends(symbol):
    days = np.arange("2024-01-01", "2025-01-01", dtype="datetime64[D]")
    windows = day_windows(read_instrument(FOLDER / f"{symbol}.toml"), days)
    assert (windows.range_starts >= windows.starts[:, None]).all()
    assert (windows.range_ends < windows.range_session_ends).all()
    assert (windows.range_session_ends <= windows.ends[:, None]).all()
    assert (windows.session_starts < windows.session_ends).all()
    assert (windows.session_ends <= windows.ends[:, None]).all()


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_day_begins_where_the_day_before_has_ended(symbol):
    days = np.arange("2024-01-01", "2025-01-01", dtype="datetime64[D]")
    windows = day_windows(read_instrument(FOLDER / f"{symbol}.toml"), days)
    assert (windows.ends[:-1] <= windows.starts[1:]).all()


def test_mondays_futures_day_begins_on_sunday_evening():
    windows = windows_of("NQ", "2024-01-08")
    assert from_minute(int(windows.starts[0])) == datetime(2024, 1, 7, 23, 0, tzinfo=UTC)
    assert from_minute(int(windows.ends[0])) == datetime(2024, 1, 8, 23, 0, tzinfo=UTC)
    assert from_minute(int(windows.closes[0])) == datetime(2024, 1, 8, 22, 0, tzinfo=UTC)


def test_a_bar_of_sunday_evening_belongs_to_monday():
    minute = np.array([to_minute(datetime(2024, 1, 7, 23, 30, tzinfo=UTC))])
    day = calendar_day_of(read_instrument(FOLDER / "NQ.toml"), minute)
    assert day.tolist() == [date(2024, 1, 8)]


@pytest.mark.parametrize(
    ("day", "opens"),
    [
        ("2024-03-08", "2024-03-08T14:30Z"),  # winter in New York
        ("2024-03-11", "2024-03-11T13:30Z"),  # US has changed its clocks
        ("2024-11-01", "2024-11-01T13:30Z"),
        ("2024-11-04", "2024-11-04T14:30Z"),
    ],
)
def test_the_new_york_open_follows_new_york(day, opens):
    assert range_start("NQ", "0930-5", day) == datetime.fromisoformat(opens)
    assert range_start("SPY", "0930-5", day) == datetime.fromisoformat(opens)


@pytest.mark.parametrize(
    ("day", "opens"),
    [
        ("2024-03-11", "2024-03-11T08:00Z"),  # New York has changed, London has not
        ("2024-03-29", "2024-03-29T08:00Z"),
        ("2024-04-01", "2024-04-01T07:00Z"),  # both have
        ("2024-10-28", "2024-10-28T08:00Z"),  # London is back, New York not yet
    ],
)
def test_the_london_open_follows_london_also_when_the_clocks_are_out_of_step(day, opens):
    assert range_start("XAUUSD", "london-15", day) == datetime.fromisoformat(opens)
    assert range_start("EURUSD", "london-15", day) == datetime.fromisoformat(opens)


def test_a_share_trades_390_minutes_and_210_on_a_half_day():
    instrument = read_instrument(FOLDER / "SPY.toml")
    windows = day_windows(instrument, np.array(["2024-07-02", "2024-07-03", "2024-07-04"], dtype="datetime64[D]"))
    assert expected_minutes(instrument, windows.starts, windows.ends).tolist() == [390, 210, 0]
    assert windows.holiday.tolist() == [False, False, True]


def test_crypto_trades_every_minute_of_every_day():
    instrument = read_instrument(FOLDER / "BTCUSDT.toml")
    windows = day_windows(instrument, np.array(["2024-12-25", "2024-12-28"], dtype="datetime64[D]"))
    assert expected_minutes(instrument, windows.starts, windows.ends).tolist() == [1440, 1440]
    assert not windows.holiday.any()
