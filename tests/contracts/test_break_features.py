"""The law of time at the moment of a break, and what the features of a break say, worked out by hand."""

import numpy as np
import pytest

from ml_data.event_view import day_background, event_window, seen_at
from ml_data.events import EventRows, break_events, range_events
from ml_data.feature_matrix import FeatureMatrix, every_group, feature_groups, feature_matrix, features_of
from ml_data.features.base import EVENT_KINDS
from ml_data.features.signed import LEANING, PLACED
from ml_data.history import History, build_history
from ml_data.lookahead import audit_lookahead
from ml_data.outcomes import MATURED, trade_outcomes
from tests.contracts.test_feature_examples import DAY, TODAY, earlier_day, trading_days_before
from tests.contracts.test_features import cut, garbage, spread
from tests.ml_data.bar_files import mgc
from tests.ml_data.written_bars import Bar, written
from trading.domain.calendar import as_date, to_minute
from trading.domain.label import BREAK_CLOSED, ORB_COMPLETE
from trading.domain.trade_rule import TRADE_RULES
from trading.errors import Refused


@pytest.fixture(scope="module")
def breaks(demo_history: History) -> EventRows:
    return break_events(demo_history)


@pytest.fixture(scope="module")
def matrix(demo_history: History, breaks: EventRows) -> FeatureMatrix:
    return feature_matrix(demo_history, breaks)


def one(events: EventRows, index: int) -> EventRows:
    return EventRows(events.day[[index]], events.opening[[index]], events.decided[[index]], events.kind)


def differ(matrix: FeatureMatrix, left: np.ndarray, right: np.ndarray) -> list[str]:
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    return [name for name, equal in zip(matrix.names, same, strict=True) if not equal]


def test_every_group_says_for_which_events_it_is_valid():
    assert all(set(group.events) <= set(EVENT_KINDS) and group.events for group in every_group())
    only = {kind: {group.name for group in every_group() if group.events == (kind,)} for kind in EVENT_KINDS}
    assert only == {
        ORB_COMPLETE: {"ahead_before", "ahead_lately"},
        BREAK_CLOSED: {"break_bar", "signed", "weekday_side"},
    }
    assert {group.name for group in feature_groups(BREAK_CLOSED)} == {g.name for g in every_group()} - only[
        ORB_COMPLETE
    ]
    assert [group.name for group in every_group() if not group.usual] == ["ahead_before", "ahead_lately"]


@pytest.mark.parametrize("doctored", [cut, garbage])
def test_no_feature_of_a_break_knows_what_comes_after_it(
    demo_history: History, breaks: EventRows, matrix: FeatureMatrix, doctored
):
    for index in spread(len(breaks), 10):
        again = build_history(doctored(demo_history.bars, int(breaks.decided[index])), demo_history.instrument)
        values = feature_matrix(again, one(breaks, index)).values[0]
        assert differ(matrix, matrix.values[index], values) == [], (index, doctored.__name__)


def test_at_the_moment_of_a_break_live_inference_sees_what_training_saw(
    demo_history: History, breaks: EventRows, matrix: FeatureMatrix
):
    instrument = demo_history.instrument
    for index in spread(len(breaks), 16):
        day, decided = as_date(demo_history.days[breaks.day[index]]), int(breaks.decided[index])
        first_day, since = event_window(instrument, day)
        before = int(np.searchsorted(demo_history.days, np.datetime64(first_day)))
        contracts = demo_history.bars.contracts
        contract = contracts[demo_history.contracts.contract[before - 1]] if before else None
        bars = demo_history.bars.between(to_minute(since), decided)
        background = day_background(bars, instrument, day, contract)
        orb = instrument.opening_ranges[int(breaks.opening[index])].name
        view = seen_at(background, bars, orb, BREAK_CLOSED, decided)
        assert view.names == matrix.names
        assert differ(matrix, matrix.values[index], view.features) == [], index
        assert view.newest_input <= view.event.decided_at
        with pytest.raises(Refused, match="did not break at"):
            seen_at(background, bars, orb, BREAK_CLOSED, decided - 1)


def test_the_audit_finds_nothing_at_breaks(demo_history: History, matrix: FeatureMatrix):
    report = audit_lookahead(demo_history.bars, demo_history.instrument, sample=8, seed=3, kind=BREAK_CLOSED)
    assert report.passed, [str(problem) for problem in report.problems]
    assert (report.events, report.features) == (8, len(matrix.names))


