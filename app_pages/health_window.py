"""Which forecasts the Model health page looks at: windows back from the clock, versions, age. Pure."""

from datetime import date, datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app_pages.clock import WallClock
from ml_data.outcomes import PENDING
from ml_models.verdicts import counted
from ml_monitoring.judged import Counts, counts_of
from trading.domain.calendar import DAY, as_date, calendar_day_of, to_minute, trading_days
from trading.domain.instrument import Instrument

WINDOWS: Final[dict[str, int | None]] = {"30d": 30, "90d": 90, "1y": 260, "all": None}
"""Trading days that a window reaches back from the clock; 260 weekdays are a year."""

NAMES: Final = {"30d": "30 d", "90d": "90 d", "1y": "1 y", "all": "All"}

LATE_DAYS: Final = 5
"""Calendar days without a new forecast, or with one that waits for its outcome, after which the page says so."""


def first_day(instrument: Instrument, now: datetime, window: str) -> date | None:
    """Return the first of the trading days (by weekday) that `window` holds, the clock's own being the last."""
    count = WINDOWS[window]
    if count is None:
        return None
    today = calendar_day_of(instrument, np.array([to_minute(now)], dtype=np.int64))[0]
    days = trading_days(instrument, as_date(today - (2 * count + 7) * DAY), as_date(today))
    return as_date(days[-count])


def since(journal: pa.Table, first: date | None) -> pa.Table:
    """Return the rows of trading day `first` and later; all of them without a `first`."""
    return journal if first is None else journal.filter(pc.greater_equal(journal["trading_day"], pa.scalar(first)))


def of_version(journal: pa.Table, version: str | None) -> pa.Table:
    """Return the rows of one version; all of them without a `version`."""
    return journal if version is None else journal.filter(pc.equal(journal["version"], version))


def usual_window(instrument: Instrument, now: datetime, journal: pa.Table) -> str:
    """Return the window to open with: 90 days, or all of them where these hold nothing."""
    return "90d" if since(journal, first_day(instrument, now, "90d")).num_rows else "all"


def versions(journal: pa.Table) -> tuple[str, ...]:
    """Return the versions that answered, newest first."""
    return tuple(sorted(set(journal["version"].to_pylist()), reverse=True))


def stored_by_week(journal: pa.Table, first: date | None) -> tuple[int, ...]:
    """Return how many predictions each week (from Monday) of the window holds, between the first and last with any."""
    days = since(journal, first)["trading_day"].to_numpy().astype("datetime64[D]")
    weeks = (days.astype(np.int64) + 3) // 7
    return tuple(np.bincount(weeks - weeks.min()).tolist()) if len(weeks) else ()


def about(journal: pa.Table, model: str, version: str | None, replay: datetime | None, wall: WallClock) -> str:
    """Return what the page is about: model, version, span, how many forecasts and how they came about, as of when."""
    if journal.num_rows == 0:
        return model
    names = [version] if version else list(versions(journal))
    days = sorted(set(journal["trading_day"].to_pylist()))
    parts = [
        model,
        names[0] if len(names) == 1 else f"{len(names)} versions",
        f"{day_name(days[0])} to {day_name(days[-1])}, {counted(len(days), 'trading day')}",
        f"{counted(journal.num_rows, 'forecast')}, {replay_note(counts_of(journal))}",
    ]
    if replay is not None:
        parts.append(f"as it stood {wall.day_hm(replay)} {wall.place}")
    return " · ".join(parts)


def replay_note(counts: Counts) -> str:
    """Return how the forecasts came about: asked of stored bars afterwards, or at their moment."""
    if counts.replayed == counts.logged:
        return "all replayed (asked of stored bars afterwards)"
    if counts.replayed == 0:
        return "all made live"
    return f"{counts.replayed:,} replayed (asked of stored bars afterwards), {counts.logged - counts.replayed:,} live"


def lateness(journal: pa.Table, now: datetime, wall: WallClock) -> tuple[str, str] | None:
    """Return title and sentence when forecasts stopped, or outcomes are not being settled; None when neither.

    `journal` has at least one row.
    """
    made: datetime = pc.max(journal["decided_at"]).as_py()
    days = (now - made).days
    if days >= LATE_DAYS:
        return (
            "No new forecasts",
            f"The newest was made {wall.day_hm(made)} {wall.place} {made:%Y}, {days:,} days ago: all figures are "
            "frozen there. New ones come with new bars: `hub ingest FILES`, then `hub shadow --replay FROM TO`.",
        )
    waits = journal.filter(pc.equal(journal["state"], PENDING))["decided_at"].to_pylist()
    overdue = sum((now - decided).days >= LATE_DAYS for decided in waits)
    if overdue:
        return (
            "Outcomes are not settled",
            f"{counted(overdue, 'forecast')} without an outcome after {LATE_DAYS} days. Settle them: `hub settle`.",
        )
    return None


def nothing_in_window(window: str, journal: pa.Table) -> str:
    """Return why a window without forecasts is empty, and what to do; `journal` has rows outside of it."""
    last = journal["trading_day"][-1].as_py()
    count = counted(journal.num_rows, "forecast")
    return f"The newest of {count} is of {day_name(last)}, before the last {NAMES[window]}."


def nothing_matured(counts: Counts) -> str:
    """Return why nothing can be judged yet, and when that changes."""
    rest = [f"{count:,} {word}" for count, word in ((counts.void, "void"), (counts.refused, "refused")) if count]
    beside = f" ({' and '.join(rest)} beside them)" if rest else ""
    return (
        f"{counted(counts.pending, 'forecast')} without an outcome yet{beside}. It is known when the plain trade has "
        "closed, and written by `hub settle`. Scores begin with the first, intervals after 5 trading days."
    )


def day_name(day: date) -> str:
    """Return a date in words.

    >>> day_name(date(2025, 6, 7))
    '7 Jun 2025'
    """
    return f"{day.day} {day:%b %Y}"
