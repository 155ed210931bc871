import numpy as np
import pytest
from numpy.testing import assert_allclose

from ml_models.baselines import best_baseline, majority_probs, martingale_probs
from trading.errors import HubError


def test_the_majority_gives_every_event_the_class_frequencies_of_training():
    assert majority_probs(np.array([0, 1, 1, 1]), 2, 2).tolist() == [[0.25, 0.75], [0.25, 0.75]]


def test_a_class_that_training_never_saw_gets_probability_zero():
    assert majority_probs(np.array([0, 1]), 1, 3).tolist() == [[0.5, 0.5, 0.0]]


def test_a_majority_of_nothing_is_refused():
    with pytest.raises(HubError, match="needs training events"):
        majority_probs(np.array([], dtype=int), 1, 2)


def test_the_martingale_says_up_as_often_as_the_walk_does():
    assert martingale_probs(np.array([0.05, 0.3, 0.95])).tolist() == [[0.05, 0.95], [0.3, 0.7], [0.95, 1 - 0.95]]


def test_the_martingale_knows_nothing_where_the_walk_is_unknown():
    assert martingale_probs(np.array([np.nan])).tolist() == [[0.5, 0.5]]


def test_the_martingale_shares_what_none_leaves():
    assert_allclose(martingale_probs(np.array([0.3]), 3, 0.1), [[0.27, 0.63, 0.1]])


@pytest.mark.parametrize(("class_count", "p_none", "up"), [(4, 0.1, 0.1), (2, 0.1, 0.1), (3, 1.0, 0.1), (2, 0.0, 1.0)])
def test_a_martingale_that_makes_no_sense_is_refused(class_count, p_none, up):
    with pytest.raises(HubError, match=r"martingale|between 0 and 1"):
        martingale_probs(np.array([up]), class_count, p_none)


def test_the_baseline_with_the_lowest_log_loss_is_the_best():
    actual, sharper = np.array([0, 1, 0]), martingale_probs(np.array([0.8, 0.3, 0.6]))
    assert best_baseline(actual, {"majority": majority_probs(actual, 3, 2), "martingale": sharper}) == "martingale"


def test_of_equal_baselines_the_first_is_the_best():
    even = np.full((2, 2), 0.5)
    assert best_baseline(np.array([0, 1]), {"b": even, "a": even}) == "b"


@pytest.mark.parametrize("probs", [{}, {"majority": np.empty((0, 2))}])
def test_the_best_of_nothing_is_refused(probs):
    with pytest.raises(HubError, match="nothing to compare"):
        best_baseline(np.array([], dtype=int), probs)
