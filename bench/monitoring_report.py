"""The monitoring report of 10,000 predictions, from the journal file on: `python -m bench.monitoring_report`.

Six predictions on each of 1,667 trading days, as far from the martingale as noise. The floor reads the same rows and
does nothing with them; ours is the whole report, with its bootstraps and draws, and the monitors of 60 inputs, as the
first of a process: what a report keeps for the next is thrown away. Each figure is the best of `REPEATS`, since other
work on the machine only ever adds.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from bench.measure import Figure, best_times
from ml_data.journal import judged_predictions
from ml_data.store import Store
from ml_models import intervals, right_forecaster
from ml_monitoring.gatekeeper import monitored
from ml_monitoring.looks import Monitoring
from ml_monitoring.report import HealthReport, health_of

FEATURES = 60
DAYS, RANGES, REPEATS = 1_667, ("0900", "1000", "1100", "1800", "2300", "0030"), 5
TARGET_SECONDS = 1.0
MODEL, INSTRUMENT, VERSION = "directional-BENCH", "BENCH", "v_20180101_000000-00000"


def fill(store: Store) -> int:
    """Write the predictions and their outcomes; return how many there are."""
    random = np.random.default_rng(0)
    n = DAYS * len(RANGES)
    day = np.repeat(np.datetime64("2018-01-01") + np.arange(DAYS), len(RANGES))
    decided = day.astype("datetime64[us]") + np.tile(np.arange(len(RANGES)), DAYS) * np.timedelta64(120, "m")
    walk = np.clip(random.beta(2, 2, n), 0.02, 0.98)
    said = np.clip(walk + random.normal(0, 0.06, n), 0.02, 0.98)
    up = random.random(n) < walk
    advice = np.select([said > 0.55, said < 0.45], ["UP", "DOWN"], "NONE")
    net = random.choice([-1.2, 0.85], n)
    taken = (advice == "NONE") | (advice == np.where(up, "UP", "DOWN"))
    ids = [f"{number:032x}" for number in range(n)]
    predictions = pa.table(
        {
            "prediction_id": ids,
            "instrument": [INSTRUMENT] * n,
            "kind": ["orb_complete"] * n,
            "trading_day": pa.array(day.astype("datetime64[D]")),
            "orb": list(RANGES) * DAYS,
            "decided_at": pa.array(decided).cast(pa.timestamp("us", "UTC")),
            "model": [MODEL] * n,
            "version": [VERSION] * n,
            "features": random.normal(size=(n, FEATURES)).tolist(),
            "reasons": random.normal(0, 0.01, size=(n, FEATURES)).tolist(),
            "schema_hash": ["s"] * n,
            "prob_up": said,
            "prob_down": 1 - said,
            "baseline_prob_up": walk,
            "advice": advice.tolist(),
        }
    )
    outcomes = pa.table(
        {
            "prediction_id": ids,
            "revision": pa.array([0] * n, pa.int32()),
            "state": ["matured"] * n,
            "actual": np.where(up, "UP", "DOWN").tolist(),
            "correct": (said > 0.5) == up,
            "r_net": net,
            "r_net_advised": np.where(taken, net, 0.0),
            "known_at": pa.array(decided + np.timedelta64(50, "m")).cast(pa.timestamp("us", "UTC")),
        }
    )
    with store.journal_write() as cursor:
        for table, rows in (("ml_predictions", predictions), ("ml_outcomes", outcomes)):
            cursor.register("fresh", rows)
            cursor.execute(f"INSERT INTO journal.{table} BY NAME SELECT * FROM fresh")
            cursor.unregister("fresh")
    return n


def first_report(store: Store) -> tuple[HealthReport, Monitoring]:
    """Return the report and what the monitors find, made without draws that an earlier one kept."""
    intervals._drawn_days.cache_clear()
    right_forecaster._drawn.cache_clear()
    rows = judged_predictions(store, instrument=INSTRUMENT, model=MODEL)
    report = health_of(rows, instrument=INSTRUMENT, model=MODEL)
    return report, monitored(store, INSTRUMENT, MODEL, VERSION, rows)


def figures() -> list[Figure]:
    """Return the row of the report."""
    with TemporaryDirectory() as folder:
        store = Store(Path(folder))
        n = fill(store)
        least, taken = best_times(
            lambda: judged_predictions(store, instrument=INSTRUMENT, model=MODEL),
            lambda: first_report(store),
            repeats=REPEATS,
        )
        store.close()
    work = f"monitoring report, {n:,} predictions"
    return [Figure(work, f"reading {least:.3f} s", f"{taken:.2f} s", taken, TARGET_SECONDS, "s")]


if __name__ == "__main__":
    print(*(each.row for each in figures()), sep="\n")
