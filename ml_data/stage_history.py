"""In which stage a version is, and was at any past time: rows that are only ever added; the last one written counts."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from ml_data.store import Store, sql
from trading.domain.advice import SHADOW, STAGES


@dataclass(frozen=True)
class StageChange:
    """One move of a version, the columns of `ml_stage_history`; `evidence_hash` is None of a move down."""

    model: str
    version: str
    stage: str
    role: str
    since: datetime
    by_whom: str
    why: str
    evidence_hash: str | None


def stage_at(changes: Iterable[StageChange], version: str, instant: datetime) -> str:
    """Return the stage of `version` at `instant` by `changes`, in the order in which they were written.

    A version that never moved is in shadow, and so is every version before its first move.
    """
    stages = [change.stage for change in changes if change.version == version and change.since <= instant]
    return stages[-1] if stages else SHADOW


def current_stage(changes: Iterable[StageChange], version: str) -> str:
    """Return the stage that was written last of `version`, whatever the clock says now."""
    stages = [change.stage for change in changes if change.version == version]
    return stages[-1] if stages else SHADOW


def next_stage(stage: str) -> str:
    """Return the stage after `stage`; of the last one itself.

    >>> next_stage("shadow"), next_stage("auto")
    ('advisory', 'auto')
    """
    return STAGES[min(STAGES.index(stage) + 1, len(STAGES) - 1)]


def stage_of(changes: Sequence[StageChange], version: str, instant: datetime) -> str:
    """Return the lower of the stage by the clock and the stage written last: a clock that goes back lifts nothing."""
    return min(stage_at(changes, version, instant), current_stage(changes, version), key=STAGES.index)


def stage_changes(store: Store, model: str) -> tuple[StageChange, ...]:
    """Return every move of the versions of `model`, in the order in which they were written."""
    with store.journal() as cursor:
        rows = cursor.execute(sql("stage_changes"), {"model": model}).fetchall()
    return tuple(StageChange(*row) for row in rows)


def stage_now(store: Store, model: str, version: str, instant: datetime) -> str:
    """Return the stage in which `version` answers at `instant`, read anew: a version is taken back at once."""
    return stage_of(stage_changes(store, model), version, instant)


def append_stage_change(store: Store, change: StageChange) -> None:
    """Write one move down; when this returns it is on disk."""
    with store.journal_write() as cursor:
        cursor.execute(sql("append_stage_change"), asdict(change))
