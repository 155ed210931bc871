"""The two bets of a promotion: that the model's forecasts beat every baseline, and that its advised trades earn."""

from bisect import insort
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml_models.intervals import day_numbers
from ml_models.scores import brier_losses
from ml_monitoring.betting import Wealth, day_gains, wealth_of
from ml_monitoring.judged import Floats, Judged
from trading.errors import HubError

_LEAST_WORST = 1e-6  # a forecast that equals the baseline can neither win nor lose
_USUAL = 0.9  # the quantile of earlier days' worst losses below which no event is staked higher


def skill_wealth(judged: Judged, most_a_day: int, alpha: float) -> dict[str, Wealth]:
    """Return, by baseline, the wealth of a bet on the model's Brier gain over it; the model must win all of them.

    An event's gain is squared error saved, its worst loss the largest that its two forecasts allow, so it is known
    before the outcome. It is staked in proportion to that, or to the 90 % quantile of earlier days' where that is more:
    an event in which model and baseline hardly differ is not blown up.
    """
    found = {}
    for name, baseline in judged.baselines.items():
        saved = _saved_by_class(judged, baseline)
        gains = saved[np.arange(len(judged)), judged.actual]
        worst = np.maximum(-saved.min(axis=1), _LEAST_WORST)
        scale = np.maximum(worst, earlier_quantile(worst, judged.days, _USUAL))
        found[name] = wealth_of(*day_gains(gains, scale, judged.days, most_a_day), alpha)
    return found


def net_r_wealth(judged: Judged, worst_r: Floats, most_a_day: int, alpha: float) -> Wealth:
    """Return the wealth of a bet on the net R of the advised trades; an event without advice or break brings 0.

    `worst_r` (n,) is the largest loss of each trade in R, costs included.

    Raises
    ------
    HubError
        when a trade's result or its worst loss is not known, or a loss is beyond it.
    """
    values = advised_r(judged)
    at_stake = values != 0
    if np.isnan(worst_r[at_stake]).any():
        raise HubError(
            f"The ranges of {int(np.isnan(worst_r[at_stake]).sum()):,} advised trades are not stored, so nobody can "
            f"say what they could have lost. Run: hub build"
        )
    return wealth_of(*day_gains(values, np.where(at_stake, worst_r, 1.0), judged.days, most_a_day), alpha)


def advised_r(judged: Judged) -> Floats:
    """Return (n,): the net R of each advised trade; an event without advice or break brings 0, an unknown one NaN."""
    quiet = np.array([name == "NONE" for name in judged.classes], dtype=bool)
    broke = ~quiet[judged.actual] if judged.classes else np.ones(len(judged), dtype=bool)
    values: Floats = np.where(judged.advised & broke, judged.r_net_advised, 0.0)
    return values


def hardest(bets: dict[str, Wealth]) -> str:
    """Return the baseline against which the least is won: one that is not beaten yet, else the last to be beaten."""
    return min(bets, key=lambda name: (bets[name].passed is not None, bets[name].now, name))


def _saved_by_class(judged: Judged, baseline: Floats) -> Floats:
    """Return (n, K): the squared error that the model saves if each class happens."""
    classes = range(len(judged.classes))
    happens = [np.full(len(judged), code) for code in classes]
    return np.column_stack([brier_losses(each, baseline) - brier_losses(each, judged.probs) for each in happens])


def earlier_quantile(values: Floats, days: NDArray[Any], share: float) -> Floats:
    """Return (n,): the quantile (an order statistic) of the values on all days before each event's; 0 on the first.

    >>> earlier_quantile(np.array([1.0, 3.0, 2.0, 9.0]), np.array([1, 1, 2, 3]), 0.5)
    array([0., 0., 1., 2.])
    """
    seen: list[float] = []
    found = np.zeros(len(values))
    order = np.argsort(days, kind="stable")
    ends = np.flatnonzero(np.diff(day_numbers(days)[order], append=-1)) + 1
    for places in np.split(order, ends[:-1]):
        if seen:
            found[places] = seen[int(share * (len(seen) - 1))]
        for value in values[places].tolist():
            insort(seen, value)
    return found
