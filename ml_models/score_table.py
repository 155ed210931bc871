"""All scores of a forecast, each with its day-clustered interval, and its skill against another on the same events."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ml_models.intervals import Estimate, day_numbers, mean_interval, share_interval, statistic_interval
from ml_models.scores import (
    BoolArray,
    FloatArray,
    IntArray,
    auc,
    average_ranks,
    balanced_accuracy,
    brier_losses,
    checked,
    contrasts,
    hits,
    log_losses,
    shares,
)
from trading.errors import HubError

SkillScore = Literal["log_loss", "brier", "accuracy"]
_GAINS: Mapping[SkillScore, tuple[Callable[[NDArray[np.integer], FloatArray], FloatArray], float]] = MappingProxyType(
    {"log_loss": (log_losses, -1.0), "brier": (brier_losses, -1.0), "accuracy": (hits, 1.0)}
)


def score_table(
    actual: NDArray[np.integer], probs: FloatArray, days: NDArray[Any], classes: Sequence[str], *, seed: int = 0
) -> dict[str, Estimate]:
    """Return every score with its interval (95 %), by name.

    Parameters
    ----------
    actual, probs, days
        (n,) class numbers, (n, K) probabilities, (n,) trading days of the events.
    classes
        K names; they end the names of the per-class scores.
    seed
        of the bootstrap draws.

    Returns
    -------
    dict
        `accuracy`, `balanced_accuracy`, `log_loss`, `brier`, `auc`, then `precision_<class>` and `recall_<class>` for
        each class. Accuracy, precision and recall are shares with design-effect Wilson intervals; precision lies on the
        events called as the class, recall on those where it happened. The others have day-bootstrap intervals. NaN as
        in `ml_models.scores`.

    Examples
    --------
    >>> actual = np.tile([0, 1, 1, 0, 1], 12)
    >>> probs = np.column_stack([np.where(np.arange(60) % 5 < 2, 0.7, 0.4), np.where(np.arange(60) % 5 < 2, 0.3, 0.6)])
    >>> table = score_table(actual, probs, np.repeat(np.arange(10), 6), ("UP", "DOWN"))
    >>> " ".join(table)
    'accuracy balanced_accuracy log_loss brier auc precision_UP recall_UP precision_DOWN recall_DOWN'
    >>> table["recall_DOWN"].n, round(table["recall_DOWN"].value, 3)
    (36, 0.667)
    """
    actual, probs = checked(actual, probs)
    if len(classes) != probs.shape[1]:
        raise HubError(f"{probs.shape[1]} columns of probabilities need as many class names; found {list(classes)}.")
    day, called = day_numbers(days), probs.argmax(axis=1)
    right = called == actual
    table = {
        "accuracy": share_interval(right, day),
        "balanced_accuracy": _balanced_accuracy(actual, probs, day, seed),
        "log_loss": mean_interval(log_losses(actual, probs), day, seed=seed),
        "brier": mean_interval(brier_losses(actual, probs), day, seed=seed),
        "auc": _auc(actual, probs, day, seed),
    }
    for k, name in enumerate(classes):
        table[f"precision_{name}"] = share_interval(right[called == k], day[called == k])
        table[f"recall_{name}"] = share_interval(right[actual == k], day[actual == k])
    return table


def skill(
    actual: NDArray[np.integer],
    probs: FloatArray,
    baseline_probs: FloatArray,
    days: NDArray[Any],
    *,
    score: SkillScore = "log_loss",
    seed: int = 0,
) -> Estimate:
    """Return how much better `probs` (n, K) did than `baseline_probs` (n, K) per event; positive = better.

    The mean over the same events of the paired difference: nats saved (`log_loss`), squared error saved (`brier`), or
    hits gained (`accuracy`, in shares of 1), with a day-bootstrap interval (95 %). A forecast against itself is
    exactly 0 with zero width.

    >>> actual, days = np.tile([0, 1], 10), np.repeat(np.arange(10), 2)
    >>> model, even = np.tile([[0.6, 0.4], [0.5, 0.5]], (10, 1)), np.full((20, 2), 0.5)
    >>> skill(actual, model, even, days).value.__round__(4)
    0.0912
    """
    losses, sign = _GAINS[score]
    gains = sign * (losses(actual, probs) - losses(actual, baseline_probs))
    return mean_interval(gains + 0.0, days, seed=seed)  # + 0.0: no -0.0


def _balanced_accuracy(actual: IntArray, probs: FloatArray, day: NDArray[np.intp], seed: int) -> Estimate:
    happened = np.eye(probs.shape[1])[actual]
    right = happened * hits(actual, probs)[:, None]
    count = happened.sum(axis=0)
    hits_by_day, count_by_day = (_sums_by_day(columns, day) for columns in (right, happened))

    def of_draws(counts: FloatArray) -> FloatArray:
        recalls = shares(counts @ hits_by_day, counts @ count_by_day)
        return np.asarray(recalls.mean(axis=1))

    recalls = shares(right.sum(axis=0), count)
    influence = ((right - happened * recalls) * shares(np.full(count.shape, float(actual.size)), count)).mean(axis=1)
    return statistic_interval(balanced_accuracy(actual, probs), influence, of_draws, day, seed=seed)


def _auc(actual: IntArray, probs: FloatArray, day: NDArray[np.intp], seed: int) -> Estimate:
    against_rest = [(actual == k, probs[:, k]) for k in contrasts(probs.shape[1])]
    influence = np.mean([_area_influence(positive, score) for positive, score in against_rest], axis=0)
    areas = [_area_of_draws(positive, score, day) for positive, score in against_rest]

    def of_draws(counts: FloatArray) -> FloatArray:
        return np.asarray(np.mean([area(counts) for area in areas], axis=0))

    return statistic_interval(auc(actual, probs), influence, of_draws, day, seed=seed)


def _area_influence(positive: BoolArray, score: FloatArray) -> FloatArray:
    """Return (n,): DeLong's (1988) placements, centred and scaled so that their mean is the AUC's error."""
    ours, others = int(positive.sum()), int((~positive).sum())
    if ours == 0 or others == 0:
        return np.full(positive.shape, np.nan)
    ranks, own = average_ranks(score), np.empty(positive.shape)
    own[positive], own[~positive] = average_ranks(score[positive]), average_ranks(score[~positive])
    beaten = np.where(positive, (ranks - own) / others, 1 - (ranks - own) / ours)
    area = beaten[positive].mean()
    return np.asarray((beaten - area) * np.where(positive, positive.size / ours, positive.size / others))


def _area_of_draws(positive: BoolArray, score: FloatArray, day: NDArray[np.intp]) -> Callable[[FloatArray], FloatArray]:
    """Return the function from (draws, days) counts to (draws,) AUC of the drawn events; NaN where a side misses."""
    order = np.argsort(score[~positive], kind="stable")
    other_day, other_score = day[~positive][order], score[~positive][order]
    our_day = day[positive]
    lower = np.searchsorted(other_score, score[positive], side="left")
    not_higher = np.searchsorted(other_score, score[positive], side="right")

    def of_draws(counts: FloatArray) -> FloatArray:
        times = np.ascontiguousarray(counts.T, dtype=np.int32)  # (days, draws): an event's row is contiguous
        below = np.zeros((other_day.size + 1, times.shape[1]), dtype=np.int32)
        np.cumsum(times[other_day], axis=0, out=below[1:])
        ours = times[our_day]
        won = np.multiply(ours, below[lower] + below[not_higher]).sum(axis=0, dtype=np.float64) / 2
        return shares(won, ours.sum(axis=0, dtype=np.float64) * below[-1])

    return of_draws


def _sums_by_day(columns: FloatArray, day: NDArray[np.intp]) -> FloatArray:
    sums = np.zeros((int(day.max(initial=-1)) + 1, columns.shape[1]))
    np.add.at(sums, day, columns)  # counts: exact in any order
    return sums
