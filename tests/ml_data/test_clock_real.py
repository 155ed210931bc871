"""The clocks of real files, asked of their bars alone, and checked by hand against the minutes of known releases."""

from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from ml_data.clock_counts import NaiveBars
from ml_data.clock_evidence import ClockEvidence, weigh_clocks
from ml_data.clock_words import evidence_lines, why_unknown
from ml_data.importers.wall_clock import to_utc
from ml_data.ingest import ingest
from ml_data.store import Store
from tests.ml_data.bar_files import NOW
from tests.ml_data.clock_bars import NEW_YORK, as_shown, shipped

pytestmark = pytest.mark.real_data


def naive_bars(stamps: pa.ChunkedArray, activity: Any) -> NaiveBars:
    """Bars of stamps as they are written."""
    minutes, place = np.unique(
        stamps.cast(pa.timestamp("us")).cast(pa.int64()).to_numpy() // 60_000_000, return_inverse=True
    )
    return NaiveBars(minutes, np.bincount(place, activity))


def histdata(folder: Path, year: int) -> NaiveBars:
    with ZipFile(folder / "xauusd_histdata" / f"HISTDATA_COM_ASCII_XAUUSD_M1{year}.zip") as archive:
        content = archive.read(f"DAT_ASCII_XAUUSD_M1_{year}.csv")
    table = pacsv.read_csv(
        pa.BufferReader(content),
        read_options=pacsv.ReadOptions(column_names=["stamp", "open", "high", "low", "close", "volume"]),
        parse_options=pacsv.ParseOptions(delimiter=";"),
        convert_options=pacsv.ConvertOptions(
            column_types={"stamp": pa.timestamp("s")}, timestamp_parsers=["%Y%m%d %H%M%S"]
        ),
    )
    return naive_bars(table.column("stamp"), table.column("high").to_numpy() - table.column("low").to_numpy())


def firstrate(folder: Path) -> NaiveBars:
    table = pacsv.read_csv(folder / "firstrate" / "NQ_1min_sample.csv")
    return naive_bars(table.column("timestamp"), table.column("volume").to_numpy())


def equity(folder: Path, symbol: str) -> NaiveBars:
    table = pq.read_table(folder / "us_equity_1m" / f"{symbol}_1min.parquet")
    return naive_bars(table.column("ts"), table.column("volume").to_numpy())


