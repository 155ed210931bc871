"""The journal as arrays: predictions that were answered and have matured, beside their baselines, and the counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_data.outcomes import MATURED, PENDING, VOID
from ml_models.baselines import DIRECTIONS, martingale_probs

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MAJORITY: Final = "majority"
MARTINGALE: Final = "martingale"


@dataclass(frozen=True)
class Counts:
    """How the logged predictions divide: every one is in exactly one of these, so that no number hides the others."""

    logged: int
    matured: int
    pending: int
    void: int
    refused: int
    replayed: int


@dataclass(frozen=True)
class Judged:
    """n answered predictions with a matured outcome, oldest first.

    `probs` (n, K) and `actual` (n,) are in the order of `classes`; `baselines` maps a name to (n, K). `advised` marks
    predictions sure enough to be advice. `r_net` and `r_net_advised` (n,) are net R of the plain rule and of the rule
    with the advice followed, NaN where nothing was traded.
    """

    classes: tuple[str, ...]
    days: npt.NDArray[np.datetime64]
    orb: npt.NDArray[np.object_]
    actual: Ints
    probs: Floats
    baselines: dict[str, Floats]
    advised: npt.NDArray[np.bool_]
    r_net: Floats
    r_net_advised: Floats

    def __len__(self) -> int:
        return len(self.actual)

    def where(self, keep: npt.NDArray[np.bool_]) -> "Judged":
        """Return the predictions that `keep` marks."""
        return Judged(
            self.classes,
            self.days[keep],
            self.orb[keep],
            self.actual[keep],
            self.probs[keep],
            {name: probs[keep] for name, probs in self.baselines.items()},
            self.advised[keep],
            self.r_net[keep],
            self.r_net_advised[keep],
        )


def counts_of(journal: pa.Table) -> Counts:
    """Return how the rows of `ml_data.journal.judged_predictions` divide."""
    state = np.array(journal["state"].to_pylist(), dtype=object)
    refused = np.array([code is not None for code in journal["refusal_code"].to_pylist()], dtype=bool)
    return Counts(
        logged=journal.num_rows,
        matured=int(((state == MATURED) & ~refused).sum()),
        pending=int(((state == PENDING) & ~refused).sum()),
        void=int(((state == VOID) & ~refused).sum()),
        refused=int(refused.sum()),
        replayed=int(sum(bool(value) for value in journal["replayed"].to_pylist())),
    )


def judged_of(journal: pa.Table) -> Judged:
    """Return the answered and matured rows of `ml_data.journal.judged_predictions` as arrays.

    The classes are UP and DOWN, and NONE when a model answered it. Without that class an outcome NONE is left out: the
    model said nothing of it. The majority baseline of an event is the frequencies of the outcomes known before it was
    decided (each class begins with one), the martingale's what was logged with the prediction.
    """
    columns = {name: journal[name].to_pylist() for name in ("state", "refusal_code", "actual")}
    has_none = any(value is not None for value in journal["prob_none"].to_pylist())
    classes = DIRECTIONS if has_none else DIRECTIONS[:2]
    keep = [
        state == MATURED and refusal is None and actual in classes
        for state, refusal, actual in zip(*columns.values(), strict=True)
    ]
    rows = journal.filter(pa.array(keep, pa.bool_()))
    actual = np.array([classes.index(name) for name in rows["actual"].to_pylist()], dtype=np.int64)
    probs = np.stack([_floats(rows, f"prob_{name.lower()}") for name in classes], axis=1)
    majority = _frequencies_so_far(actual, _minutes(rows, "decided_at"), _minutes(rows, "known_at"), len(classes))
    p_none = float(majority[-1, 2]) if has_none and len(rows) else 0.0
    return Judged(
        classes=classes,
        days=np.array(rows["trading_day"].to_pylist(), dtype="datetime64[D]"),
        orb=np.array(rows["orb"].to_pylist(), dtype=object),
        actual=actual,
        probs=probs,
        baselines={
            MAJORITY: majority,
            MARTINGALE: martingale_probs(_floats(rows, "baseline_prob_up"), len(classes), p_none),
        },
        advised=np.array([advice not in (None, "NONE") for advice in rows["advice"].to_pylist()], dtype=bool),
        r_net=_floats(rows, "r_net"),
        r_net_advised=_floats(rows, "r_net_advised"),
    )


def _frequencies_so_far(actual: Ints, decided: Ints, known: Ints, class_count: int) -> Floats:
    """Return (n, K): at each decision, the class frequencies of the outcomes known by then, each class plus one."""
    order = np.argsort(known, kind="stable")
    happened = np.eye(class_count)[actual[order]]
    totals = np.vstack([np.ones(class_count), 1.0 + np.cumsum(happened, axis=0)])
    seen = np.searchsorted(known[order], decided, side="right")
    counts: Floats = totals[seen]
    shares: Floats = counts / counts.sum(axis=1, keepdims=True)
    return shares


def _floats(rows: pa.Table, name: str) -> Floats:
    values: Sequence[Any] = rows[name].to_pylist()
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _minutes(rows: pa.Table, name: str) -> Ints:
    minutes: Ints = rows[name].cast(pa.int64()).to_numpy() // 60_000_000
    return minutes
