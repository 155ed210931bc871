"""What the monitoring figures say, one sentence a figure: good, bad, or cannot tell and what it would take.

The sentences of single scores are in `ml_models.verdicts`; here are those of several at once. Ranges are tested
together: at 95 % one of six stands out in a quarter of all reports without any cause.
"""

import math
from collections.abc import Mapping

from ml_models.intervals import Estimate
from ml_models.reliability import CalibrationError, Reliability
from ml_models.verdicts import (
    State,
    Verdict,
    at_the_present_value,
    counted,
    describe_calibration_error,
    describe_reliability,
    evidence,
    further_days,
    no_interval,
)
from ml_monitoring.rolling import RollingMean
from trading.domain.label import Label

R_FORMAT = "{:+.3f}"
NATS_FORMAT = "{:+.4f}"


def gain_unit(label: Label) -> str:
    """Return what skill is measured in: nats of probabilities, squared errors of numbers."""
    return f"squared {label.unit}" if label.targets else "nats"


def describe_rolling(
    rolling: RollingMean, days_so_far: int, baseline: str = "martingale", unit: str = "nats"
) -> Verdict:
    """Return what the newest window says of the skill, and how often the band left zero.

    `days_so_far` are the trading days with a matured prediction; it is told while no window is full.
    """
    if len(rolling) == 0:
        return Verdict(
            "cannot tell",
            f"A window takes {rolling.window} trading days with matured predictions; so far there are {days_so_far}.",
        )
    newest = rolling.last()
    above, below = int((rolling.low > 0).sum()), int((rolling.high < 0).sum())
    state = _state(newest)
    side = {
        "good": f"better than the {baseline}",
        "bad": f"worse than the {baseline}",
        "cannot tell": f"not to be told from the {baseline}",
    }[state]
    course = (
        f" Of {len(rolling):,} windows, which overlap, the band lay below zero in {below} and above it in {above}."
        if len(rolling) > 1
        else ""
    )
    return Verdict(
        state,
        f"Over the last {rolling.window} trading days {side}: {NATS_FORMAT.format(newest.value)} {unit} an event "
        f"{evidence(newest, NATS_FORMAT)}.{course}",
    )


def describe_parts(parts: Mapping[str, Estimate], noun: str = "range", baseline: str = "martingale") -> Verdict:
    """Return whether the skill differs from zero in more of several parts than chance makes stand out.

    >>> off, even = Estimate(-0.02, -0.04, -0.001, 120, 120.0, 120), Estimate(-0.01, -0.03, 0.01, 120, 120.0, 120)
    >>> describe_parts({"0030": off, "0900": even, "1000": even}).sentence
    'Worse than the martingale in 0030 (-0.0200), not to be told from it in the other 2. With 3 ranges tested at 95 %, \
at least 1 stands out by chance in 14 % of reports.'
    """
    tested = {name: estimate for name, estimate in parts.items() if not math.isnan(estimate.low)}
    if not tested:
        return Verdict("cannot tell", f"No {noun} has enough trading days for an interval yet.")
    worse = [name for name, estimate in tested.items() if estimate.high < 0]
    better = [name for name, estimate in tested.items() if estimate.low > 0]
    out, count = len(worse) + len(better), len(tested)
    if out == 0:
        least = min(tested.values(), key=lambda estimate: estimate.days)
        return Verdict(
            "cannot tell",
            f"None of {counted(count, noun)} can be told from the {baseline}; the fewest events are {least.n:,}, worth "
            f"{least.n_effective:,.0f} independent ones.",
        )
    said = [
        f"{word} than the {baseline} in {_named(names, tested)}"
        for word, names in (("worse", worse), ("better", better))
        if names
    ]
    rest = f", not to be told from it in the other {count - out}" if count > out else ""
    chance = sum(math.comb(count, k) * 0.05**k * 0.95 ** (count - k) for k in range(out, count + 1))
    both = bool(worse) and bool(better)
    state: State = "cannot tell" if chance > 0.05 or both else ("bad" if worse else "good")
    first = " and ".join(said)
    stands = "stands" if out == 1 else "stand"
    return Verdict(
        state,
        f"{first[0].upper()}{first[1:]}{rest}. With {counted(count, noun)} tested at 95 %, at least {out} {stands} out "
        f"by chance in {_percent(chance)} of reports.",
    )


