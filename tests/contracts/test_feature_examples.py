"""Each feature once, from a day written out minute by minute: the expected numbers were worked out by hand.

All prices are ticks. 21 trading days come before the day, each shifted up by one tick from the one before (day k by k):
0900 and 1800 ranges, a break of the latter, and a bar that spans 1000 to 1022 and closes at 1010. So every day has a
true range of 22: ATR(14) = 22. The event is the 1800 range of Wednesday, 14 February 2024, decided 18:05.
"""

from datetime import date, datetime, timedelta
from math import log, sqrt

import numpy as np
import pytest

from ml_data.bar_arrays import BarArrays
from ml_data.events import range_events
from ml_data.feature_matrix import feature_groups, feature_matrix
from ml_data.features.indicators import RSI_CHANGES, average_true_range
from ml_data.history import build_history
from tests.ml_data.bar_files import mgc
from tests.ml_data.written_bars import BRISBANE, Bar, together, written
from trading.domain.calendar import to_minute

DAY = date(2024, 2, 14)
ATR = 22.0

TODAY: list[Bar] = [
    ("07:30", 1030, 1034, 1029, 1033, 20),  # before the day's start: the close of the day before
    ("09:00", 1033, 1036, 1032, 1035, 5),
    ("09:04", 1035, 1037, 1034, 1034, 7),  # 0900: 1037 / 1032
    ("09:05", 1034, 1035, 1033, 1035, 1),
    ("09:20", 1035, 1040, 1035, 1039, 3),  # up; stop 1032, target 1046
    ("10:00", 1039, 1041, 1038, 1040, 4),
    ("10:03", 1040, 1042, 1036, 1037, 6),  # 1000: 1042 / 1036
    ("10:06", 1037, 1037, 1034, 1035, 2),  # down; stop 1042, target 1028
    ("10:30", 1035, 1036, 1027, 1030, 9),  # 0900 stopped, 1000 at its target
    ("11:00", 1030, 1031, 1030, 1031, 2),
    ("11:02", 1031, 1033, 1031, 1032, 2),  # 1100: 1033 / 1030
    ("11:30", 1032, 1035, 1032, 1035, 1),  # up; stop 1030, target 1040: it still runs at 18:05
    ("17:30", 1034, 1036, 1033, 1035, 5),
    ("17:59", 1035, 1036, 1035, 1035, 5),
    ("18:00", 1035, 1037, 1034, 1036, 30),
    ("18:03", 1036, 1037, 1035, 1035, 20),
    ("18:04", 1035, 1037, 1033, 1034, 10),  # 1800: 1037 / 1033, closed at 1034
]
ONE_BAR: list[Bar] = [("09:00", 10, 12, 9, 11, 1), ("09:05", 11, 11, 11, 11, 1)]  # and one that says it was complete
LATER: list[Bar] = [("18:05", 1034, 1090, 900, 1080, 999), ("18:30", 1080, 1090, 1070, 1080, 999)]


def earlier_day(k: int) -> list[Bar]:
    """Day k of 0 to 20: a range of 4 ticks (of 2 from day 11), up on 13 days, then down; a win on the first six."""
    reach = 2 if k <= 10 else 1
    bars: list[Bar] = [
        ("09:00", 1010, 1012, 1008, 1010, 10),
        ("18:00", 1010, 1010 + reach, 1010 - reach, 1010, 6),
        ("18:10", 1010, 1014, 1010, 1014, 1) if k <= 12 else ("18:20", 1010, 1010, 1006, 1006, 1),
    ]
    if k <= 5:
        bars.append(("19:00", 1014, 1022, 1014, 1014, 1))  # entry 1014, stop 1008, target 1020
    elif k <= 12:
        bars.append(("19:00", 1014, 1014, 1000, 1010, 1))  # through the stop
    else:
        bars.append(("19:00", 1006, 1022, 1006, 1010, 1))  # entry 1006, stop 1011
    bars.append(("20:00", 1010, 1022, 1000, 1010, 1))
    return [(at, *(price + k for price in prices), volume) for at, *prices, volume in bars]  # type: ignore[misc]


def trading_days_before(day: date, count: int) -> list[date]:
    days: list[date] = []
    while len(days) < count:
        day -= timedelta(days=1)
        if day.weekday() < 5:
            days.append(day)
    return days[::-1]


