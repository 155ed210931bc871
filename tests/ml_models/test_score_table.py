import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from scipy.stats import t as student

from ml_models import scores
from ml_models.intervals import day_numbers, share_interval
from ml_models.score_table import score_table, skill
from trading.errors import HubError

NAMES = ("UP", "DOWN", "NONE")


def sample(days, k, seed, a_day=6):
    random = np.random.default_rng(seed)
    n = days * a_day
    probs = random.dirichlet(np.full(k, 3.0), n)
    actual = (random.random(n)[:, None] > probs.cumsum(axis=1)).sum(axis=1).clip(0, k - 1)
    return actual, probs, np.repeat(np.arange(days), a_day)


@pytest.mark.parametrize("k", [2, 3])
def test_the_table_holds_every_score_with_its_value_inside_its_interval(k):
    actual, probs, days = sample(60, k, seed=1)
    table = score_table(actual, probs, days, NAMES[:k])
    assert {name: table[name].value for name in ("accuracy", "balanced_accuracy", "log_loss", "brier", "auc")} == {
        "accuracy": scores.accuracy(actual, probs),
        "balanced_accuracy": scores.balanced_accuracy(actual, probs),
        "log_loss": scores.log_loss(actual, probs),
        "brier": scores.brier(actual, probs),
        "auc": scores.auc(actual, probs),
    }
    for j, name in enumerate(NAMES[:k]):
        assert table[f"precision_{name}"].value == scores.precision(actual, probs)[j]
        assert table[f"recall_{name}"].value == scores.recall(actual, probs)[j]
    assert len(table) == 5 + 2 * k
    for estimate in table.values():
        assert estimate.low < estimate.value < estimate.high
        assert 1 <= estimate.n_effective <= estimate.n


def test_recall_lies_on_the_days_where_the_class_happened():
    actual, probs, days = sample(60, 2, seed=2)
    up = actual == 0
    assert score_table(actual, probs, days, NAMES[:2])["recall_UP"] == share_interval(probs[up, 0] > 0.5, days[up])


def test_a_class_that_never_happened_is_undefined_and_leaves_the_rest():
    actual, probs, days = sample(20, 2, seed=3)
    wide = np.column_stack([probs, np.zeros(120)])
    table = score_table(actual, wide, days, NAMES)
    assert (table["recall_NONE"].n, table["precision_NONE"].n, table["recall_NONE"].days) == (0, 0, 0)
    for name in ("recall_NONE", "precision_NONE", "balanced_accuracy", "auc"):
        assert math.isnan(table[name].value)
        assert math.isnan(table[name].low)
    assert table["accuracy"].low > 0


def test_a_class_on_a_single_day_leaves_the_auc_without_an_interval():
    probs = np.column_stack([np.linspace(0.1, 0.9, 30), np.linspace(0.9, 0.1, 30)])
    actual = np.zeros(30, dtype=int)
    actual[:2] = 1  # a third of all draws of ten days misses the first
    auc = score_table(actual, probs, np.repeat(np.arange(10), 3), NAMES[:2])["auc"]
    assert auc.value == 1.0
    assert np.isnan([auc.low, auc.high]).all()


def test_no_events_give_a_table_of_undefined_scores():
    table = score_table(np.array([], dtype=int), np.empty((0, 3)), np.array([]), NAMES)
    assert all(math.isnan(estimate.value) and estimate.n == 0 for estimate in table.values())


def test_too_few_names_are_refused():
    with pytest.raises(HubError, match="3 columns of probabilities need as many class names"):
        score_table(np.array([0]), np.array([[0.2, 0.3, 0.5]]), np.array([1]), NAMES[:2])


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("score", ["auc", "balanced_accuracy"])
def test_the_fast_bootstrap_equals_scoring_each_resample_of_days(score, k):
    actual, probs, days = sample(12, k, seed=4)
    probs = probs.round(1)  # ties
    probs[:, -1] = 1 - probs[:, :-1].sum(axis=1)
    probs = np.abs(probs)
    actual[: k * 6] = np.tile(np.arange(k), 6)
    random = np.random.default_rng(0)
    drawn = []
    for picked in random.integers(0, 12, size=(2000, 12)):
        rows = np.concatenate([np.flatnonzero(days == day) for day in picked])
        drawn.append(getattr(scores, score)(actual[rows], probs[rows]))
    estimate = score_table(actual, probs, days, NAMES[:k])[score]
    tail = norm.cdf(-math.sqrt(12 / 11) * student.ppf(0.975, 11))  # 95 %, expanded for 12 days
    assert (estimate.low, estimate.high) == pytest.approx(tuple(np.nanquantile(drawn, [tail, 1 - tail])), abs=1e-9)


