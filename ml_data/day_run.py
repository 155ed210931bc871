"""The files of day bars of one call: read once, one plan a ticker, written together as long as no ticker repeats."""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Final, Self

import pyarrow as pa

from ml_data.day_plan import IMPORTS_CHANGED, DayPlan, plan_days
from ml_data.day_read import DayReading, read_days
from ml_data.day_write import write_days
from ml_data.import_plan import Source
from ml_data.import_report import ImportReport
from ml_data.import_sources import refused
from ml_data.importers.base import REJECTS
from ml_data.store import Store
from trading.domain.instrument import Instrument
from trading.errors import BadBars, StoreBusy

_ATTEMPTS: Final = 5
_BATCH_ROWS: Final = 524_288
_WORD: Final = re.compile(r"[^A-Z0-9.-]+")
_LETTERS: Final = re.compile(r"[^A-Z0-9]+")


class DayRun:
    """Plans files of day bars and writes them; `reports` by file number, one a ticker."""

    def __init__(self, store: Store, now: datetime, *, dry_run: bool, accept_revisions: bool) -> None:
        self.reports: dict[int, list[ImportReport]] = {}
        self._store = store
        self._now = now
        self._dry_run = dry_run
        self._accept_revisions = accept_revisions
        self._waiting: list[tuple[int, DayPlan]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._waiting = []

    def take(self, number: int, source: Source, instruments: Mapping[str, Instrument], together: Instrument) -> None:
        """Plan a file of day bars of some of `instruments` (by ticker), which was opened as one of `together`.

        Raises
        ------
        BadBars
            when the file as a whole cannot be used; of several tickers in it, one that cannot be used is reported.
        """
        reading = read_days(source, together)
        parts = _by_ticker(source.name, reading, instruments, together)
        for ticker, part in parts.items():
            name = source.name if len(parts) == 1 else f"{source.name} ({ticker})"
            try:
                self._plan(number, source, part, instruments[ticker], name)
            except BadBars as error:
                if len(parts) == 1:
                    raise
                self._report(number, refused(name, error, dry_run=self._dry_run))

    def write(self) -> None:
        """Write what waits; where another process imported since it was planned, plan it again."""
        for _ in range(_ATTEMPTS):
            waiting, self._waiting = self._waiting, []
            ids = write_days(self._store, [plan for _, plan in waiting], self._now) if waiting else []
            if ids is not None:
                for (number, plan), import_id in zip(waiting, ids, strict=True):
                    self._report(number, plan.report(import_id))
                return
            for number, plan in waiting:
                try:
                    again = self._planned(plan.source, plan.reading, plan.instrument, plan.file_name)
                except BadBars as error:
                    self._report(number, refused(plan.file_name, error, dry_run=False))
                else:
                    self._waiting.append((number, again))
        names = ", ".join(plan.file_name for _, plan in self._waiting)
        raise StoreBusy(IMPORTS_CHANGED.format(names, _ATTEMPTS))

    def _plan(self, number: int, source: Source, part: DayReading, instrument: Instrument, name: str) -> None:
        if any(plan.instrument.symbol == instrument.symbol for _, plan in self._waiting):
            self.write()  # it was compared with the store only, not with what waits
        plan = self._planned(source, part, instrument, name)
        if self._dry_run:
            self._report(number, plan.report(None))
            return
        self._waiting.append((number, plan))
        if sum(len(each.bars) for _, each in self._waiting) >= _BATCH_ROWS:
            self.write()

    def _planned(self, source: Source, part: DayReading, instrument: Instrument, name: str) -> DayPlan:
        accepted = self._accept_revisions
        return plan_days(self._store, source, part, instrument, self._now, accept_revisions=accepted, file_name=name)

    def _report(self, number: int, report: ImportReport) -> None:
        self.reports.setdefault(number, []).append(report)


def _by_ticker(
    file_name: str, reading: DayReading, instruments: Mapping[str, Instrument], together: Instrument
) -> dict[str, DayReading]:
    """Return the rows of each ticker: as the symbol column says, else as the file is called.

    Raises
    ------
    BadBars
        when neither says it, or they contradict each other.
    """
    if len(instruments) == 1 and together.symbol in instruments:
        _refuse_contracts(file_name, reading, together)
        return {together.symbol: reading}
    called = {alias: ticker for ticker, one in instruments.items() for alias in (ticker, one.symbol)}
    named = _tickers_in_name(file_name, called)
    symbols = reading.rows.column("contract")
    found = {called[symbol] for symbol in symbols.unique().to_pylist() if symbol in called}
    if not found:
        if len(named) != 1:
            what = f"found {', '.join(sorted(named))}" if named else "found none"
            raise BadBars(
                f"{file_name}: expected the name of one stock of {together.symbol} in a symbol column or in the file's "
                f"name, {what}; call it like its ticker, such as {next(iter(instruments))}.csv, or add it to the "
                f"universe."
            )
        return {next(iter(named)): reading}
    if len(found) == 1 and named and not named & found:
        raise BadBars(
            f"{file_name}: its name says {', '.join(sorted(named))}, its symbol column {next(iter(found))}; rename the "
            f"file if the column is right."
        )
    of = pa.array([called.get(symbol, "") for symbol in symbols.to_pylist()], pa.string())
    return {
        ticker: _part(reading, reading.rows.filter(pa.compute.equal(of, ticker)), first=place == 0)
        for place, ticker in enumerate(sorted(found))
    }


def _refuse_contracts(file_name: str, reading: DayReading, instrument: Instrument) -> None:
    contracts = sorted(set(reading.rows.column("contract").to_pylist()) - {instrument.symbol})
    if contracts:
        raise BadBars(
            f"{file_name}: expected day bars of one continuous series of {instrument.symbol}, found those of the "
            f"contracts {', '.join(contracts[:3])}; bring a continuous series."
        )


def _part(reading: DayReading, rows: pa.Table, *, first: bool) -> DayReading:
    """Return the part of `reading` with these rows; what belongs to no ticker goes with the first of them."""
    return DayReading(
        recognised=reading.recognised,
        rule=reading.rule,
        rows=rows,
        rejects=reading.rejects if first else REJECTS.empty_table(),
        rows_read=len(rows) + (len(reading.rejects) + reading.bars_dropped if first else 0),
        bars_dropped=reading.bars_dropped if first else 0,
        others=reading.others if first else (),
        repairs=reading.repairs if first else (),
    )


def _tickers_in_name(file_name: str, called: Mapping[str, str]) -> set[str]:
    """Return the tickers that a file's name has as a word, such as that of `BATS_AAPL, 1D.csv` and `aapl.us.txt`.

    A point or a hyphen may be part of a ticker (BRK-B), so only what has no such word is cut at them.
    """
    name = PurePosixPath(file_name).name.upper()
    for between in (_WORD, _LETTERS):
        stem = name
        while stem:
            found = {called[word] for word in between.split(stem) if word in called}
            if found:
                return found
            stem = stem.rpartition(".")[0]
    return set()
