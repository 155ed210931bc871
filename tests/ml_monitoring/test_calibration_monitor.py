import numpy as np
import pytest

from ml_models.reliability import calibration_error
from ml_monitoring.calibration_monitor import calibration, rolling_calibration_error
from ml_monitoring.judged import judged_of
from tests.ml_monitoring.journal_tables import WRONG, Row, journal, on_days

SURE = [Row(up=0.95), Row(orb="1000", up=0.05, actual="DOWN")]


def test_without_a_matured_prediction_nothing_is_calibrated():
    assert calibration(judged_of(journal())) is None


def test_forecasts_are_of_up_and_the_mean_error_is_positive_when_up_was_called_too_often():
    found = calibration(judged_of(journal(*on_days(10, WRONG))))
    assert found is not None
    assert found.bins.bins[0].mean_forecast == pytest.approx(0.6)
    assert found.bins.bins[0].observed.value == 0.0
    assert found.in_the_large.value == pytest.approx(0.6)
    assert [verdict.state for verdict in found.verdicts] == ["bad"] * 4
    assert found.verdict.state == "bad"


def test_few_days_cannot_tell():
    found = calibration(judged_of(journal(*on_days(3, *SURE))))
    assert found is not None
    assert found.verdict.state == "cannot tell"
    assert found.error.value == pytest.approx(0.05)


def test_the_rolling_error_is_the_calibration_error_of_each_window():
    random = np.random.default_rng(1)
    rows = [
        Row(day=day, orb=orb, up=float(up), actual="UP" if random.random() < up else "DOWN")
        for day in np.arange("2025-01-01", "2025-01-20", dtype="datetime64[D]").astype(str)
        for orb, up in zip(("0900", "1000", "1100"), random.uniform(0.05, 0.95, 3), strict=True)
    ]
    judged = judged_of(journal(*rows))
    errors = rolling_calibration_error(judged, 10)
    days = np.unique(judged.days)
    expected = []
    for first, last in zip(days[:-9], days[9:], strict=True):
        inside = judged.where((judged.days >= first) & (judged.days <= last))
        expected.append(calibration_error(inside.probs[:, 0], inside.actual == 0, inside.days).value)
    assert errors.tolist() == pytest.approx(expected)
    assert len(rolling_calibration_error(judged, 20)) == 0
