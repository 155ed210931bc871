"""CSV with a header: columns by name, good rows kept and bad ones named, at the reader's speed or line by line."""

import gzip
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ml_data.bar_file import open_bar_file
from ml_data.importers import csv_lines
from ml_data.importers.base import ROWS
from ml_data.importers.csv_bars import IMPORTER
from ml_data.ingest import ingest
from ml_data.store import Store
from tests.ml_data.bar_files import NOW, at, csv, mgc, minutes, nq, take, write, zstd
from trading.errors import BadBars

ROW = "2024-01-02T00:05:00Z,100,101.5,99.5,100.25,7"
BAR = ("NQ", "2024-01-02 00:05:00", 100.0, 101.5, 99.5, 100.25, 7.0, 1)


def test_a_plain_file_gives_its_bars(tmp_path: Path):
    taken = take(IMPORTER, csv(tmp_path / "a.csv", ROW), nq())
    assert taken.bars.schema == ROWS
    assert taken.rows == [BAR]
    assert (taken.rows_read, taken.bars_dropped, taken.rejects) == (1, 0, [])


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Time,Open,High,Low,Close,Volume", ROW),
        ("\ufeffTIMESTAMP, Open , HIGH, Low, Close, Vol", ROW),
        ('"Date Time","Open","High","Low","Last","Volume"', ",".join(f'"{cell}"' for cell in ROW.split(","))),
        ("datetime;open;high;low;close;volume", ROW.replace(",", ";")),
        ("ts\topen\thigh\tlow\tclose\tvolume", ROW.replace(",", "\t")),
        ("volume,close,low,high,open,date", "7,100.25,99.5,101.5,100,2024-01-02T00:05:00Z"),
        ("time, open, high, low, close, volume", ROW.replace(",", ", ")),
        ("time,open,high,low,close,volume", "1704153900,100,101.5,99.5,100.25,7"),
        ("time,open,high,low,close,volume", "1704153900000,1e2,101.5,99.5,100.25,7.0"),
    ],
)
def test_names_case_order_delimiters_quotes_spaces_and_a_byte_order_mark_do_not_matter(
    tmp_path: Path, header: str, row: str
):
    assert take(IMPORTER, csv(tmp_path / "a.csv", row, header=header), nq()).rows == [BAR]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends_and_blank_lines_do_not_matter(tmp_path: Path, end: str, last: bool):
    second = ROW.replace("00:05", "00:06")
    text = end.join(("", "timestamp,open,high,low,close,volume", ROW, "", "  ", second)) + (end if last else "")
    taken = take(IMPORTER, write(tmp_path / "a.csv", text), nq())
    assert [(row[1], row[-1]) for row in taken.rows] == [("2024-01-02 00:05:00", 1), ("2024-01-02 00:06:00", 2)]


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_a_packed_file_is_read_whatever_its_name(tmp_path: Path, pack):
    path = write(tmp_path / "a.bin", pack(f"timestamp,open,high,low,close,volume\n{ROW}\n".encode()))
    assert take(IMPORTER, path, nq()).rows == [BAR]


def test_date_and_time_columns_are_joined(tmp_path: Path):
    path = csv(
        tmp_path / "a.csv", "20240101,19:05,100,101.5,99.5,100.25,7", header="Date,Time,Open,High,Low,Close,Volume"
    )
    assert take(IMPORTER, path, nq(), "America/New_York").rows == [BAR]


def test_a_time_column_that_is_whole_is_used_without_the_date(tmp_path: Path):
    path = csv(tmp_path / "a.csv", f"x,{ROW}", header="date,time,open,high,low,close,volume")
    assert take(IMPORTER, path, nq()).rows == [BAR]


def test_naive_stamps_are_read_on_the_clock_that_is_named(tmp_path: Path):
    row = ROW.replace("2024-01-02T00:05:00Z", "2024-01-01 19:05:00")
    assert take(IMPORTER, csv(tmp_path / "a.csv", row), nq(), "America/New_York").rows == [BAR]


