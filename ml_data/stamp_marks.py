"""What a stamp marks, the start or the end of its minute: taken as the user says, and asked of the bars."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_data.closed_hours import closures
from ml_data.importers.base import Chunk, Mark, Reading
from trading.domain.bar import MINUTE_US
from trading.domain.calendar import Minutes, from_minute
from trading.domain.instrument import Instrument
from trading.errors import BadBars

Whole = npt.NDArray[np.integer[Any]]

_ENOUGH: Final = 5  # closures; an off day or two is none
_SHARE: Final = 0.9
_PAUSE: Final = 45  # minutes without bars that part one stretch of trading from the next
_FEW: Final = 3  # stretches; of fewer, only those that begin and end with half hours tell


def marked(reading: Reading, stamps: Mark | None) -> Reading:
    """Return `reading` with its bars moved by a minute where the user says that stamps mark something else.

    An importer yields bars by their start already; `stamps` None is what it takes stamps for.
    """
    taken = reading.recognised
    if stamps is None or stamps == taken.stamps:
        return reading
    said = replace(taken, stamps=stamps, why=f"{taken.why}; its stamps mark the {stamps} of a minute, as --stamps says")
    return Reading(said, _moved(reading.chunks, -MINUTE_US if stamps == "end" else MINUTE_US))


def refuse_other_marks(file_name: str, minutes: Whole, stamps: Mark, instrument: Instrument) -> None:
    """Raise BadBars when bars, taken by their start at `minutes` (UTC, sorted), lie a minute off the hours of trading.

    Those hours are known from the schedule: under the right reading the last bar before a closure begins a minute
    before it, the first bar after it where it ends. Stamps of the end, taken for the start, lie a minute later, and the
    reverse a minute earlier. Nearly all closures must say so: dealers of spot gold quote from 18:01 to 17:00, on half
    of the days, and mean it. Where a file keeps to other hours (the cash session of a future, a single day), its own
    pauses tell: 09:31 to 16:00, day after day, are ends of minutes, 09:30 to 15:59 starts.
    """
    other = _opposite(stamps)
    found = _at_closures(minutes, other, instrument) or _at_own_pauses(minutes, stamps, instrument)
    if found:
        raise BadBars(
            f"{file_name}: {found}, so its stamps mark the {other} of a minute; import it with --stamps {other}, or "
            f"with --stamps {stamps} if they do not."
        )


def _at_closures(minutes: Whole, other: Mark, instrument: Instrument) -> str:
    """Return what the closures of the schedule say for `other` marks; "" when they do not."""
    closed = closures(instrument)
    if not len(minutes) or not len(closed.starts):
        return ""
    closed = closed.between(int(minutes[0]), int(minutes[-1]))
    inside, missing, way = (
        (closed.starts, closed.ends, 1) if other == "end" else (closed.ends - 1, closed.starts - 1, -1)
    )
    off = _has(minutes, inside) & ~_has(minutes, missing)
    off &= ~_has(minutes, inside + way)  # else it is the clock that is wrong, by more than a minute
    if off.sum() < _ENOUGH or off.sum() < _SHARE * len(off):
        return ""
    side = "just after the close" if other == "end" else "just before the open"
    return (
        f"at {off.sum():,} of {len(off):,} closures there is a bar {side}, such as "
        f"{_shown(int(inside[off.argmax()]), instrument)}, and none on the other side"
    )


def _at_own_pauses(minutes: Whole, stamps: Mark, instrument: Instrument) -> str:
    """Return what the first and last stamps of each stretch of trading say against `stamps`; "" when they do not.

    Sessions begin and end on quarters of an hour in every zone, so the clock does not matter here.
    """
    if not len(minutes):
        return ""
    written = minutes + (stamps == "end")
    pause = np.flatnonzero(np.diff(written) > _PAUSE)
    first = written[np.concatenate([[0], pause + 1])]
    last = written[np.concatenate([pause, [len(written) - 1]])]
    if len(first) > _ENOUGH:  # a file may be cut anywhere
        first, last = first[1:-1], last[1:-1]
    step = 15 if len(first) >= _FEW else 30
    begins, ends = (1, 0) if stamps == "start" else (0, step - 1)
    told = (first % step == begins) & (last % step == ends) & (last > first)
    if told.sum() < _SHARE * len(told):
        return ""
    place = int(told.argmax())
    return (
        f"{told.sum():,} of {len(told):,} stretches of trading are stamped like "
        f"{_shown(int(first[place]), instrument)} to {_clock(int(last[place]), instrument):%H:%M}"
    )


def _clock(minute: int, instrument: Instrument) -> datetime:
    return from_minute(minute).astimezone(ZoneInfo(instrument.exchange_zone))


def _shown(minute: int, instrument: Instrument) -> str:
    return f"{_clock(minute, instrument):%Y-%m-%d %H:%M} {instrument.exchange_zone}"


def _opposite(mark: Mark) -> Mark:
    return "start" if mark == "end" else "end"


def _moved(chunks: Iterator[Chunk], by: int) -> Iterator[Chunk]:
    for chunk in chunks:
        place = chunk.bars.schema.get_field_index("ts")
        stamps = chunk.bars.column(place)
        moved = pa.array(stamps.cast(pa.int64()).to_numpy() + by).cast(stamps.type)
        yield replace(chunk, bars=chunk.bars.set_column(place, "ts", moved))


def _has(minutes: Whole, wanted: Minutes) -> npt.NDArray[np.bool_]:
    place = np.minimum(np.searchsorted(minutes, wanted.astype(minutes.dtype)), len(minutes) - 1)
    found: npt.NDArray[np.bool_] = minutes[place] == wanted
    return found
