"""What a forecaster who is right would show: outcomes drawn with exactly the forecast probabilities, day by day.

Events of one day are drawn as correlated as ours were: they share a normal factor (a Gaussian copula), which leaves
each event its own probability. Its weight c follows from r, the correlation of the residuals of two events of one day,
as c = sin(pi r / 2): exact at probability 1/2, close elsewhere. r below 0 counts as 0.
"""

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ml_models.intervals import day_sums
from ml_models.scores import FloatArray, mean

_CELLS_AT_ONCE = 500_000  # draws x events in memory at once: 4 MB


def correlation_in_a_day(forecast: FloatArray, outcome: FloatArray, day: NDArray[np.intp]) -> float:
    """Return the correlation of two events' residuals in one day, 0 to 1; 0 where no day has two events.

    The overall mean residual is taken off first, so that a forecaster who is wrong on average does not look correlated.

    >>> correlation_in_a_day(np.full(4, 0.5), np.array([1.0, 1.0, 0.0, 0.0]), np.array([0, 0, 1, 1]))
    1.0
    """
    residual, spread = outcome - forecast, np.sqrt(forecast * (1 - forecast))
    residual = residual - mean(residual)
    together = math.fsum(day_sums(residual, day) ** 2) - math.fsum(residual**2)
    possible = math.fsum(day_sums(spread, day) ** 2) - math.fsum(spread**2)
    return min(1.0, max(0.0, together / possible)) if possible > 1e-12 else 0.0


def drawn_hits(
    forecast: FloatArray,
    outcome: FloatArray,
    day: NDArray[np.intp],
    bin_of: NDArray[np.intp],
    draws: int,
    seed: int,
) -> FloatArray:
    """Return (draws, bins): how many events of each bin happened, drawn as if the forecasts were right.

    `forecast` (n,) are probabilities, `outcome` (n,) 0 or 1 (only the correlation within a day is taken from them),
    `day` (n,) day numbers, `bin_of` (n,) bin numbers without gaps. The same events in the same order and the same seed
    give the same draws.

    >>> tossed = drawn_hits(np.full(40, 0.5), np.tile([0.0, 1.0], 20), np.arange(40), np.arange(40) // 20, 1000, 0)
    >>> tossed.shape, tossed.mean(axis=0).round().tolist()
    ((1000, 2), [10.0, 10.0])
    """
    in_bin = np.eye(int(bin_of.max()) + 1)[bin_of]
    drawn = _drawn(forecast.tobytes(), outcome.tobytes(), day.astype(np.int64).tobytes(), draws, seed)
    return np.concatenate([np.unpackbits(part, axis=1, count=forecast.size) @ in_bin for part in drawn])


def drawn_outcomes(
    forecast: FloatArray, outcome: FloatArray, day: NDArray[np.intp], draws: int, seed: int
) -> Iterator[FloatArray]:
    """Yield `draws` times (n,): which events happened, 0 or 1, drawn as if the forecasts were right."""
    for part in _drawn(forecast.tobytes(), outcome.tobytes(), day.astype(np.int64).tobytes(), draws, seed):
        yield from np.unpackbits(part, axis=1, count=forecast.size).astype(np.float64)


@lru_cache(maxsize=2)
def _drawn(forecast: bytes, outcome: bytes, day: bytes, draws: int, seed: int) -> tuple[NDArray[np.uint8], ...]:
    """Return which events happened, a bit each, in blocks of draws; kept, since one report bins them in two ways."""
    chances, days = np.frombuffer(forecast), np.frombuffer(day, dtype=np.int64)
    shared = math.sin(math.pi / 2 * correlation_in_a_day(chances, np.frombuffer(outcome), days))
    threshold = ndtri(chances)
    random = np.random.default_rng(seed)
    at_once = max(1, _CELLS_AT_ONCE // chances.size)
    parts = []
    for first in range(0, draws, at_once):
        rows = min(at_once, draws - first)
        latent = math.sqrt(1 - shared) * random.standard_normal((rows, chances.size))
        if shared > 0:
            latent += math.sqrt(shared) * random.standard_normal((rows, int(days.max()) + 1))[:, days]
        parts.append(np.packbits(latent < threshold, axis=1))
    return tuple(parts)
