"""Logged numbers as arrays: what was said of each target, beside its baselines, and what became of it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_models.quantiles import forecast_of, level_of, quantile_places
from ml_models.value_scores import Forecast
from trading.domain.label import Label
from trading.domain.walks import ATR_SCALED

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MEAN: Final = "mean"
"""The baseline that says the mean of the outcomes known so far; of the first events, what the walk says."""


@dataclass(frozen=True)
class Numbers:
    """n answers of T targets: `actual` (n, T), `said` (n, outputs) under their names, the first target's interval.

    `baselines` maps a name to (n, T). `level` is the share that the interval is to hold.
    """

    targets: tuple[str, ...]
    outputs: tuple[str, ...]
    actual: Floats
    said: Floats
    low: Floats
    high: Floats
    baselines: dict[str, Floats]

    @property
    def level(self) -> float:
        """The share that the interval is to hold: between the outermost levels."""
        places = quantile_places(self.targets[0], self.outputs)
        return (level_of(self.outputs[places[-1]]) or 0.0) - (level_of(self.outputs[places[0]]) or 0.0)

    def forecast(self, target: int) -> Forecast:
        """Return what was said of one target; only of the first the interval was logged."""
        found = forecast_of(self.targets[target], self.outputs, self.said)
        if target:
            return found
        return Forecast(found.point, found.quantiles, found.levels, self.low, self.high)

    def where(self, keep: npt.NDArray[np.bool_]) -> "Numbers":
        """Return the answers that `keep` (n,) marks."""
        return Numbers(
            self.targets,
            self.outputs,
            self.actual[keep],
            self.said[keep],
            self.low[keep],
            self.high[keep],
            {name: each[keep] for name, each in self.baselines.items()},
        )


def same_outputs(rows: pa.Table) -> npt.NDArray[np.bool_]:
    """Return which rows say the numbers that the newest one says: versions of other outputs are not mixed in."""
    names = rows["outputs"].to_pylist()
    return np.array([each is not None and each == names[-1] for each in names], dtype=bool)


def numbers_of(rows: pa.Table, label: Label) -> Numbers:
    """Return the answered and matured `rows` of a label of numbers, all with the same outputs."""
    names = rows["outputs"].to_pylist()
    actual = _matrix(rows, "actual_values", len(label.targets))
    logged = _matrix(rows, "baselines", None)
    walk = logged[:, : len(label.targets)]
    decided, known = (rows[name].cast(pa.int64()).to_numpy() for name in ("decided_at", "known_at"))
    outputs = tuple(names[-1]) if names else ()
    return Numbers(
        targets=label.targets,
        outputs=outputs,
        actual=actual,
        said=_matrix(rows, "quantiles", len(outputs)),
        low=_column(rows, "interval_low"),
        high=_column(rows, "interval_high"),
        baselines={
            MEAN: _mean_so_far(actual, walk, decided, known),
            label.walk: walk,
            **_scaled(actual, logged, decided, known),
        },
    )


def _scaled(actual: Floats, logged: Floats, decided: Ints, known: Ints) -> dict[str, Floats]:
    """Return the baseline that says as many ATR(14) as so far, where the scale was logged: for distances."""
    targets = actual.shape[1]
    if logged.shape[1] <= targets:
        return {}
    scale = logged[:, [targets]]
    first = logged[:, :targets] - scale
    return {ATR_SCALED: scale + _mean_so_far(actual - scale, first, decided, known)}


def _mean_so_far(actual: Floats, walk: Floats, decided: Ints, known: Ints) -> Floats:
    """Return (n, T): at each decision, the mean of the outcomes known by then; what the walk says while none is."""
    order = np.argsort(known, kind="stable")
    totals = np.vstack([np.zeros(actual.shape[1]), np.cumsum(actual[order], axis=0)])
    seen = np.searchsorted(known[order], decided, side="right")
    means: Floats = totals[seen] / np.maximum(seen, 1)[:, None]
    return np.where((seen > 0)[:, None], means, walk)


def _matrix(rows: pa.Table, name: str, width: int | None) -> Floats:
    """Return a column of lists as (n, width); as wide as its lists are where no width is given."""
    lists = rows[name].to_pylist()
    columns = (len(lists[0]) if lists else 0) if width is None else width
    return np.array(lists, dtype=np.float64).reshape(len(lists), columns)


def _column(rows: pa.Table, name: str) -> Floats:
    values: Floats = rows[name].cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    return values
