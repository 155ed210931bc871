"""Simulated markets whose truth is known, as bars that take the whole way: import, history, features, training.

The suite looks at `SEEDS` of them; `make nightly` at twenty (`STATISTICS_SEEDS=20`).
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa

from ml_data import demo_market
from ml_data.bar_arrays import bar_arrays
from ml_data.demo_market import demo_bars
from ml_data.events import break_events
from ml_data.feature_matrix import every_group, feature_matrix
from ml_data.history import History, build_history
from ml_data.ingest import ingest_bars
from ml_data.store import Store
from ml_models.model_registry import ModelRegistry
from ml_training.dataset import Dataset
from ml_training.evaluation import Evaluation, baselines_of, evaluate, pooled
from ml_training.recipe import Recipe, shipped_recipe
from ml_training.train_pipeline import train
from ml_training.train_report import TrainReport
from ml_training.training import plan_of
from ml_training.walk_forward import rows_tested, walk_forward
from tests.hub_home import DEMO
from trading.domain.bar import MINUTE_US

FIRST_DAY, LAST_DAY = date(2023, 1, 3), date(2023, 12, 29)
PLANTED_SINCE = date(2022, 1, 3)
NOW = datetime(2024, 1, 2, 12, tzinfo=UTC)
SEEDS = range(1, 1 + int(os.environ.get("STATISTICS_SEEDS", "3")))
MANY = len(SEEDS) > 3
STEADY_TRADES = 60.0
QUICK_MINUTES = 2  # 43 of 100 breaks: costs of the others make trading all of them dear
DRIFT_MINUTES, DRIFT_SIZES = 15, 1.5
_PRICES = ("open", "high", "low", "close")


def martingale(seed: int, first_day: date = FIRST_DAY, last_day: date = LAST_DAY) -> pa.Table:
    """The demo market, to the end of 2023: an exact martingale on the tick grid."""
    return pa.concat_tables(demo_bars(DEMO, first_day, last_day, seed))


def two_years(seed: int) -> pa.Table:
    """As `martingale`, long enough to learn from."""
    return martingale(seed, PLANTED_SINCE)


def steady_market(seed: int) -> pa.Table:
    """The demo market without its course of the day and its busy and quiet days: every minute is like every other."""
    with (
        patch.object(demo_market, "daily_activity", lambda days, _: np.ones(len(days))),
        patch.object(demo_market, "expected_trades", lambda minutes, *_: np.full(len(minutes), STEADY_TRADES)),
    ):
        return martingale(seed)


@dataclass(frozen=True)
class Edge:
    """Breaks that go on: those for which `goes_on` says so of the features `reads`, by name (n,)."""

    reads: tuple[str, ...]
    goes_on: Callable[[dict[str, np.ndarray]], np.ndarray]

    def of(self, names: tuple[str, ...], x: np.ndarray) -> np.ndarray:
        """Which events (n,) of features `x` (n, F) it is true of."""
        return self.goes_on({name: x[:, names.index(name)] for name in self.reads})


EDGES = {
    "quick": Edge(("break_delay",), lambda of: of["break_delay"] <= QUICK_MINUTES),
    "busy": Edge(("break_volume_to_recent",), lambda of: of["break_volume_to_recent"] > 2.5),
    "with the gap": Edge(("signed_to_previous_close",), lambda of: of["signed_to_previous_close"] > 0.25),
    "up on two weekdays": Edge(
        ("side_on_tuesday", "side_on_thursday"), lambda of: of["side_on_tuesday"] + of["side_on_thursday"] > 0
    ),
}


def planted_market(base: pa.Table, edge: Edge, since: date = PLANTED_SINCE) -> pa.Table:
    """A market but for one thing: a break of which `edge` is true goes on that way.

    Until the day `since` it is a martingale throughout. From the bar after the break the price drifts by `DRIFT_SIZES`
    sizes of the range over `DRIFT_MINUTES`, and stays there. Every later range is what the prices moved so far make it.
    """
    stamps = base.column("ts").cast(pa.int64()).to_numpy() // MINUTE_US
    first, ticks = int(stamps.min()), np.zeros(int(stamps.max() - stamps.min()) + 1)
    groups = tuple(group for group in every_group() if {each.name for each in group.features} & {*edge.reads})
    for opening in range(len(DEMO.opening_ranges)):
        history = history_of(_moved(base, stamps - first, ticks))
        events = break_events(history)
        events = events.where((events.opening == opening) & (history.days[events.day] >= np.datetime64(since)))
        matrix = feature_matrix(history, events, groups)
        for index in np.flatnonzero(edge.of(matrix.names, matrix.values)):
            day, at = events.day[index], int(events.decided[index]) - first
            high, low = history.ranges.prices[day, opening, 1:3]
            ramp = np.minimum(np.arange(1, len(ticks) - at + 1) / DRIFT_MINUTES, 1.0)
            ticks[at:] += history.directions[day, opening] * DRIFT_SIZES * (high - low) * ramp
    return _moved(base, stamps - first, ticks)


def continuing_market(seed: int, since: date = PLANTED_SINCE) -> pa.Table:
    """Two years in which, from the day `since` on, a break within `QUICK_MINUTES` of its range's end goes on."""
    return planted_market(two_years(seed), EDGES["quick"], since)


def wild_market(seed: int) -> pa.Table:
    """Two years of a martingale with jumps of fat tails, and every seventh day with half of its minutes not traded."""
    random, base = np.random.default_rng(seed), two_years(seed)
    stamps = base.column("ts").cast(pa.int64()).to_numpy() // MINUTE_US
    place = stamps - stamps.min()
    jumps, count = np.zeros(int(place.max()) + 1), int(random.poisson(8 * place.max() / 1440))
    np.add.at(jumps, random.integers(0, len(jumps), count), np.rint(6 * random.standard_t(2.5, count)))
    thin = (place // 1440 % 7 == 3) & (random.random(len(place)) < 0.5)
    return _moved(base, place, np.cumsum(jumps)).filter(pa.array(~thin))


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


def walked(dataset: Dataset, recipe: Recipe) -> Evaluation:
    results = walk_forward(dataset, plan_of(dataset, recipe).folds, recipe)
    parts = [baselines_of(dataset, recipe, result.fold.train, result.fold.test) for result in results]
    said = np.concatenate([result.said for result in results])
    return evaluate(dataset, rows_tested(results), said, pooled(parts), recipe)
