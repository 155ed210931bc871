"""Guarded retraining: a candidate by the champion's recipe on newer days, compared with it, and kept as what it proved.

The order on disk makes every kill harmless: the record that it begins, the ledger of trials, the candidate without any
pointer, the verdict, and only then the challenger's pointer or the rejection. Whatever a kill left half done is told
from the record and the shelf by the next one (`settle_left`). The champion, `latest` and the stages are never touched.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypedDict

from ml_data.feature_matrix import schema_hash
from ml_data.retrainings import (
    Ended,
    Retraining,
    RetrainingResult,
    begin_retraining,
    end_retraining,
    new_retraining_id,
    retrainings_of,
)
from ml_data.store import Store
from ml_models.documents import DamagedVersion
from ml_models.model_registry import ModelRegistry
from ml_models.pointers import CHALLENGER
from ml_training.dataset import chosen_groups
from ml_training.due import Due, Facts
from ml_training.guard import guarded
from ml_training.reproduction import recipe_of
from ml_training.retrain_facts import champion_of
from ml_training.train_pipeline import STEPS, Beside, Made, Progress, make_version
from trading.domain.calendar import as_date
from trading.domain.instrument import Instrument
from trading.errors import CheckFailed, HubError, RegistryError, StoreError
from trading.settings import RetrainSettings

_OPENING: Final = STEPS[-2]
_LEFT: Final = "cut off before its end (a kill, a power cut); what it came to is not known"


class _Mover(TypedDict):
    now: datetime
    who: str


def settle_left(store: Store, registry: ModelRegistry, model: str, *, now: datetime, who: str) -> int:
    """Bring to an end what an earlier retraining of `model` left half done; return how many were cut off.

    The caller holds the home's lock for retraining, so none of them runs.
    """
    left = [each for each in retrainings_of(store, model) if each.result is None]
    made = {summary.version: summary for summary in registry.versions(model) if summary.candidate}
    for each in left:
        candidate = next((version for version, found in made.items() if _made_by(found.why, each)), None)
        end_retraining(store, each.retraining_id, RetrainingResult("cut off", now, _LEFT, candidate, opened=True))
    ended = retrainings_of(store, model)
    for version, found in made.items():
        result = next((each.result for each in ended if _made_by(found.why, each)), None)
        if result is not None:
            _follow(registry, model, version, result, {"now": now, "who": who})
    return len(left)


def _follow(registry: ModelRegistry, model: str, version: str, result: RetrainingResult, mover: _Mover) -> None:
    """Do on the shelf what was written down of a candidate: the challenger's pointer, or the rejection."""
    why = result.why
    if result.verdict == "challenger":
        try:
            alias = f"{CHALLENGER}{version[2:17].replace('_', '-')}"
            registry.promote(model, version, alias, **mover, why=why)
            return
        except DamagedVersion as error:
            why = f"{why} Since then it was damaged: {error}"
    registry.reject(model, version, **mover, why=why)


def retrain(
    store: Store,
    registry: ModelRegistry,
    instrument: Instrument,
    model: str,
    facts: Facts,
    found: Due,
    settings: RetrainSettings,
    *,
    clock: Callable[[], datetime],
    who: str,
    confidence_threshold: float = 0.55,
    progress: Progress = lambda step, done, total: None,  # noqa: ARG005  # the names are the contract
) -> Retraining:
    """Train a candidate, compare it with the champion of `facts`, and return the record with what became of it.

    `found` is what `ml_training.due` said of these facts: it names the cause and the day after which days are fresh. A
    check that fails is a result; an interrupt is written down as cut off and raised again.
    """
    if found.state != "due" or found.cause is None:
        raise ValueError(f"{model}: {found.because}")
    begun = Retraining(
        retraining_id=new_retraining_id(),
        instrument=instrument.symbol,
        model=model,
        started_at=clock(),
        cause=found.cause,
        because=found.because,
        champion=facts.champion,
        champion_through=facts.through,
        level=settings.level,
    )
    begin_retraining(store, begun, who=who)
    run = _Run(store, registry, instrument, begun, clock, who, progress)
    try:
        result = run.compared(facts, found, settings, confidence_threshold)
    except HubError as error:
        result = run.ended("failed", str(error))
    except BaseException as error:
        interrupted = isinstance(error, KeyboardInterrupt)
        why = "interrupted by hand" if interrupted else f"{type(error).__name__}: {error}"[:500]
        with suppress(StoreError, RegistryError):  # then it is told as cut off; the first error is the one to tell
            end_retraining(store, begun.retraining_id, run.ended("cut off" if interrupted else "failed", why))
            settle_left(store, registry, model, now=clock(), who=who)
        raise
    try:
        end_retraining(store, begun.retraining_id, result)
    finally:
        settle_left(store, registry, model, now=clock(), who=who)
    progress("done", len(STEPS), len(STEPS))
    return replace(begun, result=result)


