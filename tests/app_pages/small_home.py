"""A home folder of literal bars and forecasts for the pages that look back: MGC from Monday 2 to Wednesday 4 June 2025.

Every minute of the 23 hours has a bar, but for two minutes of the 10:00 range on Tuesday and the whole 18:00 range on
Wednesday (Brisbane). Forecasts may lie on any days: they need no bars to be looked at.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from ml_data.build import build
from ml_data.store import Store, sql
from tests.ml_monitoring.journal_tables import PENDING, REFUSED, SCHEMA, UP, VOID, WRONG, Row, journal
from trading.domain.instrument import read_instrument
from trading.settings import CHECKOUT

MODEL = "directional-MGC"
MGC = read_instrument(CHECKOUT / "config" / "instruments" / "MGC.toml")
OPENS, CLOSES = datetime(2025, 6, 1, 22, 0, tzinfo=UTC), datetime(2025, 6, 4, 21, 0, tzinfo=UTC)
HOLES = {
    *(datetime(2025, 6, 3, 0, minute, tzinfo=UTC) for minute in (1, 3)),  # 10:00 Brisbane on Tuesday
    *(datetime(2025, 6, 4, 8, minute, tzinfo=UTC) for minute in range(5)),  # 18:00 Brisbane on Wednesday
}
OUTCOME = ("prediction_id", "state", "actual", "correct", "r_net", "r_net_advised", "known_at", "void_reason")
PREDICTION = tuple(name for name in SCHEMA.names if name not in OUTCOME[1:])
INSTANT = pa.timestamp("us", tz="UTC")


def make_home(home: Path, rows: Sequence[Row] = (), *, bars: bool = True, built: bool = True) -> Path:
    """Fill `home` with the bars, their history and these forecasts, and return it."""
    store = Store(home / "ml_data")
    if bars:
        put_bars(store)
    if built:
        build(store, MGC)
    if rows:
        put_forecasts(store, rows)
    store.close()
    return home


def shared_home(base: Path) -> Path:
    """Return one home folder with many forecasts under `base`, made by whoever asks first."""
    home = base / "small_home"
    return home if home.exists() else make_home(home, many_forecasts())


def put_bars(store: Store) -> None:
    minutes = (CLOSES - OPENS) // timedelta(minutes=1)
    stamps = [OPENS + timedelta(minutes=minute) for minute in range(minutes)]
    traded = [at for at in stamps if at.hour != 21 and at not in HOLES]
    close = [round(3300 + 0.1 * ((7 * number) % 23), 1) for number in range(len(traded))]
    incoming = pa.table(
        {
            "contract": ["MGCQ5"] * len(traded),
            "ts": pa.array(traded, INSTANT),
            "open": close,
            "high": [price + 0.2 for price in close],
            "low": [price - 0.2 for price in close],
            "close": close,
            "volume": [10.0] * len(traded),
        }
    )
    with store.market_write() as cursor:
        cursor.register("incoming", incoming)
        cursor.execute(sql("insert_bars"), {"instrument": "MGC"})
        cursor.unregister("incoming")


def put_forecasts(store: Store, rows: Sequence[Row]) -> None:
    """Write forecasts and, but for the pending ones, their outcomes, as the engine and settlement would."""
    told = journal(*rows).to_pylist()
    asked = {"instrument": "MGC", "kind": "orb_complete", "model": MODEL, "contract": "MGCQ5", "role": "champion"}
    predictions = pa.Table.from_pylist([{name: row[name] for name in PREDICTION} | asked for row in told])
    settled = [
        {name: row[name] for name in OUTCOME} | {"revision": 0, "settled_at": row["known_at"]}
        for row in told
        if row["state"] != "pending"
    ]
    with store.journal_write() as cursor:
        for table, fresh in (("ml_predictions", predictions), ("ml_outcomes", pa.Table.from_pylist(settled))):
            if fresh.num_rows:
                cursor.register("fresh", fresh)
                cursor.execute(f"INSERT INTO journal.{table} BY NAME SELECT * FROM fresh")
                cursor.unregister("fresh")


def many_forecasts(days: int = 60) -> list[Row]:
    """Two forecasts on each of `days` weekdays to 4 June 2025, right or wrong in turn, and one in each other state."""
    last = datetime(2025, 6, 4, tzinfo=UTC)
    weekdays = [day for n in range(2 * days) if (day := last - timedelta(days=n)).weekday() < 5][:days]
    chosen = [f"{day:%Y-%m-%d}" for day in reversed(weekdays)]
    rows = []
    for number, day in enumerate(chosen):
        first, second = (UP, WRONG) if number % 3 else (WRONG, UP)
        rows += [replace(first, day=day, replayed=True), replace(second, day=day, orb="1000", base=0.3, replayed=True)]
    return [
        *rows,
        replace(VOID, day=chosen[-1], orb="0030", replayed=True),
        replace(REFUSED, day=chosen[-1], orb="1100"),
        replace(PENDING, day=chosen[-1], orb="1800"),
    ]
