"""Whether a file's prices lie where its instrument trades: against the nearest known closes, and its plausible range.

A level may move while nobody looks: by four usual day ranges times the square root of the days between. Beyond that it
is told, beyond twice that refused: bars of another instrument, of another adjustment, or a market gone mad, which
`--accept-prices` takes. A price beyond the plausible range is told: series whose rolls were adjusted may lie anywhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ml_data.bar_doubts import split_ratio
from trading.domain.bar import MINUTE_US
from trading.domain.instrument import Instrument

_RANGES: Final = 4.0
_LEAST_RANGE: Final = 0.01
_LEAST: Final = 0.05
"""In logarithms: a level that moved by 5 % is told by nobody."""

_CLOSES: Final = 30  # closes whose median is a level
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class KnownClose:
    """A close that is known to be the instrument's, and when; `source` says from where."""

    ts: datetime
    close: float
    source: str = "stored"


@dataclass(frozen=True)
class PriceLevel:
    """The level of a file's fullest contract where it begins and ends, and its usual day range over the price.

    `middle` is the median close of what was read first.
    """

    first: KnownClose
    last: KnownClose
    middle: float
    day_range: float


def price_level(rows: pa.Table, file_name: str, before: PriceLevel | None = None) -> PriceLevel:
    """Return the level of `rows` (checked, at least one), which follow those of `before` in the same file."""
    contract = pc.mode(rows.column("contract").dictionary_encode().combine_chunks().indices)[0]["mode"].as_py()
    encoded = rows.column("contract").dictionary_encode().combine_chunks()
    own = rows.filter(pc.equal(encoded.indices, contract)) if len(encoded.dictionary) > 1 else rows
    closes, stamps = own.column("close").to_numpy(), own.column("ts")
    first = KnownClose(stamps[0].as_py(), float(np.median(closes[:_CLOSES])), file_name)
    last = KnownClose(stamps[-1].as_py(), float(np.median(closes[-_CLOSES:])), file_name)
    if before is not None:
        return PriceLevel(before.first, last, before.middle, before.day_range)
    return PriceLevel(first, last, float(np.median(closes)), _day_range(own))


def wrong_level(level: PriceLevel, known: Iterable[KnownClose], instrument: Instrument) -> tuple[str, bool] | None:
    """Return what is wrong about a level, in words, and whether it is beyond belief; None where it fits."""
    return _against_known(level, known, instrument) or _against_range(level, instrument)


def _against_known(level: PriceLevel, known: Iterable[KnownClose], instrument: Instrument) -> tuple[str, bool] | None:
    pairs = [(abs(own.ts - other.ts), own, other) for other in known for own in (level.first, level.last)]
    if not pairs:
        return None
    away, own, other = min(pairs, key=lambda pair: pair[0])
    distance = abs(float(np.log(own.close / other.close)))
    allowed = max(_LEAST, _RANGES * max(level.day_range, _LEAST_RANGE) * float(np.sqrt(1 + away / _DAY)))
    if distance <= allowed:
        return None
    split = split_ratio(other.close, own.close)
    said = (
        f"its price is {own.close:.10g} at {own.ts:%Y-%m-%d %H:%MZ}, and {instrument.symbol} traded at "
        f"{other.close:.10g} ({other.source}, {other.ts:%Y-%m-%d %H:%MZ})"
        + (f", as after a split of {split}" if split else "")
    )
    return said, distance > 2 * allowed


def _against_range(level: PriceLevel, instrument: Instrument) -> tuple[str, bool] | None:
    if instrument.plausible_prices is None:
        return None
    low, high = instrument.plausible_prices
    beyond = [each.close for each in (level.first, level.last) if not low <= each.close <= high]
    if not beyond:
        return None
    said = (
        f"its prices are about {beyond[0]:.10g}, and {instrument.symbol} trades between {low:.10g} and {high:.10g} "
        f"(plausible_prices of its file)"
    )
    return said, False


def _day_range(rows: pa.Table) -> float:
    """Return the median over UTC days of high minus low over the close."""
    day: npt.NDArray[Any] = rows.column("ts").cast(pa.int64()).to_numpy() // (1440 * MINUTE_US)
    first = np.flatnonzero(np.diff(day, prepend=-1) != 0)
    highs = np.maximum.reduceat(rows.column("high").to_numpy(), first)
    lows = np.minimum.reduceat(rows.column("low").to_numpy(), first)
    return float(np.median((highs - lows) / rows.column("close").to_numpy()[first]))
