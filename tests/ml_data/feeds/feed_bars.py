"""Bars of a feed, written short, and a store that they go into."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from ml_data.feeds.base import Delivery, bars_table
from ml_data.store import Store
from trading.domain.instrument import Instrument

MINUTE = timedelta(minutes=1)
DAY = datetime(2024, 3, 5, tzinfo=UTC)  # a Tuesday


def at(text: str) -> datetime:
    """Return an instant of the day: "14:03" or "14:03:20", UTC."""
    hour, minute, *second = (int(part) for part in text.split(":"))
    return DAY + timedelta(hours=hour, minutes=minute, seconds=second[0] if second else 0)


def bar(start: str, close: float = 100.0, contract: str = "BTCUSDT", volume: float = 5.0) -> tuple[Any, ...]:
    return (contract, int(at(start).timestamp()), close, close + 1, close - 1, close, volume)


def bars(*rows: tuple[Any, ...]) -> pa.Table:
    return bars_table(rows)


def delivery(*rows: tuple[Any, ...], **more: Any) -> Delivery:
    return Delivery(bars(*rows), **more)


def minutes(table: pa.Table) -> list[str]:
    return [f"{each:%H:%M}" for each in table.column("ts").to_pylist()]


def closes(table: pa.Table) -> list[tuple[str, float]]:
    return list(zip(minutes(table), table.column("close").to_pylist(), strict=True))


def stored(store: Store, instrument: Instrument) -> list[tuple[Any, ...]]:
    with store.market() as cursor:
        return cursor.execute(
            "SELECT * EXCLUDE (instrument) FROM market.bars_1m WHERE instrument = $i ORDER BY contract, ts",
            {"i": instrument.symbol},
        ).fetchall()


def kinds(notices: Sequence[Any]) -> list[str]:
    return [notice.kind for notice in notices]
