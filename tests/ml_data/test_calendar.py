"""Trading days, sessions and opening ranges as instants: where wall clocks become UTC, whatever the clocks do."""

from datetime import UTC, date, datetime, time

import numpy as np
import numpy.typing as npt
import pytest

from tests.ml_data.bar_files import mgc
from trading.domain.calendar import (
    as_date,
    calendar_day_of,
    day_windows,
    expected_minutes,
    from_minute,
    to_minute,
    trading_days,
    wall_minutes,
)
from trading.domain.instrument import Instrument, OpeningRangeRule, SessionRule, TradingDayRule

NEW_YORK = "America/New_York"


def days(*texts: str) -> npt.NDArray[np.datetime64]:
    return np.array(texts, dtype="datetime64[D]")


def shown(minutes: npt.NDArray[np.int64]) -> list[str]:
    return [f"{from_minute(int(minute)):%m-%d %H:%M}" for minute in minutes.ravel()]


def new_york() -> Instrument:
    """An instrument whose trading day runs from 18:00 to 18:00 New York, as the exchange's own session does."""
    return mgc().model_copy(
        update={
            "symbol": "NQ",
            "trading_day": TradingDayRule(zone=NEW_YORK, starts=time(18), weekdays=(6, 0, 1, 2, 3)),
            "sessions": (
                SessionRule(name="before", starts=time(16), ends=time(17), before_day_start=True),
                SessionRule(name="overnight", starts=time(18), ends=time(9, 30)),
                SessionRule(name="change", starts=time(1), ends=time(4)),
                SessionRule(name="late", starts=time(17), ends=time(18)),
            ),
            "opening_ranges": (
                OpeningRangeRule(name="1800", starts=time(18), minutes=15, session_ends=time(18)),
                OpeningRangeRule(name="0930", starts=time(9, 30), minutes=5, session_ends=time(16)),
            ),
        }
    )


def in_utc() -> Instrument:
    """An instrument that never closes and has no halt; its day is the UTC day."""
    return mgc().model_copy(
        update={
            "symbol": "BTC",
            "exchange_zone": "UTC",
            "exchange_calendar": "24/7",
            "daily_halt": None,
            "trading_day": TradingDayRule(zone="UTC", starts=time(0), weekdays=(0, 1, 2, 3, 4, 5, 6)),
            "sessions": (SessionRule(name="all", starts=time(0), ends=time(0)),),
            "opening_ranges": (OpeningRangeRule(name="0000", starts=time(0), minutes=60, session_ends=time(0)),),
        }
    )


def test_an_instant_is_cut_to_its_minute_and_comes_back():
    assert to_minute(datetime(2024, 1, 2, 23, 0, 59, tzinfo=UTC)) == 28403940
    assert from_minute(28403940) == datetime(2024, 1, 2, 23, 0, tzinfo=UTC)


def test_the_wall_clock_of_brisbane_never_changes():
    around_the_changes = days("2024-03-09", "2024-03-10", "2024-03-11", "2024-11-02", "2024-11-03", "2024-11-04")
    assert shown(wall_minutes(around_the_changes, time(9), "Australia/Brisbane")) == [
        "03-08 23:00",
        "03-09 23:00",
        "03-10 23:00",
        "11-01 23:00",
        "11-02 23:00",
        "11-03 23:00",
    ]


def test_a_wall_time_that_the_spring_skips_is_the_first_that_exists():
    assert shown(wall_minutes(days("2024-03-10"), time(2, 30), NEW_YORK)) == ["03-10 07:00"]
    assert shown(wall_minutes(days("2024-03-31"), time(1, 30), "Europe/London")) == ["03-31 01:00"]


def test_a_wall_time_that_the_autumn_repeats_is_the_first_of_the_two():
    assert shown(wall_minutes(days("2024-11-03"), time(1, 30), NEW_YORK)) == ["11-03 05:30"]
    assert shown(wall_minutes(days("2024-10-27"), time(1, 30), "Europe/London")) == ["10-27 00:30"]