@pytest.mark.parametrize("score", ["auc", "balanced_accuracy"])
def test_effective_events_explain_the_spread_over_samples(score):
    estimates = []
    for seed in range(150):
        actual, probs, days = sample(40, 2, seed)
        repeated = np.repeat(np.arange(240), 2)  # every event twice in its day: worth half
        estimates.append(score_table(actual[repeated], probs[repeated], days[repeated], NAMES[:2])[score])
    assert np.mean([e.n_effective for e in estimates]) == pytest.approx(245, abs=15)  # 240, a little more on average
    widths = [(e.high - e.low) / (2 * 2.05) for e in estimates]
    assert np.mean(widths) == pytest.approx(np.std([e.value for e in estimates]), rel=0.15)


def test_skill_is_the_mean_gain_per_event_and_positive_when_the_model_is_better():
    actual, days = np.tile([0, 1], 10), np.repeat(np.arange(10), 2)
    model, even = np.tile([[0.8, 0.2], [0.4, 0.6]], (10, 1)), np.full((20, 2), 0.5)
    log_loss = skill(actual, model, even, days)
    assert log_loss.value == pytest.approx((math.log(0.8 / 0.5) + math.log(0.6 / 0.5)) / 2)
    assert log_loss.low == pytest.approx(log_loss.value)  # every day gains the same
    assert skill(actual, model, even, days, score="brier").value == pytest.approx((0.5 - 0.08 + 0.5 - 0.32) / 2)
    assert skill(actual, model, even, days, score="accuracy").value == 0.5
    assert skill(actual, even, model, days).value == -log_loss.value


def test_pairing_sees_a_small_gain_that_two_separate_intervals_hide():
    actual, truth, days = sample(300, 2, seed=5)
    blunter = 0.9 * truth + 0.05
    gain = skill(actual, truth, blunter, days)
    apart = [score_table(actual, probs, days, NAMES[:2])["log_loss"] for probs in (truth, blunter)]
    assert gain.high - gain.low < 0.3 * (apart[0].high - apart[0].low)


@settings(max_examples=20, deadline=None)
@given(days=st.integers(5, 30), k=st.sampled_from([2, 3]), seed=st.integers(0, 10**6))
@pytest.mark.parametrize("score", ["log_loss", "brier", "accuracy"])
def test_a_model_has_exactly_no_skill_against_itself(score, days, k, seed):
    actual, probs, day = sample(days, k, seed)
    found = skill(actual, probs, probs, day, score=score)
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)
    assert "-" not in repr(found)


@settings(max_examples=10, deadline=None)
@given(days=st.integers(5, 20), k=st.sampled_from([2, 3]), seed=st.integers(0, 10**6))
def test_the_order_of_events_changes_nothing_in_the_table(days, k, seed):
    actual, probs, day = sample(days, k, seed)
    order = np.random.default_rng(seed).permutation(actual.size)
    table = score_table(actual, probs, day, NAMES[:k])
    shuffled = score_table(actual[order], probs[order], day[order], NAMES[:k])
    for name, estimate in table.items():
        for field in ("value", "low", "high", "n_effective"):
            assert getattr(shuffled[name], field) == pytest.approx(getattr(estimate, field), nan_ok=True, rel=1e-12)


def test_the_same_days_twice_narrow_every_interval():
    actual, probs, days = sample(60, 3, seed=6)
    once = score_table(actual, probs, days, NAMES)
    twice = score_table(np.tile(actual, 2), np.tile(probs, (2, 1)), np.concatenate([days, days + 60]), NAMES)
    for name, estimate in once.items():
        assert twice[name].value == pytest.approx(estimate.value)
        assert (twice[name].high - twice[name].low) == pytest.approx(
            (estimate.high - estimate.low) / math.sqrt(2), rel=0.15
        )


def test_dates_and_numbers_of_days_give_the_same_table():
    actual, probs, days = sample(10, 2, seed=7)
    dates = np.datetime64("2024-03-04") + days
    assert day_numbers(dates).tolist() == days.tolist()
    assert score_table(actual, probs, dates, NAMES[:2]) == score_table(actual, probs, days, NAMES[:2])
