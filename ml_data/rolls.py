"""Which contract a trading day is traded in, decided by what was known before the day began."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from trading.domain.calendar import Days

MONTH_CODES: Final = "FGHJKMNQUVXZ"
_SYMBOL = re.compile(rf"^(?P<root>.+?)(?P<month>[{MONTH_CODES}])(?P<year>\d{{1,2}})$")

STALE_DAYS: Final = 11
"""Volumes older than this many calendar days decide nothing: no holiday lasts so long, so days are missing."""


CHOSEN_AFTERWARDS: Final = "first"
"""The reason of a first day whose contract was told by the day's own volumes."""


@dataclass(frozen=True)
class ContractDays:
    """The contract of each of n trading days.

    `contract` is an index into the contracts given (-1: none traded yet); `reason` says why in a word: `only` (the one
    that trades on the first day), `first` (the most traded of several on it), `stay`, `roll`, `no_bars` (nothing
    traded: it stays as it was). `rolled` marks the first traded day in a new contract; `volume_share` is the share on
    which a day stayed or moved (NaN where nothing was compared).
    """

    days: Days
    contract: npt.NDArray[np.int64]
    reason: tuple[str, ...]
    rolled: npt.NDArray[np.bool_]
    volume_share: npt.NDArray[np.float64]


@dataclass(frozen=True)
class DayVolumes:
    """What traded on each of n days in each of c contracts: `volume` (as the source counts it) and `bars`, (n, c)."""

    volume: npt.NDArray[np.float64]
    bars: npt.NDArray[np.int64]

    @property
    def traded(self) -> npt.NDArray[np.bool_]:
        """Whether a day has a bar of any contract, shape (n,)."""
        any_bar: npt.NDArray[np.bool_] = self.bars.sum(axis=1) > 0
        return any_bar


@lru_cache(maxsize=65536)
def expiry_month(symbol: str, seen: int) -> int:
    """Return the expiry of a futures symbol, the one nearest to the month `seen`; both are months since year 0.

    Exchanges reuse single-digit years, so a symbol alone does not say its decade. The nearest is right for a contract
    that trades and for one that expired in a hole of the data. A symbol without a month code (a share, a spot pair)
    never expires: 0.

    >>> divmod(expiry_month("MGCZ0", 2020 * 12 + 11), 12)
    (2020, 11)
    >>> divmod(expiry_month("MGCG1", 2020 * 12 + 11), 12)
    (2021, 1)
    """
    match = _SYMBOL.match(symbol)
    if match is None:
        return 0
    period = 12 * 10 ** len(match["year"])
    phase = int(match["year"]) * 12 + MONTH_CODES.index(match["month"])
    earliest = seen - period // 2
    expiry: int = earliest + (phase - earliest) % period
    return expiry


def choose_contracts(
    days: Days,
    traded: DayVolumes,
    expiries: npt.NDArray[np.int64],
    roll_share: float,
    start: int = -1,
    previous: tuple[np.datetime64, npt.NDArray[np.float64]] | None = None,
) -> ContractDays:
    """Return each day's contract: stay, move on at `roll_share` of the previous day's volume, never go back.

    `expiries` has shape (n, c), the month each symbol expires as seen from that day. A day that trades moves to the
    later-expiring contract with the highest volume (of equals the first by name) once that had at least `roll_share`
    of its own plus the current one's volume on the previous day **that traded**, unless that lies more than
    `STALE_DAYS` back. `start` and `previous` continue a history: the contract of the day before `days[0]`, and the
    last traded day before it with its volumes (c,). Without a `start` the first day that trades takes the contract
    that trades most on it: there is nothing earlier to go by.
    """
    chosen = np.full(len(days), -1, dtype=np.int64)
    rolled = np.zeros(len(days), dtype=bool)
    share = np.full(len(days), np.nan)
    reasons: list[str] = []
    current = start
    for index, (day, trades) in enumerate(zip(days, traded.traded, strict=True)):
        volumes, reason = traded.volume[index], "stay"
        if not trades:
            reason = "no_bars"
        elif current < 0:
            current = int(np.argmax(np.where(traded.bars[index] > 0, volumes, -1.0)))
            reason = "only" if np.count_nonzero(traded.bars[index]) == 1 else CHOSEN_AFTERWARDS
        elif previous is not None and (day - previous[0]).astype(int) <= STALE_DAYS:
            later = np.where(expiries[index] > expiries[index, current], previous[1], -1.0)
            candidate = int(np.argmax(later))
            if later[candidate] > 0:
                share[index] = later[candidate] / (later[candidate] + previous[1][current])
                if share[index] >= roll_share:
                    current, reason, rolled[index] = candidate, "roll", True
        chosen[index] = current
        reasons.append(reason)
        if trades:
            previous = (day, volumes)
    return ContractDays(days=days, contract=chosen, reason=tuple(reasons), rolled=rolled, volume_share=share)
