"""Walk-forward splits by trading day: what may be learned from when a day is to be told.

Rows are in the order of their decision, so a trading day's rows lie together. A test window begins with the first event
of a trading day. What may be learned from for it was decided before, *and its label was known before*, the first event
of the day that lies `embargo_days` trading days (days with events) before the window. Nothing else: a label that was
still open then (purging) and the days just before the test (embargo), whose long-lived features resemble it, stay out.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trading.domain.calendar import Days
from trading.errors import HubError

Ints = npt.NDArray[np.int64]

LEAST_BLOCK_DAYS = 10
"""A test window of fewer days tells nothing."""


@dataclass(frozen=True, eq=False)
class Timeline:
    """When n rows happened: trading day (non-decreasing), decision and label as UTC minutes."""

    days: Days
    decided: Ints
    label_known: Ints

    def __len__(self) -> int:
        return len(self.days)

    def part(self, rows: Ints) -> "Timeline":
        """Return the timeline of `rows`."""
        return Timeline(self.days[rows], self.decided[rows], self.label_known[rows])


@dataclass(frozen=True, eq=False)
class Fold:
    """Row numbers: what may be learned from, and what is tested on. `test` holds whole trading days."""

    train: Ints
    test: Ints


def final_window_start(days: Days, window_days: int) -> np.datetime64:
    """Return the first day of the untouched window: the last `window_days` distinct days of `days`.

    Raises
    ------
    HubError
        when there are not more days than that.
    """
    distinct = np.unique(days)
    if len(distinct) <= window_days:
        raise HubError(
            f"The untouched window takes {window_days} trading days and there are {len(distinct)} with events: import "
            "older bars, or shorten final_window_days in the recipe."
        )
    first: np.datetime64 = distinct[-window_days]
    return first


def learnable_before(timeline: Timeline, first_day: np.datetime64, embargo_days: int) -> Ints:
    """Return the rows that may be learned from when `first_day` is the first day of a test; none when too early."""
    earlier = np.unique(timeline.days[timeline.days < first_day])
    if len(earlier) <= embargo_days:
        return np.empty(0, dtype=np.int64)
    bound_day = earlier[-embargo_days] if embargo_days else first_day
    bound = timeline.decided[np.searchsorted(timeline.days, bound_day)]
    return np.flatnonzero((timeline.decided < bound) & (timeline.label_known <= bound))


def walk_forward_folds(
    timeline: Timeline, folds: int, embargo_days: int, least_days: int = LEAST_BLOCK_DAYS
) -> tuple[Fold, ...]:
    """Return `folds` test windows of equally many days, each after all that may be learned from for it.

    The days are cut into `folds` + 1 blocks; the first is only learned from, each other one is tested on once. The
    training part grows from fold to fold. Pass the rows before the untouched window only.

    Raises
    ------
    HubError
        when a block would have fewer than `least_days` days.
    """
    distinct = np.unique(timeline.days)
    if len(distinct) < (folds + 1) * least_days:
        raise HubError(
            f"{folds} folds take at least {(folds + 1) * least_days} trading days with events before the "
            f"untouched window, and there are {len(distinct)}: import older bars, or ask for fewer folds in the recipe."
        )
    return tuple(
        Fold(
            train=learnable_before(timeline, block[0], embargo_days),
            test=np.flatnonzero((timeline.days >= block[0]) & (timeline.days <= block[-1])),
        )
        for block in np.array_split(distinct, folds + 1)[1:]
    )


def early_stopping_split(timeline: Timeline, rows: Ints, share: float, embargo_days: int) -> Fold:
    """Return `rows` as what is fitted on and, the last `share` of their days, what early stopping watches.

    Both are row numbers of `timeline`; the watched part is purged from the fitted one as a test window is.

    Raises
    ------
    HubError
        when nothing is left to fit on.
    """
    part = timeline.part(rows)
    distinct = np.unique(part.days)
    watched_days = max(1, round(share * len(distinct)))
    first_day = distinct[-watched_days] if len(distinct) > watched_days else None
    fitted = rows[:0] if first_day is None else rows[learnable_before(part, first_day, embargo_days)]
    if first_day is None or not len(fitted):
        raise HubError(
            f"{len(distinct)} trading days with events are too few to fit on and to watch for early stopping: import "
            "older bars, or ask for fewer folds or a shorter embargo in the recipe."
        )
    return Fold(train=fitted, test=rows[part.days >= first_day])
