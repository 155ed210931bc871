"""Which days a ticker has and lacks, against the sessions of its exchange; a late listing is no gap."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from ml_data.store import Store, sql
from trading.domain.calendar import Days, as_date, to_minute
from trading.domain.day_calendar import day_closes, sessions_between
from trading.domain.instrument import Instrument

LATE_SESSIONS: Final = 5
"""A history that begins so many sessions after the first of its group is called a late start."""

_NEVER: Final = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class DayCoverage:
    """The day bars of one instrument: `missing` are sessions between its first and last day without a bar.

    `late` are the sessions of its group before its first day, `behind` those after its last one.
    """

    instrument: str
    name: str
    sector: str
    days: int
    first: date
    last: date
    missing: tuple[date, ...]
    late: int
    behind: int
    revised: int

    @property
    def state(self) -> str:
        """What is to be said of it, in a few words; "" when it is whole."""
        parts = []
        if self.missing:
            parts.append(f"{len(self.missing)} missing, first {self.missing[0]}")
        if self.late > LATE_SESSIONS:
            parts.append(f"starts later, on {self.first}")
        if self.behind:
            parts.append(f"ends {self.behind} sessions before the others")
        return "; ".join(parts)


def day_coverage(
    store: Store, groups: Sequence[Mapping[str, tuple[Instrument, str]]], until: datetime | None
) -> list[DayCoverage]:
    """Return what day bars are stored of the instruments of `groups` (symbol: instrument, sector), as known at `until`.

    The instruments of a group are held against each other: one begins or ends before the others or after.
    """
    with store.market() as cursor:
        stored = {name: days for name, days in cursor.execute(sql("day_coverage")).fetchall()}
        revised: dict[str, int] = dict(cursor.execute(sql("day_revisions")).fetchall())
    minute = to_minute(until or _NEVER)
    found: list[DayCoverage] = []
    for group in groups:
        days = {
            symbol: known
            for symbol, (instrument, _) in group.items()
            if symbol in stored and len(known := _known(instrument, stored[symbol], minute))
        }
        if not days:
            continue
        first, last = min(each[0] for each in days.values()), max(each[-1] for each in days.values())
        found += [
            _covered(*group[symbol], each, first, last, revised.get(symbol, 0)) for symbol, each in sorted(days.items())
        ]
    return found


def series_coverage(store: Store, until: datetime | None) -> pd.DataFrame:
    """Return one row a stored series, with the columns of `series_coverage.sql`, as known at `until`."""
    with store.market() as cursor:
        table: Any = cursor.sql(sql("series_coverage"), params={"until": until or _NEVER}).to_arrow_table()
    frame: pd.DataFrame = table.to_pandas()
    return frame


def stored_day_symbols(store: Store) -> list[str]:
    """Return the symbols that have day bars."""
    with store.market() as cursor:
        return [str(name) for name, _ in cursor.execute(sql("day_coverage")).fetchall()]


def _known(instrument: Instrument, stored: list[date], minute: int) -> Days:
    days = np.array(stored, dtype="datetime64[D]")
    known: Days = days[day_closes(instrument, days) <= minute]
    return known


def _covered(
    instrument: Instrument, sector: str, days: Days, first: np.datetime64, last: np.datetime64, revised: int
) -> DayCoverage:
    sessions = sessions_between(instrument, first, last)
    inside = sessions[(sessions >= days[0]) & (sessions <= days[-1])]
    return DayCoverage(
        instrument=instrument.symbol,
        name=instrument.name,
        sector=sector,
        days=len(days),
        first=as_date(days[0]),
        last=as_date(days[-1]),
        missing=tuple(as_date(day) for day in inside[~np.isin(inside, days)]),
        late=int((sessions < days[0]).sum()),
        behind=int((sessions > days[-1]).sum()),
        revised=revised,
    )
