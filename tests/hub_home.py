"""A home folder with five months of the demo market and a small model, made once and copied by whoever changes it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from filelock import FileLock

from ml_data.build import build
from ml_data.demo_market import demo_bars
from ml_data.ingest import ingest_bars
from ml_data.store import Store
from ml_inference.inference_engine import MLInferenceEngine
from ml_inference.shadow import ShadowLoop, ShadowReport
from ml_models.model_registry import ModelRegistry
from ml_monitoring.outcome_logger import settle
from ml_training.recipe import Recipe, shipped_recipe
from ml_training.train_pipeline import train
from trading.domain.instrument import Instrument, read_instrument

ROOT = Path(__file__).resolve().parents[1]
DEMO: Instrument = read_instrument(ROOT / "config" / "instruments" / "DEMO.toml")
MODEL = "directional-DEMO"
BREAK_RECIPES = ("entry_quality", "r_multiple", "range_ahead", "orb_ensemble")
FIRST_DAY, LAST_DAY = date(2023, 1, 3), date(2023, 6, 2)
SEED = 7
TRAINED_UNTIL = date(2023, 4, 28)
LOGGED_DAYS = ("2023-05-15", "2023-05-26")
BREAK_DAYS = ("2023-05-22", "2023-05-26")
NOW = datetime(2023, 7, 3, 12, 0, tzinfo=UTC)
STORES = Path("ml_data")
REGISTRY = Path("ml_models") / "registry"


def small_recipe(name: str = "directional", rule: str | None = None) -> Recipe:
    shipped = shipped_recipe(name, rule)
    faster = {"learning_rate": 0.15} if shipped.asked.targets else {}  # few rounds must be enough for the canary
    stack = (
        shipped.stack.model_copy(update={"folds": 2, "least_days": 3, "member_rounds": 20}) if shipped.stack else None
    )
    return shipped.model_copy(
        update={
            "stack": stack,
            "estimator": shipped.estimator.model_copy(
                update={"rounds": 60, "early_stopping_rounds": 60, "min_data_in_leaf": 20, **faster}
            ),
            "validation": shipped.validation.model_copy(update={"folds": 2, "final_window_days": 10, "blocks": None}),
            "checks": shipped.checks.model_copy(
                update={"audit_events": 1, "canary_rounds": 60 if shipped.asked.targets else 10}
            ),
        }
    )


def demo_table() -> pa.Table:
    return pa.concat_tables(demo_bars(DEMO, FIRST_DAY, LAST_DAY, SEED))


def make_home(folder: Path) -> None:
    """Store the demo bars under `folder`, build their history, and publish a small model of the days up to April."""
    store = Store(folder / STORES)
    ingest_bars(store, DEMO, [demo_table()], source_name="demo", now=NOW)
    build(store, DEMO)
    train(store, ModelRegistry(folder / REGISTRY), DEMO, small_recipe(), until=TRAINED_UNTIL, now=NOW, who="test")
    store.close()


def make_logged(demo_home: Path, folder: Path) -> None:
    """Make a copy of `demo_home` under `folder`, with the predictions of two weeks, not settled."""
    with using(copied(demo_home, folder / "home")) as opened:
        opened.replay(*LOGGED_DAYS)


def make_break_models(demo_home: Path, folder: Path) -> None:
    """Make a copy of `demo_home` under `folder` with a model of each family that is not about the direction.

    Their predictions of a week are logged and settled.
    """
    with using(copied(demo_home, folder / "home")) as opened:
        for recipe in BREAK_RECIPES:
            made = train(
                opened.store, opened.registry, DEMO, small_recipe(recipe), until=TRAINED_UNTIL, now=NOW, who="test"
            )
            opened.replay(*BREAK_DAYS, model=made.model)
        opened.replay(*BREAK_DAYS)
        settle(opened.store, DEMO, now=NOW)


def once(base: Path, name: str, make: Any) -> Path:
    """Return the folder `name` that `make(folder)` fills, made by the first of all test processes that asks for it."""
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = shared / name
    with FileLock(shared / f"{name}.lock"):
        if not folder.is_dir():
            aside = shared / f"{name}.new"
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir()
            make(aside)
            aside.rename(folder)
    return folder


@dataclass
class Clock:
    """A clock that stands still until it is set."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Home:
    """A home folder in use."""

    folder: Path
    store: Store
    registry: ModelRegistry
    clock: Clock = field(default_factory=Clock)

    def engine(self, **more: Any) -> MLInferenceEngine:
        arguments = {"model": MODEL, "clock": self.clock, **more}
        return MLInferenceEngine(self.store, arguments.pop("registry", self.registry), DEMO, **arguments)

    def replay(self, first: str, last: str, **more: Any) -> ShadowReport:
        loop = ShadowLoop(self.store, self.engine(**more), clock=self.clock, replayed=True)
        return loop.replay(DEMO, date.fromisoformat(first), date.fromisoformat(last))

    def journal(self, columns: str = "* EXCLUDE (logged_at, latency_ms)") -> list[tuple[Any, ...]]:
        """The predictions, as they would be compared."""
        question = f"SELECT {columns} FROM journal.ml_predictions ORDER BY prediction_id"
        with self.store.journal() as cursor:
            return cursor.execute(question).fetchall()

    def outcomes(self, columns: str = "* EXCLUDE (settled_at)") -> list[tuple[Any, ...]]:
        question = f"SELECT {columns} FROM journal.ml_outcomes ORDER BY prediction_id, revision"
        with self.store.journal() as cursor:
            return cursor.execute(question).fetchall()


@contextmanager
def using(folder: Path) -> Iterator[Home]:
    store = Store(folder / STORES)
    try:
        yield Home(folder, store, ModelRegistry(folder / REGISTRY))
    finally:
        store.close()


def copied(source: Path, target: Path) -> Path:
    return Path(shutil.copytree(source, target, symlinks=True))
