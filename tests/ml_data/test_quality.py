"""Holes are told from thin trading: literal hours and silences of micro gold, January 2024 (New York is UTC-5)."""

from collections.abc import Mapping
from datetime import date, timedelta

import pytest

from ml_data.quality import Hole, VolumeState, judged
from ml_data.quality_words import quality_lines, verdict
from tests.ml_data.bar_files import mgc
from tests.ml_data.quality_frames import at, facts

MONDAYS_TO_FRIDAYS = [day for n in range(33) if (day := date(2024, 1, 2) + timedelta(days=n)).weekday() < 5]
WEDNESDAY = date(2024, 1, 10)
Row = tuple[object, ...]


def hours(
    usual: Mapping[int, int], changed: Mapping[tuple[date, int], int] | None = None, volume: float = 50.0
) -> list[Row]:
    """Hours by UTC hour, with so many bars of 60; `changed` are other numbers on single days. 0 volume: none."""
    return [
        (day, f"{day} {hour:02}:00", (changed or {}).get((day, hour), bars), 60, volume * bars, 0 if volume else bars)
        for day in MONDAYS_TO_FRIDAYS
        for hour, bars in sorted(usual.items())
    ]


def silence(since: str, until: str, minutes: int, *, edge: bool = False, holiday: str | None = None) -> Row:
    return (date.fromisoformat(since[:10]), "MGCG4", since, until, minutes, edge, holiday)


def holes(*silences: Row, usual: Mapping[int, int]) -> list[tuple[str, int]]:
    found = judged(facts(hours(usual), silences), mgc()).holes
    return [(f"{hole.starts_at:%H:%M}", hole.minutes) for hole in found]


def test_an_hour_missing_at_the_open_is_a_hole():
    missing = silence("2024-01-10 14:00", "2024-01-10 15:00", 60)
    quality = judged(facts(hours({13: 60, 14: 60}, {(WEDNESDAY, 14): 0}), [missing]), mgc())
    assert quality.holes == (Hole(WEDNESDAY, WEDNESDAY, at("2024-01-10 14:00"), at("2024-01-10 15:00"), 60, 0.999),)


@pytest.mark.parametrize(
    ("bars", "minutes", "is_hole"),
    [
        (60, 6, False),
        (60, 7, True),  # where every minute trades
        (54, 19, False),  # where nine in ten do
        (54, 20, True),
        (18, 59, False),  # a thin night: an hour of nothing is nothing
    ],
)
def test_how_long_a_silence_must_be_depends_on_how_thin_the_hour_is(bars: int, minutes: int, is_hole: bool):
    missing = silence("2024-01-10 14:00", f"2024-01-10 14:{minutes:02}", minutes)
    assert bool(holes(missing, usual={13: 60, 14: bars})) is is_hole


def test_silences_without_an_open_minute_between_them_are_one_hole():
    before = silence("2024-01-10 21:30", "2024-01-10 22:00", 30, edge=True)  # New York 16:30, until the halt
    after = silence("2024-01-10 23:00", "2024-01-10 23:40", 40, edge=True)  # from its end
    assert holes(before, after, usual={21: 60, 23: 60}) == [("21:30", 70)]


def test_a_silence_on_a_holiday_is_kept_apart():
    early = silence("2024-01-17 19:30", "2024-01-17 22:00", 150, edge=True, holiday="New York")
    quality = judged(facts(hours({19: 60, 20: 60, 21: 60}), [early]), mgc())
    assert [hole.holiday for hole in quality.holes] == ["New York"]
    assert quality.certain_holes == ()
    lines = quality_lines(quality, mgc())
    assert verdict(lines) == "stored"
    [calendar] = [line for line in lines if line.what == "calendar"]
    assert calendar.sentence.endswith(
        "before the calendar COMEX_METALS says, or begin later, the last time on 2024-01-17 (New York): the calendar "
        "may be wrong, so no day is called bad for it"
    )


def test_two_days_say_nothing_of_what_is_usual():
    two_days = [row for row in hours({14: 60}) if row[0] in MONDAYS_TO_FRIDAYS[:2]]
    quality = judged(facts(two_days, [silence("2024-01-03 14:00", "2024-01-03 15:00", 60)]), mgc())
    assert quality.holes == ()


