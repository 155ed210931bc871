"""Day bars and series on the Data page, as values: what is stored as it was known at the clock, tables, sentences."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd
import streamlit as st

from ml_data.day_coverage import LATE_SESSIONS, DayCoverage, day_coverage, series_coverage, stored_day_symbols
from ml_data.store import Store
from ml_models.verdicts import counted
from trading.domain.instrument import Instrument
from trading.domain.instrument_files import find_instrument
from trading.domain.series import SeriesRule, in_words, read_series_sets
from trading.domain.universe import read_universes
from trading.errors import BadSettings

_WHOLE: Final = st.column_config.NumberColumn(format="localized")
_NAMED: Final = 5
DAYS: Final[dict[str, Any]] = {
    "Symbol": None,
    "State": st.column_config.TextColumn(width=260),
    "Days": _WHOLE,
    **dict.fromkeys(("First", "Last")),
    "Missing": st.column_config.NumberColumn("Sessions missing", format="localized"),
    "Revised": _WHOLE,
    **dict.fromkeys(("Name", "Sector")),
}
SERIES: Final[dict[str, Any]] = {
    **dict.fromkeys(("Series", "Unit")),
    "Days": _WHOLE,
    **dict.fromkeys(("First", "Last")),
    "Newest": st.column_config.NumberColumn("Newest value"),
    "Since": st.column_config.DatetimeColumn("Known since, UTC", format="YYYY-MM-DD HH:mm"),
    "Changed": st.column_config.NumberColumn("Changed later", format="localized"),
    "Lag": st.column_config.TextColumn("A value is known", width=360),
}


@dataclass(frozen=True)
class DailyData:
    """Day bars by instrument and series, as known at the clock; `rules` are the series that are described, by name.

    `series` has the columns of `series_coverage.sql`; `undescribed` have day bars and neither universe nor instrument.
    """

    days: tuple[DayCoverage, ...]
    series: pd.DataFrame
    rules: Mapping[str, SeriesRule]
    undescribed: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self.days and self.series.empty


def daily_data(
    store: Store,
    universes: tuple[Path, ...],
    series: tuple[Path, ...],
    instruments: tuple[Path, ...],
    until: datetime | None,
) -> DailyData:
    """Return what day bars and series are stored, leaving out what was not known at `until` (UTC; None: now).

    The folders are those in which universes, series and instruments are described.
    """
    groups: list[Mapping[str, tuple[Instrument, str]]] = [
        universe.with_sectors() for universe in read_universes(universes)
    ]
    known = {symbol for group in groups for symbol in group}
    undescribed = []
    for symbol in stored_day_symbols(store):
        if symbol in known:
            continue
        try:
            groups.append({symbol: (find_instrument(instruments, symbol), "")})
        except BadSettings:
            undescribed.append(symbol)
    return DailyData(
        days=tuple(day_coverage(store, groups, until)),
        series=series_coverage(store, until),
        rules={rule.name: rule for each in read_series_sets(series) for rule in each.series},
        undescribed=tuple(undescribed),
    )


def day_frame(days: tuple[DayCoverage, ...]) -> pd.DataFrame:
    """Return one row an instrument: what is to be said of it first, then by name."""
    ordered = sorted(days, key=lambda each: (not each.missing, not each.behind, each.instrument))
    return pd.DataFrame(
        {
            "Symbol": [each.instrument for each in ordered],
            "Name": [each.name for each in ordered],
            "Sector": [each.sector for each in ordered],
            "Days": [each.days for each in ordered],
            "First": [each.first for each in ordered],
            "Last": [each.last for each in ordered],
            "Missing": [len(each.missing) for each in ordered],
            "Revised": [each.revised for each in ordered],
            "State": [_state(each) for each in ordered],
        }
    )


def series_frame(data: DailyData) -> pd.DataFrame:
    """Return one row a series."""
    rules = [data.rules.get(name) for name in data.series["series"]]
    return pd.DataFrame(
        {
            "Series": data.series["series"],
            "Unit": ["" if rule is None else rule.unit for rule in rules],
            "Days": data.series["days"],
            "First": data.series["first_day"],
            "Last": data.series["last_day"],
            "Newest": data.series["newest"],
            "Since": data.series["known_at"],
            "Changed": data.series["changed"],
            "Lag": ["no longer described" if rule is None else in_words(rule.published) for rule in rules],
        }
    )


def day_sentence(data: DailyData) -> str:
    """Return how much there is, what is missing, and who starts later."""
    if not data.days:
        return "No day bar was known by then."
    rows, first, last = (
        sum(each.days for each in data.days),
        min(each.first for each in data.days),
        max(each.last for each in data.days),
    )
    parts = [f"{counted(len(data.days), 'instrument')}, {counted(rows, 'day bar')}, {first} to {last}."]
    missing = sum(len(each.missing) for each in data.days)
    with_gaps = sum(bool(each.missing) for each in data.days)
    if missing:
        parts.append(f"{counted(missing, 'session')} without a bar, in {counted(with_gaps, 'instrument')}.")
    else:
        parts.append("Every session between first and last day has its bar.")
    late = [each.instrument for each in data.days if each.late > LATE_SESSIONS]
    if late:
        more = f" and {len(late) - _NAMED} more" if len(late) > _NAMED else ""
        start = "starts" if len(late) == 1 else "start"
        parts.append(f"{', '.join(late[:_NAMED])}{more} {start} later than the others: a later listing is no gap.")
    if data.undescribed:
        parts.append(f"Stored, but described by no universe or instrument: {', '.join(data.undescribed[:_NAMED])}.")
    return " ".join(parts)


def series_sentence() -> str:
    """Return what the series table shows and what it does not."""
    return (
        "Only what was published by the clock is shown, and a decision sees no more: at the stock market's close the "
        "volatility index is that of the day before."
    )


def _state(each: DayCoverage) -> str:
    if each.missing or each.behind:
        return f"… {each.state}"
    return f"✓ {each.state}" if each.state else "✓ whole"
