import numpy as np
import pytest
from numpy.testing import assert_allclose

from ml_models.baselines import best_baseline, majority_probs, martingale_probs
from ml_models.scores import accuracy, log_loss
from trading.errors import HubError


def test_the_majority_gives_every_event_the_class_frequencies_of_training():
    assert majority_probs(np.array([0, 1, 1, 1]), 2, 2).tolist() == [[0.25, 0.75], [0.25, 0.75]]


def test_a_class_that_training_never_saw_gets_probability_zero():
    assert majority_probs(np.array([0, 1]), 1, 3).tolist() == [[0.5, 0.5, 0.0]]


def test_a_majority_of_nothing_is_refused():
    with pytest.raises(HubError, match="needs training events"):
        majority_probs(np.array([], dtype=int), 1, 2)


def test_the_martingale_goes_up_as_often_as_the_close_is_high_in_the_range():
    assert_allclose(martingale_probs(np.array([0.0, 0.3, 1.0]), 0.05), [[0.05, 0.95], [0.3, 0.7], [0.95, 0.05]])


def test_the_martingale_knows_nothing_without_a_position_or_a_size():
    position = np.array([np.nan, 0.9, 0.9, np.nan])
    half_tick = np.array([0.1, 0.5, np.nan, np.nan])
    assert martingale_probs(position, half_tick).tolist() == [[0.5, 0.5]] * 4


def test_the_martingale_shares_what_none_leaves():
    assert_allclose(martingale_probs(np.array([0.3]), 0.05, 3, 0.1), [[0.27, 0.63, 0.1]])


def test_a_close_on_the_edge_has_a_finite_log_loss_when_it_breaks_the_other_way():
    probs = martingale_probs(np.array([1.0]), 0.5 / 20)  # a range of 20 ticks
    assert log_loss(np.array([1]), probs) == pytest.approx(-np.log(0.025))


@pytest.mark.parametrize(
    ("class_count", "p_none", "share"), [(4, 0.1, 0.1), (2, 0.1, 0.1), (3, 1.0, 0.1), (3, -0.1, 0.1), (2, 0.0, 0.0)]
)
def test_a_martingale_that_makes_no_sense_is_refused(class_count, p_none, share):
    with pytest.raises(HubError, match=r"martingale|half_tick_share"):
        martingale_probs(np.array([0.5]), share, class_count, p_none)


def test_on_a_driftless_walk_the_martingale_calls_most_breaks_and_is_the_best_baseline():
    random = np.random.default_rng(0)
    steps = random.choice([-1, 1], size=(1000, 4000))
    start = random.integers(0, 41, size=1000)  # ticks above the low of a range of 40 ticks
    path = start[:, None] + steps.cumsum(axis=1)
    outside = (path < 0) | (path > 40)
    broke = outside.any(axis=1)
    first = path[np.arange(1000), outside.argmax(axis=1)]
    actual, position = (first < 0).astype(int)[broke], start[broke] / 40
    martingale = martingale_probs(position, 0.5 / 40)
    majority = majority_probs(actual, actual.size, 2)
    assert 0.70 < accuracy(actual, martingale) < 0.80
    assert best_baseline(actual, {"majority": majority, "martingale": martingale}) == "martingale"
    up_share = (actual[position > 0.75] == 0).mean()
    assert martingale[position > 0.75, 0].mean() == pytest.approx(up_share, abs=0.05)


def test_of_equal_baselines_the_first_is_the_best():
    even = np.full((2, 2), 0.5)
    assert best_baseline(np.array([0, 1]), {"b": even, "a": even}) == "b"


@pytest.mark.parametrize("probs", [{}, {"majority": np.empty((0, 2))}])
def test_the_best_of_nothing_is_refused(probs):
    with pytest.raises(HubError, match="nothing to compare"):
        best_baseline(np.array([], dtype=int), probs)
