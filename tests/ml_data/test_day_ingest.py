"""Day bars on their way into the store: whose they are, which are new, changed or impossible, and what is refused."""

from datetime import date, datetime
from pathlib import Path

import pytest

from ml_data.daily_ingest import files_in, ingest_daily
from ml_data.import_report import ImportReport, describe
from ml_data.ingest import ingest
from ml_data.store import Store
from tests.ml_data.bar_files import INSTRUMENTS, NOW, at, csv, minutes, nq, write
from tests.ml_data.day_files import HEADER, SERIES, UNIVERSE, day_csv, day_rows, weekdays
from trading.domain.instrument import read_instrument
from trading.errors import BadBars

SPY, ES = (read_instrument(INSTRUMENTS / f"{symbol}.toml") for symbol in ("SPY", "ES"))
APRIL = weekdays("2024-04-01", 40)  # no holiday until Memorial Day
TICKER = f"{HEADER},Ticker"


@pytest.fixture
def store(tmp_path: Path):
    store = Store(tmp_path / "home")
    yield store
    store.close()


def take(store: Store, *paths: Path, **options) -> list[ImportReport]:
    return ingest_daily(store, UNIVERSE, SERIES, list(paths), now=options.pop("now", NOW), **options)


def query(store: Store, question: str) -> list[tuple]:
    with store.market() as cursor:
        return cursor.execute(question).fetchall()


def figures(report: ImportReport) -> tuple[int, ...]:
    """Read, new, revised, unchanged, rejected; the first is the sum of the others."""
    parts = (report.rows_stored, report.rows_revised, report.rows_unchanged, report.rows_rejected)
    assert report.rows_read == sum(parts) + report.bars_dropped
    return (report.rows_read, *parts)


# Whose bars they are


def test_a_file_called_like_its_ticker_is_stored_under_ticker_and_market(store: Store, tmp_path: Path):
    [report] = take(store, day_csv(tmp_path / "AAA.csv", day_rows(APRIL[:3])))
    assert (report.verdict, figures(report), report.contracts) == ("stored", (3, 3, 0, 0, 0), ("AAA.US",))
    assert query(store, "SELECT * FROM market.bars_1d ORDER BY trading_day")[1] == (
        "AAA.US", date(2024, 4, 2), 100.25, 101.25, 99.25, 100.75, 1001.0,
    )  # fmt: skip
    assert query(
        store,
        "SELECT instrument, file_name, time_zone, rows_stored, first_ts, last_ts, stored_in FROM market.bar_imports",
    ) == [
        ("AAA.US", "AAA.csv", "days: the date that is written", 3, at("2024-04-01 13:30"), at("2024-04-03 13:30"),
         "bars_1d")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["aaa.csv", "aaa.us.txt", "BATS_AAA, 1D.csv", "AAA_1day_sample.csv", "AAA.US.csv", "NYSE-AAA 1D (2).csv"]
)
def test_the_ticker_is_found_in_names_that_vendors_give(store: Store, tmp_path: Path, name: str):
    [report] = take(store, day_csv(tmp_path / name, day_rows(APRIL[:3])))
    assert report.contracts == ("AAA.US",)


def test_a_file_of_many_tickers_is_split_by_its_symbol_column(store: Store, tmp_path: Path):
    rows = [f"{row},{ticker}" for ticker in ("AAA", "BBB.US", "ZZZ") for row in day_rows(APRIL[:4])]
    reports = take(store, day_csv(tmp_path / "all.csv", rows, TICKER))
    assert [(report.file_name, report.contracts, report.rows_stored) for report in reports] == [
        ("all.csv (AAA)", ("AAA.US",), 4), ("all.csv (BBB)", ("BBB.US",), 4),
    ]  # fmt: skip
    assert [report.bars_dropped for report in reports] == [4, 0]
    assert query(store, "SELECT instrument, count(*) FROM market.bars_1d GROUP BY 1 ORDER BY 1") == [
        ("AAA.US", 4), ("BBB.US", 4),
    ]  # fmt: skip


def test_a_name_that_lies_is_refused(store: Store, tmp_path: Path):
    [report] = take(store, day_csv(tmp_path / "AAA.csv", [f"{row},BBB" for row in day_rows(APRIL[:4])], TICKER))
    assert report.refusal == (
        "AAA.csv: its name says AAA, its symbol column BBB; rename the file if the column is right."
    )


def test_a_name_that_lies_without_a_symbol_column_is_told_by_bars_that_are_stored_for_another(
    store: Store, tmp_path: Path
):
    rows = day_rows(APRIL)
    take(store, day_csv(tmp_path / "AAA.csv", rows))
    [report] = take(store, day_csv(tmp_path / "BBB.csv", rows))
    assert report.refusal == (
        "BBB.csv: 40 of its 40 days have the very prices and volumes that are stored for AAA.US, so its name is wrong; "
        "import it as AAA.US."
    )
    assert query(store, "SELECT DISTINCT instrument FROM market.bars_1d") == [("AAA.US",)]


