"""Clocks of vendors that are no clock of the world: each has a name, its parts by date, and how that was found out."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_data.importers.stamps import StampLayout, to_instants

_NAIVE: Final = StampLayout(clock="naive")


@dataclass(frozen=True)
class SourceClock:
    """A clock that changes its rule: stamps before the date `changes` show `before`, the others `after`.

    Both are clocks of `ml_data.importers.wall_clock`. `evidence` finishes the sentence "it is <name>, for ...".
    """

    source: str
    before: str
    changes: np.datetime64
    after: str
    evidence: str

    @property
    def name(self) -> str:
        """How the clock is shown: `HistData: America/New_York, from 2019-01-01 Europe/London-5h`."""
        return f"{self.source}: {self.before}, from {self.changes} {self.after}"

    def to_instants(self, stamps: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Return UTC instants in microseconds and faults, as `ml_data.importers.stamps.to_instants` does.

        `stamps` are naive timestamps of microseconds, as written; null where a stamp was none.
        """
        wall, _ = to_instants(stamps, _NAIVE, None)
        changed = wall >= self.changes.astype("datetime64[us]").astype(np.int64)
        instants, faults = np.zeros(len(wall), dtype=np.int64), np.zeros(len(wall), dtype=np.uint8)
        for clock, rows in ((self.before, ~changed), (self.after, changed)):
            if rows.any():
                part = stamps if rows.all() else stamps.filter(pa.array(rows))
                instants[rows], faults[rows] = to_instants(part, _NAIVE, clock)
        return instants, faults


HISTDATA: Final = SourceClock(
    source="HistData",
    before="America/New_York",
    changes=np.datetime64("2019-01-01"),
    after="Europe/London-5h",
    evidence=(
        "under it the US jobs report and the daily halt of its gold files of 2018 and 2019 lie at 08:30 and 17:00 New "
        "York all year, and under EST, which the vendor names, an hour off for months"
    ),
)
