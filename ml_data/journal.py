"""The journal: predictions, and what came of them. Rows are only ever added; adding one twice changes nothing."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import lru_cache
from itertools import combinations
from typing import Any, Final

import pyarrow as pa

from ml_data.feature_matrix import every_group, features_of, schema_hash
from ml_data.features.base import Feature
from ml_data.store import Store, sql
from trading.domain.label import BREAK_DIRECTION, LABELS, Label, label_named
from trading.domain.prediction import Answer, PredictionRow, Reason

_PREDICTIONS: Final = pa.schema(
    [
        ("prediction_id", pa.string()),
        ("instrument", pa.string()),
        ("kind", pa.string()),
        ("trading_day", pa.date32()),
        ("orb", pa.string()),
        ("decided_at", pa.timestamp("us", tz="UTC")),
        ("contract", pa.string()),
        ("model", pa.string()),
        ("version", pa.string()),
        ("version_hash", pa.string()),
        ("role", pa.string()),
        ("stage", pa.string()),
        ("replayed", pa.bool_()),
        ("features", pa.list_(pa.float64())),
        ("schema_hash", pa.string()),
        ("max_input_time", pa.timestamp("us", tz="UTC")),
        ("data_hash", pa.string()),
        ("raw_score", pa.list_(pa.float64())),
        ("prob_up", pa.float64()),
        ("prob_down", pa.float64()),
        ("prob_none", pa.float64()),
        ("baseline_prob_up", pa.float64()),
        ("confidence", pa.float64()),
        ("advice", pa.string()),
        ("base_prob_up", pa.float64()),
        ("reasons", pa.list_(pa.float64())),
        ("refusal_code", pa.string()),
        ("refusal_reason", pa.string()),
        ("latency_ms", pa.float64()),
        ("logged_at", pa.timestamp("us", tz="UTC")),
        ("label", pa.string()),
        ("rule", pa.string()),
        ("prob_win", pa.float64()),
        ("prob_miss", pa.float64()),
        ("expected_r", pa.float64()),
        ("quantiles", pa.list_(pa.float64())),
        ("outputs", pa.list_(pa.string())),
        ("interval_low", pa.float64()),
        ("interval_high", pa.float64()),
        ("advised_size", pa.float64()),
        ("base_value", pa.float64()),
        ("baselines", pa.list_(pa.float64())),
        ("confidence_threshold", pa.float64()),
        ("stale_minutes", pa.int32()),
        ("slippage_ticks", pa.int32()),
        ("definitions_hash", pa.string()),
    ]
)

ANSWER_COLUMNS: Final = (
    *(column for label in LABELS.values() for column in label.columns),
    "expected_r",
    "quantiles",
    "outputs",
    "interval_low",
    "interval_high",
    "advised_size",
    "confidence",
    "advice",
    "raw_score",
    "base_prob_up",
    "base_value",
    "reasons",
)
"""The columns that hold what a version said; empty in a refusal."""


@dataclass(frozen=True)
class OutcomeRow:
    """One outcome of a prediction, the columns of `ml_outcomes` beside its revision and the time of settling."""

    prediction_id: str
    state: str
    actual: str | None
    correct: bool | None
    r_net: float | None
    r_net_advised: float | None
    known_at: datetime
    void_reason: str | None
    actual_values: tuple[float, ...] | None = None
    definitions_hash: str | None = None


def append_predictions(store: Store, rows: Sequence[PredictionRow], logged_at: datetime) -> int:
    """Write the predictions that the journal does not hold yet, in one transaction; return how many were written.

    When this returns they are on disk.
    """
    return len(written_predictions(store, rows, logged_at))


def written_predictions(store: Store, rows: Sequence[PredictionRow], logged_at: datetime) -> frozenset[str]:
    """Write predictions as `append_predictions` does; return the ids of those that were written."""
    if not rows:
        return frozenset()
    first_of_equal_ids = reversed({row.prediction_id: row for row in reversed(rows)}.values())
    table = pa.Table.from_pylist([_as_dict(row, logged_at) for row in first_of_equal_ids], schema=_PREDICTIONS)
    return frozenset(str(row[0]) for row in _append(store, table, "append_predictions"))


def append_outcomes(store: Store, rows: Sequence[OutcomeRow], settled_at: datetime) -> int:
    """Write first outcomes, and new revisions of outcomes that came out differently; return how many were written."""
    if not rows:
        return 0
    schema = pa.schema(
        [
            ("prediction_id", pa.string()),
            ("state", pa.string()),
            ("actual", pa.string()),
            ("correct", pa.bool_()),
            ("r_net", pa.float64()),
            ("r_net_advised", pa.float64()),
            ("known_at", pa.timestamp("us", tz="UTC")),
            ("void_reason", pa.string()),
            ("settled_at", pa.timestamp("us", tz="UTC")),
            ("actual_values", pa.list_(pa.float64())),
            ("definitions_hash", pa.string()),
        ]
    )
    table = pa.Table.from_pylist([{**asdict(row), "settled_at": settled_at} for row in rows], schema=schema)
    return len(_append(store, table, "append_outcomes"))


def known_predictions(
    store: Store, instrument: str, version_hash: str, first: date, last: date
) -> set[tuple[str, str]]:
    """Return (trading day, opening range) of the events that a version has already answered or refused."""
    with store.journal() as cursor:
        rows = cursor.execute(
            sql("known_predictions"),
            {"instrument": instrument, "version_hash": version_hash, "first": first, "last": last},
        ).fetchall()
    return {(row[0].isoformat(), row[1]) for row in rows}


def judged_predictions(
    store: Store,
    *,
    instrument: str | None = None,
    model: str | None = None,
    version: str | None = None,
    first: date | None = None,
    last: date | None = None,
    known_by: datetime | None = None,
) -> pa.Table:
    """Return predictions with their newest outcome, oldest first; without one, `state` is `pending`.

    `known_by` hides what was decided, or came to be known, after that instant: the journal as it stood then.
    """
    return _query(
        store,
        "judged_predictions",
        {
            "instrument": instrument,
            "model": model,
            "version": version,
            "first": first or date(1900, 1, 1),
            "last": last or date(9000, 1, 1),
            "known_by": known_by or datetime.fromisoformat("9000-01-01T00:00:00+00:00"),
        },
    )


def open_predictions(store: Store, instrument: str, known_by: datetime, doubted: Sequence[str]) -> list[dict[str, Any]]:
    """Return what has no outcome that was known by `known_by` (it `waits`), and the `doubted` ones, oldest first.

    Of each row all that was said, but for inputs and reasons.
    """
    asked = {"instrument": instrument, "known_by": known_by, "doubted": list(doubted)}
    rows: list[dict[str, Any]] = _query(store, "open_predictions", asked).to_pylist()
    return rows


def explained_predictions(
    store: Store,
    *,
    instrument: str,
    model: str,
    known_by: datetime,
    version: str | None = None,
) -> pa.Table:
    """Return answered predictions with inputs and reasons, oldest first, that were decided by `known_by`."""
    return _query(
        store,
        "explained_predictions",
        {"instrument": instrument, "model": model, "version": version, "known_by": known_by},
    )


def evidence_rows(store: Store, instrument: str, model: str, version: str, at: datetime) -> pa.Table:
    """Return what `version` had said by `at`, as `judged_predictions` does; what was not settled by then is pending.

    Outcomes that were corrected since are told as they are now: evidence that was changed shows.
    """
    asked = {"instrument": instrument, "model": model, "version": version, "at": at}
    return _query(store, "evidence", asked)


def logged_inputs(
    store: Store,
    instrument: str,
    model: str,
    version: str,
    first: date | None = None,
    known_by: datetime | None = None,
) -> pa.Table:
    """Return the inputs that `version` was asked with from `first` on, with the moves they made and what it said."""
    asked = {
        "instrument": instrument,
        "model": model,
        "version": version,
        "first": first or date(1900, 1, 1),
        "last": date(9000, 1, 1),
        "known_by": known_by or datetime.fromisoformat("9000-01-01T00:00:00+00:00"),
    }
    return _query(store, "logged_inputs", asked)


def with_input(store: Store, rows: pa.Table, instrument: str, model: str, name: str) -> pa.Table:
    """Return `rows` of `judged_predictions` with that input as it was logged, as a column; null where there is none."""
    asked = {"instrument": instrument, "model": model}
    values: dict[str, float] = {}
    with store.journal() as cursor:
        for schema, count in cursor.execute(sql("asked_schemas"), asked).fetchall():
            places = [place for place, each in enumerate(features_asked(schema, count), start=1) if each.name == name]
            for place in places:
                mine = {**asked, "schema_hash": schema, "place": place}
                values |= dict(cursor.execute(sql("input_of_answers"), mine).fetchall())
    column = [values.get(each) for each in rows["prediction_id"].to_pylist()]
    return rows.append_column(name, pa.array(column, pa.float64()))


def prediction(store: Store, prediction_id: str) -> dict[str, Any] | None:
    """Return every column of one prediction, or None."""
    rows: list[dict[str, Any]] = _query(store, "prediction", {"prediction_id": prediction_id}).to_pylist()
    return rows[0] if rows else None


def reasons_of(features: Sequence[float], points: Sequence[float], schema: str) -> tuple[Reason, ...]:
    """Return the logged `reasons` of a prediction by name, the largest move first.

    `schema` is the row's `schema_hash`; points of other definitions than today's go by the number of their input.
    """
    known = features_asked(schema, len(points))
    named = [(feature.name, feature.unit) for feature in known] or [(f"input {i + 1}", "") for i in range(len(points))]
    reasons = [
        Reason(name, value, unit, share) for (name, unit), value, share in zip(named, features, points, strict=True)
    ]
    return tuple(sorted(reasons, key=lambda reason: -abs(reason.points)))


@lru_cache(maxsize=64)
def features_asked(schema: str, count: int) -> tuple[Feature, ...]:
    """Return the `count` features whose definitions have the hash `schema`; none when no choice of groups has it."""
    every = every_group()
    for size in range(len(every), 0, -1):
        for groups in combinations(every, size):
            if sum(len(group.features) for group in groups) == count and schema_hash(groups) == schema:
                return features_of(groups)
    return ()


def points_in_order(answer: Answer) -> list[float]:
    """Return the points of an answer's reasons as the journal keeps them: in the order of its features."""
    shares = {reason.feature: reason.points for reason in answer.reasons}
    return [shares[feature.name] for feature in features_of(every_group()) if feature.name in shares]


