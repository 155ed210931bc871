"""When a market is closed by its schedule: the daily halt, nights, weekends, holidays, as spans of UTC minutes."""

from dataclasses import dataclass
from datetime import time
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from trading.domain.calendar import Minutes, expected_minutes, wall_minutes
from trading.domain.instrument import Instrument

_FIRST, _LAST = np.datetime64("2000-01-01", "h"), np.datetime64("2060-01-01", "h")
_LONGEST: Final = 14 * 1440  # a longer closure is the end of what the schedule knows
_DAY_AND_NIGHT: Final = 47 * 60  # open this long without a pause: a market that stops for the weekend only, or never
_WEEK_ENDS: Final = time(17)  # Friday and Sunday, New York: the week of currencies, which no exchange calendar states
_NEW_YORK: Final = "America/New_York"


@dataclass(frozen=True)
class Closures:
    """Closures `[starts, ends)` in UTC minutes, in order and disjoint; `halt` marks those that are the daily halt."""

    starts: Minutes
    ends: Minutes
    halt: npt.NDArray[np.bool_]

    def between(self, first: int, last: int) -> "Closures":
        """Return the closures that touch the minutes from `first` to `last`."""
        kept = slice(np.searchsorted(self.ends, first, side="right"), np.searchsorted(self.starts, last, side="right"))
        return Closures(self.starts[kept], self.ends[kept], self.halt[kept])

    def inside(self, minutes: npt.NDArray[np.integer[Any]]) -> Minutes:
        """Return how many of `minutes`, sorted, lie in each closure."""
        starts, ends = (edges.astype(minutes.dtype) for edges in (self.starts, self.ends))  # else all are copied
        return np.searchsorted(minutes, ends) - np.searchsorted(minutes, starts)


@lru_cache(maxsize=16)
def closures(instrument: Instrument) -> Closures:
    """Return the closures of the schedule of `instrument`, as far as it is known.

    A market without a daily halt that trades day and night stops from Friday to Sunday 17:00 New York, whatever its
    calendar says of dates; one that never stops has no closures.
    """
    starts, ends = _not_open(instrument)
    if instrument.daily_halt is None and len(starts) and (starts[1:] - ends[:-1]).max(initial=0) >= _DAY_AND_NIGHT:
        days = np.arange(ends[0] // 1440, starts[-1] // 1440).astype("datetime64[D]")
        weekday = (days.astype(np.int64) + 3) % 7
        starts = wall_minutes(days[weekday == 4], _WEEK_ENDS, _NEW_YORK)
        ends = wall_minutes(days[weekday == 6], _WEEK_ENDS, _NEW_YORK)
        ends = ends[ends > starts[0]] if len(starts) else ends
        starts = starts[: len(ends)]
    if instrument.daily_halt is None:
        return Closures(starts, ends, np.zeros(len(starts), dtype=bool))
    begins, stops = instrument.daily_halt
    length = (60 * (stops.hour - begins.hour) + stops.minute - begins.minute) % 1440
    return Closures(starts, ends, ends - starts == length)


def _not_open(instrument: Instrument) -> tuple[Minutes, Minutes]:
    """Return the spans without an expected minute, those at the ends of the schedule left out."""
    hours = np.arange(_FIRST, _LAST).astype(np.int64) * 60
    expected = expected_minutes(instrument, hours, hours + 60)
    partly = hours[(expected > 0) & (expected < 60)]
    minutes = (partly[:, np.newaxis] + np.arange(60)).ravel()
    closed = np.concatenate([hours[expected == 0], minutes[expected_minutes(instrument, minutes, minutes + 1) == 0]])
    lengths = np.concatenate([np.full((expected == 0).sum(), 60), np.ones(len(closed) - (expected == 0).sum(), int)])
    order = np.argsort(closed)
    closed, until = closed[order], (closed + lengths)[order]
    first = np.concatenate([[True], closed[1:] != until[:-1]])[: len(closed)]
    starts, ends = closed[first], until[np.concatenate([first[1:], [True]])[: len(closed)]]
    known = (ends - starts < _LONGEST) & (starts > hours[0])
    return starts[known], ends[known]
