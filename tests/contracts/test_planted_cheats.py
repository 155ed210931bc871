"""Features that know their future, planted: each is caught, with its name, the event and a bar it should not have seen.

A cheat does not own up to its newest input, or the matrix itself would refuse it (as the last but one does).
"""

import json
import re
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import typer

from ml_data import lookahead as lookahead_module
from ml_data.feature_matrix import feature_groups
from ml_data.features.base import Feature, FeatureGroup, Floats, Inputs, Ints
from ml_data.history import History
from ml_data.lookahead import LookaheadReport, audit_lookahead
from ml_scripts.audit import lookahead
from trading.domain.calendar import from_minute, to_minute

SAMPLE = 12


def group(name: str, compute) -> FeatureGroup:  # type: ignore[no-untyped-def]
    return FeatureGroup(name, "what it should not", (Feature(name, "ticks", "A cheat, planted by a test."),), compute)


def full_session_range(inputs: Inputs, out: Floats, newest: Ints) -> None:
    """High minus low of the session that runs, to its end."""
    for event, (day, decided) in enumerate(zip(inputs.day, inputs.decided, strict=True)):
        newest[event] = decided
        running = (inputs.session_starts[day] < decided) & (decided < inputs.session_ends[day])
        if running.any():
            session = int(np.argmax(running))
            rows = slice(inputs.first_row[event], inputs.now_row[event] + 2000)
            inside = (inputs.minute[rows] >= inputs.session_starts[day, session]) & (
                inputs.minute[rows] < inputs.session_ends[day, session]
            )
            out[event] = np.max(inputs.high[rows][inside]) - np.min(inputs.low[rows][inside])


def a_bar_one_minute_late(inputs: Inputs, out: Floats, newest: Ints) -> None:
    """The close of the bar that starts when the decision falls, taken for one that has closed."""
    for event, (now, decided) in enumerate(zip(inputs.now_row, inputs.decided, strict=True)):
        newest[event] = decided
        known = now < len(inputs.minute) and inputs.minute[now] == decided
        out[event] = inputs.close[now] if known else inputs.close[now - 1]


def unclosed_trade_result(inputs: Inputs, out: Floats, newest: Ints) -> None:
    """What the plain trades of the day's earlier ranges come to, whether they have closed or not."""
    for event, (day, opening) in enumerate(zip(inputs.day, inputs.opening, strict=True)):
        newest[event] = inputs.decided[event]
        out[event] = np.nansum(inputs.reference_r[day, :opening])


def owns_up(inputs: Inputs, out: Floats, newest: Ints) -> None:
    a_bar_one_minute_late(inputs, out, newest)
    newest[:] = inputs.decided + 1


def long_memory(inputs: Inputs, out: Floats, newest: Ints) -> None:
    """The first close that there is, however long ago: nothing of the future, but live nobody has it."""
    newest[:] = inputs.decided
    out[:, 0] = inputs.close[0]


def audit(history: History, cheat: FeatureGroup, sample: int = SAMPLE) -> LookaheadReport:
    return audit_lookahead(
        history.bars, history.instrument, sample=sample, seed=5, groups=(*feature_groups()[:1], cheat)
    )


@pytest.mark.parametrize(
    ("compute", "sample"),
    [(full_session_range, SAMPLE), (a_bar_one_minute_late, SAMPLE), (unclosed_trade_result, 200)],  # few are still open
)
def test_a_cheat_is_caught_by_name_event_and_bar(demo_history: History, compute, sample: int):
    name = compute.__name__
    report = audit(demo_history, group(name, compute), sample)
    assert not report.passed
    assert {problem.feature for problem in report.problems} == {name}
    assert {problem.check for problem in report.problems} == {"prefix", "suffix"}
    located = [problem for problem in report.problems if problem.bar is not None]
    assert len(located) >= 2
    starts = set(demo_history.bars.minute.tolist())
    for problem in located:
        assert problem.bar is not None
        assert problem.event.decided_at <= problem.bar
        assert to_minute(problem.bar) in starts
        text = str(problem)
        assert name in text
        assert f"DEMO {problem.event.trading_day} {problem.event.orb}" in text
        assert f"it saw the bar of {problem.bar:%Y-%m-%d %H:%MZ}" in text


