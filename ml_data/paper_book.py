"""Orders on paper and their fills, as the journal keeps them: rows that are only ever added."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final

import pyarrow as pa

from ml_data.store import Store, sql

FILLED, NOT_FILLED, VOID, OPEN = "filled", "not_filled", "void", "open"


@dataclass(frozen=True)
class PaperOrder:
    """An order as written at its moment: `side` is the break that it trades, by `rule`, with whole `lots`."""

    prediction_id: str
    instrument: str
    model: str
    version: str
    trading_day: date
    orb: str
    rule: str
    side: str
    lots: int
    share: float
    budget: float
    reason: str
    placed_at: datetime


@dataclass(frozen=True)
class PaperFill:
    """What came of an order by one revision of its outcome; prices and `r_net` only of a filled one."""

    prediction_id: str
    revision: int
    state: str
    entered_at: datetime | None
    entry: float | None
    stop: float | None
    target: float | None
    exited_at: datetime | None
    exit_price: float | None
    ambiguous: bool | None
    r_net: float | None
    money: float | None
    settled_at: datetime


def append_orders(store: Store, orders: Sequence[PaperOrder]) -> None:
    """Write orders down; when this returns they are on disk."""
    _append(store, "append_paper_orders", [asdict(order) for order in orders], _ORDERS)


def append_fills(store: Store, fills: Sequence[PaperFill]) -> None:
    """Write fills down; when this returns they are on disk."""
    _append(store, "append_paper_fills", [asdict(fill) for fill in fills], _FILLS)


def paper_orders(store: Store, instrument: str, model: str, known_by: datetime) -> list[dict[str, Any]]:
    """Return the orders of a model by `known_by` with what had come of them, oldest first; `state` open without."""
    with store.journal() as cursor:
        asked = {"instrument": instrument, "model": model, "known_by": known_by}
        rows: list[dict[str, Any]] = cursor.sql(sql("paper_orders"), params=asked).to_arrow_table().to_pylist()
    return rows


def _append(store: Store, statement: str, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    if not rows:
        return
    with store.journal_write() as cursor:
        cursor.register("fresh", pa.Table.from_pylist(rows, schema=schema))
        cursor.execute(sql(statement))
        cursor.unregister("fresh")


_INSTANT: Final = pa.timestamp("us", tz="UTC")
_ORDERS: Final[Any] = pa.schema(
    [
        *((name, pa.string()) for name in ("prediction_id", "instrument", "model", "version")),
        ("trading_day", pa.date32()),
        *((name, pa.string()) for name in ("orb", "rule", "side")),
        ("lots", pa.int32()),
        *((name, pa.float64()) for name in ("share", "budget")),
        ("reason", pa.string()),
        ("placed_at", _INSTANT),
    ]
)
_FILLS: Final[Any] = pa.schema(
    [
        ("prediction_id", pa.string()),
        ("revision", pa.int32()),
        ("state", pa.string()),
        ("entered_at", _INSTANT),
        *((name, pa.float64()) for name in ("entry", "stop", "target")),
        ("exited_at", _INSTANT),
        ("exit_price", pa.float64()),
        ("ambiguous", pa.bool_()),
        *((name, pa.float64()) for name in ("r_net", "money")),
        ("settled_at", _INSTANT),
    ]
)