def _query(store: Store, name: str, parameters: dict[str, Any]) -> pa.Table:
    with store.journal() as cursor:
        return cursor.sql(sql(name), params=parameters).to_arrow_table()


def _append(store: Store, fresh: pa.Table, statement: str) -> list[tuple[Any, ...]]:  # noqa: ARG001 - DuckDB finds it
    """Write rows in one transaction; return the ids of those that were new.

    The statement reads `fresh` by its name here: to register it first takes as long as a third of the whole write.
    """
    with store.journal_write() as cursor:
        return cursor.execute(sql(statement)).fetchall()


def answer_columns(row: PredictionRow) -> dict[str, Any]:
    """Return what a row says in the journal's columns (`ANSWER_COLUMNS`); all None in a refusal."""
    return columns_of(row.answer, label_named(row.label))


def columns_of(answer: Answer | None, label: Label) -> dict[str, Any]:
    """Return an answer to the question `label` in the journal's columns; all None without one."""
    if answer is None:
        return dict.fromkeys(ANSWER_COLUMNS)
    of_direction = label == BREAK_DIRECTION
    return {
        **{f"prob_{name.lower()}": answer.probabilities.get(name) for each in LABELS.values() for name in each.classes},
        "expected_r": answer.expected if label.unit == "R" else None,
        "quantiles": list(answer.values.values()) or None,
        "outputs": list(answer.values) or None,
        "interval_low": None if answer.interval is None else answer.interval[0],
        "interval_high": None if answer.interval is None else answer.interval[1],
        "advised_size": answer.size,
        "confidence": answer.confidence,
        "advice": answer.advice,
        "raw_score": list(answer.raw_score),
        "base_prob_up": answer.base if of_direction else None,
        "base_value": None if of_direction else answer.base,
        "reasons": points_in_order(answer),
    }


def _as_dict(row: PredictionRow, logged_at: datetime) -> dict[str, Any]:
    columns = {name: getattr(row, name) for name in row.__dataclass_fields__ if name not in ("answer", "refusal")}
    return {
        **columns,
        **answer_columns(row),
        "trading_day": date.fromisoformat(row.trading_day),
        "refusal_code": None if row.refusal is None else row.refusal.code,
        "refusal_reason": None if row.refusal is None else row.refusal.reason,
        "logged_at": logged_at,
    }
