"""Judging, promoting and taking back on a real store and registry, with a small version and literal forecasts."""

from dataclasses import replace
from datetime import date, timedelta

import pyarrow as pa
import pytest

from ml_data.stage_history import current_stage, stage_changes, stage_now
from ml_monitoring.gatekeeper import judge
from ml_monitoring.looks import MONITORS
from tests.ml_models.drafts import draft
from tests.ml_monitoring.live_journals import MGC, MODEL, after, live, rows
from tests.ml_monitoring.shelves import MADE, SETTINGS, Approved, Shelf, put
from trading.settings import GateSettings


def test_a_version_is_judged_approved_and_stays_while_its_evidence_stands(approved: Approved):
    shelf, at = approved
    assert stage_now(shelf.store, MODEL, shelf.version, at) == "advisory"
    assert stage_now(shelf.store, MODEL, shelf.version, at - timedelta(seconds=1)) == "shadow"
    assert shelf.taken_back(at + timedelta(days=1)) == []
    later = shelf.judged(at + timedelta(days=1))
    assert (later.stage, later.live) == ("hybrid", 0)  # the next stage starts at wealth 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("UPDATE journal.ml_outcomes SET r_net_advised = 0.8 WHERE prediction_id = 'p0'", "evidence_changed"),
        (
            "INSERT INTO journal.ml_outcomes BY NAME SELECT * REPLACE (1 AS revision, "
            "if(actual = 'UP', 'DOWN', 'UP') AS actual) FROM journal.ml_outcomes WHERE prediction_id = 'p1'",
            "evidence_changed",
        ),
        (
            "UPDATE journal.ml_predictions SET prob_up = 0.66, prob_down = 0.34 WHERE prediction_id = 'p2'",
            "evidence_changed",
        ),
        ("UPDATE journal.ml_predictions SET version_hash = 'g' WHERE prediction_id = 'p3'", "evidence_changed"),
    ],
)
def test_whatever_changes_under_an_approval_takes_the_version_back_at_once(approved: Approved, change: str, code: str):
    shelf, at = approved
    shelf.run(change)
    assert shelf.taken_back(at) == [code]
    assert stage_now(shelf.store, MODEL, shelf.version, at) == "shadow"
    assert shelf.taken_back(at) == []


def test_an_alarm_of_drift_closes_the_next_gate_and_takes_nothing_back(approved: Approved):
    shelf, at = approved
    shelf.run("UPDATE journal.ml_predictions SET features = [9.0, 9.0, 9.0, 9.0] WHERE trading_day > '2025-04-28'")
    assert shelf.taken_back(at) == []
    [alarms] = [gate.state for gate in shelf.judged(at).gates if gate.name == "alarms"]
    assert alarms == "bad"


def test_other_settings_void_an_approval(approved: Approved):
    shelf, at = approved
    assert shelf.taken_back(at, GateSettings(days=100)) == ["evidence_changed"]


def test_a_range_that_was_revised_voids_an_approval(approved: Approved):
    shelf, at = approved
    with shelf.store.market_write() as cursor:
        cursor.execute("UPDATE market.opening_ranges SET size = 9.9 WHERE trading_day = ?", [date(2025, 1, 2)])
    assert shelf.taken_back(at) == ["evidence_changed"]


def test_outcomes_that_come_later_leave_an_approval_alone(approved: Approved):
    shelf, at = approved
    more = live(replace(rows(1, 1.0)[0], day="2025-05-12", version=shelf.version))
    place = more.schema.get_field_index("prediction_id")
    put(shelf.store, more.set_column(place, "prediction_id", pa.array(["later"])))
    assert shelf.taken_back(at + timedelta(days=3)) == []


def test_a_damaged_version_is_taken_back(approved: Approved):
    shelf, at = approved
    path = next((shelf.registry.root / MODEL).glob("v_*/model.txt"))
    path.chmod(0o644)
    path.write_text(path.read_text() + "x")
    assert shelf.taken_back(at) == ["damaged_model"]


def test_a_new_version_starts_in_shadow_at_wealth_one(approved: Approved):
    shelf, at = approved
    newer = shelf.registry.publish(MODEL, draft(seed=2), now=MADE + timedelta(hours=1), who="test", why="newer")
    assert current_stage(stage_changes(shelf.store, MODEL), str(newer)) == "shadow"
    found, _ = judge(shelf.store, shelf.registry, MGC, MODEL, str(newer), at=at, settings=SETTINGS)
    assert (found.stage, found.live, found.skill, found.passed) == ("advisory", 0, None, False)


def test_verdicts_are_written_once_for_the_same_evidence_and_looks_once_a_week(shelf: Shelf):
    at = after(shelf.table)
    first = shelf.judged(at)
    shelf.judged(at)
    written = shelf.run("SELECT gate, evidence_hash, judged_at FROM journal.ml_gates")
    assert len(written) == len(first.gates)
    assert {row[1] for row in written} == {first.evidence_hash}
    looks = shelf.run("SELECT monitor, through FROM journal.ml_drift ORDER BY monitor")
    assert looks == [(name, date(2025, 5, 10)) for name in sorted(MONITORS)]
    shelf.judged(at, GateSettings(days=91))
    assert len(shelf.run("SELECT 1 FROM journal.ml_gates")) == 2 * len(first.gates)