def test_decoy_columns_are_not_used_and_named(tmp_path: Path):
    path = csv(tmp_path / "a.csv", ROW + ",5,caf\u00e9", header="time,open,high,low,close,Volume,Volume MA,Plot")
    assert take(IMPORTER, path, nq()).rows == [BAR]
    found = IMPORTER.open(open_bar_file(path), nq(), None).recognised
    assert found.columns_used == ("time", "open", "high", "low", "close", "Volume")
    assert found.columns_ignored == ("Volume MA", "Plot")
    assert found.time_zone == "offset in each stamp"
    assert found.why == "its first line names the columns time, open, high, low, close, Volume"


def test_contracts_are_read_and_other_symbols_left_out(tmp_path: Path):
    path = csv(
        tmp_path / "a.csv",
        f"{ROW}, MGCG4 ",
        f"{ROW},MGCG4-MGCJ4",
        f"{ROW},GCG4",
        f"{ROW},MGCJ4",
        header="timestamp,open,high,low,close,volume,symbol",
    )
    taken = take(IMPORTER, path, mgc())
    assert [(row[0], row[-1]) for row in taken.rows] == [("MGCG4", 1), ("MGCJ4", 4)]
    assert taken.bars_dropped == 2
    assert taken.chunks[0].others == ("GCG4", "MGCG4-MGCJ4")


def test_a_futures_file_without_a_contract_column_is_one_continuous_series_and_says_so(tmp_path: Path):
    path = csv(tmp_path / "a.csv", ROW)
    assert take(IMPORTER, path, mgc()).rows[0][0] == "MGC"
    assert IMPORTER.open(open_bar_file(path), mgc(), None).recognised.why.endswith("one continuous series of MGC")


