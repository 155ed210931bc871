"""The simplest honest answers: what every model has to beat before it is worth a word."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ml_models.scores import FloatArray, log_loss
from trading.domain.label import BREAK_DIRECTION
from trading.errors import HubError

DIRECTIONS = BREAK_DIRECTION.classes
"""The class order of direction probabilities; without NONE the first two."""


def majority_probs(train_actual: NDArray[np.integer], n: int, class_count: int) -> FloatArray:
    """Return (n, class_count): for every event the class frequencies of `train_actual`.

    Pass the classes of the training events only: the tested events' own frequencies are not known at their moment. A
    class that training never saw gets probability 0, and costs 36 nats of log loss where it happens.

    >>> majority_probs(np.array([0, 0, 1, 0]), 2, 3)
    array([[0.75, 0.25, 0.  ],
           [0.75, 0.25, 0.  ]])

    Raises
    ------
    HubError
        when `train_actual` is empty: there are no frequencies.
    """
    if train_actual.size == 0:
        raise HubError("The majority baseline needs training events, and there are none.")
    return np.tile(np.bincount(train_actual, minlength=class_count) / train_actual.size, (n, 1))


def martingale_probs(up: FloatArray, class_count: int = 2, p_none: float = 0.0) -> FloatArray:
    """Return (n, class_count): how often a walk without drift breaks each way, or wins and misses.

    Parameters
    ----------
    up
        (n,), P(first class) of the walk: P(UP | a break), P(WIN). NaN gives 0.5: nothing is known.
    class_count
        2 for (UP, DOWN) or (WIN, MISS), 3 for (UP, DOWN, NONE).
    p_none
        probability of NONE with three classes (its frequency in training); UP and DOWN share the rest.

    Examples
    --------
    >>> martingale_probs(np.array([0.25, 0.98, np.nan]))
    array([[0.25, 0.75],
           [0.98, 0.02],
           [0.5 , 0.5 ]])
    >>> martingale_probs(np.array([0.25]), class_count=3, p_none=0.2)
    array([[0.2, 0.6, 0.2]])

    Raises
    ------
    HubError
        when `class_count` is neither 2 nor 3, `p_none` does not fit it, or a probability is not between 0 and 1.
    """
    if class_count not in (2, 3) or not 0 <= p_none < 1 or (class_count == 2 and p_none != 0):
        raise HubError(f"The martingale speaks of UP, DOWN and NONE; found {class_count} classes, p_none {p_none}.")
    up = np.where(np.isnan(up), 0.5, up)
    if ((up <= 0) | (up >= 1)).any():
        raise HubError("What a walk says lies between 0 and 1, never at either end.")
    broken = np.column_stack([up, 1 - up])
    if class_count == 2:
        return broken
    return np.column_stack([broken * (1 - p_none), np.full(up.shape, p_none)])


def best_baseline(actual: NDArray[np.integer], probs: Mapping[str, FloatArray]) -> str:
    """Return the name of the baseline with the lowest log loss on these events; of equals the first.

    `probs` maps names to (n, K). Choosing on the tested events favours the baselines a little, never the model.

    >>> even, sharper = np.full((2, 2), 0.5), np.array([[0.9, 0.1], [0.4, 0.6]])
    >>> best_baseline(np.array([0, 1]), {"majority": even, "martingale": sharper})
    'martingale'

    Raises
    ------
    HubError
        when there is no baseline, or no event to compare them on.
    """
    losses = {name: log_loss(actual, forecast) for name, forecast in probs.items()}
    if not losses or any(math.isnan(loss) for loss in losses.values()):
        raise HubError(f"The best of {list(probs)} on {actual.size} events: there is nothing to compare.")
    return min(losses, key=lambda name: losses[name])
