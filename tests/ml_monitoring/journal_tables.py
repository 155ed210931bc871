"""Literal journals: rows as `ml_data.journal.judged_predictions` returns them, with the columns the monitors read."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa

INSTANT = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        ("prediction_id", pa.string()),
        ("trading_day", pa.date32()),
        ("orb", pa.string()),
        ("decided_at", INSTANT),
        ("version", pa.string()),
        ("role", pa.string()),
        ("stage", pa.string()),
        ("replayed", pa.bool_()),
        ("prob_up", pa.float64()),
        ("prob_down", pa.float64()),
        ("prob_none", pa.float64()),
        ("baseline_prob_up", pa.float64()),
        ("label", pa.string()),
        ("rule", pa.string()),
        ("prob_win", pa.float64()),
        ("prob_miss", pa.float64()),
        ("baselines", pa.list_(pa.float64())),
        ("quantiles", pa.list_(pa.float64())),
        ("outputs", pa.list_(pa.string())),
        ("interval_low", pa.float64()),
        ("interval_high", pa.float64()),
        ("advised_size", pa.float64()),
        ("base_value", pa.float64()),
        ("advice", pa.string()),
        ("refusal_code", pa.string()),
        ("refusal_reason", pa.string()),
        ("state", pa.string()),
        ("actual", pa.string()),
        ("correct", pa.bool_()),
        ("r_net", pa.float64()),
        ("r_net_advised", pa.float64()),
        ("known_at", INSTANT),
        ("void_reason", pa.string()),
    ]
)


@dataclass(frozen=True)
class Row:
    """One prediction and what came of it: by default of 09:00, matured an hour later, broken upwards for +0.9 R."""

    day: str = "2025-01-02"
    orb: str = "0900"
    up: float | None = 0.6
    none: float | None = None
    base: float = 0.5
    advice: str | None = "UP"
    state: str = "matured"
    actual: str | None = "UP"
    correct: bool | None = True
    r_net: float | None = 0.9
    r_advised: float | None = 0.9
    minutes: int = 60
    refusal: str | None = None
    void: str | None = None
    replayed: bool = False
    version: str = "v_20250101_000000-aaaaa"
    role: str = "champion"


UP = Row()
WRONG = Row(actual="DOWN", correct=False, r_net=-1.1, r_advised=0.0)
PENDING = Row(state="pending", actual=None, correct=None, r_net=None, r_advised=None)
VOID = Row(state="void", actual=None, correct=None, r_net=None, r_advised=None, void="missing_bars")
REFUSED = Row(up=None, advice=None, refusal="stale_bars", state="matured", correct=None, r_advised=None)


def journal(*rows: Row) -> pa.Table:
    """Return `rows` as a journal; each is decided at 5 minutes past its range's name, UTC."""
    return pa.Table.from_pylist([_columns(row, number) for number, row in enumerate(rows)], schema=SCHEMA)


def on_days(days: int, *rows: Row) -> list[Row]:
    """Return `rows` on each of `days` successive days from 2025-01-01 on."""
    first = date(2025, 1, 1)
    return [replace(row, day=str(first + timedelta(days=day))) for day in range(days) for row in rows]


def _columns(row: Row, number: int) -> dict[str, object]:
    hour = int(row.orb[:2])
    decided = datetime.fromisoformat(row.day).replace(hour=hour, minute=int(row.orb[2:]) + 5, tzinfo=UTC)
    down = None if row.up is None else 1.0 - row.up - (row.none or 0.0)
    return {
        "prediction_id": f"p{number}",
        "trading_day": date.fromisoformat(row.day),
        "orb": row.orb,
        "decided_at": decided,
        "version": row.version,
        "role": row.role,
        "stage": "shadow",
        "replayed": row.replayed,
        "prob_up": row.up,
        "prob_down": down,
        "prob_none": row.none,
        "baseline_prob_up": row.base,
        "advice": row.advice,
        "refusal_code": row.refusal,
        "refusal_reason": None if row.refusal is None else "The newest bar is too old.",
        "state": row.state,
        "actual": row.actual,
        "correct": row.correct,
        "r_net": row.r_net,
        "r_net_advised": row.r_advised,
        "known_at": None if row.state == "pending" else decided + timedelta(minutes=row.minutes),
        "void_reason": row.void,
    }
