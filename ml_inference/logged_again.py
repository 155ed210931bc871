"""A logged prediction, looked at again: which event it was about, when two values are the same, which bars came since.

The audits of replay, skew and reconciliation share these definitions.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from ml_data.bar_tape import BarTape
from ml_data.event_view import EventView, event_window
from ml_data.events import Event
from ml_data.store import Store, sql
from ml_inference.engine_settings import EngineSettings
from trading.domain.calendar import to_minute
from trading.domain.instrument import Instrument
from trading.domain.label import BREAK_CLOSED, ORB_COMPLETE, EventKind


def same_bits(left: Any, right: Any) -> bool:
    """Return whether two values are the same bit for bit; one NaN is as good as another, and none is a number.

    >>> same_bits(0.0, -0.0), same_bits([float("nan"), 1.0], [float("nan"), 1.0]), same_bits(float("nan"), 1.0)
    (False, True, False)
    """
    if isinstance(left, float) and isinstance(right, float):
        return left.hex() == right.hex()
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(same_bits(a, b) for a, b in zip(left, right, strict=True))
    return bool(left == right)


def event_of(logged: dict[str, Any]) -> Event:
    """Return the event that a row of the journal is about."""
    return Event(logged["decided_at"], logged["instrument"], logged["kind"], logged["trading_day"], logged["orb"])


def event_name(event: Event) -> str:
    """Return what people call an event."""
    return f"{event.instrument} {event.trading_day} {event.orb}"


def settings_then(logged: dict[str, Any], settings: EngineSettings) -> EngineSettings:
    """Return the settings that a row was answered by; `settings`, where they were not recorded."""
    threshold, minutes = logged["confidence_threshold"], logged["stale_minutes"]
    if threshold is None or minutes is None:
        return settings
    return replace(settings, confidence_threshold=threshold, stale_minutes=minutes)


def bars_that_came_since(store: Store, instrument: Instrument, logged: dict[str, Any]) -> str | None:
    """Return which import brought new bars into the window of a prediction after it was logged; None: none did."""
    span = {"since": event_window(instrument, logged["trading_day"])[1], "before": logged["decided_at"]}
    with store.market() as cursor:
        asked = {"instrument": instrument.symbol, "made_at": logged["logged_at"], **span}
        rows = cursor.execute(sql("imports_since"), asked).fetchall()
    if not rows:
        return None
    import_id, file_name, imported_at, stored, *_ = rows[0]
    return f"bars came in since: {stored:,} of import {import_id} ({file_name}, {imported_at:%Y-%m-%d %H:%MZ})"


class Tapes:
    """Views of events from the bars as they are, and from the bars as they were at an instant."""

    def __init__(self, store: Store, instrument: Instrument) -> None:
        self._store, self._instrument = store, instrument
        self._tapes: dict[datetime | None, BarTape] = {}

    def view(self, event: Event, known_at: datetime | None = None) -> EventView:
        """Return what `event` looked like; with `known_at` bars have the values that they had at that instant.

        Raises
        ------
        Refused
            `no_range`, `no_break`: by these bars there is no such event.
        NothingStored
            when history is not built for the days that the event looks back to.
        """
        if known_at not in self._tapes:  # there may be as many instants as predictions: keep the newest only
            self._tapes = {at: tape for at, tape in self._tapes.items() if at is None}
            self._tapes[known_at] = BarTape(self._store, self._instrument, known_at)
        kind: EventKind = BREAK_CLOSED if event.kind == BREAK_CLOSED else ORB_COMPLETE
        return self._tapes[known_at].view(event.trading_day, event.orb, to_minute(event.decided_at), kind)
