"""Keeps a feed going: when it breaks off it is made anew, after longer and longer waits, and both are told."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from ml_data.feeds.base import Delivery, Feed, FeedDown, Notice, nothing_new

WAITS: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds before each further attempt; the last for all that follow."""


class Reconnecting:
    """A feed that is made by `make`, at once and again after each break.

    Nothing sleeps here: a call during a wait delivers nothing. `monotonic` returns seconds that never go back, so that
    a clock that is set does not lengthen a wait. What the market did meanwhile is asked for after the break, as far as
    the feed still has it: `since` is where the store ends.
    """

    def __init__(
        self,
        make: Callable[[], Feed],
        *,
        name: str,
        poll_seconds: float | None,
        settles_after: float,
        monotonic: Callable[[], float],
    ) -> None:
        self.name, self.poll_seconds, self.settles_after = name, poll_seconds, settles_after
        self._make, self._monotonic = make, monotonic
        self._feed: Feed | None = None
        self._attempts = 0
        self._down_since = self._again_at = 0.0

    def newest(self, since: datetime | None, now: datetime) -> Delivery:
        """Return what the feed has, or nothing while it is down; raises what cannot be mended by waiting."""
        if self._feed is None and self._attempts and self._monotonic() < self._again_at:
            return nothing_new()
        try:
            if self._feed is None:
                self._feed = self._make()
            delivery = self._feed.newest(since, now)
        except FeedDown as error:
            return nothing_new(self._broken(error))
        if not self._attempts:
            return delivery
        gone = self._monotonic() - self._down_since
        self._attempts = 0
        notice = Notice("reconnected", f"{self.name} is back after {gone:,.0f} seconds.")
        return Delivery(delivery.bars, delivery.through, delivery.more, delivery.ended, (notice, *delivery.notices))

    def close(self) -> None:
        """Close the feed, if there is one."""
        if self._feed is not None:
            self._feed.close()
            self._feed = None

    def _broken(self, error: FeedDown) -> Notice:
        self.close()
        wait = WAITS[min(self._attempts, len(WAITS) - 1)]
        if not self._attempts:
            self._down_since = self._monotonic()
        self._attempts += 1
        self._again_at = self._monotonic() + wait
        return Notice("disconnected", f"{self.name}: {error} Trying again in {wait:g} seconds.")
