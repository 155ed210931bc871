"""The demo market over autumn and winter: both changes of clocks, a half day, holidays, rolls, thin minutes."""

from datetime import date

import pyarrow as pa
import pytest

from ml_data.bar_arrays import BarArrays, bar_arrays
from ml_data.demo_market import demo_bars
from ml_data.events import EventRows, range_events
from ml_data.feature_matrix import FeatureMatrix, feature_matrix
from ml_data.history import History, build_history
from tests.ml_data.bar_files import INSTRUMENTS
from trading.domain.instrument import Instrument, read_instrument


@pytest.fixture(scope="session")
def demo() -> Instrument:
    return read_instrument(INSTRUMENTS / "DEMO.toml")


@pytest.fixture(scope="session")
def demo_history(demo: Instrument) -> History:
    table = pa.concat_tables(demo_bars(demo, date(2023, 10, 2), date(2024, 1, 31), 7))
    bars: BarArrays = bar_arrays(table, demo.tick)
    return build_history(bars, demo)


@pytest.fixture(scope="session")
def demo_events(demo_history: History) -> EventRows:
    return range_events(demo_history)


@pytest.fixture(scope="session")
def demo_matrix(demo_history: History, demo_events: EventRows) -> FeatureMatrix:
    return feature_matrix(demo_history, demo_events)
