"""What a list of trades came to: totals by trading day, the worst fall, how trades ended. Pure, in R after costs.

Trades come from stored history and nowhere else (`orb_trades`: entry at the break's close, exits from the next bar on,
costs in, a bar that touches stop and target is a loss), so a backtest and the training labels are the same trades.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Trades:
    """n closed trades in the order in which they closed.

    `days` (n,) are trading days, `orb` the opening ranges, `direction` UP or DOWN; `r_gross` and `r_net` are R of the
    full size before and after costs; `won`, `expired` and `ambiguous` say how they ended.
    """

    days: npt.NDArray[np.datetime64]
    orb: npt.NDArray[np.object_]
    direction: npt.NDArray[np.object_]
    r_gross: Floats
    r_net: Floats
    won: Bools
    expired: Bools
    ambiguous: Bools

    def __len__(self) -> int:
        return len(self.days)

    def where(self, keep: Bools) -> "Trades":
        """Return the trades that `keep` (n,) marks."""
        return Trades(*(each[keep] for each in vars(self).values()))


@dataclass(frozen=True, eq=False)
class Backtest:
    """What trading came to. `day` (d,) are the trading days with a trade to take or leave, `by_day` their net R.

    `deepest_fall` is the largest fall of the sum of closed trades from its highest point so far (0 and less; R), and
    `longest_fall` the most trading days with a trade that it stayed below such a point. Open trades are in neither.
    """

    day: npt.NDArray[np.datetime64]
    by_day: Floats
    total: float
    deepest_fall: float
    longest_fall: int


def backtest(trades: Trades, share: Floats | None = None) -> Backtest:
    """Return what `trades` came to with `share` (n,) of the full size each, 0 to 1 (None: the full size).

    >>> day = np.array(["2025-01-02", "2025-01-02", "2025-01-03", "2025-01-06"], dtype="datetime64[D]")
    >>> net, no = np.array([0.9, -1.1, -1.1, 0.9]), np.zeros(4, dtype=bool)
    >>> names = np.array(["0900"] * 4, dtype=object)
    >>> found = backtest(Trades(day, names, names, net, net, net > 0, no, no))
    >>> found.by_day.round(1).tolist(), round(found.total, 1), round(found.deepest_fall, 1), found.longest_fall
    ([-0.2, -1.1, 0.9], -0.4, -2.2, 3)
    """
    net = trades.r_net * (1.0 if share is None else share)
    day, place = np.unique(trades.days, return_inverse=True)
    by_day = np.bincount(place, weights=net, minlength=len(day)).astype(np.float64)
    running = np.concatenate([[0.0], np.cumsum(net)])
    fall = running - np.maximum.accumulate(running)
    return Backtest(day, by_day, float(net.sum()), float(fall.min()), _longest(place, fall[1:] < 0))


def _longest(place: npt.NDArray[np.intp], below: Bools) -> int:
    """Return the most trading days that a run of trades `below` the highest point so far touches."""
    longest, since = 0, -1
    for day, low in zip(place.tolist(), below.tolist(), strict=True):
        if not low:
            since = -1
            continue
        since = day if since < 0 else since
        longest = max(longest, day - since + 1)
    return longest
