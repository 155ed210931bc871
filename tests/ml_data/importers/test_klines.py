"""JSON of exchanges: lists in the order of each vendor, objects by name, read row by row; faults in sentences."""

import gzip
import json
import random
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from ml_data.bar_file import open_bar_file
from ml_data.importers import json_rows as json_rows_module
from ml_data.importers import klines
from ml_data.importers.base import ROWS, UnknownClock
from ml_data.importers.json_rows import first_rows, json_rows
from ml_data.importers.klines import IMPORTER
from ml_data.ingest import ingest
from ml_data.recognition import importer_of
from ml_data.store import Store
from tests.ml_data.bar_files import INSTRUMENTS, NOW, Taken, mgc, take, write, zip_of
from trading.domain.instrument import Instrument, read_instrument
from trading.errors import BadBars

MS = 1_704_153_900_000  # 2024-01-02 00:05 UTC
OPEN, HIGH, LOW, CLOSE, VOLUME = "42100.00", "42150.50", "42090.10", "42120.00", "12.345"
BARS = [
    ("BTCUSDT", "2024-01-02 00:05:00", 42100.0, 42150.5, 42090.1, 42120.0, 12.345, 1),
    ("BTCUSDT", "2024-01-02 00:06:00", 42120.0, 42150.5, 42090.1, 42100.0, 12.345, 2),
]


def bitcoin() -> Instrument:
    return read_instrument(INSTRUMENTS / "BTCUSDT.toml")


def binance(minute: int = 0, *, unit: int = 1) -> list[Any]:
    opened, closed = (OPEN, CLOSE) if minute % 2 == 0 else (CLOSE, OPEN)
    at = (MS + 60_000 * minute) * unit
    return [at, opened, HIGH, LOW, closed, VOLUME, at + 59_999 * unit, "520000.00", 99, "6.1", "256000.00", "0"]


def taken(tmp_path: Path, content: str | bytes, instrument: Instrument | None = None, zone: str | None = None) -> Taken:
    return take(IMPORTER, write(tmp_path / "a", content), instrument or bitcoin(), zone)


@pytest.mark.parametrize("indent", [None, 2])
def test_klines_give_their_bars_by_opening_time(tmp_path: Path, indent: int | None):
    found = taken(tmp_path, json.dumps([binance(0), binance(1)], indent=indent))
    assert found.bars.schema == ROWS
    assert found.rows == BARS
    assert (found.rows_read, found.bars_dropped, found.rejects) == (2, 0, [])
    assert importer_of(open_bar_file(tmp_path / "a")).format == "json"


