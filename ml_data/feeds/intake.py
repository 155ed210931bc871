"""Stores what a feed delivers, by the rules of every import, and names what is wrong with it.

Closed bars only (`closed_bars`). What is stored already with the same values is not written again; what has other
values becomes a revision; bars that came late fill their place; what cannot be true is rejected; holes are told.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml_data.bar_changes import Changes, changes
from ml_data.bar_checks import bar_seconds, check_rows
from ml_data.feeds.base import Delivery, Notice
from ml_data.feeds.closed_bars import ClosedBars, last_of_each_minute
from ml_data.import_report import ImportReport
from ml_data.importers.base import ROWS
from ml_data.ingest import ingest_bars
from ml_data.store import Store, sql
from trading.domain.bar import BARS, MINUTE_US
from trading.domain.calendar import Minutes, expected_minutes, from_minute, to_minute
from trading.domain.instrument import Instrument
from trading.errors import BadBars

WAITING_ROWS: Final = 1_000_000
"""How many closed bars wait in memory while the store cannot be written, before the feed gives up."""

_LENGTH_BARS: Final = 7  # so many bars, all of them several minutes apart, are no chance
_REMEMBERED: Final = 1_000


@dataclass(frozen=True)
class Taken:
    """What a delivery came to. `newest` is the start of the newest stored bar, None without any."""

    stored: int
    revised: int
    rejected: int
    newest: datetime | None
    notices: tuple[Notice, ...]


class Intake:
    """The way of one feed's bars into the store.

    A bar is closed `delay` after its end by the clock, or when a newer one came. A hole is told when the market was
    open for more than `hole_minutes` minutes without a bar.
    """

    def __init__(
        self, store: Store, instrument: Instrument, source_name: str, *, delay: timedelta, hole_minutes: int
    ) -> None:
        self._store, self._instrument, self._source_name = store, instrument, source_name
        self._hole_minutes = hole_minutes
        self._gate = ClosedBars(delay)
        self._waiting = BARS.empty_table()
        self._recent = BARS.empty_table()
        self._rejected: dict[tuple[str, datetime], None] = {}
        self.newest = self._newest_stored()

    @property
    def is_behind(self) -> bool:
        """Whether closed bars wait because the store could not be written."""
        return len(self._waiting) > 0

    def take(self, delivery: Delivery, now: datetime) -> Taken:
        """Store the bars of `delivery` that are closed by `now`, with those that waited, in one transaction.

        Raises
        ------
        StoreError
            when the store cannot be written: the bars wait, and are stored with the next delivery.
        BadBars
            when the feed's bars are not of one minute.
        """
        closed, notices = self._gate.take(delivery.bars, now)
        notices = [*delivery.notices, *notices]
        waiting = pa.concat_tables([self._waiting, closed])
        self._waiting, _ = last_of_each_minute(waiting, len(waiting))
        if len(self._waiting) > WAITING_ROWS:
            raise BadBars(
                f"{self._source_name}: {len(self._waiting):,} bars wait to be stored and the store cannot be written; "
                f"make room, then start again."
            )
        if len(self._waiting) == 0:
            return Taken(0, 0, 0, self.newest, tuple(notices))
        self._refuse_long_bars(closed)
        found, bad = self._compared(self._waiting, notices)
        fresh = pa.concat_tables([found.new, found.revised, bad]).select(BARS.names)
        report = None
        if len(fresh):
            try:
                report = ingest_bars(
                    self._store,
                    self._instrument,
                    [fresh],
                    source_name=self._source_name,
                    now=now,
                    accept_rejects=True,
                )
            except BadBars as error:
                notices.append(Notice("refused", f"{len(fresh):,} bars are not stored: {error}"))
        self._waiting = BARS.empty_table()
        if report is None:
            return Taken(0, 0, 0, self.newest, tuple(notices))
        notices += self._of_report(report, found.new)
        self.newest = max((at for at in (self.newest, report.last_ts) if at is not None), default=None)
        return Taken(report.rows_stored, report.rows_revised, report.rows_rejected, self.newest, tuple(notices))

    def _newest_stored(self) -> datetime | None:
        with self._store.market() as cursor:
            [(_, last)] = cursor.execute(sql("bar_bounds"), {"instrument": self._instrument.symbol}).fetchall()
        newest: datetime | None = last
        return newest

    def _compared(self, bars: pa.Table, notices: list[Notice]) -> tuple[Changes, pa.Table]:
        """Return what `bars` would change in the store, and those that cannot be bars and were not seen before."""
        rows = bars.append_column("row_number", pa.array(np.arange(len(bars)))).cast(ROWS)
        good, rejects = check_rows(rows, self._instrument.tick)
        bad = self._seen_first(rows, rejects, notices)
        if len(good) == 0:
            return Changes(good, good, BARS.empty_table(), 0), bad
        ends = pc.min_max(good.column("ts"))
        span = {"first_ts": ends["min"].as_py(), "last_ts": ends["max"].as_py()}
        with self._store.market() as cursor:
            stored = cursor.sql(
                sql("bars_in_span"), params=span | {"instrument": self._instrument.symbol}
            ).to_arrow_table()
        found = changes(good, stored)
        if found.unchanged:
            notices.append(Notice("repeated", f"{found.unchanged:,} bars are stored already with the same values."))
        return found, bad

    def _seen_first(self, rows: pa.Table, rejects: pa.Table, notices: list[Notice]) -> pa.Table:
        """Return the rejected rows that are rejected for the first time: a feed may bring them again and again."""
        reasons = dict(zip(rejects.column("row_number").to_pylist(), rejects.column("reason").to_pylist(), strict=True))
        bad = rows.take(pa.array(sorted(reasons), pa.int64()))
        keys = [(bar["contract"], bar["ts"]) for bar in bad.select(["contract", "ts"]).to_pylist()]
        bad = bad.filter(pa.array([key not in self._rejected for key in keys], pa.bool_()))
        self._rejected |= dict.fromkeys(keys)
        for key in list(self._rejected)[:-_REMEMBERED]:
            del self._rejected[key]
        for reason, times in Counter(reasons[row] for row in bad.column("row_number").to_pylist()).items():
            first = next(bar for bar in bad.to_pylist() if reasons[bar["row_number"]] == reason)
            count = f"{times:,} bars cannot be used, the first of" if times > 1 else "a bar cannot be used, that of"
            notices.append(Notice("rejected", f"{count} {first['ts']:%Y-%m-%d %H:%MZ}: {reason}."))
        return bad

    def _refuse_long_bars(self, closed: pa.Table) -> None:
        recent = pa.concat_tables([self._recent, closed])
        self._recent = recent.slice(max(0, len(recent) - _LENGTH_BARS))
        seconds = bar_seconds(self._recent) if len(self._recent) == _LENGTH_BARS else 60
        if seconds > 60:
            raise BadBars(
                f"{self._source_name}: expected one-minute bars, found {seconds // 60:,}-minute bars; have the feed "
                f"deliver one-minute bars."
            )

    def _of_report(self, report: ImportReport, new: pa.Table) -> list[Notice]:
        notices = []
        if report.rows_stored:
            notices.append(Notice("stored", f"{report.rows_stored:,} new bars, {_span(report)}."))
        if report.rows_revised:
            notices.append(Notice("revised", f"{'; '.join(report.warnings)}."))
        minutes: Minutes = np.unique(new.column("ts").cast(pa.int64()).to_numpy() // MINUTE_US)
        if self.newest is not None:
            known = to_minute(self.newest)
            late = minutes[minutes < known]
            if len(late):
                first = f"{from_minute(int(late[0])):%Y-%m-%d %H:%MZ}"
                notices.append(Notice("late", f"{len(late):,} bars came after newer ones, the first of {first}."))
            minutes = np.concatenate([[known], minutes[minutes > known]])
        return notices + self._holes(minutes)

    def _holes(self, minutes: Minutes) -> list[Notice]:
        wide = np.flatnonzero(np.diff(minutes) > self._hole_minutes + 1)
        missing = expected_minutes(self._instrument, minutes[wide] + 1, minutes[wide + 1])
        holes, missing = wide[missing > self._hole_minutes], missing[missing > self._hole_minutes]
        if len(holes) == 0:
            return []
        first, last = from_minute(int(minutes[holes[0]]) + 1), from_minute(int(minutes[holes[0] + 1]))
        which = f"{len(holes):,} holes, the first" if len(holes) > 1 else "a hole"
        return [
            Notice(
                "hole",
                f"{which} from {first:%Y-%m-%d %H:%MZ} to {last:%Y-%m-%d %H:%MZ}: {int(missing.sum()):,} minutes of "
                f"open market without a bar.",
            )
        ]


def _span(report: ImportReport) -> str:
    if report.first_ts is None or report.last_ts is None:
        return "none usable"
    return f"{report.first_ts:%Y-%m-%d %H:%MZ} to {report.last_ts:%Y-%m-%d %H:%MZ}"
