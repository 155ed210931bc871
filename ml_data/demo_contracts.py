"""The contracts of the synthetic market: their names, who holds the volume on a day, and what lies between prices.

A contract is a number: `5 * year + place of its month in G J M Q Z`, so the next contract is the next number.
"""

from datetime import date
from functools import cache
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from ml_data.demo_activity import stream

ROLL_STREAM: Final = 2
DISTANCE_STREAM: Final = 3
MONTHS: Final = (("G", 2), ("J", 4), ("M", 6), ("Q", 8), ("Z", 12))
"""The liquid delivery months: letter and month of the year."""

_ROLL_CENTRE: Final = (2.0, 4.0)  # weekdays before the first notice at which half of the volume has moved on
_ROLL_SPEED: Final = 0.6  # weekdays; the logistic scale of the move
_NEXT_SHARE, _THIRD_SHARE = 0.02, 0.005  # of the trades, in the contracts behind the leading one
_POINTS_BETWEEN: Final = (4.0, 12.0)  # from a contract up to the next


def contract_shares(day: date, seed: int) -> tuple[list[int], npt.NDArray[np.float64]]:
    """Return the contracts traded on a session's date, earliest first, and the share of the trades of each.

    The volume moves on a few weekdays before the first notice (the last weekday before the delivery month); the two
    contracts behind the leading one trade thinly.
    """
    newest_past = max(n for n in range(5 * day.year - 1, 5 * day.year + 5) if _weekdays_to_notice(n, day) <= 0)
    contracts = list(range(newest_past, newest_past + 5))
    moved = [1 / (1 + np.exp((_weekdays_to_notice(n, day) - _roll_centre(n, seed)) / _ROLL_SPEED)) for n in contracts]
    leads = np.array([before * (1 - after) for before, after in pairwise([1.0, *moved])])
    shares = (1 - _NEXT_SHARE - _THIRD_SHARE) * leads
    shares[1:] += _NEXT_SHARE * leads[:-1]
    shares[2:] += _THIRD_SHARE * leads[:-2]
    normed: npt.NDArray[np.float64] = shares / shares.sum()
    return contracts, normed


def contract_name(symbol: str, contract: int) -> str:
    """Return the exchange's name of a contract number.

    >>> contract_name("DEMO", 5 * 2024 + 0), contract_name("DEMO", 5 * 2025 + 4)
    ('DEMOG4', 'DEMOZ5')
    """
    year, place = divmod(contract, 5)
    return f"{symbol}{MONTHS[place][0]}{year % 10}"


def ticks_above(reference: int, contract: int, tick: float, seed: int) -> int:
    """Return the fixed distance in ticks of a contract above the `reference` contract (below it: negative)."""
    between = range(min(reference, contract), max(reference, contract))
    distance = sum(_ticks_to_next(n, tick, seed) for n in between)
    return distance if contract >= reference else -distance


@cache
def _ticks_to_next(contract: int, tick: float, seed: int) -> int:
    """Return the ticks from a contract up to the next one."""
    low, high = (round(points / tick) for points in _POINTS_BETWEEN)
    return int(stream(seed, DISTANCE_STREAM, contract).integers(low, high + 1))


@cache
def _roll_centre(contract: int, seed: int) -> float:
    """Return the weekdays before its first notice at which half of a contract's volume has moved on."""
    return float(stream(seed, ROLL_STREAM, contract).uniform(*_ROLL_CENTRE))


def _weekdays_to_notice(contract: int, day: date) -> int:
    year, place = divmod(contract, 5)
    notice = np.busday_offset(date(year, MONTHS[place][1], 1), -1, roll="forward")
    return int(np.busday_count(np.datetime64(day), notice))
