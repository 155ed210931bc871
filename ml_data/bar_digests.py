"""Hashes that name bars. A window's is made of its days', so that a window one day later costs one day."""

import hashlib
from itertools import pairwise
from typing import Final

import numpy as np

from ml_data.bar_arrays import BarArrays

DAY_MINUTES: Final = 1440


class BarDigests:
    """Hashes of windows of one set of bars, which may grow at its end; days (UTC) that have ended are hashed once."""

    def __init__(self) -> None:
        self._ended: dict[tuple[int, int], bytes] = {}

    def window(self, bars: BarArrays, since: int, before: int) -> bytes:
        """Return the hash of the bars of every contract that start in minutes `[since, before)`."""
        digest = hashlib.sha256()
        for day in range(since // DAY_MINUTES, -(-before // DAY_MINUTES)):
            first, last = max(since, day * DAY_MINUTES), min(before, (day + 1) * DAY_MINUTES)
            known = self._ended.get((first, last))
            if known is None:
                known = _digest_between(bars, first, last)
                if last % DAY_MINUTES == 0:
                    self._ended[first, last] = known
            digest.update(known)
        return digest.digest()


def _digest_between(bars: BarArrays, since: int, before: int) -> bytes:
    """Return the hash of each contract's bars in `[since, before)`; a contract without any leaves no trace."""
    digest = hashlib.sha256()
    for contract, (start, end) in zip(bars.contracts, pairwise(bars.offsets.tolist()), strict=True):
        low, high = start + np.searchsorted(bars.minute[start:end], (since, before))
        if low < high:
            digest.update(f"{contract} {high - low}\n".encode())
            for values in (bars.minute, bars.open, bars.high, bars.low, bars.close, bars.volume):
                digest.update(values[low:high].data)
    return digest.digest()
