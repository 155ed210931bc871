"""Judging, promoting and taking back on a real store and registry, with a small version and literal forecasts."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ml_data.stage_history import append_stage_change, current_stage, stage_changes, stage_now
from ml_data.store import Store
from ml_models.model_registry import ModelRegistry
from ml_monitoring.breaker_watch import Look, watch
from ml_monitoring.gatekeeper import judge, record, take_back
from ml_monitoring.gates import GateReport
from ml_monitoring.looks import MONITORS
from ml_monitoring.stages import promotion
from tests.ml_models.drafts import draft
from tests.ml_monitoring.live_journals import MGC, MODEL, after, live, rows
from trading.settings import BreakerSettings, GateSettings

MADE = datetime(2024, 12, 30, 12, 0, tzinfo=UTC)
SETTINGS = GateSettings()
BREAKER = BreakerSettings()


@dataclass
class Shelf:
    store: Store
    registry: ModelRegistry
    version: str
    table: pa.Table

    def looked(self, at: datetime, **more: Any) -> Look:
        """The breaker's look, a minute after a bar."""
        bar(self.store, at - timedelta(minutes=1))
        return watch(self.store, self.registry, MGC, MODEL, at=at, settings=BREAKER, **more)

    def judged(self, at: datetime, settings: GateSettings = SETTINGS, **more: Any) -> GateReport:
        self.looked(at)
        found, monitoring = judge(self.store, self.registry, MGC, MODEL, self.version, at=at, settings=settings, **more)
        record(self.store, found, monitoring)
        return found

    def taken_back(self, at: datetime, settings: GateSettings = SETTINGS) -> list[str]:
        bar(self.store, at - timedelta(minutes=1))
        moves = take_back(self.store, self.registry, MGC, MODEL, at=at, settings=settings, breaker=BREAKER)
        return [move.why.partition(":")[0] for move in moves]

    def run(self, statement: str, *values: Any) -> list[Any]:
        with self.store.journal_write() as cursor:
            return cursor.execute(statement, list(values)).fetchall()


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    store, registry = Store(tmp_path / "ml_data"), ModelRegistry(tmp_path / "registry")
    version = str(registry.publish(MODEL, draft(), now=MADE, who="test", why="a small one"))
    table = live(*(replace(row, version=version) for row in rows(130, 0.66, seed=3)))
    put(store, table)
    yield Shelf(store, registry, version, table)
    store.close()


def put(store: Store, table: pa.Table) -> None:
    """Write the rows as the engine and settlement would, with four inputs each, and the ranges they are about."""
    told = table.to_pylist()
    outcome = ("state", "actual", "correct", "r_net", "r_net_advised", "known_at", "void_reason", "settled_at")
    inputs = {"features": [0.1, 0.2, 0.3, 0.4], "reasons": [0.01, 0.0, 0.0, 0.0], "schema_hash": "s" * 64}
    asked = {"instrument": "MGC", "kind": "orb_complete", "model": MODEL, "role": "champion", **inputs}
    said = [{name: value for name, value in row.items() if name not in outcome} | asked for row in told]
    came = [{name: row[name] for name in ("prediction_id", *outcome)} | {"revision": 0} for row in told]
    ranges = [
        {"instrument": "MGC", "trading_day": row["trading_day"], "orb": row["orb"], "size": 10.0, "close": 2600.0}
        for row in told
    ]
    with store.market_write() as cursor:
        cursor.register("fresh", pa.Table.from_pylist(ranges))
        cursor.execute("INSERT INTO market.opening_ranges BY NAME SELECT * FROM fresh")
        cursor.unregister("fresh")
    with store.journal_write() as cursor:
        for name, fresh in (("ml_predictions", said), ("ml_outcomes", came)):
            cursor.register("fresh", pa.Table.from_pylist(fresh))
            cursor.execute(f"INSERT INTO journal.{name} BY NAME SELECT * FROM fresh")
            cursor.unregister("fresh")


def bar(store: Store, starts: datetime) -> None:
    with store.market_write() as cursor:
        cursor.execute(
            "INSERT INTO market.bars_1m BY NAME SELECT 'MGC' AS instrument, 'MGCQ5' AS contract, ? AS ts, "
            "2600.0 AS open, 2600.0 AS high, 2600.0 AS low, 2600.0 AS close, 1 AS volume",
            [starts],
        )


def approved(shelf: Shelf) -> datetime:
    at = after(shelf.table)
    decision = promotion(
        stage_changes(shelf.store, MODEL), shelf.judged(at), "advisory", at=at, by="Ann", why="skilled since January"
    )
    assert decision.change is not None, decision.reasons
    append_stage_change(shelf.store, decision.change)
    return at


def test_a_version_is_judged_approved_and_stays_while_its_evidence_stands(shelf: Shelf):
    at = approved(shelf)
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
        ("UPDATE journal.ml_predictions SET features = [9.0, 9.0, 9.0, 9.0] WHERE trading_day > '2025-04-28'", "alarm"),
    ],
)
def test_whatever_changes_under_an_approval_takes_the_version_back_at_once(shelf: Shelf, change: str, code: str):
    at = approved(shelf)
    shelf.run(change)
    assert shelf.taken_back(at) == [code]
    assert stage_now(shelf.store, MODEL, shelf.version, at) == "shadow"
    assert shelf.taken_back(at) == []


def test_other_settings_void_an_approval(shelf: Shelf):
    at = approved(shelf)
    assert shelf.taken_back(at, GateSettings(days=100)) == ["evidence_changed"]


def test_a_range_that_was_revised_voids_an_approval(shelf: Shelf):
    at = approved(shelf)
    with shelf.store.market_write() as cursor:
        cursor.execute("UPDATE market.opening_ranges SET size = 9.9 WHERE trading_day = ?", [date(2025, 1, 2)])
    assert shelf.taken_back(at) == ["evidence_changed"]


def test_outcomes_that_come_later_leave_an_approval_alone(shelf: Shelf):
    at = approved(shelf)
    more = live(replace(rows(1, 1.0)[0], day="2025-05-12", version=shelf.version))
    place = more.schema.get_field_index("prediction_id")
    put(shelf.store, more.set_column(place, "prediction_id", pa.array(["later"])))
    assert shelf.taken_back(at + timedelta(days=3)) == []


def test_a_damaged_version_is_taken_back(shelf: Shelf):
    at = approved(shelf)
    path = next((shelf.registry.root / MODEL).glob("v_*/model.txt"))
    path.chmod(0o644)
    path.write_text(path.read_text() + "x")
    assert shelf.taken_back(at) == ["damaged_model"]


def test_a_new_version_starts_in_shadow_at_wealth_one(shelf: Shelf):
    at = approved(shelf)
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
