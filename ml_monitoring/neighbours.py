"""The past ranges that were most like one: what came of them, known when that one was decided."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ml_data.outcomes import MATURED

Floats = npt.NDArray[np.float64]

COUNT: Final = 5
LEAST: Final = 30
"""With fewer past ranges the nearest are not near."""


@dataclass(frozen=True)
class Neighbour:
    """A past range: how far it lies (0 the same; 1 as far as two ranges lie apart on average), what came of it.

    `r_net` is net R of the plain rule, NaN without a trade.
    """

    prediction_id: str
    trading_day: date
    orb: str
    distance: float
    actual: str | None
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
        came: dict[str, int] = {}
        for each in self.found:
            came[each.actual or "–"] = came.get(each.actual or "–", 0) + 1
        told = ", ".join(f"{count} {name}" for name, count in sorted(came.items(), key=lambda item: -item[1]))
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
    decided_at: datetime,
    past: pa.Table,
    names: Sequence[str],
    weights: Mapping[str, float],
    count: int = COUNT,
) -> Neighbours:
    """Return the `count` rows of `past` that lie nearest to `features`, of those known before `decided_at`.

    `past` is as `ml_data.journal.explained_predictions` returns it, `names` are its inputs; `weights` say how much a
    standard deviation of each input counts (mean |SHAP|; none of them: all alike). Inputs are standardised by the rows
    that were known. An input that is missing on one side only lies a standard deviation off. Of several answers to one
    event the newest version's stands for it.
    """
    known = pc.and_(pc.equal(past["state"], MATURED), pc.less_equal(past["known_at"], pa.scalar(decided_at)))
    known = pc.and_(known, pc.less(past["decided_at"], pa.scalar(decided_at)))
    rows = _once_an_event(past.filter(pc.fill_null(known, False)))
    if rows.num_rows < LEAST:
        return Neighbours((), rows.num_rows)
    x = matrix(rows["features"], len(names))
    row = np.asarray(features, dtype=np.float64)
    weight = np.array([weights.get(name, 0.0) for name in names])
    weight = weight / weight.sum() if weight.sum() > 0 else np.full(len(names), 1 / len(names))
    spread = _deviations(x)
    squares = ((x - row) / spread) ** 2
    one_missing = np.isnan(x) != np.isnan(row)
    squares = np.where(one_missing, 1.0, np.where(np.isnan(squares), 0.0, squares))
    # Two independent draws lie two variances apart, an input that never varied none.
    distance = np.sqrt(squares @ weight / 2.0)
    order = np.argsort(distance, kind="stable")[:count]
    told = rows.take(pa.array(order)).to_pylist()
    return Neighbours(
        tuple(
            Neighbour(
                each["prediction_id"],
                each["trading_day"],
                each["orb"],
                float(distance[place]),
                each["actual"],
                math.nan if each["r_net"] is None else each["r_net"],
            )
            for place, each in zip(order, told, strict=True)
        ),
        rows.num_rows,
    )


def matrix(column: pa.ChunkedArray, width: int) -> Floats:
    """Return (n, width): a column of lists of so many doubles each; NaN where one is missing."""
    flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False).astype(np.float64)
    found: Floats = flat.reshape(-1, width)
    return found


def _deviations(x: Floats) -> Floats:
    """Return (F,): the standard deviation of each input; infinite where it never varied, so that it does not count."""
    counts = np.isfinite(x).sum(axis=0)
    means = np.nansum(x, axis=0) / np.maximum(counts, 1)
    variances = np.nansum((x - means) ** 2, axis=0) / np.maximum(counts - 1, 1)
    return np.where(variances > 0, np.sqrt(variances), np.inf)


def _once_an_event(rows: pa.Table) -> pa.Table:
    newest: dict[tuple[date, str], int] = {}
    keys = zip(rows["trading_day"].to_pylist(), rows["orb"].to_pylist(), rows["version"].to_pylist(), strict=True)
    versions: dict[tuple[date, str], str] = {}
    for place, (day, orb, version) in enumerate(keys):
        if version >= versions.get((day, orb), ""):
            versions[(day, orb)], newest[(day, orb)] = version, place
    return rows.take(pa.array(sorted(newest.values()), pa.int64()))
