"""Imports a file of series: a date a row, a column a series; each value with the instant from which it is known.

A value is never taken back: one that a later file changes is a row of its own, known from the moment of that import.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from ml_data.day_plan import IMPORTS_CHANGED
from ml_data.import_comparison import CONTRADICTION_BARS
from ml_data.import_plan import verdict_of
from ml_data.import_report import DaySpan, ImportReport, RejectedRow
from ml_data.import_write import IMPORTS, import_id, marked, put
from ml_data.importers.base import REJECTS, Recognised
from ml_data.series_file import SeriesTable
from ml_data.store import Store, sql
from trading.domain.calendar import from_minute, to_minute
from trading.domain.series import SeriesRule, SeriesSet, calendar_reach, in_words, known_at
from trading.errors import BadBars, StoreBusy

_ATTEMPTS: Final = 5


@dataclass(frozen=True)
class _Found:
    """What a file says of one series against the store: rows to store, and what was left out and why."""

    rule: SeriesRule
    new: pd.DataFrame
    changed: pd.DataFrame
    unchanged: int
    rejects: list[tuple[int, str]]
    empty: int
    first: date | None
    last: date | None
    example: str


def import_series(
    store: Store, table: SeriesTable, series: SeriesSet, now: datetime, *, dry_run: bool, accept_revisions: bool
) -> ImportReport:
    """Store the values of `table` that are not stored yet, and return the report.

    Raises
    ------
    BadBars
        when the file contradicts most of what it overlaps, or most of it cannot be used.
    StoreBusy
        when other imports changed the store again and again meanwhile.
    """
    rules = [rule for rule in series.series if rule.name in table.values]
    for _ in range(_ATTEMPTS):
        with store.market() as cursor:
            contents = cursor.execute(sql("imported_files"), {"instrument": series.name}).fetchall()
            [(imports,)] = cursor.execute(sql("imports_so_far")).fetchall()
            stored = {
                rule.name: cursor.sql(sql("series_values"), params={"series": rule.name}).to_arrow_table().to_pandas()
                for rule in rules
            }
        known_file = (table.sha256,) in contents
        found = [_compared(table, rule, stored[rule.name], now, known_file=known_file) for rule in rules]
        for each in found:
            _refuse(table.name, each, accept_revisions=accept_revisions)
        if dry_run:
            return _report(table, series, found, None)
        name = import_id(table.name, table.sha256, series.name, now, imports)
        report = _report(table, series, found, name)
        if _written(store, series, report, found, now, imports):
            return report
    raise StoreBusy(IMPORTS_CHANGED.format(table.name, _ATTEMPTS))


def _compared(table: SeriesTable, rule: SeriesRule, stored: pd.DataFrame, now: datetime, *, known_file: bool) -> _Found:
    rows, rejects, empty = _usable(table, rule, now)
    newest = stored.drop_duplicates("day", keep="last").set_index("day")["value"]
    before = rows["day"].map(newest)
    same = before == rows["value"]
    differs = before.notna() & ~same
    if known_file:  # values of it that a later import replaced are old, not new
        every = set(zip(stored["day"], stored["value"], strict=True))
        pairs = zip(rows["day"], rows["value"], strict=True)
        old = np.array([pair in every for pair in pairs], dtype=bool)
        same, differs = same | (differs & old), differs & ~old
    changed = rows[differs]
    example = ""
    if len(changed):
        first = changed.iloc[0]
        example = f"first: {rule.name} of {first['day']} {before[changed.index[0]]:.10g}, now {first['value']:.10g}"
    late = max(to_minute(now), 0)
    return _Found(
        rule=rule,
        new=rows[before.isna()],
        changed=changed.assign(known_at=np.maximum(changed["known_at"], late)),
        unchanged=int(same.sum()),
        rejects=rejects,
        empty=empty,
        first=rows["day"].min() if len(rows) else None,
        last=rows["day"].max() if len(rows) else None,
        example=example,
    )


def _usable(table: SeriesTable, rule: SeriesRule, now: datetime) -> tuple[pd.DataFrame, list[tuple[int, str]], int]:
    """Return the values that can be true (day, known_at in minutes, value, row_number), rejects, and empty cells."""
    values, days = table.values[rule.name], table.labels.days
    first, last = calendar_reach(rule.published)
    inside = (days >= np.datetime64(first)) & (days <= np.datetime64(last)) & table.labels.told
    known = np.zeros(len(days), dtype=np.int64)
    known[inside] = known_at(rule.published, days[inside])
    there = ~np.isnan(values)
    least, most = (-np.inf if rule.least is None else rule.least), (np.inf if rule.most is None else rule.most)
    order = pd.Series(np.where(inside & there, days.astype(np.int64), -1 - np.arange(len(days))))
    again = order.duplicated().to_numpy()
    first_value = pd.Series(values).groupby(order).transform("first").to_numpy()
    reasons = np.select(
        [
            ~table.labels.told,
            ~inside,
            known > to_minute(now),
            ~((values >= least) & (values <= most)),
            again & (values != first_value),
        ],
        [
            "the stamp is no date",
            f"the day lies outside {rule.published.calendar}, which says when its value was published",
            f"{rule.name} of this day is not published yet: {in_words(rule.published)}",
            f"{rule.name} is not between {least:g} and {most:g} {rule.unit}",
            f"an earlier row of the file has another {rule.name} of the same day",
        ],
        default="",
    )
    bad = there & (reasons != "")
    rejects = [(int(place) + 1, str(reasons[place])) for place in np.flatnonzero(bad)]
    good = there & ~bad & ~again
    frame = pd.DataFrame(
        {
            "day": pd.Series(days[good]).dt.date,
            "known_at": known[good],
            "value": values[good],
            "row_number": np.flatnonzero(good) + 1,
        }
    )
    return frame.sort_values("day", ignore_index=True), rejects, int((~there).sum())


def _refuse(file_name: str, found: _Found, *, accept_revisions: bool) -> None:
    taken = len(found.new) + len(found.changed) + found.unchanged
    if len(found.rejects) > taken:
        raise BadBars(
            f"{file_name}: {len(found.rejects):,} of {len(found.rejects) + taken:,} values of {found.rule.name} cannot "
            f"be used, so nothing of it is stored; first, in row {found.rejects[0][0]:,}: {found.rejects[0][1]}."
        )
    shared = len(found.changed) + found.unchanged
    if shared >= CONTRADICTION_BARS and 2 * len(found.changed) > shared and not accept_revisions:
        raise BadBars(
            f"{file_name}: {len(found.changed):,} of the {shared:,} values of {found.rule.name} that are stored "
            f"already differ in this file ({found.example}), so it is another series or unit; if it is right, "
            f"import it with --accept-revisions."
        )


def _report(table: SeriesTable, series: SeriesSet, found: list[_Found], name: str | None) -> ImportReport:
    rejects = sorted({reject for each in found for reject in each.rejects})
    notes = [f"{each.rule.name}: {each.empty:,} days have no value" for each in found if each.empty]
    notes += [
        f"{each.rule.name}: {len(each.changed):,} values differ from what was stored ({each.example}); the new ones "
        f"are known from this import on, before it the old ones count"
        for each in found
        if len(each.changed)
    ]
    stored, revised = sum(len(each.new) for each in found), sum(len(each.changed) for each in found)
    firsts, lasts = [each.first for each in found if each.first], [each.last for each in found if each.last]
    lags = "; ".join(f"{each.rule.name} is known {in_words(each.rule.published)}" for each in found)
    return ImportReport(
        file_name=table.name,
        verdict=verdict_of(stored + revised, bool(notes or rejects)),
        dry_run=name is None,
        import_id=name,
        sha256=table.sha256,
        recognised=Recognised(
            format="series",
            title=f"{series.title}, {series.name}",
            why=f"its content is {table.kind} with the columns {', '.join(table.columns.values())} and dates in "
            f"{table.date_column}; {lags}",
            columns_used=(table.date_column, *table.columns.values()),
            columns_ignored=table.ignored,
            time_zone=f"days: {table.labels.rule}",
            stamps="start",
            span=None,
        ),
        rows_read=stored + revised + sum(each.unchanged for each in found) + len(rejects),
        rows_stored=stored,
        rows_revised=revised,
        rows_unchanged=sum(each.unchanged for each in found),
        rows_rejected=len(rejects),
        contracts=tuple(each.rule.name for each in found),
        first_rejects=tuple(RejectedRow(row, reason, "") for row, reason in rejects[:5]),
        warnings=tuple(notes),
        days=DaySpan(table.labels.rule, min(firsts), max(lasts), "series: the day of a value") if firsts else None,
    )


def _written(
    store: Store, series: SeriesSet, report: ImportReport, found: list[_Found], now: datetime, imports: int
) -> bool:
    """Write the values of a report that has an id; False, and nothing written, when another import came between."""
    name = report.import_id or ""
    parts = [_as_rows(rows, each.rule.name) for each in found for rows in (each.new, each.changed) if len(rows)]
    values = marked({name: pa.concat_tables(parts)}) if parts else None
    rejected = sorted({reject for each in found for reject in each.rejects})
    rejects = (
        pa.table([pa.array(column) for column in zip(*rejected, strict=True)], schema=REJECTS) if rejected else None
    )
    with store.market_write() as cursor:
        [(imports_now,)] = cursor.execute(sql("imports_so_far")).fetchall()
        if imports_now != imports:
            return False
        if values is not None:
            put(cursor, "insert_series", values, {})
        if rejects is not None:
            raw = rejects.append_column("raw", pa.repeat(pa.scalar("", pa.string()), len(rejects)))
            put(cursor, "insert_bar_rejects", raw.append_column("import_id", pa.repeat(name, len(raw))), {})
        put(cursor, "insert_bar_imports", pa.Table.from_pylist([_import_row(series, report, now)], IMPORTS), {})
    return True


def _as_rows(rows: pd.DataFrame, name: str) -> pa.Table:
    instants = [from_minute(int(minute)) for minute in rows["known_at"]]
    return pa.table(
        {
            "series": pa.repeat(name, len(rows)),
            "day": pa.array(rows["day"].tolist(), pa.date32()),
            "known_at": pa.array(instants, pa.timestamp("us", tz="UTC")),
            "value": pa.array(rows["value"].to_numpy()),
        }
    )


def _import_row(series: SeriesSet, report: ImportReport, now: datetime) -> dict[str, object]:
    taken = report.recognised
    return {
        "import_id": report.import_id,
        "instrument": series.name,
        "file_name": report.file_name,
        "sha256": report.sha256,
        "format": "series",
        "time_zone": "" if taken is None else taken.time_zone,
        "rows_read": report.rows_read,
        "rows_stored": report.rows_stored,
        "rows_rejected": report.rows_rejected,
        "rows_unchanged": report.rows_unchanged,
        "rows_revised": report.rows_revised,
        "first_ts": None,
        "last_ts": None,
        "imported_at": now,
        "bars_dropped": 0,
        "contracts": len(report.contracts),
        "verdict": report.verdict,
        "reasons": list(report.warnings),
        "stored_in": "series_1d",
    }
