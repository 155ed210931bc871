"""HistData: told from others by its rows, read on the vendor's own clock, which real releases confirm."""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ml_data.bar_file import open_bar_file
from ml_data.import_report import describe
from ml_data.importers.histdata import IMPORTER
from ml_data.ingest import ingest
from ml_data.recognition import importer_of
from ml_data.store import Store
from tests.ml_data.bar_files import INSTRUMENTS, NOW, Taken, at, take, write, zip_of
from trading.domain.instrument import Instrument, read_instrument
from trading.errors import BadBars

NEW_YORK = ZoneInfo("America/New_York")
PRICES = "1302.340000;1302.820000;1302.330000;1302.590000;0"
JOBS_REPORTS = {  # year: month and day on which the US jobs report came out at 08:30 New York
    2018: ("0105", "0202", "0309", "0406", "0504", "0601", "0706", "0803", "0907", "1005", "1102", "1207"),
    2019: ("0104", "0201", "0308", "0503", "0607", "0705", "0802", "0906", "1004", "1101", "1206"),
}


def gold() -> Instrument:
    return read_instrument(INSTRUMENTS / "XAUUSD.toml")


def rows(*stamps: str) -> str:
    return "".join(f"{stamp};{PRICES}\n" for stamp in stamps)


def stamps(taken: Taken) -> list[str]:
    return [str(row[1])[:16] for row in taken.rows]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_plain_file_gives_its_bars(tmp_path: Path, end: str):
    text = rows("20180102 180100", "20180102 180200").replace("\n", end)
    taken = take(IMPORTER, write(tmp_path / "a", text), gold())
    assert taken.rows == [
        ("XAUUSD", "2018-01-02 23:01:00", 1302.34, 1302.82, 1302.33, 1302.59, 0.0, 1),
        ("XAUUSD", "2018-01-02 23:02:00", 1302.34, 1302.82, 1302.33, 1302.59, 0.0, 2),
    ]
    assert (taken.rows_read, taken.bars_dropped, taken.rejects) == (2, 0, [])


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("20180105 083000", "2018-01-05 13:30"),  # winter in both cities
        ("20180320 083000", "2018-03-20 12:30"),  # summer in New York alone
        ("20180706 083000", "2018-07-06 12:30"),  # summer in both
        ("20181231 165900", "2018-12-31 21:59"),
        ("20190101 180000", "2019-01-01 23:00"),
        ("20190320 073000", "2019-03-20 12:30"),  # London is still in winter
        ("20190705 083000", "2019-07-05 12:30"),
        ("20191101 073000", "2019-11-01 12:30"),  # London is in winter already
        ("20191206 083000", "2019-12-06 13:30"),
    ],
)
def test_stamps_show_new_york_through_2018_and_london_less_five_hours_from_2019(tmp_path: Path, written: str, utc: str):
    assert stamps(take(IMPORTER, write(tmp_path / "a", rows(written)), gold())) == [utc]


def test_a_time_zone_that_is_named_goes_before_the_vendors_clock(tmp_path: Path):
    path = write(tmp_path / "a", rows("20180706 083000", "20190320 083000"))
    assert stamps(take(IMPORTER, path, gold(), "UTC-5")) == ["2018-07-06 13:30", "2019-03-20 13:30"]
    found = IMPORTER.open(open_bar_file(path), gold(), "UTC-5").recognised
    assert found.time_zone == "UTC-5"
    assert "its stamps show UTC-5, as --time-zone says; it names no symbol" in found.why


def test_what_was_recognised_names_the_vendors_clock_and_its_evidence(tmp_path: Path):
    found = IMPORTER.open(open_bar_file(write(tmp_path / "a", rows("20180706 083000"))), gold(), None).recognised
    assert found.time_zone == "HistData: America/New_York, from 2019-01-01 Europe/London-5h"
    assert found.stamps == "start"
    assert "its rows are YYYYMMDD HHMMSS;open;high;low;close;0 without a header" in found.why
    assert "the US jobs report and the daily halt of its gold files" in found.why


def test_rows_with_volume_are_not_of_histdata(tmp_path: Path):
    head = rows("20180706 083000").encode()
    assert IMPORTER.recognise(head) is not None
    assert IMPORTER.recognise(head.replace(b";0\n", b";7\n")) is None
    assert IMPORTER.recognise(b"timestamp;open;high;low;close;volume\n" + head) is None
    assert importer_of(open_bar_file(write(tmp_path / "a", head))).format == "histdata"


def test_what_ninjatrader_writes_alike_is_told_by_its_volume_or_by_the_name_of_the_file(tmp_path: Path):
    head = rows("20180706 083000")
    short = head.replace("0000;", ";")
    for name, content, told in (
        ("bars.txt", head, "histdata"),
        ("bars.txt", head.replace(";0\n", ";7\n"), "ninjatrader"),
        ("GC 08-18.Last.txt", short, "ninjatrader"),
        ("DAT_ASCII_XAUUSD_M1_2018.csv", short, "histdata"),
    ):
        assert importer_of(open_bar_file(write(tmp_path / name, content))).format == told
    with pytest.raises(BadBars, match="recognised as histdata and ninjatrader; say which with --format"):
        importer_of(open_bar_file(write(tmp_path / "bars.txt", short)))


