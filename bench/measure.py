"""What every benchmark shares: a figure beside its target, timings that take turns, the real bars."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np

from ml_data.build import read_bars
from ml_data.ingest import ingest
from ml_data.store import Store
from trading.domain.instrument import Instrument, read_instrument

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT.parent / "shared" / "data" / "mgc_databento"


@dataclass(frozen=True)
class Figure:
    """One measured row: `value` against `target` (lower is better), in words beside what it was measured against.

    `value` None: not run, `ours` says why.
    """

    work: str
    floor: str
    ours: str
    value: float | None
    target: float
    unit: str = "×"

    @property
    def verdict(self) -> str:
        """Whether the target is met, in a word."""
        if self.value is None:
            return "not run"
        return "met" if self.value <= self.target else "**missed**"

    @property
    def row(self) -> str:
        """The row of the table in docs/performance.md."""
        value = "–" if self.value is None else f"{self.value:.3g} {self.unit}"
        return (
            f"| {self.work} | {self.floor} | {self.ours} | {value} | ≤ {self.target:g} {self.unit} | {self.verdict} |"
        )


def best_times(
    *works: Callable[[], object], repeats: int = 5, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Return the best seconds of each work by `clock`; they take turns, since others on the machine only ever add."""
    best = [np.inf] * len(works)
    for _ in range(repeats):
        for index, work in enumerate(works):
            begun = clock()
            work()
            best[index] = min(best[index], clock() - begun)
    return best


def quantiles(work: Callable[[], object], times: int) -> tuple[float, float]:
    """Return the median and the 99th percentile of single runs, in seconds."""
    seconds = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    middle, high = np.quantile(seconds, [0.5, 0.99])
    return float(middle), float(high)


def mgc() -> Instrument:
    """Return the shipped micro gold."""
    return read_instrument(ROOT / "config" / "instruments" / "MGC.toml")


@lru_cache(maxsize=1)
def real_files() -> tuple[Path, ...]:
    """Return the real monthly files, none where they are absent."""
    return tuple(sorted(REAL.glob("*.dbn.zst")))


def real_store(folder: Path) -> Store:
    """Return a new store in `folder` with all real bars."""
    store = Store(folder)
    ingest(store, mgc(), list(real_files()), now=datetime.now(UTC))
    return store


__all__ = ["ROOT", "Figure", "best_times", "mgc", "quantiles", "read_bars", "real_files", "real_store"]