@dataclass
class _Run:
    """One retraining at work, and how far it came: `candidate` and `opened` are what its end must tell."""

    store: Store
    registry: ModelRegistry
    instrument: Instrument
    begun: Retraining
    clock: Callable[[], datetime]
    who: str
    progress: Progress
    candidate: str | None = None
    opened: bool = False

    def ended(self, verdict: Ended, why: str) -> RetrainingResult:
        """Return the end of a retraining in which nothing was decided."""
        return RetrainingResult(verdict, self.clock(), why, self.candidate, self.opened)

    def compared(
        self, facts: Facts, found: Due, settings: RetrainSettings, confidence_threshold: float
    ) -> RetrainingResult:
        """Return the verdict on a candidate that was made and put on the shelf, without any pointer at it."""
        model = self.begun.model
        made = self._made(facts, found, settings, confidence_threshold)
        why = f"retraining {self.begun.retraining_id}: {made.why}"
        self._step(STEPS[-1], len(STEPS) - 1, len(STEPS))
        self.candidate = str(
            self.registry.publish(model, made.draft, now=self.clock(), who=self.who, why=why, pointed=False)
        )
        rows = made.training.plan.final.test
        candidate, champion = (self.registry.load(model, each) for each in (self.candidate, facts.champion))
        came = guarded(made.dataset, rows, candidate, champion, self.begun.level)
        if champion_of(self.registry, model) != facts.champion:
            raise CheckFailed(f"The champion was moved meanwhile; the comparison was with {facts.champion}.")
        numbers = (came.gain.value, came.gain.low, came.gain.high, came.least)
        gain, low, high, least = (None if number != number else number for number in numbers)
        return RetrainingResult(
            verdict="challenger" if came.passed else "rejected",
            ended_at=self.clock(),
            why=came.sentence,
            candidate=self.candidate,
            opened=True,
            first_day=as_date(made.dataset.days[rows[0]]),
            last_day=as_date(made.dataset.days[rows[-1]]),
            score=came.score,
            gain=gain,
            low=low,
            high=high,
            least=least,
            n=came.gain.n,
            days=came.gain.days,
        )

    def _made(self, facts: Facts, found: Due, settings: RetrainSettings, confidence_threshold: float) -> Made:
        """Return a version by the champion's recipe, with the days of the comparison as its untouched window."""
        champion = self.registry.published(self.begun.model, facts.champion)
        recipe = recipe_of(champion)
        stated = champion.metadata.extra.get("feature_schema_hash")
        if stated != schema_hash(chosen_groups(recipe)):
            raise CheckFailed(
                f"Cannot compare: {facts.champion} was trained on other definitions of its features; train a new one."
            )
        validation = recipe.validation.model_copy(update={"final_window_days": settings.test_days})
        return make_version(
            self.store,
            self.registry,
            self.instrument,
            recipe.model_copy(update={"validation": validation}),
            until=facts.days[-1],
            who=self.who,
            clock=self.clock,
            progress=self._step,
            confidence_threshold=confidence_threshold,
            beside=Beside(facts.champion, found.after),
        )

    def _step(self, step: str, done: int, total: int) -> None:
        self.opened = self.opened or step == _OPENING
        self.progress(step, done, total)


def _made_by(why: str | None, each: Retraining) -> bool:
    return (why or "").startswith(f"retraining {each.retraining_id}: ")
