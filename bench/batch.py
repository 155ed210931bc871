"""A million rows asked of a version at once: `python -m bench.batch`.

The demo market's events, drawn again and again, asked through `LoadedVersion.predict` with the shipped recipe's own
trees and with 200 of 31 leaves; both start from the walk, which is part of the answer. The floor is LightGBM's
`Booster.predict` of the same rows, on one thread as ours, since the hub leaves the other cores to its callers.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from bench.demo_home import DemoHome, copied, demo_home
from bench.measure import Figure, best_times
from bench.one_event import usual_booster
from ml_data.build import read_bars
from ml_data.history import History, build_history
from ml_inference.questions import asked_features
from ml_models.loaded_version import LoadedVersion
from ml_models.metadata import Matrix
from ml_training.dataset import dataset_of
from ml_training.recipe import shipped_recipe

ROWS, REPEATS, TARGET = 1_000_000, 3, 1.2


def versions(home: DemoHome, history: History) -> dict[str, LoadedVersion]:
    """Return the version of the home and one with the usual trees, by what they are."""
    shipped = home.engine().version()
    usual = replace(shipped, booster=usual_booster(history))
    trees = shipped.booster.num_trees()
    return {f"the directional recipe, {trees} trees": shipped, "200 trees of 31 leaves": usual}


def drawn_rows(history: History, version: LoadedVersion, count: int) -> Matrix:
    """Return `count` rows of the demo market's events, in the order of the version's inputs."""
    dataset = dataset_of(history, shipped_recipe("directional"))
    places = [dataset.names.index(name) for name in asked_features(version)]
    return dataset.x[np.random.default_rng(0).integers(0, len(dataset), count)][:, places]


def figures() -> list[Figure]:
    """Return the rows of both kinds of trees."""
    found = []
    with demo_home() as folder, copied(folder) as home:
        history = build_history(read_bars(home.store, home.instrument), home.instrument)
        for name, version in versions(home, history).items():
            rows = np.ascontiguousarray(drawn_rows(history, version, ROWS))
            least, taken = best_times(
                partial(version.booster.predict, rows, num_threads=1),
                partial(version.predict, rows),
                repeats=REPEATS,
            )
            work = f"probabilities of {ROWS:,} rows of {rows.shape[1]} inputs, {name}"
            found.append(Figure(work, f"`Booster.predict` {least:.2f} s", f"{taken:.2f} s", taken / least, TARGET))
    return found


if __name__ == "__main__":
    print(*(figure.row for figure in figures()), sep="\n")