def test_days_of_several_years_and_in_any_order_are_each_converted_by_their_own_date():
    wanted = days("2025-07-01", "2023-01-02", "2024-02-29", "2025-01-01")
    assert shown(wall_minutes(wanted, time(9, 30), NEW_YORK)) == [
        "07-01 13:30",
        "01-02 14:30",
        "02-29 14:30",
        "01-01 14:30",
    ]
    assert wall_minutes(days(), time(9), NEW_YORK).shape == (0,)


def test_trading_days_are_the_instruments_weekdays_holidays_included():
    found = trading_days(mgc(), date(2024, 12, 24), date(2024, 12, 31))
    assert [str(day) for day in found] == [
        "2024-12-24",
        "2024-12-25",
        "2024-12-26",
        "2024-12-27",
        "2024-12-30",
        "2024-12-31",
    ]
    assert len(trading_days(mgc(), date(2024, 1, 6), date(2024, 1, 7))) == 0
    assert len(trading_days(mgc(), date(2024, 1, 6), date(2024, 1, 5))) == 0
    assert [str(day) for day in trading_days(new_york(), date(2024, 3, 8), date(2024, 3, 11))] == [
        "2024-03-10",
        "2024-03-11",
    ]


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ((2024, 1, 2, 22, 59), date(2024, 1, 2)),
        ((2024, 1, 2, 23, 0), date(2024, 1, 3)),
        ((2024, 7, 14, 22, 0), date(2024, 7, 14)),  # 08:00 on Monday in Brisbane: the Sunday stub, not a trading day
        ((2024, 7, 14, 23, 0), date(2024, 7, 15)),
        ((2024, 7, 19, 20, 59), date(2024, 7, 19)),  # the last minute before the weekend
    ],
)
def test_a_minute_belongs_to_the_day_whose_span_holds_it(instant: tuple[int, ...], expected: date):
    minute = to_minute(datetime(*instant, tzinfo=UTC))  # type: ignore[misc,arg-type]
    assert as_date(calendar_day_of(mgc(), np.array([minute]))[0]) == expected


def test_no_minute_belongs_to_no_day():
    assert len(calendar_day_of(mgc(), np.empty(0, dtype=np.int64))) == 0


def test_mgc_windows_of_a_winter_day():
    windows = day_windows(mgc(), days("2024-01-10"))
    assert shown(windows.starts) == ["01-09 23:00"]
    assert shown(windows.ends) == ["01-10 23:00"]
    assert shown(windows.closes) == ["01-10 22:00"]  # the halt begins at 08:00 local and lasts to the day's end
    assert shown(windows.reaches_back) == ["01-09 21:00"]
    assert shown(windows.session_starts) == [
        "01-09 21:00",
        "01-09 23:00",
        "01-10 07:00",
        "01-10 08:00",
        "01-10 13:00",
        "01-10 14:30",
    ]
    assert shown(windows.session_ends) == [
        "01-09 23:00",
        "01-10 07:00",
        "01-10 08:00",
        "01-10 13:00",
        "01-10 14:30",
        "01-10 16:00",
    ]
    assert shown(windows.range_starts) == [
        "01-09 23:00",
        "01-10 00:00",
        "01-10 01:00",
        "01-10 08:00",
        "01-10 13:00",
        "01-10 14:30",
    ]
    assert (windows.range_ends - windows.range_starts).tolist() == [[5] * 6]
    assert shown(windows.range_session_ends) == [
        "01-10 07:00",
        "01-10 07:00",
        "01-10 07:00",
        "01-10 13:00",
        "01-10 14:30",
        "01-10 16:00",
    ]


