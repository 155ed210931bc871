"""Whether raw scores need a calibrator, and which: at most two numbers, fitted on forecasts of days not learned from.

A calibrator is fitted only when a test rejects that the probabilities are right as they are: recalibrating what is
calibrated costs more than it gives (0.0045 nats at 120 outcomes). Then the candidates are fitted on the earlier half of
the days and compared on the later half with leaving the scores alone and with a constant; the best is fitted again on
all. Never isotonic: below 1,500 outcomes it costs up to 0.14 nats.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.stats import f as f_distribution

from ml_models.baselines import majority_probs
from ml_models.calibrator import Calibrator
from ml_models.documents import Json
from ml_models.intervals import LEAST_DAYS, day_numbers
from ml_models.scores import FloatArray, IntArray, log_losses

LEVEL: Final = 0.05
"""A calibrator is looked for when the scores would be as far off in fewer than this share of right forecasts."""

PLATT_LEAST: Final = 250
"""Two numbers are fitted from so many outcomes on, one from the first."""

WORTH_A_NUMBER: Final = 0.0005
"""Nats that Platt must save over a temperature on the later days to be worth its second number."""

_RAW: Final = "All figures here are of the scores as they are."
_MEASURED: Final = (
    "The untouched window is measured with the calibrator; the walk-forward, on which it was chosen, without it."
)

_LOG_TEMPERATURES: Final = (math.log(0.05), math.log(20.0))


@dataclass(frozen=True)
class Calibration:
    """The chosen calibrator, and why.

    `p_value` is the test's (NaN when it cannot be told); `losses` the mean log loss on the later half of the days of
    `raw` scores, each candidate and the `constant`, in nats; empty when the test did not reject. `n` and `days` are
    what it lies on.
    """

    calibrator: Calibrator
    p_value: float
    losses: dict[str, float]
    n: int
    days: int
    sentence: str

    def document(self) -> dict[str, Json]:
        """Return it as a part of metrics.json."""
        return {
            "sentences": [self.sentence, _MEASURED if self.calibrator.kind != "none" else _RAW],
            "kind": self.calibrator.kind,
            "p_value": None if math.isnan(self.p_value) else self.p_value,
            "log_loss": dict(self.losses),
            "n": self.n,
            "days": self.days,
        }


def choose_calibrator(margins: FloatArray, codes: IntArray, days: NDArray[Any], class_count: int) -> Calibration:
    """Return the calibrator of raw scores `margins` ((n, 1) log-odds of the second of two classes, (n, K) of more).

    They must come from fits that did not learn from their rows; `codes` (n,) are the classes that happened, `days` (n,)
    the trading days.
    """
    n, count = len(codes), len(np.unique(days))
    p_value = calibration_test(margins, codes, days, class_count)
    lies_on = f"{n:,} out-of-fold forecasts on {count:,} days"
    if not p_value < LEVEL:
        why = "cannot be told" if math.isnan(p_value) else f"is not rejected (p {p_value:.2f})"
        sentence = f"No calibrator: that the scores mean what they say {why} on {lies_on}."
        return Calibration(Calibrator(), p_value, {}, n, count, sentence)
    losses = _compared(margins, codes, day_numbers(days), class_count)
    best = min(losses, key=lambda name: losses[name] + WORTH_A_NUMBER * (name == "platt"))
    told = ", ".join(f"{name} {loss:.4f}" for name, loss in losses.items())
    rejected = f"That the scores mean what they say is rejected (p {p_value:.3f}) on {lies_on}"
    if best in ("raw", "constant"):
        sentence = f"{rejected}, but on the later days no calibrator beats leaving them alone and a constant ({told})."
        return Calibration(Calibrator(), p_value, losses, n, count, sentence)
    sentence = f"{rejected}; {best} scaling is best on the later days (log loss: {told}) and was fitted on all."
    return Calibration(_CANDIDATES[best](margins, codes), p_value, losses, n, count, sentence)


def calibration_test(margins: FloatArray, codes: IntArray, days: NDArray[Any], class_count: int) -> float:
    """Return how often scores that are right would look as wrong as these: a score test with days as clusters.

    It asks at once whether each class comes as often as called and whether the scores are too bold or too timid
    (Cox 1958: intercepts and slope), from the sums by day of the likelihood's slopes (Hotelling's T squared). NaN with
    fewer than `LEAST_DAYS` days more than there are slopes.
    """
    scores = margins if margins.shape[1] > 1 else np.hstack([np.zeros_like(margins), margins])
    surprise = np.eye(class_count)[codes] - Calibrator("temperature").apply(margins)
    slopes = np.column_stack([surprise[:, 1:], (surprise * scores).sum(axis=1)])
    day = day_numbers(days)
    groups, k = int(day.max(initial=-1)) + 1, slopes.shape[1]
    if groups < LEAST_DAYS + k:
        return math.nan
    sums = np.zeros((groups, k))
    np.add.at(sums, day, slopes)
    mean, covariance = sums.mean(axis=0), np.atleast_2d(np.cov(sums.T))
    rank = int(np.linalg.matrix_rank(covariance))
    if rank == 0:
        return math.nan
    squared = groups * float(mean @ np.linalg.pinv(covariance) @ mean)
    return float(f_distribution.sf(squared * (groups - rank) / (rank * (groups - 1)), rank, groups - rank))


def fit_temperature(margins: FloatArray, codes: IntArray) -> Calibrator:
    """Return the temperature, between 0.05 and 20, under which `codes` are likeliest."""
    found = minimize_scalar(
        lambda log: _loss(Calibrator("temperature", temperature=math.exp(log)), margins, codes),
        bounds=_LOG_TEMPERATURES,
        method="bounded",
        options={"xatol": 1e-6},
    )
    return Calibrator("temperature", temperature=math.exp(float(found.x)))


def fit_platt(margins: FloatArray, codes: IntArray) -> Calibrator:
    """Return slope (0.05 to 20) and intercept (-20 to 20) of the log-odds under which `codes` are likeliest."""

    def loss(numbers: np.ndarray[tuple[int], np.dtype[np.float64]], /) -> float:
        return _loss(Calibrator("platt", slope=float(numbers[0]), intercept=float(numbers[1])), margins, codes)

    found = minimize(loss, x0=[1.0, 0.0], method="L-BFGS-B", bounds=[(0.05, 20.0), (-20.0, 20.0)])
    return Calibrator("platt", slope=float(found.x[0]), intercept=float(found.x[1]))


_CANDIDATES: Final[dict[str, Callable[[FloatArray, IntArray], Calibrator]]] = {
    "temperature": fit_temperature,
    "platt": fit_platt,
}


def _loss(calibrator: Calibrator, margins: FloatArray, codes: IntArray) -> float:
    return float(log_losses(codes, calibrator.apply(margins)).mean())


def _compared(margins: FloatArray, codes: IntArray, day: NDArray[np.intp], class_count: int) -> dict[str, float]:
    """Return each candidate's mean log loss on the later half of the days, fitted on the earlier half."""
    earlier = day < (int(day.max()) + 1) // 2
    later = ~earlier
    losses = {"raw": _loss(Calibrator(), margins[later], codes[later])}
    for name, fitted in _CANDIDATES.items():
        if name == "temperature" or (class_count == 2 and earlier.sum() >= PLATT_LEAST):
            losses[name] = _loss(fitted(margins[earlier], codes[earlier]), margins[later], codes[later])
    constant = majority_probs(codes[earlier], int(later.sum()), class_count)
    return {**losses, "constant": float(log_losses(codes[later], constant).mean())}
