import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_training.splits import (
    Timeline,
    early_stopping_split,
    final_window_start,
    learnable_before,
    walk_forward_folds,
)
from trading.errors import HubError

FIRST = np.datetime64("2024-01-01")


def timeline(events_by_day: list[int], waits: list[int], gaps: list[int]) -> Timeline:
    """Days `gaps` apart with so many events, 100 minutes apart; labels known after `waits`, taken in turn."""
    ordinal = np.repeat(np.cumsum(gaps), events_by_day)
    place = np.concatenate([np.arange(count) for count in events_by_day])
    decided = (ordinal * 1440 + 100 * place).astype(np.int64)
    wait = np.resize(np.array(waits, dtype=np.int64), len(decided))
    return Timeline(FIRST + ordinal, decided, decided + wait)


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    days = draw(st.integers(40, 60))
    counts = draw(st.lists(st.integers(1, 6), min_size=days, max_size=days))
    gaps = draw(st.lists(st.sampled_from([1, 1, 1, 3]), min_size=days, max_size=days))
    waits = draw(st.lists(st.sampled_from([1, 30, 700, 1500, 6000]), min_size=1, max_size=9))
    return timeline(counts, waits, gaps)


def learnable_by_hand(line: Timeline, first_test_day: np.datetime64, embargo_days: int) -> list[int]:
    """Row by row, from the words of the rule."""
    earlier = sorted({day for day in line.days if day < first_test_day})
    if len(earlier) <= embargo_days:
        return []
    bound_day = ([*earlier, first_test_day])[-1 - embargo_days]
    bound = min(line.decided[i] for i in range(len(line)) if line.days[i] == bound_day)
    return [i for i in range(len(line)) if line.decided[i] < bound and line.label_known[i] <= bound]


@settings(max_examples=60, deadline=None)
@given(timelines(), st.integers(2, 3), st.integers(0, 5))
def test_folds_are_what_the_rule_says_row_by_row(line: Timeline, folds: int, embargo_days: int):
    made = walk_forward_folds(line, folds, embargo_days)
    tested = np.concatenate([fold.test for fold in made])
    assert len(made) == folds
    assert tested.tolist() == list(range(int(tested[0]), len(line)))  # each once, in order, to the last
    for fold in made:
        first_test_day = line.days[fold.test[0]]
        assert fold.train.tolist() == learnable_by_hand(line, first_test_day, embargo_days)
        assert set(line.days[fold.test]).isdisjoint(line.days[fold.train])
        assert line.label_known[fold.train].max(initial=-1) <= line.decided[fold.test].min()
        between = {day for day in line.days if line.days[fold.train].max(initial=FIRST) < day < first_test_day}
        assert not len(fold.train) or len(between) >= embargo_days


@settings(max_examples=60, deadline=None)
@given(timelines(), st.integers(0, 3))
def test_what_early_stopping_watches_lies_inside_the_training_part_and_after_what_is_fitted(
    line: Timeline, embargo_days: int
):
    fold = walk_forward_folds(line, 2, embargo_days)[-1]
    inner = early_stopping_split(line, fold.train, 0.2, embargo_days)
    assert set(inner.train) | set(inner.test) <= set(fold.train.tolist())
    assert line.label_known[inner.train].max() <= line.decided[inner.test].min()
    assert inner.test[-1] == fold.train[-1]


def test_a_label_that_is_open_when_the_test_begins_is_purged():
    line = timeline([2, 2, 2], waits=[30, 3000, 30, 30, 30, 30], gaps=[1, 1, 1])
    assert learnable_before(line, FIRST + 3, 0).tolist() == [0, 2, 3]


def test_the_embargo_keeps_the_days_before_the_test_out():
    line = timeline([1, 1, 1, 1], waits=[30], gaps=[1, 1, 1, 1])
    assert [learnable_before(line, FIRST + 4, days).tolist() for days in range(4)] == [[0, 1, 2], [0, 1], [0], []]


def test_a_label_known_at_the_very_decision_may_be_learned_from():
    line = timeline([1, 1], waits=[1440], gaps=[1, 1])
    assert learnable_before(line, FIRST + 2, 0).tolist() == [0]


def test_the_untouched_window_is_the_last_days_with_events():
    line = timeline([1, 2, 1, 3], waits=[30], gaps=[1, 3, 1, 1])
    assert final_window_start(line.days, 2) == FIRST + 5


def test_too_few_days_are_refused_with_the_number_it_takes():
    line = timeline([1] * 25, waits=[30], gaps=[1] * 25)
    with pytest.raises(HubError, match=r"3 folds take at least 40 trading days .* there are 25"):
        walk_forward_folds(line, 3, 1)
    with pytest.raises(HubError, match="untouched window takes 25 trading days and there are 25"):
        final_window_start(line.days, 25)
    with pytest.raises(HubError, match="2 trading days with events are too few"):
        early_stopping_split(line, np.array([0, 1]), 0.2, 3)
