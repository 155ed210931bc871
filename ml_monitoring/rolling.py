"""Means over trailing windows of trading days, from sums by day: a year of windows costs as much as one."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from ml_models.intervals import LEAST_DAYS, Estimate, critical_value

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RollingMean:
    """A mean over trailing windows of `window` trading days with events: one value (W,) for each last day.

    `low` and `high` are its band of 95 % (Student's t with days as clusters), `n` the events in the window and
    `n_effective` what they are worth. Neighbouring windows share all but one day: they are not separate evidence.
    """

    window: int
    days: npt.NDArray[np.datetime64]
    value: Floats
    low: Floats
    high: Floats
    n: Ints
    n_effective: Floats

    def __len__(self) -> int:
        return len(self.days)

    def since(self, first: npt.NDArray[np.datetime64] | np.datetime64) -> "RollingMean":
        """Return the windows that end on `first` or later."""
        keep = self.days >= first
        return RollingMean(
            self.window,
            self.days[keep],
            self.value[keep],
            self.low[keep],
            self.high[keep],
            self.n[keep],
            self.n_effective[keep],
        )

    def last(self) -> Estimate:
        """Return the newest window; there must be one."""
        return Estimate(
            float(self.value[-1]),
            float(self.low[-1]),
            float(self.high[-1]),
            int(self.n[-1]),
            float(self.n_effective[-1]),
            self.window,
        )


def rolling_mean(values: Floats, days: npt.NDArray[Any], window: int) -> RollingMean:
    """Return the mean of `values` (n,) over every `window` successive days that have events; none before the first.

    Each equals `ml_models.intervals.mean_interval_t` of the window's events. `window` is at least `LEAST_DAYS`.

    >>> rolling_mean(np.arange(6.0), np.repeat(np.arange(6), 1), 5).value
    array([2., 3.])
    """
    if window < LEAST_DAYS:
        raise ValueError(f"a window of {window} days gives no interval; {LEAST_DAYS} at least")
    seen, day = np.unique(days, return_inverse=True)
    if len(seen) < window:
        none = np.empty(0)
        return RollingMean(window, seen[:0], none, none, none, np.empty(0, dtype=np.int64), none)
    by_day = np.stack([np.bincount(day, weights=column) for column in (values, np.ones_like(values), values**2)])
    sums, events, squares = sliding_window_view(by_day, window, axis=1)  # each (W, window)
    n = events.sum(axis=1)
    value = sums.sum(axis=1) / n
    of_days = window / (window - 1) * ((sums - value[:, None] * events) ** 2).sum(axis=1)
    of_events = n / np.maximum(n - 1, 1) * np.maximum(squares.sum(axis=1) - n * value**2, 0.0)
    all_equal = of_events < 1e-12  # then each day counts once
    effect = np.where(all_equal, n / window, np.maximum(1.0, of_days / np.where(all_equal, 1.0, of_events)))
    half = critical_value(window, 0.95) * np.sqrt(of_days) / n
    return RollingMean(window, seen[window - 1 :], value, value - half, value + half, n.astype(np.int64), n / effect)