def test_a_name_of_nobody_is_refused(store: Store, tmp_path: Path):
    [report] = take(store, day_csv(tmp_path / "prices.csv", day_rows(APRIL[:4])))
    assert "expected the name of one stock of THREE in a symbol column or in the file's name, found none" in str(
        report.refusal
    )


def test_minutes_are_not_taken_for_days(store: Store, tmp_path: Path):
    [report] = take(store, write(tmp_path / "AAA.csv", "\n".join(["timestamp,open,high,low,close,volume",
                                                                   *minutes("2024-04-01 14:00", 9)])))  # fmt: skip
    assert "expected day bars, found 9 bars on 1 days" in str(report.refusal)


# One ticker, two things


def test_the_stock_es_is_refused_as_the_future_and_accepted_in_the_universe(store: Store, tmp_path: Path):
    rows = [f"{day},{70.01 + n / 7:.4f},{71.5 + n / 7:.4f},{69.5 + n / 7:.4f},{70.4 + n / 7:.4f},{2_000_000 + n},ES,"
            "Eversource Energy,Utilities" for n, day in enumerate(APRIL)]  # fmt: skip
    path = day_csv(tmp_path / "ES.csv", rows, f"{TICKER},company_name,sector")
    [future] = ingest(store, ES, [path], now=NOW)
    assert future.refusal == (
        "ES.csv: expected day bars of the future ES (E-mini S&P 500), found what contradicts it: its column "
        "company_name says 'Eversource Energy'; its column sector says 'Utilities'; 92% of its prices lie off the tick "
        "grid of 0.25; choose the instrument that the file is of; the bars of a stock are imported with --universe."
    )
    [stock] = take(store, path)
    assert (stock.contracts, stock.rows_stored) == (("ES.US",), 40)


def test_the_stock_is_refused_as_the_future_by_its_price_level_alone(store: Store, tmp_path: Path):
    take_future = day_csv(tmp_path / "future.csv", day_rows(APRIL, price=5300.0))
    assert ingest(store, ES, [take_future], now=NOW)[0].rows_stored == 40
    [report] = ingest(store, ES, [day_csv(tmp_path / "ES.csv", day_rows(APRIL, price=70.0))], now=NOW)
    assert "its newest close is 80.25 where 5,310.25 is stored near that day" in str(report.refusal)


def test_a_future_is_refused_as_a_stock_by_its_open_interest(store: Store, tmp_path: Path):
    rows = [f"{row},2000" for row in day_rows(APRIL[:4], price=5300.0)]
    [report] = take(store, day_csv(tmp_path / "ES.csv", rows, f"{HEADER},open interest"))
    assert "expected day bars of a stock ES.US (Eversource Energy)" in str(report.refusal)
    assert "its column open interest says '2000'" in str(report.refusal)


def test_single_contracts_are_no_day_bars_of_the_instrument(store: Store, tmp_path: Path):
    rows = [f"{row},ESM4" for row in day_rows(APRIL[:4], price=5300.0)]
    [report] = ingest(store, ES, [day_csv(tmp_path / "ES.csv", rows, TICKER)], now=NOW)
    assert "found those of the contracts ESM4; bring a continuous series" in str(report.refusal)


# Again, changed, contradicted


def test_the_same_file_again_changes_nothing(store: Store, tmp_path: Path):
    path = day_csv(tmp_path / "AAA.csv", day_rows(APRIL))
    take(store, path)
    before = query(store, "SELECT * FROM market.bars_1d ORDER BY ALL")
    [again] = take(store, path)
    assert (again.verdict, figures(again)) == ("unchanged", (40, 0, 0, 40, 0))
    assert query(store, "SELECT * FROM market.bars_1d ORDER BY ALL") == before


def test_a_changed_day_is_stored_and_its_old_values_kept_also_when_the_first_file_comes_again(
    store: Store, tmp_path: Path
):
    rows = day_rows(APRIL[:4])
    first = day_csv(tmp_path / "AAA.csv", rows)
    take(store, first)
    (tmp_path / "new").mkdir()
    changed = [*rows[:3], rows[3].replace(",1003", ",2003"), *day_rows(APRIL[4:5], price=105.0)]
    [report] = take(store, day_csv(tmp_path / "new" / "AAA.csv", changed))
    assert figures(report) == (5, 1, 1, 3, 0)
    assert report.warnings[-1] == (
        "1 day differs from what was stored (first: 2024-04-04 volume 1003, now 2003); the new values are stored, the "
        "old ones kept as revisions"
    )
    assert query(store, "SELECT * FROM market.day_bar_revisions") == [
        ("AAA.US", date(2024, 4, 4), report.import_id,
         100.75, 101.75, 99.75, 101.25, 1003.0, 100.75, 101.75, 99.75, 101.25, 2003.0)
    ]  # fmt: skip
    [again] = take(store, first)
    assert figures(again) == (4, 0, 0, 4, 0)
    assert query(store, "SELECT volume FROM market.bars_1d WHERE trading_day = '2024-04-04'") == [(2003.0,)]


