"""Whether intervals held what they were to hold, and whether numbers came out as high as they were said."""

from dataclasses import dataclass

import numpy as np

from ml_models.intervals import Estimate, share_interval
from ml_models.value_scores import MeanGroup, grouped_means, inside
from ml_models.verdicts import Verdict, evidence, no_interval
from ml_monitoring.judged import Judged
from trading.domain.walks import HEAP

TOLERANCE = 0.05
"""How far the share may lie off what was stated before a narrow interval of it is called bad or good."""


@dataclass(frozen=True)
class Coverage:
    """How often the first target's interval held what happened, beside the share stated, and its mean width.

    `groups` are forecasts of like size, their mean against the mean that came. `verdict` is on the share. Results of
    trades lie in heaps, at stop and target, which an interval holds or leaves out: `without_heap` is what would have
    been held without the lesser of them (None: no trades).
    """

    held: Estimate
    level: float
    width: float
    groups: tuple[MeanGroup, ...]
    verdict: Verdict
    without_heap: float | None = None


def coverage(judged: Judged) -> Coverage | None:
    """Return the coverage of a label of numbers; None without one, or without a matured prediction."""
    numbers = judged.numbers
    if numbers is None or len(judged) == 0:
        return None
    actual, found = numbers.actual[:, 0], numbers.forecast(0)
    held = share_interval(inside(actual, numbers.low, numbers.high), judged.days)
    without = None
    if judged.label.by_rule:
        heaps = [np.mean(np.abs(actual - end) <= HEAP) for end in (numbers.low, numbers.high)]
        without = float(held.value - min(heaps))
    return Coverage(
        held,
        numbers.level,
        float(np.mean(numbers.high - numbers.low)),
        grouped_means(found.point, actual, judged.days),
        describe_coverage(held, numbers.level, without),
        without,
    )


def describe_coverage(held: Estimate, level: float, without_heap: float | None = None) -> Verdict:
    """Return whether an interval holds at least the share `level` that was stated of it.

    One that holds more is wider than it had to be, unless it would hold too little without the lesser heap of results.

    >>> describe_coverage(Estimate(0.83, 0.79, 0.87, 700, 690.0, 120), 0.9).sentence
    'The interval held 83.0 % where 90 % were stated (95 % interval 79.0 to 87.0; 700 events on 120 days, worth 690 \
independent ones): too narrow.'
    """
    shown = Estimate(100 * held.value, 100 * held.low, 100 * held.high, held.n, held.n_effective, held.days)
    missing = no_interval("The share that the interval held", shown, "{:.1f}")
    if missing:
        return Verdict("cannot tell", missing)
    stated = f"{'' if without_heap is None else 'at least '}{100 * level:.0f} %"
    said = f"The interval held {shown.value:.1f} % where {stated} were stated {evidence(shown, '{:.1f}')}"
    if held.high < level:
        return Verdict("bad", f"{said}: too narrow.")
    if without_heap is not None and held.low >= level > without_heap:
        lesser = f"without the lesser of the heaps at stop and target it would hold {100 * without_heap:.0f} %"
        return Verdict("good", f"{said}: as stated; {lesser}.")
    if held.low > level + TOLERANCE:
        return Verdict("good", f"{said}: wider than it had to be.")
    if held.low >= level - TOLERANCE:
        return Verdict("good", f"{said}: as stated.")
    return Verdict("cannot tell", f"{said}.")
