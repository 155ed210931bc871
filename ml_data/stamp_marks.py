"""What a stamp marks, the start or the end of its minute: taken as the user says, and asked of the bars."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final
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

_ENOUGH: Final = 5  # closures; an off day or two is none
_SHARE: Final = 0.9


def marked(reading: Reading, stamps: Mark | None) -> Reading:
    """Return `reading` with its bars moved by a minute where the user says that stamps mark something else.

    An importer yields bars by their start already; `stamps` None is what it takes stamps for.
    """
    taken = reading.recognised
    if stamps is None or stamps == taken.stamps:
        return reading
    said = replace(taken, stamps=stamps, why=f"{taken.why}; its stamps mark the {stamps} of a minute, as --stamps says")
    return Reading(said, _moved(reading.chunks, -MINUTE_US if stamps == "end" else MINUTE_US))


def refuse_other_marks(file_name: str, minutes: Minutes, stamps: Mark, instrument: Instrument) -> None:
    """Raise BadBars when bars, taken by their start at `minutes` (UTC, sorted), lie a minute off the market's hours.

    Under the right reading the last bar before a closure begins a minute before it, the first bar after it where it
    ends. Stamps of the end, taken for the start, lie a minute later, and the reverse a minute earlier. Nearly all
    closures must say so: dealers of spot gold quote from 18:01 to 17:00, on half of the days, and mean it.
    """
    closed = closures(instrument)
    if not len(minutes) or not len(closed.starts):
        return
    closed = closed.between(int(minutes[0]), int(minutes[-1]))
    other = _opposite(stamps)
    inside, missing, way = (
        (closed.starts, closed.ends, 1) if other == "end" else (closed.ends - 1, closed.starts - 1, -1)
    )
    off = _has(minutes, inside) & ~_has(minutes, missing)
    off &= ~_has(minutes, inside + way)  # else it is the clock that is wrong, by more than a minute
    if off.sum() < _ENOUGH or off.sum() < _SHARE * len(off):
        return
    example = from_minute(int(inside[off.argmax()])).astimezone(ZoneInfo(instrument.exchange_zone))
    side = "just after the close" if other == "end" else "just before the open"
    raise BadBars(
        f"{file_name}: at {off.sum():,} of {len(off):,} closures there is a bar {side}, such as "
        f"{example:%Y-%m-%d %H:%M} {instrument.exchange_zone}, and none on the other side, so its stamps mark the "
        f"{other} of a minute; import it with --stamps {other}, or with --stamps {stamps} if they do not."
    )


def _opposite(mark: Mark) -> Mark:
    return "start" if mark == "end" else "end"


def _moved(chunks: Iterator[Chunk], by: int) -> Iterator[Chunk]:
    for chunk in chunks:
        place = chunk.bars.schema.get_field_index("ts")
        stamps = chunk.bars.column(place)
        moved = pa.array(stamps.cast(pa.int64()).to_numpy() + by).cast(stamps.type)
        yield replace(chunk, bars=chunk.bars.set_column(place, "ts", moved))


def _has(minutes: Minutes, wanted: Minutes) -> npt.NDArray[np.bool_]:
    place = np.minimum(np.searchsorted(minutes, wanted), len(minutes) - 1)
    found: npt.NDArray[np.bool_] = minutes[place] == wanted
    return found