def features_at(bars: BarArrays, day: date, orb: str) -> dict[str, float]:
    history = build_history(bars, mgc())
    events = range_events(history)
    names = [rule.name for rule in mgc().opening_ranges]
    mine = (history.days[events.day] == np.datetime64(day)) & (events.opening == names.index(orb))
    matrix = feature_matrix(history, events.where(mine))
    assert matrix.values.shape[0] == 1
    return dict(zip(matrix.names, matrix.values[0].tolist(), strict=True))


@pytest.fixture(scope="module")
def bars() -> BarArrays:
    before = [(day, earlier_day(k)) for k, day in enumerate(trading_days_before(DAY, 21))]
    return written(*before, (DAY, TODAY + LATER))


@pytest.fixture(scope="module")
def at_1800(bars: BarArrays) -> dict[str, float]:
    return features_at(bars, DAY, "1800")


EXPECTED: dict[str, dict[str, float]] = {
    "ahead_before": {  # 22 ticks of travel on each of the 20 days, 1022 to 1000, from a range closed at 1010
        "range_ahead_20d": log(23 / 4),
        "rise_ahead_20d": log(13 / 4),
        "fall_ahead_20d": log(11 / 4),
        "range_ahead_spread_20d": 0.0,
    },
    "ahead_lately": {
        "range_ahead_lately": np.nan
    },  # one range a day for which there is a 20-day mean: five are too few
    "calendar": {
        "weekday": 2,
        "day_of_month": 14,
        "month": 2,
        "orb_index": 3,
        "minutes_into_day": 545,
        "us_daylight_saving": 0,
        "uk_daylight_saving": 0,
        "us_uk_out_of_step": 0,
        "minutes_to_london_open": -5,
        "minutes_to_new_york_open": 385,
        "days_since_last_traded": 1,
    },
    "opening_range": {
        "range_size": 4,
        "range_size_atr": 4 / ATR,
        "range_body": -1 / 4,
        "range_close_position": 1 / 4,
        "range_open_position": 2 / 4,
        "range_last_bar": -1 / 4,
        "range_high_came_last": -1,  # 1037 came at 18:00 first, 1033 at 18:04
        "range_bars": 3,
        "range_volume_to_hour": (60 / 5) / (10 / 60),
        # 1 tick from the low and 3 from the high, changes of 0, 1, -1, -1 in the last 15 minutes
        "martingale_up": (1 + 1 + 0.5826 * sqrt(3 / 15)) / (4 + 2 + 2 * 0.5826 * sqrt(3 / 15)),
    },
    "returns": {
        "return_5m": (1034 - 1035) / ATR,
        "return_15m": (1034 - 1035) / ATR,
        "return_30m": (1034 - 1035) / ATR,
        "return_60m": (1034 - 1035) / ATR,
        "return_120m": (1034 - 1035) / ATR,
        "return_240m": (1034 - 1035) / ATR,
        "return_480m": (1034 - 1037) / ATR,
        "realised_volatility_5m": sqrt(3) / ATR,
        "realised_volatility_15m": sqrt(3) / ATR,
        "realised_volatility_30m": sqrt(3) / ATR,
        "realised_volatility_60m": sqrt(3) / ATR,
        "realised_volatility_120m": sqrt(3) / ATR,
        "realised_volatility_240m": sqrt(3) / ATR,
        "realised_volatility_480m": sqrt(4 + 25 + 1 + 1 + 9 + 0 + 0 + 1 + 1 + 1) / ATR,
        "volatility_30m_to_240m": sqrt(240 / 30),
    },
    "positions": {
        "position_1h": 1 / 4,
        "travel_1h": 4 / ATR,
        "position_4h": 1 / 4,
        "travel_4h": 4 / ATR,
        "position_24h": (1034 - 1020) / 22,  # since 18:05 of day 20: 1042 / 1020
        "travel_24h": 22 / ATR,
        "position_day": (1034 - 1027) / 15,
        "travel_day": 15 / ATR,
        "return_day": (1034 - 1033) / ATR,
    },
    "levels": {
        "to_previous_high": (1034 - 1042) / ATR,
        "to_previous_low": (1034 - 1020) / ATR,
        "to_previous_close": (1034 - 1033) / ATR,
        "previous_day_travel": 22 / ATR,
        "to_last_session_high": (1034 - 1036) / ATR,  # pre_london: 1036 / 1033
        "to_last_session_low": (1034 - 1033) / ATR,
        "last_session_travel": 3 / ATR,
        "to_earlier_session_high": (1034 - 1042) / ATR,  # asia: 1042 / 1027
        "to_earlier_session_low": (1034 - 1027) / ATR,
        "running_session_minutes": 5,
        "running_session_travel": 4 / ATR,
        "running_session_return": (1034 - 1035) / ATR,
        "running_session_position": 1 / 4,
    },
    "indicators": {
        "atr_14": 22,
        "atr_14_share": 22 / 1034,
        "rsi_14": np.nan,  # 122 bars are too few
        "rsi_14_5bars": np.nan,
    },
    "earlier_today": {
        "earlier_ranges": 3,
        "earlier_breaks": 1,  # up, down, up
        "earlier_wins": 1,
        "earlier_losses": 1,
        "earlier_closed_r": 0,
        "earlier_open": 1,
        "earlier_open_r": (1034 - 1035) / 5,
        "last_range_direction": 1,
        "last_range_size_atr": 3 / ATR,
    },
    "same_range": {  # days 1 to 20
        "size_to_median_20d": 4 / 3,
        "size_rank_20d": 10 / 20,
        "volume_to_median_20d": 60 / 6,
        "up_share_20d": 12 / 20,
        "break_wait_20d": 6,  # 12 days of 6 minutes, 8 of 16
        "reference_r_20d": (5 - 7 - 8) / 20,
    },
    "momentum": {  # the day before closed at 1033: its last bar came at 07:30
        "momentum_1d": (1033 - 1029) / ATR,
        "momentum_3d": (1033 - 1027) / ATR,
        "momentum_5d": (1033 - 1025) / ATR,
        "momentum_10d": (1033 - 1020) / ATR,
        "momentum_20d": (1033 - 1010) / ATR,
        "position_20d": (1033 - 1001) / 41,
        "up_days_5d": 5,
    },
}


