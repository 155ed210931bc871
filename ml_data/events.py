"""Events: the moments at which a model is asked: a range with a size is complete, or its break has closed."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import numpy.typing as npt

from ml_data.history import History
from ml_data.rolls import CHOSEN_AFTERWARDS
from trading.domain.calendar import Days, as_date, from_minute
from trading.domain.label import BREAK_CLOSED, ORB_COMPLETE, EventKind


@dataclass(frozen=True, order=True)
class Event:
    """One decision moment. `decided_at` (UTC) is when the range's last minute, or the bar that broke it, had closed."""

    decided_at: datetime
    instrument: str
    kind: str
    trading_day: date
    orb: str

    @property
    def key(self) -> str:
        """The event as one line; equal events have equal keys on every machine."""
        stamp = self.decided_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"{self.instrument}|{self.kind}|{self.trading_day.isoformat()}|{self.orb}|{stamp}"

    def prediction_id(self, version_hash: str) -> str:
        """Return the id of the answer that one model version gives to this event: the same on every run."""
        return hashlib.sha256(f"{self.key}|{version_hash}".encode()).hexdigest()[:32]


@dataclass(frozen=True)
class EventRows:
    """E events of one history as indices: `day` and `opening` into its tables, `decided` a UTC minute."""

    day: npt.NDArray[np.int64]
    opening: npt.NDArray[np.int64]
    decided: npt.NDArray[np.int64]
    kind: EventKind = ORB_COMPLETE

    def __len__(self) -> int:
        return len(self.day)

    def where(self, keep: npt.NDArray[np.bool_]) -> "EventRows":
        """Return the events that `keep` marks."""
        return EventRows(self.day[keep], self.opening[keep], self.decided[keep], self.kind)


def events_of(history: History, kind: EventKind) -> EventRows:
    """Return every event of one kind, in the order of its decision moment."""
    return break_events(history) if kind == BREAK_CLOSED else range_events(history)


def range_events(history: History) -> EventRows:
    """Return every complete opening range with a size above 0, in the order of its decision moment.

    A range without bars is void and one of size 0 has no edge to break, so neither is an event. On the first day of all
    the contract is told by the day's own volumes: where there were several, no moment of that day knew it.
    """
    size = history.ranges.prices[:, :, 1] - history.ranges.prices[:, :, 2]
    known = np.array([reason != CHOSEN_AFTERWARDS for reason in history.contracts.reason], dtype=np.bool_)
    day, opening = np.nonzero(history.range_complete & (size > 0) & known[:, None])
    return _in_order(day, opening, history.windows.range_ends[day, opening], ORB_COMPLETE)


def break_events(history: History) -> EventRows:
    """Return every break of an opening range that is an event, decided when the bar that broke it had closed."""
    ranges = range_events(history)
    rows = history.break_rows[ranges.day, ranges.opening]
    broke = ranges.where(rows >= 0)
    decided = history.bars.minute[rows[rows >= 0]] + 1
    return _in_order(broke.day, broke.opening, decided, BREAK_CLOSED)


def _in_order(
    day: npt.NDArray[np.intp], opening: npt.NDArray[np.intp], decided: npt.NDArray[np.int64], kind: EventKind
) -> EventRows:
    order = np.lexsort((opening, decided))
    return EventRows(day[order].astype(np.int64), opening[order].astype(np.int64), decided[order], kind)


def event_at(history: History, rows: EventRows, index: int) -> Event:
    """Return event `index` of `rows` as a value that can leave this history."""
    days: Days = history.days
    return Event(
        decided_at=from_minute(int(rows.decided[index])),
        instrument=history.instrument.symbol,
        kind=rows.kind,
        trading_day=as_date(days[rows.day[index]]),
        orb=history.instrument.opening_ranges[int(rows.opening[index])].name,
    )
