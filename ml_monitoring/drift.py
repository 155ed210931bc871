"""Whether inputs still look as they did: distances of a window of days, each beside what our own past windows showed.

A distance alone says nothing: without any drift PSI exceeds 0.1 on 80 % of features at 60 rows. So each is compared
with the same distance of every earlier window of as many days; features that are shared within a day, or slow, move the
null as they move the distance. All distances are taken on one grid, the reference's quantiles, from counts by day: a
year of windows costs little more than one.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.special import gammaincc, kolmogorov

from ml_models.scores import FloatArray
from ml_monitoring.drift_counts import windows_by_cell

CELLS: Final = 50
"""Cells of the grid: reference quantiles, each with as many rows; PSI and Jensen-Shannon use every fifth edge."""

LEAST_LENGTHS: Final = 8
"""Earlier windows, laid side by side, below which nothing can be told."""

LEVEL: Final = 0.05
"""False discoveries allowed among the features that are called drifting (Benjamini-Yekutieli)."""

_COARSE: Final = 5
_HALF: Final = 0.5  # added to every count, so that no cell is empty

State = Literal["drift", "quiet", "cannot tell"]


@dataclass(frozen=True)
class FeatureDrift:
    """One feature's distances between the window and the reference, and how unusual they are for us.

    `psi`, `ks` (Kolmogorov-Smirnov), `wasserstein` (in standard deviations of the reference), `jensen_shannon` (its
    distance, base 2); `psi_line` and `ks_line` are what 95 % of our earlier windows stayed below. `p_value` is how
    often a window as far off as this one (by `ks`) would come, `adjusted` the same for all features together; NaN when
    that cannot be told. `importance` is the mean |SHAP|; `impact` = ks x importance ranks the features.
    """

    name: str
    psi: float
    ks: float
    wasserstein: float
    jensen_shannon: float
    psi_line: float
    ks_line: float
    p_value: float
    adjusted: float
    importance: float
    state: State

    @property
    def impact(self) -> float:
        """Return how much the drift could matter; 0 without a known importance."""
        return self.ks * (0.0 if math.isnan(self.importance) else self.importance)


@dataclass(frozen=True, eq=False)
class Drift:
    """The drift of the window's `n` rows on `window` days, `first` to `last`; `features` by impact, largest first.

    `lengths` is how many earlier windows lie side by side: what the null is worth. `weekly` (W, F) are the PSI of the
    windows that end on `ends` (W,), one a week and the newest last, features in the order of `names`.
    """

    features: tuple[FeatureDrift, ...]
    names: tuple[str, ...]
    window: int
    first: Any
    last: Any
    n: int
    lengths: float
    ends: NDArray[Any]
    weekly: FloatArray

    @property
    def drifting(self) -> tuple[FeatureDrift, ...]:
        """Return the features that drift."""
        return tuple(found for found in self.features if found.state == "drift")


@dataclass(frozen=True, eq=False)
class _Distances:
    """Distances (W,) of all windows, one ending on each day from the first that is long enough.

    `wasserstein` and `jensen_shannon` are those of the newest window, which alone are told.
    """

    psi: FloatArray
    ks: FloatArray
    wasserstein: float
    jensen_shannon: float


def drift_of(
    x: FloatArray,
    days: NDArray[Any],
    reference: NDArray[np.bool_],
    names: tuple[str, ...],
    *,
    window: int,
    importance: Mapping[str, float] | None = None,
    weeks: int = 13,
) -> Drift | None:
    """Return how far the last `window` days of `x` (n, F) are from the rows that `reference` (n,) marks.

    `days` (n,) are trading days in order; NaN in `x` is a cell of its own. Windows of the null end before the newest
    window begins. None when there are fewer than `window` days, or no reference row.
    """
    distinct, day = np.unique(days, return_inverse=True)
    if len(distinct) < window or not reference.any():
        return None
    ends = distinct[window - 1 :]
    earlier = max(0, len(ends) - window)
    lengths = max(0.0, (len(distinct) - window) / window)
    told = [_distances(x[:, column], day, reference, window) for column in range(len(names))]
    fair = _fairness(day, reference, window)[:earlier]
    rows = int((day >= len(distinct) - window).sum())
    p_values = np.array([_chance(each.ks[:earlier] * fair, each.ks[-1], lengths, rows) for each in told])
    known = ~np.isnan(p_values)
    adjusted = np.full(len(names), np.nan)
    if known.any():
        adjusted[known] = benjamini_yekutieli(p_values[known])
    found = [
        FeatureDrift(
            name=name,
            psi=float(told[place].psi[-1]),
            ks=float(told[place].ks[-1]),
            wasserstein=told[place].wasserstein,
            jensen_shannon=told[place].jensen_shannon,
            psi_line=_line(told[place].psi[:earlier] * fair**2),
            ks_line=_line(told[place].ks[:earlier] * fair),
            p_value=float(p_values[place]),
            adjusted=float(adjusted[place]),
            importance=(importance or {}).get(name, math.nan),
            state=_state(float(adjusted[place])),
        )
        for place, name in enumerate(names)
    ]
    shown = np.arange(len(ends) - 1, -1, -5)[:weeks][::-1]
    return Drift(
        features=tuple(sorted(found, key=lambda each: (-each.impact, -each.ks, each.name))),
        names=names,
        window=window,
        first=distinct[-window],
        last=distinct[-1],
        n=int((days >= distinct[-window]).sum()),
        lengths=lengths,
        ends=ends[shown],
        weekly=np.column_stack([each.psi[shown] for each in told]) if told else np.empty((len(shown), 0)),
    )


def _distances(values: FloatArray, day: NDArray[np.intp], reference: NDArray[np.bool_], window: int) -> _Distances:
    """Return the distances of every window of `window` days to the reference."""
    known = np.sort(values[reference & ~np.isnan(values)])  # sorted, quantiles cost a twentieth
    edges = np.unique(np.quantile(known, np.arange(1, CELLS) / CELLS)) if len(known) else np.empty(0)
    up_to, expected, ks = windows_by_cell(
        np.ascontiguousarray(values), day, reference, edges, window, int(day.max()) + 1
    )
    off = np.abs(up_to[-1] / up_to[-1, -1] - expected / expected[-1])
    spread = float(known.std()) if len(known) else 0.0
    widths = np.diff(edges) / spread if spread > 0 else np.zeros(max(len(edges) - 1, 0))
    coarse, coarse_reference = _coarse_shares(up_to), _coarse_shares(expected[None, :])
    return _Distances(
        psi=((coarse - coarse_reference) * np.log(coarse / coarse_reference)).sum(axis=1),
        ks=ks,
        wasserstein=float(off[: len(widths)] @ widths),
        jensen_shannon=_jensen_shannon(coarse[-1], coarse_reference[0]),
    )


def _coarse_shares(up_to: FloatArray) -> FloatArray:
    """Return (W, about 10 + 1) smoothed shares: cells taken together by fives, the cell of missing values alone."""
    missing = up_to.shape[1] - 1
    ends = [*(min(start + _COARSE, missing) - 1 for start in range(0, missing, _COARSE)), missing]
    counts = np.diff(up_to[:, ends], axis=1, prepend=0.0) + _HALF
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def _jensen_shannon(share: FloatArray, other: FloatArray) -> float:
    middle = (share + other) / 2
    divergence = float((share * np.log2(share / middle) + other * np.log2(other / middle)).sum()) / 2
    return math.sqrt(max(divergence, 0.0))


def _fairness(day: NDArray[np.intp], reference: NDArray[np.bool_], window: int) -> FloatArray:
    """Return (W,): what a window's distance must be multiplied by, since a part of the reference is the window itself.

    A window inside the reference is nearer to it than one outside by sqrt((1 - q) / (1 + q)), q being its share of the
    reference's rows.
    """
    groups = int(day.max()) + 1
    rows = sliding_window_view(np.bincount(day, minlength=groups), window).sum(axis=1)
    inside = sliding_window_view(np.bincount(day, weights=reference, minlength=groups), window).sum(axis=1)
    q = np.minimum(rows / reference.sum(), 0.9)
    return np.asarray(1 + inside / rows * (np.sqrt((1 + q) / (1 - q)) - 1))


def _line(null: FloatArray) -> float:
    return float(np.quantile(null, 0.95)) if len(null) else math.nan


def _chance(null: FloatArray, found: float, lengths: float, rows: int) -> float:
    """Return how often our own windows are as far off as `found`: a gamma tail of the earlier ones' distances `null`.

    Few windows lie side by side, so counting alone could never name one feature among eighty; the tail is fitted by
    moments, with the variance taken up by what so few windows leave open. Never less than what so many `rows` drawn by
    chance would show (Kolmogorov): inputs that hardly vary between windows, such as the place of a range in its day,
    are a little off whenever the last day is not over.
    """
    if lengths < LEAST_LENGTHS or not len(null):
        return math.nan
    mean, variance = float(null.mean()), float(null.var()) * (1 + 2 / lengths)
    by_sampling = float(kolmogorov(math.sqrt(rows) * found))
    if variance <= 1e-18:
        return 1.0 if found <= null.max() + 1e-12 else by_sampling
    return max(by_sampling, float(gammaincc(mean**2 / variance, found * mean / variance)))


def benjamini_yekutieli(p_values: FloatArray) -> FloatArray:
    """Return `p_values` (m,) adjusted for there being m, however they hang together (Benjamini and Yekutieli 2001).

    What `scipy.stats.false_discovery_control` gives, whose import costs the first page of every start half a second.

    >>> benjamini_yekutieli(np.array([0.001, 0.2, 0.04])).round(4).tolist()
    [0.0055, 0.3667, 0.11]
    """
    rank = np.arange(1, len(p_values) + 1)
    order = np.argsort(p_values)
    raised = p_values[order] * len(rank) / rank * (1 / rank).sum()
    adjusted = np.empty(len(rank))
    adjusted[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1.0)
    return adjusted


def _state(adjusted: float) -> State:
    if math.isnan(adjusted):
        return "cannot tell"
    return "drift" if adjusted <= LEVEL else "quiet"
