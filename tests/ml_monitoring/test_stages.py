import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ml_data.stage_history import StageChange, current_stage, stage_at, stage_of
from ml_monitoring.gates import Gate, GateReport
from ml_monitoring.stages import demotion, promotion
from trading.domain.advice import STAGES
from trading.errors import HubError

MODEL, OLD, NEW = "directional-MGC", "v_20250101_000000-aaaaa", "v_20250601_000000-bbbbb"
START = datetime(2025, 6, 2, 12, tzinfo=UTC)
OPEN = Gate("skill", "Skill", "good", "It had reached 20.", value=24.0, n=500, need=20.0)


def report(version=OLD, stage="advisory", at=START, gates=(OPEN,), evidence="e" * 64) -> GateReport:
    return GateReport("MGC", MODEL, version, stage, at, gates, evidence, "martingale", None, None, 500, 0)


def approve(changes, found, to="advisory", *, at=START, by="Ann", why="good for a quarter", seen=None):
    return promotion(changes, found, to, at=at, by=by, why=why, seen=seen)


def test_with_every_gate_open_a_name_and_a_reason_the_next_stage_is_entered():
    move = approve((), report()).change
    assert move == StageChange(MODEL, OLD, "advisory", "champion", START, "Ann", "good for a quarter", "e" * 64)
    assert current_stage((move,), OLD) == "advisory"
    assert current_stage((move,), NEW) == "shadow"


@pytest.mark.parametrize(
    ("found", "asked", "says"),
    [
        (report(gates=(replace(OPEN, state="bad"),)), {}, "Skill: "),
        (report(gates=(OPEN, replace(OPEN, state="cannot tell"))), {}, "Skill: "),
        (report(gates=()), {}, "No gate was judged"),
        (report(gates=(replace(OPEN, value=math.nan),)), {}, "not a number"),
        (report(stage="hybrid"), {"to": "hybrid"}, "the next stage is advisory"),
        (report(stage="hybrid"), {}, "another stage or at another time"),
        (report(at=START - timedelta(hours=1)), {}, "another stage or at another time"),
        (report(), {"by": " "}, "--by"),
        (report(), {"why": ""}, "--why"),
        (report(), {"seen": "d" * 64}, "evidence has changed"),
        (report(), {"to": "shadow"}, "the next stage is advisory"),
        (report(), {"to": "live"}, "the next stage is advisory"),
    ],
)
def test_whatever_is_missing_keeps_a_version_where_it_is(found, asked, says):
    decision = approve((), found, **asked)
    assert decision.change is None
    assert any(says in reason for reason in decision.reasons), decision.reasons


def test_a_clock_that_went_back_promotes_nobody_and_lifts_nothing():
    up = approve((), report()).change
    before = START - timedelta(days=1)
    decision = approve((up,), report(stage="hybrid", at=before), "hybrid", at=before)
    assert decision.change is None
    assert "clock went back" in decision.reasons[0]
    down = demotion((up,), MODEL, OLD, "shadow", at=before, by="hub", why="alarm")
    assert stage_of((up, down), OLD, before) == stage_of((up, down), OLD, START + timedelta(days=9)) == "shadow"


def test_the_history_tells_the_stage_at_any_past_time():
    up = approve((), report()).change
    later = START + timedelta(days=100)
    down = demotion((up,), MODEL, OLD, "shadow", at=later, by="hub", why="alarm")
    at = [START - timedelta(seconds=1), START, later - timedelta(seconds=1), later]
    assert [stage_at((up, down), OLD, each) for each in at] == ["shadow", "advisory", "advisory", "shadow"]
    assert stage_at((up, down), NEW, later) == "shadow"


def test_there_is_nothing_below_shadow():
    with pytest.raises(HubError, match="below it is nothing"):
        demotion((), MODEL, OLD, "shadow", at=START, by="Ann", why="x")


class Stages(RuleBasedStateMachine):
    """Moves in any order, with a clock that may go back: no way up without open gates, down always and at once."""

    def __init__(self):
        super().__init__()
        self.changes: tuple[StageChange, ...] = ()
        self.now = START
        self.approved: set[str] = set()

    @rule(days=st.integers(-3, 30))
    def time_passes(self, days):
        self.now += timedelta(days=days)

    @rule(
        version=st.sampled_from([OLD, NEW]),
        to=st.sampled_from([*STAGES, "live"]),
        states=st.lists(st.sampled_from(["good", "good", "good", "bad", "cannot tell"]), max_size=3),
        value=st.sampled_from([24.0, 24.0, math.nan]),
        age=st.sampled_from([0, 0, 1]),
        by=st.sampled_from(["Ann", ""]),
        seen=st.sampled_from([None, "right", "wrong"]),
    )
    def ask(self, version, to, states, value, age, by, seen):
        evidence = f"{len(self.changes)}-{self.now.isoformat()}"
        gates = tuple(replace(OPEN, state=state, value=value) for state in states)
        found = report(version, to, self.now - timedelta(hours=age), gates, evidence)
        hashed = {"right": evidence, "wrong": "?", None: None}[seen]
        before = current_stage(self.changes, version)
        newest = max((change.since for change in self.changes), default=self.now)
        decision = approve(self.changes, found, to, at=self.now, by=by, seen=hashed)
        sound = bool(states) and set(states) == {"good"} and value == 24.0 and age == 0 and by and seen != "wrong"
        step = to in STAGES and STAGES.index(to) == STAGES.index(before) + 1
        assert (decision.change is not None) == bool(sound and step and self.now >= newest)
        assert (decision.change is None) == bool(decision.reasons)
        if decision.change is not None:
            self.approved.add(evidence)
            self.changes = (*self.changes, decision.change)

    @precondition(lambda self: any(current_stage(self.changes, each) != "shadow" for each in (OLD, NEW)))
    @rule(data=st.data())
    def take_back(self, data):
        version = data.draw(
            st.sampled_from([each for each in (OLD, NEW) if current_stage(self.changes, each) != "shadow"])
        )
        to = data.draw(st.sampled_from(STAGES[: STAGES.index(current_stage(self.changes, version))]))
        move = demotion(self.changes, MODEL, version, to, at=self.now, by="hub", why="alarm")
        self.changes = (*self.changes, move)
        assert STAGES.index(stage_of(self.changes, version, self.now)) <= STAGES.index(to)

    @invariant()
    def every_step_up_has_its_evidence(self):
        for version in (OLD, NEW):
            stage = "shadow"
            for change in (each for each in self.changes if each.version == version):
                if STAGES.index(change.stage) > STAGES.index(stage):
                    assert change.evidence_hash in self.approved
                    assert STAGES.index(change.stage) == STAGES.index(stage) + 1
                stage = change.stage


TestStages = Stages.TestCase
TestStages.settings = settings(max_examples=60, stateful_step_count=12, deadline=None)