def test_inputs_are_known_at_the_break_and_results_only_afterwards(
    demo_history: History, breaks: EventRows, matrix: FeatureMatrix
):
    assert (matrix.newest <= breaks.decided).all()
    for rule in TRADE_RULES[:4]:
        outcomes = trade_outcomes(demo_history, breaks, rule)
        matured = outcomes.state == MATURED
        assert matured.sum() > 300
        assert (breaks.decided[matured] < outcomes.label_known[matured]).all()


def test_a_feature_of_a_break_that_is_never_missing_never_is(matrix: FeatureMatrix):
    never = [feature.missing == "never" for feature in features_of(feature_groups(BREAK_CLOSED))]
    missing = np.isnan(matrix.values).any(axis=0)
    assert [n for n, rule, gone in zip(matrix.names, never, missing, strict=True) if rule and gone] == []
    assert not np.isinf(matrix.values).any()


def test_the_range_is_told_at_a_break_as_it_was_told_at_its_end(
    demo_history: History, breaks: EventRows, matrix: FeatureMatrix
):
    ranges = range_events(demo_history)
    at_end = feature_matrix(demo_history, ranges)
    place = {(int(d), int(o)): i for i, (d, o) in enumerate(zip(ranges.day, ranges.opening, strict=True))}
    rows = [place[int(d), int(o)] for d, o in zip(breaks.day, breaks.opening, strict=True)]
    (group,) = (group for group in every_group() if group.name == "opening_range")
    for feature in group.features:
        mine, theirs = matrix.names.index(feature.name), at_end.names.index(feature.name)
        assert np.array_equal(matrix.values[:, mine], at_end.values[rows, theirs], equal_nan=True), feature.name


def test_signed_copies_are_the_features_seen_from_the_break(matrix: FeatureMatrix):
    value = dict(zip(matrix.names, matrix.values.T, strict=True))
    up = value["break_direction"] == 1
    assert 0.3 < up.mean() < 0.7
    for name in LEANING:
        assert np.array_equal(value[f"signed_{name}"], np.where(up, 1, -1) * value[name], equal_nan=True), name
    for name in PLACED:
        expected = np.where(up, value[name], 1 - value[name])
        assert np.array_equal(value[f"signed_{name}"], expected, equal_nan=True), name


BROKE: list[Bar] = [
    ("18:05", 1034, 1036, 1032, 1035, 3),  # pokes a tick below the range, 1037 / 1033
    ("18:06", 1035, 1038, 1034, 1036, 5),  # and a tick above it
    ("18:07", 1036, 1041, 1035, 1040, 24),  # up: three ticks beyond the edge
    ("18:08", 1040, 1090, 900, 1080, 999),
]
EXPECTED = {
    "break_direction": 1,
    "break_delay": 3,
    "overshoot": 3 / 4,
    "overshoot_atr": 3 / 22,
    "break_bar_range": 6 / 4,
    "break_bar_body": 4 / 4,
    "break_bar_position": 5 / 6,
    "break_volume_to_range": 24 / (60 / 5),
    "break_volume_to_recent": 24 / ((5 + 30 + 20 + 10 + 3 + 5) / 30),  # of 17:59 on; 17:30 is 37 minutes before
    "poke_with": 1 / 4,
    "poke_against": 1 / 4,
    "risk_full_atr": 7 / 22,  # 1040 to 1033
    "risk_half_atr": 5 / 22,  # to 1035
    "costs_full_r": (1.5 + 2) / 7,  # 1.50 USD of commission at 1 USD a tick, and a tick each way
    "costs_half_r": (1.5 + 2) / 5,
    "day_left": (13 * 60 + 52) / (23 * 60),  # 18:08 to 08:00, of 09:00 to 08:00
    "session_left": (4 * 60 + 52) / (23 * 60),  # to 23:00
    "earlier_ranges": 3,  # its own range is not an earlier one
    "signed_return_15m": (1040 - 1035) / 22,
    "side_on_tuesday": 0,
    "side_on_wednesday": 1,
}


def test_the_features_of_a_break_by_hand():
    before = [(day, earlier_day(k)) for k, day in enumerate(trading_days_before(DAY, 21))]
    history = build_history(written(*before, (DAY, TODAY + BROKE)), mgc())
    events = break_events(history)
    opening = [rule.name for rule in mgc().opening_ranges].index("1800")
    mine = events.where((history.days[events.day] == np.datetime64(DAY)) & (events.opening == opening))
    found = feature_matrix(history, mine)
    told = dict(zip(found.names, found.values[0].tolist(), strict=True))
    assert {name: told[name] for name in EXPECTED} == pytest.approx(EXPECTED)
