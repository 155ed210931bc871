import math

import numpy as np
import pytest

from ml_models.brier_parts import brier_parts
from ml_models.verdicts import describe_brier_parts


def forecasts(days: int, seed: int, bold: float = 1.0):
    random = np.random.default_rng(seed)
    true = random.normal(0, 1, days * 6)
    happened = random.random(days * 6) < 1 / (1 + np.exp(-true))
    return 1 / (1 + np.exp(-bold * true)), happened, np.repeat(np.arange(days), 6)


def test_the_parts_make_up_the_score():
    found = brier_parts(*forecasts(60, 1, bold=2.0))
    assert found.value == pytest.approx(found.miscalibration - found.discrimination + found.uncertainty)
    assert min(found.miscalibration, found.discrimination, found.uncertainty) >= 0


def test_a_right_forecaster_is_within_the_null_about_as_often_as_it_says():
    beyond = 0
    for seed in range(60):
        found = brier_parts(*forecasts(40, seed), draws=100, seed=seed)
        beyond += found.miscalibration > found.null_p95
    assert beyond <= 8  # 5 % of 60 are 3


def test_one_who_is_too_bold_is_beyond_it_and_tells_events_apart_as_well():
    right, bold = brier_parts(*forecasts(100, 2)), brier_parts(*forecasts(100, 2, bold=3.0))
    assert bold.miscalibration > bold.null_p95
    assert describe_brier_parts(bold).state == "bad"
    assert bold.discrimination == pytest.approx(right.discrimination)  # stretching changes no order


def test_the_order_of_the_events_changes_nothing():
    forecast, happened, days = forecasts(30, 3)
    order = np.random.default_rng(0).permutation(len(days))
    assert brier_parts(forecast[order], happened[order], days[order]) == brier_parts(forecast, happened, days)


def test_few_days_cannot_tell():
    found = brier_parts(*forecasts(3, 1))
    assert math.isnan(found.null_p95)
    assert describe_brier_parts(found).state == "cannot tell"
    assert math.isnan(brier_parts(np.empty(0), np.empty(0, dtype=bool), np.empty(0)).value)
