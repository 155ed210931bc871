"""The law of time, kept by every feature that is discovered, and what each declares about itself."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ml_data.features
from ml_data.bar_arrays import BarArrays
from ml_data.build import read_bars
from ml_data.event_view import event_view, event_window
from ml_data.events import EventRows, range_events
from ml_data.feature_matrix import (
    FeatureMatrix,
    every_group,
    feature_groups,
    feature_matrix,
    features_of,
    schema_hash,
    volume_features,
)
from ml_data.features.base import HISTORY_DAYS, FeatureGroup
from ml_data.history import History, build_history, continue_history
from ml_data.lookahead import audit_lookahead
from ml_data.outcomes import MATURED, range_outcomes
from ml_data.store import Store
from tests.ml_data.bar_files import mgc
from trading.domain.calendar import as_date, to_minute
from trading.domain.instrument import Instrument

GROUPS = feature_groups()
FEATURES = features_of(GROUPS)
NAMES = [feature.name for feature in FEATURES]
MAY_MISS_WHEN_WARM = {
    "no volume in the hour before",  # the first range of a week, or after the halt
    "no session of the day is complete, it had no bar, or no ATR yet",
    "no session is running, it has no bar yet, or no ATR yet",
    "no session is running",
    "no session is running, it has no bar yet, or it did not move",
    "no earlier range today",
    "no earlier range today, or no ATR yet",
}
"""Of an event with a long past in its own contract, only these rules can leave a number out."""


def one_of(events: EventRows, index: int) -> EventRows:
    return EventRows(events.day[[index]], events.opening[[index]], events.decided[[index]])


def spread(count: int, wanted: int) -> list[int]:
    return sorted({int(place) for place in np.linspace(0, count - 1, wanted)})


def same(left: np.ndarray, right: np.ndarray) -> list[str]:
    """The names of the features that are not the same bit for bit; NaN is the same as NaN."""
    differs = ~((left == right) | (np.isnan(left) & np.isnan(right)))
    return [name for name, other in zip(NAMES, differs, strict=True) if other]


# --- what a feature says of itself ------------------------------------------------------------------------------------


def test_every_file_of_the_folder_is_a_group():
    folder = Path(str(ml_data.features.__file__)).parent
    files = {file.stem for file in folder.glob("*.py")} - {"__init__", "base"}
    assert {group.name for group in every_group()} == files
    assert len(FEATURES) >= 60


@pytest.mark.parametrize("group", every_group(), ids=lambda group: group.name)
def test_a_group_says_what_it_reads_and_each_feature_its_name_unit_meaning_and_when_it_is_missing(group: FeatureGroup):
    assert group.inputs
    for feature in group.features:
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", feature.name), feature.name
        assert feature.unit, feature.name
        assert feature.doc.endswith("."), feature.name
        assert len(feature.doc) > 15, feature.name
        assert feature.missing, feature.name
        assert not feature.missing.endswith("."), feature.name


def test_names_are_unique():
    names = [feature.name for feature in features_of(every_group())]
    assert len(set(names)) == len(names)


def test_the_schema_hash_changes_with_any_word_and_with_the_order():
    words = replace(GROUPS[0].features[0], unit="furlongs")
    renamed = replace(GROUPS[0], features=(words, *GROUPS[0].features[1:]))
    hashes = {schema_hash(GROUPS), schema_hash((renamed, *GROUPS[1:])), schema_hash(GROUPS[::-1])}
    assert len(hashes) == 3


# --- the law of time --------------------------------------------------------------------------------------------------


def cut(bars: BarArrays, decided: int) -> BarArrays:
    return bars.before(decided)


def garbage(bars: BarArrays, decided: int) -> BarArrays:
    """The same past, and a future of which a third of the minutes is gone and the rest is nonsense."""
    random = np.random.default_rng(decided)
    future = bars.minute >= decided
    prices = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close")}
    for values in prices.values():
        values[future] = random.integers(1, 40_000, future.sum())
    prices["high"] = np.maximum.reduce(list(prices.values()))
    prices["low"] = np.minimum.reduce(list(prices.values()))
    volume = np.where(future, random.integers(1, 10**6, len(bars)), bars.volume).astype(np.float64)
    kept = ~future | (random.random(len(bars)) > 0.33)
    offsets = np.concatenate([[0], np.cumsum(kept)])[bars.offsets]
    return replace(
        bars,
        offsets=offsets.astype(np.int64),
        minute=bars.minute[kept],
        volume=volume[kept],
        **{name: values[kept] for name, values in prices.items()},
    )


@pytest.mark.parametrize("doctored", [cut, garbage])
def test_no_feature_changes_when_the_future_is_cut_off_or_replaced_by_garbage(
    demo_history: History, demo_events: EventRows, demo_matrix: FeatureMatrix, doctored
):
    for index in spread(len(demo_events), 16):
        bars = doctored(demo_history.bars, int(demo_events.decided[index]))
        again = build_history(bars, demo_history.instrument)
        values = feature_matrix(again, one_of(demo_events, index)).values[0]
        assert same(demo_matrix.values[index], values) == [], (index, doctored.__name__)


def test_no_feature_remembers_more_than_the_stated_warm_up(
    demo_history: History, demo_events: EventRows, demo_matrix: FeatureMatrix
):
    for index in spread(len(demo_events), 24):
        first_day, since = event_window(demo_history.instrument, as_date(demo_history.days[demo_events.day[index]]))
        before = int(np.searchsorted(demo_history.days, np.datetime64(first_day)))
        if before == 0:
            continue
        again = continue_history(
            demo_history.bars.between(to_minute(since), demo_history.through),
            demo_history.instrument,
            first_day,
            demo_history.bars.contracts[demo_history.contracts.contract[before - 1]],
            demo_history.through,
        )
        moved = EventRows(demo_events.day[[index]] - before, demo_events.opening[[index]], demo_events.decided[[index]])
        assert same(demo_matrix.values[index], feature_matrix(again, moved).values[0]) == [], index
    assert HISTORY_DAYS == 30


def test_without_volume_the_features_that_need_it_are_missing_and_no_other_changes(demo_history: History):
    contract = demo_history.bars.contracts[demo_history.contracts.contract[len(demo_history.days) // 2]]
    bars = demo_history.bars.only(contract)
    silent = replace(bars, volume=np.zeros(len(bars)))
    [told, untold] = [build_history(each, demo_history.instrument) for each in (bars, silent)]
    events = range_events(told)
    before, after = feature_matrix(told, events).values, feature_matrix(untold, events).values
    needs = np.isin(NAMES, volume_features(GROUPS))
    assert needs.sum() == 2
    assert np.isnan(after[:, needs]).all()
    assert not np.isnan(before[:, needs]).all(axis=0).any()
    np.testing.assert_array_equal(after[:, ~needs], before[:, ~needs])


def live_differs(history: History, events: EventRows, matrix: FeatureMatrix, index: int) -> list[str]:
    """The features of one event that live inference, with the bars of its window only, sees differently."""
    instrument = history.instrument
    day = as_date(history.days[events.day[index]])
    orb = instrument.opening_ranges[int(events.opening[index])].name
    first_day, since = event_window(instrument, day)
    before = int(np.searchsorted(history.days, np.datetime64(first_day)))
    contract = history.bars.contracts[history.contracts.contract[before - 1]] if before else None
    bars = history.bars.between(to_minute(since), int(events.decided[index]))
    view = event_view(bars, instrument, day, orb, contract)
    assert view.names == matrix.names
    assert view.contract == history.bars.contracts[history.contracts.contract[events.day[index]]]
    assert to_minute(view.newest_input) == matrix.newest[index]
    assert view.newest_input <= view.event.decided_at
    assert view.last_bar <= view.event.decided_at
    return same(matrix.values[index], view.features)


def test_live_inference_sees_what_training_saw(
    demo_history: History, demo_events: EventRows, demo_matrix: FeatureMatrix
):
    for index in spread(len(demo_events), 24):
        assert live_differs(demo_history, demo_events, demo_matrix, index) == [], index


@pytest.mark.real_data
def test_live_inference_sees_what_training_saw_on_real_bars_and_around_rolls(real_store: Store):
    bars = read_bars(real_store, mgc()).between(to_minute_of("2024-02-01"), to_minute_of("2025-02-15"))
    history = build_history(bars, mgc())
    events = range_events(history)
    matrix = feature_matrix(history, events)
    rolled = np.flatnonzero(history.contracts.rolled)
    assert len(rolled) == 5
    around = np.isin(events.day, [*rolled, *(rolled + 1), *(rolled + 12)]) & (events.opening % 3 == 0)
    for index in [*spread(len(events), 12), *np.flatnonzero(around).tolist()]:
        assert live_differs(history, events, matrix, int(index)) == [], index


def test_the_audit_finds_nothing_in_the_demo_market(demo_history: History):
    report = audit_lookahead(demo_history.bars, demo_history.instrument, sample=20, seed=3)
    assert report.passed, [str(problem) for problem in report.problems]
    assert (report.events, report.features) == (20, len(FEATURES))


@pytest.mark.real_data
def test_the_audit_finds_nothing_in_real_bars(real_store: Store):
    report = audit_lookahead(read_bars(real_store, mgc()), mgc(), sample=30, seed=1)
    assert report.passed, [str(problem) for problem in report.problems]


def test_inputs_are_known_at_the_decision_and_outcomes_only_afterwards(
    demo_history: History, demo_events: EventRows, demo_matrix: FeatureMatrix
):
    outcomes = range_outcomes(demo_history, demo_events)
    matured = outcomes.state == MATURED
    assert matured.sum() > 400
    assert (demo_matrix.newest_input <= demo_events.decided[:, None]).all()
    assert (demo_events.decided[matured] < outcomes.label_known[matured]).all()
    assert (outcomes.label_known[matured] <= outcomes.known[matured]).all()
    # No group may claim an input older than the day before, or none at all.
    assert (demo_matrix.newest_input > demo_events.decided[:, None] - 4 * 1440).all()


@pytest.mark.real_data
def test_inputs_are_known_at_the_decision_and_outcomes_only_afterwards_on_real_bars(real_store: Store):
    history = build_history(read_bars(real_store, mgc()), mgc())
    events = range_events(history)
    matrix, outcomes = feature_matrix(history, events), range_outcomes(history, events)
    matured = outcomes.state == MATURED
    assert matured.sum() > 6_900
    assert (matrix.newest <= events.decided).all()
    assert (events.decided[matured] < outcomes.label_known[matured]).all()


# --- the matrix -------------------------------------------------------------------------------------------------------


def test_a_row_is_the_same_alone_as_among_others(
    demo_history: History, demo_events: EventRows, demo_matrix: FeatureMatrix
):
    for index in spread(len(demo_events), 40):
        alone = feature_matrix(demo_history, one_of(demo_events, index))
        assert same(demo_matrix.values[index], alone.values[0]) == [], index
        assert alone.newest[0] == demo_matrix.newest[index]


def test_events_in_another_order_give_their_rows_in_that_order(
    demo_history: History, demo_events: EventRows, demo_matrix: FeatureMatrix
):
    order = np.random.default_rng(1).permutation(len(demo_events))
    shuffled = EventRows(demo_events.day[order], demo_events.opening[order], demo_events.decided[order])
    found = feature_matrix(demo_history, shuffled)
    assert np.array_equal(found.values, demo_matrix.values[order], equal_nan=True)
    assert np.array_equal(found.newest_input, demo_matrix.newest_input[order])


def test_some_groups_give_their_columns_and_no_others(
    demo_history: History, demo_events: EventRows, demo_matrix: FeatureMatrix
):
    some = (GROUPS[4], GROUPS[0])
    found = feature_matrix(demo_history, demo_events, some)
    assert found.names == tuple(feature.name for group in some for feature in group.features)
    columns = [NAMES.index(name) for name in found.names]
    assert np.array_equal(found.values, demo_matrix.values[:, columns], equal_nan=True)


def test_no_event_gives_no_row(demo_history: History):
    none = EventRows(*(np.empty(0, dtype=np.int64) for _ in range(3)))
    assert feature_matrix(demo_history, none).values.shape == (0, len(FEATURES))


def test_no_bars_give_no_event_and_no_row(demo: Instrument, demo_history: History):
    empty = build_history(demo_history.bars.between(0, 0), demo)
    assert len(range_events(empty)) == 0
    assert feature_matrix(empty, range_events(empty)).values.shape == (0, len(FEATURES))


# --- what is missing --------------------------------------------------------------------------------------------------


def test_a_feature_that_is_never_missing_never_is(demo_matrix: FeatureMatrix):
    never = [feature.missing == "never" for feature in FEATURES]
    missing = np.isnan(demo_matrix.values).any(axis=0)
    assert [name for name, rule, gone in zip(NAMES, never, missing, strict=True) if rule and gone] == []
    assert not np.isinf(demo_matrix.values).any()


def warm_events(history: History, events: EventRows) -> np.ndarray:
    """Events whose own contract has 25 traded days of bars before them, most minutes of them."""
    warm = np.zeros(len(events), dtype=bool)
    for index in range(len(events)):
        contract = history.bars.segment(history.bars.contracts[history.contracts.contract[events.day[index]]])
        minutes = history.bars.minute[contract]
        before = minutes[(minutes < events.decided[index]) & (minutes > events.decided[index] - 40 * 1440)]
        warm[index] = len(np.unique(before // 1440)) >= 27 and len(before) > 15_000
    return warm


def test_a_warm_event_misses_only_what_its_rule_allows(
    demo_history: History, demo_events: EventRows, demo_matrix: FeatureMatrix
):
    warm = warm_events(demo_history, demo_events)
    assert warm.sum() > 150
    missing = np.isnan(demo_matrix.values[warm]).any(axis=0)
    unexplained = [
        (feature.name, feature.missing)
        for feature, gone in zip(FEATURES, missing, strict=True)
        if gone and feature.missing not in MAY_MISS_WHEN_WARM
    ]
    assert unexplained == []


@pytest.mark.real_data
def test_on_real_bars_a_warm_event_misses_only_what_its_rule_allows(real_store: Store):
    bars = read_bars(real_store, mgc()).between(to_minute_of("2024-04-01"), to_minute_of("2024-09-30"))
    history = build_history(bars, mgc())
    events = range_events(history)
    warm = warm_events(history, events)
    assert warm.sum() > 200
    matrix = feature_matrix(history, events.where(warm))
    missing = np.isnan(matrix.values).any(axis=0)
    unexplained = [
        (feature.name, feature.missing)
        for feature, gone in zip(FEATURES, missing, strict=True)
        if gone and feature.missing not in MAY_MISS_WHEN_WARM
    ]
    assert unexplained == []


def to_minute_of(day: str) -> int:
    return int(np.datetime64(day).astype("datetime64[m]").astype(np.int64))


def test_the_first_event_of_a_market_misses_all_that_needs_a_past(demo: Instrument, demo_history: History):
    """Nothing is invented: with one day of bars, whatever looks back over days is NaN, never 0."""
    start = int(demo_history.windows.starts[3])
    history = build_history(demo_history.bars.between(start, start + 1440), demo)
    # One contract only, or the day would know its contract only afterwards.
    leading = history.bars.contracts[int(history.contracts.contract[0])]
    rows = history.bars.segment(leading)
    alone = BarArrays(
        contracts=(leading,),
        offsets=np.array([0, rows.stop - rows.start]),
        **{name: getattr(history.bars, name)[rows] for name in ("minute", "open", "high", "low", "close", "volume")},
    )
    history = build_history(alone, demo)
    events = range_events(history)
    matrix = feature_matrix(history, one_of(events, 0))
    found = dict(zip(NAMES, matrix.values[0], strict=True))
    for feature in FEATURES:
        if re.search(r"no ATR|fewer than|no day before|no previous day", feature.missing):
            assert np.isnan(found[feature.name]), feature.name
    assert found["range_size"] > 0
    assert found["earlier_ranges"] == 0.0