def test_the_bar_that_is_named_is_the_one_that_was_seen(demo_history: History):
    report = audit(demo_history, group("a_bar_one_minute_late", a_bar_one_minute_late))
    located = [problem for problem in report.problems if problem.bar is not None]
    assert located
    assert all(problem.bar == problem.event.decided_at for problem in located)


def test_a_session_is_seen_to_its_end_and_no_further(demo_history: History):
    report = audit(demo_history, group("full_session_range", full_session_range))
    for problem in report.problems:
        if problem.bar is not None:
            day = int(np.searchsorted(demo_history.days, np.datetime64(problem.event.trading_day)))
            ends = demo_history.windows.session_ends[day]
            end: datetime = from_minute(int(ends[ends > to_minute(problem.event.decided_at)].min()))
            assert problem.bar < end


def test_a_group_that_owns_up_to_a_later_input_is_refused_with_its_name(demo_history: History):
    report = audit(demo_history, group("owns_up", owns_up))
    assert {problem.check for problem in report.problems} == {"declared input"}
    assert len(report.problems) == SAMPLE
    assert "feature group 'owns_up' used something known at" in str(report.problems[0])


def test_a_memory_longer_than_the_window_is_told_apart_from_a_look_ahead(demo_history: History):
    report = audit(demo_history, group("long_memory", long_memory))
    assert not report.passed
    assert {(problem.check, problem.feature, problem.bar) for problem in report.problems} == {
        ("warm-up", "long_memory", None)
    }


def test_honest_features_beside_a_cheat_are_not_accused(demo_history: History):
    report = audit_lookahead(
        demo_history.bars,
        demo_history.instrument,
        sample=4,
        seed=2,
        groups=(*feature_groups(), group("a_bar_one_minute_late", a_bar_one_minute_late)),
    )
    assert {problem.feature for problem in report.problems} == {"a_bar_one_minute_late"}


@pytest.fixture
def on_the_demo_home(demo_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_HOME", str(demo_home))


@pytest.mark.usefixtures("on_the_demo_home")
def test_hub_audit_lookahead_says_that_it_passed(capsys: pytest.CaptureFixture[str]):
    lookahead(instrument="DEMO", sample=3, seed=0)
    assert "features of 6 events know nothing of their future (prefix, suffix and warm-up" in capsys.readouterr().out


@pytest.mark.usefixtures("on_the_demo_home")
def test_hub_audit_lookahead_leaves_with_1_and_names_feature_event_and_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    guilty = (*feature_groups(), group("a_bar_one_minute_late", a_bar_one_minute_late))
    monkeypatch.setattr(lookahead_module, "feature_groups", lambda *_: guilty)
    with pytest.raises(typer.Exit) as left:
        lookahead(instrument="DEMO", sample=3, seed=0)
    assert left.value.exit_code == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    title, first, *_ = printed.err.splitlines()
    assert re.fullmatch(r"DEMO: ([2-9]|1[0-2]) differences:", title)
    assert re.search(
        r"a_bar_one_minute_late \((prefix|suffix)\): DEMO 2023-\d\d-\d\d \d{4}, decided 2023-\d\d-\d\d \d\d:\d\dZ: "
        r"[\d.]+ with all bars, [-\d.]+ without; it saw the bar of 2023-\d\d-\d\d \d\d:\d\dZ",
        first,
    )


@pytest.mark.usefixtures("on_the_demo_home")
def test_hub_audit_lookahead_prints_one_json_object_also_when_it_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    guilty = (*feature_groups(), group("owns_up", owns_up))
    monkeypatch.setattr(lookahead_module, "feature_groups", lambda *_: guilty)
    with pytest.raises(typer.Exit):
        lookahead(instrument="DEMO", sample=2, seed=0, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert [problem["check"] for problem in found["problems"]] == ["declared input"] * 4
    assert found["problems"][0]["expected"] is None