def test_a_history_that_was_adjusted_again_is_refused_with_its_factor(store: Store, tmp_path: Path):
    take(store, day_csv(tmp_path / "AAA.csv", day_rows(APRIL)))
    (tmp_path / "new").mkdir()
    adjusted = [
        ",".join([cells[0], *(f"{float(cell) * 0.995:.6f}" for cell in cells[1:5]), cells[5]])
        for cells in (row.split(",") for row in day_rows(APRIL))
    ]
    path = day_csv(tmp_path / "new" / "AAA.csv", adjusted)
    [report] = take(store, path)
    assert report.refusal == (
        "AAA.csv: 40 of the 40 days that are stored already have other values in this file (first: 2024-04-01 open "
        "100, now 99.5; all closes by the factor 0.995, as after a dividend or split that was adjusted for), so it is "
        "of another instrument or price adjustment; if it is right, import it with --accept-revisions."
    )
    [taken] = take(store, path, accept_revisions=True)
    assert taken.rows_revised == 40


def test_a_dry_run_says_the_same_and_stores_nothing(store: Store, tmp_path: Path):
    [report] = take(store, day_csv(tmp_path / "AAA.csv", day_rows(APRIL)), dry_run=True)
    assert describe(report).splitlines() == [
        "AAA.csv: would be stored",
        "  taken for CSV with a header (csv), because its first line names the columns Date, Open, High, Low, "
        "Close, Volume",
        "  day bars: the day of a bar is the date that is written",
        "  40 rows read: 40 new",
        "  columns used: Date, Open, High, Low, Close, Volume",
        "  AAA.US, 2024-04-01 to 2024-05-24",
    ]
    assert query(store, "SELECT count(*) FROM market.bars_1d") == [(0,)]


# Rows that cannot be


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2024-04-30,100,99,101,100,5", "high is below low"),
        ("2024-04-30,0,101,0,100,5", "a price is zero or negative"),
        ("2024-04-30,-1,101,-1,100,5", "a price is zero or negative"),
        ("2024-04-30,100,101,99,,5", "a price is missing or is no finite number"),
        ("2024-04-30,100,101,99,102,5", "close lies outside high and low"),
        ("2024-04-30,100,101,99,100,-5", "volume is negative"),
        ("2024-04-27,100,101,99,100,5", "the exchange does not trade on this weekday"),
        ("2024-03-29,100,101,99,100,5", "the exchange was closed on this day"),  # Good Friday
        ("2024-04-02,100,101,99,100,5", "an earlier row of the file has the same day and other values"),
        ("2026-01-02,100,101,99,100,5", "the day is not over yet, so its bar is not known"),
    ],
)
def test_a_day_that_cannot_be_is_rejected_with_its_row(store: Store, tmp_path: Path, row: str, reason: str):
    [report] = take(store, day_csv(tmp_path / "AAA.csv", [*day_rows(APRIL[:20]), row]))
    assert figures(report) == (21, 20, 0, 0, 1)
    assert query(store, "SELECT row_number, reason, raw FROM market.bar_rejects") == [(21, reason, row)]


def test_a_day_is_stored_when_its_exchange_has_closed_and_not_before(store: Store, tmp_path: Path):
    path = day_csv(tmp_path / "AAA.csv", ["2024-11-29,100,101,99,100,5"])  # closed at 13:00 New York, 18:00 UTC
    [before] = take(store, path, now=at("2024-11-29 17:59"))
    assert "the day is not over yet" in str(before.refusal)
    assert take(store, path, now=at("2024-11-29 18:00"))[0].rows_stored == 1


def test_dates_that_are_a_day_early_are_refused(store: Store, tmp_path: Path):
    shifted = [date.fromordinal(day.toordinal() - 1) for day in APRIL]
    [report] = take(store, day_csv(tmp_path / "AAA.csv", day_rows(shifted)))
    assert report.refusal == (
        "AAA.csv: 8 of 40 days are no sessions of XNYS (first: 2024-03-31), so its dates are shifted by a day or it is "
        "of another exchange; export it with the exchange's own dates."
    )


def test_bars_of_a_week_are_refused(store: Store, tmp_path: Path):
    [report] = take(store, day_csv(tmp_path / "AAA.csv", day_rows(APRIL[::5])))
    assert report.refusal == "AAA.csv: expected day bars, found bars of 7 days; export day bars."


# What the prices are


