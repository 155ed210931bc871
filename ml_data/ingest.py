"""Imports files of bars into the store: recognise, check, compare with what is stored, then write once per file.

A file enters whole or not at all; small files enter together, so that not each of them pays for opening the store.
Running an interrupted import again goes on where it stopped. Nothing is computed while the store is leased for writing.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import accumulate, count
from pathlib import Path
from typing import Final, Self

import numpy as np
import pyarrow as pa

from ml_data.clock_words import ClockFinding
from ml_data.day_read import FEWEST, are_few_days
from ml_data.day_run import DayRun
from ml_data.import_clock import BarMinutes, checked_clock, inferred_clock
from ml_data.import_comparison import Accepted, Comparison, StoreView, look
from ml_data.import_measures import PriceRange, measured
from ml_data.import_plan import ImportPlan, Source
from ml_data.import_report import ImportReport
from ml_data.import_sources import Question, refused, sources
from ml_data.import_windows import OutOfOrder, windows
from ml_data.import_write import write_imports
from ml_data.importers.base import CHUNK_ROWS, REJECTS, ROWS, Chunk, DayBars, Mark, Reading, Recognised, UnknownClock
from ml_data.price_level import KnownClose
from ml_data.spool import Spool
from ml_data.stamp_marks import refuse_other_marks
from ml_data.store import Store
from trading.domain.bar import BARS
from trading.domain.instrument import Instrument
from trading.errors import BadBars, StoreBusy

Progress = Callable[[float, str], None]
"""Called with the share of all bytes that is read, 0 to 1, and the name of the file at hand."""

BATCH_ROWS: Final = 524_288
"""Files that bring fewer bars wait for others: writing each of 55 months alone costs three times as much."""

_ATTEMPTS: Final = 5


def ingest(
    store: Store,
    instrument: Instrument,
    files: Sequence[Path],
    *,
    now: datetime,
    format: str | None = None,  # noqa: A002 - the name of the option
    time_zone: str | None = None,
    stamps: Mark | None = None,
    dry_run: bool = False,
    accept: bool = False,
    accept_revisions: bool = False,
    accept_prices: bool = False,
    progress: Progress | None = None,
) -> list[ImportReport]:
    """Import `files` one after the other and return a report of each, in their order; a refused file stops no other.

    Each file in a zip is a file of its own, but for notes beside the bars: they are left out and named.
    `now` (aware) is written as the time of import. `format`, `time_zone` and `stamps` (what a stamp marks of its
    minute) are what the file does not say itself.
    Where stamps are naive and no `time_zone` is named, the bars are asked for their clock; it is told with the
    evidence, and the file is stored only with `accept`. A clock that is named or stated and that the bars contradict is
    told, and refused without `accept` where the daily halt is no halt under it.
    Where files, or a file and the store, have other values for a minute, the later file wins and the earlier values
    are kept as a revision; a file that contradicts most of what it overlaps is refused unless `accept_revisions`.
    Prices at another level than the instrument's, or of which only a part is adjusted, are refused unless
    `accept_prices`.

    Raises
    ------
    StoreError
        when the store cannot be read or written; the files before are stored, this one is not.
    """
    sizes = [_size(path) for path in files]
    whole = max(1, sum(sizes))
    numbers = count()
    accepted = Accepted(clock=accept, revisions=accept_revisions, prices=accept_prices)
    with _Run(store, instrument, now, accepted, dry_run=dry_run) as run:
        for path, before, size in zip(files, accumulate(sizes, initial=0), sizes, strict=False):

            def tell(
                part: float, low: float, high: float, start: int = before, size: int = size, name: str = path.name
            ) -> None:
                if progress is not None:
                    progress((start + (low + (high - low) * part) * size) / whole, name)

            tell(0.0, 0.0, 1.0)
            for (low, high), taken in sources(path, Question(instrument, format, time_zone, dry_run, stamps)):
                number = next(numbers)
                if isinstance(taken, ImportReport):
                    run.reports[number] = taken
                    continue
                try:
                    run.take(number, taken, partial(tell, low=low, high=high))
                except BadBars as error:
                    run.reports[number] = refused(taken.name, error, dry_run=dry_run)
            tell(1.0, 0.0, 1.0)
        run.write()
        return [run.reports[number] for number in sorted(run.reports)]


def ingest_bars(
    store: Store,
    instrument: Instrument,
    bars: Iterable[pa.Table],
    *,
    source_name: str,
    now: datetime,
    accept_rejects: bool = False,
) -> ImportReport:
    """Import tables of the schema `trading.domain.bar.BARS` (a generated market, a feed) by the rules of `ingest`.

    Tables follow each other in time, or fit in memory together; the whole is stored in one transaction. With
    `accept_rejects` (a feed brings a bar or two at a time) they are not refused where most rows cannot be used.

    Raises
    ------
    BadBars
        when the bars as a whole cannot be used.
    StoreError
        when the store cannot be read or written.
    """
    tables = list(bars)
    recognised = Recognised(
        format="bars",
        title="bars from a program",
        why=f"they come from {source_name}",
        columns_used=tuple(ROWS.names[:-1]),
        columns_ignored=(),
        time_zone="UTC",
        stamps="start",
        span=None,
    )
    source = Source(
        name=source_name,
        sha256="",
        read=lambda _: Reading(recognised, _chunks_of(tables)),
        raw_rows=lambda rows: dict.fromkeys(rows, ""),
        stamps="start",
    )
    with _Run(
        store,
        instrument,
        now,
        Accepted(clock=True, revisions=False, prices=True, rejects=accept_rejects),
        dry_run=False,
        day_bars=False,
    ) as run:
        run.take(0, source, lambda _: None)
        run.write()
        return run.reports[0]


def _chunks_of(tables: list[pa.Table]) -> Iterator[Chunk]:
    first = 1
    for table in tables:
        for start in range(0, len(table), CHUNK_ROWS):
            rows = table.slice(start, CHUNK_ROWS)
            numbers = pa.array(range(first, first + len(rows)), pa.int64())
            yield Chunk(rows.append_column("row_number", numbers).cast(ROWS), REJECTS.empty_table(), len(rows), 0, 1.0)
            first += len(rows)


def _size(path: Path) -> int:
    with suppress(OSError):  # told when it is opened
        return path.stat().st_size
    return 0


class _Run:
    """The files of one call: each is planned, waits with others, and is written with them; `reports` by file number."""

    def __init__(
        self,
        store: Store,
        instrument: Instrument,
        now: datetime,
        accepted: Accepted,
        *,
        dry_run: bool,
        day_bars: bool = True,
    ) -> None:
        self.reports: dict[int, ImportReport] = {}
        self._store = store
        self._instrument = instrument
        self._now = now
        self._dry_run = dry_run
        self._accepted = accepted
        self._levels: list[KnownClose] = []  # of the files of this run
        self._day_bars = day_bars
        self._waiting: dict[int, tuple[Source, ImportPlan]] = {}
        self._together = True
        self._view: StoreView | None = None  # of the store as it is until this run writes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for _, plan in self._waiting.values():
            plan.incoming.close()

    def take(self, number: int, source: Source, tell: Callable[[float], None]) -> None:
        """Plan a file and write it, alone or with those that wait, when enough of them do."""
        try:
            plan = self._planned(source, tell)
        except BadBars as error:
            if not self._holds_days(source, error):
                raise
            self._take_days(number, source)
            return
        if plan.rows_read < FEWEST and self._holds_days(source, None):
            plan.incoming.close()
            self._take_days(number, source)
            return
        if self._dry_run:
            self.reports[number] = plan.report(source, None)
            plan.incoming.close()
            return
        if plan.clock.needs_accept:
            plan.incoming.close()
            self.reports[number] = plan.report(source, None).not_accepted()
            return
        if any(plan.overlaps(other) for _, other in self._waiting.values()):
            # It was compared with the store only, not with what waits. Files of one series that overlap go on doing so.
            plan.incoming.close()
            self._together = False
            self.write()
            plan = self._planned(source, tell)
        self._waiting[number] = (source, plan)
        self._levels += plan.levels
        if not self._together or sum(other.incoming.rows for _, other in self._waiting.values()) >= BATCH_ROWS:
            self.write()

    def _holds_days(self, source: Source, error: BadBars | None) -> bool:
        """Return whether a file that cannot be taken for minutes (`error`), or is too short to tell, has day bars."""
        return self._day_bars and (isinstance(error, DayBars) or are_few_days(source, self._instrument))

    def _take_days(self, number: int, source: Source) -> None:
        """Import a file that turned out to hold bars of days."""
        self.write()
        self._view = None
        accepted = self._accepted.revisions
        with DayRun(self._store, self._now, dry_run=self._dry_run, accept_revisions=accepted) as days:
            days.take(number, source, {self._instrument.symbol: self._instrument}, self._instrument)
            days.write()
            [self.reports[number]] = days.reports[number]

    def write(self) -> None:
        """Write the files that wait; where another process imported since they were planned, plan them again."""
        for _ in range(_ATTEMPTS):
            items, self._waiting = self._waiting, {}
            if not items or self._written(items):
                return
            for number, (source, _) in items.items():
                try:
                    self._waiting[number] = (source, self._planned(source, lambda _: None))
                except BadBars as error:
                    self.reports[number] = refused(source.name, error, dry_run=False)
        names = ", ".join(source.name for source, _ in self._waiting.values())
        raise StoreBusy(f"{names}: other imports changed the store {_ATTEMPTS} times meanwhile; run it again.")

    def _written(self, items: dict[int, tuple[Source, ImportPlan]]) -> bool:
        try:
            ids = write_imports(self._store, self._instrument, list(items.values()), self._now)
        finally:
            self._view = None
            for _, plan in items.values():
                plan.incoming.close()
        if ids is None:
            return False
        for (number, (source, plan)), import_id in zip(items.items(), ids, strict=True):
            self.reports[number] = plan.report(source, import_id)
        return True

    def _planned(self, source: Source, tell: Callable[[float], None]) -> ImportPlan:
        """Read `source` and compare it with the store; ask the bars for their clock where nobody knows it.

        Raises
        ------
        BadBars
            when the file as a whole cannot be used.
        """
        try:
            return self._compared(source, None, tell)
        except UnknownClock as unknown:
            found = inferred_clock(source, self._instrument, unknown.sample, accepted=self._accepted.clock)
            return self._compared(source, found, tell)

    def _compared(self, source: Source, clock: ClockFinding | None, tell: Callable[[float], None]) -> ImportPlan:
        if self._view is None:
            self._view = look(self._store, self._instrument)
        for whole in (False, True):
            incoming = Spool(BARS, self._store.home)
            minutes, prices = BarMinutes(), PriceRange()
            try:
                comparison = Comparison(self._store, self._view, self._instrument, source, incoming)
                reading = source.read(source.time_zone if clock is None else clock.clock)
                for window in windows(reading.chunks, self._instrument, source.name, whole=whole):
                    comparison.take(window)
                    minutes.take(window.rows)
                    if self._dry_run:
                        prices.take(window.rows)
                    tell(window.share)
                if source.stamps is None:
                    refuse_other_marks(source.name, minutes.starts(), reading.recognised.stamps, self._instrument)
                comparison.refuse_what_cannot_be_used(self._accepted, self._levels)
                read_on = reading.recognised.time_zone
                found = clock or checked_clock(
                    minutes, read_on, source, self._instrument, accepted=self._accepted.clock
                )
                plan = comparison.plan(reading.recognised, found, self.reports.values())
                self._refuse_a_second_series(source.name, plan, self._view)
                if self._dry_run:
                    plan = replace(plan, measured=measured(minutes.starts().astype(np.int64), prices, self._instrument))
                return plan
            except OutOfOrder:
                incoming.close()
            except BaseException:
                incoming.close()
                raise
        raise AssertionError("one window cannot be out of order")

    def _refuse_a_second_series(self, name: str, plan: ImportPlan, view: StoreView) -> None:
        symbol = self._instrument.symbol
        if self._instrument.contracts is None or not plan.contracts:
            return
        kinds = {contract == symbol for contract in plan.contracts}
        kinds |= {contract == symbol for _, other in self._waiting.values() for contract in other.contracts}
        kinds |= set() if view.continuous is None else {view.continuous}
        if len(kinds) > 1:
            raise BadBars(
                f"{name}: {symbol} would be stored twice, as one continuous series and by single contracts; bring bars "
                f"of one kind, with a contract column where contracts are meant."
            )
