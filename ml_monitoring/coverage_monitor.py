"""Whether intervals held what they were to hold, and whether numbers came out as high as they were said."""

from dataclasses import dataclass

import numpy as np

from ml_models.intervals import Estimate, share_interval
from ml_models.value_scores import MeanGroup, grouped_means, inside
from ml_models.verdicts import Verdict, evidence, no_interval
from ml_monitoring.judged import Judged

TOLERANCE = 0.05
"""How far the share may lie off what was stated before a narrow interval of it is called bad or good."""


@dataclass(frozen=True)
class Coverage:
    """How often the first target's interval held what happened, beside the share stated, and its mean width.

    `groups` are forecasts of like size, their mean against the mean that came. `verdict` is on the share.
    """

    held: Estimate
    level: float
    width: float
    groups: tuple[MeanGroup, ...]
    verdict: Verdict


def coverage(judged: Judged) -> Coverage | None:
    """Return the coverage of a label of numbers; None without one, or without a matured prediction."""
    numbers = judged.numbers
    if numbers is None or len(judged) == 0:
        return None
    actual, found = numbers.actual[:, 0], numbers.forecast(0)
    held = share_interval(inside(actual, numbers.low, numbers.high), judged.days)
    return Coverage(
        held,
        numbers.level,
        float(np.mean(numbers.high - numbers.low)),
        grouped_means(found.point, actual, judged.days),
        describe_coverage(held, numbers.level),
    )


def describe_coverage(held: Estimate, level: float) -> Verdict:
    """Return whether an interval holds at least the share `level` that was stated of it.

    >>> describe_coverage(Estimate(0.83, 0.79, 0.87, 700, 690.0, 120), 0.9).sentence
    'The interval held 83.0 % where 90 % were stated (95 % interval 79.0 to 87.0; 700 events on 120 days, worth 690 \
independent ones): too narrow.'
    """
    shown = Estimate(100 * held.value, 100 * held.low, 100 * held.high, held.n, held.n_effective, held.days)
    missing = no_interval("The share that the interval held", shown, "{:.1f}")
    if missing:
        return Verdict("cannot tell", missing)
    said = f"The interval held {shown.value:.1f} % where {100 * level:.0f} % were stated {evidence(shown, '{:.1f}')}"
    if held.high < level:
        return Verdict("bad", f"{said}: too narrow.")
    if held.low > level + TOLERANCE:
        return Verdict("good", f"{said}: wider than it had to be.")
    if held.low >= level - TOLERANCE:
        return Verdict("good", f"{said}: as stated.")
    return Verdict("cannot tell", f"{said}.")
