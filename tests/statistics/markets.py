"""Simulated markets whose truth is known, as bars that take the whole way: import, history, features, training.

The suite looks at `SEEDS` of them; `make nightly` at twenty (`STATISTICS_SEEDS=20`).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa

from ml_data import demo_market
from ml_data.bar_arrays import bar_arrays
from ml_data.demo_market import demo_bars
from ml_data.history import History, build_history
from ml_data.ingest import ingest_bars
from ml_data.store import Store
from ml_models.model_registry import ModelRegistry
from ml_training.recipe import Recipe, shipped_recipe
from ml_training.train_pipeline import train
from ml_training.train_report import TrainReport
from tests.hub_home import DEMO
from trading.domain.bar import MINUTE_US

FIRST_DAY, LAST_DAY = date(2023, 1, 3), date(2023, 12, 29)
PLANTED_SINCE = date(2022, 1, 3)
NOW = datetime(2024, 1, 2, 12, tzinfo=UTC)
SEEDS = range(1, 1 + int(os.environ.get("STATISTICS_SEEDS", "3")))
MANY = len(SEEDS) > 3
STEADY_TRADES = 60.0
QUICK_MINUTES, DRIFT_MINUTES, DRIFT_SIZES = 3, 15, 1.5
_PRICES = ("open", "high", "low", "close")


def martingale(seed: int, first_day: date = FIRST_DAY, last_day: date = LAST_DAY) -> pa.Table:
    """The demo market, to the end of 2023: an exact martingale on the tick grid."""
    return pa.concat_tables(demo_bars(DEMO, first_day, last_day, seed))


def steady_market(seed: int) -> pa.Table:
    """The demo market without its course of the day and its busy and quiet days: every minute is like every other."""
    with (
        patch.object(demo_market, "daily_activity", lambda days, _: np.ones(len(days))),
        patch.object(demo_market, "expected_trades", lambda minutes, *_: np.full(len(minutes), STEADY_TRADES)),
    ):
        return martingale(seed)


def continuing_market(seed: int, since: date = PLANTED_SINCE) -> pa.Table:
    """Two years of a martingale but for one thing: a break within `QUICK_MINUTES` of its range's end goes on that way.

    Until the day `since` it is a martingale throughout. From the bar after the break the price drifts by `DRIFT_SIZES`
    sizes of the range over `DRIFT_MINUTES`, and stays there. Every later range is what the prices moved so far make it.
    """
    base = martingale(seed, PLANTED_SINCE)
    stamps = base.column("ts").cast(pa.int64()).to_numpy() // MINUTE_US
    first, ticks = int(stamps.min()), np.zeros(int(stamps.max() - stamps.min()) + 1)
    for opening in range(len(DEMO.opening_ranges)):
        history = build_history(bar_arrays(_moved(base, stamps - first, ticks), DEMO.tick), DEMO)
        rows = history.break_rows[:, opening]
        for day in np.flatnonzero((rows >= 0) & (history.days >= np.datetime64(since))):
            broke = int(history.bars.minute[rows[day]]) + 1
            if broke - int(history.windows.range_ends[day, opening]) <= QUICK_MINUTES:
                high, low = history.ranges.prices[day, opening, 1:3]
                ramp = np.minimum(np.arange(1, len(ticks) - (broke - first) + 1) / DRIFT_MINUTES, 1.0)
                ticks[broke - first :] += history.directions[day, opening] * DRIFT_SIZES * (high - low) * ramp
    return _moved(base, stamps - first, ticks)


def _moved(table: pa.Table, place: np.ndarray, ticks: np.ndarray) -> pa.Table:
    """Return bars moved by so many whole ticks a minute."""
    shift = np.rint(ticks)[place] * DEMO.tick
    for name in _PRICES:
        prices = np.round(table.column(name).to_numpy() + shift, DEMO.price_decimals)
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), pa.array(prices))
    return table


def changed_market(base: pa.Table, changed_on: date, factor: float) -> pa.Table:
    """A market that from `changed_on` on moves `factor` times as far, away from where it stood."""
    stamps = base.column("ts").cast(pa.int64()).to_numpy() // MINUTE_US
    after = stamps >= np.datetime64(changed_on, "m").astype(np.int64)
    stood = base.column("close").to_numpy()[~after][-1]
    for name in _PRICES:
        prices = base.column(name).to_numpy().copy()
        ticks = np.rint((stood + factor * (prices[after] - stood)) / DEMO.tick)
        prices[after] = np.round(ticks * DEMO.tick, DEMO.price_decimals)
        base = base.set_column(base.schema.get_field_index(name), base.schema.field(name), pa.array(prices))
    return base


def history_of(table: pa.Table) -> History:
    return build_history(bar_arrays(table, DEMO.tick), DEMO)


def small(name: str, rule: str | None = None) -> Recipe:
    """The shipped recipe at less cost for tests and checks; its alarm for too good a result lets an edge pass."""
    shipped = shipped_recipe(name, rule)
    limit = {"most_plausible_r2": 0.6} if shipped.asked.targets else {"most_plausible_auc": 0.9}
    cheap = {"audit_events": 1, "canary_folds": 1}
    return shipped.model_copy(
        update={
            "validation": shipped.validation.model_copy(update={"folds": 3, "final_window_days": 30, "blocks": None}),
            "checks": shipped.checks.model_copy(update={**cheap, **limit}),
            "stack": shipped.stack and shipped.stack.model_copy(update={"least_days": 5}),
        }
    )


@contextmanager
def stored(table: pa.Table, folder: Path) -> Iterator[Store]:
    store = Store(folder / "home")
    try:
        ingest_bars(store, DEMO, [table], source_name="simulated", now=NOW)
        yield store
    finally:
        store.close()


def trained(store: Store, folder: Path, recipe: Recipe) -> TrainReport:
    return train(store, ModelRegistry(folder / "registry"), DEMO, recipe, until=None, now=NOW, who="test")
