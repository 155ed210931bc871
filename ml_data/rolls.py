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


@dataclass(frozen=True)
class ContractDays:
    """The contract of each of n trading days.

    `contract` is an index into the contracts given (-1: none traded yet); `reason` says why in words;
    `rolled` marks the first day in a new contract; `volume_share` is the share on which a day stayed or moved (NaN
    where nothing was compared).
    """

    days: Days
    contract: npt.NDArray[np.int64]
    reason: tuple[str, ...]
    rolled: npt.NDArray[np.bool_]
    volume_share: npt.NDArray[np.float64]


@lru_cache(maxsize=65536)
def expiry_month(symbol: str, seen: int) -> int:
    """Return the expiry of a futures symbol, the first one not before the month `seen`; both are months since year 0.

    Exchanges reuse single-digit years, so a symbol alone does not say its decade; a contract does not trade after its
    month, which decides it. A symbol without a month code (a share, a spot pair) never expires: 0.

    >>> divmod(expiry_month("MGCZ0", 2020 * 12 + 11), 12)
    (2020, 11)
    >>> divmod(expiry_month("MGCG1", 2020 * 12 + 11), 12)
    (2021, 1)
    """
    match = _SYMBOL.match(symbol)
    if match is None:
        return 0
    digits = match["year"]
    period = 10 ** len(digits)
    month = MONTH_CODES.index(match["month"])
    expiry: int = (seen // 12 // period * period + int(digits)) * 12 + month
    return expiry if expiry >= seen else expiry + period * 12


def choose_contracts(
    days: Days,
    volumes: npt.NDArray[np.float64],
    expiries: npt.NDArray[np.int64],
    roll_share: float,
    start: int = -1,
    previous: npt.NDArray[np.float64] | None = None,
) -> ContractDays:
    """Return each day's contract: stay, move on at `roll_share` of the previous day's volume, never go back.

    `volumes` has shape (n days, c contracts); `expiries` shape (n, c), the month each symbol expires as of that day.
    A day moves to the later-expiring contract with the highest volume once that had at least `roll_share` of its own
    plus the current one's volume on the previous trading day **with any volume**. `start` and `previous` continue a
    history: the contract of the day before `days[0]` and the volumes (c,) of the last traded day before it. Without a
    `start` the first day with volume takes the contract that trades most on it: there is nothing earlier to go by.
    """
    chosen = np.full(len(days), -1, dtype=np.int64)
    rolled = np.zeros(len(days), dtype=bool)
    share = np.full(len(days), np.nan)
    reasons: list[str] = []
    current = start
    for index in range(len(days)):
        reason = "stay"
        if current < 0:
            if volumes[index].sum() > 0:
                current = int(np.argmax(volumes[index]))
                reason = "first"
            else:
                reason = "no_bars"
        elif previous is not None:
            later = np.where(expiries[index] > expiries[index, current], previous, -1.0)
            candidate = int(np.argmax(later))
            if later[candidate] > 0:
                share[index] = later[candidate] / (later[candidate] + previous[current])
                if share[index] >= roll_share:
                    current, reason, rolled[index] = candidate, "roll", True
        chosen[index] = current
        reasons.append(reason)
        if volumes[index].sum() > 0:
            previous = volumes[index]
    return ContractDays(days=days, contract=chosen, reason=tuple(reasons), rolled=rolled, volume_share=share)
