"""The ledger: nothing is tried without a row, the first word counts, and a window knows how often it was looked at."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ml_data.store import Store
from ml_data.trials import Trial, TrialResult, begin_trial, end_trial, open_window, trials_of

NOON = datetime(2025, 6, 27, 12, tzinfo=UTC)
FAMILY = "directional-MGC"
DONE = TrialResult("finished", (0.61, 0.62), 0.1, (date(2025, 1, 2), date(2025, 1, 3)), (0.5, -0.25))


@pytest.fixture
def store(tmp_path: Path):
    home = Store(tmp_path)
    yield home
    home.close()


def begin(store: Store, minute: int = 0, family: str = FAMILY, **parameters: float) -> str:
    return begin_trial(store, family, "training", parameters, "d" * 64, now=NOON.replace(minute=minute), who="ann")


def test_a_trial_that_never_ended_is_counted_as_cut_off(store: Store):
    trial_id = begin(store, num_leaves=4)
    [found] = trials_of(store, FAMILY)
    assert found == Trial(trial_id, FAMILY, "training", NOON, found.parameters_hash, "d" * 64, TrialResult("cut off"))


def test_what_a_trial_came_to_comes_back_and_only_the_first_word_counts(store: Store):
    trial_id = begin(store)
    end_trial(store, trial_id, DONE, now=NOON)
    end_trial(store, trial_id, TrialResult("failed", why="afterwards"), now=NOON)
    assert [each.result for each in trials_of(store, FAMILY)] == [DONE]


def test_the_same_parameters_again_are_another_trial_of_the_same_hash(store: Store):
    ids = [begin(store, 0, lambda_l2=5.0), begin(store, 1, lambda_l2=5.0), begin(store, 2, lambda_l2=6.0)]
    trials = trials_of(store, FAMILY)
    assert [each.trial_id for each in trials] == ids
    hashes = [each.parameters_hash for each in trials]
    assert hashes[0] == hashes[1] != hashes[2]


def test_families_are_counted_apart(store: Store):
    begin(store)
    begin(store, family="directional-NQ")
    assert len(trials_of(store, FAMILY)) == 1
    assert trials_of(store, "directional-ES") == ()


def test_a_window_counts_every_look_at_any_of_its_days(store: Store):
    looks = [
        (date(2025, 1, 1), date(2025, 3, 31), 1),
        (date(2025, 1, 1), date(2025, 3, 31), 2),
        (date(2025, 3, 31), date(2025, 6, 30), 3),
        (date(2025, 7, 1), date(2025, 9, 30), 1),
    ]
    for minute, (first, last, times) in enumerate(looks):
        opened = open_window(store, begin(store, minute), FAMILY, first, last, now=NOON)
        assert opened == times, (first, last)
    other = open_window(store, begin(store), "directional-NQ", date(2025, 1, 1), date(2025, 3, 31), now=NOON)
    assert other == 1
