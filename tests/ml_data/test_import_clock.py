"""The clock of an import: inferred and accepted, named, stated, contradicted; the store holds what was agreed to."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from ml_data.import_report import ImportReport, describe
from ml_data.ingest import ingest, ingest_bars
from ml_data.store import Store
from tests.ml_data.bar_files import NOW, csv, mgc, nq
from tests.ml_data.clock_bars import NEW_YORK, bars_file, minute, open_minutes, shown
from trading.domain.bar import BARS

OPEN = open_minutes(nq(), "2024-02-04T23:00", "2024-02-10")  # one winter week: 5 days of 23 hours, 4 halts
TO_SPRING = open_minutes(nq(), "2024-01-21T23:00", "2024-03-16")  # 7 weeks of winter, one of summer in New York
EVIDENCE = (
    "0 of 6,900 bars fall into the daily halt 17:00-18:00 New York; read as UTC 240 would",
    "the nearest of 27 other readings, America/Chicago, has 4 closures elsewhere and puts 300 bars into them, "
    "America/New_York 0",
    "bars stop and go on with 4 of 4 closures of the schedule",
    "America/New_York, UTC-5 and Europe/London-5h are the same in this span",
)


@pytest.fixture
def store(tmp_path: Path):
    store = Store(tmp_path / "home")
    yield store
    store.close()


@pytest.fixture
def naive(tmp_path: Path) -> Path:
    return bars_file(tmp_path / "naive.csv", shown(OPEN, NEW_YORK))


@contextmanager
def nothing_changes(store: Store) -> Iterator[None]:
    with store.market():
        pass  # made with its first use
    content, stamp = (store.home / "market.duckdb").read_bytes(), store.stamp("market")
    yield
    assert (store.home / "market.duckdb").read_bytes() == content
    assert store.stamp("market") == stamp


def stored_minutes(store: Store) -> list[int]:
    with store.market() as cursor:
        rows = cursor.execute("SELECT epoch(ts)::BIGINT // 60 FROM market.bars_1m ORDER BY ts").fetchall()
    return [row[0] for row in rows]


def stored_clock(store: Store) -> list[tuple]:
    with store.market() as cursor:
        return cursor.execute("SELECT time_zone, verdict FROM market.bar_imports").fetchall()


def take(store: Store, path: Path, **asked: object) -> ImportReport:
    [report] = ingest(store, nq(), [path], now=NOW, **asked)
    return report


def test_naive_stamps_are_refused_with_the_clock_that_the_bars_show(store: Store, naive: Path):
    with nothing_changes(store):
        report = take(store, naive)
    assert report.verdict == "refused"
    assert report.refusal == (
        "naive.csv: its stamps name no clock; the bars show America/New_York (certain); add --accept to import it so, "
        "or name another with --time-zone."
    )
    assert report.clock is not None
    assert (report.clock.how, report.clock.verdict, report.clock.lines) == ("inferred", "certain", EVIDENCE)
    assert describe(report).split("\n    ") == [f"refused: {report.refusal}", *EVIDENCE]


def test_with_accept_they_are_stored_on_that_clock(store: Store, naive: Path):
    report = take(store, naive, accept=True)
    assert (report.verdict, report.warnings) == ("stored", ())
    assert stored_minutes(store) == OPEN.tolist()
    assert stored_clock(store) == [(NEW_YORK, "stored")]
    assert "  clock: America/New_York (inferred from the bars: certain); a stamp marks" in describe(report)


def test_a_dry_run_shows_what_accept_would_store(store: Store, naive: Path):
    with nothing_changes(store):
        report = take(store, naive, dry_run=True)
    assert (report.refusal, report.rows_stored) == (None, 6_900)
    lines = describe(report).split("\n")
    assert lines[0] == "naive.csv: would be stored with --accept"
    assert lines[2:7] == [
        "  clock: America/New_York (inferred from the bars: certain); a stamp marks the start of its minute",
        *(f"    {line}" for line in EVIDENCE),
    ]
    accepted = describe(take(store, naive, dry_run=True, accept=True))
    assert accepted.startswith("naive.csv: would be stored\n")


def test_bars_that_do_not_tell_are_refused_even_with_accept(store: Store, tmp_path: Path):
    path = bars_file(tmp_path / "short.csv", shown(OPEN[2000:2120], NEW_YORK))
    with nothing_changes(store):
        report = take(store, path, accept=True)
    assert report.refusal is not None
    assert report.refusal.startswith(
        "short.csv: its stamps, such as '2024-02-06T04:20:00', name no clock, and 120 bars fit America/New_York, UTC, "
    )
    assert report.refusal.endswith(
        "; name the right one, for example with --time-zone 'America/New_York', or bring a longer file."
    )


def test_a_named_clock_that_agrees_is_stored_as_named_and_told_in_a_dry_run(store: Store, naive: Path):
    tried = describe(take(store, naive, time_zone=NEW_YORK, dry_run=True)).split("\n")
    assert tried[2:4] == [
        "  clock: America/New_York (named with --time-zone); a stamp marks the start of its minute",
        "    0 of 6,900 bars fall into the daily halt 17:00-18:00 New York",
    ]
    report = take(store, naive, time_zone=NEW_YORK)
    assert (report.verdict, report.clock and report.clock.verdict) == ("stored", "agrees")
    assert stored_clock(store) == [(NEW_YORK, "stored")]


def test_a_named_clock_that_fills_the_halt_is_refused(store: Store, naive: Path):
    with nothing_changes(store):
        report = take(store, naive, time_zone="America/Chicago")
    assert report.refusal == (
        "naive.csv: read as America/Chicago, 240 of 6,900 bars fall into the daily halt 17:00-18:00 New York, 60 into "
        "weekends and holidays; read as America/New_York 0 and 0 would; name America/New_York instead, or add --accept "
        "if America/Chicago is right."
    )


def test_it_is_stored_with_accept_and_a_warning(store: Store, naive: Path):
    report = take(store, naive, time_zone="America/Chicago", accept=True)
    assert report.verdict == "stored with warnings"
    assert report.warnings == (
        "read as America/Chicago, 240 of 6,900 bars fall into the daily halt 17:00-18:00 New York, 60 into weekends "
        "and holidays; read as America/New_York 0 and 0 would",
    )
    assert stored_minutes(store) == (OPEN + 60).tolist()
    assert "  clock: America/Chicago (named with --time-zone, against the bars)" in describe(report)


def test_a_clock_that_is_wrong_for_some_weeks_is_refused_too(store: Store, tmp_path: Path):
    path = bars_file(tmp_path / "spring.csv", shown(TO_SPRING, "UTC-5"))
    with nothing_changes(store):
        report = take(store, path, time_zone=NEW_YORK)
    assert report.refusal == (
        "spring.csv: read as America/New_York, 240 of 55,050 bars fall into the daily halt 17:00-18:00 New York, 60 "
        "into weekends and holidays; read as UTC-5 0 and 0 would; name UTC-5 instead, or add --accept if "
        "America/New_York is right."
    )
    assert take(store, path, time_zone=NEW_YORK, accept=True).verdict == "stored with warnings"


def cash_hours(path: Path, clock: str) -> Path:
    """Three weeks of a future in the hours of stocks alone, busy for half an hour after the open."""
    minutes = open_minutes(nq(), "2024-01-21T23:00", "2024-02-10")
    day = shown(minutes, NEW_YORK) % 1440
    minutes, day = (array[(day >= 570) & (day < 960)] for array in (minutes, day))
    stamps = np.datetime_as_string(shown(minutes, clock).astype("datetime64[m]"), unit="s")
    rows = (f"{at},100,101,99,100.5,{900 if of < 600 else 50}" for at, of in zip(stamps, day, strict=True))
    return csv(path, *rows)


def test_a_named_clock_under_which_the_market_wakes_at_another_hour_is_refused(store: Store, tmp_path: Path):
    path = cash_hours(tmp_path / "cash.csv", NEW_YORK)
    with nothing_changes(store):
        report = take(store, path, time_zone="America/Chicago")
    assert report.refusal == (
        "cash.csv: read as America/Chicago, the minutes from 09:30 New York are busier than those before on 0 days; "
        "read as America/New_York on 15 of 15; name America/New_York instead, or add --accept if America/Chicago is "
        "right."
    )
    assert take(store, path, time_zone=NEW_YORK).verdict == "stored"


@pytest.mark.parametrize("clock", ["America/Chicago", "UTC", "Europe/Berlin"])
def test_the_right_clock_of_a_part_of_the_day_is_taken_without_a_word(store: Store, tmp_path: Path, clock: str):
    report = take(store, cash_hours(tmp_path / "cash.csv", clock), time_zone=clock)
    assert (report.verdict, report.clock and report.clock.verdict) == ("stored", "agrees")


@pytest.mark.parametrize("suffix", ["Z", "+00:00"])
def test_stamps_labelled_with_a_wrong_offset_are_refused(store: Store, tmp_path: Path, suffix: str):
    path = bars_file(tmp_path / "label.csv", shown(OPEN, NEW_YORK), suffix)
    with nothing_changes(store):
        report = take(store, path)
    assert report.refusal == (
        "label.csv: read by the offset in each stamp, 240 of 6,900 bars fall into the daily halt 17:00-18:00 New York, "
        "300 into weekends and holidays; read as America/New_York 0 and 0 would; correct the stamps, or add --accept "
        "if they are right."
    )
    assert take(store, path, accept=True).verdict == "stored with warnings"


def test_stamps_with_the_right_offset_need_no_word(store: Store, tmp_path: Path):
    report = take(store, bars_file(tmp_path / "aware.csv", shown(OPEN, "UTC-5"), "-05:00"))
    assert (report.verdict, report.warnings) == ("stored", ())
    assert report.clock is not None
    assert (report.clock.how, report.clock.verdict) == ("stated", "agrees")
    assert stored_minutes(store) == OPEN.tolist()


def test_bars_that_never_pause_are_stored_with_a_warning_under_any_clock(store: Store, tmp_path: Path):
    minutes = np.arange(minute("2024-02-05"), minute("2024-02-08"))
    report = take(store, bars_file(tmp_path / "all.csv", minutes, "Z"))
    assert report.warnings == (
        "180 of 4,320 bars fall into the daily halt 17:00-18:00 New York, and no other clock explains them better",
    )


def test_what_a_program_brings_is_never_refused_for_its_clock(store: Store):
    wrong = BARS.empty_table().slice(0)
    columns = {"contract": ["NQ"] * len(OPEN), "ts": (OPEN - 300) * 60_000_000}
    columns |= {name: np.full(len(OPEN), 100.0) for name in ("open", "high", "low", "close", "volume")}
    wrong = type(wrong).from_pydict(columns, schema=BARS)
    report = ingest_bars(store, nq(), [wrong], source_name="a feed", now=NOW)
    assert (report.verdict, len(report.warnings)) == ("stored with warnings", 1)


def test_other_faults_are_told_before_the_clock(store: Store, tmp_path: Path, naive: Path):
    five = bars_file(tmp_path / "five.csv", OPEN[::5])
    assert "expected one-minute bars, found 5-minute bars" in str(take(store, five).refusal)
    (tmp_path / "grid.csv").write_text(naive.read_text().replace(",100.5,", ",100.51,"))
    assert "6,900 of 6,900 rows cannot be used" in str(take(store, tmp_path / "grid.csv").refusal)


def test_each_file_of_a_call_is_asked_for_its_own_clock(store: Store, tmp_path: Path):
    later = OPEN + 7 * 1440
    files = [bars_file(tmp_path / "a.csv", shown(OPEN, NEW_YORK)), bars_file(tmp_path / "b.csv", shown(later, "UTC"))]
    reports = ingest(store, nq(), files, now=NOW, accept=True)
    assert [report.clock and report.clock.clock for report in reports] == [NEW_YORK, "UTC"]
    assert stored_minutes(store) == [*OPEN.tolist(), *later.tolist()]


def test_the_clock_of_several_contracts_is_told_by_all_of_them(store: Store, tmp_path: Path):
    text = bars_file(tmp_path / "a.csv", shown(OPEN, NEW_YORK)).read_text().splitlines()
    rows = [f"{row},MGC{'G' if place % 3 else 'J'}4" for place, row in enumerate(text[1:])]
    (tmp_path / "a.csv").write_text("\n".join((f"{text[0]},contract", *rows)) + "\n")
    [report] = ingest(store, mgc(), [tmp_path / "a.csv"], now=NOW, accept=True)
    assert (report.verdict, report.clock and report.clock.lines) == ("stored", EVIDENCE)
