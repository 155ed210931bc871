"""Tuning: the recipe's numbers chosen by the walk-forward's loss, on the days before the untouched window alone.

Each fold is binned once and every trial fits on those bins, so only numbers that need no new binning are tuned; how
many inputs are kept (`ml_training.inputs`) is one of them where the recipe keeps some. A trial
stops after a fold on which it is, so far, worse than the median of the trials before it. Optuna keeps the study in a
file: what has ended stays, and the same command goes on where it was left. The ledger counts every trial.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import optuna
from optuna.pruners import BasePruner, MedianPruner
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import TrialState

from ml_data.trials import TrialResult
from ml_training.choosing import AdviceTerms, fold_losses, trial_result
from ml_training.dataset import Dataset
from ml_training.estimators import Kept
from ml_training.ledger import Ledger, OpenTrial
from ml_training.recipe import Recipe
from ml_training.splits import Fold
from ml_training.walk_forward import WORKERS, FoldResult, fit_fold

STARTUP: Final = 10
"""Trials drawn at random before the sampler learns from them, and before any is stopped early."""

KEPT: Final = (None, 10, 20, 40)
"""How many inputs a trial may keep, beside the recipe's own number; None: all."""

_ENDED: Final = (TrialState.COMPLETE, TrialState.PRUNED)
_SPACE: Final[dict[str, Callable[[optuna.Trial], float | int]]] = {
    "learning_rate": lambda trial: trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
    "num_leaves": lambda trial: trial.suggest_int("num_leaves", 2, 32, log=True),
    "min_data_in_leaf": lambda trial: trial.suggest_int("min_data_in_leaf", 10, 400, log=True),
    "feature_fraction": lambda trial: trial.suggest_float("feature_fraction", 0.2, 1.0),
    "bagging_fraction": lambda trial: trial.suggest_float("bagging_fraction", 0.4, 1.0),
    "lambda_l2": lambda trial: trial.suggest_float("lambda_l2", 0.1, 100.0, log=True),
}


@dataclass(frozen=True)
class Tuned:
    """The recipe with the best numbers. `trials` ended, `pruned` of them early; losses are means over the folds.

    `own_loss` is that of the recipe's own numbers (None: stopped early).
    """

    recipe: Recipe
    trials: int
    pruned: int
    best_loss: float
    own_loss: float | None
    chosen: dict[str, float | int | None]

    @property
    def sentence(self) -> str:
        """What a reader must know of it."""
        own = "was stopped early" if self.own_loss is None else f"had {self.own_loss:.4f}"
        numbers = ", ".join(
            f"{name} {'all' if value is None else format(value, '.4g')}" for name, value in self.chosen.items()
        )
        return (
            f"Tuned: the best of {self.trials:,} trials ({self.pruned:,} stopped early) by the walk-forward's loss, "
            f"{self.best_loss:.4f}; the recipe's own numbers {own}. Chosen: {numbers}. The walk-forward figures are "
            "those it was chosen by and look better than they are; nothing was chosen by the untouched window."
        )


@dataclass(frozen=True, eq=False)
class _Asked:
    """A trial of the study, and the recipe with its numbers."""

    trial: optuna.Trial
    recipe: Recipe