def test_a_few_damaged_rows_are_rejected_by_number_and_the_others_kept(tmp_path: Path):
    good = [f"20180706 08{minute:02d}00" for minute in range(60)]
    lines = rows(*good).splitlines(keepends=True)
    lines[20] = "20180706 0820\n"
    lines[40] = "20180732 084000;" + PRICES + "\n"
    lines[50] = "\n" + lines[50]
    path = write(tmp_path / "a", "\ufeff" + "".join(lines))
    taken = take(IMPORTER, path, gold())
    assert taken.rejects == [
        (21, "the row has 1 columns where 6 are expected"),
        (41, "the stamp is not a time between 1980 and 2100"),
    ]
    assert [row[-1] for row in taken.rows] == [row for row in range(1, 61) if row not in (21, 41)]
    assert stamps(taken)[-1] == "2018-07-06 12:59"
    assert IMPORTER.raw_rows(open_bar_file(path), [21, 51]) == {21: "20180706 0820", 51: lines[50].strip()}


def test_the_hour_that_the_clock_skips_is_rejected_and_the_one_it_shows_twice_too(tmp_path: Path):
    path = write(tmp_path / "a", rows("20180311 023000", "20180311 033000", "20181104 013000"))
    taken = take(IMPORTER, path, gold())
    assert stamps(taken) == ["2018-03-11 07:30"]
    assert [row for row, _ in taken.rejects] == [1, 3]


def test_the_vendors_zip_is_imported_and_its_gap_report_left_out(tmp_path: Path):
    gaps = (
        b"HistData.com (c) 2012\nFile: x.csv Status Report\n\nGap of 71s found between 20180108163844 and 2018010816.\n"
    )
    packed = zip_of(("x.csv", rows("20180706 083000", "20180706 083100").encode()), ("x.txt", gaps))
    store = Store(tmp_path / "home")
    reports = ingest(store, gold(), [write(tmp_path / "a.zip", packed)], now=NOW)
    store.close()
    assert [(report.file_name, report.verdict) for report in reports] == [
        ("a.zip/x.csv", "stored with warnings"),
        ("a.zip/x.txt", "left out"),
    ]
    assert "clock: HistData: America/New_York, from 2019-01-01 Europe/London-5h; a stamp" in describe(reports[0])


def test_rows_of_another_instrument_are_off_the_grid(tmp_path: Path):
    store = Store(tmp_path / "home")
    text = rows("20180706 083000", "20180706 083100").replace("1302.34", "1.30634")
    [report] = ingest(store, gold(), [write(tmp_path / "a", text)], now=NOW)
    store.close()
    assert "2 of 2 rows cannot be used, so nothing of it is stored" in str(report.refusal)


@pytest.fixture(scope="module")
def real(shared_data: Path, tmp_path_factory: pytest.TempPathFactory):
    """A store of both real years, and the reports of their import."""
    store = Store(tmp_path_factory.mktemp("home"))
    reports = ingest(store, gold(), sorted((shared_data / "xauusd_histdata").glob("*.zip")), now=NOW)
    yield store, reports
    store.close()


@pytest.mark.real_data
def test_real_years_are_stored_and_the_repeated_hour_once(real):
    _, reports = real
    assert [
        (report.file_name[-34:], report.verdict, report.rows_stored, report.rows_unchanged) for report in reports
    ] == [
        ("8.zip/DAT_ASCII_XAUUSD_M1_2018.csv", "stored with warnings", 353_778, 0),
        ("8.zip/DAT_ASCII_XAUUSD_M1_2018.txt", "left out", 0, 0),
        ("9.zip/DAT_ASCII_XAUUSD_M1_2019.csv", "stored with warnings", 352_628, 60),
        ("9.zip/DAT_ASCII_XAUUSD_M1_2019.txt", "left out", 0, 0),
    ]
    assert reports[0].first_ts == at("2018-01-01 23:01")
    assert reports[2].last_ts == at("2019-12-31 21:58")


@pytest.mark.real_data
@pytest.mark.parametrize("day", [f"{year}{day}" for year, days in JOBS_REPORTS.items() for day in days])
def test_the_highest_bar_of_a_morning_with_a_jobs_report_starts_at_its_minute(real, day: str):
    store, _ = real
    release = datetime.strptime(f"{day} 08:30", "%Y%m%d %H:%M").replace(tzinfo=NEW_YORK)
    with store.market() as cursor:
        [(highest,)] = cursor.execute(
            "SELECT ts FROM market.bars_1m WHERE ts BETWEEN ? AND ? ORDER BY high - low DESC LIMIT 1",
            [release - timedelta(hours=2), release + timedelta(hours=2)],
        ).fetchall()
    assert highest == release


@pytest.mark.real_data
def test_real_weeks_open_on_sunday_at_18_and_stop_each_day_at_17_new_york(real):
    store, _ = real
    with store.market() as cursor:
        breaks = cursor.execute(
            "SELECT timezone('America/New_York', lag(ts) OVER w), timezone('America/New_York', ts) FROM market.bars_1m "
            "WINDOW w AS (ORDER BY ts) QUALIFY ts - lag(ts) OVER w BETWEEN INTERVAL 50 MINUTE AND INTERVAL 3 DAY"
        ).fetchall()
    usual = [
        (stopped, opened)
        for stopped, opened in breaks
        if f"{stopped:%H:%M}" in ("16:57", "16:58", "16:59", "17:00") and f"{opened:%H:%M}" in ("18:00", "18:01")
    ]
    assert len(usual) > 480
    assert len(breaks) - len(usual) < 25  # holidays, early closes, holes of the vendor
    sundays = [opened for stopped, opened in breaks if opened.weekday() == 6 and opened - stopped > timedelta(days=1)]
    assert len(sundays) == 101
    assert {f"{opened:%H:%M}" for opened in sundays} == {"18:00", "18:01"}
