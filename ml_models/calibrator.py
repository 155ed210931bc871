"""What turns raw scores into probabilities, or quantiles into an interval, that mean what they say: a few numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Self

import numpy as np

from ml_models.documents import DamagedVersion, Json, decode
from ml_models.metadata import Matrix
from ml_models.quantiles import moved_beyond

FILE: Final = "calibrator.json"


@dataclass(frozen=True)
class Calibrator:
    """`none` leaves the estimator's answer alone; the others are computed from its raw scores (margins, log-odds).

    `temperature`: scores divided by `temperature` (> 0). `platt`, for two classes: `slope` x score + `intercept`.
    `conformal`, for quantiles: each target's outermost ones are moved apart by its number of `offsets` (together where
    it is negative), so that they hold a share of `level`. It was measured on `events` of `first_day` to `last_day`,
    which the quantiles were not fitted on (split-conformal quantile regression, Romano et al. 2019). Where it `follows`
    an input that says by how much the market has lately been off, the end on that side first moves out by what exceeds
    `usual`.
    """

    kind: Literal["none", "temperature", "platt", "conformal"] = "none"
    temperature: float = 1.0
    slope: float = 1.0
    intercept: float = 0.0
    level: float = 0.0
    offsets: tuple[float, ...] = ()
    first_day: str = ""
    last_day: str = ""
    events: int = 0
    follows: str = ""
    usual: float = 0.0

    def moved(self, names: Sequence[str], rows: Matrix) -> Matrix | None:
        """Return (n,): how far the market has moved for `rows` (n, F) of inputs `names`; None: nothing is followed."""
        return moved_beyond(rows[:, list(names).index(self.follows)], self.usual) if self.follows else None

    def apply(self, margins: Matrix) -> Matrix:
        """Return the probabilities (n, classes) of raw scores (n, 1) for two classes or (n, classes) for more.

        Two classes come back in the order (0, 1). Each row depends on itself alone, bit for bit. No NaN in, none out.
        """
        scaled = margins / self.temperature if self.kind != "platt" else self.slope * margins + self.intercept
        if scaled.shape[1] == 1:
            scaled = np.hstack([np.zeros_like(scaled), scaled])
        weights = np.exp(np.ascontiguousarray(scaled - scaled.max(axis=1, keepdims=True)))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    def document(self) -> Json:
        """Return the contents of calibrator.json."""
        if self.kind == "temperature":
            return {"kind": "temperature", "temperature": self.temperature}
        if self.kind == "platt":
            return {"kind": "platt", "slope": self.slope, "intercept": self.intercept}
        if self.kind == "conformal":
            return {
                "kind": "conformal",
                "level": self.level,
                "offsets": [[each] for each in self.offsets],
                "first_day": self.first_day,
                "last_day": self.last_day,
                "events": self.events,
                **({"follows": self.follows, "usual": self.usual} if self.follows else {}),
            }
        return {"kind": "none"}

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Return the calibrator in the bytes of calibrator.json, or raise `DamagedVersion`."""
        fields = decode(FILE, content)
        kind = fields.text("kind")
        if kind == "none":
            return cls()
        if kind == "platt":
            return cls("platt", slope=fields.number("slope"), intercept=fields.number("intercept"))
        if kind == "conformal":
            return cls(
                "conformal",
                level=fields.number("level"),
                offsets=tuple(float(each or 0.0) for [each] in fields.numbers("offsets")),
                first_day=fields.text("first_day"),
                last_day=fields.text("last_day"),
                events=fields.integer("events"),
                follows=fields.optional_text("follows") or "",
                usual=fields.optional_number("usual") or 0.0,
            )
        temperature = fields.number("temperature")
        if kind != "temperature" or not (temperature > 0 and math.isfinite(temperature)):
            raise DamagedVersion(FILE, f"kind {kind!r} with temperature {temperature} is not a calibrator")
        return cls("temperature", temperature=temperature)
