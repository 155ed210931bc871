"""The record of retrainings: each written down before it begins, and what became of it. Rows are only ever added."""

import secrets
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

from ml_data.store import Store, sql

Cause = Literal["schedule", "outcomes", "alarm", "by hand"]
Ended = Literal["challenger", "rejected", "failed", "cut off"]
JUDGED: Final[tuple[Ended, ...]] = ("challenger", "rejected")


@dataclass(frozen=True)
class RetrainingResult:
    """What became of a retraining, the columns of `ml_retraining_results`.

    `candidate` is None where no version was made; `opened` says whether the days of the comparison were looked at, or
    may have been; the numbers are None where nothing was compared.
    """

    verdict: Ended
    ended_at: datetime
    why: str
    candidate: str | None = None
    opened: bool = False
    first_day: date | None = None
    last_day: date | None = None
    score: str | None = None
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    least: float | None = None
    n: int | None = None
    days: int | None = None


@dataclass(frozen=True)
class Retraining:
    """One retraining of `model`; without a `result` it runs still, or was cut off.

    `champion` had seen the days to `champion_through`; `level` is the chance that the comparison alone passes a
    candidate that is no better.
    """

    retraining_id: str
    instrument: str
    model: str
    started_at: datetime
    cause: Cause
    because: str
    champion: str
    champion_through: date
    level: float
    result: RetrainingResult | None = None


@dataclass(frozen=True)
class Alarm:
    """An alarm of a monitor, or a trip of the breaker, about a version: raised `at`, by the days up to `through`."""

    monitor: str
    at: datetime
    through: date


def begin_retraining(store: Store, begun: Retraining, *, who: str) -> None:
    """Write down that a retraining begins; when this returns it is on disk."""
    row = {name: value for name, value in asdict(begun).items() if name != "result"}
    with store.journal_write() as cursor:
        cursor.execute(sql("append_retraining"), {**row, "by_whom": who})


def end_retraining(store: Store, retraining_id: str, result: RetrainingResult) -> None:
    """Write down what became of a retraining; the first word counts."""
    with store.journal_write() as cursor:
        cursor.execute(sql("append_retraining_result"), {"retraining_id": retraining_id, **asdict(result)})


def new_retraining_id() -> str:
    """Return an id that no other retraining has."""
    return secrets.token_hex(6)


def retrainings_of(store: Store, model: str, known_by: datetime | None = None) -> tuple[Retraining, ...]:
    """Return the retrainings of a model that had begun by `known_by`, oldest first, as they stood then; None: all."""
    with store.journal() as cursor:
        rows = cursor.execute(sql("retrainings_of"), {"model": model, "known_by": known_by}).fetchall()
    return tuple(Retraining(*(*row[:9], _result(row[9:]))) for row in rows)


def _result(row: tuple[Any, ...]) -> RetrainingResult | None:
    verdict, ended_at, *told, why = row
    return None if verdict is None else RetrainingResult(verdict, ended_at, why, *told)


def alarms_of(store: Store, model: str, version: str, known_by: datetime) -> tuple[Alarm, ...]:
    """Return the alarms that monitors and breaker had raised about a version by `known_by`, oldest first."""
    asked = {"model": model, "version": version, "known_by": known_by}
    with store.journal() as cursor:
        return tuple(Alarm(*row) for row in cursor.execute(sql("alarms_of"), asked).fetchall())


def outcome_days(store: Store, model: str, after: date, known_by: datetime) -> dict[date, int]:
    """Return how many events of a model on each trading day after `after` had an outcome by `known_by`."""
    asked = {"model": model, "after": after, "known_by": known_by}
    with store.journal() as cursor:
        return dict(cursor.execute(sql("outcome_days"), asked).fetchall())


def whole_days(store: Store, instrument: str, after: date) -> tuple[date, ...]:
    """Return the stored trading days after `after` that are over: a later one has begun."""
    with store.market() as cursor:
        rows = cursor.execute(sql("whole_days"), {"instrument": instrument, "after": after}).fetchall()
    return tuple(row[0] for row in rows)
