"""Alerts and their deliveries in the journal: rows that are only ever added, each alert and each attempt once."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from ml_data.store import Store, sql
from trading.domain.alert import Alert

TEST: Final = "test"
"""What stands in place of an alert's id in the deliveries of test messages."""

MOST: Final = 5_000
"""More alerts than anybody raises in a month."""

LOOK_BACK: Final = timedelta(days=31)
"""How far back alerts are listed, and what channels did is looked at."""

_INSTANT = pa.timestamp("us", tz="UTC")
_TEXT = ("alert_id", "kind", "instrument", "subject", "sentence", "severity")
_ALERTS: Final = pa.schema(
    [
        *((name, pa.string()) for name in _TEXT),
        ("happened_at", _INSTANT),
        ("raised_at", _INSTANT),
        ("withheld", pa.string()),
    ]
)
_DELIVERIES: Final = pa.schema(
    [
        ("alert_id", pa.string()),
        ("channel", pa.string()),
        ("attempt", pa.int32()),
        ("state", pa.string()),
        ("error", pa.string()),
        ("logged_at", _INSTANT),
    ]
)


@dataclass(frozen=True)
class Delivery:
    """One step of a message to a channel, the columns of `ml_alert_deliveries`.

    `state` is `sending`, `sent` or `failed`; `error` says in words why it failed, and never holds an address.
    """

    alert_id: str
    channel: str
    attempt: int
    state: str
    error: str | None
    logged_at: datetime


def alerts_since(store: Store, since: datetime, most: int = MOST) -> tuple[Alert, ...]:
    """Return the alerts of what happened since an instant, newest first, at most so many."""
    with store.journal() as cursor:
        return _alerts(cursor, since, most)


def deliveries_since(store: Store, since: datetime) -> tuple[Delivery, ...]:
    """Return every step of every message since an instant, in the order in which it was written."""
    with store.journal() as cursor:
        rows = cursor.execute(sql("alert_deliveries_since"), {"since": since}).fetchall()
    return tuple(Delivery(*row) for row in rows)


def was_ever_raised(store: Store) -> bool:
    """Return whether any alert was ever raised: before, there was nobody to be told."""
    return bool(alerts_since(store, datetime.min.replace(tzinfo=UTC), 1))


def raise_alerts(
    store: Store, since: datetime, due: Callable[[tuple[Alert, ...]], tuple[Alert, ...]]
) -> tuple[Alert, ...]:
    """Write down what `due(alerts since an instant)` says and return it; looks first, and writes only where it must.

    What is written is decided on the rows that the same transaction sees: two processes raise nothing twice.
    """
    if not due(alerts_since(store, since)):
        return ()
    with store.journal_write() as cursor:
        fresh = due(_alerts(cursor, since, MOST))
        if fresh:
            _append(cursor, "append_alerts", pa.Table.from_pylist([asdict(each) for each in fresh], schema=_ALERTS))
    return fresh


def claim(store: Store, rows: Sequence[Delivery]) -> bool:
    """Write down that a message is about to be sent; False, and nothing written, where another process has begun."""
    table = pa.Table.from_pylist([asdict(row) for row in rows], schema=_DELIVERIES)
    with store.journal_write() as cursor:
        cursor.register("fresh", table)
        [(taken,)] = cursor.execute(sql("alert_claims")).fetchall()
        cursor.unregister("fresh")
        if not taken:
            _append(cursor, "append_alert_deliveries", table)
    return not taken


def append_deliveries(store: Store, rows: Sequence[Delivery]) -> None:
    """Write down how messages went; when this returns it is on disk."""
    with store.journal_write() as cursor:
        table = pa.Table.from_pylist([asdict(row) for row in rows], schema=_DELIVERIES)
        _append(cursor, "append_alert_deliveries", table)


def _alerts(cursor: Any, since: datetime, most: int) -> tuple[Alert, ...]:
    rows = cursor.execute(sql("alerts_since"), {"since": since, "most": most}).fetchall()
    return tuple(Alert(*row) for row in rows)


def _append(cursor: Any, statement: str, table: pa.Table) -> None:
    cursor.register("fresh", table)
    cursor.execute(sql(statement))
    cursor.unregister("fresh")
