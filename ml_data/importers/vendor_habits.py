"""What some vendors do that the values alone do not show: told by the names of columns that only they write."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

FIXED_POINT: Final = 1_000_000_000
"""Databento's whole prices count billionths."""

TICKS: Final = "volume counts changes of the price, not contracts"

_NO_PRICE: Final = float(np.iinfo(np.int64).max)
_NAMED_END: Final = "its time is named as the end of a bar"
_BITMEX: Final = frozenset({"vwap", "last size"})
_DATABENTO: Final = frozenset({"rtype", "publisher id", "instrument id"})
_METATRADER: Final = frozenset({"tick volume", "spread", "real volume"})


@dataclass(frozen=True)
class Habits:
    """What to know of a vendor. `ends` finishes "taken for ... because", where stamps mark the end of the minute.

    `server_epochs` says that seconds since 1970 count what a server's clock shows, as though that were UTC, and
    `fixed_point` that whole prices count billionths. `notes` are what the values need to be read with.
    """

    ends: str = ""
    server_epochs: bool = False
    fixed_point: bool = False
    notes: tuple[str, ...] = ()


PLAIN: Final = Habits()


def habits_of(plain: Collection[str], *, ends: bool) -> Habits:
    """Return the habits of who calls columns so; `plain` as `plain_names` gives them, `ends` if the time is an end.

    >>> habits_of(["time", "open", "tick volume", "spread", "real volume"], ends=False).server_epochs
    True
    """
    names = frozenset(plain)
    if names >= _METATRADER:
        return Habits(server_epochs=True, notes=(TICKS,))
    if names >= _BITMEX:
        return Habits(ends="its columns are those of BitMEX, which stamps the end of a minute")
    return Habits(ends=_NAMED_END if ends else "", fixed_point=names >= _DATABENTO)


def from_fixed_point(prices: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return prices of the currency for whole ones that count billionths, NaN for "there is no price".

    >>> from_fixed_point(np.array([15_895_250_000_000.0, 2.0**63 - 1]))
    array([15895.25,      nan])
    """
    return np.where(prices == _NO_PRICE, np.nan, prices / FIXED_POINT)
