"""Leases on a file: who may have it open now, among the threads of this process and among processes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from trading.errors import StoreBusy, StoreError

JOIN_SECONDS = 0.05
"""A thread joins a running read lease only while it is younger than this, so that a stream of readers cannot keep
a writer, or another process, waiting."""


class Lease:
    """Leases on one file, guarded between processes by the lock file `<file>.lock`.

    Threads of one process share a read lease; a write lease is alone. `attach(write)` opens the file when the first
    holder comes, `detach()` closes it when the last has gone.
    """

    def __init__(self, path: Path, wait: float, attach: Callable[[bool], None], detach: Callable[[], None]) -> None:
        self._path = path
        self._wait = wait  # seconds
        self._attach = attach
        self._detach = detach
        self._lock = FileLock(f"{path}.lock", thread_local=False, poll_interval=0.005)
        self._changed = threading.Condition()
        self._state = "free"  # free, opening, reading, writing, closing
        self._holders: dict[int, int] = {}  # thread id: how many leases it holds
        self._writers_waiting = 0
        self._since = 0.0

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
            self._writers_waiting += write
            try:
                if not self._changed.wait_for(lambda: self._free_for(write=write), self._wait):
                    raise StoreBusy(f"{self._path}: another thread of this program held it for {self._wait:g} s.")
            finally:
                self._writers_waiting -= write
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

    def _free_for(self, *, write: bool) -> bool:
        if self._state == "reading" and not write and not self._writers_waiting:
            return time.monotonic() - self._since < JOIN_SECONDS
        return self._state == "free"

    def _open(self, deadline: float, *, write: bool) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=max(0.0, deadline - time.monotonic()))
        except Timeout as error:
            raise StoreBusy(
                f"{self._path}: another process held it for longer than {self._wait:g} s; wait for it, or end it."
            ) from error
        except OSError as error:
            raise StoreError(
                f"{self._path.parent}: the store needs a folder that it may write in, found {error.strerror}; "
                f"change its permissions or choose another home folder."
            ) from error
        try:
            self._attach(write)
        except BaseException:
            # A lock that outlives a failed attach would starve every other process for ever.
            self._lock.release()
            raise

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
        finally:
            self._lock.release()
            with self._changed:
                self._state = "free"
                self._changed.notify_all()
