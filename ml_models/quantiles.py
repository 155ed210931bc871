"""The numbers that a version says: which is a point, which a quantile of which level, and the interval they make.

Quantiles are fitted one by one, so a lower one may lie above a higher one. They are put in order by sorting, which
never makes their loss larger (Chernozhukov et al. 2010); so what is published does not cross, and says so.
"""

from collections.abc import Sequence

import numpy as np

from ml_models.scores import FloatArray
from ml_models.value_scores import Forecast

MEAN = "mean"


def output_name(target: str, level: float | None) -> str:
    """Return the name of an output: of the mean, or of the quantile at `level`.

    >>> output_name("r", None), output_name("range", 0.05)
    ('r_mean', 'range_q05')
    """
    return f"{target}_{MEAN}" if level is None else f"{target}_q{round(100 * level):02}"


def level_of(output: str) -> float | None:
    """Return the level of a quantile's output; None of a mean.

    >>> level_of("range_q05"), level_of("r_mean")
    (0.05, None)
    """
    said = output.rsplit("_", 1)[1]
    return None if said == MEAN else int(said.removeprefix("q")) / 100


def outputs_of(target: str, outputs: Sequence[str]) -> list[int]:
    """Return the places of a target's outputs."""
    return [place for place, name in enumerate(outputs) if name.rsplit("_", 1)[0] == target]


def quantile_places(target: str, outputs: Sequence[str]) -> list[int]:
    """Return the places of a target's quantiles, from the lowest to the highest."""
    levels = {place: level_of(outputs[place]) for place in outputs_of(target, outputs)}
    known = {place: level for place, level in levels.items() if level is not None}
    return sorted(known, key=lambda place: known[place])


def point_output(target: str, outputs: Sequence[str]) -> str:
    """Return the name of the output that stands for a target: its mean, or its median.

    >>> point_output("r", ("r_mean", "r_q50")), point_output("up", ("up_q10", "up_q50", "up_q90"))
    ('r_mean', 'up_q50')
    """
    name = output_name(target, None)
    return name if name in outputs else output_name(target, 0.5)


def walk_of_outputs(targets: Sequence[str], outputs: Sequence[str], walk: FloatArray) -> FloatArray:
    """Return (n, outputs): what the walk says of each output's target, of `walk` (n, T).

    A version of numbers learns how far they lie from the walk, so this is added to what its models say. What nothing
    can be learned of is then told as the walk tells it.
    """
    return walk[:, [list(targets).index(name.rsplit("_", 1)[0]) for name in outputs]]


def forecast_of(
    target: str,
    outputs: Sequence[str],
    said: FloatArray,
    offset: float | None = None,
    moved: FloatArray | None = None,
) -> Forecast:
    """Return what `said` (n, outputs) says of one target, its quantiles in order.

    The point is the mean where there is one, else the median. With an `offset` the interval is from the lowest quantile
    less it to the highest plus it; one whose ends would pass each other is their middle. Where the market has `moved`
    (n,), the end on that side lies as much farther out.
    """
    ordered = quantile_places(target, outputs)
    means = [place for place in outputs_of(target, outputs) if place not in ordered]
    rising = np.sort(said[:, ordered], axis=1)
    known = tuple(level_of(outputs[place]) or 0.0 for place in ordered)
    point = said[:, means[0]] if means else rising[:, int(np.argmin(np.abs(np.array(known) - 0.5)))]
    if offset is None:
        return Forecast(point, rising, known)
    low, high = _outer_ends(rising, moved)
    low, high = low - offset, high + offset
    middle = (low + high) / 2
    return Forecast(point, rising, known, np.minimum(low, middle), np.maximum(high, middle))


def moved_beyond(lately: FloatArray, usual: float) -> FloatArray:
    """Return (n,): by how much the market has lately been off beyond what is usual, up or down; 0 where not known.

    >>> moved_beyond(np.array([0.5, -0.5, 0.1, np.nan]), 0.2).round(1).tolist()
    [0.3, -0.3, 0.0, 0.0]
    """
    beyond: FloatArray = np.copysign(np.maximum(np.abs(lately) - usual, 0.0), lately)
    return np.where(np.isnan(lately), 0.0, beyond) + 0.0


def _outer_ends(rising: FloatArray, moved: FloatArray | None) -> tuple[FloatArray, FloatArray]:
    if moved is None:
        return rising[:, 0], rising[:, -1]
    return rising[:, 0] + np.minimum(moved, 0.0), rising[:, -1] + np.maximum(moved, 0.0)


def conformal_offset(actual: FloatArray, forecast: Forecast, level: float, moved: FloatArray | None = None) -> float:
    """Return by how much the outermost quantiles must move apart to hold a share of `level` of `actual` (n,).

    `moved` is as `forecast_of` takes it.

    The score of an event is how far it lies outside (negative inside); the offset is the score at rank
    ceil((n + 1) level), so that of events like these at least `level` will be held (Romano et al. 2019, theorem 1).

    >>> quantiles = Forecast(np.zeros(9), np.tile([-1.0, 1.0], (9, 1)), (0.05, 0.95))
    >>> conformal_offset(np.array([-4.0, -2.0, 0, 0, 0, 0, 0, 1, 3.0]), quantiles, 0.8)
    2.0
    """
    quantiles = forecast.point[:, None] if forecast.quantiles is None else forecast.quantiles
    low, high = _outer_ends(quantiles, moved)
    scores = np.maximum(low - actual, actual - high)
    rank = min(len(scores), int(np.ceil((len(scores) + 1) * level)))
    return float(np.sort(scores)[rank - 1])
