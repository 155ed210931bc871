"""Literal hours, silences and doubts, with the columns and types of the SQL files that bring them."""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from ml_data.quality import Facts

HOURS = ("trading_day", "starts_at", "bars", "expected_bars", "volume", "zero_volume")
SILENCES = ("trading_day", "contract", "starts_at", "ends_at", "minutes", "at_edge", "holiday")
DOUBTS = (
    "trading_day", "contract", "kind", "ts", "last_ts", "open", "high", "low", "close", "volume", "usual", "bars",
    "step_minutes",
)  # fmt: skip
RANGES = ("trading_day", "orb", "starts_at", "ends_at", "bars", "expected_bars", "void_reason", "contract")
INSTANTS = ("starts_at", "ends_at", "ts", "last_ts")


def frame(columns: Sequence[str], *rows: tuple[object, ...]) -> pd.DataFrame:
    """Rows of a question; instants are ISO strings, days dates."""
    table = pd.DataFrame(list(rows), columns=list(columns))
    for name in INSTANTS:
        if name in table:
            table[name] = pd.to_datetime(table[name], utc=True).astype("datetime64[us, UTC]")
    return table


def at(stamp: str) -> datetime:
    return datetime.fromisoformat(f"{stamp}Z")


def facts(
    hours: Sequence[tuple[object, ...]] = (),
    silences: Sequence[tuple[object, ...]] = (),
    doubts: Sequence[tuple[object, ...]] = (),
    ranges: Sequence[tuple[object, ...]] = (),
) -> Facts:
    return Facts(frame(HOURS, *hours), frame(SILENCES, *silences), frame(DOUBTS, *doubts), frame(RANGES, *ranges))
