"""What an instrument is: its tick, its costs, its trading day, its sessions and its opening ranges."""

import re
from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from trading.domain.exchange_hours import known_calendars
from trading.toml_file import WrongValue, read_toml

SYMBOL_PATTERN = r"^[A-Z0-9]{1,12}$"


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("expected a time zone of the IANA list, such as 'America/New_York'") from error
    return name


def _known_calendar(name: str) -> str:
    if name not in known_calendars():
        raise ValueError(
            "expected a calendar of exchange_calendars, such as 'XNYS', or one of the hub's: 'CME_INDEX', "
            "'COMEX_METALS', 'FX'"
        )
    return name


def _known_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"expected a regular expression ({error})") from error
    return pattern


def _wall_time(value: Any) -> Any:
    """Refuse what pydantic would take for a time of day: numbers (seconds since midnight), seconds, offsets."""
    written = value.isoformat() if isinstance(value, time) else value
    if not isinstance(written, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d(:00)?", written):
        raise ValueError("expected a time of day such as '09:30'")
    return value


Kind = Literal["stock", "future", "pair"]
"""A stock or fund, whose day bars may be adjusted; a future with contracts; a pair of currencies, a metal, a coin."""

ZoneName = Annotated[str, AfterValidator(_known_zone)]
CalendarName = Annotated[str, AfterValidator(_known_calendar)]
Pattern = Annotated[str, AfterValidator(_known_pattern)]
WallTime = Annotated[time, BeforeValidator(_wall_time)]
Number = Annotated[float, Field(strict=True)]
Price = Annotated[float, Field(strict=True, gt=0)]
Whole = Annotated[int, Field(strict=True)]
Name = Annotated[str, Field(min_length=1, max_length=40)]
Weekday = Annotated[int, Field(strict=True, ge=0, le=6)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TradingDayRule(_Frozen):
    """A trading day is a date label; it runs from `starts` to `ends` (default: to the next `starts`) in `zone`.

    `label` says which date it is called by: that on which it `start`s, or, as US futures do, that on which it `end`s.
    """

    zone: ZoneName
    starts: WallTime
    ends: WallTime | None = None
    label: Literal["start", "end"] = "start"
    weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1)] = (0, 1, 2, 3, 4)


class Costs(_Frozen):
    """Costs of one contract: commission a side in currency, slippage in ticks on every market order.

    `commission_rate` is a share of the value traded, a side, on top (exchanges for crypto charge so).
    """

    commission_per_side: Number = Field(ge=0)
    commission_rate: Number = Field(0.0, ge=0, lt=0.1)
    slippage_ticks: Whole = Field(ge=0)


class ContractRule(_Frozen):
    """Which symbols are outright contracts (`pattern`), and the volume share at which the day's contract moves on."""

    pattern: Pattern
    roll_share: Number = Field(gt=0, le=1)


class SessionRule(_Frozen):
    """A named window of the trading day, `[starts, ends)` on the wall clock of `zone` (default: the trading day's)."""

    name: Name
    starts: WallTime
    ends: WallTime
    zone: ZoneName | None = None
    before_day_start: bool = False


class OpeningRangeRule(_Frozen):
    """An opening range: the first `minutes` minutes from `starts`; its `session` rules expire at `session_ends`.

    Both are on the wall clock of `zone` (default: the trading day's).
    """

    name: Name
    starts: WallTime
    zone: ZoneName | None = None
    minutes: Whole = Field(ge=1, le=240)
    session_ends: WallTime


class Instrument(_Frozen):
    """One instrument as its TOML file states it.

    `off_grid` says what becomes of an imported bar with a price between two ticks: it is rejected, or its prices are
    rounded to the nearest tick and counted (vendors of share prices report sub-penny prints that nobody can quote).
    `plausible_prices` are the least and the highest price at which anybody has seen or can imagine it: a file beyond
    them is told to be of something else. They have no part in what is computed from bars.
    """

    symbol: str = Field(pattern=SYMBOL_PATTERN)
    name: str = Field(min_length=1)
    synthetic: Annotated[bool, Field(strict=True)] = False
    currency: str = Field(pattern=r"^[A-Z]{3,5}$")
    tick: Number = Field(gt=0)
    off_grid: Literal["reject", "round"] = "reject"
    plausible_prices: tuple[Price, Price] | None = None
    point_value: Number = Field(gt=0)
    exchange_zone: ZoneName
    exchange_calendar: CalendarName
    daily_halt: tuple[WallTime, WallTime] | None = None
    trading_day: TradingDayRule
    costs: Costs
    contracts: ContractRule | None = None
    sessions: tuple[SessionRule, ...]
    opening_ranges: Annotated[tuple[OpeningRangeRule, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        names: dict[str, tuple[str, ...]] = {
            "sessions": tuple(rule.name for rule in self.sessions),
            "opening_ranges": tuple(rule.name for rule in self.opening_ranges),
        }
        for table, given in names.items():
            for place, name in enumerate(given):
                if name in given[:place]:
                    raise WrongValue((table, place, "name"), "expected a name that no other has", repr(name))
        if self.daily_halt is not None and self.daily_halt[0] == self.daily_halt[1]:
            raise WrongValue(("daily_halt",), "expected two different times", f"{self.daily_halt[0]:%H:%M} twice")
        prices = self.plausible_prices
        if prices is not None and prices[0] >= prices[1]:
            raise WrongValue(("plausible_prices",), "expected the lower price first", str(list(prices)))
        if len(set(self.trading_day.weekdays)) < len(self.trading_day.weekdays):
            found = list(self.trading_day.weekdays)
            raise WrongValue(("trading_day", "weekdays"), "expected each weekday once", str(found))
        return self

    @property
    def kind(self) -> Kind:
        """What it is, as its rules say: prices of shares may lie between ticks, futures have contracts."""
        if self.off_grid == "round":
            return "stock"
        return "pair" if self.contracts is None else "future"

    @property
    def price_decimals(self) -> int:
        """Decimals that show one tick exactly: 1 for 0.1, 2 for 0.25, 0 for 5."""
        return max(0, -int(Decimal(repr(self.tick)).normalize().as_tuple().exponent))


def read_instrument(path: Path) -> Instrument:
    """Return the instrument that the TOML file at `path` describes.

    Raises `BadSettings` as `trading.toml_file.read_toml` does.
    """
    return read_toml(path, Instrument, "instrument")
