"""What the trader did: noted once, never changed, and a note made after the outcome is never mixed with one before."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ml_data.actions import note_action
from ml_data.journal import OutcomeRow, append_outcomes
from ml_data.journal_log import log_row, notes_of
from ml_data.store import Store
from tests.app_pages.small_home import put_forecasts
from tests.ml_monitoring.journal_tables import PENDING, REFUSED
from trading.errors import HubError, NothingStored

DECIDED = datetime(2025, 1, 2, 9, 5, tzinfo=UTC)
KNOWN = DECIDED + timedelta(minutes=60)
SETTLED = OutcomeRow("p0", "matured", "UP", True, 0.9, 0.9, KNOWN, None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    put_forecasts(made, [PENDING, REFUSED])
    yield made
    made.close()


def note(store: Store, action: str, why: str = "", minutes: float = 1, prediction_id: str = "p0") -> bool:
    return note_action(store, prediction_id, action, why, at=DECIDED + timedelta(minutes=minutes), by="ada")


def told(store: Store) -> list[tuple[str, str | None, bool]]:
    row = log_row(store, "p0", None)
    assert row is not None
    return [(each.action, each.why, each.in_time) for each in notes_of(row)]


def deeds(store: Store) -> tuple[str | None, str | None, str | None]:
    row = log_row(store, "p0", None)
    assert row is not None
    return row["did"], row["did_why"], row["did_late"]


def test_the_newest_note_counts_and_every_one_stays(store: Store):
    assert note(store, "followed", " as it said ")
    assert note(store, "ignored", minutes=2)
    assert told(store) == [("followed", "as it said", True), ("ignored", None, True)]
    assert deeds(store) == ("ignored", None, None)


def test_the_same_note_is_not_written_twice(store: Store):
    assert note(store, "followed", "a")
    assert not note(store, "followed", "a", minutes=2)
    assert note(store, "followed", "b", minutes=3)
    assert len(told(store)) == 2


def test_taking_back_is_a_row_and_can_be_followed_by_another_note(store: Store):
    note(store, "followed")
    note(store, "withdrawn", minutes=2)
    assert deeds(store) == (None, None, None)
    note(store, "opposite", minutes=3)
    assert [action for action, _, _ in told(store)] == ["followed", "withdrawn", "opposite"]
    assert deeds(store)[0] == "opposite"


def test_a_note_after_the_outcome_changes_nothing_that_was_noted_before_it(store: Store):
    note(store, "followed", "in time", minutes=59)
    append_outcomes(store, [SETTLED], KNOWN)
    note(store, "withdrawn", minutes=61)
    note(store, "ignored", "I knew it", minutes=62)
    assert [in_time for _, _, in_time in told(store)] == [True, False, False]
    assert deeds(store) == ("followed", "in time", "ignored")


def test_a_note_is_late_by_the_instant_the_outcome_was_known_not_by_when_it_was_settled(store: Store):
    note(store, "followed", minutes=59.99)
    note(store, "ignored", minutes=60)
    append_outcomes(store, [SETTLED], KNOWN + timedelta(days=1))
    assert deeds(store) == ("followed", None, "ignored")


def test_a_clock_set_back_after_the_outcome_was_settled_does_not_make_a_note_early(store: Store):
    append_outcomes(store, [SETTLED], KNOWN)
    note(store, "followed", minutes=1)
    assert deeds(store) == (None, None, "followed")


def test_an_outcome_that_is_corrected_does_not_move_a_note_to_the_other_side(store: Store):
    append_outcomes(store, [SETTLED], KNOWN)
    later = OutcomeRow("p0", "matured", "DOWN", False, -1.1, 0.0, KNOWN + timedelta(hours=5), None)
    append_outcomes(store, [later], KNOWN + timedelta(days=1))
    with store.journal_write() as cursor:  # as a note that was made before anything was settled
        cursor.execute(
            "INSERT INTO journal.ml_actions BY NAME SELECT 'p0' AS prediction_id, 'followed' AS action, 0 AS revision, "
            "false AS outcome_settled, $at AS acted_at",
            {"at": KNOWN + timedelta(hours=1)},
        )
    assert deeds(store) == (None, None, "followed")


def test_the_journal_as_it_stood_holds_no_later_note(store: Store):
    note(store, "followed", minutes=10)
    row = log_row(store, "p0", DECIDED + timedelta(minutes=9))
    assert row is not None
    assert (row["did"], notes_of(row)) == (None, ())


@pytest.mark.parametrize(
    ("action", "prediction_id", "minutes", "said"),
    [
        ("sometimes", "p0", 1, "'sometimes' is no action; expected one of followed, ignored, opposite, withdrawn."),
        ("followed", "p1", 1, "p1: refused (stale_bars), so there was no answer to follow."),
        ("followed", "p0", -1, "p0: decided at 2025-01-02T09:05:00Z, but the clock says 2025-01-02T09:04:00Z."),
        ("withdrawn", "p0", 1, "p0: nothing is noted that could be taken back."),
    ],
)
def test_what_cannot_be_noted_is_refused(store: Store, action: str, prediction_id: str, minutes: float, said: str):
    with pytest.raises(HubError, match=re.escape(said)):
        note(store, action, minutes=minutes, prediction_id=prediction_id)
    assert told(store) == []


def test_a_prediction_that_is_not_logged_is_told(store: Store):
    with pytest.raises(NothingStored, match="nosuch: no such prediction is logged"):
        note(store, "followed", prediction_id="nosuch")


def test_rows_of_the_time_before_notes_had_revisions_are_still_read(store: Store):
    with store.journal_write() as cursor:
        cursor.execute(
            "INSERT INTO journal.ml_actions (prediction_id, action, acted_at) VALUES ('p0', 'followed', $at)",
            {"at": DECIDED + timedelta(minutes=1)},
        )
    assert told(store) == [("followed", None, True)]
    assert deeds(store)[0] == "followed"
    note(store, "ignored", minutes=2)
    assert deeds(store)[0] == "ignored"
