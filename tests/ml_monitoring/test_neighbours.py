"""The nearest past ranges: never one whose outcome was not known yet."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa

from ml_monitoring.neighbours import nearest

NOW = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
NAMES = ("size", "hour")


def past(values: list[list[float]], **columns: list[object]) -> pa.Table:
    n = len(values)
    days = [date(2025, 1, 1) + timedelta(days=each) for each in range(n)]
    decided = [datetime(2025, 1, 1, 9, 5, tzinfo=UTC) + timedelta(days=each) for each in range(n)]
    plain: dict[str, list[object]] = {
        "prediction_id": [f"p{each}" for each in range(n)],
        "trading_day": list(days),
        "orb": ["0900"] * n,
        "decided_at": list(decided),
        "version": ["v1"] * n,
        "features": list(values),
        "state": ["matured"] * n,
        "actual": ["UP", "DOWN"] * (n // 2),
        "r_net": [float(each % 3 - 1) for each in range(n)],
        "known_at": [each + timedelta(hours=2) for each in decided],
    }
    return pa.table({**plain, **columns})


def grid(n: int = 40) -> list[list[float]]:
    return [[float(each), float(n - each)] for each in range(n)]


def test_the_nearest_come_first_with_what_came_of_them():
    found = nearest([7.2, 32.8], NOW, past(grid()), NAMES, {"size": 1.0})
    assert [each.prediction_id for each in found.found] == ["p7", "p8", "p6", "p9", "p5"]
    assert (found.found[0].actual, found.found[0].r_net) == ("DOWN", 0.0)
    assert found.searched == 40
    assert found.sentence.startswith("The 5 nearest of 40 past ranges with a known outcome")
    assert "3 DOWN, 2 UP; net R of 5 trades from -1.00 to +1.00, mean +0.00." in found.sentence


def test_only_inputs_that_the_model_looks_at_count():
    values = [[float(each), 100.0 * (each % 2)] for each in range(40)]
    found = nearest([20.0, 100.0], NOW, past(values), NAMES, {"size": 1.0, "hour": 0.0})
    assert found.found[0].prediction_id == "p20"
    by_hour = nearest([20.0, 100.0], NOW, past(values), NAMES, {"size": 0.0, "hour": 1.0})
    assert all(int(each.prediction_id[1:]) % 2 for each in by_hour.found)


def test_a_range_whose_outcome_was_not_known_at_the_decision_is_never_shown():
    table = past(grid())
    known = table["known_at"].to_pylist()
    known[7] = NOW + timedelta(minutes=1)
    found = nearest([7.0, 33.0], NOW, past(grid(), known_at=known), NAMES, {})
    assert "p7" not in [each.prediction_id for each in found.found]
    assert found.searched == 39


def test_what_comes_to_be_known_later_changes_nothing():
    """Suffix: rows and outcomes after the decision may be anything."""
    table, moment = past(grid(60)), datetime(2025, 2, 10, 9, 5, tzinfo=UTC)
    before = nearest([7.0, 33.0], moment, table, NAMES, {"size": 1.0})
    known = np.array([each <= moment for each in table["known_at"].to_pylist()])
    garbage = [each if keep else [7.0, 33.0] for each, keep in zip(table["features"].to_pylist(), known, strict=True)]
    wild = [each if keep else 99.0 for each, keep in zip(table["r_net"].to_pylist(), known, strict=True)]
    columns = {name: table[name] for name in table.column_names}
    changed = pa.table({**columns, "features": garbage, "r_net": wild})
    assert 30 < before.searched < 60
    assert nearest([7.0, 33.0], moment, changed, NAMES, {"size": 1.0}) == before
    assert nearest([7.0, 33.0], moment, table.filter(pa.array(known)), NAMES, {"size": 1.0}) == before


def test_an_event_that_two_versions_answered_is_shown_once():
    table = past(grid())
    twice = pa.concat_tables([table, past(grid(), version=["v2"] * 40, prediction_id=[f"q{i}" for i in range(40)])])
    found = nearest([7.0, 33.0], NOW, twice, NAMES, {})
    assert found.searched == 40
    assert found.found[0].prediction_id == "q7"


def test_a_missing_input_lies_a_deviation_off_and_a_constant_one_does_not_count():
    values = [[float(each), 5.0] for each in range(40)]
    values[7] = [float("nan"), 5.0]
    found = nearest([7.0, 9.0], NOW, past(values), NAMES, {"size": 1.0, "hour": 1.0})
    assert found.found[0].prediction_id in ("p6", "p8")
    assert "p7" not in [each.prediction_id for each in found.found]


def test_too_few_past_ranges_are_not_searched():
    found = nearest([7.0, 33.0], NOW, past(grid(20)), NAMES, {})
    assert (found.found, found.searched) == ((), 20)
    assert found.sentence.startswith("… 20 past ranges had a known outcome")
