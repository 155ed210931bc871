"""What an import says of prices that can hardly be true, and refuses: literal files, one sentence each."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ml_data.import_report import ImportReport
from ml_data.ingest import ingest
from ml_data.store import Store
from tests.ml_data.bar_files import NOW, csv
from tests.ml_data.small_markets import shipped

MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "home")
    yield store
    store.close()


def rows(first: str, closes: Sequence[float], *, step: int = 1, volume: float = 10) -> list[str]:
    """Bars of a dollar's range, `step` minutes apart from `first` (UTC) on."""
    start = datetime.fromisoformat(first).replace(tzinfo=UTC)
    return [
        f"{start + n * step * MINUTE:%Y-%m-%dT%H:%M:%SZ},{close},{close + 0.5},{close - 0.5},{close},{volume}"
        for n, close in enumerate(closes)
    ]


def flat(level: float, count: int) -> list[float]:
    return [level + 0.25 * (n % 4) for n in range(count)]


def imported(store: Store, tmp_path: Path, lines: list[str], symbol: str = "ES", **options: bool) -> ImportReport:
    [report] = ingest(store, shipped(symbol), [csv(tmp_path / "bars.csv", *lines)], now=NOW, **options)
    return report


def reasons(store: Store) -> list[tuple[str, list[str]]]:
    with store.market() as cursor:
        return cursor.execute("SELECT verdict, reasons FROM market.bar_imports ORDER BY imported_at").fetchall()


def test_a_clean_file_is_stored_without_reasons(store: Store, tmp_path: Path):
    assert imported(store, tmp_path, rows("2024-03-04 15:00", flat(5100, 120))).warnings == ()
    assert reasons(store) == [("stored", [])]


def test_an_impossible_tick_is_told_with_time_and_values_and_stored(store: Store, tmp_path: Path):
    lines = rows("2024-03-04 15:00", flat(5100, 120))
    lines[60] = "2024-03-04T16:00:00Z,5100,5100.5,4900,5100,10"
    report = imported(store, tmp_path, lines)
    told = (
        "1 bar reaching far beyond the bars around, stored as they are: ES 2024-03-04 16:00Z 4900 where 5100.5 was "
        "usual"
    )
    assert (report.verdict, report.warnings, report.rows_stored) == ("stored with warnings", (told,), 120)
    assert reasons(store) == [("stored with warnings", [told])]


def test_a_split_inside_a_file_is_told(store: Store, tmp_path: Path):
    lines = rows("2024-03-04 15:00", flat(400, 60)) + rows("2024-03-04 16:00", flat(200, 60))
    report = imported(store, tmp_path, lines, "QQQ")
    assert report.warnings == (
        "1 bar at which the level jumps, stored as they are: QQQ 2024-03-04 16:00Z from 400.75 to 200 (a split of 2 "
        "for 1)",
    )


def test_a_file_of_which_only_some_rows_are_adjusted_is_refused(store: Store, tmp_path: Path):
    closes = [close / 2 if n % 7 in (5, 6) else close for n, close in enumerate(flat(400, 120))]
    report = imported(store, tmp_path, rows("2024-03-04 15:00", closes), "QQQ")
    assert report.refusal == (
        "bars.csv: its prices jump to and fro between two levels, 32 times, first QQQ 2024-03-04 15:05Z from 400 to "
        "200.12 (a split of 2 for 1); only a part of its rows is adjusted: export prices adjusted as a whole or not at "
        "all, or import it with --accept-prices."
    )
    assert imported(store, tmp_path, rows("2024-03-04 15:00", closes), "QQQ", accept_prices=True).rows_stored == 120


def test_five_minute_bars_sprinkled_among_minutes_are_refused(store: Store, tmp_path: Path):
    lines = rows("2024-03-04 15:00", flat(5100, 300)) + rows("2024-03-04 20:00", flat(5100, 72), step=5)
    report = imported(store, tmp_path, [*lines, *rows("2024-03-05 15:00", flat(5100, 300))])
    assert report.refusal == (
        "bars.csv: expected one-minute bars, found 72 longer ones among them: 72 from ES 2024-03-04 20:00Z on, 5 "
        "minutes apart; export one-minute bars."
    )


