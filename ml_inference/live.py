"""The loop that follows a feed: new bars, history, the forecasts that are due, outcomes; step by step until stopped.

A forecast is asked for once the feed vouches that every bar before its moment is there (`Delivery.through`, or a newer
bar). It counts as live only when it is written down within `late_after` of that moment; what is late is written down as
refused, code `missed`, with the inputs it would have had and without an answer. Nothing is ever back-dated.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import numpy as np

from ml_data.build import build
from ml_data.events import Event
from ml_data.feeds.base import MINUTE, Delivery, Feed, Notice
from ml_data.feeds.intake import Intake, Taken
from ml_data.journal import append_predictions
from ml_data.stage_history import SHADOW, stage_now
from ml_data.store import Store
from ml_inference.inference_engine import MLInferenceEngine
from ml_inference.shadow import moments
from trading.domain.calendar import Minutes, expected_minutes, to_minute
from trading.domain.instrument import Instrument
from trading.domain.prediction import MISSED, Answer, PredictionRow, Refusal
from trading.errors import NothingStored, Refused, StoreError

_DAYS_AROUND: Final = timedelta(days=2)  # a trading day may begin the evening before its date
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class Settled(Protocol):
    """What settling came to, as far as the loop tells it."""

    @property
    def matured(self) -> int:
        """Outcomes that came to be known."""

    @property
    def void(self) -> int:
        """Outcomes that there will never be."""

    @property
    def corrected(self) -> int:
        """Outcomes that were settled before, and changed."""


@dataclass(frozen=True)
class LiveRules:
    """When a bar is closed, a forecast late, a gap a hole, and a feed silent.

    `late_after` None: nothing is late (a replay asks about the past, and its rows say so).
    """

    closed_after: timedelta
    late_after: timedelta | None
    hole_minutes: int
    silent_minutes: int


@dataclass(frozen=True)
class LiveReport:
    """What some steps of the loop came to. `answered`, `refused` and `missed` are rows written to the journal."""

    steps: int = 0
    bars_stored: int = 0
    bars_revised: int = 0
    bars_rejected: int = 0
    answered: int = 0
    refused: int = 0
    missed: int = 0
    without_range: int = 0
    settled: int = 0
    troubles: int = 0

    def plus(self, other: "LiveReport") -> "LiveReport":
        """Return the sum of two reports."""
        return LiveReport(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))


@dataclass(frozen=True)
class Clocks:
    """`feed` is the present instant of the feed (a replay has its own), `wall` that of the machine; both UTC."""

    feed: Callable[[], datetime]
    wall: Callable[[], datetime]


class LiveLoop:
    """Steps one engine along one feed.

    `watched` is the instant up to which events were answered, missed or found to be none: the loop goes on from there.
    `settle(now)` gives predictions their outcomes; `tell` is called with everything that happens, in order. After a
    step, `has_more` says that the feed has more at once, `ended` that it never will.
    """

    def __init__(
        self,
        store: Store,
        engine: MLInferenceEngine,
        feed: Feed,
        *,
        rules: LiveRules,
        clocks: Clocks,
        watched: datetime,
        settle: Callable[[datetime], Settled],
        tell: Callable[[Notice], None],
        replayed: bool = False,
    ) -> None:
        self.watched = watched
        self.ended = self.has_more = False
        self._store, self._engine, self._feed = store, engine, feed
        self._rules, self._clocks, self._replayed = rules, clocks, replayed
        self._settle, self._tell = settle, tell
        self._instrument: Instrument = engine.instrument
        self._intake = Intake(
            store,
            engine.instrument,
            f"feed {feed.name}",
            delay=rules.closed_after,
            hole_minutes=rules.hole_minutes,
        )
        self._vouched = _NEVER
        self._unbuilt = not replayed  # what another process imported meanwhile is built with the first step
        self._silent = False

    @property
    def newest(self) -> datetime | None:
        """The start of the newest stored bar."""
        return self._intake.newest

    def step(self) -> LiveReport:
        """Take what the feed has, bring history up to date, ask what is due, settle; nothing of it waits.

        Raises
        ------
        BadBars
            when the feed's bars cannot be used at all.
        """
        now, self.has_more = self._clocks.feed(), False
        report = LiveReport(steps=1)
        try:
            delivery = self._feed.newest(self._intake.newest, now)
            taken = self._intake.take(delivery, now)
            self._told(*taken.notices)
            report = replace(report, bars_stored=taken.stored, bars_revised=taken.revised, bars_rejected=taken.rejected)
            self._unbuilt |= taken.stored + taken.revised > 0
            if not delivery.more:
                self._brought_up_to_date()
                report = report.plus(self._asked(delivery))
                report = report.plus(self._settled(taken))
                self._heard(now)
        except StoreError as error:
            # Nothing that was acknowledged is lost: bars wait, an event stays due, and grows late meanwhile.
            self._told(Notice("store", f"{error} Tried again with the next step."))
            return report.plus(LiveReport(troubles=1))
        self.ended, self.has_more = delivery.ended, delivery.more
        return report

    def next_moment(self) -> datetime | None:
        """Return the first decision moment after those that are dealt with, within the next days."""
        return next((event.decided_at for event in self._moments() if event.decided_at > self.watched), None)

    def pause_seconds(self) -> float:
        """Return how long to wait before the next step."""
        if self.has_more:
            return 0.0
        now = self._clocks.feed()
        if self._feed.poll_seconds is None:
            moment = self.next_moment()
            return max((moment - now).total_seconds(), 1.0) if moment is not None else 86_400.0
        after = now - self._rules.closed_after
        next_close = after.replace(second=0, microsecond=0) + MINUTE + self._rules.closed_after
        return max(0.05, min(self._feed.poll_seconds, (next_close - now).total_seconds()))

    def _told(self, *notices: Notice) -> None:
        for notice in notices:
            self._tell(notice)

    def _brought_up_to_date(self) -> None:
        if self._unbuilt and self._intake.newest is not None:
            build(self._store, self._instrument)
            self._unbuilt = False

    def _asked(self, delivery: Delivery) -> LiveReport:
        """Ask about every event before which no bar is missing any more; keep those that cannot be asked yet."""
        report = LiveReport()
        # What a replay steps along is stored already, also beyond its clock: there only the feed's word counts.
        newest = None if self._replayed else self._intake.newest
        known = _NEVER if newest is None else newest + MINUTE
        self._vouched = max(self._vouched, known, _NEVER if self._intake.is_behind else delivery.through or _NEVER)
        try:
            for event in self._moments():
                if self.watched < event.decided_at <= self._vouched:
                    report = report.plus(self._ask(event, known))
                    self.watched = event.decided_at
        except (Refused, NothingStored) as error:
            # There is no version at the moment, or another process imported bars since history was built.
            self._unbuilt |= isinstance(error, NothingStored)
            self._told(Notice("no_answer", f"{self._instrument.symbol}: {error} Asked again with the next step."))
            return report.plus(LiveReport(troubles=1))
        self.watched = max(self.watched, self._vouched)
        return report

    def _moments(self) -> list[Event]:
        first = (self.watched - _DAYS_AROUND).date()
        last = (max(self.watched, self._clocks.feed()) + 4 * _DAYS_AROUND).date()
        kind = self._engine.version().schema.asked.event
        return moments(self._store, self._instrument, kind, first, last)

    def _ask(self, event: Event, known: datetime) -> LiveReport:
        """Write down what the engine says of `event`, or that it was missed; `known` is the newest stored bar's end."""
        try:
            row = self._engine.predict(event, stage=self._stage(event), replayed=self._replayed)
        except Refused as refused:
            if refused.code not in ("no_range", "no_break"):
                raise
            self._told(Notice(refused.code, f"{_name(event)}: {refused}"))
            return LiveReport(without_range=1)
        logged_at = self._clocks.wall()
        row = self._unless_late(row, event, max(self._clocks.feed(), known))
        if not append_predictions(self._store, [row], logged_at):
            return LiveReport()
        self._told(_said(event, row))
        if row.refusal is None:
            return LiveReport(answered=1)
        return LiveReport(missed=1) if row.refusal.code == MISSED else LiveReport(refused=1)

    def _stage(self, event: Event) -> str:
        """Return the stage in which the version answers; nobody hears what is replayed, so that is shadow always."""
        if self._replayed:
            return SHADOW
        return stage_now(self._store, self._engine.model, str(self._engine.version().version), event.decided_at)

    def _unless_late(self, row: PredictionRow, event: Event, now: datetime) -> PredictionRow:
        """Return `row`, or without its answer when `now` (by the clock, and by the newest bar) is too late for one."""
        limit = self._rules.late_after
        if limit is None or now - event.decided_at <= limit:
            return row
        late = (now - event.decided_at).total_seconds()
        sentence = (
            f"Its bars were there {late:,.0f} seconds after {event.decided_at:%Y-%m-%d %H:%MZ}, more than the "
            f"{limit.total_seconds():g} within which a forecast counts as live."
        )
        return replace(row, answer=None, refusal=Refusal(MISSED, sentence))

    def _settled(self, taken: Taken) -> LiveReport:
        if taken.stored + taken.revised == 0 and not self._replayed:
            return LiveReport()
        came = self._settle(self._clocks.feed())
        count = came.matured + came.void + came.corrected
        if count:
            words = f"{came.matured:,} matured, {came.void:,} void, {came.corrected:,} corrected"
            self._told(Notice("settled", f"outcomes: {words}."))
        return LiveReport(settled=count)

    def _heard(self, now: datetime) -> None:
        """Tell once when the market is open and no bar has come for long, and once when bars come again."""
        if self._replayed or self._intake.newest is None:
            return
        since, until = to_minute(self._intake.newest) + 1, to_minute(now)
        missing = int(expected_minutes(self._instrument, *_arrays(since, max(since, until)))[0])
        if missing > self._rules.silent_minutes and not self._silent:
            self._told(
                Notice("silent", f"no bar for {missing:,} minutes of open market; is the feed's source running?")
            )
        self._silent = missing > self._rules.silent_minutes


def _name(event: Event) -> str:
    return f"{event.instrument} {event.trading_day} {event.orb}"


def _said(event: Event, row: PredictionRow) -> Notice:
    if row.refusal is not None:
        kind = MISSED if row.refusal.code == MISSED else "refused_event"
        return Notice(kind, f"{_name(event)}: no forecast ({row.refusal.code}): {row.refusal.reason}")
    beside = "" if row.baseline_prob_up is None else f" (the martingale says {row.baseline_prob_up:.1%} UP)"
    words = f"{_in_words(row.answer)}{beside}" if row.answer is not None else ""
    return Notice("answered", f"{_name(event)}: {words}, by {row.model} {row.version}.")


def _in_words(answer: Answer) -> str:
    chances = [f"{name} {chance:.1%}" for name, chance in answer.probabilities.items()]
    expected = [] if answer.expected is None else [f"expected {answer.expected:+.3f}"]
    return f"{', '.join([*chances, *expected])}, advice {answer.advice}"


def _arrays(since: int, until: int) -> tuple[Minutes, Minutes]:
    return np.array([since], dtype=np.int64), np.array([until], dtype=np.int64)
