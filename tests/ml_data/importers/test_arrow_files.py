"""Parquet, Feather and Arrow streams: time wherever it is, columns by name, rows in batches, faults in sentences."""

import gzip
import io
import random
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml_data.bar_file import open_bar_file
from ml_data.importers import arrow_content
from ml_data.importers.arrow_files import IMPORTER
from ml_data.importers.base import ROWS, UnknownClock
from ml_data.ingest import ingest
from ml_data.recognition import importer_of
from ml_data.store import Store
from tests.ml_data.bar_files import INSTRUMENTS, NOW, Taken, at, mgc, nq, take, write, zip_of, zstd
from trading.domain.instrument import Instrument, read_instrument
from trading.errors import BadBars

STAMPS = [datetime(2024, 1, 2, 0, 5, tzinfo=UTC), datetime(2024, 1, 2, 0, 6, tzinfo=UTC)]
PRICES = {"open": [100.0, 100.25], "high": [101.5, 101.5], "low": [99.5, 99.5], "close": [100.25, 100.0]}
VALUES = PRICES | {"volume": [7, 8]}
BARS = [
    ("NQ", "2024-01-02 00:05:00", 100.0, 101.5, 99.5, 100.25, 7.0, 1),
    ("NQ", "2024-01-02 00:06:00", 100.25, 101.5, 99.5, 100.0, 8.0, 2),
]
MILLIS = [round(stamp.timestamp() * 1000) for stamp in STAMPS]
NAIVE = [stamp.replace(tzinfo=None) for stamp in STAMPS]


def parquet(table: pa.Table | dict[str, Any], **options: Any) -> bytes:
    content = io.BytesIO()
    pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), content, **options)
    return content.getvalue()


def feather(table: pa.Table) -> bytes:
    content = io.BytesIO()
    with pa.ipc.new_file(content, table.schema) as writer:
        writer.write_table(table, max_chunksize=90)
    return content.getvalue()


def stream(table: pa.Table) -> bytes:
    content = io.BytesIO()
    with pa.ipc.new_stream(content, table.schema) as writer:
        writer.write_table(table)
    return content.getvalue()


def frame(index: Any, values: dict[str, Any] = VALUES) -> bytes:
    """What `pandas.DataFrame.to_parquet` writes."""
    content = io.BytesIO()
    pd.DataFrame(values, index=index).to_parquet(content)
    return content.getvalue()


def taken(tmp_path: Path, content: bytes, instrument: Instrument | None = None, time_zone: str | None = None) -> Taken:
    return take(IMPORTER, write(tmp_path / "a", content), instrument or nq(), time_zone)


@pytest.mark.parametrize("pack", [parquet, feather, stream])
def test_a_plain_file_gives_its_bars(tmp_path: Path, pack):
    found = taken(tmp_path, pack(pa.table({"timestamp": STAMPS} | VALUES)))
    assert found.bars.schema == ROWS
    assert found.rows == BARS
    assert (found.rows_read, found.bars_dropped, found.rejects) == (2, 0, [])
    assert importer_of(open_bar_file(tmp_path / "a")).format == "arrow"


@pytest.mark.parametrize(
    "index",
    [
        pd.DatetimeIndex(STAMPS, name="timestamp"),
        pd.DatetimeIndex(STAMPS, name="anything"),
        pd.DatetimeIndex(STAMPS),
        pd.DatetimeIndex(STAMPS).tz_convert("America/New_York"),
        pd.DatetimeIndex(STAMPS).as_unit("ns"),
        pd.MultiIndex.from_product([["NQ"], STAMPS], names=["symbol", "when"]),
        [stamp.isoformat() for stamp in STAMPS],
    ],
)
def test_the_time_may_be_the_index_whatever_its_name(tmp_path: Path, index):
    assert taken(tmp_path, frame(index)).rows == BARS


