"""No value is seen before it is known: day bars at their close, series after their publication lag."""

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_data.daily_ingest import ingest_daily
from ml_data.known_days import NEVER, KnownSeries, read_known_days, read_known_series
from ml_data.store import Store
from tests.ml_data.bar_files import NOW, at
from tests.ml_data.day_files import SERIES, UNIVERSE, day_csv, day_rows, published, weekdays
from trading.domain.calendar import to_minute
from trading.domain.day_calendar import day_closes, sessions_between
from trading.domain.series import US_FEDERAL, calendar_reach, known_at
from trading.errors import NothingStored

AAA = UNIVERSE.instruments()["AAA"]
FIRST = date(2015, 1, 1).toordinal()
DAYS = st.integers(0, 365 * 10).map(lambda n: date.fromordinal(FIRST + n))
"""Every kind of day: weekends, holidays of the exchange and of the state, both steps of daylight saving."""
CALENDARS = st.sampled_from(["XNYS", US_FEDERAL])


def days(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[D]")


def minute(text: str) -> int:
    return to_minute(at(text))


@given(day=DAYS, lag=st.integers(0, 5), calendar=CALENDARS, hour=st.sampled_from(["00:00", "08:30", "16:30", "23:59"]))
def test_a_value_is_never_known_before_its_lag_is_over(day: date, lag: int, calendar: str, hour: str):
    known = int(known_at(published(lag, hour, calendar), days(str(day)))[0])
    midnight = to_minute(datetime(day.year, day.month, day.day, 4, tzinfo=UTC))  # of New York, on the earlier clock
    assert known >= midnight + lag * 1440
    assert known >= to_minute(datetime(day.year, day.month, day.day, tzinfo=UTC)) + 60 * int(hour[:2])
    assert known <= midnight + (lag + 9) * 1440 + 2 * 1440 * (lag // 3 + 1)


@settings(max_examples=60)
@given(data=st.data())
def test_what_is_shown_is_the_newest_day_known_as_it_was_known_then(data: st.DataObject):
    rows = data.draw(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 30)), max_size=25))
    series = KnownSeries(
        "X",
        np.array([10 + day for day, _ in rows], dtype="datetime64[D]"),
        np.array([known for _, known in rows], dtype=np.int64),
        np.arange(len(rows), dtype=np.float64),
    )
    asked = np.arange(-1, 33)
    found = series.at(asked)
    for place, moment in enumerate(asked):
        seen = [(day, known, number) for number, (day, known) in enumerate(rows) if known <= moment]
        if not seen:
            assert np.isnan(found.values[place])
            assert found.known[place] == NEVER
            continue
        newest = max(day for day, _, _ in seen)
        last = max(known for day, known, _ in seen if day == newest)
        assert found.known[place] == last <= moment
        assert found.days[place] == np.datetime64(10 + newest, "D")
        assert rows[int(found.values[place])] == (newest, last)


@pytest.mark.parametrize("calendar", ["XNYS", US_FEDERAL])
def test_at_no_close_of_fifteen_years_is_a_value_seen_too_early(calendar: str):
    every = sessions_between(AAA, np.datetime64("2011-01-03"), np.datetime64("2025-12-31"))
    closes = day_closes(AAA, every)
    for lag, hour in ((0, "16:30"), (1, "16:30"), (1, "08:30")):
        when = published(lag, hour, calendar)
        series = KnownSeries("X", every, known_at(when, every), np.arange(len(every), dtype=np.float64))
        seen = series.at(closes)
        assert (seen.known <= closes).all()
        there = ~np.isnan(seen.values)
        assert (seen.days[there] < every[there]).all()  # 16:30 is after the close, the day itself is never seen
        # One minute earlier than it is known, a value is not seen.
        before = series.at(series.known - 1)
        assert (np.isnan(before.values) | (before.days < every) | (before.known < series.known)).all()


@pytest.mark.parametrize(
    ("day", "lag", "calendar", "expected"),
    [
        ("2024-07-03", 0, "XNYS", "2024-07-03 20:30"),  # the stock market closes early, the index is not said to
        ("2024-07-05", 1, US_FEDERAL, "2024-07-08 20:30"),  # Friday: Monday
        ("2024-03-08", 1, US_FEDERAL, "2024-03-11 20:30"),  # daylight saving begins on the Sunday between
        ("2024-11-01", 1, US_FEDERAL, "2024-11-04 21:30"),  # and ends
        ("2023-10-06", 1, US_FEDERAL, "2023-10-10 20:30"),  # Columbus Day: stocks trade, nobody publishes
        ("2024-03-28", 1, US_FEDERAL, "2024-03-29 20:30"),  # Good Friday: the reverse
        ("2024-03-28", 1, "XNYS", "2024-04-01 20:30"),
        ("2023-10-09", 0, US_FEDERAL, "2023-10-10 20:30"),  # a day without publication counts from the next
    ],
)
def test_a_lag_counts_business_days_of_its_calendar(day: str, lag: int, calendar: str, expected: str):
    assert known_at(published(lag, "16:30", calendar), days(day)).tolist() == [minute(expected)]


def test_the_reach_of_a_calendar_is_what_known_at_can_tell():
    when = published(5, "16:30", US_FEDERAL)
    known_at(when, np.array(calendar_reach(when), dtype="datetime64[D]"))


@pytest.fixture
def store(tmp_path: Path):
    store = Store(tmp_path / "home")
    yield store
    store.close()


def test_a_day_bar_is_known_at_its_close_early_closes_too(store: Store, tmp_path: Path):
    rows = day_rows([date(2024, 11, 27), date(2024, 11, 29), date(2024, 12, 2)])
    ingest_daily(store, UNIVERSE, None, [day_csv(tmp_path / "AAA.csv", rows)], now=NOW)
    bars = read_known_days(store, AAA)
    assert bars.known.tolist() == [minute("2024-11-27 21:00"), minute("2024-11-29 18:00"), minute("2024-12-02 21:00")]
    assert bars.until(minute("2024-11-29 17:59")).days.tolist() == [date(2024, 11, 27)]
    assert bars.until(minute("2024-11-29 18:00")).close.tolist() == [100.5, 100.75]


def test_at_its_close_an_event_sees_its_own_bar_and_the_series_of_the_days_before(store: Store, tmp_path: Path):
    dates = weekdays("2024-03-06", 5)
    market = day_csv(tmp_path / "m.csv", [f"{day},{14 + n},{n / 4}" for n, day in enumerate(dates)], "date,VIX,SLOPE")
    prices = day_csv(tmp_path / "AAA.csv", day_rows(dates))
    ingest_daily(store, UNIVERSE, SERIES, [market, prices], now=NOW)
    bars = read_known_days(store, AAA)
    vix, slope = (read_known_series(store, name).at(bars.known) for name in ("VIX", "SLOPE"))
    assert vix.days.astype(str).tolist() == ["NaT", "2024-03-06", "2024-03-07", "2024-03-08", "2024-03-11"]
    assert vix.values.tolist()[1:] == [14, 15, 16, 17]
    assert slope.days.astype(str).tolist() == ["NaT", "NaT", "2024-03-06", "2024-03-07", "2024-03-08"]
    assert (np.maximum(vix.known, slope.known) <= bars.known).all()


def test_nothing_stored_names_the_command(store: Store):
    with pytest.raises(NothingStored, match=r"AAA\.US: no day bars are stored\. Import some: hub ingest FILES"):
        read_known_days(store, AAA)
    with pytest.raises(NothingStored, match=r"VIX: no values are stored\. Import some: hub ingest FILES --series NAME"):
        read_known_series(store, "VIX")
