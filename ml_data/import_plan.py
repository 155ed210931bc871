"""The plan of an import: where bars come from, what they would change, and what is to be told about it."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from ml_data.clock_words import ClockFinding
from ml_data.import_measures import Measured
from ml_data.import_report import ImportReport, RejectedRow, Verdict
from ml_data.importers.base import Mark, Reading, Recognised
from ml_data.price_level import KnownClose
from ml_data.spool import Spool


@dataclass(frozen=True)
class Source:
    """Where bars come from: `read` starts anew each time, `raw_rows` shows rows as they were written.

    `time_zone` is the clock that was named for naive stamps, if any; `read` takes it, or the one that was found.
    `stamps` is what they mark, where somebody said it.
    """

    name: str
    sha256: str
    read: Callable[[str | None], Reading]
    raw_rows: Callable[[Collection[int]], dict[int, str]]
    time_zone: str | None = None
    stamps: Mark | None = None


def verdict_of(rows: int, told: bool) -> Verdict:
    """Return what an import that writes `rows` rows is called; `told` says that there is something to tell of it."""
    if not rows:
        return "unchanged"
    return "stored with warnings" if told else "stored"


@dataclass(frozen=True)
class ImportPlan:
    """What importing a file would write, and the figures to report; nothing is written yet.

    `incoming` holds new and revised bars, `revisions` old and new values of the revised ones, `dirty` the spans in
    which something changes. `imports_before` tells whether the store is still the one that was compared with.
    """

    recognised: Recognised
    clock: ClockFinding
    incoming: Spool
    revisions: pa.Table
    rejects: pa.Table
    dirty: pa.Table
    imports_before: int
    rows_read: int
    rows_unchanged: int
    bars_dropped: int
    contracts: tuple[str, ...]
    first_ts: datetime | None
    last_ts: datetime | None
    others: tuple[str, ...]
    warnings: tuple[str, ...]
    raw: Mapping[int, str]  # the rejected rows as written, by row number
    measured: Measured | None = None  # where it was asked what would be
    levels: tuple[KnownClose, ...] = ()  # prices where the file begins and ends

    @property
    def reasons(self) -> tuple[str, ...]:
        """What stands behind the verdict, a sentence each."""
        counts = Counter(self.rejects.column("reason").to_pylist()).most_common()
        return (*self.warnings, *(f"{rows:,} rejected: {reason}" for reason, rows in counts))

    @property
    def rows_stored(self) -> int:
        """Minutes that were not stored before."""
        return self.incoming.rows - len(self.revisions)

    @property
    def verdict(self) -> Verdict:
        """What this import will be called."""
        return verdict_of(self.incoming.rows, bool(self.warnings or len(self.rejects)))

    def overlaps(self, other: "ImportPlan") -> bool:
        """Return whether both have bars of the same time."""
        ends = (self.first_ts, self.last_ts, other.first_ts, other.last_ts)
        if ends[0] is None or ends[1] is None or ends[2] is None or ends[3] is None:
            return False
        return ends[0] <= ends[3] and ends[2] <= ends[1]

    def report(self, source: Source, import_id: str | None) -> ImportReport:
        """Return the report of this plan, carried out as `import_id`, or only made (None)."""
        first = self.rejects.slice(0, 5).to_pylist()
        return ImportReport(
            file_name=source.name,
            verdict=self.verdict,
            dry_run=import_id is None,
            import_id=import_id,
            sha256=source.sha256,
            recognised=self.recognised,
            clock=self.clock,
            rows_read=self.rows_read,
            rows_stored=self.rows_stored,
            rows_revised=len(self.revisions),
            rows_unchanged=self.rows_unchanged,
            rows_rejected=len(self.rejects),
            bars_dropped=self.bars_dropped,
            contracts=self.contracts,
            first_ts=self.first_ts,
            last_ts=self.last_ts,
            others=self.others,
            first_rejects=tuple(
                RejectedRow(row["row_number"], row["reason"], self.raw.get(row["row_number"], "")) for row in first
            ),
            warnings=self.warnings,
            measured=self.measured,
        )
