"""Drift of inputs, 10,000 rows of 60 features: `python -m bench.drift`.

Six rows on each of 1,667 trading days; the window is the last 60 of them. The floor is the least that the three
distances of one window take: each column sorted once, and the window found in it (`searchsorted`); PSI on ten cells,
Kolmogorov-Smirnov and Wasserstein from the counts. The first row is the same work by our function: this one window.
The second is what a look takes: the same distances of every earlier window, too (some 1,500 of them), and by that
whether the newest is unusual, which the floor cannot tell; there the floor is as many windows as the first, one by one.
"""

from collections.abc import Callable

import numpy as np

from bench.measure import Figure, best_times
from ml_models.scores import FloatArray
from ml_monitoring.drift import drift_of

ROWS_A_DAY, DAYS, FEATURES, WINDOW, REPEATS = 6, 1_667, 60, 60, 5
TARGET = 2.0


def inputs() -> tuple[FloatArray, FloatArray]:
    """Return inputs (n, F), a fiftieth of them missing, and their days (n,)."""
    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS_A_DAY * DAYS, FEATURES))
    x[random.random(x.shape) < 0.02] = np.nan
    return x, np.repeat(np.datetime64("2018-01-01") + np.arange(DAYS), ROWS_A_DAY)


def floor(x: FloatArray, window: np.ndarray) -> Callable[[], object]:
    """Return the distances of one window from all that came before it, column by column, as something to time."""

    def distances() -> list[tuple[float, float, float]]:
        return [_distances(np.sort(column[~window]), np.sort(column[window])) for column in x.T]

    return distances


def _distances(before: FloatArray, now: FloatArray) -> tuple[float, float, float]:
    before, now = (each[: np.searchsorted(each, np.inf)] for each in (before, now))  # NaN is sorted last
    both = np.sort(np.concatenate([before, now]))
    one, other = (np.searchsorted(each, both, side="right") / len(each) for each in (before, now))
    gap = np.abs(one - other)
    edges = np.quantile(before, np.arange(1, 10) / 10)
    shares = [
        (np.diff(np.searchsorted(each, edges), prepend=0, append=len(each)) + 0.5) / (len(each) + 5)
        for each in (before, now)
    ]
    psi = ((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum()
    return float(psi), float(gap.max()), float(gap[:-1] @ np.diff(both))


def figures() -> list[Figure]:
    """Return the row of the drift of all features."""
    x, days = inputs()
    newest = days >= np.unique(days)[-WINDOW]
    names = tuple(f"feature_{index}" for index in range(FEATURES))
    apart = np.where(newest, days[-1], days[0])  # two days: the reference, and the window
    least, alone, taken = best_times(
        floor(x, newest),
        lambda: drift_of(x, apart, ~newest, names, window=1),
        lambda: drift_of(x, days, ~newest, names, window=WINDOW),
        repeats=REPEATS,
    )
    windows = DAYS - 2 * WINDOW + 1
    work = f"drift of {len(x):,} × {FEATURES} (PSI, KS, Wasserstein)"
    one_by_one = f"window by window, sorted arrays {windows * least:.1f} s"
    return [
        Figure(f"{work}, one window", f"sorted arrays {least:.3f} s", f"{alone:.3f} s", alone / least, TARGET),
        Figure(
            f"{work}, with {windows:,} earlier windows as its null",
            one_by_one,
            f"{taken:.3f} s ({taken / least:.1f} × one window)",
            taken / (windows * least),
            TARGET,
        ),
    ]


if __name__ == "__main__":
    print(*(each.row for each in figures()), sep="\n")
