"""How busy the synthetic market is: the expected number of trades of each minute of a session.

All of it is drawn without looking at the sign of any price move, so it gives ranges their realistic sizes and nobody
an edge. Amounts and hours imitate a micro gold future; days stand apart by an AR(1) in their log activity, minutes by
another, and each centre's hours follow its own wall clock, daylight saving included.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

Floats = npt.NDArray[np.float64]
Minutes = npt.NDArray[np.int64]

DAY_STREAM: Final = 1

_QUIET: Final = 17.0  # trades a minute when no centre is awake
_DAY_PERSISTENCE, _DAY_SPREAD, _DAY_MEMORY = 0.9, 0.45, 90  # AR(1) of log activity; weekdays after which it is cut
_MINUTE_PERSISTENCE, _MINUTE_SPREAD = 0.98, 0.5  # AR(1) of log activity within the session, half-life 34 minutes
_BURST_SPREAD: Final = 0.6  # log activity of one minute alone
_HALF_DAY: Final = 0.45  # activity of a session that closes early


@dataclass(frozen=True)
class _Bump:
    """Trades a minute added around a wall-clock time; `surprise` is the spread of its log size from day to day."""

    zone: str
    at: int  # minutes after midnight
    before: float  # width on each side, minutes
    after: float
    trades: float
    surprise: float


_CENTRES: Final = (
    _Bump("America/New_York", 18 * 60, 1, 12, 16, 0.3),  # the market reopens
    _Bump("Asia/Tokyo", 9 * 60, 5, 40, 12, 0.3),
    _Bump("Asia/Shanghai", 9 * 60 + 20, 20, 75, 32, 0.4),
    _Bump("Asia/Shanghai", 14 * 60 + 30, 60, 60, 10, 0.3),
    _Bump("Europe/London", 8 * 60 + 10, 30, 90, 34, 0.3),
    _Bump("Europe/London", 11 * 60, 90, 120, 16, 0.3),
    _Bump("America/New_York", 8 * 60 + 30, 1, 25, 140, 0.9),  # economic figures
    _Bump("America/New_York", 9 * 60 + 50, 45, 75, 180, 0.3),
    _Bump("America/New_York", 12 * 60 + 30, 60, 90, 22, 0.3),
    _Bump("America/New_York", 14 * 60, 1, 35, 14, 1.1),
)


def stream(seed: int, kind: int, number: int) -> np.random.Generator:
    """Return the random numbers of one thing (`kind`, `number`) alone: nothing else moves them."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence((seed, kind, number))))


def wall_clock(minutes: Minutes, zone: str) -> Minutes:
    """Return the minute after midnight on the wall clock of `zone`, for minutes since the epoch (UTC).

    The zone's offset is read once, at the first minute: daylight saving changes while the market is closed.
    """
    offset = datetime.fromtimestamp(int(minutes[0]) * 60, tz=ZoneInfo(zone)).utcoffset() or timedelta(0)
    clock: Minutes = (minutes + int(offset.total_seconds()) // 60) % 1440
    return clock


def daily_activity(days: npt.NDArray[np.datetime64], seed: int) -> Floats:
    """Return the activity factor of each weekday in `days`, mean 1: an AR(1) in logs, the same whatever comes first."""
    if len(days) == 0:
        return np.empty(0)
    first = np.busday_offset(days[0], -_DAY_MEMORY, roll="backward")
    every = np.busday_count(first, days) + 1
    weekdays = np.busday_offset(first, np.arange(every[-1]), roll="forward").astype(np.int64)
    shocks = np.array([stream(seed, DAY_STREAM, int(day)).standard_normal() for day in weekdays])
    weights = _DAY_PERSISTENCE ** np.arange(_DAY_MEMORY)
    weights *= _DAY_SPREAD / np.sqrt(np.sum(weights**2))
    log_activity = np.convolve(shocks, weights)[every - 1]
    factors: Floats = np.exp(log_activity - _DAY_SPREAD**2 / 2)
    return factors


def expected_trades(minutes: Minutes, half_day: bool, random: np.random.Generator) -> Floats:
    """Return the expected number of trades in each of a session's `minutes` (since the epoch, UTC), on a plain day."""
    trades = np.full(len(minutes), _QUIET)
    for bump in _CENTRES:
        distance = (wall_clock(minutes, bump.zone) - bump.at + 720) % 1440 - 720.0
        shape = np.exp(-0.5 * (distance / np.where(distance < 0, bump.before, bump.after)) ** 2)
        size = np.exp(bump.surprise * random.standard_normal() - bump.surprise**2 / 2)
        trades += bump.trades * size * shape
    shocks = random.standard_normal(len(minutes))
    shocks[1:] *= np.sqrt(1 - _MINUTE_PERSISTENCE**2)
    clustered = _MINUTE_SPREAD * lfilter([1.0], [1.0, -_MINUTE_PERSISTENCE], shocks)
    alone = _BURST_SPREAD * random.standard_normal(len(minutes))
    factor = np.exp(clustered + alone - (_MINUTE_SPREAD**2 + _BURST_SPREAD**2) / 2)
    activity: Floats = trades * factor * (_HALF_DAY if half_day else 1.0)
    return activity
