"""Walk-forward against the bare LightGBM fits of the same folds: `python -m bench.walk_forward`.

7,700 events of 66 features on 1,280 days, 5 folds, two at a time. The floor builds LightGBM's datasets from rows that
are cut already and calls `lightgbm.train`; ours makes the splits, stops early where asked, and predicts the test rows.
Floor and ours take turns; each figure is the best of `REPEATS`, since other work on the machine only ever adds.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import lightgbm
import numpy as np

from bench.measure import Figure, best_times
from ml_training.dataset import Dataset
from ml_training.estimators import parameters
from ml_training.recipe import Estimator, Recipe, shipped_recipe
from ml_training.splits import early_stopping_split, walk_forward_folds
from ml_training.walk_forward import WORKERS, walk_forward

EVENTS, FEATURES, EVENTS_A_DAY, FOLDS, ROUNDS, REPEATS = 7_700, 66, 6, 5, 200, 7
TARGET = 1.15
USUAL_TREES = {"num_leaves": 31, "min_data_in_leaf": 20, "bagging_fraction": 1.0, "bagging_freq": 0, "lambda_l2": 0.0}


def synthetic_dataset() -> Dataset:
    """Return events whose outcome leans on one feature about as much as a break leans on where the range closed."""
    random = np.random.default_rng(0)
    x = random.normal(size=(EVENTS, FEATURES))
    x[random.random(x.shape) < 0.02] = np.nan
    lean = 1 / (1 + np.exp(np.nan_to_num(x[:, 0])))
    x[:, 0] = 1 - lean
    day = np.arange(EVENTS) // EVENTS_A_DAY
    decided = day * 1440 + 120 * (np.arange(EVENTS) % EVENTS_A_DAY)
    return Dataset(
        instrument="BENCH",
        label="break_direction",
        rule=None,
        slippage=1.0,
        names=("martingale_up", *(f"feature_{index}" for index in range(1, FEATURES))),
        classes=("UP", "DOWN"),
        x=x,
        values=np.empty((EVENTS, 0)),
        codes=(random.random(EVENTS) < lean).astype(np.int64),
        days=np.datetime64("2020-01-01") + day,
        opening=np.arange(EVENTS) % EVENTS_A_DAY,
        decided=decided,
        label_known=decided + 30,
        walk=1 - lean[:, None],
        r_net=np.zeros(EVENTS),
        members=np.empty((EVENTS, 0)),
    )


def floor(dataset: Dataset, recipe: Recipe, rounds: int | None) -> Callable[[], object]:
    """Return the bare fits of the same rows with the same parameters, as something to time."""
    validation = recipe.validation
    chosen = {**parameters(recipe.estimator, 2, recipe.seed), "verbosity": -1}
    cut = []
    for fold in walk_forward_folds(dataset.timeline, FOLDS, validation.embargo_days):
        share, embargo = validation.early_stopping_share, validation.embargo_days
        inner = early_stopping_split(dataset.timeline, fold.train, share, embargo)
        parts = (fold.train, inner.test) if rounds else (inner.train, inner.test)
        cut.append([(dataset.x[rows], dataset.codes[rows]) for rows in parts])

    def fitted(parts: list[tuple[np.ndarray, np.ndarray]]) -> object:
        train = lightgbm.Dataset(*parts[0], params=chosen)
        if rounds:
            return lightgbm.train(chosen, train, rounds)
        stop = lightgbm.early_stopping(recipe.estimator.early_stopping_rounds, verbose=False)
        watched = [train.create_valid(*parts[1])]
        return lightgbm.train(chosen, train, recipe.estimator.rounds, valid_sets=watched, callbacks=[stop])

    def all_folds() -> object:
        with ThreadPoolExecutor(WORKERS) as pool:
            return list(pool.map(fitted, cut))

    return all_folds


def ours(dataset: Dataset, recipe: Recipe, rounds: int | None) -> Callable[[], object]:
    """Return our walk-forward, splits and predictions included, as something to time."""
    embargo = recipe.validation.embargo_days
    return lambda: walk_forward(
        dataset, walk_forward_folds(dataset.timeline, FOLDS, embargo), recipe, rounds=rounds, workers=WORKERS
    )


def figures() -> list[Figure]:
    """Return the rows for both kinds of trees."""
    dataset, shipped = synthetic_dataset(), shipped_recipe("directional")
    usual: Estimator = shipped.estimator.model_copy(update=USUAL_TREES)
    cases = (
        (f"{ROUNDS} rounds of 31 leaves", shipped.model_copy(update={"estimator": usual}), ROUNDS),
        ("the directional recipe, stopped early", shipped, None),
    )
    found = []
    for name, recipe, rounds in cases:
        least, taken = best_times(floor(dataset, recipe, rounds), ours(dataset, recipe, rounds), repeats=REPEATS)
        work = f"walk-forward, {FOLDS} folds, {EVENTS:,} × {FEATURES}, {name}"
        found.append(Figure(work, f"bare fits {least:.2f} s", f"{taken:.2f} s", taken / least, TARGET))
    return found


if __name__ == "__main__":
    print(*(each.row for each in figures()), sep="\n")
