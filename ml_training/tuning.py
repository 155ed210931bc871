"""Tuning: the recipe's numbers chosen by the walk-forward's loss, on the days before the untouched window alone.

Each fold is binned once and every trial fits on those bins, so only numbers that need no new binning are tuned. A trial
stops after a fold on which it is, so far, worse than the median of the trials before it. Optuna keeps the study in a
file: what has ended stays, and the same command goes on where it was left. The ledger counts every trial.
"""

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
from ml_training.ledger import Ledger
from ml_training.recipe import Recipe
from ml_training.splits import Fold
from ml_training.walk_forward import WORKERS, FoldResult, fit_fold

STARTUP: Final = 10
"""Trials drawn at random before the sampler learns from them, and before any is stopped early."""

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
    chosen: dict[str, float | int]

    @property
    def sentence(self) -> str:
        """What a reader must know of it."""
        own = "was stopped early" if self.own_loss is None else f"had {self.own_loss:.4f}"
        numbers = ", ".join(f"{name} {value:.4g}" for name, value in self.chosen.items())
        return (
            f"Tuned: the best of {self.trials:,} trials ({self.pruned:,} stopped early) by the walk-forward's loss, "
            f"{self.best_loss:.4f}; the recipe's own numbers {own}. Chosen: {numbers}. The walk-forward figures are "
            "those it was chosen by and look better than they are; nothing was chosen by the untouched window."
        )


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
        """Return the best of `trials` that ended, those in the study's `file` included; Ctrl+C keeps what has ended."""
        study = self.study(file)
        kept: tuple[Kept, ...] = tuple({} for _ in self.folds)
        with ThreadPoolExecutor(WORKERS) as pool:
            while (ended := _ended(study)) < trials:
                self.advance(ended)
                self._run(study, pool, kept)
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

    def study(self, file: Path) -> optuna.Study:
        """Return the study of this family, recipe and data; its first trial is the recipe as it is."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        file.parent.mkdir(parents=True, exist_ok=True)
        storage = JournalStorage(JournalFileBackend(str(file), lock_obj=JournalFileOpenLock(str(file))))
        asked = hashlib.sha256(json.dumps(self.recipe.document(), sort_keys=True).encode()).hexdigest()
        study = optuna.create_study(
            storage=storage,
            study_name=f"{self.family} recipe {asked[:16]} data {self.dataset.data_hash[:16]}",
            pruner=self.pruner or MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=0),
            load_if_exists=True,
        )
        done = len(study.get_trials(deepcopy=False))
        study.sampler = TPESampler(seed=self.recipe.seed + done, n_startup_trials=STARTUP)
        if not _ended(study):
            study.enqueue_trial(self._own())
        return study

    def _own(self) -> dict[str, float | int]:
        numbers = self.recipe.estimator.model_dump()
        return {name: numbers[name] for name in _SPACE}

    def _run(self, study: optuna.Study, pool: ThreadPoolExecutor, kept: tuple[Kept, ...]) -> None:
        trial = study.ask()
        recipe = _with(self.recipe, {name: suggested(trial) for name, suggested in _SPACE.items()})
        try:
            with self.ledger.trial(self.family, "tuning", recipe.document(), self.dataset.data_hash) as entry:
                results, losses = self._folds(trial, recipe, pool, kept)
                if len(results) < len(self.folds):
                    entry.end(TrialResult("pruned", losses, why=f"after {len(losses)} of {len(self.folds)} folds"))
                    study.tell(trial, state=TrialState.PRUNED)
                    return
                entry.end(trial_result(self.dataset, results, self.terms))
        except BaseException:
            study.tell(trial, state=TrialState.FAIL)
            raise
        study.tell(trial, sum(losses) / len(losses))

    def _folds(
        self, trial: optuna.Trial, recipe: Recipe, pool: ThreadPoolExecutor, kept: tuple[Kept, ...]
    ) -> tuple[tuple[FoldResult, ...], tuple[float, ...]]:
        """Return the folds' results and losses in their order, up to the one after which the trial is stopped."""
        running = [
            pool.submit(fit_fold, self.dataset, fold, recipe, None, bins)
            for fold, bins in zip(self.folds, kept, strict=True)
        ]
        results: list[FoldResult] = []
        losses: tuple[float, ...] = ()
        try:
            for step, future in enumerate(running):
                results.append(future.result())
                losses = fold_losses(self.dataset, tuple(results), self.terms)
                trial.report(sum(losses) / len(losses), step)
                if step + 1 < len(running) and trial.should_prune():
                    break
        finally:
            for future in running:
                future.cancel()
            for future in running:
                if not future.cancelled():
                    future.exception()  # bins are used by one fit at a time: wait for those that had begun
        return tuple(results), losses


def _ended(study: optuna.Study) -> int:
    return sum(each.state in _ENDED for each in study.get_trials(deepcopy=False))


def _with(recipe: Recipe, numbers: dict[str, Any]) -> Recipe:
    return recipe.model_copy(update={"estimator": recipe.estimator.model_copy(update=numbers)})
