"""Cross-asset series: one value a day that many instruments share, and from when on each value is known.

A series without a publication lag is a leak: the volatility index of a day is final a quarter of an hour after the
stock market's close, a yield of the day is published on the next business day. So the lag is part of the definition.
"""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, Self

import numpy as np
from pandas.tseries.holiday import USFederalHolidayCalendar
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from trading.domain.calendar import Days, Minutes, exchange_dates, wall_minutes
from trading.domain.exchange_hours import known_calendars
from trading.domain.instrument import WallTime, ZoneName
from trading.domain.instrument_files import instrument_files
from trading.errors import BadSettings
from trading.toml_file import read_toml

US_FEDERAL: Final = "US_FEDERAL"
"""The calendar of the days on which offices of the United States publish; every other is an exchange's."""

# Federal offices closed by order: days of mourning, a hurricane, days around Christmas.
_CLOSED_BY_ORDER: Final = (
    "2004-06-11", "2007-01-02", "2007-12-24", "2012-10-29", "2012-10-30", "2012-12-24", "2014-12-26", "2018-12-05",
    "2018-12-24", "2019-12-24", "2020-12-24", "2024-12-24", "2025-01-09", "2025-12-24", "2025-12-26",
)  # fmt: skip
_FROM, _TO = np.datetime64("1970-01-01", "D"), np.datetime64("2100-01-01", "D")


def _known(calendar: str) -> str:
    if calendar != US_FEDERAL and calendar not in known_calendars():
        raise ValueError(f"expected {US_FEDERAL!r} or a calendar of exchange_calendars, such as 'XNYS'")
    return calendar


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Publication(_Frozen):
    """A value of day d is known at `at` on the wall clock of `zone`, `days` business days of `calendar` after d.

    With `days` 0 that is d itself. A day d that is no business day counts from the next one.
    """

    days: int = Field(ge=0, le=60)
    at: WallTime
    zone: ZoneName
    calendar: Annotated[str, AfterValidator(_known)]


class SeriesRule(_Frozen):
    """One series: its unit, the column of a file that holds it (any of `columns`), and when a value is known."""

    name: str = Field(pattern=r"^[A-Z][A-Z0-9_]{0,31}$")
    title: str
    unit: str
    columns: tuple[str, ...] = Field(min_length=1)
    least: float | None = None  # a value below is a mistake of the file, such as a yield of -999
    most: float | None = None
    published: Publication


class SeriesSet(_Frozen):
    """Series that come in one file, as a TOML file states them."""

    name: str = Field(pattern=r"^[A-Z][A-Z0-9_]{0,23}$")
    title: str
    series: tuple[SeriesRule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_and_columns_are_unique(self) -> Self:
        names = [rule.name for rule in self.series]
        columns = [column for rule in self.series for column in rule.columns]
        for kind, found in (("series are called", names), ("series read the column", columns)):
            twice = sorted({each for each in found if found.count(each) > 1})
            if twice:
                raise ValueError(f"two {kind} {twice[0]!r}")
        return self


def known_at(published: Publication, days: Days) -> Minutes:
    """Return from which UTC minute on the value of each of `days` is known.

    `days` lie within the calendar (`first_day` to a year from today).
    """
    dates = _business_days(published.calendar)
    return wall_minutes(dates[np.searchsorted(dates, days) + published.days], published.at, published.zone)


def calendar_reach(published: Publication) -> tuple[date, date]:
    """Return the first and last day whose publication the calendar can tell."""
    dates = _business_days(published.calendar)
    last = dates[len(dates) - 1 - published.days]
    return date.fromisoformat(str(dates[0])), date.fromisoformat(str(last))


def in_words(published: Publication) -> str:
    """Return when a value is known, such as "16:15 America/New_York, 1 business day later (US_FEDERAL)"."""
    later = {0: "the same day", 1: "1 business day later"}.get(published.days, f"{published.days} business days later")
    return f"{published.at:%H:%M} {published.zone}, {later} ({published.calendar})"


def read_series_set(path: Path) -> SeriesSet:
    """Return the series that the TOML file at `path` describes.

    Raises `BadSettings` as `trading.toml_file.read_toml` does.
    """
    return read_toml(path, SeriesSet, "set of series")


def read_series_sets(folders: Sequence[Path]) -> tuple[SeriesSet, ...]:
    """Return every set of series that is described in `folders`; a file in an earlier folder hides later ones."""
    return tuple(read_series_set(path) for path in instrument_files(folders).values())


def find_series_set(folders: Sequence[Path], name: str) -> SeriesSet:
    """Return the set of series `name` (in capitals) from the first of `folders` that describes it.

    Raises `BadSettings` when none does; the message lists those that are described.
    """
    files = instrument_files(folders)
    if name not in files:
        known = ", ".join(files) or "none"
        raise BadSettings(f"{name}: no such set of series. Known: {known}; describe it in {folders[0]}.")
    return read_series_set(files[name])


@lru_cache(maxsize=8)
def _business_days(calendar: str) -> Days:
    if calendar != US_FEDERAL:
        return exchange_dates(calendar)
    holidays = USFederalHolidayCalendar().holidays(str(_FROM), str(_TO)).to_numpy().astype("datetime64[D]")
    closed = np.concatenate([holidays, np.array(_CLOSED_BY_ORDER, dtype="datetime64[D]")])
    every: Days = np.arange(_FROM, _TO, dtype="datetime64[D]")
    days: Days = every[np.is_busday(every, holidays=closed)]
    return days
