"""How much a trade may risk: whole lots for a budget, the limit of a day, and what advice may take off. Pure.

The rules decide whether a trade is entered and at most how large. Advice can only make it smaller, to half at
the least, and only from the stage hybrid on.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from trading.domain.advice import Advice

LEAST_SHARE: Final = 0.5
"""The smallest share of the rules' risk to which advice may scale a trade."""


@dataclass(frozen=True)
class Size:
    """The whole lots of a trade: `lots` of the `by_rules`, each of which loses `loss` (in money) when it is stopped."""

    lots: int
    by_rules: int
    share: float
    loss: float

    @property
    def at_risk(self) -> float:
        """What is lost, in money, when the trade is stopped."""
        return self.lots * self.loss


def loss_of_a_lot(points: float, costs: float, point_value: float) -> float:
    """Return what one lot loses in money over `points` from entry to stop, with `costs` in points.

    >>> loss_of_a_lot(7.9, 0.35, 10.0)
    82.5
    """
    return (points + costs) * point_value


def sized(budget: float, loss: float, share: float = 1.0) -> Size:
    """Return the whole lots whose loss fits in `share` of the budget, rounded down: never more than by the rules.

    >>> sized(250.0, 82.5).lots, sized(250.0, 82.5, 0.5).lots
    (3, 1)
    """
    by_rules = math.floor(budget / loss)
    return Size(min(by_rules, math.floor(budget * share / loss)), by_rules, share, loss)


def risk_share(advice: Sequence[Advice], side: str) -> float:
    """Return the share of the rules' risk of a break to `side`: the least of what those that may scale it say.

    To leave a trade alone is half of the risk, for the rules alone gate entry. A size that is not known takes nothing
    off.

    >>> risk_share([Advice("m", "v", "hybrid", "DOWN"), Advice("m", "v", "advisory", "SKIP")], "UP")
    0.5
    """
    return min((_share(each, side) for each in advice if each.scales_risk), default=1.0)


def day_is_over(results: Sequence[float], max_loss: float) -> bool:
    """Return whether a day's trades, in the order in which they closed, had ever lost so much, in R, that it is over.

    A trade that was held and closes later with a gain does not open the day again.

    >>> day_is_over([-1.1, -1.1, 0.9], 2.0), day_is_over([-1.0, -1.0, -1.0], 3.0), day_is_over([0.9, -1.1], 1.0)
    (True, True, False)
    """
    return any(math.fsum(results[:closed]) <= -max_loss for closed in range(1, len(results) + 1))


def day_stop(closed: Iterable[tuple[datetime, float]], max_loss: float) -> datetime | None:
    """Return at which of its exits (instant, result in R) a day had lost so much that the rules stop; None: at none.

    What closes at the same instant counts together: nobody can tell which came first.
    """
    by_exit: dict[datetime, list[float]] = {}
    for instant, result in sorted(closed):
        by_exit.setdefault(instant, []).append(result)
    sums = [math.fsum(results) for results in by_exit.values()]
    over = (instant for number, instant in enumerate(by_exit, 1) if day_is_over(sums[:number], max_loss))
    return next(over, None)


def _share(advice: Advice, side: str) -> float:
    if not advice.takes(side):
        return LEAST_SHARE
    size = 1.0 if advice.size is None or math.isnan(advice.size) else advice.size
    return min(1.0, max(LEAST_SHARE, size))