@pytest.mark.parametrize(
    ("day", "closes"),
    [
        ("2024-07-16", "07-16 23:00"),  # summer: an hour after the halt still belongs to the day
        ("2024-07-19", "07-19 21:00"),  # summer, Friday: the weekend begins with the halt, at 07:00 local
        ("2024-01-12", "01-12 22:00"),  # winter, Friday
        ("2024-03-08", "03-08 22:00"),  # the Friday before the clocks go forward in New York
        ("2024-03-11", "03-11 23:00"),  # the Monday after
        ("2024-11-01", "11-01 21:00"),  # the Friday before they go back
        ("2024-11-04", "11-04 22:00"),
    ],
)
def test_a_day_is_over_where_the_halt_or_weekend_before_its_end_begins(day: str, closes: str):
    assert shown(day_windows(mgc(), days(day)).closes) == [closes]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        # New York is two hours apart from London's change for weeks: sessions of Brisbane do not move, the halt does.
        ("2024-03-08", [60, 480, 60, 300, 90, 90]),
        ("2024-03-11", [60, 480, 60, 300, 90, 90]),  # Monday in US summer: 07:00 is the halt, 08:00 the Sunday stub
        ("2024-01-08", [0, 480, 60, 300, 90, 90]),  # Monday in winter: the exchange opens at 09:00 local
        ("2024-11-04", [0, 480, 60, 300, 90, 90]),
        ("2024-01-10", [60, 480, 60, 300, 90, 90]),
        ("2024-07-16", [60, 480, 60, 300, 90, 90]),
        ("2024-12-25", [0, 0, 0, 0, 0, 0]),  # the evening of 24 December was closed early
        ("2024-12-26", [0, 480, 60, 300, 90, 90]),  # nothing traded before it either
        ("2025-01-01", [60, 0, 0, 0, 0, 0]),  # New Year: 31 December traded to its end
        ("2024-11-29", [0, 480, 60, 300, 90, 90]),  # the day before, Thanksgiving, closed early
        ("2024-03-29", [0, 0, 0, 0, 0, 0]),  # Good Friday, in US summer
    ],
)
def test_expected_minutes_leave_out_halt_weekend_holiday_and_early_close(day: str, expected: list[int]):
    windows = day_windows(mgc(), days(day))
    assert expected_minutes(mgc(), windows.session_starts, windows.session_ends).tolist() == [expected]


def test_expected_minutes_of_a_whole_day_in_halts_and_half_days():
    windows = day_windows(mgc(), days("2024-01-10", "2024-07-16", "2024-07-19", "2024-11-28", "2024-12-25"))
    day = expected_minutes(mgc(), windows.starts, windows.ends)
    assert day.tolist() == [23 * 60, 23 * 60, 22 * 60, 20 * 60 + 30, 0]


def test_expected_minutes_inside_the_halt_are_none():
    halt = np.array([to_minute(datetime(2024, 1, 10, 22, 0, tzinfo=UTC))])
    assert expected_minutes(mgc(), halt, halt + 60).tolist() == [0]
    assert expected_minutes(mgc(), halt + 10, halt + 20).tolist() == [0]
    assert expected_minutes(mgc(), halt - 10, halt + 10).tolist() == [10]
    assert expected_minutes(mgc(), halt + 50, halt + 70).tolist() == [10]
    assert expected_minutes(mgc(), halt, halt - 5).tolist() == [0]


def test_a_holiday_is_told_also_when_the_evening_before_it_traded():
    found = day_windows(mgc(), days("2024-12-24", "2024-12-25", "2024-12-26", "2025-01-01", "2025-01-02", "2024-03-29"))
    assert found.holiday.tolist() == [False, True, False, True, False, True]


def test_an_early_close_lasts_to_the_end_of_the_halt():
    windows = day_windows(mgc(), days("2024-11-28", "2024-11-29", "2024-07-04", "2024-07-05"))
    assert shown(windows.closed_from) == ["11-28 19:30", "11-29 18:45", "07-04 18:30", "07-05 23:00"]
    assert shown(windows.closed_until) == ["11-28 23:00", "11-29 23:00", "07-04 22:00", "07-05 23:00"]