@pytest.mark.parametrize("group", feature_groups(), ids=lambda group: group.name)
def test_every_feature_of_a_day_written_out_is_what_it_says(at_1800: dict[str, float], group):
    expected = EXPECTED[group.name]
    assert [feature.name for feature in group.features] == list(expected)
    found = {name: at_1800[name] for name in expected}
    assert found == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_the_first_range_of_a_day_has_no_earlier_one_and_no_session_but_the_one_before(bars: BarArrays):
    found = features_at(bars, DAY, "0900")
    nothing = {"earlier_ranges": 0, "earlier_breaks": 0, "earlier_wins": 0, "earlier_losses": 0}
    nothing |= {"earlier_closed_r": 0, "earlier_open": 0, "earlier_open_r": 0}
    nothing |= {"last_range_direction": np.nan, "last_range_size_atr": np.nan}
    assert {name: found[name] for name in nothing} == pytest.approx(nothing, nan_ok=True)
    assert found["to_last_session_high"] == (1034 - 1034) / ATR  # pre_asia, of the own contract
    assert np.isnan(found["to_earlier_session_high"])
    assert found["running_session_minutes"] == 5
    assert np.isnan(found["range_volume_to_hour"])  # nothing traded from 08:00 to 09:00


def test_the_latest_earlier_range_may_have_no_break_yet(bars: BarArrays):
    found = features_at(bars, DAY, "1100")
    assert (found["earlier_ranges"], found["earlier_breaks"], found["last_range_direction"]) == (2, 0, -1)
    assert (found["earlier_wins"], found["earlier_losses"], found["earlier_open"]) == (1, 1, 0)
    early = features_at(bars, DAY, "1000")
    assert (early["earlier_ranges"], early["last_range_direction"]) == (1, 1)
    assert (early["earlier_open"], early["earlier_open_r"]) == (1, pytest.approx((1037 - 1039) / 7))


def test_the_clocks_of_london_and_new_york_are_out_of_step_for_some_weeks():
    days = {}
    for day in (date(2024, 3, 8), date(2024, 3, 12), date(2024, 4, 2), date(2024, 10, 29), date(2024, 11, 4)):
        found = features_at(written((day, ONE_BAR)), day, "0900")
        saving = found["us_daylight_saving"], found["uk_daylight_saving"], found["us_uk_out_of_step"]
        days[day.isoformat()] = (*saving, found["minutes_to_london_open"], found["minutes_to_new_york_open"])
    assert days == {
        "2024-03-08": (0, 0, 0, 535, 925),
        "2024-03-12": (1, 0, 1, 535, 865),
        "2024-04-02": (1, 1, 0, 475, 865),
        "2024-10-29": (1, 0, 1, 535, 865),
        "2024-11-04": (0, 0, 0, 535, 925),
    }


