"""One year of the demo market, and a recipe that is small enough for it."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from ml_data.bar_arrays import BarArrays, bar_arrays
from ml_data.demo_market import demo_bars
from ml_data.history import History, build_history
from ml_training.dataset import Dataset, dataset_of
from ml_training.recipe import Recipe, shipped_recipe
from trading.domain.instrument import Instrument, read_instrument

INSTRUMENTS = Path(__file__).resolve().parents[2] / "config" / "instruments"


@pytest.fixture(scope="session")
def demo() -> Instrument:
    return read_instrument(INSTRUMENTS / "DEMO.toml")


@pytest.fixture(scope="session")
def demo_table(demo: Instrument) -> pa.Table:
    return pa.concat_tables(demo_bars(demo, date(2023, 1, 3), date(2023, 12, 29), 7))


@pytest.fixture(scope="session")
def bars(demo: Instrument, demo_table: pa.Table) -> BarArrays:
    return bar_arrays(demo_table, demo.tick)


@pytest.fixture(scope="session")
def history(demo: Instrument, bars: BarArrays) -> History:
    return build_history(bars, demo)


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    shipped = shipped_recipe("directional")
    return shipped.model_copy(
        update={
            "estimator": shipped.estimator.model_copy(update={"rounds": 120, "early_stopping_rounds": 30}),
            "validation": shipped.validation.model_copy(update={"folds": 3, "final_window_days": 50, "blocks": None}),
            "checks": shipped.checks.model_copy(update={"audit_events": 3, "canary_rounds": 30}),
        }
    )


@pytest.fixture(scope="session")
def dataset(history: History, recipe: Recipe) -> Dataset:
    return dataset_of(history, recipe)
