"""The only scores: what a probability forecast of classes was worth, given what happened.

All take `actual` (n,), class numbers 0..K-1, and `probs` (n, K), probabilities in the same class order; K is 2 or more.
The predicted class is the most probable one; of equally probable classes the first. NaN means that the score is not
defined on these events (there are none, or a class that it needs did not occur), never that it is bad. No score
depends on the order of the events. Intervals for these scores are in `ml_models.score_table`.

>>> actual = np.array([0, 1, 1, 0])
>>> probs = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]])
>>> accuracy(actual, probs), round(log_loss(actual, probs), 4), round(brier(actual, probs), 4), auc(actual, probs)
(0.75, 0.4004, 0.25, 1.0)
>>> confusion_matrix(actual, probs)
array([[2, 0],
       [1, 1]])
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading.errors import HubError

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

LEAST_PROBABILITY = float(np.finfo(np.float64).eps)
"""Below it a probability counts as this one in the log loss, so one certain error costs 36.04 nats, not infinity."""


def checked(actual: NDArray[np.integer], probs: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return `actual` as int64 (n,) and `probs` as float64 (n, K), or say what is wrong with them.

    Raises
    ------
    HubError
        when the shapes do not fit, a probability is NaN or outside [0, 1], a row does not sum to 1 (to 1e-6), or
        `actual` holds a number that is no class; the message names the first such row.
    """
    classes, forecasts = np.asarray(actual, dtype=np.int64), np.asarray(probs, dtype=np.float64)
    if forecasts.ndim != 2 or forecasts.shape[1] < 2 or classes.shape != (forecasts.shape[0],):
        raise HubError(f"Scores need actual (n,) and probs (n, K >= 2); found {classes.shape} and {forecasts.shape}.")
    in_range = ((forecasts >= 0) & (forecasts <= 1)).all(axis=1)
    wrong = ~(in_range & (np.abs(forecasts.sum(axis=1) - 1.0) <= 1e-6))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise HubError(f"Row {row}: {forecasts[row].tolist()} are not probabilities that sum to 1.")
    unknown = (classes < 0) | (classes >= forecasts.shape[1])
    if unknown.any():
        row = int(np.argmax(unknown))
        raise HubError(f"Row {row}: class {classes[row]} is none of 0..{forecasts.shape[1] - 1}.")
    return classes, forecasts


def mean(values: FloatArray) -> float:
    """Return the mean of `values`, rounded once, so that their order cannot change it; NaN when there are none."""
    return math.fsum(values) / values.size if values.size else math.nan


def hits(actual: NDArray[np.integer], probs: FloatArray) -> FloatArray:
    """Return (n,): 1 where the most probable class happened, else 0."""
    actual, probs = checked(actual, probs)
    return np.asarray(probs.argmax(axis=1) == actual, dtype=np.float64)


def log_losses(actual: NDArray[np.integer], probs: FloatArray) -> FloatArray:
    """Return (n,), nats: minus the log of the probability that was given to what happened, clipped at 2.2e-16."""
    actual, probs = checked(actual, probs)
    return np.asarray(-np.log(np.maximum(probs[np.arange(actual.size), actual], LEAST_PROBABILITY)))


def brier_losses(actual: NDArray[np.integer], probs: FloatArray) -> FloatArray:
    """Return (n,), 0 to 2: the squared errors of all K probabilities, summed over the classes.

    With two classes this is twice the squared error of one of them (Brier 1950, not the halved form).
    """
    actual, probs = checked(actual, probs)
    happened: FloatArray = np.eye(probs.shape[1])[actual]
    squares: FloatArray = ((probs - happened) ** 2).sum(axis=1)
    return squares


def accuracy(actual: NDArray[np.integer], probs: FloatArray) -> float:
    """Return the share of events whose most probable class happened; NaN without events."""
    return mean(hits(actual, probs))


def log_loss(actual: NDArray[np.integer], probs: FloatArray) -> float:
    """Return the mean of `log_losses`, nats per event; lower is better; NaN without events."""
    return mean(log_losses(actual, probs))


def brier(actual: NDArray[np.integer], probs: FloatArray) -> float:
    """Return the mean of `brier_losses`, 0 to 2; lower is better; NaN without events."""
    return mean(brier_losses(actual, probs))


def confusion_matrix(actual: NDArray[np.integer], probs: FloatArray) -> IntArray:
    """Return (K, K) counts of events: a row is the class that happened, a column the most probable class."""
    actual, probs = checked(actual, probs)
    k = probs.shape[1]
    return np.bincount(actual * k + probs.argmax(axis=1), minlength=k * k).reshape(k, k).astype(np.int64)


def recall(actual: NDArray[np.integer], probs: FloatArray) -> FloatArray:
    """Return (K,): of the events where a class happened, the share that was called; NaN where it never happened."""
    matrix = confusion_matrix(actual, probs)
    return shares(np.diag(matrix), matrix.sum(axis=1))


def precision(actual: NDArray[np.integer], probs: FloatArray) -> FloatArray:
    """Return (K,): of the events called as a class, the share where it happened; NaN where it was never called.

    >>> precision(np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]])).round(3)
    array([0.333,   nan])
    """
    matrix = confusion_matrix(actual, probs)
    return shares(np.diag(matrix), matrix.sum(axis=0))


def balanced_accuracy(actual: NDArray[np.integer], probs: FloatArray) -> float:
    """Return the mean recall of all K classes, 1/K without skill; NaN when one of them never happened."""
    return float(recall(actual, probs).mean())


def auc(actual: NDArray[np.integer], probs: FloatArray) -> float:
    """Return how often an event of a class was ranked above one of another; ties count half, 0.5 without skill.

    With two classes this is the area under the ROC curve of the second one; with more, the mean over the classes of
    each against the rest. NaN when one of the K classes never happened.
    """
    actual, probs = checked(actual, probs)
    return float(np.mean([_area(actual == k, probs[:, k]) for k in contrasts(probs.shape[1])]))


def contrasts(class_count: int) -> tuple[int, ...]:
    """Return the classes that an AUC over `class_count` classes sets against the rest: the second of two, else all."""
    return (1,) if class_count == 2 else tuple(range(class_count))


def _area(positive: BoolArray, score: FloatArray) -> float:
    ours = int(positive.sum())
    others = positive.size - ours
    if ours == 0 or others == 0:
        return math.nan
    ranks = average_ranks(score)[positive].sum()  # multiples of one half: exact
    return float((ranks - ours * (ours + 1) / 2) / (ours * others))


def average_ranks(values: FloatArray) -> FloatArray:
    """Return the ranks of `values` (n,), from 1; equal values share the mean of theirs: multiples of one half.

    What `scipy.stats.rankdata` gives, whose import costs the first page of every start half a second.
    """
    _, place, times = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(times) - (times - 1) / 2)[place])


def shares(part: NDArray[Any], whole: NDArray[Any]) -> FloatArray:
    """Return `part` / `whole`, element by element; NaN where `whole` is 0."""
    quotient = np.full(part.shape, np.nan)
    np.divide(part, whole, out=quotient, where=whole > 0)
    return quotient
