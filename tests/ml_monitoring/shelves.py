"""A real store and registry with a small version and its literal live forecasts, for what is judged and taken back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from ml_data.stage_history import append_stage_change, stage_changes
from ml_data.store import Store
from ml_models.model_registry import ModelRegistry
from ml_monitoring.breaker_watch import Look, watch
from ml_monitoring.gatekeeper import judge, record, take_back
from ml_monitoring.gates import GateReport
from ml_monitoring.stages import promotion
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


Approved = tuple[Shelf, datetime]
"""A shelf whose version was let into advisory, and when."""


@contextmanager
def opened(home: Path) -> Iterator[Shelf]:
    store, registry = Store(home / "ml_data"), ModelRegistry(home / "registry")
    version = next(path.name for path in (home / "registry" / MODEL).glob("v_*"))
    try:
        yield Shelf(store, registry, version, forecasts(version))
    finally:
        store.close()


def forecasts(version: str) -> pa.Table:
    return live(*(replace(row, version=version) for row in rows(130, 0.66, seed=3)))


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


def approve(shelf: Shelf) -> None:
    at = after(shelf.table)
    decision = promotion(
        stage_changes(shelf.store, MODEL), shelf.judged(at), "advisory", at=at, by="Ann", why="skilled since January"
    )
    assert decision.change is not None, decision.reasons
    append_stage_change(shelf.store, decision.change)
