"""The work of every day, done by child processes beside the loop: outcomes, monitoring, retraining."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import IO, Final

from ml_data.feeds.base import Notice
from ml_inference.live_state import JobState
from ml_inference.roster import everybody
from ml_models.model_registry import ModelRegistry
from ml_scripts.live_board import Board, Tell
from trading.domain.daily_job import Schedule, is_owed, last_due, schedule_of
from trading.domain.instrument import Instrument
from trading.settings import ServiceSettings

LONGEST: Final = timedelta(hours=4)
"""After which a child that has not ended is ended."""

_LINES_TOLD: Final = 20


@dataclass(frozen=True)
class Job:
    """One verb for one instrument. `commands` says what is run then, one after the other: the arguments of `hub`."""

    name: str
    instrument: str
    schedule: Schedule
    commands: Callable[[], Sequence[tuple[str, ...]]]


def jobs_of(registry: ModelRegistry, instrument: Instrument, settings: ServiceSettings) -> tuple[Job, ...]:
    """Return the work of an instrument by the settings, in the order in which it is done."""
    symbol = ("--instrument", instrument.symbol)

    def monitor() -> list[tuple[str, ...]]:
        versions = {seat.model: seat.version for seat in everybody(registry, instrument.symbol).seats}
        asked = [(version.metadata.recipe, version.schema.rule) for version in versions.values()]
        return [("monitor", *symbol, "--recipe", recipe, *(("--rule", rule) if rule else ())) for recipe, rule in asked]

    work: tuple[tuple[str, str, Callable[[], Sequence[tuple[str, ...]]]], ...] = (
        ("settle", settings.settle_at, lambda: [("settle", *symbol)]),
        ("monitor", settings.monitor_at, monitor),
        ("retrain", settings.retrain_at, lambda: [("retrain", "--if-due", *symbol)]),
    )
    found = [(verb, schedule_of(words, instrument), commands) for verb, words, commands in work]
    return tuple(
        Job(f"{instrument.symbol} {verb}", instrument.symbol, schedule, commands)
        for verb, schedule, commands in found
        if schedule is not None
    )


class Jobs:
    """Begins what is due, one child at a time, and tells how each ended. `look` never waits for a child."""

    def __init__(self, jobs: Sequence[Job], board: Board, tell: Tell) -> None:
        self._jobs, self._board, self._tell = tuple(jobs), board, tell
        self._running: _Running | None = None

    def look(self, now: datetime) -> bool:
        """Look after the child that runs, or begin what is due; return whether there is anything left to do."""
        if self._running is not None:
            self._running = self._looked_after(self._running, now)
            return True
        for job in self._jobs:
            state = self._board.job(job.name)
            if state is None:  # new on the schedule: what was due before is not owed
                self._board.put_job(job.name, JobState(last_due(job.schedule, now) or now))
            elif is_owed(job.schedule, state.dealt, now):
                began = replace(state, began_at=now, ended_at=None, exit_code=None)
                self._board.put_job(job.name, began)
                running = _Running(job, last_due(job.schedule, now) or now, began)
                self._running = self._next(running, now)
                return True
        return False

    @property
    def busy(self) -> bool:
        """Whether a child runs."""
        return self._running is not None

    def stop(self) -> None:
        """End the child that runs; what it did not do is owed, and done with the next start."""
        if self._running is not None:
            self._running.end()
            self._running.said()
            self._tell(Notice("job", f"{self._running.job.name} was broken off; it is done with the next start."), "")
            self._running = None

    def _looked_after(self, running: "_Running", now: datetime) -> "_Running | None":
        code = running.code(now)
        if code is None:
            return running
        kind = "job" if code == 0 else "job_failed"
        words = f"{running.job.name}: hub {' '.join(running.command)} left with {code}. {running.said()}"
        self._tell(Notice(kind, words.strip()), running.job.instrument)
        running.worst = max(running.worst, code)
        return self._next(running, now)

    def _next(self, running: "_Running", now: datetime) -> "_Running | None":
        if running.rest:
            try:
                running.begin()
                return running
            except OSError as error:  # a full disk, no memory for a child
                words = f"{running.job.name}: cannot be begun: {error.strerror or error}."
                self._tell(Notice("job_failed", words), running.job.instrument)
                running.worst = max(running.worst, 1)
        ended = replace(running.state, dealt=running.due, ended_at=now, exit_code=running.worst)
        self._board.put_job(running.job.name, ended)
        return None


class _Running:
    """A job at work: the child, and the commands that are still to be run."""

    def __init__(self, job: Job, due: datetime, state: JobState) -> None:
        self.job, self.due, self.state, self.worst = job, due, state, 0
        self.rest = list(job.commands())
        self.command: tuple[str, ...] = ()
        self._child: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None

    def begin(self) -> None:
        """Start the next command, with less right to the processor than the loop has."""
        self.command = self.rest.pop(0)
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the child; said() closes it
        self._child = subprocess.Popen(  # noqa: S603 - this program's own verbs
            [sys.executable, "-m", "ml_scripts.hub", *self.command],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
        )
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, self._child.pid, 10)

    def code(self, now: datetime) -> int | None:
        """Return how the child left; None while it runs. One that runs too long is ended."""
        child = self._child
        if child is None:
            return None
        if child.poll() is None and self.state.began_at is not None and now - self.state.began_at > LONGEST:
            self.end()
        return child.poll()

    def end(self) -> None:
        """End the child, gently first."""
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(10)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()

    def said(self) -> str:
        """Return the last lines that the child wrote, as one."""
        if self._output is None:
            return ""
        with self._output:
            self._output.seek(0)
            lines = self._output.read().decode("utf-8", errors="replace").splitlines()
        return " / ".join(line.strip() for line in lines[-_LINES_TOLD:] if line.strip())
