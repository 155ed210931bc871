"""Time stamps as text: the ways of writing that are understood, and the faults that are named."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_data.importers.stamp_forms import date_order
from ml_data.importers.stamps import FAULTS, StampLayout, stamp_layout, to_instants


def read(texts: list[str], zone: str | None = None, first: str | None = None) -> list[str]:
    """Each stamp as UTC text, or the words of its fault; the layout is told from the first."""
    layout = stamp_layout(texts if first is None else [first])
    assert layout is not None
    instants, faults = to_instants(pa.chunked_array([pa.array(texts, pa.string())]), layout, zone)
    return [
        FAULTS[fault] if fault else str(np.datetime64(int(instant), "us"))[:19]
        for instant, fault in zip(instants, faults, strict=True)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-02 09:30:00",
        "2024-01-02 09:30",
        "2024-01-02T09:30:00.000",
        " 2024-01-02 09:30:00 ",
        "2024/01/02 09:30:00",
        "2024/1/2 9:30",
        "2024.01.02 09:30",
        "20240102 093000",
        "20240102 0930",
        "20240102 09:30:00",
        "20240102093000",
        "202401020930",
        "20240102  09:30:00",
        "20240102-09:30:00",
        "2024-1-2T9:30",
        "2024-01-02 09:30:00.123456789",
        "2024-01-02 9:30:00 AM",
        "2024-01-02 09:30 a.m.",
        "2-Jan-2024 09:30",
        "02 January 2024 9:30 AM",
        "Jan 2, 2024 09:30",
    ],
)
def test_a_naive_stamp_shows_the_clock_of_the_zone_that_is_named(text: str):
    layout = stamp_layout([text])
    assert layout is not None
    assert layout.clock == "naive"
    assert read([text], "America/New_York") == ["2024-01-02T14:30:00"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-02 12:05:00 AM", "2024-01-02T00:05:00"),
        ("2024-01-02 12:05 PM", "2024-01-02T12:05:00"),
        ("2024-01-02 1:05 pm", "2024-01-02T13:05:00"),
        ("2024-01-02 11:59:00 PM", "2024-01-02T23:59:00"),
        ("2024-01-02 24:00:00", "2024-01-03T00:00:00"),
        ("2024-12-31 24:00", "2025-01-01T00:00:00"),
        ("29-Feb-2024 00:01", "2024-02-29T00:01:00"),
    ],
)
def test_noon_and_both_midnights_are_what_they_say(text: str, expected: str):
    assert read([text], "UTC") == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-02T14:30:00Z",
        "2024-01-02 09:30:00-05:00",
        "2024-01-02T09:30:00.000-0500",
        "2024-01-02 09:30:00 -05:00",
        "2024-01-02 14:30 UTC",
        "2024/01/02 14:30:00 GMT",
        "2024-01-02T20:00:00+05:30",
        "2024-01-02T09:30:00-05",
        "20240102 09:30:00 US/Eastern",
        "20240102  09:30:00 America/New_York",
        "2024-01-02T09:30:00.000-05:00[America/New_York]".replace("-05:00", " "),
        "2024-01-02 15:30:00.000 GMT+0100",
        "2024-01-02 15:30:00.000 UTC+1",
        "2024-01-02 2:30:00 PM UTC",
    ],
)
def test_a_stamp_with_an_offset_is_converted_whatever_zone_is_named(text: str):
    layout = stamp_layout([text])
    assert layout is not None
    assert layout.clock == "aware"
    assert read([text], "Asia/Tokyo") == ["2024-01-02T14:30:00"]


@pytest.mark.parametrize("text", ["1704205800", "1704205800000", "1704205800000000", "1704205800000000000"])
def test_seconds_milliseconds_microseconds_and_nanoseconds_since_1970_are_told_by_their_digits(text: str):
    assert read([text]) == ["2024-01-02T14:30:00"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2024-13-02 09:30",
        "2024-02-30 09:30",
        "2023-02-29 09:30",
        "2024-01-02 25:00",
        "2024-01-02 24:01",
        "2024-01-02 09:60",
        "2024-01-02 13:30 PM",
        "2024-01-02 00:30 AM",
        "2024-01-02 09:30 EST",
        "2024-01-02 09:30 Mars/Olympus",
        "2024-01/02 09:30",
        "01/02/24 09:30",
        "12345",
        "9704205800",
        "1.70420580e9",
        "09:30",
        "２０２４-01-02 09:30",
    ],
)
def test_what_could_mean_two_times_or_none_is_not_understood(text: str):
    assert stamp_layout([text]) is None


def test_a_day_above_twelve_says_whether_the_day_or_the_month_comes_first():
    assert read(["01/02/2024 09:30", "13/02/2024 09:30"], "UTC") == ["2024-02-01T09:30:00", "2024-02-13T09:30:00"]
    assert read(["01/02/2024 09:30", "1/13/2024 9:31"], "UTC") == ["2024-01-02T09:30:00", "2024-01-13T09:31:00"]
    assert read(["01.02.2024 09:30:00.000", "13.02.2024 09:30:00.000"], "UTC")[0] == "2024-02-01T09:30:00"


def test_without_such_a_day_or_with_both_the_order_is_unknown_and_every_such_row_says_so():
    for texts in (["01/02/2024 09:30", "02/02/2024 09:30"], ["13/02/2024 09:30", "02/13/2024 09:30"]):
        layout = stamp_layout(texts)
        assert layout is not None
        assert layout.order == "unknown"
        assert read(texts, "UTC") == [FAULTS[6], FAULTS[6]]


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        ([], "unknown"),
        (["12/12/2024 01:00", "x", ""], "unknown"),
        (["99/02/2024", "13/13/2024", "00/13/2024"], "unknown"),
        (["13/1/2024"], "day"),
        (["1.13.2024 01:00"], "month"),
        (["13/01/2024", "01/13/2024"], "both"),
        (["13/01/2024"] * 99 + ["01/13/2024"], "day"),
        (["2024-13-01"], "unknown"),
    ],
)
def test_the_order_is_what_almost_all_telling_rows_say(texts: list[str], order: str):
    assert date_order(texts) == order


def test_dates_without_a_time_of_day_are_daily_only_when_all_of_them_are():
    for texts, daily in ((["2024-01-02", "2024-01-03"], True), (["2024-01-02", "2024-01-02 00:01"], False)):
        layout = stamp_layout(texts)
        assert layout is not None
        assert layout.daily is daily
    assert read(["2024-01-02", "2024-01-02 00:01"], "UTC") == ["2024-01-02T00:00:00", "2024-01-02T00:01:00"]


def test_zones_named_in_the_stamps_are_each_converted_and_kept_for_the_report():
    layout = stamp_layout(["20240102 09:30:00 US/Eastern"])
    assert layout is not None
    assert layout.zone == "US/Eastern"
    found = read(["20240102 09:30:00 US/Eastern", "20240702 09:30:00 US/Eastern", "20240102 09:30:00 Mars/Olympus"])
    assert found == ["2024-01-02T14:30:00", "2024-07-02T13:30:00", FAULTS[1]]


def test_both_passes_through_a_repeated_hour_are_told_by_the_order_of_the_rows():
    passes = ["2023-11-05 00:59", "2023-11-05 01:00", "2023-11-05 01:59", "2023-11-05 01:00", "2023-11-05 02:00"]
    expected = [f"2023-11-05T0{time}:00" for time in ("4:59", "5:00", "5:59", "6:00", "7:00")]
    assert read(passes, "America/New_York") == expected
    assert read(passes[::-1], "America/New_York") == expected[::-1]
    assert read([*passes[:2], *passes[3:]], "America/New_York")[1:3] == [FAULTS[3], FAULTS[3]]


def test_the_first_stamp_that_is_one_decides():
    assert stamp_layout(["", "n/a", "2024-01-02T09:30:00Z"]) == StampLayout("aware")


def test_mixed_offsets_across_daylight_saving_are_each_converted():
    assert read(["2024-03-10T01:59:00-05:00", "2024-03-10T03:00:00-04:00"]) == [
        "2024-03-10T06:59:00",
        "2024-03-10T07:00:00",
    ]


def test_hours_without_a_leading_zero_are_read_wherever_they_come():
    assert read(["2024/1/2 10:30", "2024/1/2 9:30", "2024/01/12 9:05:00"], "UTC") == [
        "2024-01-02T10:30:00",
        "2024-01-02T09:30:00",
        "2024-01-12T09:05:00",
    ]


def test_each_fault_is_named_and_spoils_no_other_stamp():
    found = read(
        [
            "2023-11-05 00:59:00",
            "2023-11-05 01:30:00",
            "2024-03-10 02:30:00",
            "2024-02-30 10:00:00",
            "2024-03-10T10:00:00Z",
            "1024-03-10 10:00:00",
            "",
            "2567-03-10 10:00:00",
            "2024-03-10 10:00:00",
        ],
        "America/New_York",
    )
    assert found == [
        "2023-11-05T04:59:00",
        FAULTS[3],
        FAULTS[4],
        FAULTS[1],
        FAULTS[2],
        FAULTS[1],
        FAULTS[1],
        FAULTS[5],
        "2024-03-10T14:00:00",
    ]


def test_a_stamp_without_an_offset_among_those_with_one_is_named():
    found = read(["2024-01-02 09:30:00Z", "2024-01-02 09:30:00", "?", "", "2024-01-02 09:30:00+25:00"])
    assert found == ["2024-01-02T09:30:00", FAULTS[2], FAULTS[1], FAULTS[1], FAULTS[1]]


def test_epoch_stamps_of_another_unit_are_told_by_their_size_and_letters_are_named():
    assert read(["1704205800", "1704205860000", "abc", "1704205920000000", "1704205980000000000"]) == [
        "2024-01-02T14:30:00",
        "2024-01-02T14:31:00",
        FAULTS[1],
        "2024-01-02T14:32:00",
        "2024-01-02T14:33:00",
    ]
    numbers = pa.chunked_array([pa.array([1704205800, 1704205860000, 7])])
    instants, faults = to_instants(numbers, StampLayout("epoch", epoch_us=1_000_000), None)
    assert (instants[1] - instants[0], faults.tolist()) == (60_000_000, [0, 0, 1])


def test_columns_that_the_csv_reader_parsed_already_give_the_same():
    naive = pa.chunked_array([pa.array([1704187800000000, None]).cast(pa.timestamp("us"))])
    instants, faults = to_instants(naive, StampLayout("naive"), "America/New_York")
    assert (instants[0], faults.tolist()) == (1704205800000000, [0, 1])
    epoch = pa.chunked_array([pa.array([1704205800, 5, None])])
    instants, faults = to_instants(epoch, StampLayout("epoch", epoch_us=1_000_000), None)
    assert (instants[0], faults.tolist()) == (1704205800000000, [0, 1, 1])


def test_epoch_stamps_with_decimals_are_read_and_absurd_ones_do_not_wrap_around():
    assert read(["1704205800.0", "1704205860.0"]) == ["2024-01-02T14:30:00", "2024-01-02T14:31:00"]
    layout = stamp_layout(["1704205800.0"])
    assert layout is not None
    decimals = pa.chunked_array([pa.array([1704205800.0, 2.0**62, None])], layout.arrow_type)
    assert to_instants(decimals, layout, None)[1].tolist() == [0, 1, 1]
    seconds = StampLayout("epoch", epoch_us=1_000_000)
    huge = pa.chunked_array([pa.array([1704205800 + 2**58, 1704205800, -1])])  # times a million this is 2024 again
    assert to_instants(huge, seconds, None)[1].tolist() == [1, 0, 1]
    nanoseconds = stamp_layout(["1704205800000000000"])
    assert nanoseconds is not None
    instants, _ = to_instants(pa.chunked_array([pa.array([1704205800000000000])]), nanoseconds, None)
    assert instants.tolist() == [1704205800000000]


few = settings(max_examples=50, deadline=None)

FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y.%m.%d %H:%M:%S",
    "%Y%m%d %H%M%S",
    "%Y%m%d%H%M%S",
    "%Y-%m-%d %I:%M:%S %p",
    "%d-%b-%Y %H:%M:%S",
    "%B %d, %Y %I:%M:%S%p",
    "%Y%m%d-%H:%M:%S",
)


def wall(year: int) -> datetime:
    """The third of February, on no clock."""
    return datetime(year, 2, 3, tzinfo=UTC).replace(tzinfo=None)


EARLY, LATE = wall(1980), wall(2099)


@few
@given(
    stamps=st.lists(st.datetimes(EARLY, LATE), min_size=1, max_size=20),
    form=st.sampled_from(FORMATS),
)
def test_what_is_written_in_a_form_is_read_back(stamps: list[datetime], form: str):
    expected = [f"{stamp:%Y-%m-%dT%H:%M:%S}" for stamp in stamps]
    assert read([stamp.strftime(form) for stamp in stamps], "UTC") == expected


@few
@given(
    stamps=st.lists(st.datetimes(EARLY, LATE), max_size=20),
    months_first=st.booleans(),
    padded=st.booleans(),
    mark=st.sampled_from("/-."),
)
def test_the_order_of_day_and_month_is_never_guessed(
    stamps: list[datetime], months_first: bool, padded: bool, mark: str
):
    stamps = [wall(2024), *stamps]
    width = "02d" if padded else "d"
    texts = []
    for stamp in stamps:
        pair = (stamp.month, stamp.day) if months_first else (stamp.day, stamp.month)
        texts.append(f"{pair[0]:{width}}{mark}{pair[1]:{width}}{mark}{stamp.year} {stamp:%H:%M:%S}")
    if any(stamp.day > 12 for stamp in stamps):
        assert read(texts, "UTC") == [f"{stamp:%Y-%m-%dT%H:%M:%S}" for stamp in stamps]
    else:
        assert set(read(texts, "UTC")) == {FAULTS[6]}


@few
@given(texts=st.lists(st.text(st.characters(codec="utf-8"), max_size=24), min_size=1, max_size=8))
def test_no_text_breaks_the_reading_of_the_others(texts: list[str]):
    for zone, first in (("UTC", "2024-01-02 09:30"), (None, "2024-01-02T09:30:00Z"), (None, "1704187800")):
        found = read([first, *texts, first], zone, first=first)
        assert found[0] == found[-1]
        assert found[0] not in FAULTS


@few
@given(
    text=st.from_regex(
        r"[0-9]{1,4}[-/. ]?[0-9]{1,2}[-/. ]?[0-9]{1,4}[T ]?[0-9]{0,2}:?[0-9]{0,2}(AM|Z|\+[0-9]{2})?", fullmatch=True
    )
)
def test_what_looks_like_a_stamp_is_one_instant_or_a_named_fault(text: str):
    layout = stamp_layout([text])
    if layout is not None:
        [found] = read([text], "UTC")
        assert found in FAULTS or "1980" <= found < "2100"


@few
@given(
    zone=st.sampled_from(["America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Sao_Paulo"]),
    start=st.datetimes(wall(2015), wall(2025)),
    minutes=st.lists(st.integers(1, 60), min_size=10, max_size=60),
    backwards=st.booleans(),
)
def test_a_series_on_a_wall_clock_comes_back_or_its_rows_are_named(
    zone: str, start: datetime, minutes: list[int], backwards: bool
):
    instants = [start.replace(second=0, microsecond=0, tzinfo=UTC)]
    for step in minutes:
        instants.append(instants[-1] + timedelta(minutes=step))
    instants = instants[::-1] if backwards else instants
    found = read([f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" for at in instants], zone)
    assert all(text in (f"{at:%Y-%m-%dT%H:%M:%S}", FAULTS[3]) for at, text in zip(instants, found, strict=True))
