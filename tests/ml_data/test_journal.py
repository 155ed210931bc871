"""The journal: rows are added once, never changed, and come back bit for bit."""

import math
import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_data.journal import (
    OutcomeRow,
    append_outcomes,
    append_predictions,
    judged_predictions,
    known_predictions,
    prediction,
)
from ml_data.store import Store
from trading.domain.prediction import Answer, PredictionRow, Reason, Refusal

DECIDED = datetime(2025, 3, 7, 23, 5, tzinfo=UTC)
LOGGED = datetime(2025, 3, 7, 23, 5, 1, 250_000, tzinfo=UTC)
ODD = (math.nan, math.inf, -math.inf, -0.0, 0.0, 5e-324, 1.7976931348623157e308, 0.1 + 0.2, 1 / 3)

ANSWERED = PredictionRow(
    prediction_id="p1",
    instrument="MGC",
    kind="orb_complete",
    trading_day="2025-03-08",
    orb="0900",
    decided_at=DECIDED,
    contract="MGCJ5",
    model="directional-MGC",
    version="v_20250101_000000-aaaaa",
    version_hash="hash",
    role="champion",
    stage="shadow",
    replayed=False,
    features=(1.0, math.nan),
    schema_hash="schema",
    max_input_time=DECIDED,
    data_hash="bars",
    baseline_prob_up=0.6,
    answer=Answer({"UP": 0.7, "DOWN": 0.3}, 0.7, "UP", 0.5, (Reason("weekday", 4.0, "", 0.2),), (-0.8,)),
    refusal=None,
    latency_ms=1.5,
    confidence_threshold=0.55,
    stale_minutes=3,
    slippage_ticks=1,
    definitions_hash="file",
)
WON = OutcomeRow("p1", "matured", "UP", True, 0.6, 0.6, DECIDED + timedelta(hours=1), None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def one_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made = Store(tmp_path_factory.mktemp("journal"))
    yield made
    made.close()


def bits(values: Any) -> list[bytes]:
    """The doubles' own bytes; every NaN is the same, for a NaN means missing and nothing else."""
    return [struct.pack("<d", math.nan if math.isnan(value) else value) for value in values]


def count(store: Store, table: str) -> int:
    with store.journal() as cursor:
        return int(cursor.execute(f"SELECT count(*) FROM journal.{table}").fetchall()[0][0])


def revisions(store: Store) -> list[tuple[Any, ...]]:
    with store.journal() as cursor:
        return cursor.execute("SELECT revision, state, actual, r_net FROM journal.ml_outcomes ORDER BY 1").fetchall()


# Predictions


def test_every_column_comes_back_as_it_was_written(store: Store):
    assert append_predictions(store, [ANSWERED], LOGGED) == 1
    found = prediction(store, "p1")
    assert found is not None
    assert bits(found.pop("features")) == bits(ANSWERED.features)
    assert found == {
        "prediction_id": "p1",
        "instrument": "MGC",
        "kind": "orb_complete",
        "trading_day": date(2025, 3, 8),
        "orb": "0900",
        "decided_at": DECIDED,
        "contract": "MGCJ5",
        "model": "directional-MGC",
        "version": "v_20250101_000000-aaaaa",
        "version_hash": "hash",
        "role": "champion",
        "stage": "shadow",
        "replayed": False,
        "schema_hash": "schema",
        "max_input_time": DECIDED,
        "data_hash": "bars",
        "raw_score": [-0.8],
        "prob_up": 0.7,
        "prob_down": 0.3,
        "prob_none": None,
        "baseline_prob_up": 0.6,
        "confidence": 0.7,
        "advice": "UP",
        "base_prob_up": 0.5,
        "reasons": [0.2],
        "refusal_code": None,
        "refusal_reason": None,
        "label": "break_direction",
        "rule": None,
        **dict.fromkeys(("prob_win", "prob_miss", "expected_r", "quantiles", "interval_low", "interval_high")),
        "advised_size": None,
        "base_value": None,
        "baselines": [],
        "outputs": None,
        "latency_ms": 1.5,
        "logged_at": LOGGED,
        "confidence_threshold": 0.55,
        "stale_minutes": 3,
        "slippage_ticks": 1,
        "definitions_hash": "file",
    }


def test_a_refusal_is_kept_with_its_features_and_without_any_number_for_an_answer(store: Store):
    refused = replace(ANSWERED, answer=None, refusal=Refusal("stale_bars", "The newest bar is old."))
    append_predictions(store, [refused], LOGGED)
    found = prediction(store, "p1")
    assert found is not None
    assert (found["refusal_code"], found["refusal_reason"]) == ("stale_bars", "The newest bar is old.")
    answer = ("raw_score", "prob_up", "prob_down", "prob_none", "confidence", "advice", "base_prob_up", "reasons")
    assert {found[name] for name in answer} == {None}
    assert bits(found["features"]) == bits(ANSWERED.features)


@given(st.lists(st.one_of(st.floats(width=64), st.sampled_from(ODD)), min_size=0, max_size=20), st.floats(0, 1))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_doubles_go_round_bit_for_bit(one_store: Store, features: list[float], up: float):
    name = f"p{count(one_store, 'ml_predictions')}"
    answer = Answer({"UP": up, "DOWN": 1 - up}, max(up, 1 - up), "UP", up / 3, (), (up * 7, -up / 11))
    append_predictions(
        one_store, [replace(ANSWERED, prediction_id=name, features=tuple(features), answer=answer)], LOGGED
    )
    found = prediction(one_store, name)
    assert found is not None
    assert bits(found["features"]) == bits(features)
    assert bits(found["raw_score"]) == bits((up * 7, -up / 11))
    assert bits([found["prob_up"], found["prob_down"], found["base_prob_up"]]) == bits([up, 1 - up, up / 3])


def test_appending_twice_changes_nothing(store: Store):
    append_predictions(store, [ANSWERED], LOGGED)
    before = prediction(store, "p1")
    later = replace(ANSWERED, latency_ms=9.0, answer=None, refusal=Refusal("stale_bars", "Late."))
    assert append_predictions(store, [ANSWERED, later], LOGGED + timedelta(days=1)) == 0
    assert repr(prediction(store, "p1")) == repr(before)
    assert count(store, "ml_predictions") == 1


def test_one_id_twice_in_one_append_is_written_once(store: Store):
    assert append_predictions(store, [ANSWERED, ANSWERED, replace(ANSWERED, prediction_id="p2")], LOGGED) == 2
    assert count(store, "ml_predictions") == 2
    assert append_outcomes(store, [WON, WON], LOGGED) == 1
    assert revisions(store) == [(0, "matured", "UP", 0.6)]


def test_appending_nothing_touches_nothing(store: Store):
    append_predictions(store, [ANSWERED], LOGGED)
    stamp = store.stamp("journal")
    assert append_predictions(store, [], LOGGED) == append_outcomes(store, [], LOGGED) == 0
    assert store.stamp("journal") == stamp


def test_an_unknown_prediction_is_none(store: Store):
    assert prediction(store, "p1") is None


def test_known_predictions_are_those_of_one_version_and_span_refusals_too(store: Store):
    refused = replace(ANSWERED, prediction_id="p2", orb="1000", answer=None, refusal=Refusal("stale_bars", "Old."))
    others = [
        replace(ANSWERED, prediction_id="p3", orb="1100", version_hash="other"),
        replace(ANSWERED, prediction_id="p4", orb="1800", instrument="NQ"),
        replace(ANSWERED, prediction_id="p5", orb="2300", trading_day="2025-03-11"),
    ]
    append_predictions(store, [ANSWERED, refused, *others], LOGGED)
    asked = (store, "MGC", "hash", date(2025, 3, 8), date(2025, 3, 10))
    assert known_predictions(*asked) == {("2025-03-08", "0900"), ("2025-03-08", "1000")}


# Outcomes


def test_an_outcome_that_came_out_the_same_adds_no_revision(store: Store):
    assert append_outcomes(store, [WON], LOGGED) == 1
    assert append_outcomes(store, [WON], LOGGED + timedelta(days=1)) == 0
    assert revisions(store) == [(0, "matured", "UP", 0.6)]


@pytest.mark.parametrize(
    "change",
    [
        {"state": "void", "actual": None, "r_net": None, "void_reason": "missing_bars"},
        {"actual": "DOWN"},
        {"correct": False},
        {"correct": None},
        {"r_net": math.nextafter(0.6, 1.0)},
        {"r_net": None},
        {"r_net_advised": 0.0},
        {"known_at": WON.known_at + timedelta(minutes=1)},
    ],
    ids=lambda change: ",".join(change),
)
def test_a_correction_is_a_new_revision_and_the_old_one_stays(store: Store, change: dict[str, Any]):
    append_outcomes(store, [WON], LOGGED)
    changed = replace(WON, **change)
    assert append_outcomes(store, [changed], LOGGED) == 1
    assert append_outcomes(store, [changed], LOGGED) == 0
    assert append_outcomes(store, [WON], LOGGED) == 1  # and back: a third
    found = revisions(store)
    assert [row[0] for row in found] == [0, 1, 2]
    assert found[0][1:] == found[2][1:] == ("matured", "UP", 0.6)


# The journal as it stood


def states(store: Store, **asked: Any) -> dict[str, str]:
    return {row["prediction_id"]: row["state"] for row in judged_predictions(store, **asked).to_pylist()}


def test_what_was_not_known_at_an_instant_is_hidden(store: Store):
    later = replace(ANSWERED, prediction_id="p2", orb="1000", decided_at=DECIDED + timedelta(hours=1))
    append_predictions(store, [ANSWERED, later], LOGGED)
    append_outcomes(store, [WON, replace(WON, prediction_id="p2", known_at=DECIDED + timedelta(hours=3))], LOGGED)
    second = timedelta(microseconds=1)
    assert states(store, known_by=DECIDED - second) == {}
    assert states(store, known_by=DECIDED) == {"p1": "pending"}
    assert states(store, known_by=WON.known_at - second) == {"p1": "pending"}
    assert states(store, known_by=WON.known_at) == {"p1": "matured", "p2": "pending"}
    assert states(store) == {"p1": "matured", "p2": "matured"}
    (row, *_) = judged_predictions(store, known_by=DECIDED).to_pylist()
    assert {row[name] for name in ("revision", "actual", "correct", "r_net", "r_net_advised", "known_at")} == {None}


def test_the_newest_revision_known_at_an_instant_counts(store: Store):
    append_predictions(store, [ANSWERED], LOGGED)
    append_outcomes(store, [WON], LOGGED)
    append_outcomes(store, [replace(WON, actual="DOWN", known_at=WON.known_at + timedelta(hours=2))], LOGGED)
    (then,) = judged_predictions(store, known_by=WON.known_at).to_pylist()
    (now,) = judged_predictions(store).to_pylist()
    assert (then["actual"], then["revision"]) == ("UP", 0)
    assert (now["actual"], now["revision"]) == ("DOWN", 1)


def test_judged_predictions_are_chosen_by_instrument_model_version_and_day_oldest_first(store: Store):
    rows = [
        replace(ANSWERED, prediction_id="p2", trading_day="2025-03-11", decided_at=DECIDED + timedelta(days=3)),
        ANSWERED,
        replace(ANSWERED, prediction_id="p3", instrument="NQ", model="directional-NQ"),
        replace(ANSWERED, prediction_id="p4", version="v_20250201_000000-bbbbb"),
    ]
    append_predictions(store, rows, LOGGED)
    assert list(states(store)) == ["p1", "p3", "p4", "p2"]
    assert set(states(store, instrument="MGC")) == {"p1", "p2", "p4"}
    assert set(states(store, model="directional-NQ")) == {"p3"}
    assert set(states(store, version="v_20250201_000000-bbbbb")) == {"p4"}
    assert set(states(store, first=date(2025, 3, 9))) == {"p2"}
    assert set(states(store, last=date(2025, 3, 9))) == {"p1", "p3", "p4"}
