import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from ml_models.reliability import calibration_error, calibration_in_the_large, reliability
from ml_models.right_forecaster import correlation_in_a_day, drawn_hits
from trading.errors import HubError


def right_forecaster(days, a_day, correlation, seed):
    random = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), a_day)
    forecast = np.clip(0.5 + 0.12 * random.standard_normal(day.size), 0.05, 0.95)
    shared = math.sin(math.pi / 2 * correlation)
    latent = math.sqrt(shared) * random.standard_normal(days)[day]
    latent = latent + math.sqrt(1 - shared) * random.standard_normal(day.size)
    return forecast, latent < ndtri(forecast), day


def test_bins_hold_equal_numbers_of_events_in_the_order_of_their_forecasts():
    forecast = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
    happened = np.array([0, 0, 0, 1, 0, 1, 1, 0, 1, 1]) == 1
    found = reliability(forecast, happened, np.arange(10), draws=200)
    assert [part.mean_forecast for part in found.bins] == pytest.approx([0.15, 0.35, 0.55, 0.75, 0.925])
    assert [part.observed.value for part in found.bins] == [0.0, 0.5, 0.5, 0.5, 1.0]
    assert [part.observed.n for part in found.bins] == [2, 2, 2, 2, 2]
    assert (found.n, found.days) == (10, 10)


def test_equal_forecasts_share_a_bin():
    forecast = np.array([0.5] * 8 + [0.6, 0.7])
    found = reliability(forecast, np.arange(10) % 2 == 0, np.arange(10), draws=200)
    assert [part.observed.n for part in found.bins] == [8, 2]
    constant = reliability(np.full(10, 0.5), np.arange(10) % 2 == 0, np.arange(10), draws=200)
    assert [part.observed.n for part in constant.bins] == [10]


def test_the_band_of_independent_coin_tosses_is_binomial():
    found = reliability(np.full(100, 0.5), np.arange(100) % 2 == 0, np.arange(100), draws=4000)
    assert (found.bins[0].band_low, found.bins[0].band_high) == (0.40, 0.60)  # binom.ppf(.025 and .975, 100, .5) / 100
    assert found.p_value > 0.9


def test_the_band_widens_when_events_of_a_day_move_together():
    forecast, happened, day = np.full(300, 0.5), np.repeat(np.arange(60) % 2 == 0, 5), np.repeat(np.arange(60), 5)
    together = reliability(forecast, happened, day).bins[0]
    apart = reliability(forecast, happened, np.arange(300)).bins[0]
    ratio = (together.band_high - together.band_low) / (apart.band_high - apart.band_low)
    assert ratio == pytest.approx(math.sqrt(5), rel=0.1)


def test_over_confidence_is_rejected_and_rightness_is_not():
    forecast, happened, day = right_forecaster(83, 6, 0.2, seed=0)
    assert reliability(forecast, happened, day).p_value > 0.05
    assert reliability(np.clip(0.5 + 3 * (forecast - 0.5), 0.01, 0.99), happened, day).p_value < 0.01


def test_a_certain_forecast_that_fails_is_rejected_and_one_that_holds_is_not():
    forecast, happened = np.repeat([0.0, 1.0], 20), np.repeat([False, True], 20)
    assert reliability(forecast, happened, np.arange(40)).p_value == 1.0
    failed = happened.copy()
    failed[0] = True
    assert reliability(forecast, failed, np.arange(40)).p_value < 0.01


@pytest.mark.parametrize("correlation", [0.0, 0.2])
def test_a_right_forecaster_is_seldom_rejected(correlation):
    samples = [right_forecaster(83, 6, correlation, seed) for seed in range(150)]
    rejected = sum(reliability(*sample, draws=200).p_value < 0.05 for sample in samples)
    above = [calibration_error(*sample, draws=200) for sample in samples]
    assert rejected <= 15  # 7.5 expected; more than 15 in 1 of 200 runs of an exact test
    assert sum(error.value > error.null_p95 for error in above) <= 17


def test_calibration_error_written_out():
    forecast = np.array([0.12, 0.18, 0.55, 0.65, 0.65])
    happened = np.array([False, True, True, True, False])
    # Bins [0.1, 0.2): |0.5 - 0.15| * 2; [0.5, 0.6): 0.45; [0.6, 0.7): |0.5 - 0.65| * 2; over 5 events.
    found = calibration_error(forecast, happened, np.arange(5))
    assert found.value == pytest.approx((0.70 + 0.45 + 0.30) / 5)
    mass = calibration_error(forecast, happened, np.arange(5), bin_count=1, binning="mass")
    assert mass.value == pytest.approx(abs(0.6 - 0.43))


