"""What a file of day bars would change in the store: compared day by day with what is there, one plan a ticker."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import numpy as np
import pyarrow as pa

from ml_data.bar_changes import changes
from ml_data.day_checks import CheckedDays, check_days, days_of, jumps_like_splits, same_factor
from ml_data.day_identity import notes_on_prices, refuse_another_thing, refuse_other_sessions
from ml_data.day_read import DayReading
from ml_data.import_comparison import CONTRADICTION_BARS
from ml_data.import_plan import Source, verdict_of
from ml_data.import_report import DaySpan, ImportReport, RejectedRow, Verdict
from ml_data.importers.base import ROWS
from ml_data.price_scale import scale_against
from ml_data.store import Store, sql
from trading.domain.calendar import day_spans, from_minute, to_minute
from trading.domain.instrument import Instrument
from trading.errors import BadBars

VALUES: Final = ("open", "high", "low", "close", "volume")
IMPORTS_CHANGED: Final = "{}: other imports changed the store {} times meanwhile; run it again."
_FEW: Final = 3  # jumps that a note names


@dataclass(frozen=True)
class DayPlan:
    """What importing the day bars of one instrument from one file would write; nothing is written yet.

    `bars` has the columns of `bars_1d`, `revisions` those of `day_bar_revisions` but for the import. `imports_before`
    tells whether the store is still the one that was compared with.
    """

    source: Source
    instrument: Instrument
    reading: DayReading
    bars: pa.Table
    revisions: pa.Table
    rejects: pa.Table
    raw: Mapping[int, str]
    rows_read: int
    rows_unchanged: int
    span: DaySpan | None
    first_ts: datetime | None
    last_ts: datetime | None
    warnings: tuple[str, ...]
    imports_before: int
    file_name: str

    @property
    def rows_stored(self) -> int:
        """Days that were not stored before."""
        return len(self.bars) - len(self.revisions)

    @property
    def verdict(self) -> Verdict:
        """What this import will be called."""
        return verdict_of(len(self.bars), bool(self.warnings or len(self.rejects)))

    def report(self, import_id: str | None) -> ImportReport:
        """Return the report of this plan, carried out as `import_id`, or only made (None)."""
        first = self.rejects.slice(0, 5).to_pylist()
        return ImportReport(
            file_name=self.file_name,
            verdict=self.verdict,
            dry_run=import_id is None,
            import_id=import_id,
            sha256=self.source.sha256,
            recognised=self.reading.recognised,
            rows_read=self.rows_read,
            rows_stored=self.rows_stored,
            rows_revised=len(self.revisions),
            rows_unchanged=self.rows_unchanged,
            rows_rejected=len(self.rejects),
            bars_dropped=self.reading.bars_dropped,
            contracts=(self.instrument.symbol,),
            first_ts=self.first_ts,
            last_ts=self.last_ts,
            others=self.reading.others,
            first_rejects=tuple(
                RejectedRow(row["row_number"], row["reason"], self.raw.get(row["row_number"], "")) for row in first
            ),
            warnings=self.warnings,
            days=self.span,
        )


def plan_days(
    store: Store,
    source: Source,
    reading: DayReading,
    instrument: Instrument,
    now: datetime,
    *,
    accept_revisions: bool,
    file_name: str,
) -> DayPlan:
    """Return what `reading` would change in the day bars of `instrument`.

    Raises
    ------
    BadBars
        when the file as a whole cannot be used: of another instrument, on shifted dates, or against what is stored.
    """
    checked = check_days(_of_one(reading.rows, instrument), instrument, to_minute(now))
    rejects = pa.concat_tables([reading.rejects, checked.rejects]).sort_by("row_number")
    refuse_other_sessions(file_name, checked.closed.tolist(), len(reading.rows), instrument)
    known = _known_close(store, instrument, reading.rows)
    refuse_another_thing(file_name, reading.rows, instrument, reading.recognised, checked.off_grid, known)
    _refuse_scaled(file_name, checked, known)
    _refuse_mostly_rejected(file_name, rejects, len(reading.rows) + len(reading.rejects))
    imports, stored, old = _stored(store, source, instrument, checked.rows)
    found = changes(checked.rows, stored)
    again = np.isin(found.revised.column("row_number").to_numpy(), list(old))
    newer = pa.array(~again)
    revised, before = found.revised.filter(newer), found.before.filter(newer)
    unchanged = found.unchanged + int(again.sum())
    told = _contradiction(revised, before)
    shared = unchanged + len(revised)
    if shared >= CONTRADICTION_BARS and 2 * len(revised) > shared and not accept_revisions:
        raise BadBars(
            f"{file_name}: {len(revised):,} of the {shared:,} days that are stored already have other values in this "
            f"file ({told}), so it is of another instrument or price adjustment; if it is right, import it with "
            f"--accept-revisions."
        )
    if len(found.new) + len(revised):
        _refuse_a_twin(store, file_name, checked.rows, instrument)
    span, first_ts, last_ts = _span(checked.rows, instrument, reading.rule)
    return DayPlan(
        source=source,
        instrument=instrument,
        reading=reading,
        bars=as_day_bars(pa.concat_tables([found.new, revised]), instrument),
        revisions=_old_and_new(revised, before, instrument),
        rejects=rejects,
        raw=source.raw_rows(rejects.column("row_number").to_pylist()) if len(rejects) else {},
        rows_read=len(reading.rows) + len(reading.rejects) + reading.bars_dropped,
        rows_unchanged=unchanged + checked.repeated,
        span=span,
        first_ts=first_ts,
        last_ts=last_ts,
        warnings=(*_notes(reading, checked, instrument), *_of_revisions(len(revised), told)),
        imports_before=imports,
        file_name=file_name,
    )


def as_day_bars(rows: pa.Table, instrument: Instrument) -> pa.Table:
    """Return rows with a label in `ts` as rows of `bars_1d`."""
    return pa.table(
        {
            "instrument": pa.repeat(pa.scalar(instrument.symbol, pa.string()), len(rows)),
            "trading_day": pa.array(days_of(rows)),
            **{name: rows.column(name) for name in VALUES},
        }
    )


def _of_one(rows: pa.Table, instrument: Instrument) -> pa.Table:
    """Return `rows` under the instrument's own name: a day has one bar, whatever the file calls its symbol."""
    place = rows.schema.get_field_index("contract")
    return rows.set_column(place, ROWS.field(place), pa.repeat(pa.scalar(instrument.symbol, pa.string()), len(rows)))


