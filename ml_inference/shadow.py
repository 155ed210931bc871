"""The shadow step: at each decision moment, ask the version and write down what it says, before anything else is read.

Replay steps through stored bars with the very code that live bars go through: `ShadowLoop.step` knows only a moment and
the bars that had closed by then. A prediction is on disk before any bar after its moment is read: the moments of breaks
are taken from the built history, but whether a range has broken by a minute is settled by the bars up to that minute.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from ml_data.events import Event
from ml_data.history_tables import definitions_hash
from ml_data.journal import append_predictions, known_predictions
from ml_data.stage_history import stage_now
from ml_data.store import Store, sql
from ml_inference.inference_engine import MLInferenceEngine
from ml_models.pointers import CHAMPION
from trading.domain.advice import SHADOW
from trading.domain.calendar import as_date, day_windows, from_minute, trading_days
from trading.domain.instrument import Instrument
from trading.domain.label import BREAK_CLOSED, ORB_COMPLETE, EventKind
from trading.errors import NothingStored, Refused


@dataclass(frozen=True)
class ShadowReport:
    """What the moments of a replay or a live stretch came to.

    `ahead` counts moments that the stored bars do not reach yet: they are asked about when the bars are there.
    """

    moments: int = 0
    logged: int = 0
    refused: int = 0
    known_before: int = 0
    without_range: int = 0
    ahead: int = 0

    def plus(self, other: "ShadowReport") -> "ShadowReport":
        """Return the sum of two reports."""
        return ShadowReport(
            *(mine + theirs for mine, theirs in zip(vars(self).values(), vars(other).values(), strict=True))
        )


def decision_moments(instrument: Instrument, first: date, last: date) -> Iterator[Event]:
    """Yield the moments at which an opening range of the trading days `first` to `last` is complete, in order.

    They follow from the calendar alone. Whether there was a range at all is known only at the moment itself.
    """
    days = trading_days(instrument, first, last)
    if len(days) == 0:
        return
    ends = day_windows(instrument, days).range_ends
    flat = np.argsort(ends.ravel(), kind="stable")
    for day, opening in zip(*np.unravel_index(flat, ends.shape), strict=True):
        yield Event(
            decided_at=from_minute(int(ends[day, opening])),
            instrument=instrument.symbol,
            kind=ORB_COMPLETE,
            trading_day=as_date(days[day]),
            orb=instrument.opening_ranges[int(opening)].name,
        )


def break_moments(store: Store, instrument: Instrument, first: date, last: date) -> list[Event]:
    """Return the moments at which opening ranges of the trading days `first` to `last` broke, in order.

    Raises
    ------
    NothingStored
        when history is not built from all stored bars, so that a break may be missing.
    """
    asked = {"instrument": instrument.symbol}
    with store.market() as cursor:
        [(_, newest)] = cursor.execute(sql("bar_bounds"), asked).fetchall()
        state = cursor.execute(sql("history_state"), asked).fetchall()
        dirty = cursor.execute(sql("history_dirty"), asked).fetchall()
        rows = cursor.execute(sql("break_moments"), {**asked, "first": first, "last": last}).fetchall()
    built = bool(state) and state[0][1] == definitions_hash(instrument) and not dirty
    if newest is not None and (not built or state[0][0] <= newest):
        raise NothingStored(
            f"{instrument.symbol}: history is not built from all stored bars, so breaks may be missing. Run: hub build "
            f"--instrument {instrument.symbol}"
        )
    return [Event(decided_at, instrument.symbol, BREAK_CLOSED, day, orb) for day, orb, decided_at in rows]


def moments(store: Store, instrument: Instrument, kind: EventKind, first: date, last: date) -> list[Event]:
    """Return the moments of one kind of event in the trading days `first` to `last`, in order."""
    if kind == BREAK_CLOSED:
        return break_moments(store, instrument, first, last)
    return list(decision_moments(instrument, first, last))


class ShadowLoop:
    """Asks one engine at each moment and writes its answers to the journal.

    They go with the `role` in which the version is asked, and with the stage in which it was then.
    """

    def __init__(
        self,
        store: Store,
        engine: MLInferenceEngine,
        *,
        clock: Callable[[], datetime],
        replayed: bool,
        role: str = CHAMPION,
    ) -> None:
        self._store, self._engine, self._clock, self._replayed = store, engine, clock, replayed
        self._role = role

    def step(self, event: Event) -> ShadowReport:
        """Ask about one event and return once its answer, or its refusal, is on disk."""
        try:
            row = self._engine.predict(event, role=self._role, stage=self._stage(event), replayed=self._replayed)
        except Refused as refused:
            if refused.code not in ("no_range", "no_break"):
                raise
            return ShadowReport(moments=1, without_range=1)
        written = append_predictions(self._store, [row], self._clock())
        return ShadowReport(
            moments=1, logged=written, refused=int(row.refusal is not None) * written, known_before=1 - written
        )

    def replay(
        self, instrument: Instrument, first: date, last: date, progress: Callable[[int, int], None] | None = None
    ) -> ShadowReport:
        """Step through every moment of the trading days `first` to `last` that the stored bars reach.

        Moments already answered are passed over. `progress(done, total)` is called after each moment. Interrupt it
        anywhere and start it again: the journal comes out the same.
        """
        version = self._engine.version()
        done_before = known_predictions(self._store, instrument.symbol, version.version_hash, first, last)
        first_bar, through = self._stored_span(instrument)
        every = moments(self._store, instrument, version.schema.asked.event, first, last)
        events = [event for event in every if first_bar < event.decided_at <= through]
        ahead = sum(event.decided_at > through for event in every)
        before = len(every) - len(events) - ahead
        total = ShadowReport(moments=ahead + before, without_range=before, ahead=ahead)
        for done, event in enumerate(events, start=1):
            if (event.trading_day.isoformat(), event.orb) in done_before:
                total = total.plus(ShadowReport(moments=1, known_before=1))
            else:
                total = total.plus(self.step(event))
            if progress is not None:
                progress(done, len(events))
        return total

    def _stage(self, event: Event) -> str:
        """Return the stage in which the version answers; nobody hears what is replayed, so that is shadow always."""
        if self._replayed:
            return SHADOW
        return stage_now(self._store, self._engine.model, str(self._engine.version().version), event.decided_at)

    def _stored_span(self, instrument: Instrument) -> tuple[datetime, datetime]:
        """Return when the first stored bar starts and the newest closes; an empty span when there is none."""
        with self._store.market() as cursor:
            [(first, last)] = cursor.execute(sql("bar_bounds"), {"instrument": instrument.symbol}).fetchall()
        nothing = datetime.min.replace(tzinfo=UTC)
        return (nothing, nothing) if last is None else (first, last + timedelta(minutes=1))
