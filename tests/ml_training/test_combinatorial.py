from math import comb

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from purgedcv import CombinatorialPurgedCV

from ml_training.combinatorial import combinatorial_folds, path_values
from ml_training.splits import Timeline
from trading.errors import HubError

DAY = 1440


def timeline(days: int, events: int, longest: int, seed: int) -> Timeline:
    """`events` a day from 09:00 on, each an hour after the other; labels known up to `longest` minutes later."""
    random = np.random.default_rng(seed)
    number = np.repeat(np.arange(days), events)
    decided = number * DAY + 540 + np.tile(np.arange(events) * 60, days)
    return Timeline(
        days=np.datetime64("2024-01-01", "D") + number,
        decided=decided,
        label_known=decided + random.integers(1, longest + 1, len(decided)),
    )


@settings(max_examples=25, deadline=None)
@given(
    blocks=st.integers(3, 6),
    tested=st.integers(1, 2),
    embargo=st.integers(0, 3),
    longest=st.integers(1, 3 * DAY),
    seed=st.integers(0, 9),
)
def test_what_is_learned_from_equals_a_search_through_all_pairs(
    blocks: int, tested: int, embargo: int, longest: int, seed: int
):
    when = timeline(days=10 * blocks + 3, events=2, longest=longest, seed=seed)
    number = (when.days - when.days[0]).astype(int)
    for fold in combinatorial_folds(when, blocks, tested, embargo).folds:
        test_days = np.unique(number[fold.test])
        first = {day: when.decided[number == day].min() for day in np.unique(number)}
        learned = []
        for row in np.setdiff1d(np.arange(len(number)), fold.test):
            apart = True
            for run in np.split(test_days, np.flatnonzero(np.diff(test_days) > 1) + 1):
                bound = first[max(run[0] - embargo, 0)]
                known = when.label_known[np.isin(number, run)].max()
                before = when.label_known[row] <= bound and when.decided[row] < bound
                after = when.decided[row] >= known and number[row] > run[-1] + embargo
                apart &= bool(before or after)
            learned += [row] if apart else []
        assert fold.train.tolist() == learned


def test_no_label_that_was_open_during_a_test_is_learned_from():
    when = timeline(days=60, events=3, longest=2 * DAY, seed=1)
    for fold in combinatorial_folds(when, 6, 2, embargo_days=1).folds:
        for row in fold.train:
            overlap = (when.decided[fold.test] < when.label_known[row]) & (
                when.label_known[fold.test] > when.decided[row]
            )
            assert not overlap.any()


def test_purging_agrees_with_an_independent_implementation():
    when = timeline(days=60, events=1, longest=2 * DAY, seed=2)
    origin = pd.Timestamp("2024-01-01")
    other = CombinatorialPurgedCV(
        n_splits=6,
        n_test_groups=2,
        prediction_times=pd.Series(origin + pd.to_timedelta(when.decided, unit="min")),
        evaluation_times=pd.Series(origin + pd.to_timedelta(when.label_known, unit="min")),
    )
    ours = combinatorial_folds(when, 6, 2, embargo_days=0).folds
    theirs = list(other.split(np.zeros((len(when), 1))))
    assert len(ours) == len(theirs) == comb(6, 2)
    for fold, (train, test) in zip(ours, theirs, strict=True):
        assert fold.test.tolist() == test.tolist()
        assert fold.train.tolist() == train.tolist()


def test_every_path_tells_every_row_once_and_every_tested_block_is_on_one_path():
    when = timeline(days=60, events=2, longest=300, seed=3)
    split = combinatorial_folds(when, 6, 2, embargo_days=1)
    assert split.paths.shape == (comb(5, 1), 6)
    used = [(int(fold), block) for covered in split.paths for block, fold in enumerate(covered)]
    assert len(set(used)) == len(used) == comb(6, 2) * 2
    told = path_values(split, tuple(fold.test.astype(float) for fold in split.folds))
    assert (told == np.arange(len(when))).all()


@pytest.mark.parametrize(
    ("blocks", "tested", "says"), [(6, 6, "one must be left"), (6, 0, "one must be left"), (7, 2, "70")]
)
def test_what_cannot_be_split_is_refused(blocks: int, tested: int, says: str):
    with pytest.raises(HubError, match=says):
        combinatorial_folds(timeline(days=60, events=1, longest=60, seed=0), blocks, tested, embargo_days=0)
