"""The log of the journal: the rows that a choice of filters lets through, in an order, a page at a time or all."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, Literal, get_args

import pyarrow as pa

from ml_data.actions import Note
from ml_data.store import Store, sql

Sort = Literal["newest", "oldest", "best", "worst", "surest"]
SORTS: Final[tuple[Sort, ...]] = get_args(Sort)

RESULTS: Final = ("right", "wrong", "settled", "pending", "void", "refused", "missed")
"""What a row came to; `settled` is an answer of numbers with an outcome, which is neither right nor wrong."""

NOTHING: Final = "nothing"
LATE: Final = "late"
"""Beside the actions a row can be chosen for: nothing was noted in time; something was noted after the outcome."""


@dataclass(frozen=True)
class LogFilter:
    """Which rows to show; an empty tuple, None or an empty text lets every row through.

    `weekdays` are ISO's (Monday 1) of the trading day, `actions` of `ml_data.actions.DEEDS`, `NOTHING`, `LATE`.
    `known_by` hides what was decided, known or noted after that instant: the journal as it stood then.
    """

    instrument: str
    models: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    replayed: bool | None = None
    orbs: tuple[str, ...] = ()
    weekdays: tuple[int, ...] = ()
    first: date | None = None
    last: date | None = None
    advices: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    text: str = ""
    known_by: datetime | None = None

    @property
    def knows_outcomes(self) -> bool:
        """Whether rows are chosen by what came of them, or by words written afterwards: no score of these is fair."""
        judged = {"right", "wrong"} & set(self.results)
        return len(judged) == 1 or LATE in self.actions or bool(self.text)

    def parameters(self) -> dict[str, Any]:
        """Return the filters as `journal_log.sql` asks for them."""
        several = {
            name: list(getattr(self, name)) or None
            for name in (
                "models",
                "versions",
                "roles",
                "stages",
                "orbs",
                "weekdays",
                "advices",
                "results",
                "actions",
            )
        }
        return {
            **several,
            "instrument": self.instrument,
            "replayed": self.replayed,
            "first": self.first,
            "last": self.last,
            "text": self.text.strip() or None,
            "known_by": _known_by(self.known_by),
        }


@dataclass(frozen=True)
class LogOptions:
    """By what the log of an instrument can be narrowed; `logged` rows lie from `first_day` to `last_day`."""

    models: tuple[str, ...]
    versions: tuple[str, ...]
    roles: tuple[str, ...]
    stages: tuple[str, ...]
    orbs: tuple[str, ...]
    advices: tuple[str, ...]
    weekdays: tuple[int, ...]
    first_day: date | None
    last_day: date | None
    logged: int


def log_rows(
    store: Store, chosen: LogFilter, *, sort: Sort = "newest", most: int | None = None, skip: int = 0
) -> pa.Table:
    """Return the rows that pass, without their lists of inputs: `most` of them (None: all) after the first `skip`."""
    asked = {**chosen.parameters(), "prediction_id": None, "sort": sort, "most": most, "skip": skip}
    return _query(store, "journal_log", asked)


def log_row(store: Store, prediction_id: str, known_by: datetime | None) -> dict[str, Any] | None:
    """Return one row of any instrument as `log_rows` does; None where there was none by `known_by` (None: now)."""
    everything = {**LogFilter("").parameters(), "instrument": None, "known_by": _known_by(known_by)}
    asked = {**everything, "prediction_id": prediction_id, "sort": "newest", "most": 1, "skip": 0}
    rows: list[dict[str, Any]] = _query(store, "journal_log", asked).to_pylist()
    return rows[0] if rows else None


def notes_of(row: dict[str, Any]) -> tuple[Note, ...]:
    """Return the notes of a row of `log_row`, oldest first."""
    names = Note.__dataclass_fields__
    return tuple(Note(**{name: each[name] for name in names}) for each in row["notes"] or ())


def outcome_revisions(store: Store, prediction_id: str, known_by: datetime | None) -> pa.Table:
    """Return every outcome that was written of a prediction, the first one first."""
    return _query(store, "outcome_revisions", {"prediction_id": prediction_id, "known_by": _known_by(known_by)})


def log_options(store: Store, instrument: str, known_by: datetime | None) -> LogOptions:
    """Return by what the log can be narrowed, as it stood at `known_by` (None: now)."""
    rows = _query(store, "log_options", {"instrument": instrument, "known_by": _known_by(known_by)})
    found: dict[str, Any] = rows.to_pylist()[0]
    lists = ("models", "versions", "roles", "stages", "orbs", "advices", "weekdays")
    return LogOptions(**{**found, **{name: tuple(found[name] or ()) for name in lists}})


def _known_by(instant: datetime | None) -> datetime:
    return instant or datetime.max.replace(tzinfo=UTC)


def _query(store: Store, name: str, parameters: dict[str, Any]) -> pa.Table:
    with store.journal() as cursor:
        return cursor.sql(sql(name), params=parameters).to_arrow_table()
