"""What is doubtful about the bars of a file, gathered window by window: told with the import, or refused.

The first and last bars of a window are not compared with those beyond it; a build compares all that is stored.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa

from ml_data.bar_doubts import Doubt, regular_steps, spikes_and_jumps, split_ratio
from trading.domain.bar import MINUTE_US
from trading.errors import BadBars

LONGER_BARS: Final = 60
"""Bars in a regular step from which a file is refused: one run of them may be a strange night of a thin market."""

JUMPS: Final = 4
"""Jumps, up and down, from which a file is refused: a market makes none, a split one."""

_SHOWN: Final = 3


@dataclass(frozen=True)
class _Found:
    contract: str
    ts: datetime
    bars: int
    doubt: Doubt
    high: float
    low: float
    close: float


class ImportDoubts:
    """Gathers the doubtful bars of one file."""

    def __init__(self) -> None:
        self._found: list[_Found] = []

    def take(self, rows: pa.Table) -> None:
        """Look at checked bars, sorted by (contract, ts); no other rows taken have bars of their time."""
        if len(rows) == 0:
            return
        contracts = rows.column("contract").combine_chunks().dictionary_encode()
        codes = contracts.indices.to_numpy(zero_copy_only=False)
        edges = np.append(np.flatnonzero(np.diff(codes, prepend=-1) != 0), len(codes)).tolist()
        minute = rows.column("ts").cast(pa.int64()).to_numpy() // MINUTE_US
        high, low, close, volume = (rows.column(name).to_numpy() for name in ("high", "low", "close", "volume"))
        found = []
        for first, stop in pairwise(edges):
            part = slice(first, stop)
            told = spikes_and_jumps(minute[part], high[part], low[part], close[part], volume[part])
            found += [(first + doubt.row, doubt) for doubt in told]
        # Of all contracts together: where others trade in the minutes between, one of them is thin, not longer.
        each, row_of = (minute, np.arange(len(minute))) if len(edges) == 2 else np.unique(minute, return_index=True)
        found += [(int(row_of[doubt.row]), doubt) for doubt in regular_steps(each, close[row_of])]
        for row, doubt in found:
            self._found.append(
                _Found(
                    contract=contracts.dictionary[int(codes[row])].as_py(),
                    ts=rows.column("ts")[row].as_py(),
                    bars=doubt.last_row - doubt.row + 1,
                    doubt=doubt,
                    high=float(high[row]),
                    low=float(low[row]),
                    close=float(close[row]),
                )
            )

    def refuse(self, file_name: str, *, accept_prices: bool) -> None:
        """Raise BadBars when longer bars are among those of a minute, or prices jump to and fro between two levels."""
        steps = self._of("steps")
        if sum(each.bars for each in steps) >= LONGER_BARS:
            longest = max(steps, key=lambda each: each.bars)
            raise BadBars(
                f"{file_name}: expected one-minute bars, found {sum(each.bars for each in steps):,} longer ones among "
                f"them: {_step(longest)}; export one-minute bars."
            )
        jumps = self._of("jump")
        ways = {each.close > each.doubt.usual for each in jumps}
        if len(jumps) >= JUMPS and len(ways) == 2 and not accept_prices:
            raise BadBars(
                f"{file_name}: its prices jump to and fro between two levels, {len(jumps):,} times, first "
                f"{_jump(jumps[0])}; only a part of its rows is adjusted: export prices adjusted as a whole or not at "
                f"all, or import it with --accept-prices."
            )

    def notes(self) -> list[str]:
        """Return what to tell of the file, a sentence a kind."""
        said = []
        for kind, words, one in (
            ("spike", "reaching far beyond the bars around", _spike),
            ("jump", "at which the level jumps", _jump),
            ("steps", "beginning a run of longer bars", _step),
        ):
            found = self._of(kind)
            if found:
                shown = "; ".join(one(each) for each in found[:_SHOWN])
                more = f"; and {len(found) - _SHOWN:,} more" if len(found) > _SHOWN else ""
                bars = "1 bar" if len(found) == 1 else f"{len(found):,} bars"
                said.append(f"{bars} {words}, stored as they are: {shown}{more}")
        return said

    def _of(self, kind: str) -> list[_Found]:
        return [each for each in self._found if each.doubt.kind == kind]


def _at(each: _Found) -> str:
    return f"{each.contract} {each.ts:%Y-%m-%d %H:%MZ}"


def _spike(each: _Found) -> str:
    usual = each.doubt.usual
    far = each.high if each.high - usual > usual - each.low else each.low
    return f"{_at(each)} {far:.10g} where {usual:.10g} was usual"


def _jump(each: _Found) -> str:
    split = split_ratio(each.doubt.usual, each.close)
    return f"{_at(each)} from {each.doubt.usual:.10g} to {each.close:.10g}" + (
        f" (a split of {split})" if split else ""
    )


def _step(each: _Found) -> str:
    return f"{each.bars:,} from {_at(each)} on, {each.doubt.step} minutes apart"
