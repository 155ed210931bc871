import math

import numpy as np
import pytest
from scipy.stats import binomtest

from ml_models.calibrator import Calibrator
from ml_training.calibration import calibration_test, choose_calibrator, fit_platt, fit_temperature


def forecasts(days: int, seed: int, bold: float = 1.0, shift: float = 0.0, icc: float = 0.0):
    """Six events a day: scores that are `bold` times too bold, `shift` too high; events of a day share a part `icc`."""
    random = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), 6)
    true = random.normal(0, 1, len(day))
    chance = 1 / (1 + np.exp(-true))
    own = random.random(len(day))
    shared = np.repeat(random.random(days), 6)
    codes = (np.where(random.random(len(day)) < icc, shared, own) < chance).astype(np.int64)
    return (bold * true + shift)[:, None], codes, day


def multiclass(days: int, seed: int, bold: float = 1.0):
    random = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), 6)
    true = random.normal(0, 1, (len(day), 3))
    odds = np.exp(true)
    codes = (random.random(len(day))[:, None] > (odds / odds.sum(axis=1, keepdims=True)).cumsum(axis=1)).sum(axis=1)
    return bold * true, codes, day


@pytest.mark.parametrize("icc", [0.0, 0.3])
def test_right_scores_are_rejected_about_as_often_as_stated(icc: float):
    rejected = sum(calibration_test(*forecasts(60, seed, icc=icc), 2) < 0.05 for seed in range(300))
    assert binomtest(rejected, 300, 0.05).pvalue > 0.01, rejected


@pytest.mark.parametrize(("bold", "shift"), [(2.0, 0.0), (0.5, 0.0), (1.0, 0.6)])
def test_scores_that_are_too_bold_too_timid_or_too_high_are_rejected(bold: float, shift: float):
    assert sum(calibration_test(*forecasts(80, seed, bold, shift), 2) < 0.05 for seed in range(40)) >= 36


def test_scores_of_three_classes_are_tested_together():
    assert sum(calibration_test(*multiclass(80, seed), 3) < 0.05 for seed in range(100)) <= 12
    assert sum(calibration_test(*multiclass(80, seed, bold=2.0), 3) < 0.05 for seed in range(40)) >= 36


def test_the_temperature_and_the_two_numbers_of_platt_are_found_again():
    margins, codes, _ = forecasts(4000, seed=1, bold=2.0)
    assert fit_temperature(margins, codes).temperature == pytest.approx(2.0, rel=0.06)
    margins, codes, _ = forecasts(4000, seed=1, bold=2.0, shift=0.5)
    found = fit_platt(margins, codes)
    assert found.slope == pytest.approx(0.5, rel=0.06)
    assert found.intercept == pytest.approx(-0.25, abs=0.05)


def test_what_is_calibrated_is_left_alone_and_says_on_how_many():
    found = choose_calibrator(*forecasts(100, seed=3), 2)
    assert found.calibrator == Calibrator()
    assert found.losses == {}
    assert found.sentence == (
        f"No calibrator: that the scores mean what they say is not rejected (p {found.p_value:.2f}) on 600 "
        "out-of-fold forecasts on 100 days."
    )


def test_what_is_too_bold_is_cooled_and_compared_with_raw_and_constant():
    found = choose_calibrator(*forecasts(200, seed=4, bold=2.5), 2)
    assert found.calibrator.kind == "temperature"
    assert found.calibrator.temperature == pytest.approx(2.5, rel=0.2)
    assert set(found.losses) == {"raw", "temperature", "platt", "constant"}
    assert found.losses["temperature"] < found.losses["raw"]
    assert found.p_value < 0.001


def test_where_there_is_nothing_to_be_told_a_constant_wins_and_no_calibrator_is_fitted():
    margins, _, day = forecasts(200, seed=5)
    codes = np.random.default_rng(6).integers(0, 2, len(day))
    found = choose_calibrator(margins, codes, day, 2)
    assert found.p_value < 0.05
    assert found.calibrator == Calibrator() or found.losses[found.calibrator.kind] < found.losses["constant"]


def test_three_classes_get_a_temperature_and_never_platt():
    found = choose_calibrator(*multiclass(150, seed=2, bold=2.5), 3)
    assert "platt" not in found.losses
    assert found.calibrator.kind == "temperature"


def test_few_days_cannot_tell():
    found = choose_calibrator(*forecasts(4, seed=1, bold=3.0), 2)
    assert math.isnan(found.p_value)
    assert found.calibrator == Calibrator()
    assert "cannot be told on 24" in found.sentence


def test_on_average_calibrating_on_rejection_helps_what_is_too_bold_and_does_not_hurt_what_is_right():
    def loss(calibrator: Calibrator, margins, codes) -> float:
        probs = calibrator.apply(margins)
        return float(-np.log(probs[np.arange(len(codes)), codes]).mean())

    gains = {}
    for bold in (1.0, 2.0):
        saved = []
        for seed in range(20):
            chosen = choose_calibrator(*forecasts(80, seed, bold), 2).calibrator
            margins, codes, _ = forecasts(400, 1000 + seed, bold)
            saved.append(loss(Calibrator(), margins, codes) - loss(chosen, margins, codes))
        gains[bold] = float(np.mean(saved))
    assert gains[1.0] > -0.001
    assert gains[2.0] > 0.05
