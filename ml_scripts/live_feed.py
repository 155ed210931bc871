"""Follows feeds, for `hub shadow --feed`: a thread an instrument, and how all of them are stopped."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from ml_data.feeds.base import Feed, Notice
from ml_data.feeds.named import FeedNeeds, named_feed
from ml_data.feeds.replay import ReplayClock, ReplayFeed
from ml_inference.clock_watch import ClockWatch
from ml_inference.live import Clocks, LiveLoop, LiveReport, LiveRules
from ml_inference.live_state import Following, FollowState, Told, asked_from, live_path, read_state
from ml_inference.panel import Panel
from ml_inference.roster import Seat, Who, models_of
from ml_inference.shadow import decision_moments
from ml_monitoring.breaker import AT_ONCE
from ml_monitoring.breaker_watch import watch
from ml_monitoring.gatekeeper import take_back
from ml_monitoring.outcome_logger import Doubt, SettleReport, settle
from ml_monitoring.paper_broker import place
from ml_scripts.alert_sending import AlertWatch
from ml_scripts.console import Hub, now
from ml_scripts.live_board import Board, Tell, following_alone, live_log
from ml_scripts.live_jobs import Jobs, jobs_of
from ml_scripts.loop_facts import feed_failures
from trading.domain.alert import Fact
from trading.domain.instrument import Instrument
from trading.errors import HubError
from trading.settings import FeedSettings

WAITS: Final = (30.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds before a feed that failed is tried again beside others; the last for all further attempts."""

REPLAY: Final = "replay:"
_ALIVE_SECONDS: Final = 10.0
_SHORT: Final = 0.5  # some systems hear Ctrl+C only between waits
_ERRORS: Final = ("failed", "store", "disconnected", "refused", "no_answer", "silent")


@dataclass(frozen=True)
class Wanted:
    """One feed to follow: its instrument, its words, and who is asked along it.

    `by` raises `HubError` where nobody can be asked; with it a feed begins, and begins again.
    """

    instrument: Instrument
    words: str
    by: Callable[[], Who]


@dataclass(frozen=True)
class Followed:
    """What following a feed came to, and what ended it: `end` of the feed, `once`, `stopped`, or `failed`."""

    instrument: str
    feed: str
    ended_by: str
    watched: datetime | None
    report: LiveReport


def follow(hub: Hub, feeds: Sequence[Wanted], *, once: bool, show: Callable[[str], None]) -> list[Followed]:
    """Follow feeds until they end or somebody stops it; with `once`, take one step along each.

    `show` is given a line for everything that happens, but for what happens every minute. A feed that fails is tried
    again later where there are others; alone, its failure is raised.

    Raises
    ------
    HubError
        when another process follows feeds with this journal, or a feed cannot be followed at all.
    """
    words = ", ".join(f"{each.instrument.symbol}={each.words}" for each in feeds)
    with (
        following_alone(hub.store, words),
        live_log(hub.store, show) as written,
        _stoppable() as stop,
        _alerts(hub, feeds, written) as alerts,
    ):
        board = Board(hub.store, written)
        log = board.tell
        again = len(feeds) > 1 and not once
        followers = [_Follower(hub, each, board, log, stop, once=once, again=again) for each in feeds]
        for follower in followers:
            follower.start()
        daily = [] if once else [each.instrument for each in feeds if not each.words.startswith(REPLAY)]
        jobs = Jobs([job for each in daily for job in jobs_of(hub.registry, each, hub.settings.service)], board, log)
        clock_watch = ClockWatch(timedelta(seconds=hub.settings.feed.late_seconds))
        try:
            _look_after(followers, clock_watch, jobs, board, alerts, log, stop)
        finally:
            jobs.stop()
        board.alive(ended_at=now())
        if not stop.is_set():
            alerts.finish()
    failures = [follower.failure for follower in followers if follower.failure is not None]
    if failures:
        raise failures[0]
    return [follower.followed for follower in followers if follower.followed is not None]


def _look_after(
    followers: Sequence["_Follower"],
    clock_watch: ClockWatch,
    jobs: Jobs,
    board: Board,
    alerts: AlertWatch,
    log: Tell,
    stop: threading.Event,
) -> None:
    """Look at the clock, alerts and daily work until every follower has ended, and keep the state on disk fresh."""
    until = time.monotonic()
    while working := [follower for follower in followers if follower.is_alive()]:
        alerts.look()
        if (noticed := clock_watch.looked(now())) is not None:
            log(noticed, "")
        soon = noticed is not None or time.monotonic() >= until
        if (soon or jobs.busy) and not stop.is_set():
            jobs.look(now())
        if soon:
            board.alive()
            until = time.monotonic() + _ALIVE_SECONDS
        working[0].join(_SHORT)


