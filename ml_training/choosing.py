"""How much of a training's result is the choosing: what its advice would have earned, beside all that was tried."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Final, Self

import numpy as np

from ml_data.features.base import Floats
from ml_data.trials import Trial, TrialResult
from ml_models.documents import Json
from ml_models.quantiles import forecast_of
from ml_models.scores import FloatArray, IntArray, log_losses
from ml_models.selection import DeflatedSharpe, Overfitting, backtest_overfitting, deflated_sharpe, sharpe_ratio
from ml_training.dataset import Dataset
from ml_training.recipe import Recipe
from ml_training.walk_forward import FoldResult, rows_tested
from trading.domain.calendar import as_date
from trading.domain.label import BREAK_DIRECTION
from trading.domain.prediction import BIAS_NONE
from trading.domain.trade_rule import rule_named
from trading.domain.walks import break_even

LEAST_TRIALS: Final = 5
"""With fewer finished trials on the same days it is not asked how often the best of them is luck."""


@dataclass(frozen=True)
class AdviceTerms:
    """When an answer is advice: the lowest confidence for a direction; `outputs` names the numbers that are said.

    From an expected net R of `full_size_at` on the full size is advised, below it a share (None: always the full one).
    """

    confidence_threshold: float
    outputs: tuple[str, ...] = ()
    full_size_at: float | None = None

    @classmethod
    def of(cls, recipe: Recipe, confidence_threshold: float) -> Self:
        """Return the terms of what `recipe` makes."""
        return cls(confidence_threshold, recipe.outputs, None if recipe.stack is None else recipe.stack.full_size_at)


@dataclass(frozen=True)
class Choosing:
    """What is known of the choice: `tried` counts all trials of the family, `finished` those with a result.

    `overfitting` is None with fewer than `LEAST_TRIALS` finished on the same days.
    """

    tried: int
    finished: int
    sharpe: DeflatedSharpe
    overfitting: Overfitting | None

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a reader must know of it."""
        return (_counted(self.tried, self.finished), _deflated(self.sharpe), _overfit(self.overfitting, self.finished))

    def document(self) -> dict[str, Json]:
        """Return it as a part of metrics.json."""
        overfitting = None if self.overfitting is None else _plain(asdict(self.overfitting))
        return {
            "sentences": list(self.sentences),
            "tried": self.tried,
            "finished": self.finished,
            "deflated_sharpe": _plain(asdict(self.sharpe)),
            "overfitting": overfitting,
        }


def advised_by_day(dataset: Dataset, rows: IntArray, said: FloatArray, terms: AdviceTerms) -> tuple[list[date], Floats]:
    """Return the trading days of `rows` with a trade to take or leave, and each one's net R with the advice followed.

    `said` is as `ml_training.walk_forward.said_of` tells it of `rows`. A trade that the advice leaves earns 0, as in
    settlement.
    """
    traded = ~np.isnan(dataset.r_net[rows])
    net = (_takes(dataset, rows, said, terms) * dataset.r_net[rows])[traded]
    days, place = np.unique(dataset.days[rows][traded], return_inverse=True)
    sums = np.zeros(len(days))
    np.add.at(sums, place, net)
    return [as_date(day) for day in days], sums


def _takes(dataset: Dataset, rows: IntArray, said: FloatArray, terms: AdviceTerms) -> FloatArray:
    """Return (n,): the share of each trade that a follower of the advice takes, as `ml_inference.answers` advises."""
    if dataset.asked == BREAK_DIRECTION:
        called = said.argmax(axis=1)
        nothing = [k for k, name in enumerate(dataset.classes) if name == BIAS_NONE]
        silent = (said.max(axis=1) < terms.confidence_threshold) | np.isin(called, nothing)
        return np.asarray(silent | (called == dataset.codes[rows]), dtype=np.float64)
    if not dataset.asked.by_rule:
        return np.ones(len(rows))
    if dataset.asked.targets:
        expected = _expected(dataset, said, terms.outputs)
        size = 1.0 if terms.full_size_at is None else np.clip(expected / terms.full_size_at, 0.0, 1.0)
        return np.asarray((expected > 0) * size, dtype=np.float64)
    rule = rule_named(str(dataset.rule))
    needed = break_even(dataset.asked, rule, dataset.slippage, dataset.names, dataset.x[rows])
    return np.asarray(said[:, dataset.classes.index(dataset.asked.subject)] >= needed, dtype=np.float64)


