"""The trading day of a day bar: the date that is written, whatever clock it is shown on."""

from datetime import date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml_data.import_report import ImportReport
from ml_data.ingest import ingest
from ml_data.store import Store
from tests.ml_data.bar_files import INSTRUMENTS, NOW, write
from trading.domain.instrument import Instrument, read_instrument

SPY, NQ = (read_instrument(INSTRUMENTS / f"{symbol}.toml") for symbol in ("SPY", "NQ"))
DAYS = (date(2024, 3, 7), date(2024, 3, 8), date(2024, 3, 11), date(2024, 3, 12), date(2024, 11, 4))
"""Thursday and Friday before daylight saving begins in New York, Monday and Tuesday after, a Monday after it ended."""


def stored(store: Store, instrument: Instrument, path: Path, **options: str) -> tuple[ImportReport, list[date]]:
    [report] = ingest(store, instrument, [path], now=NOW, **options)
    with store.market() as cursor:
        rows = cursor.execute("SELECT trading_day FROM market.bars_1d ORDER BY 1").fetchall()
    return report, [day for (day,) in rows]


@pytest.fixture
def store(tmp_path: Path):
    store = Store(tmp_path / "home")
    yield store
    store.close()


def text(stamps: list[str], header: str = "date,open,high,low,close,volume") -> str:
    return "\n".join([header, *(f"{stamp},100,101,99,100.5,{n + 10}" for n, stamp in enumerate(stamps))]) + "\n"


@pytest.mark.parametrize(
    "stamps",
    [
        ["2024-03-07", "2024-03-08", "2024-03-11", "2024-03-12", "2024-11-04"],
        ["20240307", "20240308", "20240311", "20240312", "20241104"],
        ["03/07/2024", "03/08/2024", "03/11/2024", "03/12/2024", "11/04/2024", "03/13/2024"],
        ["2024-03-07 00:00:00", "2024-03-08 00:00:00", "2024-03-11 00:00:00", "2024-03-12 00:00:00",
         "2024-11-04 00:00:00"],
        ["2024-03-07 00:00:00-05:00", "2024-03-08 00:00:00-05:00", "2024-03-11 00:00:00-04:00",
         "2024-03-12 00:00:00-04:00", "2024-11-04 00:00:00-05:00"],
        ["2024-03-07T00:00:00Z", "2024-03-08T00:00:00Z", "2024-03-11T00:00:00Z", "2024-03-12T00:00:00Z",
         "2024-11-04T00:00:00Z"],
        ["2024-03-07 05:00:00+00:00", "2024-03-08 05:00:00+00:00", "2024-03-11 04:00:00+00:00",
         "2024-03-12 04:00:00+00:00", "2024-11-04 05:00:00+00:00"],  # the same midnights of New York
        ["1709769600", "1709856000", "1710115200", "1710201600", "1730678400"],  # midnights UTC
        ["1709787600", "1709874000", "1710129600", "1710216000", "1730696400"],  # midnights of New York
        ["1709821800", "1709908200", "1710163800", "1710250200", "1730730600"],  # the opens at 09:30, as TradingView
        ["2024-03-07T16:00:00-05:00", "2024-03-08T16:00:00-05:00", "2024-03-11T16:00:00-04:00",
         "2024-03-12T16:00:00-04:00", "2024-11-04T16:00:00-05:00"],  # the closes
    ],
    ids=["dates", "digits", "month first", "naive", "offsets", "UTC", "New York in UTC", "epochs", "New York epochs",
         "opens", "closes"],
)  # fmt: skip
def test_the_label_is_the_date_of_new_york_however_it_is_written(store: Store, tmp_path: Path, stamps: list[str]):
    report, days = stored(store, SPY, write(tmp_path / "SPY.csv", text(stamps)))
    assert report.refusal is None
    assert tuple(days[:2] + [day for day in days[2:] if day != date(2024, 3, 13)]) == DAYS
    assert report.rows_rejected == 0


def test_text_dates_with_offsets_in_parquet_keep_their_date(store: Store, tmp_path: Path):
    stamps = pa.array([f"{day} 00:00:00-0{5 if day.month != 3 or day.day < 10 else 4}:00" for day in DAYS])
    prices = {name: [100.0] * 5 for name in ("open", "high", "low", "close")} | {"volume": [1] * 5}
    pq.write_table(pa.table({"date": stamps.cast(pa.large_string())} | prices), tmp_path / "a.parquet")
    assert stored(store, SPY, tmp_path / "a.parquet")[1] == list(DAYS)


@pytest.mark.parametrize("zone", ["America/New_York", "UTC", None])
def test_instants_of_a_frame_keep_the_date_that_it_shows(store: Store, tmp_path: Path, zone: str | None):
    naive = np.array([str(day) for day in DAYS], dtype="datetime64[ns]")
    column = pa.array(naive)
    if zone is not None:
        column = pa.compute.assume_timezone(column, zone)
    prices = {name: [100.0] * 5 for name in ("open", "high", "low", "close")}
    pq.write_table(pa.table({"Date": column} | prices), tmp_path / "a.parquet")
    assert stored(store, SPY, tmp_path / "a.parquet")[1] == list(DAYS)


def test_a_future_stamped_where_its_day_begins_is_of_the_day_that_it_ends_in(store: Store, tmp_path: Path):
    stamps = [  # 18:00 New York on Wednesday, Thursday, Sunday, Monday, Sunday
        "2024-03-06T17:00:00-06:00", "2024-03-07T17:00:00-06:00", "2024-03-10T17:00:00-05:00",
        "2024-03-11T17:00:00-05:00", "2024-11-03T17:00:00-06:00",
    ]  # fmt: skip
    report, days = stored(store, NQ, write(tmp_path / "NQ.csv", text(stamps, "time,open,high,low,close,Volume")))
    assert days == list(DAYS)
    assert report.days is not None
    assert report.days.rule == "the trading day that 18:00 America/New_York lies in"


def test_times_of_day_on_no_clock_need_one(store: Store, tmp_path: Path):
    path = write(tmp_path / "NQ.csv", text([f"{day} 18:00:00" for day in DAYS]))
    report, days = stored(store, NQ, path)
    assert days == []
    assert report.refusal == (
        "NQ.csv: expected day bars stamped with a date, found times of day on no clock, such as '2024-03-07 18:00:00'; "
        "name the clock with --time-zone, for example --time-zone America/New_York."
    )


def test_a_stamp_at_another_time_names_no_day(store: Store, tmp_path: Path):
    """Yahoo stamps the running day with the time of the download."""
    stamps = [f"2024-01-{day:02d} 00:00:00-05:00" for day in (2, 3, 4, 5, 8, 9, 10, 11, 12, 16, 17)]
    path = write(tmp_path / "SPY.csv", text([*stamps, "2024-01-18 11:42:07-05:00"]))
    report, days = stored(store, SPY, path)
    assert (len(days), report.rows_rejected) == (11, 1)
    assert report.first_rejects[0].reason == "the stamp is not at the time of day of the others, so it names no day"


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_download_of_a_day_or_two_is_taken_for_days_too(store: Store, tmp_path: Path, rows: int):
    stamps = [f"{day} 00:00:00-05:00" for day in (date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 4))][:rows]
    report, days = stored(store, SPY, write(tmp_path / "SPY.csv", text(stamps)))
    assert (report.rows_stored, len(days)) == (rows, rows)
    assert datetime(2024, 1, 4, tzinfo=NOW.tzinfo) < NOW
