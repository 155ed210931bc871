"""A universe: many stocks of one market by ticker, each with its sector, on one exchange calendar."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from trading.domain.instrument import (
    CalendarName,
    Costs,
    Instrument,
    OpeningRangeRule,
    SessionRule,
    TradingDayRule,
    WallTime,
    ZoneName,
)
from trading.domain.instrument_files import instrument_files
from trading.errors import BadSettings
from trading.toml_file import WrongValue, read_toml


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RegularHours(_Frozen):
    """The hours in which its stocks trade, on the wall clock of the exchange; early closes are the calendar's."""

    starts: WallTime
    ends: WallTime


class Member(_Frozen):
    """One stock: its ticker, its company and its sector."""

    ticker: str = Field(pattern=r"^[A-Z0-9][A-Z0-9.-]{0,11}$")
    name: str
    sector: str


class DayInstrument(Instrument):
    """What has day bars only: no sessions, no opening ranges. `aliases` are what files may call it too."""

    symbol: str = Field(pattern=r"^[A-Z0-9][A-Z0-9._-]{0,23}$")
    aliases: tuple[str, ...] = ()
    off_grid: Literal["reject", "round"] = "round"
    sessions: tuple[SessionRule, ...] = ()
    opening_ranges: tuple[OpeningRangeRule, ...] = ()


class Universe(_Frozen):
    """A universe as its TOML file states it.

    A stock is stored as `<ticker>.<market>`: `ES.US` is Eversource Energy, `ES` the future.
    """

    name: str = Field(pattern=r"^[A-Z][A-Z0-9_]{0,23}$")
    title: str
    market: str = Field(pattern=r"^[A-Z]{2,6}$")
    currency: str
    tick: float = Field(gt=0)
    exchange_zone: ZoneName
    exchange_calendar: CalendarName
    hours: RegularHours
    costs: Costs
    members: tuple[Member, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _tickers_are_unique(self) -> Self:
        seen: set[str] = set()
        for place, member in enumerate(self.members):
            if member.ticker in seen:
                raise WrongValue(
                    ("members", place, "ticker"), "expected a ticker that no other has", repr(member.ticker)
                )
            seen.add(member.ticker)
        return self

    def symbol(self, ticker: str) -> str:
        """Return the name under which a ticker's bars are stored."""
        return f"{ticker}.{self.market}"

    def instruments(self) -> dict[str, DayInstrument]:
        """Return each stock as an instrument, by ticker."""
        return {
            member.ticker: self._instrument(self.symbol(member.ticker), member.name, (member.ticker,))
            for member in self.members
        }

    def with_sectors(self) -> dict[str, tuple[Instrument, str]]:
        """Return each stock and its sector, by the name under which its bars are stored."""
        instruments = self.instruments()
        return {self.symbol(one.ticker): (instruments[one.ticker], one.sector) for one in self.members}

    def together(self) -> DayInstrument:
        """Return one instrument to read a file of any of its stocks with: rows of all of them belong to it."""
        tickers = tuple(member.ticker for member in self.members)
        return self._instrument(self.name, self.title, (*tickers, *(self.symbol(ticker) for ticker in tickers)))

    def _instrument(self, symbol: str, name: str, aliases: tuple[str, ...]) -> DayInstrument:
        return DayInstrument(
            symbol=symbol,
            name=name,
            aliases=aliases,
            currency=self.currency,
            tick=self.tick,
            point_value=1.0,
            exchange_zone=self.exchange_zone,
            exchange_calendar=self.exchange_calendar,
            trading_day=TradingDayRule(zone=self.exchange_zone, starts=self.hours.starts, ends=self.hours.ends),
            costs=self.costs,
        )


def read_universes(folders: Sequence[Path]) -> tuple[Universe, ...]:
    """Return every universe that is described in `folders`, by name; a file in an earlier folder hides later ones."""
    return tuple(read_universe(path) for path in instrument_files(folders).values())


def find_universe(folders: Sequence[Path], name: str) -> Universe:
    """Return the universe `name` (in capitals) from the first of `folders` that describes it.

    Raises `BadSettings` when none does; the message lists those that are described.
    """
    files = instrument_files(folders)
    if name not in files:
        raise BadSettings(
            f"{name}: no such universe. Known: {', '.join(files) or 'none'}; describe it in {folders[0]}."
        )
    return read_universe(files[name])


def read_universe(path: Path) -> Universe:
    """Return the universe that the TOML file at `path` describes.

    Raises `BadSettings` as `trading.toml_file.read_toml` does.
    """
    return read_toml(path, Universe, "universe")
