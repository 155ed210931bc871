"""Writes planned imports of day bars: all of them in one transaction, or none."""

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from ml_data.day_plan import DayPlan
from ml_data.import_write import IMPORTS, import_id, marked, put
from ml_data.store import Store, sql


def write_days(store: Store, plans: Sequence[DayPlan], now: datetime) -> list[str] | None:
    """Store what was planned and return the import id of each plan; None, and nothing written, when they are stale.

    No two plans may be of one instrument. `now` is written as the time of import.
    """
    before = plans[0].imports_before
    ids = [
        import_id(plan.source.name, plan.source.sha256, plan.instrument.symbol, now, before + place)
        for place, plan in enumerate(plans)
    ]
    by_id = dict(zip(ids, plans, strict=True))
    revisions = marked({name: plan.revisions for name, plan in by_id.items()})
    rejects = marked({name: _with_raw(plan) for name, plan in by_id.items()})
    bars = pa.concat_tables([plan.bars for plan in plans])
    imports = pa.Table.from_pylist([_import_row(name, plan, now) for name, plan in by_id.items()], IMPORTS)
    with store.market_write() as cursor:
        [(imports_now,)] = cursor.execute(sql("imports_so_far")).fetchall()
        if any(plan.imports_before != imports_now for plan in plans):
            return None
        if revisions is not None:
            put(cursor, "delete_day_bars", revisions.select(["instrument", "trading_day"]), {})
            put(cursor, "insert_day_bar_revisions", revisions, {})
        if len(bars):
            put(cursor, "insert_day_bars", bars, {})
        if rejects is not None:
            put(cursor, "insert_bar_rejects", rejects, {})
        put(cursor, "insert_bar_imports", imports, {})
    return ids


def _with_raw(plan: DayPlan) -> pa.Table:
    rows = plan.rejects.column("row_number").to_pylist()
    return plan.rejects.append_column("raw", pa.array([plan.raw.get(row, "") for row in rows], pa.string()))


def _import_row(name: str, plan: DayPlan, now: datetime) -> dict[str, object]:
    return {
        "import_id": name,
        "instrument": plan.instrument.symbol,
        "file_name": plan.source.name,
        "sha256": plan.source.sha256,
        "format": plan.reading.recognised.format,
        "time_zone": f"days: {plan.reading.rule}",
        "rows_read": plan.rows_read,
        "rows_stored": plan.rows_stored,
        "rows_rejected": len(plan.rejects),
        "rows_unchanged": plan.rows_unchanged,
        "rows_revised": len(plan.revisions),
        "first_ts": plan.first_ts,
        "last_ts": plan.last_ts,
        "imported_at": now,
        "bars_dropped": plan.reading.bars_dropped,
        "contracts": 1,
        "verdict": plan.verdict,
        "reasons": list(plan.warnings),
        "stored_in": "bars_1d",
    }
