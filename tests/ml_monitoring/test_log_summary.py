"""What a choice of rows came to: beside its baseline, never of rows that were chosen by their outcome."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ml_monitoring.log_summary import log_summary
from tests.ml_monitoring.journal_tables import PENDING, REFUSED, UP, VOID, WRONG, journal, on_days

RESULTS = {"matured": None, "pending": "pending", "void": "void"}


def log(*rows: Any, did: dict[int, str] | None = None, late: dict[int, str] | None = None) -> pa.Table:
    """Return literal rows as `log_rows` returns them; `did` and `late` are notes by the row's number."""
    table = journal(*rows)
    told = [
        "refused" if row["refusal_code"] else RESULTS[row["state"]] or ("right" if row["correct"] else "wrong")
        for row in table.to_pylist()
    ]
    notes = {"did": did or {}, "did_late": late or {}}
    extra = {
        "result": told,
        "model": ["directional-MGC"] * len(told),
        **{name: [at.get(n) for n in range(len(told))] for name, at in notes.items()},
    }
    for name, values in extra.items():
        table = table.append_column(name, pa.array(values, pa.string()))
    return table


def test_rows_divide_and_none_is_left_out():
    found = log_summary(log(UP, replace(WRONG, day="2025-01-03", replayed=True), VOID, REFUSED, PENDING))
    assert found.results == {"right": 1, "wrong": 1, "void": 1, "refused": 1, "pending": 1}
    assert (found.rows, found.replayed, found.days) == (5, 1, 2)
    assert (found.first, found.last) == (date(2025, 1, 2), date(2025, 1, 3))


def test_skill_stands_beside_the_better_baseline_and_net_r_beside_the_plain_rule():
    rows = on_days(10, replace(UP, up=0.7, base=0.9), replace(WRONG, orb="1000", up=0.7, base=0.9))
    model = log_summary(log(*rows)).models[0]
    assert (model.rows, model.events, model.right, model.walk_right) == (20, 20, 10, 10)
    assert model.baseline == "majority", "with as many of each side the shares so far say more than 90 % does"
    assert model.skill.value < 0
    assert model.worth is not None
    assert model.worth.plain_mean.value == pytest.approx((0.9 - 1.1) / 2)
    assert model.worth.taken.value == pytest.approx(0.9), "of the breaks downwards the advice takes none"
    assert model.worth.taken.n == 10
    assert model.worth.difference.value == pytest.approx(1.1 / 2)


def test_rows_chosen_by_what_came_of_them_have_no_score():
    rows = log(*on_days(10, UP), did={0: "followed"})
    found = log_summary(rows, knows_outcomes=True)
    assert (found.models, found.deeds) == ((), ())
    assert found.results == {"right": 10}


def test_answers_of_several_versions_to_one_event_are_told():
    rows = on_days(6, UP, replace(UP, version="v_20250202_000000-bbbbb"))
    model = log_summary(log(*rows)).models[0]
    assert (model.rows, model.events) == (12, 6)


def test_what_i_did_is_priced_by_what_it_stands_for_and_only_where_noted_in_time():
    rows = on_days(6, UP, replace(WRONG, orb="1000"))
    did = {n: "followed" for n in range(0, 4)} | {4: "ignored", 5: "ignored", 6: "opposite", 7: "opposite"}
    found = {each.action: each for each in log_summary(log(*rows, did=did, late={9: "followed"})).deeds}
    assert {name: each.noted for name, each in found.items()} == {"followed": 4, "ignored": 2, "opposite": 2}
    assert found["followed"].own.value == pytest.approx(np.mean([0.9, 0.0, 0.9, 0.0]))
    assert found["followed"].plain.value == pytest.approx(np.mean([0.9, -1.1, 0.9, -1.1]))
    assert found["followed"].gained.value == 0
    assert found["ignored"].own.value == pytest.approx(np.mean([0.9, -1.1]))
    assert found["opposite"].own.value == pytest.approx(np.mean([0.0, -1.1])), "the trades that the advice left"
    assert found["opposite"].gained.value == pytest.approx(np.mean([0.0 - 0.9, -1.1 - 0.0]))
    assert np.isnan(found["followed"].own.low), "two days are too few for an interval"
    assert log_summary(log(*rows, did=did, late={9: "followed"})).late == 1


def test_a_note_without_a_trade_counts_as_noted_and_earns_nothing():
    found = log_summary(log(PENDING, VOID, did={0: "followed", 1: "followed"})).deeds[0]
    assert (found.noted, found.own.n) == (2, 0)
    assert np.isnan(found.own.value)
