"""What the numbers say, in plain words: good, bad, or cannot tell and what it would take.

A verdict follows from an interval (95 %) or a null, never from the value alone. "About N further days" assumes that the
value stays and the interval narrows with the square root of the days: half of all such runs are decided by then.
"""

import math
from dataclasses import dataclass
from typing import Literal

from ml_models.brier_parts import BrierParts
from ml_models.intervals import LEAST_DAYS, Estimate
from ml_models.reliability import CalibrationError, Reliability, ReliabilityBin

State = Literal["good", "bad", "cannot tell"]

_LONGEST = 5000  # further days above this are not worth a number: 20 years
_GAINS: dict[str, str] = {
    "log_loss": "gain in log loss {} nats per event",
    "brier": "gain in Brier score {} per event",
    "accuracy": "gain in accuracy {} points",
    "squared_error": "squared error less by {} per event",
    "absolute_error": "absolute error less by {} per event",
    "pinball": "quantile loss less by {} per event",
}


@dataclass(frozen=True)
class Verdict:
    """One of three states, and the sentence that says it with its numbers."""

    state: State
    sentence: str


def further_days(estimate: Estimate, reference: float = 0.0) -> float:
    """Return about how many more days would part `estimate` from `reference`, if its value stays as it is.

    0 when the interval leaves `reference` out already, infinity when value and reference are the same, NaN without an
    interval.

    >>> further_days(Estimate(value=0.01, low=-0.01, high=0.03, n=200, n_effective=200, days=40))
    120.0
    """
    distance = abs(estimate.value - reference)
    half = estimate.value - estimate.low if estimate.value > reference else estimate.high - estimate.value
    if math.isnan(half) or not estimate.low <= reference <= estimate.high:
        return math.nan if math.isnan(half) else 0.0
    return _days_to_narrow(estimate.days, half, distance)


def describe_score(name: str, estimate: Estimate) -> str:
    """Return a sentence with a score, its interval and what it lies on; `name` begins it.

    >>> describe_score("Accuracy", Estimate(0.571, 0.53, 0.611, n=498, n_effective=310.2, days=83))
    'Accuracy 0.571 (95 % interval 0.530 to 0.611; 498 events on 83 days, worth 310 independent ones).'
    """
    return no_interval(name, estimate, "{:.3f}") or f"{name} {estimate.value:.3f} {evidence(estimate, '{:.3f}')}."


def describe_against(name: str, estimate: Estimate, reference: float) -> Verdict:
    """Return whether a score of which more is better lies above a fixed `reference`.

    >>> describe_against("AUC", Estimate(0.53, 0.48, 0.58, n=498, n_effective=310.2, days=83), 0.5).sentence
    'AUC 0.530 cannot be told from 0.500 (95 % interval 0.480 to 0.580; 498 events on 83 days, worth 310 independent \
ones): about 150 further days at the present value.'
    """
    missing = no_interval(name, estimate, "{:.3f}")
    if missing:
        return Verdict("cannot tell", missing)
    seen, lies_on = f"{name} {estimate.value:.3f}", evidence(estimate, "{:.3f}")
    if estimate.low > reference:
        return Verdict("good", f"{seen} is above {reference:.3f} {lies_on}.")
    if estimate.high < reference:
        return Verdict("bad", f"{seen} is below {reference:.3f} {lies_on}.")
    wait = at_the_present_value(further_days(estimate, reference))
    return Verdict("cannot tell", f"{seen} cannot be told from {reference:.3f} {lies_on}: {wait}.")


def describe_skill(estimate: Estimate, score: str = "log_loss", baseline: str = "best") -> Verdict:
    """Return whether a model beats the baseline called `baseline`; `estimate` is what `skill` returned for `score`.

    Or what `value_skills` did; a score of one target of several ends in its name.

    >>> verdict = describe_skill(Estimate(-0.012, -0.021, -0.003, 498, 310.2, 83), "log_loss", "martingale")
    >>> verdict.state
    'bad'
    >>> verdict.sentence
    'Worse than the martingale baseline: gain in log loss -0.0120 nats per event (95 % interval -0.0210 to -0.0030; \
498 events on 83 days, worth 310 independent ones).'
    """
    number = "{:+.1f}" if score == "accuracy" else "{:+.4f}"
    shown = _scaled(estimate, 100) if score == "accuracy" else estimate
    missing = no_interval("The gain over the baseline", shown, number)
    if missing:
        return Verdict("cannot tell", missing)
    kind = next(name for name in _GAINS if score.startswith(name))
    target = score.removeprefix(kind).replace("_", " of ", 1)
    said = (
        f"the {baseline} baseline{target}: {_GAINS[kind].format(number.format(shown.value))} {evidence(shown, number)}"
    )
    if estimate.low > 0:
        return Verdict("good", f"Better than {said}.")
    if estimate.high < 0:
        return Verdict("bad", f"Worse than {said}.")
    return Verdict("cannot tell", f"Cannot be told from {said}; {at_the_present_value(further_days(estimate))}.")


