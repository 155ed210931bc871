"""Whether what was called 70 % came 70 times in 100, beside what a forecaster who is right would show."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ml_models.brier_parts import BrierParts, brier_parts
from ml_models.intervals import Estimate
from ml_models.reliability import (
    CalibrationError,
    Reliability,
    calibration_error,
    calibration_in_the_large,
    reliability,
)
from ml_models.verdicts import (
    Verdict,
    describe_brier_parts,
    describe_calibration_error,
    describe_in_the_large,
    describe_reliability,
)
from ml_monitoring.judged import Judged
from ml_monitoring.sentences import describe_calibration

_BINS: Final = 10
_DRAWS: Final = 1000
_LEAST_DRAWS: Final = 60
_CELLS: Final = 4_000_000
"""Draws times events of a null: above 4,000 events, where the null is narrow, there are fewer draws of it."""


@dataclass(frozen=True)
class Calibration:
    """The reliability of the subject's probability (P(UP), P(WIN)), its calibration error, and the mean error.

    The calibration error and the parts of the Brier score have their null beside them. `verdicts` are of the four in
    that order, `verdict` of the first two together.
    """

    bins: Reliability
    error: CalibrationError
    in_the_large: Estimate
    parts: BrierParts
    verdicts: tuple[Verdict, ...]
    verdict: Verdict


def calibration(judged: Judged) -> Calibration | None:
    """Return the calibration of the subject's probability; None without a matured prediction, and of numbers."""
    if len(judged) == 0 or judged.numbers is not None:
        return None
    forecast, happened = judged.probs[:, 0], np.asarray(judged.actual == 0)
    draws = max(_DRAWS // 5, min(_DRAWS, _CELLS // len(judged)))
    bins = reliability(forecast, happened, judged.days, draws=draws)
    error = calibration_error(forecast, happened, judged.days, bin_count=_BINS, draws=draws)
    large = calibration_in_the_large(forecast, happened, judged.days)
    parts = brier_parts(forecast, happened, judged.days, draws=max(_LEAST_DRAWS, draws // 5))
    said = (
        describe_reliability(bins),
        describe_calibration_error(error),
        describe_in_the_large(large),
        describe_brier_parts(parts),
    )
    return Calibration(bins, error, large, parts, said, describe_calibration(bins, error))


def rolling_calibration_error(judged: Judged, window: int) -> npt.NDArray[np.float64]:
    """Return the calibration error (shares of 1) of each trailing window of `window` trading days with predictions.

    Without its null: it shows the course, and judges nothing. One value for each day on which a window ends; NaN of
    numbers.
    """
    days, day = np.unique(judged.days, return_inverse=True)
    if len(days) < window:
        return np.empty(0)
    if judged.numbers is not None:
        return np.full(len(days) - window + 1, np.nan)
    forecast = judged.probs[:, 0]
    off = np.zeros((len(days) + 1, _BINS))
    bins = np.minimum((forecast * _BINS).astype(np.intp), _BINS - 1)
    np.add.at(off, (day + 1, bins), (judged.actual == 0) - forecast)
    events = np.concatenate([[0], np.cumsum(np.bincount(day))])
    sums = np.cumsum(off, axis=0)
    totals = np.abs(sums[window:] - sums[:-window]).sum(axis=1)
    errors: npt.NDArray[np.float64] = totals / (events[window:] - events[:-window])
    return errors
