"""The ledger of trials: every training, tuning trial and backtest, and every look at the days kept for the end.

A trial is on disk before it is run, and what it came to before anybody is shown it, so nobody can try without being
counted: the best of many looks better than it is, by an amount that only the number of the many tells.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

import pyarrow as pa

from ml_data.store import Store, sql

Kind = Literal["training", "tuning", "backtest"]
State = Literal["finished", "pruned", "failed", "cut off"]

_TRIALS: Final = pa.schema(
    [
        ("trial_id", pa.string()),
        ("family", pa.string()),
        ("kind", pa.string()),
        ("started_at", pa.timestamp("us", tz="UTC")),
        ("parameters", pa.string()),
        ("parameters_hash", pa.string()),
        ("data_hash", pa.string()),
        ("by_whom", pa.string()),
    ]
)
_RESULTS: Final = pa.schema(
    [
        ("trial_id", pa.string()),
        ("state", pa.string()),
        ("ended_at", pa.timestamp("us", tz="UTC")),
        ("fold_scores", pa.list_(pa.float64())),
        ("sharpe", pa.float64()),
        ("days", pa.list_(pa.date32())),
        ("results", pa.list_(pa.float64())),
        ("why", pa.string()),
    ]
)
_OPENINGS: Final = pa.schema(
    [
        ("trial_id", pa.string()),
        ("family", pa.string()),
        ("first_day", pa.date32()),
        ("last_day", pa.date32()),
        ("opened_at", pa.timestamp("us", tz="UTC")),
    ]
)


@dataclass(frozen=True)
class TrialResult:
    """What a trial came to; `cut off` where nothing was written any more (a kill, a power cut).

    `fold_scores` are the losses of the folds that were tested, less is better; `days` the trading days of the
    walk-forward on which there was something to take or leave, `results` the net R of each with the advice followed,
    `sharpe` their mean over their deviation (None: it cannot be told).
    """

    state: State
    fold_scores: tuple[float, ...] = ()
    sharpe: float | None = None
    days: tuple[date, ...] = ()
    results: tuple[float, ...] = ()
    why: str | None = None


@dataclass(frozen=True)
class Trial:
    """One row of the ledger with what it came to. `family` is what a choice is made among (a registry's model)."""

    trial_id: str
    family: str
    kind: Kind
    started_at: datetime
    parameters_hash: str
    data_hash: str
    result: TrialResult


def begin_trial(
    store: Store,
    family: str,
    kind: Kind,
    parameters: Mapping[str, Any],
    data_hash: str,
    *,
    now: datetime,
    who: str | None,
) -> str:
    """Write down that a trial begins, and return its id. When this returns it is on disk.

    The same parameters on the same data are a trial each time: whoever runs them again has looked again.
    """
    written = json.dumps(parameters, sort_keys=True, allow_nan=False)
    row = {
        "trial_id": secrets.token_hex(12),
        "family": family,
        "kind": kind,
        "started_at": now,
        "parameters": written,
        "parameters_hash": hashlib.sha256(written.encode()).hexdigest(),
        "data_hash": data_hash,
        "by_whom": who,
    }
    _append(store, pa.Table.from_pylist([row], schema=_TRIALS), "append_trials")
    return str(row["trial_id"])


def end_trial(store: Store, trial_id: str, result: TrialResult, *, now: datetime) -> None:
    """Write down what a trial came to; the first word counts."""
    row = {"trial_id": trial_id, "ended_at": now, **vars(result)}
    _append(store, pa.Table.from_pylist([row], schema=_RESULTS), "append_trial_results")


def open_window(store: Store, trial_id: str, family: str, first: date, last: date, *, now: datetime) -> int:
    """Write down that a trial looks at the days `first` to `last`, kept for the end; return for the how manyth time.

    1: nobody of the family has looked at any of these days before.
    """
    asked = {"family": family, "first_day": first, "last_day": last}
    row = {"trial_id": trial_id, **asked, "opened_at": now}
    _append(store, pa.Table.from_pylist([row], schema=_OPENINGS), "append_window_openings")
    with store.journal() as cursor:
        return len(cursor.execute(sql("window_openings_of"), asked).fetchall())


def trials_of(store: Store, family: str) -> tuple[Trial, ...]:
    """Return all that was tried of a family, oldest first."""
    with store.journal() as cursor:
        rows = cursor.sql(sql("trials_of"), params={"family": family}).to_arrow_table().to_pylist()
    return tuple(
        Trial(
            trial_id=row["trial_id"],
            family=row["family"],
            kind=row["kind"],
            started_at=row["started_at"],
            parameters_hash=row["parameters_hash"],
            data_hash=row["data_hash"],
            result=TrialResult(
                state=row["state"],
                fold_scores=tuple(row["fold_scores"] or ()),
                sharpe=row["sharpe"],
                days=tuple(row["days"] or ()),
                results=tuple(row["results"] or ()),
                why=row["why"],
            ),
        )
        for row in rows
    )


def _append(store: Store, table: pa.Table, statement: str) -> None:
    with store.journal_write() as cursor:
        cursor.register("fresh", table)
        cursor.execute(sql(statement))
        cursor.unregister("fresh")
