"""`hub retrain` on a small home: what is due, what became of a candidate, and who is at it."""

from pathlib import Path

import pytest
from filelock import FileLock

from tests.hub_home import MODEL, STORES
from tests.ml_scripts.hub_runs import run_hub

BY_HAND = ("retrain", "--instrument", "DEMO")
LACKING = "cannot compare yet: after the champion's last day 2023-04-28 24 whole trading days stored, 60 needed."


def test_without_enough_unseen_days_nothing_is_trained(own_home: Path):
    ran = run_hub(*BY_HAND, home=own_home)
    assert (ran.code, ran.out, ran.err) == (1, "", f"{MODEL}: waiting: asked for by hand; {LACKING}\n")
    assert run_hub(*BY_HAND, "--json", home=own_home).object["models"][0]["due"]["state"] == "waiting"


def test_each_model_is_told_due_or_not_and_why_and_waiting_is_no_failure(own_home: Path):
    ran = run_hub("retrain", "--if-due", "--json", home=own_home)
    assert ran.code == 0
    assert {each["model"]: each["due"]["cause"] for each in ran.object["models"]} == {
        MODEL: "schedule",
        "directional": "schedule",
    }
    only = run_hub("retrain", "--if-due", "--instrument", "DEMO", "--recipe", "directional", home=own_home)
    assert only.out.startswith(f"{MODEL}: waiting: ")
    assert only.out.endswith(f" days since the champion was made; {LACKING}\n")
    assert only.out.count("\n") == 1


def test_a_second_one_says_who_is_at_it(own_home: Path):
    (own_home / STORES / "retrain.holder").write_text('{"process": 4711, "who": "ann", "since": "2025-06-27 12:00Z"}')
    with FileLock(own_home / STORES / "retrain.lock"):
        ran = run_hub("retrain", "--if-due", home=own_home)
    said = "A retraining runs already (process 4711 of ann, since 2025-06-27 12:00Z); leave it to its work, or end it."
    assert (ran.code, ran.err) == (2, f"{said}\n")


def test_a_candidate_that_is_not_better_is_kept_and_told_everywhere(own_home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HUB_RETRAIN__TEST_DAYS", "20")
    monkeypatch.setenv("HUB_RETRAIN__COMPARISONS", "1")
    ran = run_hub(*BY_HAND, "--json", home=own_home)
    assert (ran.code, ran.err) == (0, "")
    [told] = ran.object["models"]
    result = told["retraining"]["result"]
    assert (result["verdict"], result["n"], result["days"]) == ("rejected", 120, 20)
    assert told["expired"].startswith(f"{told['champion']} expired: it might answer until 2023-")
    assert told["expired"].endswith(
        f"Train a new one: hub train directional --instrument DEMO. Until then nobody answers for {MODEL}."
    )
    listed = run_hub("models", "list", home=own_home).out
    assert f"{MODEL}  {result['candidate']}  rejected  " in listed
    assert f"Rejected: {result['why']}" in listed
    assert f"Rejected: {result['why']}" in run_hub("models", "show", MODEL, result["candidate"], home=own_home).out
    again = run_hub(*BY_HAND, home=own_home)
    assert again.code == 1
    assert (
        again.err
        == f"{MODEL}: waiting: asked for by hand; but 1 comparison spent the chance of 5 % that 365 days have.\n"
    )
