"""Journals of live forecasts, drawn with a seed: as `ml_data.journal.evidence_rows` returns them."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa

from ml_monitoring.evidence import Evidence, evidence_of
from tests.ml_monitoring.journal_tables import INSTANT, Row, journal
from trading.domain.instrument import Instrument, read_instrument
from trading.settings import CHECKOUT

MGC: Instrument = read_instrument(CHECKOUT / "config" / "instruments" / "MGC.toml")
MODEL, VERSION = "directional-MGC", "v_20250101_000000-aaaaa"
ORBS = ("0900", "1000", "1100", "1800", "2300")
FIRST = date(2025, 1, 1)


def rows(days: int, right: float, seed: int = 0, sure: float = 0.65) -> list[Row]:
    """Five forecasts a day of `sure` for a side, right in a share `right` of cases; a win is +0.9 R, a loss -1.1 R."""
    random = np.random.default_rng(seed)
    made = []
    for day in range(days):
        for orb in ORBS:
            up, hit = bool(random.random() < 0.5), bool(random.random() < right)
            side, other = ("UP", "DOWN") if up else ("DOWN", "UP")
            made.append(
                Row(
                    day=str(FIRST + timedelta(days=day)),
                    orb=orb,
                    up=sure if up else 1 - sure,
                    advice=side,
                    actual=side if hit else other,
                    correct=hit,
                    r_net=0.9 if hit else -1.1,
                    r_advised=0.9 if hit else 0.0,
                )
            )
    return made


def live(*made: Row, late: float = 2.0) -> pa.Table:
    """The rows as a journal: each logged `late` seconds after its moment and settled two hours later."""
    table = journal(*made)
    decided = table["decided_at"].to_pylist()
    table = table.append_column("logged_at", pa.array([at + timedelta(seconds=late) for at in decided], INSTANT))
    settled = [
        None if row.state == "pending" else at + timedelta(hours=2) for at, row in zip(decided, made, strict=True)
    ]
    table = table.append_column("settled_at", pa.array(settled, INSTANT))
    return table.append_column("version_hash", pa.array(["f" * 64] * len(made), pa.string()))


def after(table: pa.Table) -> datetime:
    """An instant at which all of it is known."""
    return max(table["decided_at"].to_pylist(), default=datetime(2025, 1, 1, tzinfo=UTC)) + timedelta(hours=6)


def evidence(table: pa.Table, *, at: datetime | None = None, since: datetime | None = None) -> Evidence:
    sizes = {
        (day, orb): (10.0, 2600.0)
        for day, orb in zip(*(table[c].to_pylist() for c in ("trading_day", "orb")), strict=True)
    }
    return evidence_of(table, MGC, MODEL, VERSION, at=at or after(table), since=since, sizes=sizes)
