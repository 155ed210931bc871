"""The circuit breaker as a state machine: trips silence at once, re-arms give nothing back, no clock arms anything."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ml_data.breaker_log import TRIPPED, BreakerEvent, open_trips, standing
from ml_data.stage_history import StageChange, current_stage
from ml_monitoring.breaker import (
    CHANGE,
    CODES,
    DAMAGED,
    DRAWDOWN,
    MISSING,
    REARMS,
    STALE,
    Reading,
    Watched,
    armed_since,
    rearm,
    rearm_rule,
    replaced,
    silenced,
    step,
)
from trading.domain.advice import STAGES
from trading.settings import BreakerSettings

MODEL, VERSION = "directional-MGC", "v_20250101_000000-aaaaa"
START = datetime(2025, 6, 2, 12, tzinfo=UTC)
WATCHED = Watched("MGC", MODEL, VERSION, "advisory")


def reading(code=STALE, state="within", value=1.0, *, recovered=False) -> Reading:
    return Reading(code, state, "newest bar", value, 30.0, "It reads so.", recovered)


def event(code=STALE, kind="trip", at=START) -> BreakerEvent:
    return BreakerEvent("MGC", MODEL, VERSION, code, kind, "newest bar", 99.0, 30.0, "It read so.", at, "hub", "over")


def kinds(events, *readings, stage="advisory", at=START + timedelta(hours=1)) -> list[str]:
    return [each.kind for each in step(events, replace(WATCHED, stage=stage), readings, at)]


def advisory(version=VERSION, at=START) -> StageChange:
    return StageChange(MODEL, version, "advisory", "champion", at, "Ann", "good", "e" * 64)


def test_the_first_look_arms_every_code_and_a_second_one_writes_nothing():
    readings = [reading(code) for code in CODES]
    first = step((), WATCHED, readings, START)
    assert [(each.code, each.kind) for each in first] == [(code, "armed") for code in CODES]
    assert step(first, WATCHED, readings, START + timedelta(minutes=1)) == ()


@pytest.mark.parametrize(
    ("found", "above", "in_shadow"),
    [
        (reading(state="over"), ["trip"], ["trip"]),
        (reading(state="unreadable", value=math.nan), ["trip"], []),
        (reading(state="within", value=math.nan), ["trip"], []),
        (reading(state="cannot tell", value=math.nan), [], []),
        (reading(state="within"), [], []),
    ],
)
def test_what_cannot_be_read_trips_a_version_that_is_heard(found, above, in_shadow):
    armed = (event(kind="armed"),)
    assert kinds(armed, found) == above
    assert kinds(armed, found, stage="shadow") == in_shadow


def test_a_code_that_arms_itself_does_so_by_way_of_recovering():
    trip = event()
    assert kinds((trip,), reading(state="over")) == []
    assert kinds((trip,), reading()) == ["recovering"]
    recovering = event(kind="recovering", at=START + timedelta(minutes=1))
    assert kinds((trip, recovering), reading()) == []
    assert kinds((trip, recovering), reading(state="over")) == ["trip"]
    assert kinds((trip, recovering), reading(recovered=True)) == ["rearm"]
    assert kinds((trip, recovering), reading(recovered=True), at=START) == []  # the clock went back


@pytest.mark.parametrize("code", [each for each in CODES if REARMS[each] != "itself"])
def test_other_codes_stay_tripped_however_well_they_read(code):
    assert kinds((event(code),), reading(code, recovered=True)) == []


def test_a_trip_moves_a_version_to_shadow_with_its_code_and_leaves_one_in_shadow_alone():
    move = silenced((advisory(),), (event(DRAWDOWN),), MODEL, VERSION, START)
    assert (move.stage, move.why, move.by_whom) == ("shadow", "drawdown: It read so.", "hub")
    assert silenced((), (event(DRAWDOWN),), MODEL, VERSION, START) is None
    assert silenced((advisory(),), (event(DRAWDOWN, "armed"),), MODEL, VERSION, START) is None


@pytest.mark.parametrize(
    ("code", "asked", "says"),
    [
        (DRAWDOWN, {"by": " "}, "--by"),
        (DRAWDOWN, {"why": ""}, "--why"),
        (DRAWDOWN, {"at": START - timedelta(seconds=1)}, "clock went back"),
        (DAMAGED, {}, "publish another version"),
        (STALE, {}, "nobody does it by hand"),
        (CHANGE, {}, "not tripped"),
    ],
)
def test_what_is_missing_keeps_a_code_tripped(code, asked, says):
    events = (event(DRAWDOWN), event(DAMAGED), event(STALE))
    given = {"at": START + timedelta(days=1), "by": "Ann", "why": "looked at every trade", **asked}
    armed, reasons = rearm(events, VERSION, code, **given)
    assert armed is None
    assert any(says in reason for reason in reasons), reasons


def test_armed_by_name_it_looks_at_what_comes_after():
    trip, later = event(DRAWDOWN), START + timedelta(days=1)
    armed, reasons = rearm((trip,), VERSION, DRAWDOWN, at=later, by="Ann ", why="looked at every trade")
    assert (armed.kind, armed.by_whom, armed.happened_at, reasons) == ("rearm", "Ann", later, ())
    assert open_trips((trip, armed), VERSION) == ()
    assert armed_since((trip, armed), VERSION, DRAWDOWN) == later
    assert armed_since((trip,), VERSION, DRAWDOWN) is None


def test_a_trip_of_a_version_that_answers_no_more_is_replaced_and_stands_again_when_it_answers():
    trip, newer = event(DRAWDOWN), "v_20250601_000000-bbbbb"
    assert replaced((trip,), [VERSION], START) == replaced((trip,), [], START) == ()
    [gone] = replaced((trip,), [newer], START)
    assert (gone.kind, gone.code, gone.why) == ("replaced", DRAWDOWN, f"{newer} answers now")
    assert replaced((trip, gone), [newer], START) == ()
    assert kinds((trip, gone), reading(DRAWDOWN)) == ["trip"]
    assert open_trips((trip, gone), VERSION) == (gone,)


def test_every_code_says_what_arms_it_again():
    rules = {code: rearm_rule(code, BreakerSettings()) for code in CODES}
    assert rules[STALE] == "by itself, after 15 minutes of fresh bars"
    assert rules[MISSING] == "by itself, after 10 forecasts in a row with every input"
    assert "another version" in rules[DAMAGED]
    assert "--rearm drawdown" in rules[DRAWDOWN]


class Breaker(RuleBasedStateMachine):
    """Readings, re-arms, promotions and a clock that may go back, in any order."""

    def __init__(self):
        super().__init__()
        self.events: tuple[BreakerEvent, ...] = ()
        self.changes: tuple[StageChange, ...] = ()
        self.now = START

    @rule(minutes=st.integers(-90, 600))
    def time_passes(self, minutes):
        self.now += timedelta(minutes=minutes)

    @rule(to=st.sampled_from(STAGES[1:]))
    def somebody_promotes(self, to):
        if not open_trips(self.events, VERSION):  # the gate `breaker`
            self.changes = (*self.changes, replace(advisory(at=self.now), stage=to))

    @rule(
        code=st.sampled_from(CODES),
        state=st.sampled_from(["within", "over", "cannot tell", "unreadable"]),
        value=st.sampled_from([1.0, math.nan]),
        recovered=st.booleans(),
    )
    def look(self, code, state, value, recovered):
        before, newest = (
            standing(self.events, VERSION).get(code),
            max((e.happened_at for e in self.events), default=self.now),
        )
        stage = current_stage(self.changes, VERSION)
        found = reading(code, state, value, recovered=recovered)
        fresh = step(self.events, replace(WATCHED, stage=stage), [found], self.now)
        self.events = (*self.events, *fresh)
        move = silenced(self.changes, self.events, MODEL, VERSION, self.now)
        self.changes = self.changes if move is None else (*self.changes, move)
        tripped = standing(self.events, VERSION)[code].kind in TRIPPED
        if before is not None and before.kind in TRIPPED and not tripped:
            assert REARMS[code] == "itself"
            assert state == "within"
            assert recovered
            assert self.now >= newest
        if state == "over" or (state == "unreadable" and stage != "shadow"):
            assert tripped
        assert STAGES.index(current_stage(self.changes, VERSION)) <= STAGES.index(stage)

    @rule(code=st.sampled_from(CODES), by=st.sampled_from(["Ann", ""]), why=st.sampled_from(["seen", " "]))
    def arm(self, code, by, why):
        before = current_stage(self.changes, VERSION)
        newest = max((each.happened_at for each in self.events), default=self.now)
        tripped = standing(self.events, VERSION).get(code)
        armed, reasons = rearm(self.events, VERSION, code, at=self.now, by=by, why=why)
        may = tripped is not None and tripped.kind in TRIPPED and REARMS[code] == "name"
        assert (armed is not None) == bool(may and by and why.strip() and self.now >= newest)
        assert (armed is None) == bool(reasons)
        self.events = (*self.events, *([] if armed is None else [armed]))
        assert silenced(self.changes, self.events, MODEL, VERSION, self.now) is None
        assert current_stage(self.changes, VERSION) == before

    @invariant()
    def with_an_open_trip_nobody_is_heard(self):
        if open_trips(self.events, VERSION):
            assert current_stage(self.changes, VERSION) == "shadow"


TestBreaker = Breaker.TestCase
TestBreaker.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
