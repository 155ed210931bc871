"""How times, prices, ranges and results are written for a reader."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from trading.domain.instrument import Instrument

MINUS: Final = "−"


def zone_place(name: str) -> str:
    """Return the city of an IANA zone.

    >>> zone_place("America/New_York")
    'New York'
    """
    return name.rpartition("/")[2].replace("_", " ")


def zone_letters(local: datetime) -> str:
    """Return the letters of an aware instant's zone where it has some (AEST), else its offset (UTC+03:00)."""
    name = local.tzname() or ""
    return name if name.isalpha() else f"UTC{local:%z}"[:6] + ":" + f"{local:%z}"[3:5]


def wall_time(at: datetime, zone: str) -> str:
    """Return the time of day of an instant in `zone`, with the zone's letters.

    >>> from datetime import UTC
    >>> wall_time(datetime(2025, 6, 2, 13, 5, tzinfo=UTC), "Australia/Brisbane")
    '23:05 AEST'
    """
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%H:%M} {zone_letters(local)}"


def price_text(instrument: Instrument, value: float) -> str:
    """Return a price with the instrument's decimals, and more where it lies between ticks (a midpoint)."""
    decimals = instrument.price_decimals
    while decimals < 6 and abs(round(value, decimals) - value) > 1e-9:
        decimals += 1
    return f"{value:,.{decimals}f}"


def r_text(value: float) -> str:
    """Return a multiple of R with its sign.

    >>> r_text(-1.089), r_text(0.5)
    ('−1.09R', '+0.50R')
    """
    return f"{value:+.2f}R".replace("-", MINUS)


def range_label(name: str) -> str:
    """Return a range's name as a time of day where it is one.

    >>> range_label("0900"), range_label("open")
    ('09:00', 'open')
    """
    return f"{name[:2]}:{name[2:]}" if len(name) == 4 and name.isdigit() else name


def shown_zone(choice: str, instrument: Instrument) -> str:
    """Return the IANA zone of a choice: range, exchange, utc or a zone itself; of browser that of the range."""
    range_zone = instrument.trading_day.zone
    named = {"range": range_zone, "browser": range_zone, "exchange": instrument.exchange_zone, "utc": "UTC"}
    return named.get(choice, choice)
