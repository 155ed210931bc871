"""One event: features, probability and reasons: `python -m bench.one_event`.

The floor is LightGBM's `pred_contrib` of one row by the same booster, which the reasons need in any case.
"""

import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import lightgbm
import numpy as np

from bench.measure import ROOT, Figure, best_times, quantiles
from ml_data.build import build, read_bars
from ml_data.demo_market import demo_bars
from ml_data.event_view import day_background, event_window, seen_at
from ml_data.history import build_history
from ml_data.ingest import ingest_bars
from ml_data.store import Store
from ml_inference.inference_engine import MLInferenceEngine
from ml_inference.shadow import ShadowLoop, decision_moments
from ml_models.model_registry import ModelRegistry
from ml_models.model_version import model_name
from ml_training.dataset import dataset_of
from ml_training.recipe import shipped_recipe
from ml_training.train_pipeline import train
from trading.domain.instrument import Instrument, read_instrument
from trading.errors import Refused

RATIO, P99_MS, COLD_MS, REPLAY_MS = 1.5, 5.0, 60.0, 20.0
FIRST, LAST, UNTIL = date(2023, 1, 2), date(2024, 6, 28), date(2024, 4, 30)


def clock() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


def figures() -> list[Figure]:
    """Return the rows of a single event and of the replay."""
    instrument = read_instrument(ROOT / "config" / "instruments" / "DEMO.toml")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        store, registry = Store(home), ModelRegistry(home / "registry")
        ingest_bars(store, instrument, demo_bars(instrument, FIRST, LAST, 1), source_name="bench", now=clock())
        build(store, instrument)
        train(store, registry, instrument, shipped_recipe("directional"), until=UNTIL, now=clock(), who="bench")
        model = model_name("directional", instrument.symbol)

        def engine() -> MLInferenceEngine:
            return MLInferenceEngine(store, registry, instrument, model=model, clock=clock)

        asking = engine()
        version = asking.version()
        events = list(decision_moments(instrument, date(2024, 6, 3), date(2024, 6, 28)))
        event = next(each for each in events if each.orb == "2300")
        first_day, since = event_window(instrument, event.trading_day)
        bars = read_bars(store, instrument, since, event.decided_at)
        with store.market() as cursor:
            before = cursor.execute(
                "SELECT contract FROM market.contract_days WHERE trading_day < ? ORDER BY trading_day DESC LIMIT 1",
                [first_day],
            ).fetchall()
        background = day_background(bars, instrument, event.trading_day, before[0][0])
        row = seen_at(background, bars, event.orb).features[None, :]

        usual = replace(version, booster=_usual_booster(store, instrument))

        def ours() -> None:
            asking.answer(usual, seen_at(background, bars, event.orb).features[None, :])

        for _ in range(20):
            ours()
        least = quantiles(lambda: usual.contributions(row), 300)[0]
        middle, high = quantiles(ours, 300)
        (cold,) = best_times(lambda: engine().predict(event), repeats=7)
        loop = ShadowLoop(store, engine(), clock=clock, replayed=True)
        taken = []
        for each in events:
            begun = clock()
            try:
                loop.step(each)
            except Refused:
                continue
            taken.append((clock() - begun).total_seconds() * 1e3)
        store.close()
        shutil.rmtree(home, ignore_errors=True)
    answer = "one event: features, probability, reasons, bars in memory, 200 trees"
    return [
        Figure(
            f"{answer}, p50", f"`pred_contrib` {least * 1e3:.2f} ms", f"{middle * 1e3:.2f} ms", middle / least, RATIO
        ),
        Figure(f"{answer}, p99", "–", f"{high * 1e3:.2f} ms", high * 1e3, P99_MS, "ms"),
        Figure("one event from a cold cache with the store", "–", f"{cold * 1e3:.0f} ms", cold * 1e3, COLD_MS, "ms"),
        Figure(
            f"one event of a replay, on disk before the next ({len(taken)} events, p50)",
            "–",
            f"{np.median(taken):.1f} ms",
            float(np.median(taken)),
            REPLAY_MS,
            "ms",
        ),
    ]


def _usual_booster(store: Store, instrument: Instrument) -> lightgbm.Booster:
    """Return a booster of 200 trees of 31 leaves on the demo's rows: the size that the target speaks of."""
    data = dataset_of(build_history(read_bars(store, instrument), instrument), shipped_recipe("directional"))
    chosen = {"objective": "binary", "num_leaves": 31, "verbosity": -1, "num_threads": 1}
    rows = lightgbm.Dataset(data.x, data.codes, feature_name=list(data.names))
    return lightgbm.train(chosen, rows, 200)


if __name__ == "__main__":
    print(*(figure.row for figure in figures()), sep="\n")
