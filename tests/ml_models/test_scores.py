import math
import subprocess
import sys

import numpy as np
import pytest
import sklearn.metrics as oracle
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import rankdata

from ml_models import scores
from tests.hub_home import ROOT
from trading.errors import HubError

ACTUAL = np.array([0, 1, 1, 0])
PROBS = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.5, 0.5]])

ALL = (scores.accuracy, scores.balanced_accuracy, scores.log_loss, scores.brier, scores.auc)


def forecasts(n, k, seed):
    random = np.random.default_rng(seed)
    probs = random.dirichlet(np.full(k, 2.0), n)
    actual = (random.random(n)[:, None] > probs.cumsum(axis=1)).sum(axis=1).clip(0, k - 1)
    actual[:k] = np.arange(k)  # every class happens
    return actual, probs


def test_accuracy_counts_the_most_probable_class_and_the_first_of_equals():
    assert scores.hits(ACTUAL, PROBS).tolist() == [1, 1, 0, 1]
    assert scores.accuracy(ACTUAL, PROBS) == 0.75


def test_log_loss_is_the_mean_of_minus_log_of_what_was_given_to_what_happened():
    written_out = -(math.log(0.9) + math.log(0.8) + math.log(0.4) + math.log(0.5)) / 4
    assert scores.log_loss(ACTUAL, PROBS) == pytest.approx(written_out, abs=1e-15)


def test_one_certain_error_costs_36_nats_not_infinity():
    assert scores.log_loss(np.array([0]), np.array([[0.0, 1.0]])) == pytest.approx(36.0437, abs=1e-4)


def test_brier_sums_the_squared_errors_of_both_classes():
    assert scores.brier(ACTUAL, PROBS) == pytest.approx((2 * 0.01 + 2 * 0.04 + 2 * 0.36 + 2 * 0.25) / 4)


def test_confusion_has_a_row_for_what_happened_and_a_column_for_what_was_called():
    assert scores.confusion_matrix(ACTUAL, PROBS).tolist() == [[2, 0], [1, 1]]
    assert scores.recall(ACTUAL, PROBS).tolist() == [1.0, 0.5]
    assert_allclose(scores.precision(ACTUAL, PROBS), [2 / 3, 1.0])
    assert scores.balanced_accuracy(ACTUAL, PROBS) == 0.75


def test_auc_counts_ranked_pairs_and_ties_half():
    # Second class at 0.8 and 0.4, the other at 0.1 and 0.5: three of four pairs are ranked right.
    assert scores.auc(ACTUAL, PROBS) == 0.75
    assert scores.auc(np.array([0, 1]), np.full((2, 2), 0.5)) == 0.5


def test_a_class_that_never_happened_leaves_its_scores_undefined():
    actual, probs = np.array([0, 0, 1]), np.array([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8]])
    assert_array_equal(scores.recall(actual, probs), [1.0, 0.0, np.nan])
    assert_array_equal(scores.precision(actual, probs), [1.0, np.nan, 0.0])
    assert math.isnan(scores.balanced_accuracy(actual, probs))
    assert math.isnan(scores.auc(actual, probs))
    assert scores.accuracy(actual, probs) == pytest.approx(2 / 3)


@pytest.mark.parametrize("score", ALL)
def test_no_events_leave_every_score_undefined(score):
    assert math.isnan(score(np.array([], dtype=int), np.empty((0, 3))))


@pytest.mark.parametrize(
    ("actual", "probs", "said"),
    [
        ([0, 1], [[0.5, 0.5], [0.6, 0.5]], r"Row 1: \[0.6, 0.5\] are not probabilities that sum to 1"),
        ([0], [[math.nan, 0.5]], "Row 0"),
        ([0], [[1.5, -0.5]], "Row 0"),
        ([0, 2], [[0.5, 0.5], [0.5, 0.5]], r"Row 1: class 2 is none of 0\.\.1"),
        ([-1], [[0.5, 0.5]], "Row 0: class -1"),
        ([0, 1], [[0.5, 0.5]], r"found \(2,\) and \(1, 2\)"),
        ([0], [[1.0]], "K >= 2"),
    ],
)
def test_what_is_no_forecast_is_refused_with_its_row(actual, probs, said):
    with pytest.raises(HubError, match=said):
        scores.accuracy(np.array(actual), np.array(probs))


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_the_scores_agree_with_scikit_learn(k, seed):
    actual, probs = forecasts(200, k, seed)
    called, labels = probs.argmax(axis=1), list(range(k))
    assert scores.accuracy(actual, probs) == pytest.approx(oracle.accuracy_score(actual, called))
    assert scores.log_loss(actual, probs) == pytest.approx(oracle.log_loss(actual, probs, labels=labels))
    assert scores.brier(actual, probs) == pytest.approx(
        oracle.brier_score_loss(actual, probs, labels=labels, scale_by_half=False)
    )
    ranked = oracle.roc_auc_score(actual, probs[:, 1] if k == 2 else probs, multi_class="ovr", labels=labels)
    assert scores.auc(actual, probs) == pytest.approx(ranked)
    assert scores.balanced_accuracy(actual, probs) == pytest.approx(oracle.balanced_accuracy_score(actual, called))
    precision, recall, _, _ = oracle.precision_recall_fscore_support(
        actual, called, labels=labels, zero_division=np.nan
    )
    assert_allclose(scores.precision(actual, probs), precision)
    assert_allclose(scores.recall(actual, probs), recall)
    assert_array_equal(scores.confusion_matrix(actual, probs), oracle.confusion_matrix(actual, called, labels=labels))


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 40), k=st.sampled_from([2, 3, 4]), seed=st.integers(0, 10**6))
def test_the_order_of_events_changes_no_score(n, k, seed):
    actual, probs = forecasts(max(n, k), k, seed)
    order = np.random.default_rng(seed + 1).permutation(actual.size)
    for score in ALL:
        assert score(actual[order], probs[order]) == score(actual, probs)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(2, 40), decimals=st.integers(1, 6), seed=st.integers(0, 10**6))
def test_swapping_the_two_probabilities_mirrors_the_auc(n, decimals, seed):
    actual, probs = forecasts(n, 2, seed)
    first = probs[:, 0].round(decimals)  # with ties
    even = np.column_stack([first, 1 - first])
    assert scores.auc(actual, even[:, ::-1]) == pytest.approx(1 - scores.auc(actual, even))


@settings(max_examples=40, deadline=None)
@given(k=st.sampled_from([2, 3]), seed=st.integers(0, 10**6))
def test_renaming_the_classes_in_both_changes_no_score(k, seed):
    actual, probs = forecasts(30, k, seed)
    names = np.random.default_rng(seed).permutation(k)
    renamed = np.empty_like(probs)
    renamed[:, names] = probs
    for score in ALL:
        assert score(names[actual], renamed) == pytest.approx(score(actual, probs))


@given(st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5000000001, 1.0]), max_size=40))
def test_ranks_are_those_of_scipy(values):
    found = scores.average_ranks(np.array(values, dtype=np.float64))
    assert_array_equal(found, rankdata(values) if values else [])


def test_no_page_and_no_start_waits_for_scipys_statistics():
    script = (
        "import sys; sys.modules['sklearn'] = None; import app_pages.today, app_pages.model_health, ml_scripts.start; "
        "print('scipy.stats' in sys.modules, 'ml_scripts.demo' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "False False\n"
