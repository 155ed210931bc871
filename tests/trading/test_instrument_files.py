"""Instrument files: own before shipped, and every fault told with file, line, key, what is expected, what was found."""

from pathlib import Path

import pytest

from trading.domain.instrument_files import checked_instrument, find_instrument, instrument_files
from trading.errors import BadSettings
from trading.settings import SHIPPED_INSTRUMENTS

ES = (SHIPPED_INSTRUMENTS / "ES.toml").read_text(encoding="utf-8")


def es_with(folder: Path, old: str, new: str) -> Path:
    assert old in ES
    path = folder / "ES.toml"
    path.write_text(ES.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("tick = 0.25", "tick = -0.25", 5, "tick: expected a number greater than 0, found -0.25."),
        ("tick = 0.25", 'tick = "0.25"', 5, "tick: expected a valid number, found '0.25'."),
        ("tick = 0.25", "tick = true", 5, "tick: expected a valid number, found True."),
        ("tick = 0.25", "tick = nan", 5, "tick: expected a finite number, found nan."),
        ("point_value = 50.0", "point_value = inf", 6, "point_value: expected a finite number, found inf."),
        ("point_value = 50.0", "", 1, "point_value: expected a value, found none."),
        ("point_value", "piont_value", 6, "piont_value: there is no such key; expected one of contracts, "),
        ('currency = "USD"', 'currency = "US dollar"', 4, "currency: String should match pattern '^[A-Z]{3,5}$'"),
        ('"America/New_York"', '"America/Newyork"', 7, "exchange_zone: expected a time zone of the IANA "),
        ('"CME_INDEX"', '"CMEX"', 8, "exchange_calendar: expected a calendar of exchange_calendars, "),
        ('["17:00", "18:00"]', '["17:00", "17:00"]', 9, "daily_halt: expected two different times, found 17:00"),
        ('["17:00", "18:00"]', "[1700, 1800]", 9, "daily_halt.0: expected a time of day such as '09:30', found"),
        ("[500, 14000]", "[14000, 500]", 10, "plausible_prices: expected the lower price first, found"),
        ("weekdays = [0, 1, 2, 3, 4]", "weekdays = [1, 7]", 16, "trading_day.weekdays.1: expected a number less"),
        ("weekdays = [0, 1, 2, 3, 4]", "weekdays = [0, 0]", 16, "trading_day.weekdays: expected each weekday once"),
        ("slippage_ticks = 1", "slippage_ticks = 0.5", 20, "costs.slippage_ticks: expected a valid integer, "),
        ("slippage_ticks = 1", "", 18, "costs.slippage_ticks: expected a value, found none."),
        ("[FGHJKMNQUVXZ]", "(", 23, "contracts.pattern: expected a regular expression ("),
        ('name = "london"', 'name = "asia"', 32, "sessions.1.name: expected a name that no other has, found"),
        ('ends = "03:00"', 'ends = "25:00"', 29, "sessions.0.ends: expected a time of day such as '09:30', found '25"),
        ('ends = "03:00"', "ends = 3", 29, "sessions.0.ends: expected a time of day such as '09:30', found 3."),
        ("minutes = 5", "minutes = 0", 49, "opening_ranges.0.minutes: expected a number greater than or equal to 1"),
        (
            'starts = "09:30"\nminutes = 5',
            'starts = "17:58"\nminutes = 5',
            48,
            "opening_ranges.0.starts: expected a range within the trading day, found 17:58 and 5 minutes, outside ",
        ),
        (
            'minutes = 5\nsession_ends = "16:00"',
            'minutes = 5\nsession_ends = "09:35"',
            50,
            "opening_ranges.0.session_ends: expected a time after the range, in its trading day, found 09:35, which",
        ),
        ('starts = "18:00"\nends = "03:00"', 'starts = "03:00"\nends = "03:00"', 26, "sessions.0: expected a window"),
        ('symbol = "ES"', 'symbol = "MES"', 2, "symbol: expected 'ES' like the file's name, found 'MES'."),
        ("[costs]", "[costs", 18, "not TOML: Expected ']' at the end of a table declaration."),
        ("tick = 0.25", "tick = 0.25\ntick = 0.5", 6, "not TOML: Cannot overwrite a value."),
    ],
)  # fmt: skip
def test_a_wrong_file_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: int, said: str):
    path = es_with(tmp_path, old, new)
    with pytest.raises(BadSettings) as raised:
        checked_instrument(path)
    assert str(raised.value).startswith(f"{path}:{line}: {said}")


def test_own_files_add_to_the_shipped_ones_and_go_before_them(tmp_path: Path):
    own = es_with(tmp_path, "commission_per_side = 2.25", "commission_per_side = 1.1")
    own.with_name("TSLA.toml").write_text(
        (SHIPPED_INSTRUMENTS / "QQQ.toml").read_text(encoding="utf-8").replace('"QQQ"', '"TSLA"'), encoding="utf-8"
    )
    folders = (tmp_path, SHIPPED_INSTRUMENTS)
    assert find_instrument(folders, "ES").costs.commission_per_side == 1.1
    assert find_instrument(folders, "TSLA").symbol == "TSLA"
    assert find_instrument(folders, "NQ").name == "E-mini Nasdaq-100"
    files = instrument_files(folders)
    assert [files[symbol].parent for symbol in ("ES", "NQ", "TSLA")] == [tmp_path, SHIPPED_INSTRUMENTS, tmp_path]


def test_an_unknown_symbol_names_those_there_are_and_the_command_that_describes_one(tmp_path: Path):
    with pytest.raises(BadSettings, match=r"GC: no such instrument\. Known: BTCUSDT, .* hub instrument new GC --kind"):
        find_instrument((tmp_path, SHIPPED_INSTRUMENTS), "GC")


@pytest.mark.parametrize("symbol", ["../ES", "", "BRK.B", "A" * 13, "ES\n"])
def test_what_cannot_be_a_symbol_is_refused_before_any_file_is_looked_for(symbol: str):
    with pytest.raises(BadSettings, match="is not a symbol: expected 1 to 12 letters A-Z and digits"):
        find_instrument((SHIPPED_INSTRUMENTS,), symbol)
