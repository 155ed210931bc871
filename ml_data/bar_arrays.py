"""Bars as flat arrays for the compiled passes: whole ticks, minutes since the epoch, contract by contract."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trading.domain.calendar import Minutes

Ticks = npt.NDArray[np.int64]
Volumes = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BarArrays:
    """One-minute bars sorted by (contract, minute), unique. All arrays have one value a bar.

    `minute` is the bar's start in minutes since the Unix epoch, UTC; prices are whole ticks; `volume` is as the source
    counts it. Contract `contracts[k]` owns the rows `offsets[k]` to `offsets[k + 1]`.
    """

    contracts: tuple[str, ...]
    offsets: npt.NDArray[np.int64]
    minute: Minutes
    open: Ticks
    high: Ticks
    low: Ticks
    close: Ticks
    volume: Volumes

    def __len__(self) -> int:
        return len(self.minute)

    @property
    def through(self) -> int:
        """The minute up to which bars are known: the close of the newest bar of any contract; 0 without bars."""
        newest = [int(self.minute[stop - 1]) for start, stop in pairwise(self.offsets.tolist()) if stop > start]
        return max(newest, default=-1) + 1

    def segment(self, contract: str) -> slice:
        """Return the rows of one contract."""
        index = self.contracts.index(contract)
        return slice(int(self.offsets[index]), int(self.offsets[index + 1]))

    def only(self, contract: str) -> "BarArrays":
        """Return the bars of one contract, empty if it has none; they share memory with these."""
        rows = self.segment(contract) if contract in self.contracts else slice(0, 0)
        return BarArrays(
            contracts=(contract,),
            offsets=np.array([0, rows.stop - rows.start], dtype=np.int64),
            minute=self.minute[rows],
            open=self.open[rows],
            high=self.high[rows],
            low=self.low[rows],
            close=self.close[rows],
            volume=self.volume[rows],
        )

    def before(self, minute: int) -> "BarArrays":
        """Return the bars that had closed by `minute`: those that start before it."""
        return self.between(0, minute)

    def between(self, since: int, before: int) -> "BarArrays":
        """Return the bars that start in `[since, before)`; contracts without bars in it stay, empty."""
        spans = [
            low + np.searchsorted(self.minute[low:high], [since, before])
            for low, high in zip(self.offsets[:-1], self.offsets[1:], strict=True)
        ]
        lengths = np.array([stop - start for start, stop in spans], dtype=np.int64)

        def cut(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
            return np.concatenate([values[start:stop] for start, stop in spans]) if spans else values[:0]

        return BarArrays(
            contracts=self.contracts,
            offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            minute=cut(self.minute),
            open=cut(self.open),
            high=cut(self.high),
            low=cut(self.low),
            close=cut(self.close),
            volume=cut(self.volume),
        )

    def including(self, contract: str) -> "BarArrays":
        """Return the same bars with `contract` among the contracts: empty, if it has no bar."""
        if contract in self.contracts:
            return self
        contracts = tuple(sorted((*self.contracts, contract)))
        place = contracts.index(contract)
        return replace(self, contracts=contracts, offsets=np.insert(self.offsets, place, self.offsets[place]))


def appended(earlier: BarArrays, later: BarArrays) -> BarArrays:
    """Return both sets of bars as one; within a contract every bar of `later` starts after those of `earlier`."""
    contracts = tuple(sorted({*earlier.contracts, *later.contracts}))
    pieces = [
        (bars, bars.segment(contract))
        for contract in contracts
        for bars in (earlier, later)
        if contract in bars.contracts
    ]

    def joined(name: str) -> npt.NDArray[Any]:
        return np.concatenate([getattr(earlier, name)[:0], *(getattr(bars, name)[rows] for bars, rows in pieces)])

    def count(contract: str) -> int:
        owned = [bars.segment(contract) for bars in (earlier, later) if contract in bars.contracts]
        return sum(rows.stop - rows.start for rows in owned)

    return BarArrays(
        contracts=contracts,
        offsets=np.concatenate([[0], np.cumsum([count(contract) for contract in contracts])]).astype(np.int64),
        minute=joined("minute"),
        open=joined("open"),
        high=joined("high"),
        low=joined("low"),
        close=joined("close"),
        volume=joined("volume"),
    )


def bar_arrays(table: pa.Table, tick: float) -> BarArrays:
    """Return the arrays of a table of bars (schema `trading.domain.bar.BARS`, any order, unique).

    Prices lie on the tick grid already (ingest sees to it); rounding here only undoes the binary fraction.
    """
    contract = table.column("contract").combine_chunks()
    encoded = contract if pa.types.is_dictionary(contract.type) else contract.dictionary_encode()
    names = [str(name) for name in encoded.dictionary.to_pylist()]
    rank = np.empty(len(names), dtype=np.int32)
    rank[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
    code = rank[encoded.indices.to_numpy(zero_copy_only=False)]
    minute = table.column("ts").cast(pa.int64()).to_numpy() // 60_000_000
    order = _order(code, minute)

    def ticks(column: str) -> Ticks:
        whole: Ticks = np.rint(table.column(column).to_numpy()[order] / tick).astype(np.int64)
        return whole

    return BarArrays(
        contracts=tuple(sorted(names)),
        offsets=np.concatenate([[0], np.cumsum(np.bincount(code, minlength=len(names)))]).astype(np.int64),
        minute=np.ascontiguousarray(minute[order]),
        open=ticks("open"),
        high=ticks("high"),
        low=ticks("low"),
        close=ticks("close"),
        volume=table.column("volume").to_numpy()[order].astype(np.float64),
    )


def _order(code: npt.NDArray[np.int32], minute: Minutes) -> Any:
    """Return what puts rows in the order of (contract, minute): a slice where they are, else their places.

    Stored bars mostly follow each other in time, so that sorting by contract alone, which keeps that, is enough.
    """
    if _in_order(code, minute):
        return slice(None)
    by_contract = np.argsort(code, kind="stable")
    if _in_order(code[by_contract], minute[by_contract]):
        return by_contract
    return np.lexsort((minute, code))


def _in_order(code: npt.NDArray[np.int32], minute: Minutes) -> bool:
    return bool(np.all((code[1:] > code[:-1]) | ((code[1:] == code[:-1]) & (minute[1:] > minute[:-1]))))