def test_a_new_york_day_is_an_hour_shorter_or_longer_when_its_clocks_change():
    windows = day_windows(new_york(), days("2024-03-07", "2024-03-10", "2024-11-03", "2024-11-04"))
    assert shown(windows.starts) == ["03-07 23:00", "03-10 22:00", "11-03 23:00", "11-04 23:00"]
    # 9 March is a Saturday: no day of the instrument holds a change; one that began on it would.
    around = day_windows(new_york(), days("2024-03-09", "2024-11-02"))
    assert (around.ends - around.starts).tolist() == [23 * 60, 25 * 60]
    change = [rule.name for rule in new_york().sessions].index("change")
    assert (around.session_ends - around.session_starts)[:, change].tolist() == [2 * 60, 4 * 60]


def test_a_new_york_days_windows_before_and_after_the_change_of_clocks():
    windows = day_windows(new_york(), days("2024-03-07", "2024-03-11"))
    assert shown(windows.session_starts[0]) == ["03-07 21:00", "03-07 23:00", "03-08 06:00", "03-08 22:00"]
    assert shown(windows.session_ends[0]) == ["03-07 22:00", "03-08 14:30", "03-08 09:00", "03-08 23:00"]
    assert shown(windows.session_starts[1]) == ["03-11 20:00", "03-11 22:00", "03-12 05:00", "03-12 21:00"]
    assert shown(windows.range_starts[1]) == ["03-11 22:00", "03-12 13:30"]
    assert shown(windows.range_ends[1]) == ["03-11 22:15", "03-12 13:35"]
    assert shown(windows.reaches_back) == ["03-07 21:00", "03-11 20:00"]
    assert shown(windows.closes) == ["03-08 22:00", "03-12 21:00"]


def test_a_window_that_ends_when_the_day_does_ends_with_the_day_and_not_with_its_start():
    windows = day_windows(new_york(), days("2024-01-10"))
    assert shown(windows.session_ends)[-1] == "01-11 23:00"
    assert shown(windows.range_session_ends) == ["01-11 23:00", "01-11 21:00"]
    never_closing = day_windows(in_utc(), days("2024-01-10"))
    assert shown(never_closing.session_ends) == ["01-11 00:00"]
    assert shown(never_closing.range_session_ends) == ["01-11 00:00"]


def test_holidays_and_early_closes_are_those_of_the_exchange_session_that_fills_the_day():
    # The session of Thursday, 28 November (Thanksgiving) begins on Wednesday at 18:00: it is the day of the 27th.
    windows = day_windows(new_york(), days("2024-11-26", "2024-11-27", "2024-12-23", "2024-12-24"))
    assert shown(windows.closed_from) == ["11-27 23:00", "11-28 19:30", "12-24 18:45", "12-25 23:00"]
    assert windows.holiday.tolist() == [False, False, False, True]


def test_a_market_that_never_closes_is_open_every_minute():
    windows = day_windows(in_utc(), days("2024-01-06", "2024-12-25"))
    assert expected_minutes(in_utc(), windows.session_starts, windows.session_ends).tolist() == [[1440], [1440]]
    assert windows.holiday.tolist() == [False, False]
    assert windows.closes.tolist() == windows.ends.tolist()
    assert windows.halt_starts.shape == (2, 0)


def test_windows_of_no_day_are_empty():
    windows = day_windows(mgc(), days())
    assert windows.session_starts.shape == (0, 6)
    assert windows.range_ends.shape == (0, 6)
    assert windows.halt_starts.shape == (0, 3)
    assert expected_minutes(mgc(), windows.session_starts, windows.session_ends).shape == (0, 6)


def test_an_instrument_without_sessions_reaches_back_to_its_days_start():
    bare = mgc().model_copy(update={"sessions": ()})
    windows = day_windows(bare, days("2024-01-10"))
    assert shown(windows.reaches_back) == ["01-09 23:00"]
    assert windows.session_starts.shape == (1, 0)
