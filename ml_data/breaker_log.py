"""What the circuit breaker did, code by code: rows that are only ever added; the last one written counts."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal

import pyarrow as pa

from ml_data.stage_history import StageChange
from ml_data.store import Store, sql

Kind = Literal["armed", "trip", "recovering", "replaced", "rearm"]
TRIPPED: Final = ("trip", "recovering", "replaced")
"""The kinds after which a code stands tripped; `replaced`: another version answers, so it concerns nobody now."""


@dataclass(frozen=True)
class BreakerEvent:
    """One thing that the breaker did, the columns of `ml_breaker`; `value` against `line` is what it went by."""

    instrument: str
    model: str
    version: str
    code: str
    kind: Kind
    subject: str
    value: float
    line: float
    sentence: str
    happened_at: datetime
    by_whom: str
    why: str


def standing(events: Iterable[BreakerEvent], version: str) -> dict[str, BreakerEvent]:
    """Return, by code, what was written last of `version`."""
    return {event.code: event for event in events if event.version == version}


def open_trips(events: Iterable[BreakerEvent], version: str) -> tuple[BreakerEvent, ...]:
    """Return the codes that stand tripped, whatever the clock says: each as it was written last."""
    return tuple(event for event in standing(events, version).values() if event.kind in TRIPPED)


def breaker_events(store: Store, model: str) -> tuple[BreakerEvent, ...]:
    """Return everything the breaker did about the versions of `model`, in the order in which it was written."""
    with store.journal() as cursor:
        rows = cursor.execute(sql("breaker_events"), {"model": model}).fetchall()
    return tuple(BreakerEvent(*row) for row in rows)


def tripped_at(store: Store, instrument: str, instant: datetime) -> tuple[BreakerEvent, ...]:
    """Return the codes of all versions of an instrument's models that stood tripped at `instant`."""
    with store.journal() as cursor:
        asked = {"instrument": instrument, "known_by": instant}
        rows = cursor.execute(sql("open_trips"), asked).fetchall()
    return tuple(BreakerEvent(*row) for row in rows)


def append_breaker_events(store: Store, events: Sequence[BreakerEvent], moves: Sequence[StageChange] = ()) -> None:
    """Write down what the breaker did, and the `moves` that follow from it, in one transaction."""
    if not events and not moves:
        return
    with store.journal_write() as cursor:
        if events:
            cursor.register("fresh", pa.Table.from_pylist([asdict(event) for event in events], schema=_SCHEMA))
            cursor.execute(sql("append_breaker_events"))
            cursor.unregister("fresh")
        for move in moves:
            cursor.execute(sql("append_stage_change"), asdict(move))


_SCHEMA: Final[Any] = pa.schema(
    [
        *((name, pa.string()) for name in ("instrument", "model", "version", "code", "kind", "subject")),
        ("value", pa.float64()),
        ("line", pa.float64()),
        ("sentence", pa.string()),
        ("happened_at", pa.timestamp("us", tz="UTC")),
        ("by_whom", pa.string()),
        ("why", pa.string()),
    ]
)