def describe_calibration(bins: Reliability, error: CalibrationError) -> Verdict:
    """Return the one verdict on the calibration: that of the bins, unless only the finer calibration error rejects."""
    of_bins, of_error = describe_reliability(bins), describe_calibration_error(error)
    lean = _lean(bins)
    if of_bins.state != "bad" and of_error.state == "bad":
        return Verdict(
            "bad",
            f"These {len(bins.bins)} groups pass (a right forecaster is as far off in {_percent(bins.p_value)} of "
            f"draws), but in finer ones the error is {100 * error.value:.1f} points, where 95 % of right forecasters "
            f"show less than {100 * error.null_p95:.1f}{lean}.",
        )
    return Verdict(of_bins.state, f"{of_bins.sentence[:-1]}{lean}." if of_bins.state == "bad" else of_bins.sentence)


def describe_taken(taken: Estimate, traded: int) -> Verdict:
    """Return whether the trades that the advice takes earned anything; `taken` is net R a trade, of `traded` breaks."""
    told = f"With the advice {taken.n:,} of {traded:,} breaks are taken"
    if taken.n == 0:
        return Verdict("cannot tell", f"{told}.")
    missing = no_interval("Net R a trade", taken, R_FORMAT)
    if missing:
        return Verdict("cannot tell", f"{told}. {missing}")
    said = f"{told}, at {R_FORMAT.format(taken.value)} R each after costs {evidence(taken, R_FORMAT)}"
    state = _state(taken)
    end = {
        "good": "they earned",
        "bad": "they lost",
        "cannot tell": f"not to be told from nothing; {at_the_present_value(further_days(taken))}",
    }[state]
    return Verdict(state, f"{said}: {end}.")


def describe_help(difference: Estimate, kept: int, plain: float, advised: float) -> Verdict:
    """Return whether following the advice did better than taking every break.

    `difference` is net R with the advice minus net R of the plain rule, an event; `plain` and `advised` are the sums.
    """
    sums = (
        f"Taking every one of {difference.n:,} breaks came to {plain:+.1f} R after costs, taking the {kept:,} that the "
        f"advice leaves to {advised:+.1f} R"
    )
    if kept == 0:
        return Verdict("cannot tell", f"{sums}: to leave every break alone takes no model.")
    missing = no_interval("The difference", difference, R_FORMAT)
    if missing:
        return Verdict("cannot tell", f"{sums}. {missing}")
    said = f"{sums}: {R_FORMAT.format(difference.value)} R an event {evidence(difference, R_FORMAT)}"
    state = _state(difference)
    end = {
        "good": "it helped",
        "bad": "it hurt",
        "cannot tell": f"not to be told from no help; {at_the_present_value(further_days(difference))}",
    }[state]
    return Verdict(state, f"{said}: {end}.")


def _state(estimate: Estimate) -> State:
    if estimate.low > 0:
        return "good"
    return "bad" if estimate.high < 0 else "cannot tell"


def _named(names: list[str], parts: Mapping[str, Estimate]) -> str:
    return ", ".join(f"{name} ({NATS_FORMAT.format(parts[name].value)})" for name in names)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else f"{100 * share:.1f} %"


def _lean(bins: Reliability) -> str:
    """Return in which direction the outer bins are off together, or nothing."""
    if len(bins.bins) < 2:
        return ""
    first, last = bins.bins[0], bins.bins[-1]
    low, high = first.observed.value - first.mean_forecast, last.observed.value - last.mean_forecast
    if low < 0 < high:
        return ": forecasts are too timid at both ends"
    return ": forecasts are too bold at both ends" if high < 0 < low else ""
