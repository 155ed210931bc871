"""A training's way to the ledger of trials: a trial is written down before it runs and ends whatever happens."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from ml_data.store import Store
from ml_data.trials import Kind, Trial, TrialResult, begin_trial, end_trial, open_window, trials_of
from trading.errors import StoreError


@dataclass
class OpenTrial:
    """A trial that runs. `opened` is how often its family has looked at the days of its window (0: not yet)."""

    store: Store
    clock: Callable[[], datetime]
    trial_id: str
    family: str
    opened: int = field(default=0, init=False)

    def end(self, result: TrialResult) -> TrialResult:
        """Write down what it came to, before anybody is shown it."""
        end_trial(self.store, self.trial_id, result, now=self.clock())
        return result

    def open_window(self, first: date, last: date) -> None:
        """Write down that it looks at the days `first` to `last`, before it does."""
        self.opened = open_window(self.store, self.trial_id, self.family, first, last, now=self.clock())


@dataclass(frozen=True)
class Ledger:
    """The ledger in `store`, written by `who` at the instants of `clock` (UTC, aware)."""

    store: Store
    clock: Callable[[], datetime]
    who: str | None

    @contextmanager
    def trial(self, family: str, kind: Kind, parameters: Mapping[str, Any], data_hash: str) -> Iterator[OpenTrial]:
        """Begin a trial; what it raises ends it as failed, an interrupt too, unless it had ended before."""
        now = self.clock()
        trial_id = begin_trial(self.store, family, kind, parameters, data_hash, now=now, who=self.who)
        trial = OpenTrial(self.store, self.clock, trial_id, family)
        try:
            yield trial
        except BaseException as error:
            with suppress(StoreError):  # then it is told as cut off; the first error is the one to tell
                trial.end(TrialResult("failed", why=f"{type(error).__name__}: {error}"[:500]))
            raise

    def trials(self, family: str) -> tuple[Trial, ...]:
        """Return all that was tried of a family, oldest first."""
        return trials_of(self.store, family)
