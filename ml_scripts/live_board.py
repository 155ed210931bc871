"""What the process that follows feeds keeps beside the stores: its lock, its log, and what it says of itself."""

import json
import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, replace
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

from ml_data.feeds.base import Notice
from ml_data.store import Store
from ml_inference.live_state import Following, JobState, LiveState, live_path, read_state, write_state
from ml_inference.troubles import noted, of_the_next_process
from ml_scripts.alone import alone
from ml_scripts.console import now
from ml_scripts.process_memory import memory_bytes

QUIET: Final = ("stored", "repeated", "unclosed")
"""What is written to the log and not to the terminal: it happens every minute."""

_LOG_BYTES, _LOGS_KEPT = 5_000_000, 5
_LINES_THAT_WAIT: Final = 200

Tell = Callable[[Notice, str], None]
"""Takes what happened, and the symbol of the instrument that it is about ("" for the process)."""


class Board:
    """What the process says of itself, kept on disk. Safe to share between threads.

    A disk that takes nothing is told once and tried again with the next writing: it ends nothing. `log` takes every
    notice.
    """

    def __init__(self, store: Store, log: Tell) -> None:
        self._log, self._troubled = log, False
        self._path = live_path(store, "json")
        self._turn = threading.RLock()  # what is told of a write that failed is remembered, too
        last = read_state(self._path)
        self._before = {} if last is None else dict(last.follows)
        resting = {symbol: replace(each, state="resting") for symbol, each in self._before.items()}
        jobs = {} if last is None else last.jobs
        troubles = {} if last is None else of_the_next_process(last.troubles, now())
        self._state = LiveState(os.getpid(), now(), now(), follows=resting, jobs=jobs, troubles=troubles)
        self._kept = False

    def before(self, symbol: str) -> Following | None:
        """Return where the process before, or a feed that was given up since, stopped with an instrument."""
        with self._turn:
            return self._before.get(symbol)

    def put(self, symbol: str, found: Following) -> None:
        """Write down how an instrument's feed stands; when this returns it is on disk, if that can be written."""
        with self._turn:
            self._before[symbol] = found
            self._state = replace(self._state, follows={**self._state.follows, symbol: found})
            self._kept = True
            self._write()

    def job(self, name: str) -> JobState | None:
        """Return what is known of work of every day; None of work that was never on the schedule."""
        with self._turn:
            return self._state.jobs.get(name)

    def put_job(self, name: str, found: JobState) -> None:
        """Write down how work of every day stands; when this returns it is on disk, if that can be written."""
        with self._turn:
            self._state = replace(self._state, jobs={**self._state.jobs, name: found})
            self._kept = True
            self._write()

    def tell(self, notice: Notice, instrument: str = "") -> None:
        """Log a notice, and remember what is amiss, or over: that is on disk ten seconds later at most."""
        with self._turn:
            self._state = replace(self._state, troubles=noted(self._state.troubles, notice, instrument, now()))
        self._log(notice, instrument)

    def alive(self, ended_at: datetime | None = None) -> None:
        """Write down that the process lives, or that it left in good order; nothing of one that only replayed."""
        with self._turn:
            if self._kept:
                self._state = replace(self._state, ended_at=ended_at)
                self._write()

    def _write(self) -> None:
        self._state = replace(self._state, alive_at=now(), memory_bytes=memory_bytes())
        try:
            write_state(self._path, self._state)
        except OSError as error:
            if not self._troubled:
                words = f"{self._path}: cannot be written: {error.strerror or error}. Tried again every ten seconds."
                self.tell(Notice("store", words))
            self._troubled = True
            return
        if self._troubled:
            self._troubled = False
            self.tell(Notice("store_back", f"{self._path} can be written again."))
            write_state(self._path, self._state)  # with what was told of it


def following_alone(store: Store, follows: str) -> AbstractContextManager[None]:
    """Hold the lock of this journal's loop; `follows` are the feeds, for whoever comes second and is refused."""

    def refusal(holder: Mapping[str, Any] | None) -> str:
        who = "another process, which has only just begun, follows a feed"
        if holder is not None:
            who = f"process {holder['process']} follows {holder.get('follows', 'feeds')} (since {holder['since']})"
        return (
            f"{store.home}: {who} with this journal already; one process follows all feeds of a journal. End it, or "
            f"name every feed in one command: --feed SYMBOL=FEED --feed SYMBOL=FEED."
        )

    return alone(live_path(store, "lock"), live_path(store, "holder"), {"follows": follows}, refusal)


class _Log(RotatingFileHandler):
    """A log that cannot be written is told once, and its last lines wait until it can be."""

    def __init__(self, path: Path, show: Callable[[str], None]) -> None:
        super().__init__(path, maxBytes=_LOG_BYTES, backupCount=_LOGS_KEPT, encoding="utf-8", delay=True)
        self.setFormatter(logging.Formatter("%(message)s"))
        self._show, self._failing = show, False
        self._waiting: deque[logging.LogRecord] = deque(maxlen=_LINES_THAT_WAIT)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, after those that wait; tell once that it cannot be written, and once that it can be again."""
        before, self._failing = self._failing, False
        self._waiting.append(record)
        while self._waiting and not self._failing:
            self._write(self._waiting[0])
        if self._failing != before:
            wait = f"cannot be written: {self._why}. Its last {_LINES_THAT_WAIT} lines wait for it"
            self._show(f"{self.baseFilename} {wait if self._failing else 'is written again'}.")

    def _write(self, record: logging.LogRecord) -> None:
        path = Path(self.baseFilename)
        size = path.stat().st_size if path.exists() else 0
        super().emit(record)
        if not self._failing:
            self._waiting.popleft()
            return
        stream, self.stream = self.stream, None  # with what it holds of the line, which is written anew
        with suppress(OSError):
            if stream is not None:
                stream.close()
        with suppress(OSError):
            if path.stat().st_size > size:
                os.truncate(path, size)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002 - called where `emit` caught something
        """Remember what kept a line from being written, instead of printing a trace."""
        self._failing, self._why = True, str(sys.exc_info()[1])


@contextmanager
def live_log(store: Store, show: Callable[[str], None]) -> Iterator[Tell]:
    """Yield what tells a notice: a line of JSON in a log that turns over, and but for the quiet ones a line to read."""
    handler = _Log(live_path(store, "log"), show)
    logger = logging.Logger("live")
    logger.addHandler(handler)

    def tell(notice: Notice, instrument: str = "") -> None:
        at = now()
        line = {"at": at.isoformat(timespec="milliseconds"), "instrument": instrument, **asdict(notice)}
        logger.info(json.dumps(line))
        if notice.kind not in QUIET:
            show(f"{at:%Y-%m-%d %H:%M:%SZ} {notice.kind}: {notice.sentence}")

    try:
        yield tell
    finally:
        handler.close()