def tradingview(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    table = pacsv.read_csv(
        folder / "tradingview" / name, convert_options=pacsv.ConvertOptions(include_columns=["time", "Volume"])
    )
    stamps = table.column("time").cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy() // 60_000_000
    return stamps, table.column("Volume").to_numpy().astype(np.float64)


def busiest(bars: NaiveBars, clock: str, release: str) -> int:
    """How many minutes after `release` (New York) the busiest of the 50 minutes around it lies, read on `clock`."""
    utc = to_utc(bars.minutes * 60_000_000, clock)[0] // 60_000_000
    [at] = to_utc(np.array([release], dtype="datetime64[us]").astype(np.int64), NEW_YORK)[0] // 60_000_000
    near = (utc >= at - 25) & (utc < at + 25)
    return int(utc[near][np.argmax(bars.activity[near])] - at)


def names(evidence: ClockEvidence) -> set[str]:
    return {evidence.best.clock, *evidence.best.alike}


JOBS_2018, JOBS_2019 = ("2018-01-05", "2018-07-06", "2018-11-02"), ("2019-01-04", "2019-07-05", "2019-11-01")


@pytest.mark.parametrize(
    ("year", "clock", "rival", "releases"),
    [
        (2018, NEW_YORK, "Europe/London-5h", [*(f"{day}T08:30" for day in JOBS_2018), "2018-03-13T08:30"]),
        (2019, "Europe/London-5h", NEW_YORK, [*(f"{day}T08:30" for day in JOBS_2019), "2019-03-20T14:00"]),
    ],
)
def test_a_vendors_clock_is_found_in_each_year_and_releases_lie_on_their_minute(
    shared_data: Path, year: int, clock: str, rival: str, releases: list[str]
):
    bars = histdata(shared_data, year)
    evidence = weigh_clocks(bars, shipped("XAUUSD"))
    assert (evidence.verdict, names(evidence)) == ("certain", {clock})
    assert next(each for each in evidence.candidates if each.clock == rival).contradicted
    assert [busiest(bars, clock, release) for release in releases] == [0] * len(releases)


def test_the_vendors_two_years_in_one_file_show_that_the_clock_changes(shared_data: Path):
    first, second = histdata(shared_data, 2018), histdata(shared_data, 2019)
    both = NaiveBars(np.concatenate([first.minutes, second.minutes]), np.concatenate([first.activity, second.activity]))
    evidence = weigh_clocks(both, shipped("XAUUSD"))
    assert evidence.verdict == "cannot tell"
    assert why_unknown(evidence, shipped("XAUUSD")).startswith(
        "the clock changes within the file: up to 2018-11-02 the bars fit America/New_York, from 2019-03-08 "
        "Europe/London-5h; "
    )


def test_a_fortnight_of_nasdaq_is_on_new_york_time(shared_data: Path):
    bars = firstrate(shared_data)
    evidence = weigh_clocks(bars, shipped("NQ"))
    assert (evidence.verdict, names(evidence)) == ("certain", {NEW_YORK, "UTC-5", "Europe/London-5h"})
    assert evidence_lines(evidence, shipped("NQ")) == (
        "0 of 14,714 bars fall into the daily halt 17:00-18:00 New York; read as UTC 419 would",
        "the nearest of 27 other readings, America/Chicago, has 10 closures elsewhere and puts 660 bars into them, "
        "America/New_York 0",
        "bars stop and go on with 10 of 10 closures of the schedule",
        "the minutes from 09:30 New York are busier than those before on 11 of 11 days",
        "America/New_York, UTC-5 and Europe/London-5h are the same in this span",
    )
    assert [busiest(bars, NEW_YORK, release) for release in ("2023-11-22T08:30", "2023-11-30T08:30")] == [0, 0]


@pytest.mark.parametrize("clock", ["America/Chicago", "UTC", "Australia/Brisbane"])
def test_a_chart_export_is_found_on_any_clock_and_the_fed_speaks_at_14_00(shared_data: Path, clock: str):
    minutes, volume = tradingview(shared_data, "NQ_20220116-20220128-1.csv.gz")
    bars = as_shown(minutes, clock, volume)
    evidence = weigh_clocks(bars, shipped("NQ"))
    assert (evidence.verdict, clock in names(evidence), evidence.best.wrong) == ("certain", True, 0)
    assert busiest(bars, clock, "2022-01-26T14:00") == 0


def test_five_minute_bars_tell_their_clock_too(shared_data: Path):
    minutes, volume = tradingview(shared_data, "YM_20211205-20220128-5.csv.gz")
    evidence = weigh_clocks(as_shown(minutes, "America/Chicago", volume), shipped("YM"))
    assert (evidence.verdict, names(evidence)) == ("certain", {"America/Chicago", "UTC-6"})


def test_naive_stocks_are_really_utc(shared_data: Path):
    regular, extended = equity(shared_data, "QQQ"), equity(shared_data, "TSLA")
    found = weigh_clocks(regular, shipped("QQQ"))
    assert (found.verdict, names(found), found.by_volume) == ("certain", {"UTC"}, False)
    assert [busiest(regular, "UTC", f"{day}T10:00") for day in ("2023-01-04", "2024-01-03", "2024-07-03")] == [0, 0, 0]
    # Tesla is traded before and after the exchange's hours, so volume tells, and only likely
    found = weigh_clocks(extended, shipped("QQQ"))
    assert (found.verdict, names(found), found.by_volume) == ("likely", {"UTC"}, True)
    assert busiest(extended, "UTC", "2024-01-05T08:30") == 0


@pytest.fixture(scope="module")
def gold(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, np.ndarray]:
    """Minutes and volume of micro gold, October 2023 to April 2024, imported from Databento."""
    store = Store(tmp_path_factory.mktemp("gold"))
    files = sorted((shared_data / "mgc_databento").glob("*.dbn.zst"))
    files = [file for file in files if "20231001" <= file.name.split("-")[2] <= "20240401"]
    reports = ingest(store, shipped("MGC"), files, now=NOW)
    assert [(report.verdict, report.warnings) for report in reports] == [("stored", ())] * 7
    with store.market() as cursor:
        question = (
            "SELECT epoch(ts)::BIGINT // 60 AS minute, sum(volume) AS volume FROM market.bars_1m GROUP BY 1 ORDER BY 1"
        )
        columns = cursor.execute(question).fetchnumpy()
    store.close()
    return np.asarray(columns["minute"], dtype=np.int64), np.asarray(columns["volume"], dtype=np.float64)


@pytest.mark.parametrize(
    "clock", ["Australia/Brisbane", NEW_YORK, "America/New_York+7h", "Europe/Athens", "Europe/London-5h", "UTC"]
)
def test_gold_rendered_on_any_clock_is_found_and_releases_lie_on_their_minute(
    gold: tuple[np.ndarray, np.ndarray], clock: str
):
    bars = as_shown(gold[0], clock, gold[1])
    evidence = weigh_clocks(bars, shipped("MGC"))
    assert (evidence.verdict, clock in names(evidence), evidence.best.in_halt) == ("certain", True, 0)
    assert [busiest(bars, clock, day) for day in ("2024-03-12T08:30", "2024-03-08T08:30", "2023-11-03T08:30")] == [
        0
    ] * 3
