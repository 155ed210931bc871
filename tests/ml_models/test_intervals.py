import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import t as student

from ml_models.intervals import (
    Estimate,
    day_numbers,
    design_effect,
    mean_interval,
    mean_interval_t,
    share_interval,
    statistic_interval,
)


def correlated_hits(random, days, a_day, share, correlation):
    """Hits that happen with probability `share`, two of one day correlated by about `correlation`."""
    shared = math.sin(math.pi / 2 * correlation)
    latent = math.sqrt(shared) * random.standard_normal((days, 1))
    latent = latent + math.sqrt(1 - shared) * random.standard_normal((days, a_day))
    return (latent < ndtri(share)).ravel()


def width(estimate):
    return estimate.high - estimate.low


events = st.integers(5, 25).flatmap(
    lambda days: st.lists(st.tuples(st.integers(0, days - 1), st.booleans()), min_size=days, max_size=80)
)


def test_one_event_a_day_has_no_design_effect_and_gives_wilson_with_student_t():
    found = share_interval(np.array([True] * 6 + [False] * 4), np.arange(10))
    t = student.ppf(0.975, 9)
    middle, half = (0.6 + t**2 / 20) / (1 + t**2 / 10), t / (1 + t**2 / 10) * math.sqrt(0.24 / 10 + t**2 / 400)
    assert found.design_effect == pytest.approx(1.0)
    assert (found.low, found.high) == pytest.approx((middle - half, middle + half))


def test_events_that_repeat_within_their_day_are_worth_about_one_a_day():
    once = share_interval(np.arange(40) % 2 == 0, np.arange(40))
    thrice = share_interval(np.repeat(np.arange(40) % 2 == 0, 3), np.repeat(np.arange(40), 3))
    assert thrice.n == 120
    assert thrice.n_effective == pytest.approx(40 * 39 / 40 * 120 / 119)  # (G - 1) n / (n - 1)
    assert width(thrice) == pytest.approx(width(once), rel=0.02)


def test_events_that_balance_within_their_day_are_not_worth_more_than_they_are():
    found = share_interval(np.arange(40) % 2 == 0, np.repeat(np.arange(20), 2))
    assert found.n_effective == 40.0


def test_when_every_event_happened_each_day_counts_once():
    found = share_interval(np.full(60, True), np.repeat(np.arange(20), 3))
    assert (found.value, found.high, found.n_effective) == (1.0, 1.0, 20.0)
    assert found.low == pytest.approx(20 / (20 + student.ppf(0.975, 19) ** 2))


@pytest.mark.parametrize("days", [1, 4])
@pytest.mark.parametrize("interval", [share_interval, mean_interval, mean_interval_t])
def test_fewer_than_five_days_give_a_value_and_no_interval(interval, days):
    found = interval(np.arange(2 * days) % 2 == 0.0, np.repeat(np.arange(days), 2))
    assert (found.value, found.n, found.days) == (0.5, 2 * days, days)
    assert np.isnan([found.low, found.high, found.n_effective, found.design_effect]).all()


@pytest.mark.parametrize("interval", [share_interval, mean_interval, mean_interval_t])
def test_no_events_give_an_undefined_estimate(interval):
    found = interval(np.array([]), np.array([], dtype="datetime64[D]"))
    assert (found.n, found.days) == (0, 0)
    assert np.isnan([found.value, found.low, found.high, found.n_effective, found.design_effect]).all()


def test_the_cluster_t_interval_written_out():
    # Day sums of the deviations from 2: -1, 0, 1, 0, 0 over 5 days of 2 events; variance 5/4 * 2 / 100.
    values = np.array([1.0, 2.0, 2.0, 2.0, 2.0, 3.0, 2.0, 2.0, 2.0, 2.0])
    found = mean_interval_t(values, np.repeat(np.arange(5), 2))
    half = student.ppf(0.975, 4) * math.sqrt(0.025)
    assert (found.value, found.low, found.high) == pytest.approx((2.0, 2.0 - half, 2.0 + half))


def test_the_day_bootstrap_agrees_with_cluster_t_where_values_are_not_skewed():
    random = np.random.default_rng(3)
    days = np.repeat(np.arange(100), 6)
    values = random.standard_normal(600) + 0.5 * random.standard_normal(100)[days]
    drawn, exact = mean_interval(values, days), mean_interval_t(values, days)
    assert drawn.n_effective == exact.n_effective
    assert (drawn.low, drawn.high) == pytest.approx((exact.low, exact.high), abs=0.02)


