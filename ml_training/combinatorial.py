"""Combinatorial purged cross-validation: every choice of test blocks, so that one history gives many test paths.

Lopez de Prado (2018), chapter 12, by trading day and by the time at which labels were known. Unlike a walk-forward, a
fold may learn from days *after* its test: the spread over the paths says how much a result hangs on which days were
tested, never what a model would have earned live.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from ml_training.splits import LEAST_BLOCK_DAYS, Fold, Ints, Timeline
from trading.errors import HubError


@dataclass(frozen=True, eq=False)
class CombinatorialFolds:
    """The folds of `blocks` blocks of days of which `tested` are tested at a time, and the paths they make.

    `block` (n,) is each row's block. `paths` (P, blocks): the fold whose test covers each block on each path; a path
    tests every row once, by models that did not learn from it, and every (fold, tested block) is on exactly one path.
    """

    folds: tuple[Fold, ...]
    block: Ints
    paths: Ints


def combinatorial_folds(timeline: Timeline, blocks: int, tested: int, embargo_days: int) -> CombinatorialFolds:
    """Return all choices of `tested` out of `blocks` blocks of equally many days, purged and with embargo.

    A row is learned from when its day is not tested and, for each run of adjacent tested blocks, either its label was
    known before the first event of the day `embargo_days` days (with events) before the run, or it was decided after
    the last label of the run was known and `embargo_days` days after the run.

    Raises
    ------
    HubError
        when a block would have fewer than `LEAST_BLOCK_DAYS` days, or not 1 <= tested < blocks.
    """
    distinct, day = np.unique(timeline.days, return_inverse=True)
    if not 1 <= tested < blocks:
        raise HubError(f"Of {blocks} blocks {tested} cannot be tested at a time: at least 1, and one must be left.")
    if len(distinct) < blocks * LEAST_BLOCK_DAYS:
        raise HubError(
            f"{blocks} blocks take at least {blocks * LEAST_BLOCK_DAYS} trading days with events, and there are "
            f"{len(distinct)}: import older bars, or ask for fewer blocks."
        )
    first_of_day = np.searchsorted(timeline.days, distinct)
    day_block = np.repeat(np.arange(blocks), [len(part) for part in np.array_split(distinct, blocks)])
    block = day_block[day]
    choices = list(combinations(range(blocks), tested))
    folds = []
    for choice in choices:
        is_test = np.isin(block, choice)
        learned = ~is_test
        for run in _runs(choice):
            rows = np.flatnonzero(np.isin(block, run))
            first_day, last_day = int(day[rows[0]]), int(day[rows[-1]])
            before = timeline.decided[first_of_day[max(first_day - embargo_days, 0)]]
            known = timeline.label_known[rows].max()
            day_after = last_day + 1 + embargo_days
            is_before = (timeline.label_known <= before) & (timeline.decided < before)
            learned &= is_before | ((timeline.decided >= known) & (day >= day_after))
        folds.append(Fold(train=np.flatnonzero(learned), test=np.flatnonzero(is_test)))
    return CombinatorialFolds(tuple(folds), block.astype(np.int64), _paths(choices, blocks))


def path_values(split: CombinatorialFolds, by_fold: tuple[npt.NDArray[np.float64], ...]) -> npt.NDArray[np.float64]:
    """Return (P, n, ...): each path's value of every row, where `by_fold` holds each fold's values of its test rows."""
    n = len(split.block)
    values = np.full((len(split.paths), n, *by_fold[0].shape[1:]), np.nan)
    for path, covered in enumerate(split.paths):
        for block, fold in enumerate(covered):
            test = split.folds[fold].test
            mine = split.block[test] == block
            values[path, test[mine]] = by_fold[fold][mine]
    return values


def _runs(choice: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return `choice` (ascending) as runs of adjacent blocks.

    >>> _runs((0, 1, 4))
    [(0, 1), (4,)]
    """
    cuts = np.flatnonzero(np.diff(choice) > 1) + 1
    return [tuple(int(block) for block in run) for run in np.split(np.array(choice), cuts)]


def _paths(choices: list[tuple[int, ...]], blocks: int) -> Ints:
    """Return (paths, blocks): on path p, block b is tested by the p-th fold that tests b."""
    by_block = [[fold for fold, choice in enumerate(choices) if block in choice] for block in range(blocks)]
    return np.array(by_block, dtype=np.int64).T
