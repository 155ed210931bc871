"""Which trading day a day bar is of: read from its stamp as it is written, before any instant is made of it.

A date of New York that becomes an instant and a date again, on another clock, is the day before. So the date that is
written counts wherever stamps are midnights or dates alone, and instants are asked only where stamps are neither.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ml_data.importers.wall_clock import to_wall
from trading.domain.bar import MINUTE_US
from trading.domain.calendar import Days, calendar_day_of
from trading.domain.instrument import Instrument

Microseconds = npt.NDArray[np.int64]

DAY_US: Final = 1_440 * MINUTE_US
_NEARLY_ALL: Final = 0.9  # a few rows may be damaged, or be of a day that is not over


@dataclass(frozen=True)
class DayLabels:
    """The trading day of each row, which rows have one, and how it was told: `rule` finishes "the day of a bar is"."""

    days: Days
    told: npt.NDArray[np.bool_]
    rule: str


def written_days(shown: Microseconds) -> DayLabels | None:
    """Return the dates that stamps show, in microseconds since 1970 whatever their offset; None if not midnights.

    >>> written_days(np.array([1_298_419_200_000_000])).days
    array(['2011-02-23'], dtype='datetime64[D]')
    """
    midnight = shown % DAY_US == 0
    if not len(shown) or midnight.mean() < _NEARLY_ALL:
        return None
    return DayLabels((shown // DAY_US).astype("datetime64[D]"), midnight, "the date that is written")


def days_of_instants(instants: Microseconds, instrument: Instrument) -> DayLabels | None:
    """Return the days of UTC `instants`, in microseconds: midnights at the exchange, or one time of its trading day.

    None when they lie at different times of the day.
    """
    if not len(instants):
        return None
    zone = instrument.exchange_zone
    local = to_wall(instants, zone)
    at = local % DAY_US
    times, counts = np.unique(at, return_counts=True)
    common = int(times[counts.argmax()])
    told = at == common
    if told.mean() < _NEARLY_ALL:
        return None
    if common == 0:
        return DayLabels((local // DAY_US).astype("datetime64[D]"), told, f"the date of its midnight in {zone}")
    minute = common // MINUTE_US
    days = calendar_day_of(instrument, instants // MINUTE_US)
    return DayLabels(days, told, f"the trading day that {minute // 60:02d}:{minute % 60:02d} {zone} lies in")
