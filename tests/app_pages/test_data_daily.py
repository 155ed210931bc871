"""Day bars and series on the Data page: gaps, later listings, what was known at the clock, alone and beside minutes."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ml_data.daily_ingest import ingest_daily
from ml_data.store import Store
from tests.app_pages.small_home import make_home
from tests.app_pages.test_data_page import open_page  # noqa: F401 - a fixture
from tests.app_pages.test_model_health_page import captions
from tests.ml_data.bar_files import NOW
from tests.ml_data.day_files import day_csv, day_rows, weekdays
from trading.domain.series import find_series_set
from trading.domain.universe import find_universe
from trading.settings import CHECKOUT

OpenPage = Callable[..., AppTest]
UNIVERSE = find_universe([CHECKOUT / "config" / "universes"], "SP500_SAMPLE")
SERIES = find_series_set([CHECKOUT / "config" / "series"], "US_MARKET")
JUNE = [day for day in weekdays("2025-05-27", 30) if day not in (date(2025, 6, 19), date(2025, 7, 4))]


def put_daily(home: Path, files: Path) -> Path:
    """AAPL whole, COIN listed later, ES without 3 June, and the VIX of the same days."""
    files.mkdir()
    parts = {"AAPL": JUNE, "COIN": JUNE[12:], "ES": [day for day in JUNE if day != date(2025, 6, 3)]}
    for number, (ticker, days) in enumerate(parts.items()):
        day_csv(files / f"{ticker}.csv", day_rows(days, 100.0 * (number + 1)))
    day_csv(files / "market.csv", [f"{day},{15 + n / 4}" for n, day in enumerate(JUNE)], "date,VIX")
    store = Store(home / "ml_data")
    reports = ingest_daily(store, UNIVERSE, SERIES, [files], now=NOW)
    assert [report.refusal for report in reports] == [None] * 4
    store.close()
    return home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("daily")
    return put_daily(make_home(base / "home"), base / "files")


def rows(at: AppTest, *columns: str) -> list[list[object]]:
    found = next(table.value for table in at.dataframe if set(columns) <= set(table.value.columns))
    return [[str(cell) for cell in row] for row in found[list(columns)].values.tolist()]


def test_a_gap_is_named_and_a_later_listing_is_none(home: Path, open_page: OpenPage):  # noqa: F811
    at = open_page(home)
    assert rows(at, "Symbol", "Sector", "Days", "First", "Missing", "State") == [
        ["ES.US", "Utilities", "27", "2025-05-27", "1", "… 1 missing, first 2025-06-03"],
        ["AAPL.US", "Technology", "28", "2025-05-27", "0", "✓ whole"],
        ["COIN.US", "Financial Services", "16", "2025-06-12", "0", "✓ starts later, on 2025-06-12"],
    ]
    said = captions(at)
    assert "3 instruments, 71 day bars, 2025-05-27 to 2025-07-07. 1 session without a bar, in 1 instrument." in said
    assert "COIN.US starts later than the others: a later listing is no gap." in said


def test_a_series_says_when_its_values_are_known(home: Path, open_page: OpenPage):  # noqa: F811
    assert rows(open_page(home), "Series", "Unit", "Days", "Last", "Newest", "Lag") == [
        ["VIX", "index points", "28", "2025-07-07", "21.75", "16:30 America/New_York, the same day (XNYS)"]
    ]


def test_at_an_earlier_clock_only_what_was_known_then_is_shown(home: Path, open_page: OpenPage):  # noqa: F811
    # 06:20 Brisbane on 4 June is 16:20 New York on 3 June: stocks have closed, the index is not final.
    at = open_page(home, day="2025-06-03", clock="06:20")
    assert [row[2] for row in rows(at, "Symbol", "Days", "Last")] == ["2025-06-02", "2025-06-03"]
    assert rows(at, "Series", "Last", "Newest") == [["VIX", "2025-06-02", "16.0"]]


def test_without_minutes_day_bars_are_shown_alone(tmp_path: Path, open_page: OpenPage):  # noqa: F811
    at = open_page(put_daily(make_home(tmp_path / "home", bars=False, built=False), tmp_path / "files"))
    assert len(rows(at, "Symbol", "State")) == 3
    assert not at.info
    assert not at.metric


def test_without_day_bars_there_is_no_card_of_them(tmp_path: Path, open_page: OpenPage):  # noqa: F811
    at = open_page(make_home(tmp_path))
    assert not any("Day bars" in one.value or "Series" in one.value for one in at.markdown)
