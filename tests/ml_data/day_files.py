"""Small files of day bars and of series, and a universe of three stocks, for the tests of the daily import."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from tests.ml_data.bar_files import write
from trading.domain.series import Publication, SeriesRule, SeriesSet
from trading.domain.universe import Universe

HEADER = "Date,Open,High,Low,Close,Volume"

UNIVERSE = Universe.model_validate(
    {
        "name": "THREE",
        "title": "three stocks",
        "market": "US",
        "currency": "USD",
        "tick": 0.01,
        "exchange_zone": "America/New_York",
        "exchange_calendar": "XNYS",
        "hours": {"starts": "09:30", "ends": "16:00"},
        "costs": {"commission_per_side": 0.0, "slippage_ticks": 1},
        "members": [
            {"ticker": "AAA", "name": "Triple A", "sector": "Energy"},
            {"ticker": "BBB", "name": "Triple B", "sector": "Utilities"},
            {"ticker": "ES", "name": "Eversource Energy", "sector": "Utilities"},
        ],
    }
)


def published(days: int, at: str, calendar: str = "XNYS") -> Publication:
    return Publication.model_validate({"days": days, "at": at, "zone": "America/New_York", "calendar": calendar})


def rule(name: str, columns: tuple[str, ...], when: Publication, **more: float) -> SeriesRule:
    return SeriesRule(name=name, title=name, unit="points", columns=columns, published=when, **more)


SERIES = SeriesSet(
    name="PAIR",
    title="two series",
    series=(
        rule("VIX", ("VIX", "VIXCLS"), published(0, "16:30"), least=1, most=200),
        rule("SLOPE", ("SLOPE", "T10Y2Y"), published(1, "16:30", "US_FEDERAL")),
    ),
)


def weekdays(first: str, count: int) -> list[date]:
    """`count` weekdays from `first` on; none of them may be a holiday for the rows to be sessions."""
    start = date.fromisoformat(first)
    every = (start + timedelta(days=n) for n in range(3 * count + 7))
    return [day for day in every if day.weekday() < 5][:count]


def day_rows(days: Sequence[date], price: float = 100.0, volume: int = 1000) -> list[str]:
    """A row a day, each a quarter above the one before; every day has other values."""
    return [
        f"{day},{price + n / 4},{price + n / 4 + 1},{price + n / 4 - 1},{price + n / 4 + 0.5},{volume + n}"
        for n, day in enumerate(days)
    ]


def day_csv(path: Path, rows: Sequence[str], header: str = HEADER) -> Path:
    return write(path, "\n".join((header, *rows)) + "\n")
