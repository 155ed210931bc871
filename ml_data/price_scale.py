"""Prices that a vendor multiplied to write them as whole numbers: told by the stored level, or by their own steps."""

from typing import Final

import numpy as np
import numpy.typing as npt

FACTORS: Final = (100, 1_000, 10_000, 100_000, 1_000_000, 1_000_000_000)
"""Ten is missing: a split of ten to one looks the same."""

SCALED_STEPS: Final = 1_000
"""Whole dollars of a coin, or an instrument whose tick is too fine, may be so many ticks apart; more is scaled."""

_NEAR: Final = 2.0  # how far the level may have moved meanwhile, up or down
_DISTINCT: Final = 30  # so many different prices, all on a grid a hundred times coarser, are no chance


def scale_against(price: float, known: float) -> int:
    """Return the factor by which `price` was multiplied if `known` is right; negative if it was divided; 0 for neither.

    >>> scale_against(1_589_500.0, 15_875.25), scale_against(158.95, 15_875.25), scale_against(15_895.0, 15_875.25)
    (100, -100, 0)
    """
    if not (price > 0 and known > 0):
        return 0
    for sign, ratio in ((1, price / known), (-1, known / price)):
        for factor in FACTORS:
            if factor / _NEAR < ratio < factor * _NEAR:
                return sign * factor
    return 0


def scale_of_steps(prices: npt.NDArray[np.float64], tick: float) -> int:
    """Return the largest of FACTORS such that all `prices`, on the grid of `tick`, lie that many ticks apart; else 0.

    >>> scale_of_steps(np.arange(1_589_500.0, 1_599_500.0, 25.0), 0.25)
    100
    """
    ticks = np.unique(np.rint(prices / tick).astype(np.int64))
    if len(ticks) < _DISTINCT:
        return 0
    step = int(np.gcd.reduce(ticks))
    return max((factor for factor in FACTORS if step % factor == 0), default=0)