def _stored(
    store: Store, source: Source, instrument: Instrument, rows: pa.Table
) -> tuple[int, pa.Table, frozenset[int]]:
    """Return how many imports there were, the stored days as rows, and the rows that a later import replaced."""
    whose = {"instrument": instrument.symbol}
    with store.market() as cursor:
        contents = cursor.execute(sql("imported_files"), whose).fetchall()
        [(imports,)] = cursor.execute(sql("imports_so_far")).fetchall()
        days = cursor.sql(sql("stored_day_bars"), params=whose).to_arrow_table()
        old: frozenset[int] = frozenset()
        if (source.sha256,) in contents:
            cursor.register("incoming", _with_days(rows))
            old = frozenset(row for (row,) in cursor.execute(sql("superseded_days"), whose).fetchall())
            cursor.unregister("incoming")
    names = pa.repeat(pa.scalar(instrument.symbol, pa.string()), len(days))
    stamps = days.column("trading_day").cast(pa.timestamp("us")).cast(ROWS.field("ts").type)
    stored = pa.table({"contract": names, "ts": stamps, **{name: days.column(name) for name in VALUES}})
    return imports, stored, old


def _with_days(rows: pa.Table) -> pa.Table:
    return rows.append_column("trading_day", pa.array(days_of(rows))).drop_columns(["ts", "contract"])


def _known_close(store: Store, instrument: Instrument, rows: pa.Table) -> float:
    if not len(rows):
        return 0.0
    asked = {"instrument": instrument.symbol, "day": str(days_of(rows).max())}
    with store.market() as cursor:
        rows = cursor.execute(sql("day_closes_around"), asked).fetchall()
    return float(rows[0][0]) if rows else 0.0