def test_days_without_bars_are_counted_since_the_last_that_traded_and_bars_of_the_eve_do_not_count():
    tuesday, thursday = date(2024, 12, 31), date(2025, 1, 2)
    eve: list[Bar] = [("07:30", 10, 12, 9, 11, 1)]  # of 1 January, a holiday: before the day's start
    days = [(tuesday, ONE_BAR), (date(2025, 1, 1), eve), (thursday, ONE_BAR)]
    assert features_at(written(*days), thursday, "0900")["days_since_last_traded"] == 2
    alone = features_at(written((thursday, ONE_BAR)), thursday, "0900")
    assert np.isnan(alone["days_since_last_traded"])
    long_ago = features_at(written((date(2024, 11, 18), ONE_BAR), (thursday, ONE_BAR)), thursday, "0900")
    assert np.isnan(long_ago["days_since_last_traded"])  # 33 trading days: beyond what is remembered


def test_nothing_is_differenced_across_a_roll(bars: BarArrays):
    """The next contract stands 500 ticks higher, and has traded on the last three days before it took over."""
    own = [(at, *(price + 500 for price in prices), volume) for at, *prices, volume in TODAY]
    thin = [
        (day, [("09:00", 1510, 1512, 1508, 1510, 1.0), ("18:00", 1510, 1520, 1500, 1510, volume)])
        for day, volume in zip(trading_days_before(DAY, 3), (1.0, 1.0, 90.0), strict=True)
    ]
    both = together(bars, written(*thin, (DAY, own), contract="MGCM4"))  # type: ignore[arg-type]
    found = features_at(both, DAY, "1800")
    assert found["range_size"] == 4
    assert found["earlier_open_r"] == pytest.approx((1034 - 1035) / 5)
    assert np.isnan(found["atr_14"])
    assert np.isnan(found["momentum_3d"])
    assert np.isnan(found["up_days_5d"])
    assert found["position_day"] == pytest.approx((1034 - 1027) / 15)
    assert found["size_to_median_20d"] == 4 / 3  # each day's range in its own day's contract


@pytest.mark.parametrize(
    ("changes", "expected"),
    [([1] * RSI_CHANGES, 100.0), ([-1] * RSI_CHANGES, 0.0), ([0] * RSI_CHANGES, 50.0), ([2, -2] * 125, None)],
)
def test_rsi_of_plain_series(changes: list[int], expected: float | None):
    closes = np.cumsum([1000, *changes])
    ends = to_minute(datetime(2024, 2, 14, 9, 5, tzinfo=BRISBANE))
    minute = np.arange(ends - len(closes), ends)
    bars = BarArrays(
        ("MGCJ4",), np.array([0, len(closes)]), minute, closes, closes + 1, closes - 1, closes, np.ones(len(closes))
    )
    found = features_at(bars, DAY, "0900")["rsi_14"]
    assert found == pytest.approx(wilder(changes) if expected is None else expected, abs=1e-12)


def wilder(changes: list[int]) -> float:
    """The relative strength index as the book has it: a mean of 14, then 13 parts old and 1 part new."""
    up = sum(max(change, 0) for change in changes[:14]) / 14
    down = sum(max(-change, 0) for change in changes[:14]) / 14
    for change in changes[14:]:
        up, down = (up * 13 + max(change, 0)) / 14, (down * 13 + max(-change, 0)) / 14
    return 100 - 100 / (1 + up / down)


def test_average_true_range_reaches_to_the_close_before():
    # A gap up of 10 on the last day: its range of 4 counts as 14 from the close before.
    high = np.array([104] * 14 + [118])
    low = np.array([100] * 14 + [114])
    close = np.array([104] * 14 + [116])
    assert average_true_range(high, low, close, 0, 15) == pytest.approx((13 * 4 + 14) / 14)
    assert np.isnan(average_true_range(high, low, close, 1, 15))
    flat = np.full(15, 100)
    assert np.isnan(average_true_range(flat, flat, flat, 0, 15))
