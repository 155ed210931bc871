"""From a wall clock to UTC, refusing to guess in the hours where a wall clock does not say which instant it means.

A clock is named like a zone of the IANA list, or like one with hours added: "UTC-5", "Europe/London-5h" (HistData),
"America/New_York+7h" (brokers whose day ends at 17:00 New York), "UTC+5:30".
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

from trading.errors import BadBars

Instants = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_DAY: Final = 86_400
_SHIFTED: Final = re.compile(r"(?P<zone>[A-Za-z_/]+)(?P<sign>[+-])(?P<hours>1[0-4]|0?\d)(:(?P<minutes>[0-5]\d))?h?")


def check_clock(clock: str) -> None:
    """Raise BadBars when `clock`, as `--time-zone` gives it, names no clock."""
    _zone_and_lead(clock)


def to_utc(wall: Instants, clock: str) -> tuple[Instants, Flags, Flags]:
    """Return the UTC instants of naive stamps on `clock`, and which of them it cannot tell.

    `wall` and the instants are microseconds since 1970-01-01 00:00. The first flags mark stamps in an hour that the
    clock shows twice (autumn), the second those in an hour that it skips (spring); their instants mean nothing.

    >>> to_utc(np.array([1_700_420_400_000_000]), "America/New_York")[0] - 1_700_420_400_000_000
    array([18000000000])
    >>> to_utc(np.array([1_700_420_400_000_000]), "UTC-5")[0] - 1_700_420_400_000_000
    array([18000000000])
    """
    if len(wall) == 0:
        return wall, np.zeros(0, dtype=bool), np.zeros(0, dtype=bool)
    zone, lead = _zone_and_lead(clock)
    wall = wall - lead * 1_000_000 if lead else wall
    first, last = (datetime.fromtimestamp(int(stamp) // 1_000_000, UTC).year for stamp in (wall.min(), wall.max()))
    steps = [step for year in range(first - 1, last + 2) for step in _clock_changes(zone, year)]
    offsets = np.array([_offset(zone, datetime(first - 1, 1, 1, tzinfo=UTC))] + [after for _, _, after in steps])
    ends = np.array([at + max(before, after) for at, before, after in steps], dtype=np.int64) * 1_000_000
    starts = np.array([at + min(before, after) for at, before, after in steps], dtype=np.int64) * 1_000_000
    forward = np.array([after > before for _, before, after in steps], dtype=bool)
    period = np.searchsorted(ends, wall, side="right")
    utc = wall - offsets[period] * 1_000_000
    never = np.iinfo(np.int64).max
    unsure = wall >= np.append(starts, never)[period]
    skipped = unsure & np.append(forward, False)[period]
    return utc, unsure & ~skipped, skipped


def to_wall(instants: Instants, clock: str) -> Instants:
    """Return what `clock` shows at UTC `instants`; both are microseconds since 1970-01-01 00:00.

    >>> to_wall(np.array([1_700_420_400_000_000]), "Europe/London-5h") - 1_700_420_400_000_000
    array([-18000000000])
    """
    if len(instants) == 0:
        return instants
    zone, lead = _zone_and_lead(clock)
    first, last = (datetime.fromtimestamp(int(at) // 1_000_000, UTC).year for at in (instants.min(), instants.max()))
    steps = [step for year in range(first, last + 1) for step in _clock_changes(zone, year)]
    offsets = np.array([_offset(zone, datetime(first, 1, 1, tzinfo=UTC))] + [after for _, _, after in steps])
    changed = np.searchsorted(np.array([at for at, _, _ in steps], dtype=np.int64) * 1_000_000, instants, side="right")
    wall: Instants = instants + (offsets[changed] + lead) * 1_000_000
    return wall


@lru_cache(maxsize=256)
def _zone_and_lead(clock: str) -> tuple[str, int]:
    """Return the zone that `clock` names and the seconds that it is ahead of it."""
    shifted = _SHIFTED.fullmatch(clock)
    for zone, part in ((clock, None), (shifted["zone"], shifted) if shifted else (clock, None)):
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
        seconds = 0 if part is None else int(part["hours"]) * 3600 + int(part["minutes"] or 0) * 60
        return zone, -seconds if part is not None and part["sign"] == "-" else seconds
    raise BadBars(
        f"--time-zone: expected a name of the IANA list such as 'America/New_York', or hours from UTC such as 'UTC-5', "
        f"found {clock!r}."
    )


def _offset(zone: str, instant: datetime) -> int:
    offset = instant.astimezone(ZoneInfo(zone)).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


@lru_cache(maxsize=4096)
def _clock_changes(zone: str, year: int) -> tuple[tuple[int, int, int], ...]:
    """Return (instant, offset before, offset after), in seconds, for each change of the clock in a UTC year."""
    start = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(year + 1, 1, 1, tzinfo=UTC).timestamp())

    def at(second: int) -> int:
        return _offset(zone, datetime.fromtimestamp(second, UTC))

    changes = []
    after = at(start)
    for day in range(start, end, _DAY):
        before, after = after, at(day + _DAY)
        if before == after:
            continue
        low, high = day, day + _DAY  # the offset is `before` at low and `after` at high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if at(middle) == before else (low, middle)
        changes.append((high, before, after))
    return tuple(changes)
