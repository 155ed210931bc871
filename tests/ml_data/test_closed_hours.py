"""When markets are closed: the halt, nights, weekends and holidays as spans, on the weeks when clocks change too."""

import numpy as np
import pytest

from ml_data.closed_hours import closures
from tests.ml_data.clock_bars import minute, shipped

HALT = True


def listed(symbol: str, first: str, last: str) -> list[tuple[str, str, bool]]:
    found = closures(shipped(symbol)).between(minute(first), minute(last))
    times = [
        [f"{np.datetime64(int(at), 'm').astype(object):%a %d %H:%M}" for at in side]
        for side in (found.starts, found.ends)
    ]
    return list(zip(*times, found.halt.tolist(), strict=True))


def test_a_future_halts_daily_and_rests_on_weekends_and_after_early_closes():
    assert listed("MGC", "2023-11-21", "2023-11-28") == [
        ("Tue 21 22:00", "Tue 21 23:00", HALT),
        ("Wed 22 22:00", "Wed 22 23:00", HALT),
        ("Thu 23 19:30", "Thu 23 23:00", False),
        ("Fri 24 18:45", "Sun 26 23:00", False),
        ("Mon 27 22:00", "Mon 27 23:00", HALT),
    ]


def test_the_halt_follows_the_clock_of_the_exchange():
    assert listed("MGC", "2024-03-07T12:00", "2024-03-12") == [
        ("Thu 07 22:00", "Thu 07 23:00", HALT),
        ("Fri 08 22:00", "Sun 10 22:00", False),
        ("Mon 11 21:00", "Mon 11 22:00", HALT),
    ]


def test_a_stock_rests_every_night():
    assert listed("QQQ", "2023-11-21T15:00", "2023-11-27T12:00") == [
        ("Tue 21 21:00", "Wed 22 14:30", False),
        ("Wed 22 21:00", "Fri 24 14:30", False),
        ("Fri 24 18:00", "Mon 27 14:30", False),
    ]


def test_a_currency_rests_from_friday_to_sunday_17_00_new_york_only():
    assert listed("EURUSD", "2024-03-01", "2024-03-12") == [
        ("Fri 01 22:00", "Sun 03 22:00", False),
        ("Fri 08 22:00", "Sun 10 21:00", False),
    ]


def test_a_market_that_never_stops_has_no_closures():
    assert len(closures(shipped("BTCUSDT")).starts) == 0


@pytest.mark.parametrize("symbol", ["MGC", "ES", "QQQ", "EURUSD", "XAUUSD"])
def test_closures_are_in_order_and_disjoint(symbol: str):
    found = closures(shipped(symbol))
    assert (found.ends > found.starts).all()
    assert (found.starts[1:] > found.ends[:-1]).all()
