"""The journal as arrays: predictions that were answered and have matured, beside their baselines, and the counts."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ml_data.outcomes import MATURED, PENDING, VOID
from ml_models.baselines import martingale_probs
from ml_monitoring.judged_values import Numbers, numbers_of, same_outputs
from trading.domain.advice import takes_the_break
from trading.domain.label import BREAK_DIRECTION, Label, label_named
from trading.domain.prediction import BIAS_NONE

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

MAJORITY: Final = "majority"
VOLATILITY: Final = "atr_14_share"
"""The input that tells the regime of an event."""

_NONE: Final = BREAK_DIRECTION.classes.index("NONE")


@dataclass(frozen=True)
class Counts:
    """How the logged predictions divide: every one is in exactly one of these, so that no number hides the others.

    `replayed` counts apart from that division: predictions of any state that were asked of stored bars afterwards.
    """

    logged: int
    matured: int
    pending: int
    void: int
    refused: int
    replayed: int


@dataclass(frozen=True)
class Judged:
    """n answered predictions of one question with a matured outcome, oldest first.

    `probs` (n, K) and `actual` (n,) are in the order of `classes`; `baselines` maps a name to (n, K); what
    never learned is called `label.walk`. `advised` marks predictions sure enough to be advice, `kept` events whose
    break the advice lets be traded. `r_net` and `r_net_advised` (n,) are net R of the plain rule and of the rule with
    the advice followed, NaN where nothing was traded. Of a label of numbers there are no classes, `actual` is 0
    throughout, and `numbers` holds what was said. `volatility` (n,) is ATR(14) as a share of the price when each was
    decided, NaN where the version does not look at it; None where it was not asked for.
    """

    classes: tuple[str, ...]
    days: npt.NDArray[np.datetime64]
    orb: npt.NDArray[np.object_]
    actual: Ints
    probs: Floats
    baselines: dict[str, Floats]
    advised: Bools
    kept: Bools
    r_net: Floats
    r_net_advised: Floats
    label: Label = BREAK_DIRECTION
    numbers: Numbers | None = None
    volatility: Floats | None = None

    def __len__(self) -> int:
        return len(self.days)

    def where(self, keep: Bools) -> "Judged":
        """Return the predictions that `keep` marks."""
        return Judged(
            self.classes,
            self.days[keep],
            self.orb[keep],
            self.actual[keep],
            self.probs[keep],
            {name: probs[keep] for name, probs in self.baselines.items()},
            self.advised[keep],
            self.kept[keep],
            self.r_net[keep],
            self.r_net_advised[keep],
            self.label,
            None if self.numbers is None else self.numbers.where(keep),
            None if self.volatility is None else self.volatility[keep],
        )


def counts_of(journal: pa.Table) -> Counts:
    """Return how the rows of `ml_data.journal.judged_predictions` divide; a refusal counts as nothing else."""
    answered = journal.filter(pc.is_null(journal["refusal_code"]))["state"]
    return Counts(
        logged=journal.num_rows,
        matured=_count(pc.equal(answered, MATURED)),
        pending=_count(pc.equal(answered, PENDING)),
        void=_count(pc.equal(answered, VOID)),
        refused=journal.num_rows - len(answered),
        replayed=_count(pc.fill_null(journal["replayed"], False)),
    )


def judged_of(journal: pa.Table) -> Judged:
    """Return the answered and matured rows of `ml_data.journal.judged_predictions` as arrays.

    The classes are those of the label that the rows are about; of a direction NONE only when a model answered it. An
    outcome of a class that the prediction said nothing of is left out. The majority baseline of an event is the
    frequencies of the outcomes known before it was decided (each class begins with one). What the walk says is what was
    logged with the prediction; of NONE it says what the majority says.
    """
    label, classes, rows = question_of(journal), _classes(journal), judged_rows(journal)
    if label.targets:
        return _judged_numbers(rows, label)
    actual = pc.index_in(rows["actual"], pa.array(classes)).to_numpy().astype(np.int64)
    probs = np.stack([_floats(rows, f"prob_{name.lower()}") for name in classes], axis=1)
    probs[:, _NONE:] = np.nan_to_num(probs[:, _NONE:])
    majority = _frequencies_so_far(actual, _instants(rows, "decided_at"), _instants(rows, "known_at"), len(classes))
    walk = martingale_probs(_walk(rows, label))
    advice = rows["advice"].to_numpy(zero_copy_only=False)
    return Judged(
        classes=classes,
        days=rows["trading_day"].to_numpy().astype("datetime64[D]"),
        orb=rows["orb"].to_numpy(zero_copy_only=False),
        actual=actual,
        probs=probs,
        baselines={
            MAJORITY: majority,
            label.walk: np.hstack([walk * (1 - majority[:, _NONE:].sum(axis=1, keepdims=True)), majority[:, _NONE:]]),
        },
        advised=np.array([said not in (None, BIAS_NONE) for said in advice], dtype=bool),
        kept=np.array([takes_the_break(*pair) for pair in zip(advice, rows["actual"].to_pylist(), strict=True)], bool),
        r_net=_floats(rows, "r_net"),
        r_net_advised=_floats(rows, "r_net_advised"),
        label=label,
        volatility=_volatility(rows),
    )


def _judged_numbers(rows: pa.Table, label: Label) -> Judged:
    advice = rows["advice"].to_pylist()
    numbers = numbers_of(rows, label)
    return Judged(
        classes=(),
        days=rows["trading_day"].to_numpy().astype("datetime64[D]"),
        orb=rows["orb"].to_numpy(zero_copy_only=False),
        actual=np.zeros(len(rows), dtype=np.int64),
        probs=np.empty((len(rows), 0)),
        baselines={},
        advised=np.array([said not in (None, BIAS_NONE) for said in advice], dtype=bool),
        kept=np.array([takes_the_break(said, None) for said in advice], dtype=bool),
        r_net=_floats(rows, "r_net"),
        r_net_advised=_floats(rows, "r_net_advised"),
        label=label,
        numbers=numbers,
        volatility=_volatility(rows),
    )


def _volatility(rows: pa.Table) -> Floats | None:
    return _floats(rows, VOLATILITY) if VOLATILITY in rows.column_names else None


def judged_rows(journal: pa.Table) -> pa.Table:
    """Return the rows that `judged_of` turns into arrays, in their order."""
    judged = pc.and_(pc.equal(journal["state"], MATURED), pc.is_null(journal["refusal_code"]))
    if question_of(journal).targets:
        rows = journal.filter(pc.fill_null(judged, False))
        return rows.filter(pa.array(same_outputs(rows), pa.bool_()))
    classes = _classes(journal)
    keep = pc.and_(judged, pc.is_in(journal["actual"], pa.array(classes)))
    if "NONE" in classes:
        keep = pc.and_(keep, pc.or_(pc.not_equal(journal["actual"], "NONE"), pc.is_valid(journal["prob_none"])))
    return journal.filter(pc.fill_null(keep, False))


def _classes(journal: pa.Table) -> tuple[str, ...]:
    label = question_of(journal)
    has_none = label == BREAK_DIRECTION and journal["prob_none"].null_count < journal.num_rows
    return label.classes if has_none else label.classes[:2]


def question_of(journal: pa.Table) -> Label:
    """Return what the rows of one model are about; the direction, where there are none."""
    return label_named(journal["label"][0].as_py() if journal.num_rows else None)


def _walk(rows: pa.Table, label: Label) -> Floats:
    """Return (n,): what was logged of the walk's probability of the label's subject."""
    if label == BREAK_DIRECTION:
        return _floats(rows, "baseline_prob_up")
    return np.array([said[0] if said else np.nan for said in rows["baselines"].to_pylist()], dtype=np.float64)


def _frequencies_so_far(actual: Ints, decided: Ints, known: Ints, class_count: int) -> Floats:
    """Return (n, K): at each decision, the class frequencies of the outcomes known by then, each class plus one."""
    order = np.argsort(known, kind="stable")
    happened = np.eye(class_count)[actual[order]]
    totals = np.vstack([np.ones(class_count), 1.0 + np.cumsum(happened, axis=0)])
    seen = np.searchsorted(known[order], decided, side="right")
    counts: Floats = totals[seen]
    shares: Floats = counts / counts.sum(axis=1, keepdims=True)
    return shares


def _count(marks: pa.ChunkedArray) -> int:
    return int(pc.sum(marks).as_py() or 0)


def _floats(rows: pa.Table, name: str) -> Floats:
    """Return a column of doubles, NaN where the journal holds nothing."""
    values: Floats = rows[name].cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    return values


def _instants(rows: pa.Table, name: str) -> Ints:
    instants: Ints = rows[name].cast(pa.int64()).to_numpy()
    return instants
