"""Reasons on made-up SHAP values: they sum to the answer whatever the model says, and have the sign of their push."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_inference.explanations import probability_points
from ml_models.calibrator import Calibrator

CALIBRATORS = (Calibrator(), Calibrator("temperature", temperature=0.4), Calibrator("temperature", temperature=3.0))
PLATT = Calibrator("platt", slope=1.7, intercept=-0.4)


def explained(contributions: np.ndarray, target: int, calibrator: Calibrator) -> tuple[float, np.ndarray, float]:
    base, points = probability_points(SimpleNamespace(calibrator=calibrator), contributions, target)
    return base, points, float(calibrator.apply(contributions.sum(axis=1)[None, :])[0, target])


@given(
    st.sampled_from([1, 3, 4]),
    st.sampled_from(CALIBRATORS),
    st.sampled_from([0.0, 1e-9, 0.01, 1.0, 8.0, 60.0, 700.0]),
    st.integers(0, 10_000),
)
@settings(max_examples=150, deadline=None)
def test_base_and_points_sum_to_the_probability_of_every_class(
    margins: int, calibrator: Calibrator, scale: float, seed: int
):
    contributions = np.random.default_rng(seed).normal(size=(margins, 9)) * scale
    for target in range(max(2, margins)):
        base, points, answer = explained(contributions, target, calibrator)
        assert base + points.sum() == pytest.approx(answer, abs=1e-9)


def test_the_points_of_all_classes_cancel():
    contributions = np.random.default_rng(1).normal(size=(3, 6))
    points = [explained(contributions, target, Calibrator())[1] for target in range(3)]
    assert np.abs(np.sum(points, axis=0)).max() < 1e-12


@pytest.mark.parametrize("calibrator", [*CALIBRATORS, PLATT])
def test_an_input_that_raises_the_score_of_the_second_class_lowers_the_first(calibrator: Calibrator):
    contributions = np.array([[0.5, -0.2, 0.0, 0.1]])  # three inputs and the base, log-odds of class 1
    for target, signs in ((1, [1, -1, 0]), (0, [-1, 1, 0])):
        base, points, answer = explained(contributions, target, calibrator)
        assert np.sign(points).tolist() == signs
        assert base + points.sum() == pytest.approx(answer, abs=1e-12)


@pytest.mark.parametrize("rest", [0.0, 1e-17, 1e-12, -1e-9])
def test_inputs_that_cancel_each_other_keep_their_own_points(rest: float):
    _, points, _ = explained(np.array([[2.0, -2.0 + rest, 0.0, 0.0]]), 1, Calibrator())
    assert points[0] == pytest.approx(0.5, abs=1e-4)  # a quarter for each unit of log-odds at even chances
    assert points[1] == pytest.approx(-0.5, abs=1e-4)
