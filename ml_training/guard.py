"""Whether a candidate may answer beside the champion: it must be better on days that neither has seen. Pure.

Both say what they say of the very same events; what the candidate gained is paired by event and added up by trading
day. It passes when a one-sided t test over days, at the `level` of one comparison, leaves "no better" out, and a second
one that allows for skewness does so too. Everything else, "cannot tell" among it, is a rejection: there is nothing to
lose by keeping what one has.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml_models.intervals import Estimate, critical_value, day_numbers, day_sums, mean_interval, mean_interval_t
from ml_models.loaded_version import LoadedVersion
from ml_models.quantiles import forecast_of, walk_of_outputs
from ml_models.scores import FloatArray, IntArray, log_losses
from ml_models.verdicts import evidence, no_interval
from ml_training.dataset import Dataset
from trading.errors import CheckFailed

_NATS = "{:+.4f}"
_STRAIGHT = 1e-6  # a skewness below it changes nothing but rounding


@dataclass(frozen=True)
class Guarded:
    """What a comparison came to.

    `gain` is what the candidate gained an event in `score` with its 95 % interval (a bootstrap over days), `least` the
    bound of the test: above 0 the candidate passes. NaN where there are too few days for one.
    """

    score: str
    gain: Estimate
    least: float
    level: float

    @property
    def passed(self) -> bool:
        """Whether the candidate may be a challenger."""
        return self.least > 0

    @property
    def sentence(self) -> str:
        """What to tell a reader."""
        missing = no_interval("The gain over the champion", self.gain, _NATS)
        if missing:
            return missing
        unit = "nats" if self.score == "log_loss" else "squared error"
        said = f"{_NATS.format(self.gain.value)} {unit} an event {evidence(self.gain, _NATS)}"
        bound = f"at least {_NATS.format(self.least)} but for a chance of {100 * self.level:.2g} %"
        if self.passed:
            return f"Better than the champion on the same events: {said}, {bound}."
        if self.gain.high < 0:
            return f"Worse than the champion on the same events: {said}."
        if self.gain.low > 0:
            return f"Perhaps better than the champion on the same events, but not surely enough: {said}, {bound}."
        return f"Not shown to be better than the champion on the same events: {said}, {bound}."


def guarded(
    dataset: Dataset, rows: IntArray, candidate: LoadedVersion, champion: LoadedVersion, level: float
) -> Guarded:
    """Return how `candidate` did beside `champion` on `rows` of `dataset`, which neither has learned from.

    Raises
    ------
    CheckFailed
        when they answer different classes or numbers, so that they cannot be compared.
    """
    mine, theirs = ((each.schema.classes, each.schema.outputs) for each in (candidate, champion))
    if mine != theirs:
        raise CheckFailed(
            f"Cannot compare: {candidate.version} answers {', '.join(mine[0] or mine[1])}, {champion.version} "
            f"{', '.join(theirs[0] or theirs[1])}."
        )
    score = "squared_error" if dataset.asked.targets else "log_loss"
    gains = losses_of(dataset, rows, champion) - losses_of(dataset, rows, candidate)
    return judge(score, gains, dataset.days[rows], level)


def judge(score: str, gains: FloatArray, days: NDArray[np.datetime64], level: float) -> Guarded:
    """Return the verdict on `gains` (n,) an event, positive = the candidate is better; `days` (n,) are trading days."""
    return Guarded(score, mean_interval(gains, days), least_gain(gains, days, level), level)


def least_gain(gains: FloatArray, days: NDArray[np.datetime64], level: float) -> float:
    """Return what the mean of `gains` (n,) is at least, but for a chance of `level`; NaN below `LEAST_DAYS` days.

    The lower of two bounds over days as clusters: Student's t, and the same with skewness taken out (Hall 1992). One
    that is too sure of itself gains a little on most days and loses much on few; t alone passes it twice as often as
    stated.
    """
    plain = mean_interval_t(gains, days, level=1 - 2 * level)
    if np.isnan(plain.low):
        return float("nan")
    count = plain.days
    off = day_sums(gains - plain.value, day_numbers(days)) * count / plain.n
    spread = float(off.std(ddof=1))
    if spread == 0:
        return plain.low
    skewness = float(np.mean((off / spread) ** 3))
    line = critical_value(count, 1 - 2 * level) / np.sqrt(count)
    if abs(skewness) < _STRAIGHT:
        return plain.low
    shifted = 1 + skewness * (line - skewness / (6 * count))
    return min(plain.low, plain.value - spread * 3 / skewness * (float(np.cbrt(shifted)) - 1))


def losses_of(dataset: Dataset, rows: IntArray, version: LoadedVersion) -> FloatArray:
    """Return (n,) what `version` loses on `rows`: nats of classes, squared errors of the first of several numbers."""
    places = [dataset.names.index(name) for name in version.schema.names]
    x = np.ascontiguousarray(dataset.x[rows][:, places])
    targets = dataset.asked.targets
    if not targets:
        return log_losses(dataset.codes[rows], version.predict(x))
    outputs = version.schema.outputs
    said = version.predict(x) + walk_of_outputs(targets, outputs, dataset.walk[rows])
    errors: FloatArray = dataset.values[rows, 0] - forecast_of(targets[0], outputs, said).point
    return errors**2
