"""What a live feed is: whatever is new of one instrument's bars since a stamp, as a program or a vendor delivers it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import pyarrow as pa

from trading.domain.bar import BARS
from trading.errors import HubError

MINUTE: Final = timedelta(minutes=1)

DELIVERY_ROWS: Final = 262_144
"""About how many bars a feed delivers at once: what is more comes with the next call, so that memory is bounded."""


class FeedDown(HubError):
    """The feed cannot be reached, or broke off: what it has not delivered yet will come once it is back."""

    exit_code = 1


@dataclass(frozen=True)
class Notice:
    """Something that happened to a feed or to a forecast, told in a sentence; `kind` is one word of docs/feeds.md."""

    kind: str
    sentence: str


@dataclass(frozen=True)
class Delivery:
    """What a feed has to say at one moment.

    `bars` (schema `trading.domain.bar.BARS`) are in the order in which they came, closed or not. `through` is the
    instant up to which the feed vouches that it has said everything: no bar that closed by then is still to come. It is
    None when the feed cannot know (a file nobody appends to looks like a market in which nobody trades). `more`: the
    next call has more at once. `ended`: there will never be more.
    """

    bars: pa.Table
    through: datetime | None = None
    more: bool = False
    ended: bool = False
    notices: tuple[Notice, ...] = ()


class Feed(Protocol):
    """A source of new bars. Its bars pass `ml_data.feeds.closed_bars` before anything is stored."""

    @property
    def name(self) -> str:
        """The feed as `--feed` names it, without secrets."""

    @property
    def poll_seconds(self) -> float | None:
        """How often to ask at least; None to be asked at decision moments only (a replay at full speed)."""

    @property
    def settles_after(self) -> float:
        """How many seconds after its end a bar may still change, where the source says so."""

    def newest(self, since: datetime | None, now: datetime) -> Delivery:
        """Return what is new: bars that start at `since` or later, and were not delivered before, or changed.

        `since` is the start of the newest stored bar, None when none is stored; `now` is the feed's present instant.

        Raises
        ------
        FeedDown
            when the feed cannot be reached.
        BadBars
            when what it delivers cannot be used at all; the message says what to do.
        """

    def close(self) -> None:
        """Let go of files and connections."""


def nothing_new(*notices: Notice, through: datetime | None = None) -> Delivery:
    """Return a delivery without bars."""
    return Delivery(BARS.empty_table(), through=through, notices=notices)


def bars_table(rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Return bars given as (contract, start in whole seconds since 1970 UTC, open, high, low, close, volume)."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(BARS)
    stamps = pa.array([second * 1_000_000 for second in columns[1]], pa.int64()).cast(BARS.field("ts").type)
    values = [pa.array(column, pa.float64()) for column in columns[2:]]
    return pa.table([pa.array(columns[0], pa.string()), stamps, *values], schema=BARS)
