"""What each clock that a trader's file may show would make of its bars: how many lie where the market is closed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ml_data.closed_hours import Closures, closures
from ml_data.importers.wall_clock import to_utc, to_wall
from trading.domain.calendar import Minutes, wall_minutes
from trading.domain.instrument import Instrument

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

CLOCKS: Final = (
    "UTC",
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Athens",  # EET, of other brokers
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Australia/Brisbane",
    "Australia/Sydney",
    *(f"UTC{hours:+d}" for hours in range(-12, 15) if hours),
    "America/New_York+7h",  # brokers whose day ends at 17:00 New York
    "Europe/London-5h",  # HistData from 2019
)
CASH_OPEN: Final = time(9, 30)
"""New York: when US stocks open, the minute that wakes most markets."""

_NEW_YORK: Final = "America/New_York"
_DAY: Final = 1440
_MINUTE_US: Final = 60_000_000
_AROUND: Final = 15  # minutes before and after a closure in which bars say that they stop and go on with it
_BESIDE: Final = 480  # minutes before and after it in which there are bars when the file covers it
_BUSIER: Final = 1.5  # times the volume of the five minutes before


@dataclass(frozen=True)
class NaiveBars:
    """Stamps as written: `minutes` since 1970 as though they were UTC, sorted and unique; `activity` in each is volume.

    Where there is no volume it is high minus low. There may be millions: 4 bytes a number are enough.
    """

    minutes: npt.NDArray[np.integer[Any]]
    activity: npt.NDArray[np.floating[Any]]

    def before(self, walls: Minutes) -> Minutes:
        """Return how many bars lie before each of `walls`."""
        # Of the same kind: else all minutes are copied, each time.
        return np.searchsorted(self.minutes, walls.astype(self.minutes.dtype))


@dataclass(frozen=True)
class ClockCount:
    """The bars as one clock reads them; `alike` are other clocks that read each of them so.

    For n closures of the schedule, on that clock: `[starts, ends)`, how many bars lie `inside`, at which of them bars
    stop and go on (`lined_up`), and which have bars on both sides (`covered`). For m weekdays: the minute of the US
    cash open, and whether the bars from then on are busier than those before (`busy`).
    """

    clock: str
    alike: tuple[str, ...]
    starts: Minutes
    ends: Minutes
    inside: Minutes
    lined_up: Flags
    covered: Flags
    opens: Minutes
    busy: Flags
    open_days: int  # weekdays with bars around the cash open
    impossible: int  # bars in an hour that the clock skips
    closed_share: float  # of the activity, inside closures; NaN without any

    @property
    def wrong(self) -> int:
        """How many bars lie where the market is closed or the clock shows no such time."""
        return int(self.inside.sum()) + self.impossible


def clock_counts(bars: NaiveBars, instrument: Instrument, claimed: str | None = None) -> list[ClockCount]:
    """Return one count for each different reading of `bars`, at least one, by the clocks to try and `claimed`."""
    first, last = int(bars.minutes[0]), int(bars.minutes[-1])
    closed = closures(instrument).between(first - _DAY, last + _DAY)
    days = np.arange(first // _DAY - 1, last // _DAY + 2).astype("datetime64[D]")
    opens = wall_minutes(days[np.is_busday(days)], CASH_OPEN, _NEW_YORK)
    total = np.zeros(len(bars.activity) + 1)
    np.cumsum(bars.activity, dtype=np.float64, out=total[1:])
    natural = (instrument.exchange_zone, "UTC", instrument.trading_day.zone, *CLOCKS)
    clocks = dict.fromkeys(natural if claimed is None else (claimed, *natural))
    return [_count(bars, total, closed, opens, names) for names in _readings(bars, clocks)]


def closures_of(bars: NaiveBars, instrument: Instrument) -> Closures:
    """Return the closures that a clock could lay over `bars`, in the order of the arrays of a `ClockCount`."""
    return closures(instrument).between(int(bars.minutes[0]) - _DAY, int(bars.minutes[-1]) + _DAY)


def _readings(bars: NaiveBars, clocks: Iterable[str]) -> list[list[str]]:
    """Return the clocks in groups that read every bar alike: they agree on the first and last bar of every day."""
    days = np.arange(bars.minutes[0] // _DAY, bars.minutes[-1] // _DAY + 1, dtype=np.int64)
    firsts = np.unique(bars.before(days * _DAY))
    edges = np.unique(np.concatenate([firsts, firsts[1:] - 1, [len(bars.minutes) - 1]]))
    stamps = bars.minutes[edges].astype(np.int64) * _MINUTE_US
    found: dict[bytes, list[str]] = {}
    for clock in clocks:
        utc, _, _ = to_utc(stamps, clock)
        found.setdefault(utc.tobytes(), []).append(clock)
    return list(found.values())


def _count(bars: NaiveBars, total: Floats, closed: Closures, opens: Minutes, clocks: list[str]) -> ClockCount:
    clock = clocks[0]
    starts, ends, cash = (_shown(instants, clock) for instants in (closed.starts, closed.ends, opens))
    at_start, at_end = bars.before(starts), bars.before(ends)
    inside = at_end - at_start

    def both_sides(minutes: int) -> Flags:
        found: Flags = (at_start > bars.before(starts - minutes)) & (bars.before(ends + minutes) > at_end)
        return found

    early, at, late = (bars.before(cash + minutes) for minutes in (-5, 0, 5))
    return ClockCount(
        clock=clock,
        alike=tuple(clocks[1:]),
        starts=starts,
        ends=ends,
        inside=inside,
        lined_up=both_sides(_AROUND) & (inside <= 1),  # one: a bar stamped at its end, or a closing print
        covered=both_sides(_BESIDE),
        opens=cash,
        busy=total[late] - total[at] > _BUSIER * (total[at] - total[early]),
        open_days=int((late > early).sum()),
        impossible=_impossible(bars, clock),
        closed_share=float((total[at_end] - total[at_start]).sum() / total[-1]) if total[-1] > 0 else float("nan"),
    )


def _shown(instants: Minutes, clock: str) -> Minutes:
    walls: Minutes = to_wall(instants * _MINUTE_US, clock) // _MINUTE_US
    return walls


def _impossible(bars: NaiveBars, clock: str) -> int:
    """Return how many of `bars` lie in an hour that `clock` skips; only days with a change are looked at."""
    days = np.arange(bars.minutes[0] // _DAY, bars.minutes[-1] // _DAY + 2, dtype=np.int64) * _DAY
    leads = days - to_utc(days * _MINUTE_US, clock)[0] // _MINUTE_US
    count = 0
    for day in days[:-1][leads[1:] > leads[:-1]]:
        stamps = bars.minutes[slice(*bars.before(np.array([day, day + _DAY])))].astype(np.int64)
        count += int(to_utc(stamps * _MINUTE_US, clock)[2].sum())
    return count