def test_an_hour_and_a_half_of_them_is_told(store: Store, tmp_path: Path):
    lines = rows("2024-03-04 15:00", flat(5100, 300)) + rows("2024-03-04 20:00", flat(5100, 20), step=5)
    report = imported(store, tmp_path, [*lines, *rows("2024-03-05 15:00", flat(5100, 300))])
    assert report.warnings == (
        "1 bar beginning a run of longer bars, stored as they are: 20 from ES 2024-03-04 20:00Z on, 5 minutes apart",
    )


@pytest.mark.parametrize(
    ("first", "level", "refused"),
    [
        ("2024-03-05 15:00", 5_130, False),
        ("2024-03-05 15:00", 18_100, True),  # the Nasdaq future
        ("2024-03-05 15:00", 430, True),  # a fund on something near it
        ("2024-03-01 15:00", 18_100, True),  # before what is stored
        ("2024-11-05 15:00", 5_900, False),  # months later
        ("2024-11-05 15:00", 20_400, True),
    ],
)
def test_bars_of_another_instrument_are_refused_by_the_level_found_and_expected(
    store: Store, tmp_path: Path, first: str, level: float, refused: bool
):
    imported(store, tmp_path, rows("2024-03-04 15:00", flat(5100, 300)))
    report = imported(store, tmp_path, rows(first, flat(level, 120)))
    assert (report.refusal is not None, report.verdict == "stored") == (refused, not refused)
    if refused:
        assert re.search(rf"its price is {level:.0f}\.\d+ at 2024-", str(report.refusal))
        assert "and ES traded at 5100" in str(report.refusal)
        assert imported(store, tmp_path, rows(first, flat(level, 120)), accept_prices=True).rows_stored == 120


def test_a_level_that_is_far_but_not_beyond_belief_is_told(store: Store, tmp_path: Path):
    imported(store, tmp_path, rows("2024-03-04 15:00", flat(400, 120)), "SPY")
    report = imported(store, tmp_path, rows("2024-03-05 15:00", flat(365, 120)), "SPY")
    assert report.warnings == (
        "its price is 365.25 at 2024-03-05 15:00Z, and SPY traded at 400.75 (stored, 2024-03-04 16:59Z)",
    )


def test_files_of_one_run_are_compared_with_each_other(store: Store, tmp_path: Path):
    files = [
        csv(tmp_path / "es.csv", *rows("2024-03-04 15:00", flat(5100, 120))),
        csv(tmp_path / "nq.csv", *rows("2024-03-05 15:00", flat(18_100, 120))),
    ]
    first, second = ingest(store, shipped("ES"), files, now=NOW)
    assert (first.verdict, second.verdict) == ("stored", "refused")
    assert "and ES traded at 5100.5 (es.csv, 2024-03-04 16:59Z)" in str(second.refusal)


def test_a_price_beyond_the_plausible_range_is_told_where_nothing_is_stored_yet(store: Store, tmp_path: Path):
    report = imported(store, tmp_path, rows("2024-03-04 15:00", flat(18_100, 120)))
    assert report.warnings == (
        "its prices are about 18100.25, and ES trades between 500 and 14000 (plausible_prices of its file)",
    )


def test_without_volume_the_features_that_are_off_are_named(store: Store, tmp_path: Path):
    report = imported(store, tmp_path, rows("2024-03-04 15:00", flat(5100, 120), volume=0))
    assert report.warnings == (
        "volume is 0 in every bar, so the features that need it are off (missing): range_volume_to_hour, "
        "volume_to_median_20d",
    )


def test_rejected_rows_are_a_reason_too(store: Store, tmp_path: Path):
    lines = rows("2024-03-04 15:00", flat(5100, 120))
    lines[3] = "2024-03-04T15:03:00Z,5100,5099,5101,5100,10"
    imported(store, tmp_path, lines)
    assert reasons(store) == [("stored with warnings", ["1 rejected: high is below low"])]
