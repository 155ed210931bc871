"""Series on their way into the store: each value with when it is known, changed ones known from the change on."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from ml_data.daily_ingest import ingest_daily
from ml_data.import_report import ImportReport, describe
from ml_data.known_days import read_known_series
from ml_data.store import Store
from tests.ml_data.bar_files import NOW, at
from tests.ml_data.day_files import SERIES, day_csv, weekdays
from trading.domain.calendar import to_minute

DATES = weekdays("2024-04-01", 40)
HEADER = "date,VIX,SLOPE,DBC"


@pytest.fixture
def store(tmp_path: Path):
    store = Store(tmp_path / "home")
    yield store
    store.close()


def take(store: Store, path: Path, **options) -> ImportReport:
    [report] = ingest_daily(store, None, SERIES, [path], now=options.pop("now", NOW), **options)
    return report


def query(store: Store, question: str) -> list[tuple]:
    with store.market() as cursor:
        return cursor.execute(question).fetchall()


def rows(days: list[date], shift: float = 0.0) -> list[str]:
    return [f"{day},{14 + n / 8 + shift},{n / 16 + shift},0.01" for n, day in enumerate(days)]


def test_each_value_is_stored_with_when_it_is_known(store: Store, tmp_path: Path):
    report = take(store, day_csv(tmp_path / "m.csv", rows(DATES[:2]), HEADER))
    assert (report.verdict, report.rows_stored, report.contracts) == ("stored", 4, ("VIX", "SLOPE"))
    assert query(store, "SELECT series, day, known_at, value FROM market.series_1d ORDER BY ALL") == [
        ("SLOPE", date(2024, 4, 1), at("2024-04-02 20:30"), 0.0),
        ("SLOPE", date(2024, 4, 2), at("2024-04-03 20:30"), 0.0625),
        ("VIX", date(2024, 4, 1), at("2024-04-01 20:30"), 14.0),
        ("VIX", date(2024, 4, 2), at("2024-04-02 20:30"), 14.125),
    ]
    assert query(store, "SELECT instrument, format, stored_in, rows_stored FROM market.bar_imports") == [
        ("PAIR", "series", "series_1d", 4)
    ]


def test_a_dry_run_says_when_each_series_is_known(store: Store, tmp_path: Path):
    report = take(store, day_csv(tmp_path / "m.csv", rows(DATES[:3]), HEADER), dry_run=True)
    assert describe(report).splitlines() == [
        "m.csv: would be stored",
        "  taken for two series, PAIR (series), because its content is CSV with the columns VIX, SLOPE and dates in "
        "date; VIX is known 16:30 America/New_York, the same day (XNYS); SLOPE is known 16:30 America/New_York, 1 "
        "business day later (US_FEDERAL)",
        "  series: the day of a value is the date that is written",
        "  6 rows read: 6 new",
        "  columns used: date, VIX, SLOPE",
        "  columns not used: DBC",
        "  VIX, SLOPE, 2024-04-01 to 2024-04-03",
    ]
    assert query(store, "SELECT count(*) FROM market.series_1d") == [(0,)]


def test_the_same_file_again_changes_nothing(store: Store, tmp_path: Path):
    path = day_csv(tmp_path / "m.csv", rows(DATES), HEADER)
    take(store, path)
    again = take(store, path)
    assert (again.verdict, again.rows_unchanged, again.rows_stored) == ("unchanged", 80, 0)
    assert query(store, "SELECT count(*) FROM market.series_1d") == [(80,)]


def test_a_changed_value_is_known_from_its_import_on_and_the_old_one_before(store: Store, tmp_path: Path):
    first = day_csv(tmp_path / "m.csv", rows(DATES[:5]), HEADER)
    take(store, first, now=at("2024-05-01 12:00"))
    changed = rows(DATES[:5])
    changed[4] = changed[4].replace("14.5", "15.5")
    report = take(store, day_csv(tmp_path / "n.csv", changed, HEADER), now=at("2024-06-01 12:00"))
    assert (report.rows_revised, report.rows_unchanged) == (1, 9)
    assert report.warnings == (
        "VIX: 1 values differ from what was stored (first: VIX of 2024-04-05 14.5, now 15.5); the new ones are known "
        "from this import on, before it the old ones count",
    )
    vix = read_known_series(store, "VIX")
    moments = ["2024-04-05 20:29", "2024-04-05 20:30", "2024-06-01 11:59", "2024-06-01 12:00"]
    assert vix.at(pd.array([to_minute(at(text)) for text in moments]).to_numpy()).values.tolist() == [
        14.375, 14.5, 14.5, 15.5,
    ]  # fmt: skip
    # The first file again brings nothing back.
    again = take(store, first, now=at("2024-06-02 12:00"))
    assert (again.verdict, again.rows_unchanged) == ("unchanged", 10)


def test_a_value_that_cannot_be_published_yet_is_not_stored(store: Store, tmp_path: Path):
    """A file of the evening holds the day's own yield already: carried forward from the day before."""
    report = take(store, day_csv(tmp_path / "m.csv", rows(DATES[:3]), HEADER), now=at("2024-04-03 20:30"))
    assert (report.rows_stored, report.rows_rejected) == (5, 1)
    assert report.first_rejects[0].reason == (
        "SLOPE of this day is not published yet: 16:30 America/New_York, 1 business day later (US_FEDERAL)"
    )


def test_days_without_a_value_are_counted_and_impossible_ones_rejected(store: Store, tmp_path: Path):
    path = day_csv(
        tmp_path / "VIXCLS.csv",
        ["2024-04-01,14.5", "2024-04-02,.", "2024-04-03,", "2024-04-04,-999", "2024-04-05,15.5", "2024-04-05,16.5"],
        "observation_date,VIXCLS",
    )
    report = take(store, path)
    assert (report.rows_read, report.rows_stored, report.rows_rejected) == (4, 2, 2)
    assert report.warnings == ("VIX: 2 days have no value",)
    assert [(row.row_number, row.reason) for row in report.first_rejects] == [
        (4, "VIX is not between 1 and 200 points"),
        (6, "an earlier row of the file has another VIX of the same day"),
    ]


def test_another_unit_is_refused(store: Store, tmp_path: Path):
    take(store, day_csv(tmp_path / "m.csv", rows(DATES), HEADER))
    report = take(store, day_csv(tmp_path / "n.csv", rows(DATES, shift=0.1), HEADER))
    assert report.refusal == (
        "n.csv: 40 of the 40 values of VIX that are stored already differ in this file (first: VIX of 2024-04-01 14, "
        "now 14.1), so it is another series or unit; if it is right, import it with --accept-revisions."
    )


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("date,GOLD", "expected a column of PAIR (VIX, VIXCLS, SLOPE, T10Y2Y), found none of them"),
        ("who,VIX", "expected a column of dates called date beside VIX, found who, VIX; name it so."),
        ("date,VIX,VIXCLS", "two columns hold VIX: VIX, VIXCLS; remove one."),
    ],
)
def test_what_is_no_file_of_series_is_refused(store: Store, tmp_path: Path, header: str, sentence: str):
    cells = header.count(",")
    report = take(store, day_csv(tmp_path / "m.csv", [f"{day}{',14' * cells}" for day in DATES[:3]], header))
    assert sentence in str(report.refusal)


def test_dates_in_the_index_of_a_frame_are_read(store: Store, tmp_path: Path):
    frame = pd.DataFrame({"VIX": [14.0, 15.0]}, index=pd.DatetimeIndex(DATES[:2], name="date"))
    frame.to_parquet(tmp_path / "m.parquet")
    assert take(store, tmp_path / "m.parquet").rows_stored == 2
