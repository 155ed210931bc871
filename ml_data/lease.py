"""Leases on a file: who may have it open now, among the threads of this process and among processes."""

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ml_data.store_failures import explained
from trading.errors import StoreBusy, StoreError
from trading.secret_values import hidden

POLL_SECONDS = 0.002
JOIN_SECONDS = 0.05
"""A thread joins a running read lease only while it is younger than this, so that a stream of readers cannot keep
a writer, or another process, waiting."""


def write_in_place(path: Path, content: bytes) -> None:
    """Write `content`, always of the same length for a path, over what is there.

    Emptying or replacing the file first costs 60 times as much, and on Windows it fails while another process reads.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, eq=False)
class _Ticket:
    write: bool


class Lease:
    """Leases on one file, guarded between processes by lock files beside it.

    Threads of one process share a read lease; a write lease is alone. `attach(write)` opens the file when the first
    holder comes, `detach()` closes it when the last has gone. Whoever came first is served first: threads by a queue,
    processes by a second lock, `.turn`, that is kept while waiting for `.lock`, so that a process which has just
    left cannot come back before those that wait.
    """

    def __init__(self, path: Path, wait: float, attach: Callable[[bool], None], detach: Callable[[], None]) -> None:
        self._path = path
        self._wait = wait  # seconds
        self._attach = attach
        self._detach = detach
        self._turn = FileLock(f"{path}.turn", thread_local=False, poll_interval=POLL_SECONDS)
        self._lock = FileLock(f"{path}.lock", thread_local=False, poll_interval=POLL_SECONDS)
        self._note = path.with_name(f"{path.name}.holder")
        self._changed = threading.Condition()
        self._state = "free"  # free, opening, reading, writing, closing
        self._queue: deque[_Ticket] = deque()
        self._holders: dict[int, int] = {}  # thread id: how many leases it holds
        self._since = 0.0

    def is_mine(self) -> bool:
        """Return whether the calling thread holds a lease on the file."""
        return threading.get_ident() in self._holders

    @contextmanager
    def held(self, *, write: bool) -> Iterator[None]:
        """Hold the file open for the length of the block.

        Raises
        ------
        StoreBusy
            when the file was not to be had within the waiting time.
        StoreError
            when the file cannot be locked or opened.
        """
        me = threading.get_ident()
        self._enter(me, write=write)
        try:
            yield
        finally:
            self._leave(me)

    def _enter(self, me: int, *, write: bool) -> None:
        deadline = time.monotonic() + self._wait
        with self._changed:
            if me in self._holders:
                if write or self._state != "reading":
                    raise RuntimeError(f"this thread holds a lease on {self._path.name}: leave it before the next")
                self._holders[me] += 1
                return
            self._queue_up(_Ticket(write))
            if self._state == "reading":
                self._holders[me] = 1
                return
            self._state = "opening"
        state = "free"
        try:
            self._open(deadline, write=write)
            state = "writing" if write else "reading"
        finally:
            with self._changed:
                self._state = state
                self._since = time.monotonic()
                if state != "free":
                    self._holders[me] = 1
                self._changed.notify_all()

    def _queue_up(self, ticket: _Ticket) -> None:
        self._queue.append(ticket)
        try:
            if not self._changed.wait_for(lambda: self._is_served(ticket), self._wait):
                raise StoreBusy(
                    f"{self._path}: another part of this program held it for longer than {self._wait:g} s; try again."
                )
        finally:
            self._queue.remove(ticket)
            self._changed.notify_all()  # the next in the queue may be able to join

    def _is_served(self, ticket: _Ticket) -> bool:
        if self._queue[0] is not ticket:
            return False
        if self._state == "reading" and not ticket.write:
            return time.monotonic() - self._since < JOIN_SECONDS
        return self._state == "free"

    def _open(self, deadline: float, *, write: bool) -> None:
        self._take_lock(deadline)
        try:
            while True:
                try:
                    self._attach(write)
                    return
                except StoreBusy:
                    # A program that does not know our lock has the file open, or a killed one has just let go of it.
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(POLL_SECONDS)
        except BaseException:
            # A lock that outlives a failed attach would starve every other process for ever.
            self._lock.release()
            raise

    def _take_lock(self, deadline: float) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._turn.acquire(timeout=max(0.0, deadline - time.monotonic())):
                self._lock.acquire(timeout=max(0.0, deadline - time.monotonic()))
        except Timeout as error:
            raise StoreBusy(
                f"{self._path}: {self._holder()} held it for longer than {self._wait:g} s; wait for it, or end it."
            ) from error
        except OSError as error:
            raise explained(error, self._path.parent) or StoreError(str(error)) from error
        with suppress(OSError):  # a courtesy to whoever waits for us
            command = f"{os.getpid()} {hidden(' '.join(sys.argv))}".encode(errors="replace")
            write_in_place(self._note, command[:120].ljust(120))

    def _holder(self) -> str:
        try:
            process, _, command = self._note.read_bytes().decode(errors="ignore").partition(" ")
        except OSError:
            return "another process"
        return f"process {process} ({command.strip()})"

    def _leave(self, me: int) -> None:
        with self._changed:
            self._holders[me] -= 1
            if self._holders[me] == 0:
                del self._holders[me]
            if self._holders:
                return
            self._state = "closing"
        try:
            self._detach()
        except KeyboardInterrupt:
            self._detach()  # else the file would stay open here, and this program could not use it again
            raise
        finally:
            self._lock.release()
            with self._changed:
                self._state = "free"
                self._changed.notify_all()