def test_hours_that_a_source_never_has_are_told_once_and_are_no_holes():
    nights = [silence(f"{day} 03:00", f"{day} 04:00", 60) for day in MONDAYS_TO_FRIDAYS]
    quality = judged(facts(hours({3: 0, 14: 60, 15: 60}), nights), mgc())
    assert (quality.holes, quality.absent_hours) == ((), (22,))  # 22:00 New York
    [told] = [line for line in quality_lines(quality, mgc()) if line.what == "hours"]
    assert told.sentence.startswith("no bars from 22:00 to 23:00 New York on usual days")


def test_what_is_missing_in_a_regular_pattern_is_lost_not_quiet():
    """Of each hour only the first 13 minutes are there: 78 % are missing."""
    each_hour = {hour: 13 for hour in range(1, 20)}
    cut = [
        silence(f"{day} {hour:02}:13", f"{day} {hour + 1:02}:00", 47)
        for day in MONDAYS_TO_FRIDAYS
        for hour in each_hour
    ]
    quality = judged(facts(hours(each_hour), cut), mgc())
    assert quality.recurrent == (13, 0, 19 * len(MONDAYS_TO_FRIDAYS))
    lines = quality_lines(quality, mgc())
    assert verdict(lines) == "stored with warnings"
    assert [line.what for line in lines if line.state == "look"] == ["pattern"]


RANGE = (WEDNESDAY, "2300", "2024-01-10 13:00", "2024-01-10 13:05")


@pytest.mark.parametrize(
    ("bars_an_hour", "bars", "void", "over"),
    [
        (60, 4, None, False),  # one minute missing is no hole anywhere
        (60, 3, None, True),
        (54, 3, None, False),  # where nine in ten minutes trade, two of five missing is thin
        (60, 0, "no_bars", True),
        (60, 0, "early_close", False),
        (60, 0, "holiday", False),
    ],
)
def test_a_range_over_a_hole_is_told_from_a_thin_one(bars_an_hour: int, bars: int, void: str | None, over: bool):
    ranges = [(*RANGE, bars, 5, void, "MGCG4")]
    assert judged(facts(hours({13: bars_an_hour}), ranges=ranges), mgc()).over_hole.tolist() == [over]


def test_a_range_inside_a_longer_hole_lies_over_it():
    hole = silence("2024-01-10 13:04", "2024-01-10 14:00", 56)
    quality = judged(facts(hours({13: 60}), [hole], ranges=[(*RANGE, 4, 5, None, "MGCG4")]), mgc())
    assert quality.over_hole.tolist() == [True]


def test_without_volume_its_features_are_off_by_name():
    quality = judged(facts(hours({14: 60}, volume=0.0)), mgc())
    assert quality.volume == VolumeState(60 * len(MONDAYS_TO_FRIDAYS), 60 * len(MONDAYS_TO_FRIDAYS), None)
    volume = quality_lines(quality, mgc())[-1]
    assert (volume.state, volume.sentence) == (
        "note",
        "there is none, so these features are off (missing): range_volume_to_hour, volume_to_median_20d",
    )


def test_a_volume_that_changes_its_unit_is_told_with_the_day():
    lots_from = MONDAYS_TO_FRIDAYS[12]
    rows = [(day, f"{day} 14:00", 60, 60, 3_000.0 if day < lots_from else 30.0, 0) for day in MONDAYS_TO_FRIDAYS]
    assert judged(facts(rows), mgc()).volume.unit_changes == lots_from


def test_nothing_stored_is_nothing_found():
    quality = judged(facts(), mgc())
    assert (quality.holes, quality.over_hole.tolist(), quality.absent_hours) == ((), [], ())


def test_on_a_holiday_a_silence_must_be_three_times_as_surprising():
    thin = silence("2024-01-17 14:00", "2024-01-17 14:19", 19, holiday="New York")
    outage = silence("2024-01-17 15:00", "2024-01-17 15:20", 20, holiday="New York")
    assert holes(thin, outage, usual={13: 60, 14: 60, 15: 60}) == [("15:00", 20)]


def test_a_holiday_in_the_middle_of_missing_weeks_is_a_part_of_the_hole():
    before = silence("2024-01-17 14:00", "2024-01-17 22:00", 480, edge=True)
    holiday = silence("2024-01-17 23:00", "2024-01-18 22:00", 1380, edge=True, holiday="New York")
    quality = judged(facts(hours({hour: 60 for hour in range(24)}), [before, holiday]), mgc())
    assert [(hole.minutes, hole.holiday) for hole in quality.holes] == [(1860, None)]
