"""Time stamps as text: the ways of writing that are understood, and the faults that are named."""

import numpy as np
import pyarrow as pa
import pytest

from ml_data.importers.stamps import FAULTS, StampLayout, stamp_layout, to_instants


def read(texts: list[str], zone: str | None = None, first: str | None = None) -> list[str]:
    """Each stamp as UTC text, or the words of its fault; the layout is told from the first."""
    layout = stamp_layout([first or texts[0]])
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
    ],
)
def test_a_naive_stamp_shows_the_clock_of_the_zone_that_is_named(text: str):
    layout = stamp_layout([text])
    assert layout is not None
    assert layout.clock == "naive"
    assert read([text], "America/New_York") == ["2024-01-02T14:30:00"]


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
    ["", "yesterday", "03/04/2024 09:30", "2024-13-02 09:30", "2024-01-02 9:30 AM", "12345", "9704205800", "09:30"],
)
def test_what_could_mean_two_times_or_none_is_not_understood(text: str):
    assert stamp_layout([text]) is None


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
        "2024-03-10T14:00:00",
    ]


def test_epoch_stamps_of_another_unit_or_with_letters_are_named():
    assert read(["1704205800", "1704205800000", "abc", "1704205860"]) == [
        "2024-01-02T14:30:00",
        FAULTS[2],
        FAULTS[1],
        "2024-01-02T14:31:00",
    ]


def test_columns_that_the_csv_reader_parsed_already_give_the_same():
    naive = pa.chunked_array([pa.array([1704187800000000, None]).cast(pa.timestamp("us"))])
    instants, faults = to_instants(naive, StampLayout("naive"), "America/New_York")
    assert (instants[0], faults.tolist()) == (1704205800000000, [0, 1])
    epoch = pa.chunked_array([pa.array([1704205800, 5, None])])
    instants, faults = to_instants(epoch, StampLayout("epoch", epoch_us=1_000_000), None)
    assert (instants[0], faults.tolist()) == (1704205800000000, [0, 1, 1])
