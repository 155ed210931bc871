"""Wall clocks to UTC, around the hours that a clock shows twice or not at all."""

import numpy as np
import pytest

from ml_data.importers.wall_clock import check_clock, to_utc, to_wall
from trading.errors import BadBars


def stamps(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[us]").astype(np.int64)


def utc(wall: str, zone: str) -> str:
    instants, twice, never = to_utc(stamps(wall), zone)
    assert not twice[0]
    assert not never[0]
    return str(np.datetime64(int(instants[0]), "us"))[:16]


@pytest.mark.parametrize(
    ("zone", "wall", "expected"),
    [
        ("America/New_York", "2023-11-19T18:00", "2023-11-19T23:00"),
        ("America/New_York", "2023-11-05T00:59", "2023-11-05T04:59"),
        ("America/New_York", "2023-11-05T02:00", "2023-11-05T07:00"),
        ("America/New_York", "2024-03-10T01:59", "2024-03-10T06:59"),
        ("America/New_York", "2024-03-10T03:00", "2024-03-10T07:00"),
        ("America/New_York", "2023-12-31T23:59", "2024-01-01T04:59"),
        ("Europe/London", "2024-03-31T00:59", "2024-03-31T00:59"),
        ("Europe/London", "2024-03-31T02:00", "2024-03-31T01:00"),
        ("Australia/Sydney", "2024-04-07T03:00", "2024-04-06T17:00"),
        ("Australia/Lord_Howe", "2024-04-07T02:00", "2024-04-06T15:30"),
        ("Australia/Brisbane", "2024-07-01T09:00", "2024-06-30T23:00"),
        ("UTC", "2024-03-10T02:30", "2024-03-10T02:30"),
        ("UTC-5", "2024-07-01T09:00", "2024-07-01T14:00"),
        ("UTC+5:30", "2024-07-01T09:00", "2024-07-01T03:30"),
        ("UTC+10", "2024-07-01T09:00", "2024-06-30T23:00"),
        ("Etc/GMT+5", "2024-07-01T09:00", "2024-07-01T14:00"),  # the list's own sign, which is the other way round
        ("Europe/London-5h", "2019-03-14T08:30", "2019-03-14T13:30"),
        ("Europe/London-5h", "2019-04-01T08:30", "2019-04-01T12:30"),
        ("America/New_York+7h", "2024-03-11T15:30", "2024-03-11T12:30"),
        ("America/New_York+7h", "2024-03-08T15:30", "2024-03-08T13:30"),
    ],
)
def test_a_wall_clock_is_read_in_its_own_zone(zone: str, wall: str, expected: str):
    assert utc(wall, zone) == expected


def test_stamps_in_the_hour_that_comes_twice_are_marked_from_its_first_to_its_last_minute():
    wall = stamps("2023-11-05T00:59", "2023-11-05T01:00", "2023-11-05T01:59", "2023-11-05T02:00")
    _, twice, never = to_utc(wall, "America/New_York")
    assert twice.tolist() == [False, True, True, False]
    assert not never.any()


def test_stamps_in_the_hour_that_does_not_exist_are_marked_from_its_first_to_its_last_minute():
    wall = stamps("2024-03-10T01:59", "2024-03-10T02:00", "2024-03-10T02:59", "2024-03-10T03:00")
    _, twice, never = to_utc(wall, "America/New_York")
    assert never.tolist() == [False, True, True, False]
    assert not twice.any()


def test_half_an_hour_is_repeated_where_the_clock_moves_by_half_an_hour():
    wall = stamps("2024-04-07T01:29", "2024-04-07T01:30", "2024-04-07T01:59", "2024-04-07T02:00")
    assert to_utc(wall, "Australia/Lord_Howe")[1].tolist() == [False, True, True, False]


def test_stamps_of_many_years_in_any_order_agree_with_pyarrow():
    import pyarrow as pa
    import pyarrow.compute as pc

    rng = np.random.default_rng(3)
    wall = rng.integers(315_532_800, 2_000_000_000, 20_000) * 1_000_000
    instants, twice, never = to_utc(wall, "America/New_York")
    naive = pa.array(wall).cast(pa.timestamp("us"))
    early, late = (
        pc.assume_timezone(naive, "America/New_York", ambiguous=side, nonexistent=side).cast(pa.int64()).to_numpy()
        for side in ("earliest", "latest")
    )
    unsure = twice | never
    assert (early[~unsure] == instants[~unsure]).all()
    assert np.array_equal(unsure, early != late)
    assert unsure.any()


def test_no_stamps_give_no_instants():
    assert [len(part) for part in to_utc(stamps(), "UTC")] == [0, 0, 0]


@pytest.mark.parametrize("clock", ["America/New_York", "UTC", "UTC-5", "Europe/London-5h", "America/New_York+7h"])
def test_what_a_clock_shows_is_read_back(clock: str):
    instants = stamps(
        "2019-03-09T12:00", "2019-03-10T06:59", "2019-03-10T07:00", "2019-07-01T00:00", "2020-01-01T00:00"
    )
    back, twice, never = to_utc(to_wall(instants, clock), clock)
    assert back.tolist() == instants.tolist()
    assert not (twice | never).any()
    assert to_wall(stamps(), clock).tolist() == []


@pytest.mark.parametrize(
    "clock", ["Mars/Olympus", "EDT!", "", "America", "UTC-15", "UTC-5:60", "5", "+5", "Mars/Olympus+2h"]
)
def test_what_names_no_clock_is_refused(clock: str):
    with pytest.raises(BadBars, match=r"--time-zone: expected a name of the IANA list .*, or hours from UTC such as"):
        check_clock(clock)
