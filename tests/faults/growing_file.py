"""A file of the demo market's bars that grows as a vendor's program would write it, and the clock of that market."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import pyarrow.compute as pc

from ml_inference.shadow import decision_moments
from tests.hub_home import DEMO, demo_table

BEGINS = datetime(2023, 5, 7, 22, 58, tzinfo=UTC)
"""Where the stored bars end: two minutes before the first of the six ranges of 8 May 2023."""
DAY = date(2023, 5, 8)
ENDS = datetime(2023, 5, 8, 21, 0, tzinfo=UTC)
READ_AFTER = timedelta(seconds=3)
"""How long after a minute's end the loop looks: its bars count as closed by then, and its answers as live."""


@cache
def moments() -> tuple[datetime, ...]:
    found = [each.decided_at for each in decision_moments(DEMO, DAY, DAY)]
    return (BEGINS, BEGINS + timedelta(minutes=1), *found, ENDS)


@cache
def _rows() -> list[tuple[datetime, str]]:
    ts = demo_table()["ts"]
    inside = pc.and_(pc.greater_equal(ts, BEGINS), pc.less(ts, ENDS))
    bars = demo_table().filter(inside).sort_by("ts").to_pylist()
    return [
        (
            bar["ts"],
            f"{bar['ts']:%Y-%m-%dT%H:%M:%SZ},{bar['open']},{bar['high']},{bar['low']},{bar['close']},"
            f"{bar['volume']:.0f},{bar['contract']}\n",
        )
        for bar in bars
    ]


@dataclass
class GrowingFile:
    """What a file at `path` holds says what time it is: the moment up to which its bars go, plus `READ_AFTER`."""

    path: Path
    more: int = 0
    """Lines beside those of the market, such as repeated ones."""

    def begin(self) -> None:
        self.path.write_text("timestamp,open,high,low,close,volume,symbol\n")
        self.grow()

    def now(self) -> datetime:
        return self.until() + READ_AFTER

    def until(self) -> datetime:
        """Return the moment up to which the bars go; a minute without a trade has none."""
        there = self.path.read_bytes().count(b"\n") - 1 - self.more
        ahead = _rows()[there][0] if there < len(_rows()) else ENDS
        return max(moment for moment in moments() if moment <= ahead)

    def grow(self) -> bool:
        """Add the bars up to the next moment; False when there is none."""
        until = self.until()
        ahead = [moment for moment in moments() if moment > until]
        if not ahead:
            return False
        self.add(self.rows(until, ahead[0]))
        return True

    def rows(self, since: datetime, before: datetime) -> str:
        return "".join(text for at, text in _rows() if since <= at < before)

    def add(self, text: str) -> None:
        with self.path.open("ab", buffering=0) as file:
            file.write(text.encode())
