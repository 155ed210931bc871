"""Stored bars as a feed: the loop that runs live, over days that have been."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa

from ml_data.feeds.base import MINUTE, Delivery
from ml_data.store import Store, sql
from trading.domain.bar import BARS
from trading.domain.calendar import day_windows, from_minute, trading_days
from trading.domain.instrument import Instrument
from trading.errors import HubError


class ReplayClock:
    """The clock of a replay: it goes `speed` times as fast as time does, or, without a speed, jumps over each wait."""

    def __init__(self, starts_at: datetime, speed: float | None, monotonic: Callable[[], float]) -> None:
        self._at, self._speed, self._monotonic = starts_at, speed, monotonic
        self._began, self._began_at = monotonic(), starts_at

    def now(self) -> datetime:
        """Return the replay's present instant."""
        if self._speed is not None:
            self._at = self._began_at + timedelta(seconds=(self._monotonic() - self._began) * self._speed)
        return self._at

    def wait(self, seconds: float, sleep: Callable[[float], None]) -> None:
        """Let `seconds` of the replay pass."""
        if self._speed is None:
            self._at += timedelta(seconds=seconds)
        else:
            sleep(seconds / self._speed)


class ReplayFeed:
    """The stored bars of the trading days `first` to `last`, each delivered when the replay's clock has closed it."""

    settles_after = 0.0

    def __init__(
        self, store: Store, instrument: Instrument, first: date, last: date, speed: float | None = None
    ) -> None:
        days = trading_days(instrument, first, last)
        if len(days) == 0:
            raise HubError(f"replay: {instrument.symbol} has no trading day from {first} to {last}; name others.")
        windows = day_windows(instrument, days)
        self._store, self._instrument = store, instrument
        with store.market() as cursor:
            [(_, newest)] = cursor.execute(sql("bar_bounds"), {"instrument": instrument.symbol}).fetchall()
        stored_until = datetime.min.replace(tzinfo=UTC) if newest is None else newest + MINUTE
        starts = int(min(windows.starts.min(), windows.range_starts.min(initial=np.iinfo(np.int64).max)))
        self.starts_at = from_minute(starts)
        self.ends_at = min(from_minute(int(windows.ends.max())), max(stored_until, self.starts_at))
        self._reached = self.starts_at
        self.name = f"replay:{first}..{last}" + ("" if speed is None else f"@{speed:g}")
        self.poll_seconds = None if speed is None else 60.0

    def newest(self, since: datetime | None, now: datetime) -> Delivery:  # noqa: ARG002 - a replay goes its own way
        """Return the bars that closed since the last call, and vouch for all that closed by `now`."""
        until = min(now, self.ends_at)
        through = until.replace(second=0, microsecond=0)
        bars = BARS.empty_table()
        if through > self._reached:
            span = {"first_ts": self._reached, "last_ts": through - MINUTE, "instrument": self._instrument.symbol}
            with self._store.market() as cursor:
                bars = cursor.sql(sql("bars_in_span"), params=span).to_arrow_table().cast(BARS)
            self._reached = through
        return Delivery(pa.table(bars).sort_by("ts"), through=through, ended=now >= self.ends_at)

    def close(self) -> None:
        """Nothing is held."""
