"""The moments at which a model is asked, and the names by which they are known everywhere."""

import hashlib
from datetime import UTC, date, datetime

import numpy as np

from ml_data.events import Event, EventRows, event_at, range_events
from ml_data.history import History, build_history
from tests.ml_data.bar_files import mgc
from tests.ml_data.written_bars import Bar, together, written

DAY, NEXT_DAY = date(2024, 2, 14), date(2024, 2, 15)
RANGE_0900: list[Bar] = [("09:00", 1005, 1010, 1000, 1005, 1.0)]
FLAT_1000: list[Bar] = [("10:00", 1005, 1005, 1005, 1005, 1.0)]
RANGE_1100: list[Bar] = [("11:03", 1005, 1006, 1004, 1005, 1.0)]
LATER: list[Bar] = [("12:00", 1005, 1005, 1005, 1005, 1.0)]

EVENT = Event(datetime(2024, 2, 13, 23, 5, tzinfo=UTC), "MGC", "orb_complete", DAY, "0900")


def named(history: History) -> list[tuple[date, str]]:
    rows = range_events(history)
    events = [event_at(history, rows, index) for index in range(len(rows))]
    return [(event.trading_day, event.orb) for event in events]


def test_complete_ranges_with_a_size_are_events_in_the_order_of_their_moment():
    history = build_history(
        written((DAY, RANGE_0900 + FLAT_1000 + RANGE_1100 + LATER), (NEXT_DAY, RANGE_0900 + LATER)), mgc()
    )
    # 1000 has no size; 1800 and the night's ranges have no bar.
    assert named(history) == [(DAY, "0900"), (DAY, "1100"), (NEXT_DAY, "0900")]


def test_a_range_is_no_event_until_its_last_minute_has_closed():
    assert named(build_history(written((DAY, RANGE_0900)), mgc())) == []
    told_by_a_later_bar: list[Bar] = [*RANGE_0900, ("09:04", 1005, 1005, 1005, 1005, 1.0)]
    assert named(build_history(written((DAY, told_by_a_later_bar)), mgc())) == [(DAY, "0900")]


def test_ranges_that_end_together_come_in_the_instruments_order():
    first, second = mgc().opening_ranges[:2]
    twice = mgc().model_copy(update={"opening_ranges": (second.model_copy(update={"starts": first.starts}), first)})
    history = build_history(written((DAY, RANGE_0900 + LATER)), twice)
    assert named(history) == [(DAY, "1000"), (DAY, "0900")]


def test_a_first_day_with_several_contracts_has_no_events_as_nobody_knew_its_contract():
    other = written((DAY, RANGE_0900), contract="MGCM4")
    leading: list[Bar] = [*RANGE_0900, ("12:00", 1005, 1005, 1005, 1005, 99.0)]
    history = build_history(together(written((DAY, leading), (NEXT_DAY, leading)), other), mgc())
    assert history.contracts.reason == ("first", "stay")
    assert named(history) == [(NEXT_DAY, "0900")]


def test_an_event_says_when_and_what_it_is():
    history = build_history(written((DAY, RANGE_0900 + LATER)), mgc())
    assert event_at(history, range_events(history), 0) == EVENT


def test_an_events_key_and_prediction_id_are_the_same_on_every_machine():
    assert EVENT.key == "MGC|orb_complete|2024-02-14|0900|2024-02-13T23:05:00Z"
    digest = hashlib.sha256(b"MGC|orb_complete|2024-02-14|0900|2024-02-13T23:05:00Z|v1").hexdigest()
    assert EVENT.prediction_id("v1") == digest[:32]
    assert EVENT.prediction_id("v2") != EVENT.prediction_id("v1")


def test_events_are_ordered_by_their_moment():
    later = Event(datetime(2024, 2, 13, 23, 6, tzinfo=UTC), "AAA", "orb_complete", date(2020, 1, 1), "0000")
    assert sorted([later, EVENT]) == [EVENT, later]


def test_marked_events_are_kept_in_order():
    rows = EventRows(np.array([0, 0, 1]), np.array([0, 2, 0]), np.array([5, 7, 1445]))
    kept = rows.where(np.array([True, False, True]))
    assert (kept.day.tolist(), kept.opening.tolist(), kept.decided.tolist()) == ([0, 1], [0, 0], [5, 1445])
    assert len(kept) == 2
