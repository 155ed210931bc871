import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from ml_monitoring.betting import day_gains, wealth_of
from trading.errors import HubError

ALPHA = 0.05


def calls(right: float, days: int, seed: int, icc: float = 0.0, base: float = 0.5):
    """Six calls a day, `right` of them right on average; with chance `icc` one draw decides all six of a day."""
    random = np.random.default_rng(seed)
    draws = np.where(random.random((days, 6)) < icc, random.random((days, 1)), random.random((days, 6)))
    values = (draws < right).astype(float).ravel() - base
    return day_gains(values, np.full(values.size, base), np.repeat(np.arange(days), 6), 6)


@pytest.mark.parametrize("icc", [0.0, 0.2, 0.4])
def test_coin_flips_looked_at_every_day_pass_no_more_often_than_alpha(icc: float):
    passed = sum(wealth_of(*calls(0.5, 250, seed, icc), ALPHA).passed is not None for seed in range(2000))
    assert binomtest(passed, 2000, ALPHA, alternative="greater").pvalue > 0.01, passed


@pytest.mark.parametrize(("icc", "least"), [(0.0, 0.70), (0.2, 0.55)])
def test_sixty_in_a_hundred_against_fifty_five_passes_within_166_days_as_documented(icc: float, least: float):
    passed = [wealth_of(*calls(0.60, 166, seed, icc, base=0.55), ALPHA).passed is not None for seed in range(200)]
    assert np.mean(passed) >= least


def test_on_a_fair_bet_the_wealth_is_one_on_average_over_all_outcomes():
    day = np.repeat([0, 1, 2], 2)
    last = [
        wealth_of(*day_gains(np.array(outcome), np.ones(6), day, 2), ALPHA).now
        for outcome in itertools.product([-1.0, 1.0], repeat=6)
    ]
    assert np.mean(last) == pytest.approx(1.0)
    assert min(last) > 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.floats(-1, 2), min_size=1, max_size=4), min_size=1, max_size=8), st.randoms())
def test_order_within_a_day_changes_nothing_and_later_days_change_no_earlier_wealth(by_day, random):
    def wealth(days):
        values = np.array([value for day in days for value in day])
        number = np.repeat(np.arange(len(days)), [len(day) for day in days])
        return wealth_of(*day_gains(values, np.ones(values.size), number, 4), ALPHA).wealth

    shuffled = [random.sample(day, len(day)) for day in by_day]
    np.testing.assert_allclose(wealth(shuffled), wealth(by_day), rtol=1e-12)
    np.testing.assert_allclose(wealth(by_day)[:-1], wealth(by_day[:-1]) if len(by_day) > 1 else [], rtol=1e-12)
    assert (wealth(by_day) > 0).all()


def test_a_pass_is_not_taken_back():
    days, gains = np.arange(40), np.concatenate([np.full(20, 0.5), np.full(20, -0.9)])
    found = wealth_of(days, gains, ALPHA)
    assert found.passed is not None
    assert found.now < 1
    assert found.further_days == 0


def test_the_days_still_needed_shrink_as_the_evidence_grows_and_are_infinite_without_growth():
    days, gains = np.arange(30), np.tile([0.3, -0.2, 0.1], 10)
    waits = [wealth_of(days[:n], gains[:n], ALPHA).further_days for n in (9, 18, 27)]
    assert waits == sorted(waits, reverse=True)
    assert all(math.isfinite(wait) for wait in waits)
    assert wealth_of(days, -gains, ALPHA).further_days == math.inf
    assert math.isnan(wealth_of(days[:0], gains[:0], ALPHA).further_days)


def test_about_as_many_days_are_needed_as_are_foretold():
    gains = np.tile([0.3, -0.2, 0.1], 400)
    foretold = wealth_of(np.arange(60), gains[:60], ALPHA).further_days
    passed = wealth_of(np.arange(1200), gains, ALPHA).passed
    assert 60 + foretold == pytest.approx(int(passed) + 1, rel=0.1)


@pytest.mark.parametrize(
    ("values", "worst", "most", "says"),
    [
        ([0.1, math.nan], [1.0, 1.0], 2, "no evidence yet"),
        ([-1.2, 0.1], [1.0, 1.0], 2, "Event 0: a gain of -1.2 where -1 is the worst"),
        ([0.1, 0.1], [1.0, 0.0], 2, "Event 1"),
        ([0.1, 0.1], [1.0, 1.0], 1, "2 events on one day"),
    ],
)
def test_a_bet_that_is_not_fair_is_refused(values, worst, most, says):
    with pytest.raises(HubError, match=says):
        day_gains(np.array(values), np.array(worst), np.array([0, 0]), most)


@pytest.mark.parametrize("alpha", [0.0, 1.0, math.nan])
def test_alpha_is_a_chance(alpha: float):
    with pytest.raises(HubError, match="chance between 0 and 1"):
        wealth_of(np.arange(2), np.zeros(2), alpha)
