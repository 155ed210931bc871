"""The checks that every imported bar must pass, whatever its format; each looks at all rows at once."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_data.importers.base import REJECTS
from trading.domain.bar import MINUTE_US

TICK_TOLERANCE: Final = 0.01
"""A price this close to the grid, in ticks, is taken for the price on the grid (binary fractions, rounded exports)."""

SECOND_US: Final = 1_000_000
_HOUR_SECONDS: Final = 3_600
_SURE: Final = 100
_NEARLY: Final = 1.2  # 25 hours and 23, in autumn and spring

_PRICES: Final = ("open", "high", "low", "close")
_VALUES: Final = (*_PRICES, "volume")
_REASONS: Final = (
    "a price is missing or is no finite number",
    "a price is zero or negative",
    "high is below low",
    "open lies outside high and low",
    "close lies outside high and low",
    "a price is off the tick grid",
    "the stamp is not on a full minute",
    "volume is missing or is no finite number",
    "volume is negative",
)
OFF_GRID: Final = _REASONS[5]
_DISAGREES: Final = "an earlier row of the file has the same {} and other values"


@dataclass(frozen=True)
class UniqueRows:
    """Rows sorted by (contract, ts), each minute once; `repeated` counts rows that said the same again."""

    rows: pa.Table
    repeated: int
    rejects: pa.Table


def check_rows(rows: pa.Table, tick: float | None) -> tuple[pa.Table, pa.Table]:
    """Return the rows that can be bars, prices exactly on the grid of `tick` (None: on no grid), and the rejects.

    `rows` has the schema ROWS of `ml_data.importers.base`, the rejects have its schema REJECTS; the first of several
    faults is named.
    """
    snapped, off_grid = zip(*(on_grid(rows.column(name).to_numpy(), tick) for name in _PRICES), strict=True)
    opens, highs, lows, closes = snapped
    volume = rows.column("volume").to_numpy()
    with np.errstate(invalid="ignore"):  # NaN compares as false; the first check has named it already
        faults = (
            ~np.isfinite(opens + highs + lows + closes),
            np.minimum(np.minimum(opens, highs), np.minimum(lows, closes)) <= 0,
            highs < lows,
            (opens > highs) | (opens < lows),
            (closes > highs) | (closes < lows),
            off_grid[0] | off_grid[1] | off_grid[2] | off_grid[3],
            rows.column("ts").cast(pa.int64()).to_numpy() % MINUTE_US != 0,
            ~np.isfinite(volume),
            volume < 0,
        )
    for name, prices in zip(_PRICES, snapped, strict=True):
        rows = rows.set_column(rows.schema.get_field_index(name), name, pa.array(prices))
    bad = np.logical_or.reduce(faults)
    if not bad.any():
        return rows, REJECTS.empty_table()
    refused = rows.filter(pa.array(bad))
    first = np.argmax(np.stack([fault[bad] for fault in faults]), axis=0)
    return rows.filter(pa.array(~bad)), _rejects(refused, [_REASONS[index] for index in first])


def on_nearest_tick(rows: pa.Table, tick: float) -> tuple[pa.Table, int]:
    """Return `rows` with prices between two ticks moved to the nearer one, and in how many rows there was such a price.

    Prices near the grid, and what is no finite number, stay for `check_rows`. No price moves by more than half a tick,
    and the order of high, low, open and close is kept.
    """
    between = np.zeros(len(rows), dtype=bool)
    for name in _PRICES:
        prices = rows.column(name).to_numpy()
        _, off = on_grid(prices, tick)
        off &= np.isfinite(prices)
        between |= off
        exact = Fraction(str(tick))
        with np.errstate(invalid="ignore"):
            nearest = np.rint(prices / tick) * exact.numerator / exact.denominator
        moved = pa.array(np.where(off, nearest, prices))
        rows = rows.set_column(rows.schema.get_field_index(name), name, moved) if off.any() else rows
    return rows, int(between.sum())


def unique_rows(rows: pa.Table, bar: str = "minute") -> UniqueRows:
    """Return `rows` sorted and unique by (contract, ts); of rows that disagree about a `bar` the first stays."""
    key, _ = row_keys(rows)
    if len(key) < 2 or bool(np.all(key[1:] > key[:-1])):
        return UniqueRows(rows, 0, REJECTS.empty_table())
    order = np.argsort(key, kind="stable")
    rows, key = rows.take(pa.array(order)), key[order]
    again = np.concatenate([[False], key[1:] == key[:-1]])
    if not again.any():
        return UniqueRows(rows, 0, REJECTS.empty_table())
    first = np.maximum.accumulate(np.where(again, 0, np.arange(len(key))))
    differs = np.logical_or.reduce([(values := rows.column(name).to_numpy()) != values[first] for name in _VALUES])
    refused = rows.filter(pa.array(again & differs))
    return UniqueRows(
        rows.filter(pa.array(~again)),
        int((again & ~differs).sum()),
        _rejects(refused, [_DISAGREES.format(bar)] * len(refused)),
    )


def row_keys(rows: pa.Table, contracts: list[str] | None = None) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Return one integer a row that orders rows by (place of its contract in `contracts`, minute), and `contracts`.

    -1 where the contract is not among them; by default they are all contracts of `rows`, sorted.
    """
    return _keys(rows, MINUTE_US, contracts)


