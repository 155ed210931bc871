"""What was measured of a file's bars, for who asks before an import: their length, their gaps, the scale of prices."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trading.domain.calendar import Minutes, expected_minutes, from_minute
from trading.domain.instrument import Instrument


@dataclass(frozen=True)
class Measured:
    """Figures of n minutes with bars, contracts counted together.

    `next_ones` of them follow the one before by a minute. Of `expected` minutes in which the exchange is open, from the
    first bar to the last, `filled` have a bar. The most open minutes without any, `longest_gap`, come after the bar at
    `gap_from` (UTC).
    """

    minutes: int
    next_ones: int
    expected: int
    filled: int
    longest_gap: int
    gap_from: datetime | None
    lowest: float
    highest: float
    tick: float
    calendar: str

    def lines(self) -> tuple[str, ...]:
        """Return what a person should read of it."""
        told = [f"bars: of one minute, as {self.next_ones:,} of {self.minutes:,} begin a minute after the one before"]
        if self.expected:
            gap = ", none is missing"
            if self.gap_from is not None:
                many = "1 minute" if self.longest_gap == 1 else f"{self.longest_gap:,} minutes"
                gap = f"; the longest gap is {many} after {self.gap_from:%Y-%m-%d %H:%MZ}"
            told.append(
                f"gaps: {self.filled:,} of {self.expected:,} minutes in which {self.calendar} is open have a bar{gap}"
            )
        return (*told, f"prices: {self.lowest:.10g} to {self.highest:.10g}, in ticks of {self.tick:g}")


class PriceRange:
    """Gathers the lowest and the highest price, window by window."""

    def __init__(self) -> None:
        self.lowest, self.highest = float("inf"), float("-inf")

    def take(self, rows: pa.Table) -> None:
        """Add checked bars."""
        if len(rows):
            self.lowest = min(self.lowest, pc.min(rows.column("low")).as_py())
            self.highest = max(self.highest, pc.max(rows.column("high")).as_py())


def measured(minutes: Minutes, prices: PriceRange, instrument: Instrument) -> Measured | None:
    """Return the figures of bars at `minutes` (UTC, sorted, unique); None without any."""
    if not len(minutes):
        return None
    steps = np.diff(minutes)
    after = np.flatnonzero(steps > 1)
    missing = expected_minutes(instrument, minutes[after] + 1, minutes[after + 1])
    whole = int(expected_minutes(instrument, minutes[:1], minutes[-1:] + 1)[0])
    place = int(missing.argmax()) if len(missing) else 0
    gap = int(missing[place]) if len(missing) else 0
    return Measured(
        minutes=len(minutes),
        next_ones=int((steps == 1).sum()),
        expected=whole,
        filled=whole - int(missing.sum()),
        longest_gap=gap,
        gap_from=from_minute(int(minutes[after[place]])) if gap else None,
        lowest=prices.lowest,
        highest=prices.highest,
        tick=instrument.tick,
        calendar=instrument.exchange_calendar,
    )