BAD_ROWS = {
    "a price with letters": ("2024-01-02T00:06:00Z,100,abc,99,100,7", "high is not a number"),
    "a decimal comma": ('2024-01-02T00:06:00Z,"100,5",101,99,100,7', "open is not a number"),
    "a column too few": ("2024-01-02T00:06:00Z,100,101,99,100", "the row has 5 columns where the first line names 6"),
    "a column too many": (
        "2024-01-02T00:06:00Z,100,101,99,100,7,8",
        "the row has 7 columns where the first line names 6",
    ),
    "no stamp": (",100,101,99,100,7", "the stamp is not a time between 1980 and 2100"),
    "a day that is none": ("2024-02-30T00:06:00Z,100,101,99,100,7", "the stamp is not a time between 1980 and 2100"),
    "no offset": (
        "2024-01-02T00:06:00,100,101,99,100,7",
        "the stamp has a UTC offset where the file's first stamps have none, or the reverse",
    ),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_is_rejected_with_its_number_and_text_and_its_neighbours_are_kept(tmp_path: Path, case: str):
    row, reason = BAD_ROWS[case]
    path = csv(tmp_path / "a.csv", ROW, row, "", ROW.replace("00:05", "00:07"))
    taken = take(IMPORTER, path, nq())
    assert taken.rejects == [(2, reason)]
    assert [kept[-1] for kept in taken.rows] == [1, 3]
    assert taken.rows_read == 3
    assert IMPORTER.raw_rows(open_bar_file(path), [2, 3]) == {2: row, 3: ROW.replace("00:05", "00:07")}


def test_a_missing_number_is_nan_on_the_quick_and_on_the_careful_way(tmp_path: Path):
    row = ROW.replace(",100,", ",,")
    for path in (csv(tmp_path / "a.csv", row), csv(tmp_path / "b.csv", row, "x")):
        found = take(IMPORTER, path, nq()).rows
        assert found[0][2] != found[0][2]
        assert found[0][3:] == BAR[3:]


def test_rows_in_the_hours_around_daylight_saving_are_rejected_not_guessed(tmp_path: Path):
    tail = ",100,101.5,99.5,100.25,7"
    path = csv(
        tmp_path / "a.csv", *(stamp + tail for stamp in ("2023-11-05 00:59", "2023-11-05 01:00", "2023-11-05 02:00"))
    )
    taken = take(IMPORTER, path, nq(), "America/New_York")
    assert [row[1] for row in taken.rows] == ["2023-11-05 04:59:00", "2023-11-05 07:00:00"]
    assert taken.rejects == [
        (2, "the stamp lies in the hour that the clock shows twice in autumn, so it means two instants")
    ]


def test_a_long_file_with_a_few_bad_lines_gives_the_same_as_line_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    rows = minutes("2024-01-02 00:00", 5_000)
    for place in (0, 17, 2_500, 4_999):
        rows[place] = rows[place].replace(",", ";")
    rows[3_000] = rows[3_000].replace(",", ",x", 1)
    path = csv(tmp_path / "a.csv", *rows)
    monkeypatch.setattr(csv_lines, "BLOCK_BYTES", 40_000)
    monkeypatch.setattr(csv_lines, "_CAREFUL_BYTES", 1_000)
    quick = take(IMPORTER, path, nq())
    monkeypatch.setattr(csv_lines, "_CAREFUL_BYTES", 1_000_000)
    careful = take(IMPORTER, path, nq())
    assert len(quick.chunks) > 8
    assert quick.rows_read == careful.rows_read == 5_000
    assert quick.rows == careful.rows
    assert sorted(quick.rejects) == sorted(careful.rejects)
    assert [row for row, _ in sorted(quick.rejects)] == [1, 18, 2_501, 3_001, 5_000]


@pytest.mark.parametrize("stray", ["\r", '"two\nlines"'])
def test_row_numbers_count_lines_of_the_file_whatever_is_in_them(tmp_path: Path, stray: str):
    header = "timestamp,open,high,low,close,volume,note"
    bad, good = (ROW.replace("00:05", stamp) for stamp in ("00:06", "00:07"))
    path = csv(tmp_path / "a.csv", f"{ROW},", f"{bad},{stray}", f"{good},", header=header)
    taken = take(IMPORTER, path, nq())
    raw = IMPORTER.raw_rows(open_bar_file(path), range(1, 5))
    kept = {row[-1]: row[1] for row in taken.rows}
    assert {raw[number][:20] for number in kept} == {f"{stamp.replace(' ', 'T')}Z" for stamp in kept.values()}
    assert kept[max(kept)] == "2024-01-02 00:07:00"


def test_the_share_that_was_read_rises_to_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(csv_lines, "BLOCK_BYTES", 4_000)
    shares = [
        chunk.share for chunk in take(IMPORTER, csv(tmp_path / "a.csv", *minutes("2024-01-02 00:00", 500)), nq()).chunks
    ]
    assert shares == sorted(shares)
    assert shares[0] < 0.5
    assert shares[-1] == 1.0


def test_bytes_that_are_no_text_spoil_their_row_only(tmp_path: Path):
    second, third = (ROW.replace("00:05", stamp) for stamp in ("00:06", "00:07"))
    content = f"timestamp,open,high,low,close,volume\n{ROW}\n{second}\n{third}\n".encode().replace(
        b"T00:06", b"\xff\xfe"
    )
    taken = take(IMPORTER, write(tmp_path / "a.csv", content), nq())
    assert [row[-1] for row in taken.rows] == [1, 3]
    assert [row for row, _ in taken.rejects] == [2]


REFUSED = {
    "naive stamps without a zone": (
        ["2024-01-02 00:05:00,100,101,99,100,7"],
        None,
        r"expected to know the clock of its stamps, found none in '2024-01-02 00:05:00'; name it with --time-zone, for "
        r"example --time-zone 'America/New_York'",
    ),
    "no rows": ([], None, "the file holds no bars, only the line of column names"),
    "day or month first": (
        ["03/04/2024 09:30,1,1,1,1,1"],
        None,
        "expected to know whether the day or the month comes first in '03/04/2024 09:30', found no day above 12 in the "
        "whole file; write the dates with the year first, such as 2024-04-03, or bring a file that goes beyond",
    ),
    "day and month first": (
        ["13/04/2024 09:30,1,1,1,1,1", "04/14/2024 09:30,1,1,1,1,1"],
        None,
        "some dates have the day first and some the month; write all of them with the year first, such as 2024-04-03",
    ),
    "years of two digits": (["03/04/24 09:30,1,1,1,1,1"], None, "expected years of four digits, found '03/04/24 09:30"),
    "a Buddhist year": (
        ["2567-04-03 09:30,1,1,1,1,1"],
        None,
        "expected years of the Gregorian calendar, found '2567-04-03 09:30', a year of the Buddhist calendar; take 543",
    ),
    "a Buddhist year, day first": (["03/04/2567 09:30,1,1,1,1,1"], None, "a year of the Buddhist calendar; take 543"),
    "a zone by abbreviation": (
        ["2024-04-03 09:30:00 EST,1,1,1,1,1"],
        None,
        "found '2024-04-03 09:30:00 EST', and EST is the name of several clocks; leave it away and name the clock with",
    ),
    "days of a spreadsheet": (["45293.395833,1,1,1,1,1"], None, "the day number of a spreadsheet; give the column a"),
    "dates alone": (
        ["2024-04-03,1,1,1,1,1", "2024-04-04,1,1,1,1,1"],
        None,
        "expected one-minute bars, found daily bars: its stamps, such as '2024-04-03', are dates without a time of day",
    ),
    "no stamps": (["noon,1,1,1,1,1"], None, "expected stamps such as '2024-03-08 09:30:00', or .*, found 'noon'"),
    "thousands": (
        ['2024-04-03T09:30:00Z,"15,895","15,896","15,894","15,895",1'],
        None,
        "expected prices such as 15895.25, found '15,895', in which thousands may be separated; export numbers with",
    ),
    "rows of another width": (
        ["1,2"],
        None,
        "expected 6 columns in each row as the first line names them, found '1,2'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, case: str):
    rows, zone, sentence = REFUSED[case]
    with pytest.raises(BadBars, match=sentence):
        take(IMPORTER, csv(tmp_path / "a.csv", *rows), nq(), zone)


def test_a_header_with_a_name_twice_is_refused(tmp_path: Path):
    with pytest.raises(BadBars, match="two columns are called 'Close'; remove one of them"):
        take(IMPORTER, csv(tmp_path / "a.csv", ROW + ",1", header="time,open,high,low,Close,volume,close"), nq())


@pytest.mark.parametrize(
    "head",
    [b"", b"\n\n", b"a,b,c\n1,2,3\n", b"time,open,high,low\n", b"time\0,open,high,low,close,volume\n", b"\x89PNG\r\n"],
)
def test_content_without_such_a_header_is_not_recognised(head: bytes):
    assert IMPORTER.recognise(head) is None


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("date;time;open;high;low;close;vol", "2024.01.02;00:05;100,0;101,5;99,5;100,25;7"),
        ("timestamp\topen\thigh\tlow\tclose\tvolume", "20240102 000500\t100\t101,5\t99,5\t100,250\t7"),
        ("Gmt time,Open,High,Low,Close,Volume", "13.01.2024 00:05:00.000,100,101.5,99.5,100.25,7"),
        ("Local time,Open,High,Low,Close,Volume", "13.01.2024 01:05:00.000 GMT+0100,100,101.5,99.5,100.25,7"),
        ("Date,Time,O,H,L,C,V", "1/13/2024,12:05:00 AM,100,101.5,99.5,100.25,7"),
        ("timestamp_utc|open|high|low|close|volume", "2024-01-02 00:05|100|101.5|99.5|100.25|7"),
        ("Unix Timestamp,Date,Symbol,Open,High,Low,Close,Volume", "1704153900,x,NQ,100,101.5,99.5,100.25,7"),
        ("Time,Open,High,Low,Last,Change,Volume", "01/13/2024 00:05,100,101.5,99.5,100.25,,7"),
        (",date,open,high,low,close,volume", "0,2024-01-02T00:05:00+00:00,100,101.5,99.5,100.25,7"),
        ("time,open,high,low,close,volume", "2024-01-02T00:05:00Z,100,101.5,99.5,100.25,7,"),
        ("https://example.org\ntime,open,high,low,close,volume", ROW),
    ],
)
def test_layouts_of_many_sources_give_the_same_bar(tmp_path: Path, header: str, row: str):
    [found] = take(IMPORTER, csv(tmp_path / "a.csv", row, header=header), nq(), "UTC").rows
    assert found[1].replace("-13 ", "-02 ") == BAR[1]
    assert found[2:] == BAR[2:]


def test_a_day_above_twelve_anywhere_in_the_file_orders_all_dates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(csv_lines, "BLOCK_BYTES", 4_000)
    rows = [f"{day:02d}/02/2024 {hour:02d}:05,100,101,99,100,7" for day in range(1, 14) for hour in range(24)]
    assert "13/02" not in "".join(rows)[:8_000]
    path = csv(tmp_path / "a.csv", *rows)
    file = replace(open_bar_file(path), head=path.read_bytes()[:4_000])
    reading = IMPORTER.open(file, nq(), "UTC")
    assert reading.recognised.why.endswith("its dates have the day first, as a day above 12 says")
    assert [chunk.bars.column("ts")[0].as_py().month for chunk in reading.chunks] == [2, 2, 2]


def test_a_file_without_volume_has_volume_zero_and_says_so(tmp_path: Path):
    path = csv(tmp_path / "a.csv", ROW.removesuffix(",7"), header="time,open,high,low,close")
    taken = take(IMPORTER, path, nq())
    assert taken.rows == [(*BAR[:6], 0.0, 1)]
    assert IMPORTER.open(open_bar_file(path), nq(), None).recognised.notes == ("the file has no volume, 0 is stored",)


def test_unknown_volume_is_zero_and_counted_and_a_single_empty_one_is_left_to_the_checks(tmp_path: Path):
    rows = [ROW.replace(":05:", f":{minute:02d}:").removesuffix("7") for minute in range(3)]
    unknown = take(IMPORTER, csv(tmp_path / "a.csv", *(row + "-1" for row in rows)), nq())
    assert [row[6] for row in unknown.rows] == [0.0, 0.0, 0.0]
    assert unknown.chunks[0].repairs == (("volume -1, which means unknown, is stored as 0", 3),)
    empty = take(IMPORTER, csv(tmp_path / "b.csv", *(row + "NaN" for row in rows)), nq())
    assert empty.chunks[0].repairs == (("volume is empty and stored as 0", 3),)
    single = take(IMPORTER, csv(tmp_path / "c.csv", rows[0] + "7", rows[1]), nq())
    assert single.chunks[0].repairs == ()
    assert single.rows[1][6] != single.rows[1][6]


def test_a_number_with_a_point_among_decimal_commas_spoils_its_row_only(tmp_path: Path):
    header = "time;open;high;low;close;volume"
    rows = (f"2024-01-02T00:0{minute}:00Z;100,5;101,5;99,5;100,25;7" for minute in range(3))
    path = csv(tmp_path / "a.csv", *rows, "2024-01-02T00:03:00Z;100.5;101,5;99,5;100,25;7", header=header)
    taken = take(IMPORTER, path, nq())
    assert [row[2] for row in taken.rows] == [100.5, 100.5, 100.5]
    assert taken.rejects == [(4, "open is not a number")]


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_market_that_never_stops_keeps_both_passes_through_the_repeated_hour(tmp_path: Path, newest_first: bool):
    first = at("2023-11-05 04:30")
    walls = [(first + timedelta(minutes=place)).astimezone(ZoneInfo("America/New_York")) for place in range(180)]
    rows = [f"{wall:%Y-%m-%d %H:%M},100,101,99,100,7" for wall in walls]
    assert rows[30:90] == rows[90:150]
    store = Store(tmp_path / "home")
    path = csv(tmp_path / "a.csv", *(rows[::-1] if newest_first else rows))
    [report] = ingest(store, nq(), [path], now=NOW, time_zone="America/New_York", accept=True)
    with store.market() as cursor:
        [(bars, start, end)] = cursor.execute(
            "SELECT count(DISTINCT ts), min(ts), max(ts) FROM market.bars_1m"
        ).fetchall()
    store.close()
    assert (report.refusal, report.rows_rejected) == (None, 0)
    assert (bars, start, end) == (180, at("2023-11-05 04:30"), at("2023-11-05 07:29"))


@pytest.mark.real_data
def test_a_real_naive_file_opens_at_the_right_minute(shared_data: Path):
    taken = take(IMPORTER, shared_data / "firstrate" / "NQ_1min_sample.csv", nq(), "America/New_York")
    assert taken.rows[0] == ("NQ", "2023-11-19 23:00:00", 15895.0, 15903.75, 15888.0, 15893.25, 571.0, 1)
    assert (taken.rows_read, taken.rejects) == (14_714, [])
    assert taken.bars.column("ts")[-1].as_py() == at("2023-12-04 21:59")


@pytest.mark.real_data
def test_a_real_file_with_offsets_and_decoys_gives_its_volume(shared_data: Path):
    taken = take(IMPORTER, shared_data / "tradingview" / "NQ_20220116-20220128-1.csv.gz", nq())
    assert (taken.rows_read, taken.rejects) == (13_560, [])
    assert taken.rows[0][:2] == ("NQ", "2022-01-16 23:00:00")