@contextmanager
def _alerts(hub: Hub, feeds: Sequence[Wanted], log: Tell) -> Iterator[AlertWatch]:
    """Yield what tells the trader of the feeds that are live; of a replay nobody is told."""
    live = [each.instrument for each in feeds if not each.words.startswith(REPLAY)]

    def failures(_: datetime) -> list[Fact]:
        return feed_failures(read_state(live_path(hub.store, "json")))

    watch = AlertWatch(hub.store, live, hub.settings, now, lambda kind, said: log(Notice(kind, said), ""), failures)
    try:
        yield watch
    finally:
        watch.close()


class _Follower(threading.Thread):
    """The thread of one instrument. Afterwards `followed` says what it came to, or `failure` why it gave up."""

    def __init__(
        self, hub: Hub, wanted: Wanted, board: Board, log: Tell, stop: threading.Event, *, once: bool, again: bool
    ) -> None:
        super().__init__(name=f"follow {wanted.instrument.symbol}", daemon=True)
        self._hub, self._wanted, self._board, self._log, self._stop_asked = hub, wanted, board, log, stop
        self._once, self._again = once, again
        self._said: dict[str, Told] = {}
        self._symbol = wanted.instrument.symbol
        self.followed: Followed | None = None
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Follow the feed; when it fails, try again after longer and longer waits, or give up."""
        attempts = 0
        while self.followed is None and self.failure is None:
            begun = time.monotonic()
            try:
                self.followed = self._follow()
            except HubError as error:
                attempts = 0 if time.monotonic() - begun > WAITS[-1] else attempts
                wait = WAITS[min(attempts, len(WAITS) - 1)]
                attempts += 1
                self._failed(error, wait if self._again else None)
                if not self._again:
                    self.failure = error
                    return
                _sleep(self._stop_asked, wait)
                if self._stop_asked.is_set():
                    self.followed = Followed(self._symbol, self._wanted.words, "failed", None, LiveReport())
            except BaseException as error:  # raised again by the main thread, with its trace
                self.failure = error
                self._stop_asked.set()

    def _follow(self) -> Followed:
        symbol, hub = self._symbol, self._hub
        needs = FeedNeeds(hub.store, self._wanted.instrument, hub.settings.feed, os.environ.get, time.monotonic)
        who = self._wanted.by()
        feed = named_feed(self._wanted.words, needs, lasting=not self._once)
        try:
            self._tell(Notice("started", f"{symbol} follows {feed.name}."))
            run = _Run(hub, self._wanted, who, feed, self._tell, self._before)
            ended_by, report = run.until(self._stop_asked, once=self._once, keep=self._keep)
            self._tell(Notice("ended", f"{symbol} follows {feed.name} no more ({ended_by})."))
        finally:
            feed.close()
        return Followed(symbol, feed.name, ended_by, run.loop.watched, report)

    def _before(self) -> Following | None:
        return self._board.before(self._symbol)

    def _tell(self, notice: Notice) -> None:
        about = "forecast" if notice.kind == "answered" else "error" if notice.kind in _ERRORS else None
        if about is not None:
            self._said[about] = Told(now(), notice.sentence)
        self._log(notice, self._symbol)

    def _keep(self, loop: LiveLoop) -> None:
        before = self._before()
        owed = {} if before is None else {key: at for key, at in before.dealt.items() if key in loop.vacant}
        found = Following(
            feed=self._wanted.words,
            state="following",
            stepped_at=now(),
            newest_bar=loop.newest,
            next_event=self._next_range_end(),
            last_forecast=self._said.get("forecast"),
            last_error=self._said.get("error"),
            dealt={**owed, **loop.dealt},
        )
        self._board.put(self._symbol, found)

    def _next_range_end(self) -> datetime | None:
        at = now()
        ahead = decision_moments(self._wanted.instrument, at.date() - timedelta(days=2), at.date() + timedelta(days=8))
        return next((event.decided_at for event in ahead if event.decided_at > at), None)

    def _failed(self, error: HubError, wait: float | None) -> None:
        again = "" if wait is None else f" {self._symbol} is tried again in {wait:g} seconds."
        self._tell(Notice("failed", f"{error}{again}"))
        if not self._wanted.words.startswith(REPLAY):
            state: FollowState = "resting" if wait is None else "waiting"
            before = self._before() or Following(self._wanted.words, state, now())
            error_told = self._said["error"]
            self._board.put(self._symbol, replace(before, state=state, stepped_at=now(), last_error=error_told))


class _Run:
    """One loop and what it needs to go on: its clock and its pauses."""

    def __init__(
        self,
        hub: Hub,
        wanted: Wanted,
        who: Who,
        feed: Feed,
        tell: Callable[[Notice], None],
        before: Callable[[], Following | None],
    ) -> None:
        instrument, store = wanted.instrument, hub.store
        self._replay: ReplayClock | None = None
        replayed, pinned = isinstance(feed, ReplayFeed), who()
        if isinstance(feed, ReplayFeed):
            _, _, speed = wanted.words.partition("@")
            self._replay = ReplayClock(feed.starts_at, float(speed) if speed else None, time.monotonic)

        upheld: set[Doubt] = set()

        def start(seat: Seat) -> datetime:
            if isinstance(feed, ReplayFeed):
                return feed.starts_at
            return asked_from(store, instrument.symbol, seat, before(), now())

        self.loop = LiveLoop(
            store,
            Panel(
                store,
                hub.registry,
                instrument,
                who=(lambda: pinned) if replayed else who,  # of a replay the same versions, wherever pointers move
                clock=now,
                settings=hub.engine_settings,
            ),
            feed,
            rules=rules_of(hub.settings.feed, feed),
            clocks=Clocks(now if self._replay is None else self._replay.now, now),
            start=start,
            settle=lambda at: _settled(hub, instrument, tell, at, upheld, live=not replayed),
            tell=tell,
            guard=lambda at: _guarded(hub, instrument, tell, at),
            replayed=replayed,
        )

    def until(self, stop: threading.Event, *, once: bool, keep: Callable[[LiveLoop], None]) -> tuple[str, LiveReport]:
        """Step until the feed ends, `stop` is set, or, with `once`, the feed has no more at once.

        `keep` is called before the first step (what comes due from here on is missed, not forgotten, if this is
        killed), whenever events were dealt with, now and then, and at the end; not along a replay.
        """
        kept_at = self._kept(keep)
        report, ended_by = LiveReport(), ""
        while not ended_by:
            before = dict(self.loop.dealt)
            report = report.plus(self.loop.step())
            if self.loop.dealt != before or time.monotonic() - kept_at > _ALIVE_SECONDS:
                kept_at = self._kept(keep)
            if self.loop.ended or (once and not self.loop.has_more):
                ended_by = "end" if self.loop.ended else "once"
                continue
            self._pause(stop, self.loop.pause_seconds())
            ended_by = "stopped" if stop.is_set() else ""
        self._kept(keep)
        return ended_by, report

    def _kept(self, keep: Callable[[LiveLoop], None]) -> float:
        if self._replay is None:
            keep(self.loop)
        return time.monotonic()

    def _pause(self, stop: threading.Event, seconds: float) -> None:
        if self._replay is not None:
            self._replay.wait(seconds, lambda part: _sleep(stop, part))
        else:
            _sleep(stop, seconds)


def _settled(
    hub: Hub, instrument: Instrument, tell: Callable[[Notice], None], at: datetime, upheld: set[Doubt], *, live: bool
) -> SettleReport:
    """Settle what is known, and take versions back whose approval does not stand after it."""
    came = settle(hub.store, instrument, now=at, upheld=upheld)
    if live and came.matured + came.void + came.corrected:
        settings = hub.settings.gates
        breaker = hub.settings.breaker
        for model in models_of(hub.registry, instrument.symbol):
            for move in take_back(
                hub.store, hub.registry, instrument, model, at=now(), settings=settings, breaker=breaker
            ):
                tell(Notice("taken_back", f"{move.model} {move.version} is in {move.stage} now: {move.why}"))
    return came


def _guarded(hub: Hub, instrument: Instrument, tell: Callable[[Notice], None], at: datetime) -> None:
    """Let the circuit breaker of each model look at what can be told at once, then those in auto order on paper."""
    for model in models_of(hub.registry, instrument.symbol):
        settings = hub.settings.breaker
        look = watch(hub.store, hub.registry, instrument, model, at=at, settings=settings, codes=AT_ONCE)
        for event in look.events:
            tell(Notice(f"breaker_{event.kind}", f"{model} {event.version} {event.code}: {event.sentence}"))
        for move in look.moves:
            tell(Notice("taken_back", f"{model} {move.version} is in {move.stage} now: {move.why}"))
        for order in place(hub.store, instrument, model, at=at, account=hub.settings.account):
            tell(Notice("paper_order", order.reason))


def rules_of(settings: FeedSettings, feed: Feed) -> LiveRules:
    """Return the loop's rules: a replay's bars are closed when their minute is over, and nothing of it is late."""
    replay = isinstance(feed, ReplayFeed)
    closed_after = 0.0 if replay else max(settings.closed_after_seconds, feed.settles_after)
    return LiveRules(
        closed_after=timedelta(seconds=closed_after),
        late_after=None if replay else timedelta(seconds=settings.late_seconds),
        hole_minutes=settings.hole_minutes,
        silent_minutes=settings.silent_minutes,
    )


def _sleep(stop: threading.Event, seconds: float) -> None:
    """Wait, or until stopped. On a machine that slept meanwhile the wait is over by its clock, and ends at once."""
    until, by_clock = time.monotonic() + seconds, now() + timedelta(seconds=seconds)
    while not stop.is_set() and now() < by_clock and (left := until - time.monotonic()) > 0:
        stop.wait(min(left, _SHORT))


@contextmanager
def _stoppable() -> Iterator[threading.Event]:
    """Yield what Ctrl+C or SIGTERM sets: the step at hand is finished. A second Ctrl+C breaks it off."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def heard(number: int, frame: Any) -> None:
        if stop.is_set() and number == signal.SIGINT:
            signal.default_int_handler(number, frame)
        stop.set()

    before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
