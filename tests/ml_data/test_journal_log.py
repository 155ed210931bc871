"""The log: every filter lets through what it names, in each order, a page at a time, as the journal stood."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from ml_data.actions import note_action
from ml_data.journal_log import LogFilter, Sort, log_options, log_row, log_rows
from ml_data.store import Store
from tests.app_pages.small_home import put_forecasts
from tests.ml_monitoring.journal_tables import PENDING, REFUSED, UP, VOID, WRONG, Row

MISSED = replace(REFUSED, refusal="missed", day="2025-03-11", orb="0900")
ROWS: tuple[Row, ...] = (
    replace(UP, day="2025-03-07"),  # p0, a Friday
    replace(WRONG, day="2025-03-10", orb="1000", replayed=True),
    replace(VOID, day="2025-03-10", orb="1100", version="v_20250202_000000-bbbbb"),
    replace(REFUSED, day="2025-03-10", orb="1800"),
    replace(PENDING, day="2025-03-10", orb="2300", advice="NONE"),
    MISSED,  # p5
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made = Store(tmp_path_factory.mktemp("log"))
    put_forecasts(made, ROWS)
    note_action(made, "p4", "followed", "the 4 reasons", at=datetime(2025, 3, 10, 23, 6, tzinfo=UTC), by="ada")
    note_action(made, "p0", "opposite", "hindsight", at=datetime(2025, 3, 20, tzinfo=UTC), by="ada")
    yield made
    made.close()


def ids(store: Store, chosen: LogFilter, sort: Sort = "newest", **page: int) -> list[str]:
    found: list[str] = log_rows(store, chosen, sort=sort, **page)["prediction_id"].to_pylist()
    return found


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["p5", "p4", "p3", "p2", "p1", "p0"]),
        ({"models": ("directional-MGC",)}, ["p5", "p4", "p3", "p2", "p1", "p0"]),
        ({"models": ("range_ahead-MGC",)}, []),
        ({"versions": ("v_20250202_000000-bbbbb",)}, ["p2"]),
        ({"roles": ("challenger",)}, []),
        ({"stages": ("shadow",), "orbs": ("1000", "1800")}, ["p3", "p1"]),
        ({"replayed": True}, ["p1"]),
        ({"replayed": False, "orbs": ("0900",)}, ["p5", "p0"]),
        ({"weekdays": (5,)}, ["p0"]),
        ({"first": date(2025, 3, 10), "last": date(2025, 3, 10)}, ["p4", "p3", "p2", "p1"]),
        ({"advices": ("NONE",)}, ["p4"]),
        ({"results": ("right",)}, ["p0"]),
        ({"results": ("wrong", "void")}, ["p2", "p1"]),
        ({"results": ("pending",)}, ["p4"]),
        ({"results": ("refused",)}, ["p3"]),
        ({"results": ("missed",)}, ["p5"]),
        ({"actions": ("followed",)}, ["p4"]),
        ({"actions": ("opposite",)}, []),
        ({"actions": ("late",)}, ["p0"]),
        ({"actions": ("nothing", "followed"), "orbs": ("2300",)}, ["p4"]),
        ({"text": " REASONS "}, ["p4"]),
        ({"text": "too old"}, ["p5", "p3"]),
        ({"text": "missing_bars"}, ["p2"]),
        ({"text": "%"}, []),
    ],
)
def test_a_row_is_shown_when_every_filter_lets_it_through(store: Store, filters: dict[str, object], found: list[str]):
    assert ids(store, LogFilter("MGC", **filters)) == found  # type: ignore[arg-type]


def test_another_instrument_has_a_log_of_its_own(store: Store):
    assert ids(store, LogFilter("NQ")) == []


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("oldest", ["p0", "p1", "p2", "p3", "p4", "p5"]),
        ("best", ["p5", "p3", "p0", "p1", "p4", "p2"]),  # refused rows have the plain rule's R too
        ("worst", ["p1", "p5", "p3", "p0", "p4", "p2"]),
    ],
)
def test_rows_come_in_the_order_that_was_asked_for(store: Store, sort: Sort, found: list[str]):
    assert ids(store, LogFilter("MGC"), sort) == found


def test_pages_hold_every_row_once(store: Store):
    pages = [ids(store, LogFilter("MGC"), most=4, skip=skip) for skip in (0, 4, 8)]
    assert pages == [["p5", "p4", "p3", "p2"], ["p1", "p0"], []]


def test_what_was_not_known_yet_is_pending_and_what_was_not_said_yet_is_not_there(store: Store):
    at = datetime(2025, 3, 10, 10, 30, tzinfo=UTC)
    found = log_rows(store, LogFilter("MGC", known_by=at))
    assert found["prediction_id"].to_pylist() == ["p1", "p0"]
    assert found["result"].to_pylist() == ["pending", "right"]
    assert log_row(store, "p2", at) is None
    assert ids(store, LogFilter("MGC", known_by=at + timedelta(hours=1), results=("wrong",))) == ["p1"]


@pytest.mark.parametrize(
    ("filters", "knows"),
    [
        ({"results": ("right",)}, True),
        ({"results": ("right", "pending")}, True),
        ({"results": ("right", "wrong")}, False),
        ({"results": ("void",)}, False),
        ({"actions": ("late",)}, True),
        ({"actions": ("followed",)}, False),
        ({"text": "x"}, True),
        ({"advices": ("UP",), "orbs": ("0900",)}, False),
    ],
)
def test_a_choice_by_what_came_knows_the_outcomes(filters: dict[str, object], knows: bool):
    assert LogFilter("MGC", **filters).knows_outcomes is knows  # type: ignore[arg-type]


def test_options_are_what_is_there(store: Store):
    found = log_options(store, "MGC", None)
    assert found.versions == ("v_20250202_000000-bbbbb", "v_20250101_000000-aaaaa")
    assert (found.advices, found.weekdays, found.logged) == (("NONE", "UP"), (1, 2, 5), 6)
    assert (found.first_day, found.last_day) == (date(2025, 3, 7), date(2025, 3, 11))
    assert log_options(store, "NQ", None).models == ()
