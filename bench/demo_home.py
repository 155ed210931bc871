"""A home folder with 18 months of the demo market, their history and a model, for benchmarks of asking."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from bench.measure import ROOT
from ml_data.build import build
from ml_data.demo_market import demo_bars
from ml_data.ingest import ingest_bars
from ml_data.store import Store
from ml_inference.inference_engine import MLInferenceEngine
from ml_models.model_registry import ModelRegistry
from ml_models.model_version import model_name
from ml_training.recipe import shipped_recipe
from ml_training.train_pipeline import train
from trading.domain.instrument import Instrument, read_instrument

FIRST, LAST, UNTIL = date(2023, 1, 2), date(2024, 6, 28), date(2024, 4, 30)
ASKED = (date(2024, 6, 3), date(2024, 6, 27))
"""The days whose events are asked about; the model knows none of them."""


def clock() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class DemoHome:
    """The home, opened; nothing is predicted in it yet."""

    store: Store
    registry: ModelRegistry
    instrument: Instrument

    def engine(self) -> MLInferenceEngine:
        """Return an engine that has read nothing yet."""
        model = model_name("directional", self.instrument.symbol)
        return MLInferenceEngine(self.store, self.registry, self.instrument, model=model, clock=clock)


@contextmanager
def demo_home() -> Iterator[Path]:
    """Yield a folder with a new demo home; open copies of it with `copied`."""
    with tempfile.TemporaryDirectory() as folder:
        made = opened(Path(folder))
        bars = demo_bars(made.instrument, FIRST, LAST, 1)
        ingest_bars(made.store, made.instrument, bars, source_name="bench", now=clock())
        build(made.store, made.instrument)
        recipe = shipped_recipe("directional")
        train(made.store, made.registry, made.instrument, recipe, until=UNTIL, now=clock(), who="bench")
        made.store.close()
        yield Path(folder)


@contextmanager
def copied(home: Path) -> Iterator[DemoHome]:
    """Yield a copy of `home`, gone after the block."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(home, folder, dirs_exist_ok=True)
        copy = opened(Path(folder))
        yield copy
        copy.store.close()


def opened(folder: Path) -> DemoHome:
    """Return the home in `folder`, in use."""
    instrument = read_instrument(ROOT / "config" / "instruments" / "DEMO.toml")
    return DemoHome(Store(folder), ModelRegistry(folder / "registry"), instrument)
