"""Hashes that name bars. A window's is made of its days', so that a window one day later costs one day."""

import hashlib
from itertools import pairwise
from typing import Final

import numpy as np

from ml_data.bar_arrays import BarArrays

DAY_MINUTES: Final = 1440


class BarDigests:
    """Hashes of windows of one set of bars, which may grow at its end; whole days (UTC) are hashed once."""

    def __init__(self) -> None:
        self._whole: dict[int, bytes] = {}

    def window(self, bars: BarArrays, since: int, before: int) -> bytes:
        """Return the hash of the bars of every contract that start in minutes `[since, before)`."""
        days = range(since // DAY_MINUTES, -(-before // DAY_MINUTES))
        edges = np.clip(DAY_MINUTES * np.arange(days.start, days.stop + 1), since, before)
        cuts = [low + np.searchsorted(bars.minute[low:high], edges) for low, high in pairwise(bars.offsets.tolist())]
        rows = np.stack(cuts, axis=1).tolist() if cuts else []
        whole = (np.diff(edges) == DAY_MINUTES).tolist()
        digest = hashlib.sha256()
        for day, is_whole, (first, last) in zip(days, whole, pairwise(rows), strict=False):
            known = self._whole.get(day) if is_whole else None
            if known is None:
                known = _rows_digest(bars, first, last)
            if is_whole:
                self._whole[day] = known
            digest.update(known)
        return digest.digest()


def _rows_digest(bars: BarArrays, first: list[int], last: list[int]) -> bytes:
    """Return the hash of each contract's rows `[first, last)`; a contract without any leaves no trace."""
    digest = hashlib.sha256()
    for contract, low, high in zip(bars.contracts, first, last, strict=True):
        if low < high:
            digest.update(f"{contract} {high - low}\n".encode())
            for values in (bars.minute, bars.open, bars.high, bars.low, bars.close, bars.volume):
                digest.update(values[low:high].data)
    return digest.digest()
