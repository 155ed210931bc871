"""Evidence that may be looked at every day: the wealth of a bettor who bets on whole days against "no better".

The bettor stakes a part of the wealth on each trading day's gain. If no day's expected gain is above zero, whatever
came before, the wealth is expected never to grow, and reaches 1 / alpha at any time with a chance of at most alpha
(Ville 1939; Waudby-Smith and Ramdas 2024), however often one looks, whenever one stops, and however events of one day
hang together. What is refuted is "never better on any day". The first to pass of many models is still chosen.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from ml_models.intervals import day_numbers
from ml_models.scores import FloatArray
from trading.errors import HubError

STAKES: Final = tuple(float(stake) for stake in np.linspace(0.05, 0.95, 19))
"""The parts of the wealth staked a day by the bettors whose mean wealth counts."""

LONGEST_WAIT: Final = 5000
"""Further trading days above which a wait is as good as for ever: twenty years."""


@dataclass(frozen=True, eq=False)
class Wealth:
    """The wealth of the bettor after each of `days` (D,), from 1, and what it says.

    `passed` is the first day on which it had reached `needed` = 1 / alpha (None: not yet); later losses do not take
    that back. `further_days` is how many more trading days it would take if the mean and the spread of a day's gain
    stay as they are: 0 when passed, infinity when the wealth does not grow or would not get there in `LONGEST_WAIT`
    days, NaN without days.
    """

    days: NDArray[Any]
    wealth: FloatArray
    gains: FloatArray
    needed: float
    passed: Any | None
    further_days: float

    @property
    def now(self) -> float:
        """The wealth after the last day."""
        return float(self.wealth[-1]) if len(self.wealth) else 1.0


def day_gains(
    values: FloatArray, worst: FloatArray, days: NDArray[Any], most_a_day: int
) -> tuple[NDArray[Any], FloatArray]:
    """Return the distinct days and each day's gain (D,), at least -1.

    `values` (n,) are the events' gains in their unit, `worst` (n,) the largest loss (> 0) that each could bring, known
    before it happened; a day's gain is the sum of value / worst over `most_a_day`, the most events that a day can have.

    Raises
    ------
    HubError
        when a value is not finite or a loss beyond its worst, or a day has more events: the bet would not be fair.

    >>> day_gains(np.array([0.5, -1.0, 3.0]), np.array([1.0, 1.0, 2.0]), np.array([1, 1, 2]), 2)[1]
    array([-0.25,  0.75])
    """
    if not np.isfinite(values).all():
        raise HubError("Every event's gain must be a number: an event without an outcome is no evidence yet.")
    beyond = (worst <= 0) | (values < -worst * (1 + 1e-9))
    if beyond.any():
        row = int(np.argmax(beyond))
        raise HubError(
            f"Event {row}: a gain of {values[row]:g} where {-worst[row]:g} is the worst: the bet is not fair."
        )
    distinct, number = np.unique(days), day_numbers(days)
    events = np.bincount(number, minlength=len(distinct))
    if events.max(initial=0) > most_a_day:
        raise HubError(f"{events.max()} events on one day, where at most {most_a_day} were expected.")
    return distinct, np.bincount(number, weights=values / worst, minlength=len(distinct)) / most_a_day


def wealth_of(days: NDArray[Any], gains: FloatArray, alpha: float) -> Wealth:
    """Return the mean wealth of bettors with all `STAKES` on the day gains `gains` (D,), each at least -1.

    >>> found = wealth_of(np.arange(3), np.array([1.0, 1.0, -1.0]), alpha=0.05)
    >>> found.wealth.round(3).tolist(), found.needed, found.passed
    ([1.5, 2.325, 0.938], 20.0, None)
    """
    if not 0 < alpha < 1:
        raise HubError(f"alpha is a chance between 0 and 1; found {alpha}.")
    logs = np.log1p(np.array(STAKES)[:, None] * gains[None, :]).cumsum(axis=1)
    log_mean = logsumexp(logs, axis=0) - math.log(len(STAKES)) if len(gains) else np.empty(0)
    needed = 1 / alpha
    reached = np.flatnonzero(log_mean >= math.log(needed))
    passed = days[reached[0]] if len(reached) else None
    with np.errstate(over="ignore"):
        wealth = np.exp(log_mean)
    return Wealth(days, wealth, gains, needed, passed, _wait(logs, gains, needed, passed is not None))


def _wait(logs: FloatArray, gains: FloatArray, needed: float, passed: bool) -> float:
    """Return the further days until the mean wealth reaches `needed` when every bettor goes on as on average so far."""
    if passed or not len(gains):
        return 0.0 if passed else math.nan
    growth, now = logs[:, -1] / len(gains), logs[:, -1]
    target = math.log(needed) + math.log(len(STAKES))
    if growth.max() <= 0:
        return math.inf
    surely = math.ceil((target - now[growth.argmax()]) / growth.max())  # by then that bettor alone has enough
    waits = np.arange(1, min(surely, LONGEST_WAIT) + 1)
    reached = logsumexp(now[:, None] + growth[:, None] * waits, axis=0) >= target
    return float(waits[reached.argmax()]) if reached.any() else math.inf
