"""The past ranges that were most like one: what came of them, known when that one was decided."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from ml_monitoring.past_ranges import PastRanges
from trading.domain.calendar import as_date, to_minute

Floats = npt.NDArray[np.float64]

COUNT: Final = 5
LEAST: Final = 30
"""With fewer past ranges the nearest are not near."""


@dataclass(frozen=True)
class Neighbour:
    """A past range: how far it lies (0 the same; 1 as far as two ranges lie apart on average), what came of it.

    `actual` is the class that came, `value` what became of the first target of a question of numbers (NaN of others);
    `r_net` is net R of the question's rule, of the plain one where it has none, NaN without a trade.
    """

    trading_day: date
    orb: str
    distance: float
    actual: str | None
    value: float
    r_net: float


@dataclass(frozen=True)
class Neighbours:
    """The nearest of `searched` past ranges, the nearest first; none where too few are known."""

    found: tuple[Neighbour, ...]
    searched: int

    @property
    def sentence(self) -> str:
        """What came of them."""
        if not self.found:
            return (
                f"… {self.searched:,} past ranges had a known outcome at this moment; the nearest are looked for "
                f"from {LEAST} on."
            )
        earned = [each.r_net for each in self.found if not math.isnan(each.r_net)]
        came = Counter(each.actual for each in self.found if each.actual is not None)
        told = ", ".join(f"{count} {name}" for name, count in came.most_common())
        if not came:
            values = [each.value for each in self.found]
            told = f"came from {min(values):+.2f} to {max(values):+.2f}, mean {np.mean(values):+.2f}"
        spread = ""
        if earned:
            ends = f"from {min(earned):+.2f} to {max(earned):+.2f}, mean {np.mean(earned):+.2f}"
            spread = f"; net R of {len(earned)} trades {ends}"
        far = self.found[-1].distance
        return (
            f"The {len(self.found)} nearest of {self.searched:,} past ranges with a known outcome, at {far:.2f} of the "
            f"usual distance or nearer: {told}{spread}. So few say nothing by themselves: they show what was compared."
        )


def nearest(
    features: Sequence[float],
    names: Sequence[str],
    decided_at: datetime,
    past: PastRanges,
    weights: Mapping[str, float],
    count: int = COUNT,
) -> Neighbours:
    """Return the `count` events of `past` that lie nearest to `features`, of those known at `decided_at`.

    `names` are the inputs of `features`, all of them among those of `past`; `weights` say how much a standard deviation
    of each counts (mean |SHAP|; none of them: all alike). Inputs are standardised by the events that were known. An
    input that is missing on one side only lies a standard deviation off.
    """
    moment = to_minute(decided_at)
    known = np.nonzero((past.known <= moment) & (past.decided < moment))[0]
    if len(known) < LEAST:
        return Neighbours((), len(known))
    columns = np.array([past.names.index(name) for name in names])
    x, row = past.x[np.ix_(known, columns)], np.asarray(features, dtype=np.float64)
    weight = np.array([weights.get(name, 0.0) for name in names])
    weight = weight / weight.sum() if weight.sum() > 0 else np.full(len(names), 1 / len(names))
    spread = _deviations(x)
    squares = ((x - row) / spread) ** 2
    one_missing = np.isnan(x) != np.isnan(row)
    squares = np.where(one_missing, 1.0, np.where(np.isnan(squares), 0.0, squares))
    # Two independent draws lie two variances apart, an input that never varied none.
    distance = np.sqrt(squares @ weight / 2.0)
    order = np.argsort(distance, kind="stable")[:count]
    return Neighbours(
        tuple(
            Neighbour(
                trading_day=as_date(past.days[place]),
                orb=str(past.orb[place]),
                distance=float(each),
                actual=past.actual[place],
                value=float(past.value[place]),
                r_net=float(past.r_net[place]),
            )
            for place, each in zip(known[order], distance[order], strict=True)
        ),
        len(known),
    )


def _deviations(x: Floats) -> Floats:
    """Return (F,): the standard deviation of each input; infinite where it never varied, so that it does not count."""
    counts = np.isfinite(x).sum(axis=0)
    means = np.nansum(x, axis=0) / np.maximum(counts, 1)
    variances = np.nansum((x - means) ** 2, axis=0) / np.maximum(counts - 1, 1)
    return np.where(variances > 0, np.sqrt(variances), np.inf)
