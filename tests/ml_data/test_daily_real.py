"""The real folder of US stocks and market series, whole: every day where its exchange has it, values when known."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from dateutil.easter import easter

from ml_data.daily_ingest import ingest_daily
from ml_data.day_coverage import day_coverage
from ml_data.ingest import ingest
from ml_data.known_days import read_known_days, read_known_series
from ml_data.store import Store
from tests.ml_data.bar_files import INSTRUMENTS, NOW, at
from trading.domain.calendar import to_minute
from trading.domain.instrument import read_instrument
from trading.domain.series import find_series_set
from trading.domain.universe import find_universe
from trading.settings import CHECKOUT

pytestmark = pytest.mark.real_data

UNIVERSE = find_universe([CHECKOUT / "config" / "universes"], "SP500_SAMPLE")
SERIES = find_series_set([CHECKOUT / "config" / "series"], "US_MARKET")
STOCKS = UNIVERSE.instruments()


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    return shared_data / "sp500_daily"


@pytest.fixture(scope="module")
def store(folder: Path, tmp_path_factory: pytest.TempPathFactory):
    store = Store(tmp_path_factory.mktemp("daily"))
    now = at("2026-07-01 12:00")
    reports = ingest_daily(store, UNIVERSE, SERIES, [folder], now=now)
    assert [report.refusal for report in reports] == [None] * 27
    assert sum(report.rows_stored for report in reports) == 109_471
    assert sum(report.rows_rejected for report in reports) == 0
    again = ingest_daily(store, UNIVERSE, SERIES, [folder], now=now)
    assert {report.verdict for report in again} == {"unchanged"}
    yield store
    store.close()


def test_every_day_of_every_stock_is_there_under_the_date_that_is_written(store: Store, folder: Path):
    for ticker in ("AAPL", "ES", "COIN"):
        written = pq.read_table(folder / f"{ticker}.parquet", columns=["date", "close", "volume"]).to_pydict()
        bars = read_known_days(store, STOCKS[ticker])
        assert bars.days.astype(str).tolist() == [text[:10] for text in written["date"]]
        assert np.abs(bars.close - np.array(written["close"])).max() < 2e-4  # on the grid where all prices are near it
        assert bars.volume.tolist() == written["volume"]


def test_no_session_is_missing_and_three_stocks_were_listed_later(store: Store):
    found = {each.instrument: each for each in day_coverage(store, [UNIVERSE.with_sectors()], None)}
    assert len(found) == 26
    assert {each.missing for each in found.values()} == {()}
    assert {name: each.first for name, each in found.items() if each.late} == {
        "COIN.US": date(2021, 4, 14), "GEV.US": date(2024, 3, 27), "META.US": date(2012, 5, 18),
    }  # fmt: skip


def test_at_no_close_of_fifteen_years_is_the_market_seen_before_it_was_published(store: Store):
    bars = read_known_days(store, STOCKS["AAPL"])
    vix = read_known_series(store, "VIX").at(bars.known)
    slope = read_known_series(store, "SLOPE_10Y2Y").at(bars.known)
    assert (vix.known <= bars.known).all()
    assert (slope.known <= bars.known).all()
    assert (vix.days[1:] == bars.days[:-1]).all()  # at the close, the index of the day before
    newer = bars.days[2:][slope.days[2:] > bars.days[:-2]]  # of the session before: published while stocks rested
    assert newer.tolist() == [easter(year) + timedelta(days=1) for year in range(2011, 2026)]  # after Good Friday
    # The day after the vote on Brexit: at the close the index still stands at 17.25, half an hour later at 25.76.
    friday = np.flatnonzero(bars.days == np.datetime64("2016-06-24"))
    assert vix.values[friday].tolist() == [17.25]
    later = read_known_series(store, "VIX").at(np.array([to_minute(at("2016-06-24 20:30"))]))
    assert later.values.tolist() == [25.76]


def test_es_is_refused_as_the_future(store: Store, folder: Path):
    es = read_instrument(INSTRUMENTS / "ES.toml")
    [report] = ingest(store, es, [folder / "ES.parquet"], now=NOW)
    assert "its column company_name says 'Eversource Energy'; its column sector says 'Utilities'" in str(report.refusal)
    assert "98% of its prices lie off the tick grid of 0.25" in str(report.refusal)


def test_daily_futures_of_firstrate_are_read(store: Store, shared_data: Path):
    nq = read_instrument(INSTRUMENTS / "NQ.toml")
    [report] = ingest(store, nq, [shared_data / "firstrate" / "NQ_1day_sample.csv"], now=NOW)
    assert (report.refusal, report.rows_stored, report.rows_rejected) == (None, 10, 0)
    bars = read_known_days(store, nq)
    assert bars.close[[0, -1]].tolist() == [16086.5, 15869.0]
    assert bars.known[0] == to_minute(at("2023-11-20 22:00"))  # 17:00 New York
