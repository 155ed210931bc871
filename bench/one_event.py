"""One event: features, probability and reasons: `python -m bench.one_event`.

Every event of four weeks, in order, with 200 trees of 31 leaves. The floor is LightGBM's `pred_contrib` of the same row
by the same booster, which the reasons need in any case. Each event is asked several times, floor and ours in turns, and
its least time counts, since other work on the machine only ever adds; the quantiles are over the events. The first
event of a day also makes what the day's events share. Cold: a new engine reads its window from the store.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from time import perf_counter

import lightgbm
import numpy as np

from bench.demo_home import ASKED, DemoHome, copied, demo_home
from bench.measure import Figure
from ml_data.bar_arrays import BarArrays
from ml_data.bar_digests import BarDigests
from ml_data.build import read_bars
from ml_data.event_view import day_background, event_window, seen_at
from ml_data.events import Event, event_at, range_events
from ml_data.feature_matrix import feature_groups, features_of
from ml_data.history import History, build_history
from ml_inference.questions import asked_features
from ml_training.dataset import dataset_of
from ml_training.recipe import shipped_recipe
from trading.domain.calendar import to_minute
from trading.domain.label import ORB_COMPLETE

RATIO, P99_MS, COLD_MS, REPEATS = 1.5, 5.0, 60.0, 15


def figures() -> list[Figure]:
    """Return the rows of a single event."""
    with demo_home() as folder, copied(folder) as home:
        history = build_history(read_bars(home.store, home.instrument), home.instrument)
        times = 1e3 * np.array(list(in_memory(home, history)))
        cold = 1e3 * np.array(list(from_the_store(home, [event for event, _, _ in asked(history)][::7])))
    least, middle, high = np.median(times[:, 0]), np.median(times[:, 1]), np.quantile(times[:, 1], 0.99)
    work = f"one event: features, probability, reasons, bars in memory, 200 trees ({len(times)} events)"
    return [
        Figure(f"{work}, p50", f"`pred_contrib` {least:.2f} ms", f"{middle:.2f} ms", middle / least, RATIO),
        Figure(f"{work}, p99", "–", f"{high:.2f} ms", high, P99_MS, "ms"),
        Figure(
            f"one event from a cold cache with the store ({len(cold)} events, p50)",
            "–",
            f"{np.median(cold):.0f} ms",
            float(np.median(cold)),
            COLD_MS,
            "ms",
        ),
    ]


def in_memory(home: DemoHome, history: History) -> Iterator[tuple[float, float]]:
    """Yield the least seconds of each event, of the floor and of ours."""
    engine = home.engine()
    version = replace(engine.version(), booster=usual_booster(history))
    every = [feature.name for feature in features_of(feature_groups(ORB_COMPLETE))]
    places = [every.index(name) for name in asked_features(version)]
    shared, digests = None, BarDigests()
    for event, bars, contract in asked(history):
        known = shared if shared is not None and shared.trading_day == event.trading_day else None
        times = []
        for _ in range(REPEATS):
            days_before = deepcopy(digests)
            begun = perf_counter()
            shared = known or day_background(bars, home.instrument, event.trading_day, contract, days_before)
            row = seen_at(shared, bars, event.orb).features[None, places]
            engine.answer(version, row)
            answered = perf_counter()
            version.booster.predict(row, pred_contrib=True, num_threads=1)
            times.append((perf_counter() - answered, answered - begun))
        digests = days_before
        floor, ours = np.min(times, axis=0)
        yield float(floor), float(ours)


def from_the_store(home: DemoHome, events: list[Event]) -> Iterator[float]:
    """Yield the least seconds of each event, asked of a new engine."""
    for event in events:
        times = []
        for _ in range(3):
            engine = home.engine()
            begun = perf_counter()
            engine.predict(event)
            times.append(perf_counter() - begun)
        yield min(times)


def asked(history: History) -> Iterator[tuple[Event, BarArrays, str]]:
    """Yield each event with the bars that it may look back to, and the contract before them."""
    rows = range_events(history)
    first, last = (np.datetime64(day) for day in ASKED)
    rows = rows.where((history.days[rows.day] >= first) & (history.days[rows.day] <= last))
    for index in range(len(rows)):
        event = event_at(history, rows, index)
        first_day, since = event_window(history.instrument, event.trading_day)
        before = int(np.searchsorted(history.days, np.datetime64(first_day))) - 1
        contract = history.bars.contracts[history.contracts.contract[before]]
        yield event, history.bars.between(to_minute(since), to_minute(event.decided_at)), contract


def usual_booster(history: History) -> lightgbm.Booster:
    """Return a booster of 200 trees of 31 leaves on the demo's rows: the size that the target speaks of."""
    data = dataset_of(history, shipped_recipe("directional"))
    chosen = {"objective": "binary", "num_leaves": 31, "verbosity": -1, "num_threads": 1}
    rows = lightgbm.Dataset(data.x, data.codes, feature_name=list(data.names))
    return lightgbm.train(chosen, rows, 200)


if __name__ == "__main__":
    print(*(figure.row for figure in figures()), sep="\n")
