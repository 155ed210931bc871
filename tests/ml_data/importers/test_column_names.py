"""What columns are called: which may hold the stamp, and the clock that a name states."""

import pytest

from ml_data.importers.column_names import StampColumns, plain_names, stamp_columns, volume_position

BARS = ("open", "high", "low", "close")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("time_utc",), StampColumns((0,), "UTC")),
        (("DateTimeUTC",), StampColumns((0,), "UTC")),
        (("Time (UTC+2)",), StampColumns((0,), "UTC+2")),
        (("Date (GMT-05:30)",), StampColumns((0,), "UTC-5:30")),
        (("datetime_utc+1",), StampColumns((0,), "UTC+1")),
        (("Date Time (America/New_York)",), StampColumns((0,), "America/New_York")),
        (("Time (EST)",), StampColumns((0,))),  # the name of several clocks
        (("timestamp_ny",), StampColumns((0,))),
        (("Exchange Time",), StampColumns((0,))),
        (("time_ny", "time_utc"), StampColumns((1,), "UTC")),
        (("Date", "Time"), StampColumns((0, 1))),
        (("openTime", "closeTime"), StampColumns((0,))),
        (("end_time", "start_time"), StampColumns((1,))),
        (("close_time",), StampColumns((0,), ends=True)),
        (("Time right",), StampColumns((0,), ends=True)),
        (("",), StampColumns((0,))),  # the index of a frame
        (("index", "date"), StampColumns((1,))),
        (("t",), StampColumns((0,))),
    ],
)
def test_the_column_of_the_stamp_is_found_with_the_clock_that_it_states(names: tuple[str, ...], found: StampColumns):
    assert stamp_columns((*names, *BARS))[0] == found


@pytest.mark.parametrize("names", [("UTC offset",), ("timeout",), ("seasonal",), ("x", "")])
def test_other_columns_hold_no_stamp(names: tuple[str, ...]):
    assert stamp_columns((*names, *BARS)) == ()


@pytest.mark.parametrize(
    ("names", "place"),
    [
        (("Volume_(BTC)", "Volume_(Currency)"), 0),
        (("Volume USDT", "volume"), 1),
        (("Volume MA", "Volume"), 1),
        (("Volume SMA",), None),
        (("tick_volume",), 0),
    ],
)
def test_the_volume_is_no_average_of_it(names: tuple[str, ...], place: int | None):
    assert volume_position(names) == place


def test_names_of_several_languages_and_habits_are_brought_to_plain_ones():
    names = ("<OPEN>", "openPrice", "1. open", "Open (USD)", "DTYYYYMMDD", "# of Trades")
    assert plain_names(names) == ["open", "open price", "open", "open usd", "dtyyyymmdd", "of trades"]
