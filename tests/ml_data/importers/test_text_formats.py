"""Text as vendors write it: each layout is told by its content, and its first bar is the right one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ml_data.bar_file import open_bar_file
from ml_data.importers.base import UnknownClock
from ml_data.ingest import ingest
from ml_data.recognition import importer_of
from ml_data.store import Store
from tests.ml_data.bar_files import INSTRUMENTS, NOW, mgc, nq, take, write
from tests.ml_data.text_files import FILES, NEW_YORK, Sample
from trading.domain.instrument import Instrument, read_instrument
from trading.errors import BadBars


@pytest.mark.parametrize("name", FILES)
def test_a_vendors_file_is_told_by_its_content_and_its_first_bar_is_right(tmp_path: Path, name: str):
    sample = FILES[name]
    path = write(tmp_path / "a.dat", sample.text)
    importer = importer_of(open_bar_file(path))
    assert importer.format == sample.format
    taken = take(importer, path, nq(), sample.time_zone)
    assert taken.rows[0] == ("NQ", *sample.first, 1)
    assert taken.rejects == []
    assert taken.rows_read == sample.rows


@pytest.mark.parametrize("name", FILES)
def test_what_was_recognised_is_told(tmp_path: Path, name: str):
    sample = FILES[name]
    path = write(tmp_path / "a.dat", sample.text)
    found = importer_of(open_bar_file(path)).open(open_bar_file(path), nq(), sample.time_zone).recognised
    assert sample.why in found.why
    assert found.stamps == sample.stamps
    assert found.columns_ignored == sample.ignored
    assert found.time_zone == sample.clock
    assert found.notes == sample.notes


@pytest.mark.parametrize("name", [name for name in FILES if FILES[name].time_zone])
def test_stamps_on_a_wall_clock_are_not_read_without_its_name(tmp_path: Path, name: str):
    file = open_bar_file(write(tmp_path / "a.dat", FILES[name].text))
    with pytest.raises(UnknownClock):
        importer_of(file).open(file, nq(), None)


@dataclass(frozen=True)
class Refused:
    text: str
    sentence: str


REFUSED = {
    "NinjaTrader days": Refused("20240102;1;2;1;2;9\n" * 3, "expected one-minute bars, found daily bars: its stamps"),
    "NinjaTrader trades": Refused("20240102 093100;1;9\n" * 3, "expected one-minute bars, found single trades"),
    "NinjaTrader trades with quotes": Refused("20240102 093100 0040000;1;1;1;9\n", "found single trades; export"),
    "MetaTrader 5 days": Refused(
        "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n2024.01.02\t1\t2\t1\t2\t9\t0\t5\n",
        "expected one-minute bars, found daily bars: its stamps, such as '2024.01.02', are dates without a time of day",
    ),
    "TradingView days": Refused(
        "time,open,high,low,close,Volume\n2024-01-02,1,2,1,2,9\n2024-01-03,1,2,1,2,9\n", "found daily bars: its stamps"
    ),
    "two tickers of Yahoo": Refused(
        "Price,Close,Close,High,High,Low,Low,Open,Open\nTicker,A,B,A,B,A,B,A,B\nDatetime,,,,,,,,\n"
        "2024-01-02 14:30:00+00:00,1,1,2,2,1,1,1,1\n",
        "expected one ticker, found A, B side by side; download each to its own file",
    ),
    "Kibot days and months": Refused(
        "01/02/2024,09:30,1,2,1,2,9\n02/02/2024,09:30,1,2,1,2,9\n",
        "expected to know whether the day or the month comes first in '01/02/2024 09:30'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_recognised_and_of_no_use_is_refused_in_a_sentence(tmp_path: Path, case: str):
    file = open_bar_file(write(tmp_path / "a.dat", REFUSED[case].text))
    with pytest.raises(BadBars, match=f"a.dat: .*{REFUSED[case].sentence}"):
        importer_of(file).open(file, nq(), "UTC")


def test_minutes_without_volume_may_be_of_two_vendors_and_are_refused_until_one_is_named(tmp_path: Path):
    rows = "20240102 093100;4790.5;4791;4790;4790.75;0\n20240102 093200;4790.5;4791;4790;4790.75;0\n"
    path = write(tmp_path / "a.txt", rows)
    with pytest.raises(BadBars, match=r"^a\.txt: recognised as histdata and ninjatrader; say which with --format"):
        importer_of(open_bar_file(path))
    by_format = {name: importer_of(open_bar_file(path), name) for name in ("histdata", "ninjatrader")}
    found = {name: take(importer, path, nq(), "UTC").rows[0][1] for name, importer in by_format.items()}
    assert found == {"histdata": "2024-01-02 09:31:00", "ninjatrader": "2024-01-02 09:30:00"}
    assert importer_of(open_bar_file(write(tmp_path / "NQ 03-24.Last.txt", rows))).format == "ninjatrader"
    assert importer_of(open_bar_file(write(tmp_path / "DAT_ASCII_NQ_M1_2024.csv", rows))).format == "histdata"


@pytest.mark.parametrize(
    ("odd", "rejects"),
    [("\x1d100", []), ("１００", []), ("100\u2003", []), ("1_00", [(10, "open is not a number")])],
)
def test_odd_ways_to_write_a_number_spoil_their_row_at_most(tmp_path: Path, odd: str, rejects: list[tuple[int, str]]):
    rows = [f"2024-01-16 09:3{minute}:00,100,101,99,100,7" for minute in range(9)]
    rows.append(f"2024-01-16 09:39:00,{odd},101,99,100,7")
    path = write(tmp_path / "a.txt", "\n".join(rows) + "\n")
    taken = take(importer_of(open_bar_file(path)), path, nq(), NEW_YORK)
    assert taken.rejects == rejects
    assert [row[2] for row in taken.rows] == [100.0] * (10 - len(rejects))


def test_a_plain_format_can_be_asked_for_where_a_vendor_is_recognised(tmp_path: Path):
    path = write(tmp_path / "a.csv", FILES["TradingView"].text)
    assert take(importer_of(open_bar_file(path), "csv"), path, nq()).rows_read == FILES["TradingView"].rows


def test_a_continuous_series_of_a_future_says_so(tmp_path: Path):
    sample: Sample = FILES["Sierra Chart"]
    file = open_bar_file(write(tmp_path / "a.txt", sample.text))
    why = importer_of(file).open(file, mgc(), NEW_YORK).recognised.why
    assert why.endswith("without a contract column its bars are one continuous series of MGC")


def instrument(symbol: str, tick: float) -> Instrument:
    return nq().model_copy(update={"symbol": symbol, "tick": tick})


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "tick", "rows", "first"),
    [
        ("NQ_20220116-20220128-1", 0.25, 13_560, (15616.75, 15653.25, 15616.0, 15630.0, 660.0)),
        ("YM_20220116-20220128-1", 1.0, 13_550, (35856.0, 35901.0, 35853.0, 35868.0, 336.0)),
    ],
)
def test_real_minutes_of_tradingview_are_stored_whole(
    shared_data: Path, tmp_path: Path, name: str, tick: float, rows: int, first: tuple[float, ...]
):
    store = Store(tmp_path / "home")
    [report] = ingest(store, instrument(name[:2], tick), [shared_data / "tradingview" / f"{name}.csv.gz"], now=NOW)
    with store.market() as cursor:
        opened = cursor.execute(
            "SELECT open, high, low, close, volume FROM market.bars_1m ORDER BY ts LIMIT 1"
        ).fetchall()
    store.close()
    assert (report.refusal, report.rows_stored, report.rows_rejected) == (None, rows, 0)
    assert opened == [first]
    assert f"{report.first_ts:%Y-%m-%d %H:%MZ}" == "2022-01-16 23:00Z"
    taken = report.recognised
    assert taken is not None
    assert (taken.format, taken.time_zone) == ("tradingview", "offset in each stamp")
    assert taken.columns_used == ("time", "open", "high", "low", "close", "Volume")
    assert taken.columns_ignored[:2] == ("Plot", "MA #1")
    assert taken.columns_ignored[-1] == "Volume MA"


@pytest.mark.real_data
@pytest.mark.parametrize("symbol", ["NQ", "YM"])
def test_real_bars_of_five_minutes_are_measured_and_refused(shared_data: Path, tmp_path: Path, symbol: str):
    store = Store(tmp_path / "home")
    path = shared_data / "tradingview" / f"{symbol}_20211205-20220128-5.csv.gz"
    [report] = ingest(store, instrument(symbol, 0.25 if symbol == "NQ" else 1.0), [path], now=NOW)
    store.close()
    assert report.refusal == f"{path.name}: expected one-minute bars, found 5-minute bars; export one-minute bars."


@pytest.mark.real_data
def test_real_minutes_of_firstrate_are_plain_csv_and_their_days_are_refused(shared_data: Path, tmp_path: Path):
    store = Store(tmp_path / "home")
    folder = shared_data / "firstrate"
    minutes, days = ingest(
        store,
        nq(),
        [folder / "NQ_1min_sample.csv", folder / "NQ_1day_sample.csv"],
        now=NOW,
        time_zone="America/New_York",
    )
    store.close()
    assert (minutes.refusal, minutes.rows_stored, minutes.rows_rejected) == (None, 14_714, 0)
    assert f"{minutes.first_ts:%Y-%m-%d %H:%MZ}" == "2023-11-19 23:00Z"
    assert (days.refusal, days.rows_stored, days.days.rule) == (None, 10, "the date that is written")


def rewritten(line: str, form: str, zone: str, minutes: int) -> str:
    """A line of FirstRate, its stamp moved by `minutes` and written as `form` on the clock of `zone`."""
    stamp, rest = line.split(",", 1)
    wall = datetime.fromisoformat(stamp).replace(tzinfo=ZoneInfo(NEW_YORK)) + timedelta(minutes=minutes)
    return f"{wall.astimezone(ZoneInfo(zone)):{form}},{rest}"


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("head", "form", "zone", "minutes", "tail", "separator"),
    [
        ("", "%Y%m%d %H%M%S", "UTC", 1, "", ";"),
        ("date,open,high,low,close,volume,average,barCount\n", "%Y%m%d  %H:%M:%S US/Eastern", NEW_YORK, 0, ",1,1", ","),
        ("", "%Y.%m.%d,%H:%M", "Europe/Athens", 0, "", ","),
        ("Date,Time,Open,High,Low,Close,Vol\n", "%m/%d/%Y,%I:%M:%S %p", "America/Chicago", 0, "", ","),
    ],
    ids=["NinjaTrader", "Interactive Brokers", "MetaTrader 4", "months first"],
)
def test_real_minutes_written_as_other_vendors_do_are_the_same_bars(
    shared_data: Path, tmp_path: Path, head: str, form: str, zone: str, minutes: int, tail: str, separator: str
):
    nasdaq = read_instrument(INSTRUMENTS / "NQ.toml")
    real = shared_data / "firstrate" / "NQ_1min_sample.csv"
    lines = (rewritten(line, form, zone, minutes) + tail for line in real.read_text().splitlines()[1:])
    text = "".join(f"{line}\n" for line in lines).replace(",", separator)
    store = Store(tmp_path / "home")
    [first] = ingest(store, nasdaq, [real], now=NOW, accept=True)
    [again] = ingest(store, nasdaq, [write(tmp_path / "a.txt", head + text)], now=NOW, accept=True)
    store.close()
    assert (first.refusal, first.rows_stored) == (None, 14_714)
    assert (again.refusal, again.rows_unchanged, again.rows_rejected) == (None, 14_714, 0)
