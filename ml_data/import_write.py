"""Writes planned imports to the store: all of them in one transaction, or none."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Final

import duckdb
import pyarrow as pa

from ml_data.import_plan import ImportPlan, Source
from ml_data.spool import in_row_groups
from ml_data.store import Store, sql
from trading.domain.bar import BARS
from trading.domain.instrument import Instrument


def write_imports(
    store: Store, instrument: Instrument, items: Sequence[tuple[Source, ImportPlan]], now: datetime
) -> list[str] | None:
    """Store what was planned and return the import id of each item; None, and nothing written, when they are stale.

    Plans are stale when another import was made since they were compared with the store. No two of them may have bars
    of the same time. `now` is written as the time of import.
    """
    imports_before = items[0][1].imports_before
    symbol = instrument.symbol
    ids = [
        import_id(source.name, source.sha256, symbol, now, imports_before + place)
        for place, (source, _) in enumerate(items)
    ]
    plans = {name: plan for name, (_, plan) in zip(ids, items, strict=True)}
    revisions = marked({name: plan.revisions for name, plan in plans.items()})
    dirty = marked({name: plan.dirty for name, plan in plans.items()})
    rejects = marked({name: _with_raw(plan) for name, plan in plans.items()})
    imports = pa.Table.from_pylist(
        [_import_row(name, instrument, source, plan, now) for name, (source, plan) in zip(ids, items, strict=True)],
        IMPORTS,
    )
    whose = {"instrument": instrument.symbol}
    with store.market_write() as cursor:
        [(imports_now,)] = cursor.execute(sql("imports_so_far")).fetchall()
        if any(plan.imports_before != imports_now for plan in plans.values()):
            return None
        if revisions is not None:
            stamps = revisions.column("ts").to_pylist()
            span = {"first_ts": min(stamps), "last_ts": max(stamps)}
            put(cursor, "delete_bars", revisions.select(["contract", "ts"]), whose | span)
            put(cursor, "insert_bar_revisions", revisions, whose)
        bars = chain.from_iterable(plan.incoming.batches() for plan in plans.values())
        put(cursor, "insert_bars", in_row_groups(BARS, bars), whose)
        if dirty is not None:
            put(cursor, "mark_dirty", dirty, whose)
        if rejects is not None:
            put(cursor, "insert_bar_rejects", rejects, {})
        put(cursor, "insert_bar_imports", imports, {})
    return ids


IMPORTS: Final = pa.schema(
    [
        *(
            (name, pa.string())
            for name in ("import_id", "instrument", "file_name", "sha256", "format", "time_zone", "verdict")
        ),
        *((f"rows_{name}", pa.int64()) for name in ("read", "stored", "rejected", "unchanged", "revised")),
        *((name, pa.timestamp("us", tz="UTC")) for name in ("first_ts", "last_ts", "imported_at")),
        ("bars_dropped", pa.int64()),
        ("contracts", pa.int32()),
        ("stored_in", pa.string()),
        ("reasons", pa.list_(pa.string())),
    ]
)


def import_id(name: str, sha256: str, symbol: str, now: datetime, place: int) -> str:
    """Return the id of the import number `place` of the store."""
    identity = f"{sha256}|{name}|{symbol}|{now.isoformat()}|{place}"
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def _import_row(
    name: str, instrument: Instrument, source: Source, plan: ImportPlan, now: datetime
) -> dict[str, object]:
    return {
        "import_id": name,
        "instrument": instrument.symbol,
        "file_name": source.name,
        "sha256": source.sha256,
        "format": plan.recognised.format,
        "time_zone": plan.recognised.time_zone,
        "rows_read": plan.rows_read,
        "rows_stored": plan.rows_stored,
        "rows_rejected": len(plan.rejects),
        "rows_unchanged": plan.rows_unchanged,
        "rows_revised": len(plan.revisions),
        "first_ts": plan.first_ts,
        "last_ts": plan.last_ts,
        "imported_at": now,
        "bars_dropped": plan.bars_dropped,
        "contracts": len(plan.contracts),
        "verdict": plan.verdict,
        "stored_in": "bars_1m",
        "reasons": list(plan.reasons),
    }


def _with_raw(plan: ImportPlan) -> pa.Table:
    rows = plan.rejects.column("row_number").to_pylist()
    return plan.rejects.append_column("raw", pa.array([plan.raw.get(row, "") for row in rows], pa.string()))


def marked(parts: Mapping[str, pa.Table]) -> pa.Table | None:
    """Return the rows of all `parts`, each with its import id; None when there are none."""
    marked = [
        rows.append_column("import_id", pa.repeat(pa.scalar(name, pa.string()), len(rows)))
        for name, rows in parts.items()
        if len(rows)
    ]
    return pa.concat_tables(marked) if marked else None


def put(
    cursor: duckdb.DuckDBPyConnection, name: str, rows: pa.Table | pa.RecordBatchReader, values: Mapping[str, object]
) -> None:
    """Run the question `name` with `rows` as its registered table `incoming`."""
    cursor.register("incoming", rows)
    cursor.execute(sql(name), values).fetchall()  # a result that is not fetched keeps the cursor busy
    cursor.unregister("incoming")
