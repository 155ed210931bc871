"""The loop that follows a feed: new bars, history, the forecasts that are due, outcomes; step by step until stopped.

Every version on the roster is asked about the same events; what it says is written down in one transaction an event. A
forecast is asked for once the feed vouches that every bar before its moment is there (`Delivery.through`, or a newer
bar). It counts as live only when it is written down within `late_after` of that moment; what is late is written down as
refused, code `missed`, with the inputs it would have had and without an answer. Nothing is ever back-dated.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import numpy as np

from ml_data.build import build
from ml_data.events import Event
from ml_data.feeds.base import MINUTE, Delivery, Feed, Notice
from ml_data.feeds.intake import Intake
from ml_data.journal import written_predictions
from ml_data.stage_history import stage_now
from ml_data.store import Store
from ml_inference.panel import Panel
from ml_inference.roster import Seat
from ml_inference.shadow import moments
from ml_models.pointers import CHAMPION
from trading.domain.advice import AUTO, SHADOW
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
    """Steps the versions of a panel along one feed.

    `dealt` says of each seat up to which instant events were answered, missed or found to be none; `start` says from
    when on a seat is asked that was not there before. A seat whose version cannot be loaded (`vacant`) stays behind, is
    told by name and stops nobody; once it is filled again, what it owes is missed.

    `settle(now)` gives predictions their outcomes; `guard(now)` looks at the circuit breaker, around every forecast and
    once a minute; `tell` is called with everything that happens, in order. After a step, `has_more` says that the feed
    has more at once, `ended` that it never will.
    """

    def __init__(
        self,
        store: Store,
        panel: Panel,
        feed: Feed,
        *,
        rules: LiveRules,
        clocks: Clocks,
        start: Callable[[Seat], datetime],
        settle: Callable[[datetime], Settled],
        tell: Callable[[Notice], None],
        guard: Callable[[datetime], None] | None = None,
        replayed: bool = False,
    ) -> None:
        self.ended = self.has_more = False
        self.dealt: dict[str, datetime] = {}
        self._store, self._panel, self._feed, self._start = store, panel, feed, start
        self._rules, self._clocks, self._replayed = rules, clocks, replayed
        self._settle, self._tell = settle, tell
        self._guard, self._guarded = guard, _NEVER
        self._instrument: Instrument = panel.instrument
        self._intake = Intake(
            store,
            panel.instrument,
            f"feed {feed.name}",
            delay=rules.closed_after,
            hole_minutes=rules.hole_minutes,
        )
        self._vouched = _NEVER
        # What another process imported, or one that was killed did not get to any more, is done with the first step.
        self._unbuilt = self._unsettled = not replayed
        self._silent = False
        self._store_trouble: str | None = None
        self._seated: tuple[Seat, ...] = ()
        self._vacant: dict[str, str] = {}
        self._take_seats()

    @property
    def vacant(self) -> tuple[str, ...]:
        """The seats whose version cannot be asked."""
        return tuple(self._vacant)

    @property
    def watched(self) -> datetime | None:
        """The instant up to which every version that can be asked has dealt with its events; None without any."""
        return min((self.dealt[seat.key] for seat in self._seated), default=None)

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
            self._unsettled |= taken.stored + taken.revised > 0
            if not delivery.more:
                self._brought_up_to_date()
                report = report.plus(self._asked(delivery))
                report = report.plus(self._settled())
                self._heard(now)
                self._watched_over()
        except StoreError as error:
            # Nothing that was acknowledged is lost: bars wait, an event stays due, and grows late meanwhile.
            self._amiss(f"{error} Tried again with the next step.")
            return report.plus(LiveReport(troubles=1))
        self._amiss(None)
        self.ended, self.has_more = delivery.ended, delivery.more
        return report

    def next_moment(self) -> datetime | None:
        """Return the first decision moment after those that are dealt with, within the next days."""
        watched = self.watched
        return next((each.decided_at for each in self._moments() if watched and each.decided_at > watched), None)

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

    def _amiss(self, sentence: str | None) -> None:
        """Tell once what keeps the store from being used, and once that it can be again (`sentence` None)."""
        if sentence is None and self._store_trouble is not None:
            self._told(Notice("store_back", "the store can be used again; nothing that waited is lost."))
        if sentence is not None and sentence != self._store_trouble:
            self._told(Notice("store", sentence))
        self._store_trouble = sentence

    def _told(self, *notices: Notice) -> None:
        for notice in notices:
            self._tell(notice)

    def _brought_up_to_date(self) -> None:
        if self._unbuilt and self._intake.newest is not None:
            build(self._store, self._instrument)
            self._unbuilt = False

    def _asked(self, delivery: Delivery) -> LiveReport:
        """Ask about every event before which no bar is missing any more; keep those that cannot be asked yet."""
        report, now = LiveReport(), self._clocks.feed()
        self._take_seats()
        if not self._seated:
            return LiveReport(troubles=1)
        # What a replay steps along is stored already, also beyond its clock: there only the feed's word counts.
        newest = None if self._replayed else self._intake.newest
        known = _NEVER if newest is None else newest + MINUTE
        self._vouched = max(self._vouched, known, _NEVER if self._intake.is_behind else delivery.through or _NEVER)
        # By a clock that is behind, a moment is not there yet: an answer would be stamped before its question.
        until = self._vouched if self._replayed else min(self._vouched, now)
        try:
            for event in self._moments():
                due = [seat for seat in self._seated if _is_due(event, seat, self.dealt[seat.key], until)]
                if due:
                    report = report.plus(self._ask(event, due))
                    self.dealt |= {seat.key: event.decided_at for seat in due}
        except NothingStored as error:
            # Another process imported bars since history was built.
            self._unbuilt = True
            self._told(Notice("no_answer", f"{self._instrument.symbol}: {error} Asked again with the next step."))
            return report.plus(LiveReport(troubles=1))
        self.dealt |= {seat.key: max(self.dealt[seat.key], until) for seat in self._seated}
        return report

    def _take_seats(self) -> None:
        """Look who is asked by now, and tell who is new and who cannot be asked."""
        roster, before = self._panel.roster(), {seat.key: seat.version.version_hash for seat in self._seated}
        vacant = {each.key: each.why for each in roster.vacant}
        staying = {seat.key for seat in roster.seats} | set(vacant)
        self.dealt = {key: at for key, at in self.dealt.items() if key in staying}
        for seat in roster.seats:
            if before.get(seat.key) == seat.version.version_hash:
                continue
            if seat.key in self.dealt:  # it takes over, and is not asked about moments from before it was made
                self.dealt[seat.key] = max(self.dealt[seat.key], seat.made_at)
            else:
                self.dealt[seat.key] = self._start(seat)
            self._told(Notice("seated", f"{seat.model} {seat.version.version} is asked, as {seat.role}."))
        for key, why in vacant.items():
            if self._vacant.get(key) != why:
                self._told(Notice("no_answer", f"{key} is not asked: {why}"))
        self._seated, self._vacant = roster.seats, vacant

    def _moments(self) -> list[Event]:
        """Return the moments of every kind that anybody is asked about, in order."""
        watched = self.watched
        if watched is None:
            return []
        first = (watched - _DAYS_AROUND).date()
        last = (max(watched, self._clocks.feed()) + 4 * _DAYS_AROUND).date()
        kinds = dict.fromkeys(seat.version.schema.asked.event for seat in self._seated)
        every = [event for kind in kinds for event in moments(self._store, self._instrument, kind, first, last)]
        return sorted(every, key=lambda event: event.decided_at)

    def _ask(self, event: Event, seats: Sequence[Seat]) -> LiveReport:
        """Write down what each version says of `event`, or that it was missed."""
        self._watched_over()
        try:
            rows = [
                self._panel.predict(seat, event, stage=self._stage(seat, event), replayed=self._replayed)
                for seat in seats
            ]
        except Refused as refused:
            if refused.code not in ("no_range", "no_break"):
                raise
            self._told(Notice(refused.code, f"{_name(event)}: {refused}"))
            return LiveReport(without_range=1)
        logged_at = self._clocks.wall()
        rows = [self._unless_late(row, event, max(self._clocks.feed(), self._vouched)) for row in rows]
        new = written_predictions(self._store, rows, logged_at)
        rows = [row for row in rows if row.prediction_id in new]
        for row in rows:
            self._told(_said(event, row))
        refused_for = [row.refusal.code for row in rows if row.refusal is not None]
        missed = refused_for.count(MISSED)
        if refused_for or any(row.stage == AUTO for row in rows):  # one too many refused, or an order to place
            self._guarded = _NEVER
            self._watched_over()
        answered = len(rows) - len(refused_for)
        return LiveReport(answered=answered, refused=len(refused_for) - missed, missed=missed)

    def _stage(self, seat: Seat, event: Event) -> str:
        """Return the stage in which a version answers; nobody hears what is replayed, so that is shadow always."""
        if self._replayed:
            return SHADOW
        return stage_now(self._store, seat.model, str(seat.version.version), event.decided_at)

    def _unless_late(self, row: PredictionRow, event: Event, now: datetime) -> PredictionRow:
        """Return `row`, or without its answer when `now` (by the clock and by the feed) is too late for one."""
        limit = self._rules.late_after
        if limit is None or now - event.decided_at <= limit:
            return row
        late = (now - event.decided_at).total_seconds()
        sentence = (
            f"Its bars were there {late:,.0f} seconds after {event.decided_at:%Y-%m-%d %H:%MZ}, more than the "
            f"{limit.total_seconds():g} within which a forecast counts as live."
        )
        return replace(row, answer=None, refusal=Refusal(MISSED, sentence))

    def _settled(self) -> LiveReport:
        if not (self._unsettled or self._replayed):
            return LiveReport()
        came = self._settle(self._clocks.feed())
        self._unsettled = False
        count = came.matured + came.void + came.corrected
        if count:
            words = f"{came.matured:,} matured, {came.void:,} void, {came.corrected:,} corrected"
            self._told(Notice("settled", f"outcomes: {words}."))
        return LiveReport(settled=count)

    def _watched_over(self) -> None:
        """Let the circuit breaker look, once a minute: what trips is silent before it is asked."""
        now = self._clocks.feed()
        minute = now.replace(second=0, microsecond=0)
        if self._guard is not None and not self._replayed and minute != self._guarded:
            self._guard(now)
            self._guarded = minute

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
        if self._silent and missing <= self._rules.silent_minutes:
            self._told(Notice("heard", f"the market is heard again: newest bar {self._intake.newest:%Y-%m-%d %H:%MZ}."))
        self._silent = missing > self._rules.silent_minutes


def _is_due(event: Event, seat: Seat, dealt: datetime, until: datetime) -> bool:
    return seat.version.schema.asked.event == event.kind and dealt < event.decided_at <= until


def _name(event: Event) -> str:
    return f"{event.instrument} {event.trading_day} {event.orb}"


def _said(event: Event, row: PredictionRow) -> Notice:
    if row.refusal is not None:
        kind = MISSED if row.refusal.code == MISSED else "refused_event"
        who = f"by {row.model} {row.version}"
        return Notice(kind, f"{_name(event)}: no forecast {who} ({row.refusal.code}): {row.refusal.reason}")
    beside = "" if row.baseline_prob_up is None else f" (the martingale says {row.baseline_prob_up:.1%} UP)"
    words = f"{_in_words(row.answer)}{beside}" if row.answer is not None else ""
    role = "" if row.role == CHAMPION else f" ({row.role})"
    return Notice("answered", f"{_name(event)}: {words}, by {row.model} {row.version}{role}.")


def _in_words(answer: Answer) -> str:
    chances = [f"{name} {chance:.1%}" for name, chance in answer.probabilities.items()]
    expected = [] if answer.expected is None else [f"expected {answer.expected:+.3f}"]
    return f"{', '.join([*chances, *expected])}, advice {answer.advice}"


def _arrays(since: int, until: int) -> tuple[Minutes, Minutes]:
    return np.array([since], dtype=np.int64), np.array([until], dtype=np.int64)