def test_of_yahoos_two_closes_the_one_on_the_scale_of_the_others_is_stored(store: Store, tmp_path: Path):
    rows = [f"{day},100,101,99,100.5,97.123,{n + 5}" for n, day in enumerate(APRIL[:5])]
    path = day_csv(tmp_path / "AAA.csv", rows, "Date,Open,High,Low,Close,Adj Close,Volume")
    [report] = take(store, path)
    assert query(store, "SELECT DISTINCT close FROM market.bars_1d") == [(100.5,)]
    assert report.recognised is not None
    assert "Adj Close" in report.recognised.columns_ignored
    assert report.warnings == (
        "Close is stored and Adj Close is not: open, high and low are on the scale of Close, which is adjusted for "
        "splits only, not for dividends",
    )


def test_adjusted_prices_of_a_stock_are_stored_as_they_are(store: Store, tmp_path: Path):
    rows = ["2024-04-01,10.150564,10.326446,10.145769,10.265922,9", "2024-04-02,10.3,10.4,10.1,10.400000000000002,9"]
    [report] = take(store, day_csv(tmp_path / "AAA.csv", rows))
    assert query(store, "SELECT open, high FROM market.bars_1d ORDER BY trading_day") == [
        (10.150564, 10.326446), (10.3, 10.400000000000002),
    ]  # fmt: skip
    assert "lie off the tick grid of 0.01, as prices adjusted for splits and dividends do" in report.warnings[0]
    assert report.warnings[1] == "high or low was widened by a rounding error to reach the open or close, in 1 row"


def test_a_half_adjusted_split_is_told_and_a_crash_is_not(store: Store, tmp_path: Path):
    rows = [*day_rows(APRIL[:3], price=400.0), *day_rows(APRIL[3:6], price=100.0), *day_rows(APRIL[6:8], price=71.0)]
    [report] = take(store, day_csv(tmp_path / "AAA.csv", rows))
    assert report.rows_stored == 8
    assert report.warnings == (
        "the open steps like a split that earlier days were not adjusted for: 2024-04-04 at 0.25 of the close before",
    )


# Other vendors


def test_stooq_is_read_by_ticker_and_date(store: Store, tmp_path: Path):
    header = "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>"
    rows = [f"AAA.US,D,{day:%Y%m%d},000000,100,101,99,100.5,{n + 9},0" for n, day in enumerate(APRIL[:5])]
    [report] = take(store, day_csv(tmp_path / "aaa.us.txt", rows, header))
    assert (report.refusal, report.rows_stored, report.contracts) == (None, 5, ("AAA.US",))


def test_tradingview_days_are_of_the_session_that_they_open(store: Store, tmp_path: Path):
    opens = [int(datetime(day.year, day.month, day.day, 13, 30, tzinfo=NOW.tzinfo).timestamp()) for day in APRIL[:5]]
    rows = [f"{stamp},100,101,99,100.5,{n + 9}" for n, stamp in enumerate(opens)]
    [report] = take(store, day_csv(tmp_path / "NYSE_AAA, 1D.csv", rows, "time,open,high,low,close,Volume"))
    assert report.days is not None
    assert (report.days.first, report.days.last) == (APRIL[0], APRIL[4])


def test_day_bars_and_minutes_of_one_instrument_lie_side_by_side(store: Store, tmp_path: Path):
    ingest(store, nq(), [csv(tmp_path / "a.csv", *minutes("2024-04-01 00:00", 9))], now=NOW)
    days = day_csv(tmp_path / "b.csv", day_rows(APRIL[:5]))
    reports = ingest(store, nq(), [days, tmp_path / "a.csv"], now=NOW)
    assert [report.verdict for report in reports] == ["stored", "unchanged"]
    assert query(store, "SELECT stored_in, rows_stored FROM market.bar_imports ORDER BY ALL") == [
        ("bars_1d", 5), ("bars_1m", 0), ("bars_1m", 9),
    ]  # fmt: skip


# Folders


def test_a_folder_brings_bars_and_series_by_what_each_file_holds(store: Store, tmp_path: Path):
    folder = tmp_path / "vendor"
    folder.mkdir()
    day_csv(folder / "AAA.csv", day_rows(APRIL[:3]))
    day_csv(folder / "market.csv", [f"{day},14.5,0.3" for day in APRIL[:3]], "date,VIX,SLOPE")
    write(folder / ".hidden", "nothing")
    write(folder / "notes.txt", "about these files")
    reports = take(store, folder)
    assert [(report.file_name, report.verdict, report.rows_stored) for report in reports] == [
        ("AAA.csv", "stored", 3), ("market.csv", "stored", 6), ("notes.txt", "refused", 0),
    ]  # fmt: skip


def test_an_empty_folder_is_refused(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadBars, match="the folder holds no files; name the one with the bars"):
        files_in([tmp_path / "empty"])
