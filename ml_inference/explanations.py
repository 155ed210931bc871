"""Reasons: how many points of probability each input moved the answer by."""

from typing import Final

import numpy as np
import numpy.typing as npt

from ml_models.loaded_version import LoadedVersion

Floats = npt.NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)
PATH: Final = ((_NODES + 1.0) / 2.0, _WEIGHTS / 2.0)
"""Where on a stretch of the way from base to answer the slope is looked at, and with which weight (Gauss-Legendre)."""

STRETCH: Final = 8.0
"""How far raw scores may move apart on one stretch, in units of the calibrated score, for 1e-9 to hold."""

NOWHERE: Final = 1e-6
"""Below this change of a raw score the way has no length to divide by: the slope where it stands is taken."""


def probability_points(version: LoadedVersion, contributions: Floats, target: int) -> tuple[float, Floats]:
    """Return (base, points): what the version says of class `target` without looking, and what each input adds.

    `contributions` (margins, F + 1) are one row's SHAP values of the raw scores, the base last. Raw scores add up but
    probabilities do not; so each input is credited along the straight way from the base to the answer (Aumann-Shapley:
    Sundararajan and Najmi, The many Shapley values, 2020). Base and points sum to the probability, up to 1e-9.
    """
    base, shares = contributions[:, -1], contributions[:, :-1]
    change = shares.sum(axis=1)
    if len(base) == 1:
        at_base, at_answer = (_probability(version, base + step * change, target) for step in (0.0, 1.0))
        slope = _slope(version, base, change, target) if abs(change[0]) < NOWHERE else (at_answer - at_base) / change[0]
        return at_base, slope * shares[0]
    temperature = version.calibrator.temperature
    stretches = max(1, int(np.ceil(np.ptp(change) / temperature / STRETCH)))
    steps = ((np.arange(stretches)[:, None] + PATH[0]) / stretches).ravel()
    weights = np.tile(PATH[1] / stretches, stretches)
    probabilities = version.calibrator.apply(base + steps[:, None] * change)
    slopes = probabilities[:, [target]] * ((np.arange(len(base)) == target) - probabilities)
    return _probability(version, base, target), (weights @ slopes / temperature) @ shares


def _probability(version: LoadedVersion, margins: Floats, target: int) -> float:
    return float(version.calibrator.apply(margins[None, :])[0, target])


def _slope(version: LoadedVersion, base: Floats, change: Floats, target: int) -> float:
    step = 1e-6
    up, down = (_probability(version, base + change + sign * step, target) for sign in (1.0, -1.0))
    return (up - down) / (2.0 * step)