def describe_in_the_large(estimate: Estimate, tolerance: float = 0.05) -> Verdict:
    """Return whether forecasts are right on average, to within `tolerance` (a share of 1).

    Bad when the interval leaves 0 out, good when it stays within `tolerance`; `estimate` is what
    `calibration_in_the_large` returned.

    >>> describe_in_the_large(Estimate(0.01, -0.02, 0.04, 498, 310.2, 83)).sentence
    'On average the forecasts are right to within 5 points: off by +1.0 points (95 % interval -2.0 to +4.0; 498 events \
on 83 days, worth 310 independent ones).'
    """
    shown = _scaled(estimate, 100)
    missing = no_interval("The mean error of the forecasts", shown, "{:+.1f}")
    if missing:
        return Verdict("cannot tell", missing)
    off = f"off by {shown.value:+.1f} points {evidence(shown, '{:+.1f}')}"
    if estimate.low > 0 or estimate.high < 0:
        return Verdict("bad", f"On average the forecasts are too {'high' if estimate.low > 0 else 'low'}: {off}.")
    if estimate.low >= -tolerance and estimate.high <= tolerance:
        return Verdict("good", f"On average the forecasts are right to within {100 * tolerance:g} points: {off}.")
    half = max(estimate.high - estimate.value, estimate.value - estimate.low)
    room = tolerance - abs(estimate.value)
    days = _days_to_narrow(estimate.days, half, room) if room > 0 else further_days(estimate)
    return Verdict(
        "cannot tell", f"Chance explains the mean error of the forecasts: {off}; {at_the_present_value(days)}."
    )


def describe_calibration_error(error: CalibrationError, tolerance: float = 0.05) -> Verdict:
    """Return whether a calibration error is more than a right forecaster's; good only if `tolerance` would show.

    >>> describe_calibration_error(CalibrationError(0.036, 0.036, 0.061, 500, 83)).sentence
    'The calibration error 0.036 is no more than a right forecaster shows on 500 events (mean 0.036, 95th percentile \
0.061), and so says nothing: about 41 further days until an error of 0.050 shows.'
    """
    if math.isnan(error.null_p95):
        return Verdict("cannot tell", f"The calibration error cannot be judged: {_too_few(error.n, error.days)}")
    percentiles = f"mean {error.null_mean:.3f}, 95th percentile {error.null_p95:.3f}"
    null = f"a right forecaster shows on {error.n} events ({percentiles})"
    if error.value > error.null_p95:
        return Verdict("bad", f"The calibration error {error.value:.3f} is more than {null}.")
    said = f"The calibration error {error.value:.3f} is no more than {null}"
    if error.null_p95 <= tolerance:
        return Verdict("good", f"{said}, and one of {tolerance:.3f} would mostly show.")
    wait = _spelled(_days_to_narrow(error.days, error.null_p95, tolerance))
    return Verdict("cannot tell", f"{said}, and so says nothing: {wait} until an error of {tolerance:.3f} shows.")


def describe_brier_parts(parts: BrierParts) -> Verdict:
    """Return what a Brier score is made of, and whether its miscalibration is more than a right forecaster's.

    >>> describe_brier_parts(BrierParts(0.19, 0.003, 0.06, 0.247, 0.004, 0.008, 500, 83)).sentence
    'Of the Brier score 0.190 miscalibration makes up 0.003, no more than a right forecaster shows on 500 events (mean \
0.004, 95th percentile 0.008); telling events apart takes 0.060 off the 0.247 of knowing the frequency alone.'
    """
    if math.isnan(parts.null_p95):
        return Verdict("cannot tell", f"The parts of the Brier score cannot be judged: {_too_few(parts.n, parts.days)}")
    worse = parts.miscalibration > parts.null_p95
    return Verdict(
        "bad" if worse else "cannot tell",
        f"Of the Brier score {parts.value:.3f} miscalibration makes up {parts.miscalibration:.3f}, "
        f"{'more' if worse else 'no more'} than a right forecaster shows on {parts.n} events (mean "
        f"{parts.null_mean:.3f}, 95th percentile {parts.null_p95:.3f}); telling events apart takes "
        f"{parts.discrimination:.3f} off the {parts.uncertainty:.3f} of knowing the frequency alone.",
    )


