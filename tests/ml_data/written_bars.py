"""Bars written out by hand, on Brisbane's clock and in ticks."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from ml_data.bar_arrays import BarArrays
from trading.domain.calendar import to_minute

BRISBANE = ZoneInfo("Australia/Brisbane")

Bar = tuple[str, int, int, int, int, float]
"""Local time of the start, open, high, low, close, volume; `+` before the time is the next date, as in `+00:30`."""


def minute(day: date, clock: str) -> int:
    """UTC minute of a local time of a trading day's date, or of the next one: `+00:30`."""
    local = datetime.combine(day, time.fromisoformat(clock.lstrip("+")), BRISBANE)
    return to_minute(local + timedelta(days=1) if clock.startswith("+") else local)


def written(*days: tuple[date, list[Bar]], contract: str = "MGCJ4") -> BarArrays:
    """Bars of one contract, day by day."""
    rows = [(minute(day, at), *rest) for day, bars in days for at, *rest in bars]
    rows.sort()
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    return BarArrays((contract,), np.array([0, len(rows)]), *columns[:5], columns[5].astype(np.float64))


def together(*parts: BarArrays) -> BarArrays:
    """Bars of several contracts, given in the order of their names."""
    names = ("minute", "open", "high", "low", "close", "volume")
    return BarArrays(
        contracts=tuple(name for part in parts for name in part.contracts),
        offsets=np.cumsum([0, *(len(part) for part in parts)]),
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names},
    )


def flat(first: str, last: str, price: int, every: int = 30) -> list[Bar]:
    """Bars without movement from one local time to another, both included, `every` so many minutes."""
    day = date(2024, 1, 1)
    start, stop = minute(day, first), minute(day, last)
    midnight = minute(day, "00:00")
    bars: list[Bar] = []
    for at in range(start, stop + 1, every):
        days, of_day = divmod(at - midnight, 1440)
        bars.append((f"{'+' * days}{of_day // 60:02d}:{of_day % 60:02d}", price, price, price, price, 1.0))
    return bars
