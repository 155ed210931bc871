"""A gap is a session of the exchange without a bar; a late listing is none."""

from datetime import date
from pathlib import Path

import pytest

from ml_data.daily_ingest import ingest_daily
from ml_data.day_coverage import day_coverage, series_coverage
from ml_data.ingest import ingest
from ml_data.store import Store
from tests.ml_data.bar_files import INSTRUMENTS, NOW, at
from tests.ml_data.day_files import SERIES, UNIVERSE, day_csv, day_rows, weekdays
from trading.domain.instrument import read_instrument


@pytest.fixture
def store(tmp_path: Path):
    """AAA whole over Thanksgiving, BBB listed later and without 6 December, ES two sessions behind."""
    every = [day for day in weekdays("2024-11-18", 30) if day not in (date(2024, 11, 28), date(2024, 12, 25))]
    parts = {"AAA": every, "BBB": [day for day in every[10:] if day != date(2024, 12, 6)], "ES": every[:-2]}
    paths = [day_csv(tmp_path / f"{name}.csv", day_rows(days, 10.0 * len(name))) for name, days in parts.items()]
    market = day_csv(tmp_path / "m.csv", [f"{day},14" for day in every], "date,VIX")
    store = Store(tmp_path / "home")
    ingest_daily(store, UNIVERSE, SERIES, [*paths, market], now=NOW)
    yield store
    store.close()


def test_gaps_late_starts_and_early_ends_are_three_things(store: Store):
    found = day_coverage(store, [UNIVERSE.with_sectors()], None)
    assert [(each.instrument, each.days, len(each.missing), each.late, each.behind, each.state) for each in found] == [
        ("AAA.US", 28, 0, 0, 0, ""),
        ("BBB.US", 17, 1, 10, 0, "1 missing, first 2024-12-06; starts later, on 2024-12-03"),
        ("ES.US", 26, 0, 0, 2, "ends 2 sessions before the others"),
    ]
    assert [each.sector for each in found] == ["Energy", "Utilities", "Utilities"]


def test_only_what_was_known_at_the_clock_is_counted(store: Store):
    at_noon = day_coverage(store, [UNIVERSE.with_sectors()], at("2024-11-29 17:00"))
    after = day_coverage(store, [UNIVERSE.with_sectors()], at("2024-11-29 18:00"))
    assert [(each.instrument, each.days) for each in at_noon] == [("AAA.US", 8), ("ES.US", 8)]
    assert [(each.instrument, each.days) for each in after] == [("AAA.US", 9), ("ES.US", 9)]


def test_what_futures_trade_on_a_holiday_is_no_day_that_is_missed(store: Store, tmp_path: Path):
    """On Thanksgiving they trade until 13:00 New York, for the trade date of the day after."""
    es = read_instrument(INSTRUMENTS / "ES.toml")
    every = [day for day in weekdays("2024-11-18", 12) if day != date(2024, 11, 28)]
    ingest(store, es, [day_csv(tmp_path / "es.csv", day_rows(every, 5900.0))], now=NOW)
    [found] = day_coverage(store, [{"ES": (es, "")}], None)
    assert (found.days, found.missing) == (11, ())


def test_a_series_is_covered_as_far_as_it_was_known(store: Store):
    [row] = series_coverage(store, at("2024-11-29 21:00")).to_dict("records")
    assert (row["series"], row["days"], str(row["last_day"])[:10], row["changed"]) == ("VIX", 8, "2024-11-27", 0)
