"""Runs the loop that follows a feed, for `hub shadow --feed`: its clock, its log, its lock, and how it is stopped."""

import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from logging.handlers import RotatingFileHandler
from typing import Any, Final

from filelock import FileLock, Timeout

from ml_data.feeds.base import Feed, Notice
from ml_data.feeds.named import FeedNeeds, named_feed
from ml_data.feeds.replay import ReplayClock, ReplayFeed
from ml_inference.inference_engine import MLInferenceEngine
from ml_inference.live import Clocks, LiveLoop, LiveReport, LiveRules
from ml_inference.live_state import LiveState, live_path, read_state, watched_so_far, write_state
from ml_monitoring.gatekeeper import take_back
from ml_monitoring.outcome_logger import SettleReport, settle
from ml_scripts.console import Hub, now
from trading.domain.instrument import Instrument
from trading.errors import HubError
from trading.settings import FeedSettings

QUIET: Final = ("stored", "repeated", "unclosed")
"""What is written to the log and not to the terminal: it happens every minute."""

_LOG_BYTES, _LOGS_KEPT = 5_000_000, 5
_ALIVE_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Followed:
    """What following a feed came to, and what ended it: `end` of the feed, `once`, or `stopped`."""

    feed: str
    ended_by: str
    watched: datetime
    report: LiveReport


def follow(
    hub: Hub, instrument: Instrument, engine: MLInferenceEngine, words: str, *, once: bool, show: Callable[[str], None]
) -> Followed:
    """Follow the feed that `words` name until it ends or somebody stops it; with `once`, take one step.

    `show` is given a line for everything that happens, but for what happens every minute.

    Raises
    ------
    HubError
        when the feed cannot be followed at all, or another process follows one with this model.
    """
    settings = hub.settings.feed
    needs = FeedNeeds(hub.store, instrument, settings, os.environ.get, time.monotonic)
    with _alone(hub, engine.model), _log(hub, engine.model, show) as log, _stoppable() as stop:
        version = engine.version().version
        feed = named_feed(words, needs, lasting=not once)
        try:
            if isinstance(feed, ReplayFeed):
                _, _, speed = words.partition("@")
                clock = ReplayClock(feed.starts_at, float(speed) if speed else None, time.monotonic)
                run = _Run(hub, engine, feed, feed.starts_at, log, replay=clock)
            else:
                watched = watched_so_far(hub.store, instrument.symbol, engine.model, str(version), now())
                run = _Run(hub, engine, feed, watched, log)
            log(Notice("started", f"{instrument.symbol} follows {feed.name} with {engine.model} {version}."))
            ended_by, report = run.until(stop, once=once)
            log(Notice("ended", f"{instrument.symbol} follows {feed.name} no more ({ended_by})."))
        except HubError as error:
            log(Notice("failed", str(error)))
            raise
        finally:
            feed.close()
    return Followed(feed.name, ended_by, run.loop.watched, report)


class _Run:
    """One loop and what it needs to go on: its clock, its pauses, its state on disk (a replay keeps none)."""

    def __init__(
        self,
        hub: Hub,
        engine: MLInferenceEngine,
        feed: Feed,
        watched: datetime,
        tell: Callable[[Notice], None],
        *,
        replay: ReplayClock | None = None,
    ) -> None:
        self._feed, self._replay = feed, replay
        self._state = live_path(hub.store, engine.model, "json")
        self._identity = (engine.model, feed.name, os.getpid(), now())
        self._written_at = 0.0
        self.loop = LiveLoop(
            hub.store,
            engine,
            feed,
            rules=rules_of(hub.settings.feed, feed),
            clocks=Clocks(now if replay is None else replay.now, now),
            watched=watched,
            settle=lambda at: _settled(hub, engine, tell, at, live=replay is None),
            tell=tell,
            replayed=replay is not None,
        )

    def until(self, stop: threading.Event, *, once: bool) -> tuple[str, LiveReport]:
        """Step until the feed ends, `stop` is set, or, with `once`, the feed has no more at once."""
        self._keep()  # before the first step: what comes due from here on is missed, not forgotten, if this is killed
        report, ended_by = LiveReport(), ""
        while not ended_by:
            before = self.loop.watched
            report = report.plus(self.loop.step())
            if self.loop.watched != before or time.monotonic() - self._written_at > _ALIVE_SECONDS:
                self._keep()
            if self.loop.ended or (once and not self.loop.has_more):
                ended_by = "end" if self.loop.ended else "once"
                continue
            self._pause(stop, self.loop.pause_seconds())
            ended_by = "stopped" if stop.is_set() else ""
        self._keep()
        return ended_by, report

    def _pause(self, stop: threading.Event, seconds: float) -> None:
        if self._replay is not None:
            self._replay.wait(seconds, lambda part: _sleep(stop, part))
        else:
            _sleep(stop, seconds)

    def _keep(self) -> None:
        if self._replay is not None:
            return
        model, feed, process, started_at = self._identity
        state = LiveState(model, feed, process, started_at, now(), self.loop.watched, self.loop.newest)
        write_state(self._state, state)
        self._written_at = time.monotonic()


def _settled(
    hub: Hub, engine: MLInferenceEngine, tell: Callable[[Notice], None], at: datetime, *, live: bool
) -> SettleReport:
    """Settle what is known, and take versions back whose approval does not stand after it."""
    came = settle(hub.store, engine.instrument, now=at)
    if live and came.matured + came.void + came.corrected:
        settings = hub.settings.gates
        for move in take_back(hub.store, hub.registry, engine.instrument, engine.model, at=now(), settings=settings):
            tell(Notice("taken_back", f"{move.model} {move.version} is in {move.stage} now: {move.why}"))
    return came


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
    """Wait, or until stopped, in short waits: some systems hear Ctrl+C only between them."""
    until = time.monotonic() + seconds
    while not stop.is_set() and (left := until - time.monotonic()) > 0:
        stop.wait(min(left, 0.5))


@contextmanager
def _alone(hub: Hub, model: str) -> Iterator[None]:
    path = live_path(hub.store, model, "lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path, timeout=0, thread_local=False):
            yield
    except Timeout as error:
        holder = read_state(live_path(hub.store, model, "json"))
        who = "another process"
        if holder is not None:
            who = f"process {holder.process} ({holder.feed}, since {holder.started_at:%Y-%m-%d %H:%MZ})"
        raise HubError(f"{model}: {who} follows a feed with it already; end it, or leave it to its work.") from error


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


@contextmanager
def _log(hub: Hub, model: str, show: Callable[[str], None]) -> Iterator[Callable[[Notice], None]]:
    """Yield what tells a notice: a line of JSON in a log that turns over, and but for the quiet ones a line to read."""
    path = live_path(hub.store, model, "log")
    handler = RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=_LOGS_KEPT, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.Logger(f"live-{model}")
    logger.addHandler(handler)

    def tell(notice: Notice) -> None:
        at = now()
        logger.info(json.dumps({"at": at.isoformat(timespec="milliseconds"), **asdict(notice)}))
        if notice.kind not in QUIET:
            show(f"{at:%Y-%m-%d %H:%M:%SZ} {notice.kind}: {notice.sentence}")

    try:
        yield tell
    finally:
        handler.close()
