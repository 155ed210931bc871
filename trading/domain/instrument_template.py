"""An instrument's file as a new one begins: from the template of its kind, with what the user names filled in."""

import json
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from string import Template
from typing import Final, Literal

from exchange_calendars.errors import InvalidCalendarName

from trading.domain.exchange_hours import exchange_calendar
from trading.errors import BadSettings
from trading.settings import CHECKOUT

Kind = Literal["futures", "fx", "equity", "crypto"]
TEMPLATES: Final = CHECKOUT / "config" / "instrument_templates"

_FUTURES: Final = {
    "RTY": ("0.1", "50", "CME_INDEX", "2.25"),
    "M2K": ("0.1", "5", "CME_INDEX", "0.75"),
    "MYM": ("1", "0.5", "CME_INDEX", "0.75"),
    "GC": ("0.1", "100", "COMEX_METALS", "2.25"),
    "SI": ("0.005", "5000", "COMEX_METALS", "2.25"),
    "SIL": ("0.005", "1000", "COMEX_METALS", "0.75"),
    "HG": ("0.0005", "25000", "COMEX_METALS", "2.25"),
    "CL": ("0.01", "1000", "CMES", "2.25"),
    "MCL": ("0.01", "100", "CMES", "0.75"),
    "NG": ("0.001", "10000", "CMES", "2.25"),
    "ZN": ("0.015625", "1000", "CMES", "1.5"),
    "ZB": ("0.03125", "1000", "CMES", "1.5"),
}
"""Tick, value of a point, calendar and a typical commission of contracts that many trade, as CME Group states them."""


@dataclass(frozen=True)
class Wishes:
    """What a user says of a new instrument; None is what its kind usually has. Numbers as they are written."""

    name: str | None = None
    currency: str | None = None
    tick: str | None = None
    point_value: str | None = None
    commission: str | None = None
    slippage_ticks: int | None = None
    calendar: str | None = None


@dataclass(frozen=True)
class _Usual:
    tick: str
    point_value: str
    commission: str
    slippage: str
    calendar: str
    currency: str


def new_instrument_text(symbol: str, kind: Kind, wishes: Wishes) -> str:
    """Return the TOML text of a new instrument, with comments.

    Raises
    ------
    BadSettings
        when the calendar that is wished for is not known.
    """
    usual = _usual(symbol, kind)
    name = wishes.name or symbol
    calendar = wishes.calendar or usual.calendar
    zone, opens, closes = _hours(calendar) if kind == "equity" else ("America/New_York", time(9, 30), time(16))
    words = {
        "symbol": symbol,
        "title": " ".join(name.split()),
        "symbol_text": _text(symbol),
        "name": _text(name),
        "currency": _text(wishes.currency or usual.currency),
        "tick": wishes.tick or usual.tick,
        "point_value": wishes.point_value or usual.point_value,
        "commission": wishes.commission or usual.commission,
        "slippage": usual.slippage if wishes.slippage_ticks is None else str(wishes.slippage_ticks),
        "calendar": _text(calendar),
        "pattern": _text(f"{symbol}[FGHJKMNQUVXZ][0-9]{{1,2}}"),
        "zone": _text(zone),
        "opens": f"{opens:%H:%M}",
        "closes": f"{closes:%H:%M}",
        "opening": f"{opens:%H%M}",
    }
    return Template((TEMPLATES / f"{kind}.toml").read_text(encoding="utf-8")).substitute(words)


def write_new(folder: Path, symbol: str, text: str) -> Path:
    """Write the file of a new instrument and return its path; one that is there already is never replaced.

    A write that fails (a full disk) leaves no file, which would stand in the way of the next.

    Raises
    ------
    BadSettings
        when the file is there.
    """
    path = folder / f"{symbol}.toml"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise BadSettings(f"{path}: is there already, and nothing is overwritten; edit it, or move it away.") from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _usual(symbol: str, kind: Kind) -> _Usual:
    quoted = symbol[-3:] if len(symbol) == 6 and symbol.isalpha() else "USD"
    if kind == "futures":
        tick, point_value, calendar, commission = _FUTURES.get(symbol, ("0.25", "50", "CMES", "2.25"))
        return _Usual(tick, point_value, commission, "1", calendar, "USD")
    if kind == "fx":
        return _Usual("0.001" if quoted == "JPY" else "0.00001", "100000", "3.0", "3", "FX", quoted)
    if kind == "equity":
        return _Usual("0.01", "1", "0.0035", "1", "XNYS", "USD")
    ends = (ending for ending in ("USDT", "USDC", "USD", "EUR", "BTC") if symbol.endswith(ending) and symbol != ending)
    return _Usual("0.01", "1", "0.0", "100", "24/7", next(ends, "USDT"))


def _hours(calendar: str) -> tuple[str, time, time]:
    """Return zone, opening and closing time of an exchange's regular day."""
    try:
        exchange = exchange_calendar(calendar)
    except InvalidCalendarName as error:
        raise BadSettings(
            f"--calendar: {calendar!r} is no calendar of exchange_calendars; expected one such as XNYS, XLON or XETR."
        ) from error
    return str(exchange.tz), exchange.open_times[-1][1], exchange.close_times[-1][1]


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