def bar_seconds(rows: pa.Table) -> int:
    """Return how many seconds a bar of `rows` lasts: 60 unless their stamps lie in another regular step.

    A step is told from thin trading, and from a stray stamp, by this: all distances within a contract are multiples
    of it, at least half of three or more are exactly it, and minutes of thin trading would fall so in less than one
    case of `_SURE` (of minutes at random one distance in m is a multiple of m); or, for days that clocks make longer
    or shorter, all are hours and half of them nearly the shortest.
    """
    key, _ = _keys(rows, SECOND_US)
    steps = np.diff(key)
    if (steps < 0).any():
        steps = np.diff(np.sort(key))
    steps = steps[(steps > 0) & (steps < 2**39)]  # not from one contract to the next
    if len(steps) < 3:
        return 60
    step = int(np.gcd.reduce(steps))
    if np.count_nonzero(steps == step) * 2 >= len(steps):
        by_chance = step > 60 and len(steps) * math.log(step / 60) < math.log(_SURE)
        return 60 if by_chance else step
    alike = steps[steps <= _NEARLY * steps.min()]
    return int(np.median(alike)) if steps.min() > _HOUR_SECONDS and len(alike) * 2 >= len(steps) else 60


def _keys(rows: pa.Table, unit: int, contracts: list[str] | None = None) -> tuple[npt.NDArray[np.int64], list[str]]:
    encoded = rows.column("contract").combine_chunks().dictionary_encode()
    found = encoded.dictionary.to_pylist()
    contracts = sorted(found) if contracts is None else contracts
    places = {name: place for place, name in enumerate(contracts)}
    codes = np.array([places.get(name, -1) for name in found], dtype=np.int64)
    code = codes[encoded.indices.to_numpy(zero_copy_only=False)] if len(codes) else np.empty(0, dtype=np.int64)
    time = rows.column("ts").cast(pa.int64()).to_numpy() // unit
    return np.where(code < 0, -1, code * 2**40 + time), contracts


def on_grid(prices: npt.NDArray[np.float64], tick: float | None) -> tuple[Any, npt.NDArray[np.bool_]]:
    """Return `prices` on the grid, each the double nearest to its decimal value, and which were not near the grid."""
    if tick is None:
        return prices, np.zeros(len(prices), dtype=bool)
    exact = Fraction(str(tick))
    with np.errstate(invalid="ignore"):
        count = np.rint(prices / tick)
        off = np.abs(prices / tick - count) > TICK_TOLERANCE
    return np.where(off, prices, count * exact.numerator / exact.denominator), off


def _rejects(rows: pa.Table, reasons: list[str]) -> pa.Table:
    columns = {"row_number": rows.column("row_number"), "reason": pa.array(reasons, pa.string())}
    return pa.table(columns, schema=REJECTS)
