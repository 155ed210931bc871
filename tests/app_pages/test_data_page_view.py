from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from app_pages.data_queries import Built, StoredData
from app_pages.data_tables import hole_frame, range_frame
from app_pages.data_view import (
    Age,
    age_of,
    coverage_sentence,
    hole_sentence,
    import_sentence,
    next_step,
    reject_sentence,
    roll_sentence,
    silence_sentence,
)
from ml_data.quality import Hole, judged
from tests.app_pages.small_home import MGC
from tests.ml_data.quality_frames import at, facts

NONE = pd.DataFrame()
FIRST, LAST = datetime(2025, 6, 1, 22, 0, tzinfo=UTC), datetime(2025, 6, 4, 20, 59, tzinfo=UTC)
FRESH = Age(timedelta(0), 0)


def stored(*, through: datetime | None = LAST, waiting: int = 0, current: bool = True) -> StoredData:
    built = Built(3, 18, 100, through, waiting, current)
    return StoredData(10, 1, FIRST, LAST, NONE, NONE, NONE, NONE, NONE, NONE, 0, built, {}, judged(facts(), MGC))


@pytest.mark.parametrize(
    ("now", "length", "missed"),
    [
        ("2025-06-04T21:00Z", timedelta(0), 0),
        ("2025-06-04T21:59Z", timedelta(minutes=59), 0),  # the daily halt
        ("2025-06-04T22:07Z", timedelta(minutes=67), 7),
        ("2025-06-08T22:00Z", timedelta(days=4, hours=1), 2760),  # Thursday and Friday were missed, the weekend was not
    ],
)
def test_the_age_counts_minutes_of_open_market(now: str, length: timedelta, missed: int):
    assert age_of(MGC, LAST, datetime.fromisoformat(now)) == Age(length, missed)


@pytest.mark.parametrize(
    ("found", "age", "title"),
    [
        (stored(), FRESH, None),
        (stored(), Age(timedelta(hours=23), 1440), None),
        (stored(), Age(timedelta(days=2), 1441), "The bars are behind"),
        (stored(through=None), Age(timedelta(days=2), 9999), "History is not built"),
        (stored(waiting=2, current=False), FRESH, "Bars are newer than the history"),
        (stored(current=False), FRESH, "The history follows older definitions"),
    ],
)
def test_the_next_step_is_the_first_thing_that_is_missing(found: StoredData, age: Age, title: str | None):
    step = next_step(found, MGC, age, stale_minutes=3)
    assert (None if step is None else step.title) == title
    assert step is None or step.sentence.count("`hub ") == 1


def test_coverage_names_the_thinnest_session_and_counts_the_empty_ones():
    coverage = pd.DataFrame(
        {
            "session": ["asia", "asia", "pre_ny"],
            "bars": [480, 470, 45],
            "expected": [480, 480, 90],
            "empty": [0, 0, 1],
        }
    )
    assert coverage_sentence(coverage) == (
        "995 of 1,050 minutes in sessions have a bar, fewest in Pre New York with 50.0 %. Without any bar: 1 session. "
        "A minute without a trade has no bar: thin is not missing."
    )
    assert coverage_sentence(coverage[:0]) == "No session is complete yet."


RANGES = pd.DataFrame(
    {
        "trading_day": [date(2025, 6, 4), date(2025, 6, 3), date(2025, 6, 2), date(2025, 5, 26), date(2025, 1, 1)],
        "orb": ["1800", "0900", "0900", "0030", "0900"],
        "bars": [0, 4, 2, 0, 0],
        "expected_bars": [5, 5, 5, 5, 5],
        "void_reason": ["no_bars", None, None, "early_close", "holiday"],
        "contract": ["MGCQ5", "MGCQ5", "MGCQ5", "MGCQ5", None],
    }
)


OVER = np.array([True, False, True, False, False])


def test_holidays_are_counted_and_not_listed_and_a_hole_is_told_from_a_thin_minute():
    assert range_frame(RANGES, OVER)[["Range", "Bars", "State", "Why"]].values.tolist() == [
        ["18:00", "0 of 5", "✕ void", "no bar at all: an outage, or a file is missing"],
        ["09:00", "4 of 5", "… thin", "1 minute without a bar"],
        ["09:00", "2 of 5", "! over a hole", "3 minutes without a bar, which usually trade"],
        ["00:30", "0 of 5", "✕ void", "the exchange closed early"],
    ]
    assert hole_sentence(RANGES, 15, OVER) == (
        "Of 18 opening ranges 3 are void (1 no bars, 1 early close, 1 holiday) and 2 are thin: minutes without a bar, "
        "most often 09:00 (2); 1 is over a hole: such minutes usually trade, so high and low may be wrong. A void "
        "range is never traded or forecast; the others are, and say so."
    )


def test_silences_of_holidays_are_listed_but_not_counted():
    day = date(2022, 6, 20)
    hole = Hole(day, day, at("2022-06-20 13:30"), at("2022-06-20 14:30"), 60, 0.99)
    juneteenth = Hole(day, day, at("2022-06-20 18:30"), at("2022-06-20 22:00"), 150, 0.97, "New York")
    assert silence_sentence([hole, juneteenth]).startswith(
        "1 hole: 60 open minutes missing that usually have a bar. 1 more silence on a holiday of New York or London"
    )
    assert hole_frame([hole, juneteenth], MGC).values.tolist() == [
        ["2022-06-20 14:30", "2022-06-20 18:00", 150, 97.0, "? holiday in New York: perhaps closed"],
        ["2022-06-20 09:30", "2022-06-20 10:30", 60, 99.0, "✕ missing"],
    ]


def test_without_holes_the_sentence_says_so():
    assert hole_sentence(RANGES[:0], 6, OVER[:0]) == "Of 6 opening ranges 0 are void; no other lacks a minute."
    assert hole_sentence(RANGES[:0], 0, OVER[:0]) == "No opening range is built yet."


def test_a_roll_says_how_it_was_decided():
    rolls = pd.DataFrame(
        {"trading_day": [date(2025, 5, 29)], "before": ["MGCM5"], "contract": ["MGCQ5"], "volume_share": [0.5558]}
    )
    assert roll_sentence(rolls) == (
        "1 roll; the last from MGCM5 to MGCQ5, on 29 May 2025, because it had 56 % of both contracts' volume on the "
        "day before. Nothing is differenced across a roll."
    )
    assert roll_sentence(rolls[:0]) == "The contract never changed: nothing had to be joined."


def test_imports_add_up_and_rejects_name_the_commonest_reason():
    imports = pd.DataFrame({"rows_read": [5, 4], "rows_stored": [3, 4], "rows_rejected": [2, 0]})
    assert import_sentence(imports, revised=0).startswith(
        "2 imports read 9 rows and stored 7 bars; rejected: 2 rows; changed by a later file: 0 bars."
    )
    assert import_sentence(imports[:0], revised=0).startswith("No file was imported")
    rejects = pd.DataFrame({"reason": ["high below low"]})
    assert reject_sentence(rejects, imports) == (
        "Rejected: 2 rows, most often because: high below low (1); the table shows 1 of the newest imports."
    )