def test_drawing_days_is_the_same_as_resampling_their_events():
    day, values = np.array([0, 0, 1, 2, 2, 3, 4]), np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0])
    seen = []

    def resampled_mean(counts):
        seen.append(counts)
        index = [np.repeat(np.arange(7), row[day].astype(int)) for row in counts]
        return np.array([values[rows].mean() for rows in index])

    slow = statistic_interval(values.mean(), values - values.mean(), resampled_mean, day, draws=200, seed=4)
    fast = mean_interval(values, day, draws=200, seed=4)
    assert (slow.low, slow.high) == pytest.approx((fast.low, fast.high))
    assert (np.concatenate(seen).sum(axis=1) == 5).all()


def test_draws_that_leave_the_statistic_undefined_are_left_out_until_they_are_a_tenth():
    day, influence = np.arange(10), np.ones(10)

    def undefined(share):
        return lambda counts: np.where(np.arange(len(counts)) < share * len(counts), np.nan, 1.0)

    few = statistic_interval(1.0, influence, undefined(0.09), day, draws=100)
    many = statistic_interval(1.0, influence, undefined(0.11), day, draws=100)
    assert (few.low, few.high) == (1.0, 1.0)
    assert np.isnan([many.low, many.high]).all()
    assert many.n_effective == 10.0


def test_the_same_seed_gives_the_same_interval_and_another_one_nearly_the_same():
    values, days = np.random.default_rng(1).standard_normal(300), np.arange(300) // 6
    first, again, other = (mean_interval(values, days, seed=seed) for seed in (7, 7, 8))
    assert first == again != other
    assert first.low == pytest.approx(other.low, abs=0.02)


def test_day_numbers_follow_the_dates_and_skip_the_days_without_events():
    days = np.array(["2024-03-08", "2024-03-04", "2024-03-08", "2024-03-06"], dtype="datetime64[D]")
    assert day_numbers(days).tolist() == [2, 0, 2, 1]


@settings(max_examples=60, deadline=None)
@given(events=events, seed=st.integers(0, 1000))
def test_the_order_of_events_changes_no_interval(events, seed):
    days, happened = (np.array(column) for column in zip(*events, strict=True))
    values = np.where(happened, 0.1, -0.37) * (1 + days)
    order = np.random.default_rng(seed).permutation(days.size)
    for interval, of in ((share_interval, happened), (mean_interval_t, values), (mean_interval, values)):
        assert repr(interval(of[order], days[order])) == repr(interval(of, days))  # NaN equals NaN in a repr


@settings(max_examples=60, deadline=None)
@given(events=events)
def test_the_same_days_twice_narrow_the_interval(events):
    days, happened = (np.array(column) for column in zip(*events, strict=True))
    if np.unique(days).size < 5:
        return
    twice = np.concatenate([days, days + 1000])
    one, two = share_interval(happened, days), share_interval(np.tile(happened, 2), twice)
    assert two.value == pytest.approx(one.value)
    assert width(two) < width(one)
    assert two.n_effective >= 2 * one.n_effective * (1 - 1e-12)
    values = happened.astype(float)
    assert width(mean_interval_t(np.tile(values, 2), twice)) <= width(mean_interval_t(values, days))


@settings(max_examples=60, deadline=None)
@given(events=events)
def test_a_share_lies_in_its_interval_and_the_interval_in_0_to_1(events):
    days, happened = (np.array(column) for column in zip(*events, strict=True))
    found = share_interval(happened, days)
    if found.days >= 5:
        assert 0 <= found.low <= found.value + 1e-12
        assert found.value - 1e-12 <= found.high <= 1
        assert 1 <= found.n_effective <= found.n


def test_the_design_effect_grows_with_the_correlation_inside_a_day():
    random = np.random.default_rng(11)
    days = np.repeat(np.arange(2000), 6)
    effects = []
    for correlation in (0.0, 0.2, 0.4):
        hits = correlated_hits(random, 2000, 6, 0.5, correlation)
        effects.append(design_effect(hits - hits.mean(), days))
    assert effects == pytest.approx([1.0, 2.0, 3.0], abs=0.15)  # 1 + 5 * correlation


@pytest.mark.parametrize("correlation", [0.0, 0.2])
def test_95_percent_intervals_of_a_share_hold_it_in_about_95_percent_of_samples(correlation):
    random, days = np.random.default_rng(2), np.repeat(np.arange(83), 6)
    held = 0
    for _ in range(400):
        found = share_interval(correlated_hits(random, 83, 6, 0.57, correlation), days)
        held += found.low <= 0.57 <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_an_estimate_is_frozen():
    with pytest.raises(AttributeError):
        Estimate(0.5, 0.4, 0.6, 10, 10.0, 5).value = 0.6