@pytest.mark.parametrize(
    "stamps",
    [
        {"Datetime": STAMPS},
        {"ts_event": pa.array(STAMPS, pa.timestamp("ns", tz="UTC"))},
        {"time": pa.array(STAMPS, pa.timestamp("s", tz="America/Chicago"))},
        {"t": STAMPS},
        {"when": STAMPS},
        {"open_time": MILLIS},
        {"time": [stamp // 1000 for stamp in MILLIS]},
        {"time": [stamp / 1000 for stamp in MILLIS]},
        {"window_start": [stamp * 1_000_000 for stamp in MILLIS]},
        {"time": [str(stamp) for stamp in MILLIS]},
        {"date": ["2024-01-01 19:05:00-05:00", "2024-01-01 19:06:00-05:00"]},
        {"date": pa.array(["2024-01-02T00:05Z", "2024-01-02T00:06Z"], pa.large_string())},
        {"date": pa.array(["2024-01-02T00:05Z", "2024-01-02T00:06Z"]).dictionary_encode()},
        {"date": [date(2024, 1, 2)] * 2, "time (UTC)": [time(0, 5), time(0, 6)]},
        {"Time UTC": NAIVE},
    ],
)
def test_the_time_may_be_a_column_of_any_type(tmp_path: Path, stamps: dict[str, Any]):
    assert taken(tmp_path, parquet(stamps | VALUES)).rows == BARS


@pytest.mark.parametrize(
    "stamps",
    [
        {"time": NAIVE},
        {"time": ["2024-01-02 00:05", "2024-01-02 00:06"]},
        {"time": [20240102000500, 20240102000600]},
        {"Date": [date(2024, 1, 2)] * 2, "Time": ["00:05", "00:06"]},
        {"date": ["20240102", "20240102"], "time": [time(0, 5), time(0, 6)]},
    ],
)
def test_naive_times_need_a_clock_as_those_of_text_do(tmp_path: Path, stamps: dict[str, Any]):
    content = parquet(stamps | VALUES)
    with pytest.raises(UnknownClock, match=r"^a: expected to know the clock of its stamps, found none in '2024"):
        taken(tmp_path, content)
    assert taken(tmp_path, content, time_zone="UTC").rows == BARS
    found = taken(tmp_path, content, time_zone="America/New_York")
    assert [row[1] for row in found.rows] == ["2024-01-02 05:05:00", "2024-01-02 05:06:00"]


@pytest.mark.parametrize(
    "values",
    [
        {
            "Open": PRICES["open"],
            "HIGH": PRICES["high"],
            " low ": PRICES["low"],
            "Last": PRICES["close"],
            "Vol": [7, 8],
        },
        {"v": [7, 8], "c": PRICES["close"], "l": PRICES["low"], "h": PRICES["high"], "o": PRICES["open"]},
        {name: pa.array(values, pa.float32()) for name, values in VALUES.items()},
        {name: [Decimal(str(value)) for value in values] for name, values in VALUES.items()},
        {name: [str(value) for value in values] for name, values in VALUES.items()},
        {name: pa.array([str(value) for value in values]).dictionary_encode() for name, values in VALUES.items()},
        VALUES | {"Adj Close": [1.0, 2.0], "vwap": [1.0, 2.0], "trades": [[1], [2]]},
    ],
)
def test_names_and_types_of_prices_and_volume_do_not_matter(tmp_path: Path, values: dict[str, Any]):
    assert taken(tmp_path, parquet({"timestamp": STAMPS} | values)).rows == BARS


def test_columns_read_and_left_are_named(tmp_path: Path):
    path = write(tmp_path / "a", frame(pd.DatetimeIndex(STAMPS, name="ts"), VALUES | {"vwap": [1.0, 2.0]}))
    found = IMPORTER.open(open_bar_file(path), nq(), None).recognised
    assert found.columns_used == ("open", "high", "low", "close", "volume", "ts")
    assert found.columns_ignored == ("vwap",)
    assert (found.format, found.time_zone, found.stamps) == ("arrow", "UTC", "start")
    assert found.why == "its content is Parquet; its time is the index ts; without a symbol column its bars are NQ"
    found = IMPORTER.open(open_bar_file(path), mgc(), None).recognised
    assert found.why.endswith("its bars are one continuous series of MGC")


def test_rows_of_other_symbols_are_dropped_and_counted(tmp_path: Path):
    symbols = ["MGCG4", "MGCG4-MGCJ4", None, "GCG4"]
    rows = {name: values * 2 for name, values in VALUES.items()}
    content = parquet({"timestamp": STAMPS * 2, "symbol": pa.array(symbols).dictionary_encode()} | rows)
    found = taken(tmp_path, content, mgc())
    assert [(row[0], row[-1]) for row in found.rows] == [("MGCG4", 1)]
    assert (found.rows_read, found.bars_dropped) == (4, 3)
    assert found.chunks[0].others == ("", "GCG4", "MGCG4-MGCJ4")


def test_a_ticker_above_the_columns_is_the_symbol(tmp_path: Path):
    pairs = {("Close" if name == "close" else name.title(), "NQ"): values for name, values in VALUES.items()}
    content = frame(pd.DatetimeIndex(STAMPS, name="Datetime"), pairs)
    assert taken(tmp_path, content).rows == BARS
    assert IMPORTER.open(open_bar_file(tmp_path / "a"), nq(), None).recognised.why.endswith("its columns are of NQ")
    assert taken(tmp_path, content, mgc()).bars_dropped == 2
    two = pairs | {(name, "ES"): values for (name, _), values in pairs.items()}
    with pytest.raises(BadBars, match="expected the bars of one symbol in its columns, found those of ES, NQ side by"):
        taken(tmp_path, frame(pd.DatetimeIndex(STAMPS), two))


def test_rows_with_a_missing_value_are_rejected_by_number_and_volume_that_says_nothing_is_repaired(tmp_path: Path):
    values = {name: [*values, *values] for name, values in VALUES.items()}
    stamps = [STAMPS[0], None, *(stamp + timedelta(minutes=2) for stamp in STAMPS)]
    values |= {"close": [100.25, 100.0, None, 100.0], "volume": [7, 8, 9, -1]}
    store = Store(tmp_path / "home")
    content = parquet({"timestamp": stamps} | values, row_group_size=1)
    [report] = ingest(store, nq(), [write(tmp_path / "a", content)], now=NOW)
    store.close()
    assert (report.rows_stored, report.rows_rejected) == (2, 2)
    assert [(row.row_number, row.reason) for row in report.first_rejects] == [
        (2, "the stamp is not a time between 1980 and 2100"),
        (3, "a price is missing or is no finite number"),
    ]
    assert report.first_rejects[1].raw == (
        "timestamp=2024-01-02 00:07:00+00:00, open=100.0, high=101.5, low=99.5, close=None, volume=9"
    )
    assert "volume -1, which means unknown" in " ".join(report.warnings)


def test_a_file_without_volume_is_read_and_says_so(tmp_path: Path):
    found = taken(tmp_path, parquet({"timestamp": STAMPS} | PRICES))
    assert [row[6] for row in found.rows] == [0.0, 0.0]
    assert IMPORTER.open(open_bar_file(tmp_path / "a"), nq(), None).recognised.notes == (
        "the file has no volume, 0 is stored",
    )


@pytest.mark.parametrize("pack", [gzip.compress, zstd, lambda content: zip_of(("a.parquet", content))])
def test_packed_files_are_read(tmp_path: Path, pack):
    store = Store(tmp_path / "home")
    content = pack(parquet({"timestamp": STAMPS} | VALUES))
    [report] = ingest(store, nq(), [write(tmp_path / "a", content)], now=NOW)
    store.close()
    assert (report.verdict, report.rows_stored) == ("stored", 2)


@pytest.mark.parametrize("pack", [parquet, feather, stream])
def test_a_long_file_is_read_in_batches_and_counted_through(tmp_path: Path, pack, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(arrow_content, "BATCH_ROWS", 100)
    minutes = [STAMPS[0] + timedelta(minutes=minute) for minute in range(950)]
    found = taken(
        tmp_path, pack(pa.table({"time": minutes} | {name: [values[0]] * 950 for name, values in VALUES.items()}))
    )
    assert [row[-1] for row in found.rows] == list(range(1, 951))
    assert len(found.chunks) >= 10
    shares = [chunk.share for chunk in found.chunks]
    assert shares == sorted(shares)
    assert shares[-1] > 0.99
    assert IMPORTER.raw_rows(open_bar_file(tmp_path / "a"), [901]) == {
        901: "time=2024-01-02 15:05:00+00:00, open=100.0, high=101.5, low=99.5, close=100.25, volume=7"
    }


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            parquet({"VIX": [1.0], "date": [date(2024, 1, 2)]}),
            "expected columns of the time (timestamp, datetime, date) ",
        ),
        (parquet({"timestamp": STAMPS}), "and of open, high, low and close, found timestamp; rename its columns so."),
        (parquet({"date": ["03/04/2024 00:05"] * 2} | VALUES), "whether the day or the month comes first in '03/04/"),
        (
            parquet({"date": ["soon"] * 2} | VALUES),
            "expected stamps such as 2024-03-08 09:30:00, or seconds since 1970, ",
        ),
        (parquet({"date": [None] * 2} | VALUES), "found 'nothing'; write them so."),
        (parquet({"date": [True, False]} | VALUES), "or seconds since 1970, found 'True'; write them so."),
        (
            parquet({"ts": STAMPS} | VALUES | {"low": [True, True]}),
            "expected numbers for low in the column 'low', found b",
        ),
        (
            parquet({"ts": STAMPS} | VALUES | {"volume": [[1], [2]]}),
            "expected numbers for volume in the column 'volume', ",
        ),
        (parquet({"ts": STAMPS} | VALUES | {"Open": [1.0, 2.0]}), "two columns are called 'open'; remove one of them."),
        (parquet(pa.table({"ts": STAMPS} | VALUES).slice(0, 0)), "the file holds no bars, only columns; download it"),
        (parquet({"ts": STAMPS} | VALUES)[:-9], "the file is damaged or cut short ("),
        (b"PAR1" + bytes(99), "the file is damaged or cut short ("),
        (feather(pa.table({"ts": STAMPS} | VALUES))[:-9], "the file is damaged or cut short ("),
        (stream(pa.table({"ts": STAMPS} | VALUES))[:-99], "the file is damaged or cut short ("),
        (b"PARE" + bytes(99), "found an encrypted Parquet file; export"),
        (b"FEA1" + bytes(99), "found a Feather file of version 1; export"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(tmp_path: Path, content: bytes, sentence: str):
    store = Store(tmp_path / "home")
    [report] = ingest(store, nq(), [write(tmp_path / "a", content)], now=NOW)
    store.close()
    assert sentence in str(report.refusal)
    assert str(report.refusal).startswith("a: ")
    assert "\n" not in str(report.refusal)
    assert str(report.refusal).endswith(".")


@pytest.mark.parametrize("pack", [parquet, feather, stream])
def test_damage_anywhere_raises_nothing_but_the_hubs_own_errors(tmp_path: Path, pack):
    whole = pack(pa.table({"timestamp": STAMPS * 50} | {name: values * 50 for name, values in VALUES.items()}))
    dice = random.Random(11)  # noqa: S311 - damage, not secrets
    refused = 0
    for _ in range(150):
        bad = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            bad[dice.randrange(len(bad))] = dice.randrange(256)
        path = write(tmp_path / "a", bytes(bad[: dice.choice((len(bad), dice.randrange(1, len(bad))))]))
        try:
            take(importer_of(open_bar_file(path)), path, nq())
        except BadBars:
            refused += 1
    assert refused > 50


@pytest.mark.real_data
@pytest.mark.parametrize(("symbol", "first", "last"), [("QQQ", "09:30", "15:59"), ("TSLA", "04:00", "19:59")])
def test_real_naive_minutes_are_those_of_new_york_when_read_as_utc(
    shared_data: Path, tmp_path: Path, symbol: str, first: str, last: str
):
    stock = read_instrument(INSTRUMENTS / "QQQ.toml").model_copy(update={"symbol": symbol, "tick": 0.0001})
    path = shared_data / "us_equity_1m" / f"{symbol}_1min.parquet"
    with pytest.raises(UnknownClock, match=f"^{symbol}_1min.parquet: .*, found none in '2022-01-03 "):
        take(IMPORTER, path, stock)
    store = Store(tmp_path / "home")
    [report] = ingest(store, stock, [path], now=NOW, time_zone="UTC")
    with store.market() as cursor:
        minutes = cursor.execute(
            "SELECT strftime(timezone('America/New_York', ts), '%H:%M') AS minute, avg(volume) FROM market.bars_1m "
            "GROUP BY minute ORDER BY minute"
        ).fetchall()
    store.close()
    assert (report.rows_stored, report.rows_rejected, report.last_ts) == (
        30_000,
        0,
        at(report.last_ts.isoformat()[:16]),
    )
    assert (minutes[0][0], minutes[-1][0]) == (first, last)
    morning = {minute: volume for minute, volume in minutes if minute < "15:00"}
    assert max(morning, key=lambda minute: morning[minute]) == "09:30"


@pytest.mark.real_data
def test_real_day_bars_of_a_stock_are_refused_as_those_of_a_future_and_columns_without_prices_too(
    shared_data: Path, tmp_path: Path
):
    store = Store(tmp_path / "home")
    daily = shared_data / "sp500_daily"
    es = nq().model_copy(update={"symbol": "ES"})
    stock, market = ingest(store, es, [daily / "ES.parquet", daily / "market_df.parquet"], now=NOW)
    store.close()
    assert "its column company_name says 'Eversource Energy'; its column sector says 'Utilities'" in str(stock.refusal)
    assert "found VIX, SPREAD, SLOPE_10Y2Y, REAL_RATE_10Y, DBC, date; rename" in str(market.refusal)
