"""The reasons of a batch of rows: `python -m bench.explanations`.

The demo market's events asked through `LoadedVersion.contributions`, with the shipped recipe's own trees and with 200
of 31 leaves; what the walk says is shared out among its inputs, too. The floor is LightGBM's `pred_contrib` of the same
rows, on one thread as ours.
"""

from functools import partial

import numpy as np

from bench.batch import drawn_rows, versions
from bench.demo_home import copied, demo_home
from bench.measure import Figure, best_times
from ml_data.build import read_bars
from ml_data.history import build_history

ROWS, REPEATS, TARGET = 1_000, 5, 1.5


def figures() -> list[Figure]:
    """Return the rows of both kinds of trees."""
    found = []
    with demo_home() as folder, copied(folder) as home:
        history = build_history(read_bars(home.store, home.instrument), home.instrument)
        for name, version in versions(home, history).items():
            rows = np.ascontiguousarray(drawn_rows(history, version, ROWS))
            least, taken = best_times(
                partial(version.booster.predict, rows, pred_contrib=True, num_threads=1),
                partial(version.contributions, rows),
                repeats=REPEATS,
            )
            work = f"reasons of {ROWS:,} rows of {rows.shape[1]} inputs, {name}"
            found.append(Figure(work, f"`pred_contrib` {least:.3f} s", f"{taken:.3f} s", taken / least, TARGET))
    return found


if __name__ == "__main__":
    print(*(figure.row for figure in figures()), sep="\n")
