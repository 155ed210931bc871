"""Tells from looks at the clock whether the machine slept, or its clock was set."""

from datetime import datetime, timedelta
from typing import Final

from ml_data.feeds.base import Notice

SET_BACK: Final = timedelta(seconds=2)
"""A clock that is kept right by its service goes back by less."""


class ClockWatch:
    """Compares each look with the one before; between two of them `tolerance` may pass.

    Whether a machine slept, was stopped, or its clock was set ahead cannot be told apart everywhere, and it is the same
    to who waits for a moment: nobody was there.

    >>> from datetime import UTC
    >>> watch = ClockWatch(timedelta(seconds=30))
    >>> watch.looked(datetime(2025, 3, 3, 22, 0, tzinfo=UTC))
    >>> watch.looked(datetime(2025, 3, 3, 22, 0, 30, tzinfo=UTC))
    >>> watch.looked(datetime(2025, 3, 4, 6, 15, tzinfo=UTC)).kind
    'woke'
    """

    def __init__(self, tolerance: timedelta) -> None:
        self._tolerance = tolerance
        self._last: datetime | None = None

    def looked(self, now: datetime) -> Notice | None:
        """Return what to tell of the time since the last look: `woke`, `clock`, or nothing."""
        before, self._last = self._last, now
        if before is None:
            return None
        if now - before > self._tolerance:
            return Notice(
                "woke",
                f"nobody was there from {before:%Y-%m-%d %H:%M:%SZ} to {now:%Y-%m-%d %H:%M:%SZ}, "
                f"{_long(now - before)}: the machine slept or was stopped, or its clock was set ahead. Moments in "
                f"between are missed.",
            )
        if before - now > SET_BACK:
            return Notice(
                "clock",
                f"the machine's clock went back by {_long(before - now)}, to {now:%Y-%m-%d %H:%M:%SZ}. Nothing is "
                f"answered twice, and nothing before the clock has reached its moment.",
            )
        return None


def _long(span: timedelta) -> str:
    """Return a span in words.

    >>> _long(timedelta(seconds=45)), _long(timedelta(minutes=61)), _long(timedelta(days=2, hours=3))
    ('45 seconds', '1 h 1 min', '51 h 0 min')
    """
    seconds = round(span.total_seconds())
    return f"{seconds} seconds" if seconds < 120 else f"{seconds // 3600} h {seconds % 3600 // 60} min"