@pytest.mark.parametrize(
    ("order", "stamp", "vendors"),
    [
        ("ohlcv", lambda ms: ms, "Binance"),
        ("ohlcv", lambda ms: ms * 1000, "Binance"),
        ("ohlcvxx", str, "Binance"),
        ("ohlcavn", lambda ms: ms / 1000, "Kraken"),
        ("lhocv", lambda ms: ms // 1000, "Coinbase"),
        ("ochlv", lambda ms: ms, "Bitfinex and KuCoin"),
        ("ochlvx", lambda ms: str(ms // 1000), "Bitfinex and KuCoin"),
    ],
)
def test_the_order_of_the_values_is_told_by_which_is_highest_and_lowest(
    tmp_path: Path, order: str, stamp: Callable[[int], Any], vendors: str
):
    values = {"h": HIGH, "l": LOW, "v": VOLUME, "x": "520000.0", "n": 99}
    first, second = values | {"o": OPEN, "c": CLOSE, "a": "42110.0"}, values | {"o": CLOSE, "c": OPEN, "a": "0.0"}
    rows = [[stamp(MS + 60_000 * minute), *(bar[name] for name in order)] for minute, bar in enumerate((first, second))]
    assert taken(tmp_path, json.dumps(rows)).rows == BARS
    assert f"in the order of {vendors}" in IMPORTER.open(open_bar_file(tmp_path / "a"), bitcoin(), None).recognised.why


@pytest.mark.parametrize(
    "names",
    [
        ("openTime", "open", "high", "low", "close", "volume"),
        ("open_time", "open_price", "high_price", "low_price", "close_price", "volume"),
        ("startTime", "Open", "High", "Low", "Close", "vol"),
        ("t", "o", "h", "l", "c", "v"),
        ("timestamp", "open", "high", "low", "close", "volume"),
    ],
)
@pytest.mark.parametrize("stamps", [(MS, MS + 60_000), ("2024-01-02T00:05:00Z", "2024-01-02T00:06:00Z")])
def test_objects_are_read_by_the_usual_names(tmp_path: Path, names: tuple[str, ...], stamps: tuple[Any, Any]):
    rows = [
        dict(zip(names, (stamps[0], OPEN, HIGH, LOW, CLOSE, VOLUME), strict=True)),
        dict(zip(names, (stamps[1], CLOSE, HIGH, LOW, OPEN, VOLUME), strict=True)),
    ]
    more = [row | {"closeTime": MS + 59_999, "n": 99, "x": True} for row in rows]
    for shape in (
        json.dumps(more),
        "\n".join(map(json.dumps, more)),
        json.dumps({"ok": True, "results": more, "n": 2}),
    ):
        assert taken(tmp_path, shape).rows == BARS


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff\n [[A],\n[B]]\n",
        "[[A]][[B]]",
        "[[A]]\n\n[\n[B]\n]\n",
        "[A]\n[B]\n",
        '{"error": [], "result": {"XXBTZUSD": [[A], [B]], "last": 7}}',
        '{"retCode": 0, "result": {"list": [[A],[B]]}, "time": 1}',
    ],
)
def test_rows_may_lie_in_lists_one_a_line_or_within_an_answer(tmp_path: Path, text: str):
    first, second = (json.dumps(binance(minute))[1:-1] for minute in (0, 1))
    assert taken(tmp_path, text.replace("[A]", f"[{first}]").replace("[B]", f"[{second}]")).rows == BARS


def test_what_was_recognised_names_columns_and_whose_bars_they_are(tmp_path: Path):
    path = write(tmp_path / "a", json.dumps([binance()]))
    found = IMPORTER.open(open_bar_file(path), bitcoin(), None).recognised
    assert found.columns_used == ("open time", "open", "high", "low", "close", "volume")
    assert found.columns_ignored[:2] == ("close time", "quote volume")
    assert (found.format, found.time_zone, found.stamps) == ("json", "UTC", "start")
    assert found.why == (
        "its content is JSON, lists of open time, open, high, low, close, volume in the order of Binance, Bybit, OKX "
        "and others; without a symbol column its bars are BTCUSDT"
    )


def test_objects_of_other_symbols_are_dropped(tmp_path: Path):
    names = ("symbol", "time", "open", "high", "low", "close", "volume")
    rows = [dict(zip(names, (symbol, MS, 2070, 2071, 2069, 2070.5, 7), strict=True)) for symbol in ("MGCG4", "SIH4")]
    found = taken(tmp_path, json.dumps(rows), mgc())
    assert [row[0] for row in found.rows] == ["MGCG4"]
    assert (found.bars_dropped, found.chunks[0].others) == (1, ("SIH4",))


NAMED = {"1. open": OPEN, "2. high": HIGH, "3. low": LOW, "4. close": CLOSE, "5. volume": VOLUME}
AGAIN = NAMED | {"1. open": CLOSE, "4. close": OPEN}


def test_objects_that_are_named_by_their_time_are_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    meta = {"2. Symbol": "BTC", "3. Last Refreshed": "2024-01-02 00:06:00", "6. Time Zone": "US/Eastern"}
    rows = {"2024-01-02 00:05:00": NAMED, "2024-01-02 00:06:00": AGAIN}
    text = json.dumps({"Meta Data": meta, "Time Series (1min)": rows}, indent=4)
    assert taken(tmp_path, text, zone="UTC").rows == BARS
    monkeypatch.setattr(json_rows_module, "_STEP", 16)
    assert taken(tmp_path, text, zone="UTC").rows == BARS
    assert taken(tmp_path, json.dumps({str(MS): NAMED, str(MS + 60_000): AGAIN})).rows == BARS


def test_a_second_list_of_objects_with_times_is_refused(tmp_path: Path):
    rows = {"2024-01-02 00:05:00": NAMED}
    with pytest.raises(BadBars, match="a: expected one list of bars, found another after it"):
        taken(tmp_path, json.dumps({"BTC": rows, "ETH": rows}), zone="UTC")


def test_values_in_objects_of_a_row_are_read_and_a_bar_that_goes_on_is_left(tmp_path: Path):
    mid = {"o": OPEN, "h": HIGH, "l": LOW, "c": CLOSE}
    rows = [
        {"complete": True, "volume": 12.345, "time": "2024-01-02T00:05:00.000000000Z", "mid": mid},
        {"complete": False, "volume": 1, "time": "2024-01-02T00:06:00.000000000Z", "mid": mid},
    ]
    found = taken(tmp_path, json.dumps({"instrument": "BTC_USDT", "granularity": "M1", "candles": rows}))
    assert found.rows == BARS[:1]
    assert found.rejects == [(2, "the bar was not complete when it was written")]


def test_bid_and_ask_side_by_side_are_not_taken_for_one_price():
    sides = {side: {"o": OPEN, "h": HIGH, "l": LOW, "c": CLOSE} for side in ("bid", "ask")}
    head = json.dumps({"candles": [{"time": "2024-01-02T00:05:00Z", **sides}]}).encode()
    assert IMPORTER.recognise(head) is None


@pytest.mark.parametrize("prices", ["42100000000000", "42100.000000000"])
def test_databentos_objects_are_read_with_whole_prices_or_decimals(tmp_path: Path, prices: str):
    row = {
        "hd": {"ts_event": "1704153900000000000", "rtype": 33, "publisher_id": 1, "instrument_id": 5},
        **dict.fromkeys(("open", "high", "low", "close"), prices),
        "volume": "7",
        "symbol": "BTCUSDT",
    }
    [found] = taken(tmp_path, json.dumps(row) + "\n").rows
    assert found[1:7] == ("2024-01-02 00:05:00", 42100.0, 42100.0, 42100.0, 42100.0, 7.0)


def test_naive_stamps_need_a_clock(tmp_path: Path):
    row = {"time": "2024-01-02 00:05", "open": OPEN, "high": HIGH, "low": LOW, "close": CLOSE, "volume": VOLUME}
    with pytest.raises(
        UnknownClock, match=r"^a: expected to know the clock of its stamps, found none in '2024-01-02 00:05'"
    ):
        taken(tmp_path, json.dumps([row]))
    assert taken(tmp_path, json.dumps([row]), zone="UTC").rows == BARS[:1]


def test_newest_first_is_put_in_order_and_bad_rows_are_rejected_by_number(tmp_path: Path):
    rows: list[Any] = [binance(minute) for minute in range(40)][::-1]
    rows[7], rows[9], rows[11], rows[13][1], rows[15][0] = [1, 2], "soon", None, "many", "then"
    store = Store(tmp_path / "home")
    [report] = ingest(store, bitcoin(), [write(tmp_path / "a", json.dumps(rows))], now=NOW)
    with store.market() as cursor:
        [(bars, first)] = cursor.execute("SELECT count(*), min(ts) FROM market.bars_1m").fetchall()
    store.close()
    assert (report.verdict, bars, int(first.timestamp()) * 1000) == ("stored with warnings", 35, MS)
    assert [(row.row_number, row.reason, row.raw[:9]) for row in report.first_rejects] == [
        (8, "the row has 2 values where 12 are expected", "[1, 2]"),
        (10, "the row is no list of values", '"soon"'),
        (12, "the row is no list of values", "null"),
        (14, "a price is missing or is no finite number", "[17041554"),
        (16, "the stamp is not a time between 1980 and 2100", '["then", '),
    ]


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: zip_of(("BTCUSDT-1m-2024-01-02.json", content))])
def test_packed_files_are_read_in_batches(tmp_path: Path, pack, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(klines, "BATCH_ROWS", 100)
    monkeypatch.setattr(json_rows_module, "_STEP", 1000)
    monkeypatch.setattr(json_rows_module, "HEAD_BYTES", 500)
    store = Store(tmp_path / "home")
    rows = json.dumps([binance(minute) for minute in range(950)]).encode()
    [report] = ingest(store, bitcoin(), [write(tmp_path / "a", pack(rows))], now=NOW)
    store.close()
    assert (report.verdict, report.rows_read, report.rows_stored) == ("stored", 950, 950)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[]", "found JSON; export"),
        ("[[]]", "found JSON; export"),
        ('{"code": -1121, "msg": "Invalid symbol."}', "found JSON; export"),
        ("[[1, 2, 3, 4, 5, 6]]", "found JSON; export"),
        (json.dumps([[MS, 9, 1, 5, 7, 3]]), "found JSON; export"),
        (
            json.dumps([binance(0), binance(1)])[:-30],
            "a: the file is cut short or damaged: row 2 is no complete JSON; ",
        ),
        (json.dumps([binance(0), binance(1)])[:-1], "a: the file is cut short or damaged: row 3 is no complete JSON; "),
        (
            f"{json.dumps([binance(0)] * 98)[:-1]}, [1; 2]]",
            "a: the file is cut short or damaged: row 99 is no complete JSON",
        ),
        (
            json.dumps([binance(0)]) + "and so on",
            "a: expected the end, or another list, after row 1, found 'and so on'",
        ),
        (json.dumps({"a": [binance(0)], "b": [binance(1)]}), "a: expected one list of bars, found another after it; "),
        (json.dumps([binance(5 * minute) for minute in range(9)]), "expected one-minute bars, found 5-minute bars"),
        (json.dumps([[*binance(0)[:5], "x" * 3_000_000]]), "found text whose first line"),
        (
            json.dumps([binance(0)]).encode() + b"\xff\xfe",
            "a: the file is damaged: it is no UTF-8 text; download it again.",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(tmp_path: Path, text: str | bytes, sentence: str):
    store = Store(tmp_path / "home")
    [report] = ingest(store, bitcoin(), [write(tmp_path / "a", text)], now=NOW)
    store.close()
    assert sentence in str(report.refusal)
    assert "\n" not in str(report.refusal)
    assert str(report.refusal).endswith(".")


def test_nesting_without_end_and_rows_without_end_are_refused():
    with pytest.raises(BadBars, match="row 1 is no complete JSON"):
        list(json_rows(BytesIO(b"[" * 200_000), "a"))
    endless = b"[[" + b"1," * 2_000_000 + b"1]]"
    with pytest.raises(BadBars, match="row 1 is no complete JSON"):
        list(json_rows(BytesIO(endless), "a"))
    assert first_rows(b"[" * 65_536, 5) == []


def test_damage_anywhere_raises_nothing_but_the_hubs_own_errors(tmp_path: Path):
    whole = json.dumps([binance(minute) for minute in range(30)]).encode()
    dice = random.Random(5)  # noqa: S311 - damage, not secrets
    refused = 0
    for _ in range(100):
        bad = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            bad[dice.randrange(len(bad))] = dice.randrange(256)
        path = write(tmp_path / "a", bytes(bad[: dice.choice((len(bad), dice.randrange(1, len(bad))))]))
        try:
            take(importer_of(open_bar_file(path)), path, bitcoin())
        except BadBars:
            refused += 1
    assert refused > 30
