"""What an instrument is: its tick, its costs, its trading day, its sessions and its opening ranges."""

import re
from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from trading.toml_file import read_toml


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{name!r} is not a time zone of the IANA list, such as 'America/New_York'") from error
    return name


def _known_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
    return pattern


ZoneName = Annotated[str, AfterValidator(_known_zone)]
Pattern = Annotated[str, AfterValidator(_known_pattern)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TradingDayRule(_Frozen):
    """A trading day is a date label; it runs from `starts` to `ends` (default: to the next `starts`) in `zone`.

    `label` says which date it is called by: that on which it `start`s, or, as US futures do, that on which it `end`s.
    """

    zone: ZoneName
    starts: time
    ends: time | None = None
    label: Literal["start", "end"] = "start"
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)


class Costs(_Frozen):
    """Costs of one contract: commission a side in currency, slippage in ticks on every market order.

    `commission_rate` is a share of the value traded, a side, on top (exchanges for crypto charge so).
    """

    commission_per_side: float = Field(ge=0)
    commission_rate: float = Field(0.0, ge=0, lt=0.1)
    slippage_ticks: int = Field(ge=0)


class ContractRule(_Frozen):
    """Which symbols are outright contracts (`pattern`), and the volume share at which the day's contract moves on."""

    pattern: Pattern
    roll_share: float = Field(gt=0, le=1)


class SessionRule(_Frozen):
    """A named window of the trading day, `[starts, ends)` on the wall clock of `zone` (default: the trading day's)."""

    name: str
    starts: time
    ends: time
    zone: ZoneName | None = None
    before_day_start: bool = False


class OpeningRangeRule(_Frozen):
    """An opening range: the first `minutes` minutes from `starts`; its `session` rules expire at `session_ends`.

    Both are on the wall clock of `zone` (default: the trading day's).
    """

    name: str
    starts: time
    zone: ZoneName | None = None
    minutes: int = Field(ge=1, le=240)
    session_ends: time


class Instrument(_Frozen):
    """One instrument as its TOML file states it."""

    symbol: str = Field(pattern=r"^[A-Z0-9]{1,12}$")
    name: str
    synthetic: bool = False
    currency: str
    tick: float = Field(gt=0)
    point_value: float = Field(gt=0)
    exchange_zone: ZoneName
    exchange_calendar: str
    daily_halt: tuple[time, time] | None = None
    trading_day: TradingDayRule
    costs: Costs
    contracts: ContractRule | None = None
    sessions: tuple[SessionRule, ...]
    opening_ranges: tuple[OpeningRangeRule, ...]

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for kind, names in (
            ("session", [session.name for session in self.sessions]),
            ("opening range", [rule.name for rule in self.opening_ranges]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"two {kind}s are called {twice[0]!r}; names are keys and must differ")
        return self

    @property
    def price_decimals(self) -> int:
        """Decimals that show one tick exactly: 1 for 0.1, 2 for 0.25, 0 for 5."""
        return max(0, -int(Decimal(repr(self.tick)).normalize().as_tuple().exponent))


def read_instrument(path: Path) -> Instrument:
    """Return the instrument that the TOML file at `path` describes.

    Raises `BadSettings` as `trading.toml_file.read_toml` does.
    """
    return read_toml(path, Instrument, "instrument")
