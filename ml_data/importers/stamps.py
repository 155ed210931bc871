"""Time stamps of a file: which way the file writes them, and the UTC instants they mean."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ml_data.importers.repeated_hour import told_by_order
from ml_data.importers.stamp_forms import Order, date_order, form_of, read_walls, tidied
from ml_data.importers.wall_clock import to_utc

Clock = Literal["naive", "aware", "epoch"]
Instants = npt.NDArray[np.int64]
Faults = npt.NDArray[np.uint8]

FAULTS: Final = (
    "",
    "the stamp is not a time between 1980 and 2100",
    "the stamp has a UTC offset where the file's first stamps have none, or the reverse",
    "the stamp lies in the hour that the clock shows twice in autumn, so it means two instants",
    "the stamp lies in the hour that the clock skips in spring, so it means no instant",
    "the stamp's year is of the Buddhist calendar, 543 ahead",
    "the stamp may have the day or the month first",
)
_NOT_A_TIME, _OTHER_CLOCK, _TWICE, _NEVER, _BUDDHIST, _ORDER = 1, 2, 3, 4, 5, 6

_EARLIEST, _LATEST, _BUDDHIST_FROM, _BUDDHIST_TO = (
    int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000 for year in (1980, 2100, 2523, 2643)
)

# What the readers of columns parse by themselves, and faster.
_ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?P<time>[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}(:?\d{2})?)?)?")
_EPOCH: Final = re.compile(r"(?P<whole>[1-4]\d{9}(?:\d{3}|\d{6}|\d{9})?)(?P<part>\.\d+)?")
_EPOCH_DIGITS: Final = {10: 1_000_000, 13: 1_000, 16: 1, 19: -1_000}  # digits: microseconds in one (or -: the reverse)
_ZONED: Final = (  # a time of day, then what says of which clock it is; RE2 syntax
    r"^\s*(?P<wall>.*(?::\d{2}(?:\.\d+)?|[T ]\d{4}|[T ]\d{6}|^\s*\d{12}|^\s*\d{14})(?: ?[AaPp]\.?[Mm]\b\.?)?)"
    r"\s*\[?(?P<zone>[Zz]|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?|UTC|GMT|[A-Za-z]+(?:/[A-Za-z0-9_+-]+)+)\]?\s*$"
)
_MAYBE: Final = re.compile(r"\d{4}")  # every stamp has a year in it
_ASKED: Final = 100  # how many samples without a meaning are enough
_FARTHEST: Final = 14 * 60  # minutes from UTC, of any clock in the world
_OFFSET: Final = re.compile(r"(?:UTC|GMT)?(?P<sign>[+-])(?P<hours>\d{1,2}?):?(?P<minutes>[0-5]\d)?")


@dataclass(frozen=True)
class StampLayout:
    """How the stamps of a file are written.

    `epoch_us` is the microseconds in one unit of an epoch stamp; -1000 for nanoseconds. With it, the clock "naive" says
    that epochs count what a wall clock shows. `order` is what dates begin
    with. `iso` says that they are written as ISO 8601 has it, `daily` that they are dates without a time of day.
    `zone` is the zone that is named in the stamps themselves, if it is a name. With `as_written` the offset of each
    stamp is left away when it is read.
    """

    clock: Clock
    epoch_us: int = 0
    order: Order = "year"
    iso: bool = True
    daily: bool = False
    zone: str = ""
    as_written: bool = False

    @property
    def arrow_type(self) -> pa.DataType:
        """The type that a CSV reader may parse these stamps to by itself; text where it cannot."""
        if self.epoch_us and self.iso:
            return pa.int64()
        if not self.iso or (self.as_written and self.clock == "aware"):
            return pa.float64() if self.epoch_us else pa.string()
        return pa.timestamp("us", tz="UTC" if self.clock == "aware" else None)


def stamp_layout(samples: Iterable[str]) -> StampLayout | None:
    """Return how stamps are written, judged by the first of `samples` that is one; None when none is understood.

    A stamp with a time of day says more than one without. Where dates begin with the day or the month, all samples
    are asked which; the order is "unknown" where none of them says.

    >>> stamp_layout(["2024-01-02 09:30:00"]).clock
    'naive'
    >>> stamp_layout(["1704187800"]).epoch_us
    1000000
    >>> stamp_layout(["03/04/2024 09:30"]).order
    'unknown'
    """
    texts = list(samples)
    first: StampLayout | None = None
    for text in texts[:_ASKED]:
        layout = _layout_of(text)
        if layout is not None and (first is None or not layout.daily):
            first = layout
        if layout is not None and not layout.daily:
            break
    if first is None or first.order == "year":
        return first
    told = date_order(texts)
    return replace(first, order=told if told in ("day", "month") else "unknown")


def to_instants(column: pa.ChunkedArray, layout: StampLayout, zone: str | None) -> tuple[Instants, Faults]:
    """Return UTC instants in microseconds and, for each, an index into FAULTS: 0, or why it means nothing.

    `column` is text or already of `layout.arrow_type`. Naive stamps show the wall clock of `zone`; without one they are
    returned as they are written. The rows are in the file's order: it tells the two passes through a repeated hour.
    """
    if layout.epoch_us:
        instants, faults = _read_epochs(column, layout.epoch_us)
        on_a_wall = layout.clock == "naive" and zone is not None
        return _converted(instants, faults, str(zone)) if on_a_wall else (instants, faults)
    if pa.types.is_timestamp(column.type):
        stamps = column.cast(pa.timestamp("us", tz=column.type.tz), safe=False).cast(pa.int64())
        wall = stamps.fill_null(0).to_numpy()
        faults = np.where(column.is_null().to_numpy(), _NOT_A_TIME, 0).astype(np.uint8)
    else:
        texts = pa.concat_arrays([pa.array([], pa.string()), *column.cast(pa.string()).fill_null("").chunks])
        if layout.clock == "aware":
            return _read_aware(texts, layout.order, as_written=layout.as_written)
        wall, faults = _read_naive(texts, layout.order)
    if layout.clock == "naive" and zone is not None:
        return _converted(wall, faults, zone)
    return wall, _with_absurd(wall, faults)


@lru_cache(maxsize=1024)
def _layout_of(text: str) -> StampLayout | None:
    epoch = _EPOCH.fullmatch(text.strip())
    if epoch is not None:
        return StampLayout("epoch", epoch_us=_EPOCH_DIGITS[len(epoch["whole"])], iso=epoch["part"] is None)
    if not _MAYBE.search(text):
        return None
    wall, zone = _zoned(pa.array([text]))
    named = zone[0].as_py() or ""
    wall = wall if named else pa.array([text])
    form = form_of(wall[0].as_py()) or form_of(tidied(wall)[0].as_py())
    if form is None or (named and _clock_named(named) is None):
        return None
    orders: tuple[Order, ...] = ("year",) if form.has_year_first else ("day", "month")
    if not any(read_walls(wall, order)[1][0] for order in orders):
        return None
    return StampLayout(
        clock="aware" if named else "naive",
        order="year" if form.has_year_first else "unknown",
        iso=_ISO.fullmatch(text) is not None,
        daily=not form.has_time,
        zone=named if "/" in named else "",
    )


def _read_epochs(column: pa.ChunkedArray, unit: int) -> tuple[Instants, Faults]:
    if pa.types.is_string(column.type):
        return _read_written_epochs(column.to_pylist())
    stamps = column.fill_null(0).to_numpy()
    instants, faults = np.zeros(len(stamps), dtype=np.int64), np.full(len(stamps), _NOT_A_TIME, dtype=np.uint8)
    for size in (unit, *_EPOCH_DIGITS.values()):  # a vendor may have changed it: they differ by a thousand, so are told
        scale = size if size > 0 else -1 / size
        inside = (faults != 0) & (stamps >= _EARLIEST / scale) & (stamps < _LATEST / scale)
        if inside.any():
            found = stamps[inside] * size if size > 0 else stamps[inside] // -size
            instants[inside], faults[inside] = np.rint(found).astype(np.int64), 0
        if not faults.any():
            break
    return instants, faults


def _read_written_epochs(texts: list[str | None]) -> tuple[Instants, Faults]:
    instants, faults = np.zeros(len(texts), dtype=np.int64), np.zeros(len(texts), dtype=np.uint8)
    for place, text in enumerate(texts):
        found = _layout_of(text or "")
        if found is None or found.clock != "epoch":
            faults[place] = _NOT_A_TIME if found is None else _OTHER_CLOCK
            continue
        stamp, unit = Decimal((text or "").strip()), found.epoch_us
        instants[place] = int(stamp * unit if unit > 0 else stamp / -unit)
    return instants, _with_absurd(instants, faults)


def _read_naive(texts: pa.StringArray, order: Order) -> tuple[Instants, Faults]:
    wall, good = read_walls(texts, order)
    faults = np.where(good, 0, _NOT_A_TIME).astype(np.uint8)
    left = np.flatnonzero(~good)
    if len(left):
        rest = texts.take(pa.array(left))
        _, otherwise = _read_aware(rest, order)
        faults[left[otherwise == 0]] = _OTHER_CLOCK
        if order == "unknown":
            faults[left[read_walls(rest, "day")[1] | read_walls(rest, "month")[1]]] = _ORDER
    return wall, faults


def _read_aware(texts: pa.StringArray, order: Order, *, as_written: bool = False) -> tuple[Instants, Faults]:
    written, zone = _zoned(texts)
    wall, good = read_walls(written.fill_null(""), order)
    instants, faults = wall.copy(), np.full(len(texts), _NOT_A_TIME, dtype=np.uint8)
    named = zone.dictionary_encode()
    codes = named.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    for code, name in enumerate(named.dictionary.to_pylist()):
        rows = good & (codes == code)
        clock = _clock_named(name)
        if clock is not None and as_written:
            faults[rows] = _with_absurd(wall[rows], np.zeros(rows.sum(), np.uint8))
        elif isinstance(clock, str):
            instants[rows], faults[rows] = _converted(wall[rows], np.zeros(rows.sum(), np.uint8), clock)
        elif clock is not None:
            instants[rows] = wall[rows] - clock
            faults[rows] = _with_absurd(instants[rows], np.zeros(rows.sum(), np.uint8))
    bare = np.flatnonzero(codes == -1)
    if len(bare):
        faults[bare[read_walls(texts.take(pa.array(bare)), order)[1]]] = _OTHER_CLOCK
    return instants, faults


def _converted(wall: Instants, faults: Faults, clock: str) -> tuple[Instants, Faults]:
    faults = _with_absurd(wall, faults)
    wall = np.where(faults == 0, wall, _EARLIEST)
    instants, twice, never = to_utc(wall, clock)
    instants, twice = told_by_order(wall, instants, twice, clock)
    faults[twice & (faults == 0)] = _TWICE
    faults[never & (faults == 0)] = _NEVER
    return instants, faults


def _with_absurd(stamps: Instants, faults: Faults) -> Faults:
    absurd = (stamps < _EARLIEST) | (stamps >= _LATEST)
    buddhist = (stamps >= _BUDDHIST_FROM) & (stamps < _BUDDHIST_TO)
    return np.where((faults == 0) & absurd, np.where(buddhist, _BUDDHIST, _NOT_A_TIME), faults).astype(np.uint8)


def _zoned(texts: pa.StringArray) -> tuple[pa.StringArray, pa.StringArray]:
    """Return each text's time and what says of which clock it is; both are null where nothing says it."""
    wall, zone = pc.extract_regex(texts, pattern=_ZONED).flatten()
    return wall, zone


@lru_cache(maxsize=256)
def _clock_named(text: str) -> int | str | None:
    """Return the offset from UTC in microseconds, or the name of the zone, that ends a stamp; None for neither."""
    if text.upper() in ("Z", "UTC", "GMT"):
        return 0
    offset = _OFFSET.fullmatch(text)
    if offset is not None:
        minutes = int(offset["hours"]) * 60 + int(offset["minutes"] or 0)
        return (-minutes if offset["sign"] == "-" else minutes) * 60_000_000 if minutes <= _FARTHEST else None
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    return text
