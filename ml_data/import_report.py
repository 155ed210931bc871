"""What became of a file: the figures of its import, and the lines that tell them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

from ml_data.clock_words import ClockFinding
from ml_data.import_measures import Measured
from ml_data.importers.base import Recognised

Verdict = Literal["stored", "stored with warnings", "unchanged", "left out", "refused"]
_SHOWN: Final = 5


@dataclass(frozen=True)
class RejectedRow:
    """A row that was not stored: its number in the file, why, and the row as the file has it."""

    row_number: int
    reason: str
    raw: str


@dataclass(frozen=True)
class DaySpan:
    """The first and last day of a file of day bars or of series; `what` and `rule` are a sentence with "is" between."""

    rule: str
    first: date
    last: date
    what: str = "day bars: the day of a bar"


@dataclass(frozen=True)
class ImportReport:
    """One file. `rows_read` is the sum of stored, revised, unchanged, rejected and dropped rows.

    `rows_stored` are bars that were not there before, `rows_revised` bars that had other values,
    `rows_unchanged` bars that had these, `bars_dropped` rows of other symbols (spreads, other products).
    With `dry_run` the figures are what would have been. A refused file has a `refusal` and changed nothing; so has a
    file of a zip that was `left_out`, which says what it is.
    """

    file_name: str
    verdict: Verdict
    dry_run: bool
    refusal: str | None = None
    left_out: str | None = None
    import_id: str | None = None
    sha256: str = ""
    recognised: Recognised | None = None
    clock: ClockFinding | None = None
    rows_read: int = 0
    rows_stored: int = 0
    rows_revised: int = 0
    rows_unchanged: int = 0
    rows_rejected: int = 0
    bars_dropped: int = 0
    contracts: tuple[str, ...] = ()
    first_ts: datetime | None = None  # start of the first and last usable bar, UTC
    last_ts: datetime | None = None
    others: tuple[str, ...] = ()  # some of the symbols that were dropped
    first_rejects: tuple[RejectedRow, ...] = ()  # the first few; all of them are in the store
    warnings: tuple[str, ...] = ()
    measured: Measured | None = None  # of a dry run
    days: DaySpan | None = None  # of day bars; None: one-minute bars

    def not_accepted(self) -> "ImportReport":
        """Return the report of a file whose clock was inferred and that nobody accepted: nothing is stored."""
        if self.clock is None:
            return self
        refusal = (
            f"{self.file_name}: its stamps name no clock; the bars show {self.clock.clock} ({self.clock.verdict}); add "
            f"--accept to import it so, or name another with --time-zone."
        )
        return ImportReport(
            self.file_name, "refused", dry_run=False, refusal=refusal, recognised=self.recognised, clock=self.clock
        )


def notes_of(report: ImportReport) -> str:
    """Return what a person must read of a stored file where not all of it is told; "" when there is nothing."""
    told = [f"{report.file_name}: note: {warning}" for warning in report.warnings]
    if report.rows_rejected:
        first = report.first_rejects[0]
        where = f"the first is row {first.row_number:,}: {first.reason}"
        told.append(f"{report.file_name}: {report.rows_rejected:,} rejected, {where}")
    return "\n".join(told)


def describe(report: ImportReport) -> str:
    """Return the lines that tell a person what became of a file.

    >>> print(describe(ImportReport("a.csv", "refused", dry_run=False, refusal="a.csv: the file is empty.")))
    refused: a.csv: the file is empty.
    """
    if report.left_out is not None:
        return f"left out: {report.file_name}: not bars but {report.left_out}"
    if report.refusal is not None or report.recognised is None:
        return "\n".join([f"refused: {report.refusal}", *_evidence(report)])
    taken = report.recognised
    verdict = f"would be {report.verdict}" if report.dry_run else report.verdict
    if report.clock is not None and report.clock.needs_accept:
        verdict += " with --accept"
    lines = [
        f"{report.file_name}: {verdict}",
        f"  taken for {taken.title} ({taken.format}), because {taken.why}",
        _stamps(report, taken),
        *_evidence(report),
        f"  {_rows(report)}",
    ]
    if report.dry_run and taken.columns_used:
        lines.append(f"  columns used: {', '.join(taken.columns_used)}")
    if taken.columns_ignored:
        lines.append(f"  columns not used: {', '.join(taken.columns_ignored)}")
    if report.days is not None:
        lines.append(f"  {', '.join(report.contracts)}, {report.days.first} to {report.days.last}")
    elif report.first_ts is not None and report.last_ts is not None:
        contracts = f"{len(report.contracts)} contracts" if len(report.contracts) > 1 else "".join(report.contracts)
        lines.append(f"  {contracts}, {report.first_ts:%Y-%m-%d %H:%MZ} to {report.last_ts:%Y-%m-%d %H:%MZ}")
    if report.measured is not None:
        lines += [f"  {line}" for line in report.measured.lines()]
    lines += [f"  note: {warning}" for warning in report.warnings]
    lines += [f"  row {row.row_number:,} rejected: {row.reason}: {row.raw}" for row in report.first_rejects[:_SHOWN]]
    if report.rows_rejected > _SHOWN:
        lines.append(f"  and {report.rows_rejected - _SHOWN:,} more rejected rows")
    return "\n".join(lines)


def _stamps(report: ImportReport, taken: Recognised) -> str:
    if report.days is not None:
        return f"  {report.days.what} is {report.days.rule}"
    return f"  clock: {_clock(report, taken)}; a stamp marks the {taken.stamps} of its minute"


def _clock(report: ImportReport, taken: Recognised) -> str:
    words = report.clock.words() if report.clock is not None else ""
    return f"{taken.time_zone} ({words})" if words else taken.time_zone


def _evidence(report: ImportReport) -> list[str]:
    """Return what the bars say of their clock: always where it was inferred, else when only asked what would be."""
    clock = report.clock
    if clock is None or clock.verdict == "contradicted" or (clock.how != "inferred" and not report.dry_run):
        return []
    return [f"    {line}" for line in clock.lines]


def _rows(report: ImportReport) -> str:
    parts = [f"{report.rows_read:,} rows read: {report.rows_stored:,} new"]
    parts += [
        f"{count:,} {word}"
        for count, word in (
            (report.rows_unchanged, "unchanged"),
            (report.rows_revised, "revised"),
            (report.rows_rejected, "rejected"),
        )
        if count
    ]
    if report.bars_dropped:
        parts.append(f"{report.bars_dropped:,} of other symbols left out (such as {', '.join(report.others[:2])})")
    return ", ".join(parts)