@pytest.mark.parametrize(
    ("n", "mean", "p95", "mean_equal_mass"),
    [
        (60, 0.100, 0.167, 0.160),
        (120, 0.073, 0.122, 0.113),
        (250, 0.052, 0.086, 0.077),
        (500, 0.036, 0.061, 0.056),
        (2000, 0.018, 0.030, 0.027),
    ],
)
def test_a_right_forecaster_shows_the_known_calibration_error_at_each_n(n, mean, p95, mean_equal_mass):
    forecast = 0.5 + 0.08 * ndtri((np.arange(n) + 0.5) / n)
    happened = np.random.default_rng(0).random(n) < forecast
    found = calibration_error(forecast, happened, np.arange(n))
    assert found.null_mean == pytest.approx(mean, abs=0.004)
    assert found.null_p95 == pytest.approx(p95, abs=0.006)
    mass = calibration_error(forecast, happened, np.arange(n), binning="mass")
    assert mass.null_mean == pytest.approx(mean_equal_mass, abs=0.004)


def test_calibration_in_the_large_is_positive_when_the_class_was_called_too_often():
    found = calibration_in_the_large(np.full(40, 0.75), np.arange(40) % 2 == 0, np.arange(40))
    assert found.value == 0.25
    assert found.low > 0


def test_four_days_give_values_and_nothing_to_judge_them_by():
    forecast, happened, day = right_forecaster(4, 6, 0.0, seed=1)
    found, error = reliability(forecast, happened, day), calibration_error(forecast, happened, day)
    assert math.isnan(found.p_value)
    assert all(math.isnan(part.band_low) and math.isnan(part.band_high) for part in found.bins)
    assert error.value > 0
    assert np.isnan([error.null_mean, error.null_p95]).all()


def test_no_events_give_no_bins_and_an_undefined_error():
    nothing = np.array([])
    assert reliability(nothing, nothing, nothing).bins == ()
    assert math.isnan(calibration_error(nothing, nothing, nothing).value)
    assert math.isnan(calibration_in_the_large(nothing, nothing, nothing).value)


@pytest.mark.parametrize("wrong", [math.nan, -0.1, 1.1])
@pytest.mark.parametrize("judge", [reliability, calibration_error])
def test_a_forecast_that_is_no_probability_is_refused_with_its_row(judge, wrong):
    with pytest.raises(HubError, match="Row 1"):
        judge(np.array([0.5, wrong]), np.array([True, False]), np.arange(2))


@settings(max_examples=20, deadline=None)
@given(days=st.integers(2, 20), decimals=st.integers(1, 3), seed=st.integers(0, 10**6))
def test_the_order_of_events_changes_nothing(days, decimals, seed):
    forecast, happened, day = right_forecaster(days, 4, 0.3, seed)
    forecast = forecast.round(decimals)
    order = np.random.default_rng(seed).permutation(day.size)
    for judge in (
        lambda *events: reliability(*events, draws=50),
        lambda *events: calibration_error(*events, draws=50),
        calibration_in_the_large,
    ):
        assert repr(judge(forecast[order], happened[order], day[order])) == repr(judge(forecast, happened, day))


def test_the_same_seed_draws_the_same_band_and_another_seed_another():
    events = right_forecaster(20, 6, 0.2, seed=2)
    first, again, other = (reliability(*events, draws=100, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_drawn_outcomes_have_the_forecast_probabilities_and_the_correlation_of_ours():
    day = np.repeat(np.arange(200), 2)
    ours = np.repeat(np.arange(200) % 2, 2).astype(float)  # both events of a day end alike
    forecast = np.tile([0.3, 0.6], 200)
    assert correlation_in_a_day(np.full(400, 0.5), ours, day) == 1.0
    hits = drawn_hits(forecast, ours, day, np.tile([0, 1], 200), 2000, seed=0)
    assert hits.mean(axis=0) / 200 == pytest.approx([0.3, 0.6], abs=0.003)
    assert np.corrcoef(hits.T)[0, 1] == pytest.approx(math.sqrt(0.3 * 0.4 / (0.7 * 0.6)), abs=0.1)  # the most they can


def test_a_forecaster_who_is_wrong_on_average_does_not_look_correlated():
    random = np.random.default_rng(4)
    happened = (random.random(3000) < 0.3).astype(float)
    assert correlation_in_a_day(np.full(3000, 0.7), happened, np.arange(3000) // 6) < 0.02
