"""The hour that a clock shows twice in autumn, told by the order of a file's rows where both passes are there."""

from collections.abc import Iterator

import numpy as np

from ml_data.importers.wall_clock import Flags, Instants, to_utc

_DAY_US = 86_400_000_000


def told_by_order(wall: Instants, utc: Instants, twice: Flags, clock: str) -> tuple[Instants, Flags]:
    """Return `utc` and `twice` of `to_utc(wall, clock)`, with the repeated hours told whose two passes can be seen.

    Rows are in the file's order, which may run forwards or backwards in time. Where the rows of a repeated hour go
    through it, step back by at least half of it, once, and go through it again, the second pass is the later one.
    What was not told stays marked as `twice`: one pass alone may be either, and two that are mixed have no order.

    >>> wall = np.array(["2023-11-05T01:58", "2023-11-05T01:59", "2023-11-05T01:00"], "M8[us]").astype(np.int64)
    >>> utc, twice, _ = to_utc(wall, "America/New_York")
    >>> utc, twice = told_by_order(wall, utc, twice, "America/New_York")
    >>> [str(at)[11:16] for at in utc.astype("M8[us]")], twice.any()
    (['05:58', '05:59', '06:00'], np.False_)
    """
    if not twice.any():
        return utc, twice
    utc, twice = utc.copy(), twice.copy()
    forwards = np.sign(np.diff(wall)).sum() >= 0
    for first, end in _runs(twice):
        rows = np.arange(first, end) if forwards else np.arange(first, end)[::-1]
        before = wall[first] - utc[first]
        next_day = wall[first : first + 1] + _DAY_US
        after = (next_day - to_utc(next_day, clock)[0])[0]
        steps = np.diff(wall[rows])
        back = np.flatnonzero(steps <= 0)
        if len(back) == 1 and -2 * steps[back[0]] >= before - after:
            utc[rows[back[0] + 1 :]] += before - after
            twice[rows] = False
    return utc, twice


def _runs(flags: Flags) -> Iterator[tuple[int, int]]:
    """Yield the first place and the end of each run of flags that are set."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