@dataclass(frozen=True, eq=False)
class Tuning:
    """What is tuned on what. `family` is the registry's model; `advance` is told how many trials have ended."""

    dataset: Dataset
    folds: tuple[Fold, ...]
    recipe: Recipe
    family: str
    ledger: Ledger
    terms: AdviceTerms
    advance: Callable[[int], None] = lambda _: None
    pruner: BasePruner | None = None

    def best_of(self, trials: int, file: Path) -> Tuned:
        """Return the best of `trials` that ended, those in the study's `file` included; Ctrl+C keeps what has ended.

        While a trial's folds are fitted, the one before is written down and the one after is asked for; so the sampler
        knows all trials but the one that runs.
        """
        study = self.study(file)
        kept: tuple[Kept, ...] = tuple({} for _ in self.folds)
        with ThreadPoolExecutor(WORKERS) as pool, ExitStack() as unwritten:
            ended = _ended(study)
            asked = self._ask(study) if ended < trials else None
            while asked is not None:
                self.advance(ended)
                with self._running(asked, pool, kept) as running:
                    unwritten.close()
                    with self._in_the_ledger(study, asked) as entry:
                        following = self._ask(study) if ended + 1 < trials else None
                        losses, result = self._collected(asked, running)
                        unwritten.callback(self._write, study, asked, entry, losses, result)
                asked, ended = following, ended + 1
        best, own = study.best_trial, self._own()
        own_loss = next((each.value for each in study.get_trials(states=_ENDED[:1]) if each.params == own), None)
        return Tuned(
            recipe=_with(self.recipe, best.params),
            trials=_ended(study),
            pruned=sum(each.state == TrialState.PRUNED for each in study.get_trials(deepcopy=False)),
            best_loss=float(best.values[0]),
            own_loss=own_loss,
            chosen=dict(best.params),
        )

    @cached_property
    def _data_hash(self) -> str:
        return self.dataset.data_hash

    def study(self, file: Path) -> optuna.Study:
        """Return the study of this family, recipe and data; its first trial is the recipe as it is."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        file.parent.mkdir(parents=True, exist_ok=True)
        storage = JournalStorage(JournalFileBackend(str(file), lock_obj=JournalFileOpenLock(str(file))))
        asked = hashlib.sha256(json.dumps(self.recipe.document(), sort_keys=True).encode()).hexdigest()
        study = optuna.create_study(
            storage=storage,
            study_name=f"{self.family} recipe {asked[:16]} data {self._data_hash[:16]}",
            pruner=self.pruner or MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=0),
            load_if_exists=True,
        )
        done = len(study.get_trials(deepcopy=False))
        study.sampler = TPESampler(seed=self.recipe.seed + done, n_startup_trials=STARTUP)
        if not _ended(study):
            study.enqueue_trial(self._own())
        return study

    def _own(self) -> dict[str, float | int | None]:
        numbers, keep = self.recipe.estimator.model_dump(), self.recipe.features.keep
        return {**{name: numbers[name] for name in _SPACE}, **({} if keep is None else {"keep": keep})}

    def _ask(self, study: optuna.Study) -> _Asked:
        trial = study.ask()
        numbers: dict[str, Any] = {name: suggested(trial) for name, suggested in _SPACE.items()}
        own = self.recipe.features.keep
        if own is not None:
            choices = KEPT if own in KEPT else (*KEPT, own)
            numbers["keep"] = trial.suggest_categorical("keep", choices)
        return _Asked(trial, _with(self.recipe, numbers))

    @contextmanager
    def _running(
        self, asked: _Asked, pool: ThreadPoolExecutor, kept: tuple[Kept, ...]
    ) -> Iterator[list[Future[FoldResult]]]:
        """Fit the folds in the order of time; on leaving, none of them uses its bins any more."""
        running = [
            pool.submit(fit_fold, self.dataset, fold, asked.recipe, None, bins)
            for fold, bins in zip(self.folds, kept, strict=True)
        ]
        try:
            yield running
        finally:
            for future in running:
                future.cancel()
            wait([future for future in running if not future.cancelled()])

    @contextmanager
    def _in_the_ledger(self, study: optuna.Study, asked: _Asked) -> Iterator[OpenTrial]:
        try:
            with self.ledger.trial(self.family, "tuning", asked.recipe.document(), self._data_hash) as entry:
                yield entry
        except BaseException:
            study.tell(asked.trial, state=TrialState.FAIL)
            raise

    def _collected(self, asked: _Asked, running: list[Future[FoldResult]]) -> tuple[tuple[float, ...], TrialResult]:
        """Return the losses of the folds up to the one after which the trial is stopped, and what it came to."""
        results: list[FoldResult] = []
        losses: tuple[float, ...] = ()
        for step, future in enumerate(running, start=1):
            results.append(future.result())
            losses += fold_losses(self.dataset, (results[-1],), self.terms)
            if step < len(running):
                asked.trial.report(sum(losses) / step, step)
                if asked.trial.should_prune():
                    return losses, TrialResult("pruned", losses, why=f"after {step} of {len(running)} folds")
        return losses, trial_result(self.dataset, tuple(results), self.terms)

    def _write(
        self, study: optuna.Study, asked: _Asked, entry: OpenTrial, losses: tuple[float, ...], result: TrialResult
    ) -> None:
        """Write down what a trial came to: in the ledger first, then in the study."""
        entry.end(result)
        if result.state == "pruned":
            study.tell(asked.trial, state=TrialState.PRUNED)
        else:
            study.tell(asked.trial, sum(losses) / len(losses))


def _ended(study: optuna.Study) -> int:
    return sum(each.state in _ENDED for each in study.get_trials(deepcopy=False))


def _with(recipe: Recipe, numbers: dict[str, Any]) -> Recipe:
    """Return `recipe` with the numbers of a trial."""
    of_trees = {name: value for name, value in numbers.items() if name in _SPACE}
    keep = {"keep": numbers["keep"]} if "keep" in numbers else {}
    return recipe.model_copy(
        update={
            "estimator": recipe.estimator.model_copy(update=of_trees),
            "features": recipe.features.model_copy(update=keep),
        }
    )
