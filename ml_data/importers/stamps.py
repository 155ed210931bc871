"""Time stamps written as text: which way a file writes them, and the UTC instants they mean."""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ml_data.importers.wall_clock import to_utc

Clock = Literal["naive", "aware", "epoch"]

FAULTS: Final = (
    "",
    "the stamp is not a time between 1980 and 2100",
    "the stamp has a UTC offset where the file's first stamps have none, or the reverse",
    "the stamp lies in the hour that the clock shows twice in autumn, so it means two instants",
    "the stamp lies in the hour that the clock skips in spring, so it means no instant",
)
_NOT_A_TIME, _OTHER_CLOCK, _TWICE, _NEVER = 1, 2, 3, 4

_EARLIEST = int(datetime(1980, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
_LATEST = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000

# Each brings one common way of writing closer to ISO 8601; in this order, RE2 syntax.
_REWRITES: Final = (
    (r"^(\d{4})[/.](\d{1,2})[/.](\d{1,2})", r"\1-\2-\3"),
    (r"^(\d{4})(\d{2})(\d{2})(?:[ T]|$)", r"\1-\2-\3 "),
    (r"^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?$", r"\1-\2-\3 \4:\5:\6"),
    (r"^(\d{4})-(\d)-", r"\1-0\2-"),
    (r"^(\d{4})-(\d{2})-(\d)([ T])", r"\1-\2-0\3\4"),
    (r"^(\S{10})[ T]+(\d):", r"\1 0\2:"),
    (r"^(\S{10})[ T](\d{2})(\d{2})(\d{2})?$", r"\1 \2:\3:\4"),
    (r"[:\s]+$", ""),
    (r"\s*(?:UTC|GMT|Z)$", "Z"),
    (r"\s+([+-]\d{2}:?\d{2})$", r"\1"),
)
_ALL_REWRITES: Final = ((r"^\s+|\s+$", ""), *_REWRITES)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(?P<offset>Z|[+-]\d{2}(:?\d{2})?)?)?$")
_EPOCH_DIGITS: Final = {10: 1_000_000, 13: 1_000, 16: 1, 19: -1_000}  # digits: microseconds in one (or -: the reverse)


@dataclass(frozen=True)
class StampLayout:
    """How the stamps of a file are written: their clock, the rewrites that make them ISO 8601, the unit of an epoch.

    `epoch_us` is the microseconds in one unit of an epoch stamp; -1000 for nanoseconds.
    """

    clock: Clock
    rewrites: tuple[tuple[str, str], ...] = ()
    epoch_us: int = 0

    @property
    def arrow_type(self) -> pa.DataType:
        """The type that a CSV reader may parse these stamps to by itself; text where they need rewriting."""
        if self.clock == "epoch":
            return pa.int64()
        if self.rewrites:
            return pa.string()
        return pa.timestamp("us", tz="UTC" if self.clock == "aware" else None)


def stamp_layout(samples: Iterable[str]) -> StampLayout | None:
    """Return how stamps are written, judged by the first of `samples` that is one; None when none is understood.

    Years come first: a stamp such as 03/04/2024 can be read in two ways and is not understood.

    >>> stamp_layout(["2024-01-02 09:30:00"])
    StampLayout(clock='naive', rewrites=(), epoch_us=0)
    >>> stamp_layout(["1704187800"])
    StampLayout(clock='epoch', rewrites=(), epoch_us=1000000)
    >>> stamp_layout(["03/04/2024 09:30"])
    """
    for sample in samples:
        text = sample.strip()
        unit = _EPOCH_DIGITS.get(len(text)) if text.isdigit() else None
        if unit is not None and text[0] in "123":
            return StampLayout(clock="epoch", epoch_us=unit)
        used = [] if text == sample else [_ALL_REWRITES[0]]
        for pattern, replacement in _REWRITES:
            rewritten = re.sub(pattern, replacement, text)
            if rewritten != text:
                used.append((pattern, replacement))
                text = rewritten
        iso = _ISO.match(text)
        if iso is not None and _instant(text) is not None:
            return StampLayout(clock="aware" if iso["offset"] else "naive", rewrites=tuple(used))
    return None


def to_instants(
    column: pa.ChunkedArray, layout: StampLayout, zone: str | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Return UTC instants in microseconds and, for each, an index into FAULTS: 0, or why it means nothing.

    `column` is text or already of `layout.arrow_type`. Naive stamps show the wall clock of `zone`.
    """
    if column.type == pa.int64():
        stamps = column.fill_null(0).to_numpy()
        instants = stamps // -layout.epoch_us if layout.epoch_us < 0 else stamps * layout.epoch_us
        faults = np.zeros(len(instants), dtype=np.uint8)
    elif pa.types.is_timestamp(column.type):
        faults = np.where(column.is_null().to_numpy(), _NOT_A_TIME, 0).astype(np.uint8)
        instants = column.cast(pa.int64()).fill_null(0).to_numpy()
    else:
        instants, faults = _read_text(column, layout)
    absurd = (instants < _EARLIEST) | (instants >= _LATEST)
    faults[absurd & (faults == 0)] = _NOT_A_TIME
    if layout.clock == "naive" and zone is not None:
        instants, twice, never = to_utc(np.where(absurd, _EARLIEST, instants), zone)
        faults[twice & (faults == 0)] = _TWICE
        faults[never & (faults == 0)] = _NEVER
    return instants, faults


def _read_text(column: pa.ChunkedArray, layout: StampLayout) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    for rewrites in (layout.rewrites, _ALL_REWRITES) if layout.clock != "epoch" else ():
        for pattern, replacement in rewrites:
            column = pc.replace_substring_regex(column, pattern=pattern, replacement=replacement)
        # A failure here says that one of them is not a stamp, is of another kind, or needs another rewrite.
        with suppress(pa.ArrowInvalid):
            return to_instants(column.cast(StampLayout(layout.clock).arrow_type), StampLayout("aware"), None)
    instants = np.zeros(len(column), dtype=np.int64)
    faults = np.zeros(len(column), dtype=np.uint8)
    for index, text in enumerate(column.to_pylist()):
        if layout.clock == "epoch":
            found = stamp_layout([text])
            same = found == layout
            instants[index] = _epoch_instant(int(text), layout.epoch_us) if same else 0
            faults[index] = 0 if same else _NOT_A_TIME if found is None else _OTHER_CLOCK
            continue
        stamp = _instant(text)
        if stamp is None:
            faults[index] = _NOT_A_TIME
        elif (stamp.tzinfo is not None) != (layout.clock == "aware"):
            faults[index] = _OTHER_CLOCK
        else:
            moment = stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp
            instants[index] = int(moment.timestamp()) * 1_000_000 + moment.microsecond
    return instants, faults


def _epoch_instant(stamp: int, unit: int) -> int:
    return stamp // -unit if unit < 0 else stamp * unit


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
