"""What the advice would have earned if only sure answers had been acted on: coverage against net R, out of fold."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from ml_models.documents import Json
from ml_models.intervals import Estimate, day_numbers, day_sums, mean_interval, statistic_interval
from ml_models.metrics import estimate_document
from ml_models.quantiles import forecast_of
from ml_models.scores import BoolArray, FloatArray, IntArray
from ml_models.verdicts import at_the_present_value, evidence, further_days, no_interval
from ml_training.dataset import Dataset
from trading.domain.calendar import Days
from trading.domain.label import BREAK_DIRECTION

COVERAGES: Final = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
_R: Final = "{:+.3f}"


@dataclass(frozen=True)
class SelectivePoint:
    """One threshold: the share of the answers that reach it, and net R of a trade that those answers take."""

    threshold: float
    coverage: float
    net_r: Estimate


@dataclass(frozen=True)
class Selective:
    """The curve, from all answers to the surest tenth, and how much more a trade of the surer half of them earned.

    `measure` names what an answer is sure by: its largest probability, or of a trade its chance or its expected R.
    """

    measure: str
    points: tuple[SelectivePoint, ...]
    surer: Estimate

    @property
    def sentence(self) -> str:
        """What the curve says."""
        first, last = self.points[0], self.points[-1]
        surest = f"the surest {last.coverage:.0%} ({self.measure} from {last.threshold:.3f})"
        ends = (
            f"Out of fold all {first.net_r.n:,} trades of the advice earned {_R.format(first.net_r.value)} R each "
            f"after costs, the {last.net_r.n:,} of {surest} {_R.format(last.net_r.value)} R"
        )
        missing = no_interval("The difference", self.surer, _R)
        if missing:
            return f"{ends}. {missing}"
        said = f"the surer half earned {_R.format(self.surer.value)} R more than the rest {evidence(self.surer, _R)}"
        if self.surer.low > 0:
            return f"{ends}; {said}. A threshold chosen on this curve is one more choice."
        if self.surer.high < 0:
            return f"{ends}; {said}: to be surer was to be worse."
        return f"{ends}; {said}: no threshold is shown to help; {at_the_present_value(further_days(self.surer))}."

    def document(self) -> dict[str, Json]:
        """Return the curve as a part of metrics.json."""
        points: list[Json] = [
            {"threshold": each.threshold, "coverage": each.coverage, "net_r": estimate_document(each.net_r)}
            for each in self.points
        ]
        surer = estimate_document(self.surer)
        return {"sentences": [self.sentence], "measure": self.measure, "points": points, "surer_half": surer}


def selective_of(dataset: Dataset, rows: IntArray, said: FloatArray, outputs: tuple[str, ...]) -> Selective | None:
    """Return the curve of `said` of `rows` (n,), which were not fitted on; None of a question without advice.

    `said` is as `ml_training.walk_forward.said_of` tells it. A direction takes the breaks of the side that it calls,
    the question about a trade takes the trade.
    """
    traded = ~np.isnan(dataset.r_net[rows])
    if dataset.asked == BREAK_DIRECTION:
        measure, sure = "probability", said.max(axis=1)
        takes = said.argmax(axis=1) == dataset.codes[rows]
    elif not dataset.asked.by_rule:
        return None
    elif dataset.asked.targets:
        measure, sure = "expected R", np.asarray(forecast_of(dataset.asked.targets[0], outputs, said).point)
        takes = np.ones(len(rows), dtype=bool)
    else:
        measure, sure = "probability", said[:, dataset.classes.index(dataset.asked.subject)]
        takes = np.ones(len(rows), dtype=bool)
    if not (traded & takes).any():
        return None
    return curve_of(measure, sure, takes & traded, dataset.r_net[rows], dataset.days[rows])


def curve_of(measure: str, sure: FloatArray, taken: BoolArray, r_net: FloatArray, days: Days) -> Selective:
    """Return the curve of n answers: how `sure` (n,) each is, whether it takes its trade, what that earned in R."""
    points = []
    for coverage in COVERAGES:
        threshold = float(np.quantile(sure, 1.0 - coverage, method="higher"))
        kept = sure >= threshold
        chosen = kept & taken
        points.append(SelectivePoint(threshold, float(kept.mean()), mean_interval(r_net[chosen], days[chosen])))
    half = sure >= np.median(sure)
    return Selective(measure, tuple(points), _difference(r_net[taken], half[taken], days[taken]))


def _difference(values: FloatArray, chosen: BoolArray, days: Days) -> Estimate:
    """Return the mean of the chosen less that of the others, with the interval of a bootstrap over days."""
    day, marks = day_numbers(days), (chosen, ~chosen)
    counts = [np.bincount(day, weights=mark.astype(np.float64)) for mark in marks]
    sums = [day_sums(np.where(mark, values, 0.0), day) for mark in marks]
    if not all(count.sum() for count in counts):
        return Estimate(math.nan, math.nan, math.nan, len(values), math.nan, int(day.max(initial=-1)) + 1)
    means = [float(total.sum() / count.sum()) for total, count in zip(sums, counts, strict=True)]
    shares = [count.sum() / len(values) for count in counts]
    influence = np.where(chosen, (values - means[0]) / shares[0], -(values - means[1]) / shares[1])

    def of_draws(drawn: FloatArray) -> FloatArray:
        with np.errstate(invalid="ignore", divide="ignore"):
            first, second = ((drawn @ total) / (drawn @ count) for total, count in zip(sums, counts, strict=True))
        return np.asarray(first - second)

    return statistic_interval(means[0] - means[1], influence, of_draws, day)