def _refuse_scaled(file_name: str, checked: CheckedDays, known: float) -> None:
    newest = float(checked.rows.column("close")[-1].as_py()) if len(checked.rows) else 0.0
    scale = scale_against(newest, known)
    if scale:
        raise BadBars(
            f"{file_name}: its newest close is {newest:.10g} where {known:.10g} is stored near that day, so its prices "
            f"are scaled by {abs(scale):,} or of another instrument; export prices as they are."
        )


def _refuse_mostly_rejected(file_name: str, rejects: pa.Table, read: int) -> None:
    if read and 2 * len(rejects) > read:
        reason, times = Counter(rejects.column("reason").to_pylist()).most_common(1)[0]
        raise BadBars(
            f"{file_name}: {len(rejects):,} of {read:,} rows cannot be used, so nothing of it is stored; most often "
            f"({times:,}, first in row {rejects.column('row_number')[0].as_py():,}): {reason}."
        )


def _refuse_a_twin(store: Store, file_name: str, rows: pa.Table, instrument: Instrument) -> None:
    with store.market() as cursor:
        cursor.register("incoming", _with_days(rows))
        twins = cursor.execute(sql("twin_of_day_bars"), {"instrument": instrument.symbol}).fetchall()
        cursor.unregister("incoming")
    if twins and twins[0][1] >= CONTRADICTION_BARS and 2 * twins[0][1] > len(rows):
        raise BadBars(
            f"{file_name}: {twins[0][1]:,} of its {len(rows):,} days have the very prices and volumes that are stored "
            f"for {twins[0][0]}, so its name is wrong; import it as {twins[0][0]}."
        )


def _notes(reading: DayReading, checked: CheckedDays, instrument: Instrument) -> list[str]:
    notes = [*reading.recognised.notes]
    notes += [f"{repair}, in {rows:,} {'rows' if rows > 1 else 'row'}" for repair, rows in reading.repairs]
    notes += notes_on_prices(reading.recognised, instrument, checked.off_grid, checked.widened)
    jumps = jumps_like_splits(checked.rows)
    if jumps:
        shown = ", ".join(f"{day} at {share:.2f} of the close before" for day, share in jumps[:_FEW])
        more = f" and {len(jumps) - _FEW} more" if len(jumps) > _FEW else ""
        notes.append(f"the open steps like a split that earlier days were not adjusted for: {shown}{more}")
    return notes


def _span(rows: pa.Table, instrument: Instrument, rule: str) -> tuple[DaySpan | None, datetime | None, datetime | None]:
    if not len(rows):
        return None, None, None
    days = days_of(rows)[[0, -1]]
    starts, _ = day_spans(instrument, days)
    first, last = (date.fromisoformat(str(day)) for day in days)
    return DaySpan(rule, first, last), from_minute(int(starts[0])), from_minute(int(starts[1]))


def _old_and_new(revised: pa.Table, before: pa.Table, instrument: Instrument) -> pa.Table:
    columns = {
        "instrument": pa.repeat(pa.scalar(instrument.symbol, pa.string()), len(revised)),
        "trading_day": pa.array(days_of(revised)),
    }
    columns |= {f"old_{name}": before.column(name) for name in VALUES}
    return pa.table(columns | {f"new_{name}": revised.column(name) for name in VALUES})


def _contradiction(revised: pa.Table, before: pa.Table) -> str:
    """Return how the first revised day differs, and the one factor of all of them, if there is one."""
    if not len(revised):
        return ""
    value = next(name for name in VALUES if revised.column(name)[0] != before.column(name)[0])
    first = f"first: {days_of(revised)[0]} {value} {before.column(value)[0].as_py():.10g}, now "
    first += f"{revised.column(value)[0].as_py():.10g}"
    factor = same_factor(revised.column("close").to_numpy(), before.column("close").to_numpy())
    if factor is None:
        return first
    return f"{first}; all closes by the factor {factor:.6g}, as after a dividend or split that was adjusted for"


def _of_revisions(count: int, told: str) -> list[str]:
    if not count:
        return []
    differ = f"{count:,} days differ" if count > 1 else "1 day differs"
    return [f"{differ} from what was stored ({told}); the new values are stored, the old ones kept as revisions"]
