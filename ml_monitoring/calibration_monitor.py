"""Whether what was called 70 % came 70 times in 100, beside what a forecaster who is right would show."""

from dataclasses import dataclass

import numpy as np

from ml_models.intervals import Estimate
from ml_models.reliability import (
    CalibrationError,
    Reliability,
    calibration_error,
    calibration_in_the_large,
    reliability,
)
from ml_models.verdicts import Verdict, describe_calibration_error, describe_in_the_large, describe_reliability
from ml_monitoring.judged import Judged


@dataclass(frozen=True)
class Calibration:
    """The reliability of P(UP), its expected calibration error with the null beside it, and the mean error."""

    bins: Reliability
    error: CalibrationError
    in_the_large: Estimate
    verdicts: tuple[Verdict, ...]


def calibration(judged: Judged) -> Calibration | None:
    """Return the calibration of P(UP); None without a matured prediction."""
    if len(judged) == 0:
        return None
    forecast, happened = judged.probs[:, 0], np.asarray(judged.actual == 0)
    bins = reliability(forecast, happened, judged.days)
    error = calibration_error(forecast, happened, judged.days)
    large = calibration_in_the_large(forecast, happened, judged.days)
    return Calibration(
        bins,
        error,
        large,
        (describe_reliability(bins), describe_calibration_error(error), describe_in_the_large(large)),
    )