def describe_reliability(found: Reliability, tolerance: float = 0.10) -> Verdict:
    """Return whether what was called happened as often as called: bad when a right forecaster is rejected at 5 %.

    Good only if every bin's band is no wider than `tolerance` (a share of 1) to either side, so that more would show.

    >>> bins = (ReliabilityBin(0.62, Estimate(0.48, 0.38, 0.58, 100, 90.0, 60), 0.52, 0.71),)
    >>> describe_reliability(Reliability(bins, 0.004, 100, 60)).sentence
    'Not reliable: a right forecaster is as far off in 0.4 % of draws; the furthest bin was called 62 % and happened \
48 % of 100 times, where 52 to 71 % would be chance.'
    """
    if math.isnan(found.p_value):
        return Verdict("cannot tell", f"Reliability cannot be judged: {_too_few(found.n, found.days)}")
    furthest = max(found.bins, key=_distance)
    called, share, low, high = (
        f"{100 * number:.0f}"
        for number in (furthest.mean_forecast, furthest.observed.value, furthest.band_low, furthest.band_high)
    )
    worst = (
        f"the furthest bin was called {called} % and happened {share} % of {furthest.observed.n} times, "
        f"where {low} to {high} % would be chance"
    )
    if found.p_value < 0.05:
        seldom = f"a right forecaster is as far off in {100 * found.p_value:.1f} % of draws"
        return Verdict("bad", f"Not reliable: {seldom}; {worst}.")
    half = max((b.band_high - b.band_low) / 2 for b in found.bins)
    if half <= tolerance:
        return Verdict("good", f"Reliable: errors above {100 * tolerance:g} points would mostly show, and {worst}.")
    wait = _spelled(_days_to_narrow(found.days, half, tolerance))
    said = f"No more off than a right forecaster ({worst})"
    return Verdict("cannot tell", f"{said}, but {wait} until errors of {100 * tolerance:g} points show in every bin.")


def _distance(found: ReliabilityBin) -> float:
    half = (found.band_high - found.band_low) / 2
    return abs(found.observed.value - found.mean_forecast) / max(half, 1e-9)


def _scaled(estimate: Estimate, by: float) -> Estimate:
    value, low, high = (by * number for number in (estimate.value, estimate.low, estimate.high))
    return Estimate(value, low, high, estimate.n, estimate.n_effective, estimate.days)


def evidence(estimate: Estimate, number: str) -> str:
    """Return what a value lies on, in brackets: its interval as `number` formats it, events, days, effective events."""
    interval = f"95 % interval {number.format(estimate.low)} to {number.format(estimate.high)}"
    worth = f"worth {estimate.n_effective:,.0f} independent ones"
    return f"({interval}; {counted(estimate.n, 'event')} on {counted(estimate.days, 'day')}, {worth})"


def no_interval(name: str, estimate: Estimate, number: str) -> str:
    """Return why there is no interval, or an empty text when there is one."""
    if estimate.n == 0 or math.isnan(estimate.value):
        why = f"on these {estimate.n} events: a class that it needs did not occur" if estimate.n else "without events"
        return f"{name} is not defined {why}."
    if not math.isnan(estimate.low):
        return ""
    if estimate.days < LEAST_DAYS:
        return f"{name} {number.format(estimate.value)}: {_too_few(estimate.n, estimate.days)}"
    return f"{name} {number.format(estimate.value)}: a class is too rare on {estimate.n} events for an interval."


def _too_few(n: int, days: int) -> str:
    found, more = f"{counted(n, 'event')} on {counted(days, 'day')}", counted(LEAST_DAYS - days, "further day")
    return f"an interval takes at least {more}; so far there are {found}."


def counted(number: int, noun: str) -> str:
    """Return a number of things in words.

    >>> counted(1, "day"), counted(1204, "event")
    ('1 day', '1,204 events')
    """
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def _days_to_narrow(days: int, half: float, target: float) -> float:
    return max(0.0, days * ((half / target) ** 2 - 1)) if target > 0 else math.inf


def at_the_present_value(days: float) -> str:
    """Return how many `further_days` it would take, in words; `days` is not NaN."""
    if math.isinf(days):
        return "no finite number of days would tell at the present value"
    return f"{_spelled(days)} at the present value"


def _spelled(days: float) -> str:
    """Return a number of days to two digits, rounded up."""
    if days > _LONGEST:
        return f"more than {_LONGEST:,} further days (20 years)"
    step = 10 ** max(0, len(str(math.ceil(days))) - 2)
    rounded = max(1, step * math.ceil(days / step))
    return f"about {rounded} further day{'s' if rounded > 1 else ''}"