def trial_result(dataset: Dataset, results: tuple[FoldResult, ...], terms: AdviceTerms) -> TrialResult:
    """Return what a walk-forward came to, as the ledger keeps it: each fold's loss, and the net R of its advice."""
    said = np.concatenate([result.said for result in results])
    days, earned = advised_by_day(dataset, rows_tested(results), said, terms)
    losses = fold_losses(dataset, results, terms)
    sharpe = sharpe_ratio(earned)
    return TrialResult("finished", losses, None if math.isnan(sharpe) else sharpe, tuple(days), tuple(earned.tolist()))


def fold_losses(dataset: Dataset, results: tuple[FoldResult, ...], terms: AdviceTerms) -> tuple[float, ...]:
    """Return the mean of `row_losses` of each fold."""
    return tuple(float(row_losses(dataset, each.fold.test, each.said, terms.outputs).mean()) for each in results)


def row_losses(dataset: Dataset, rows: IntArray, said: FloatArray, outputs: tuple[str, ...]) -> FloatArray:
    """Return (n,) what is made small in choosing: the log loss; of numbers the squared error of the first target."""
    if not dataset.asked.targets:
        return log_losses(dataset.codes[rows], said)
    return np.asarray((dataset.values[rows, 0] - _expected(dataset, said, outputs)) ** 2)


def _expected(dataset: Dataset, said: FloatArray, outputs: tuple[str, ...]) -> FloatArray:
    return np.asarray(forecast_of(dataset.asked.targets[0], outputs, said).point)


def choosing(mine: TrialResult, trials: Sequence[Trial]) -> Choosing:
    """Return how much of `mine`, the chosen trial, is the choosing; `trials` are all of the family, it among them."""
    sharpes = [math.nan if each.result.sharpe is None else each.result.sharpe for each in trials]
    same = [each.result.results for each in trials if each.result.days == mine.days and each.result.results]
    overfitting = backtest_overfitting(np.array(same).T) if len(same) >= LEAST_TRIALS else None
    return Choosing(
        tried=len(trials),
        finished=sum(each.result.state == "finished" for each in trials),
        sharpe=deflated_sharpe(np.array(mine.results), np.array(sharpes)),
        overfitting=overfitting,
    )


def _counted(tried: int, finished: int) -> str:
    if tried == 1:
        return "It is the first trial of its family: nothing was chosen among."
    unfinished = tried - finished
    rest = "" if not unfinished else f", {unfinished:,} of them pruned, failed or cut off"
    return f"It is one of {tried:,} trials of its family{rest}; the best of many looks better than it is."


def _deflated(found: DeflatedSharpe) -> str:
    if math.isnan(found.undeflated):
        return f"Sharpe ratio of its advice: it cannot be told from {found.days:,} days."
    said = (
        f"With its advice followed on the {found.days:,} days of the walk-forward that had a trade, a day earned "
        f"{found.sharpe:+.3f} of its own deviation (Sharpe ratio a day)"
    )
    if found.trials == 1:
        return f"{said}; the chance that it truly earns anything is {found.undeflated:.1%}."
    return (
        f"{said}. The chance that it truly earns anything is {found.undeflated:.1%}; that it beats the best of "
        f"{found.trials:,} tried without any edge ({found.expected_best:+.3f}), {found.probability:.1%}; 95 % is the "
        "usual bar."
    )


def _overfit(found: Overfitting | None, finished: int) -> str:
    if found is None or math.isnan(found.value):
        return (
            f"How often the best of the trials is luck takes {LEAST_TRIALS} finished ones on the same days "
            f"({finished:,} finished so far)."
        )
    return (
        f"Of {found.trials:,} trials on the same days the best on one half was below the median on the other half in "
        f"{found.value:.0%} of {found.selections:,} ways to halve them (PBO); trials without any edge show "
        f"{found.null_low:.0%} to {found.null_high:.0%}."
    )


def _plain(document: dict[str, float | int]) -> dict[str, Json]:
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in document.items()}
