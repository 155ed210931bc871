"""The replay audit: everything that was logged comes out again bit for bit, and what does not is named."""

import math
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ml_inference.engine_settings import EngineSettings
from ml_inference.questions import asked_features
from ml_inference.replay_audit import ReplayReport, audit_replay
from tests.hub_home import DEMO, MODEL, NOW, REGISTRY, Home, copied, using
from tests.ml_inference.shelves import Shelf, renamed, three_class_draft


@pytest.fixture
def logged(logged_home: Path, tmp_path: Path) -> Iterator[Home]:
    with using(copied(logged_home, tmp_path / "home")) as opened:
        with opened.store.journal_write() as cursor:  # one day is enough
            cursor.execute("DELETE FROM journal.ml_predictions WHERE trading_day <> '2023-05-16'")
        yield opened


def audited(home: Home, **more: Any) -> ReplayReport:
    return audit_replay(home.store, more.get("registry", home.registry), DEMO, settings=EngineSettings())


def named(report: ReplayReport) -> set[tuple[str, str]]:
    return {(mismatch.event, mismatch.what) for mismatch in report.mismatches}


def edit(home: Home, change: str, orb: str = "1000") -> None:
    with home.store.journal_write() as cursor:
        cursor.execute(f"UPDATE journal.ml_predictions SET {change} WHERE orb = '{orb}'")


def test_every_logged_prediction_comes_out_again(logged: Home):
    assert audited(logged) == ReplayReport(6, ())


def test_a_prediction_is_made_again_by_the_settings_it_was_made_by(logged: Home):
    now = EngineSettings(confidence_threshold=0.9, high_confidence=0.95)
    assert audit_replay(logged.store, logged.registry, DEMO, settings=now).passed
    edit(logged, "confidence_threshold = NULL", orb="1100")  # from before they were recorded: today's
    report = audit_replay(logged.store, logged.registry, DEMO, settings=now)
    assert named(report) == {("DEMO 2023-05-16 1100", "advice")}


def test_progress_is_told_after_each(logged: Home):
    steps: list[tuple[int, int]] = []
    audit_replay(
        logged.store,
        logged.registry,
        DEMO,
        settings=EngineSettings(),
        progress=lambda done, total: steps.append((done, total)),
    )
    assert steps == [(done, 6) for done in range(1, 7)]


def test_an_empty_journal_has_nothing_to_audit(home: Home):
    assert audited(home) == ReplayReport(0, ())


def test_a_refused_event_is_refused_again_with_the_same_code(home: Home):
    home.replay("2023-04-28", "2023-04-28")
    assert audited(home) == ReplayReport(6, ())
    edit(home, "refusal_code = 'expired_model'")
    assert named(audited(home)) == {("DEMO 2023-04-28 1000", "refusal_code")}


def test_a_version_of_three_classes_comes_out_again(home: Home):
    version = home.registry.load(MODEL)
    home.registry.publish(MODEL, three_class_draft(version), now=NOW + timedelta(hours=1), who="test", why="three")
    home.replay("2023-05-16", "2023-05-16")
    assert audited(home) == ReplayReport(6, ())


def test_a_refusal_for_other_names_comes_out_again(home: Home):
    odd = Shelf(renamed(home.registry.load(MODEL), "weekday", "day_of_the_week"))
    home.replay("2023-05-16", "2023-05-16", registry=odd)
    assert {row[0] for row in home.journal("refusal_code")} == {"schema_mismatch"}
    assert audited(home, registry=odd) == ReplayReport(6, ())


def change_value(home: Home, column: str, place: int, change: Callable[[float], float | None]) -> None:
    """Change one number of a list of the 10:00 range's prediction."""
    with home.store.journal_write() as cursor:
        question = f"SELECT {column} FROM journal.ml_predictions WHERE orb = '1000'"
        [(values,)] = cursor.execute(question).fetchall()
        values[place] = change(values[place])
        cursor.execute(f"UPDATE journal.ml_predictions SET {column} = ?::DOUBLE[] WHERE orb = '1000'", [values])


@pytest.mark.parametrize(
    ("feature", "change"),
    [
        ("martingale_up", lambda value: math.nextafter(value, 1.0)),
        ("weekday", lambda value: value + 1),
        ("weekday", lambda value: None),
        ("weekday", lambda value: math.nan),
    ],
    ids=["last bit", "other", "null", "NaN"],
)
def test_one_flipped_digit_of_a_feature_is_named(logged: Home, feature: str, change: Callable[[float], float | None]):
    place = asked_features(logged.registry.load(MODEL)).index(feature)
    change_value(logged, "features", place, change)
    assert named(audited(logged)) == {("DEMO 2023-05-16 1000", f"feature {feature}")}


def test_a_reason_that_was_changed_is_named(logged: Home):
    change_value(logged, "reasons", 7, lambda points: points + 0.01)
    assert named(audited(logged)) == {("DEMO 2023-05-16 1000", "reasons")}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("features = features[2:]", "the number of features"),
        ("prob_up = prob_up + 1.2e-16", "prob_up"),
        ("prob_none = 0.0", "prob_none"),
        ("confidence = 0.9", "confidence"),
        ("raw_score = [raw_score[1] + 1e-9]", "raw_score"),
        ("base_prob_up = 0.1", "base_prob_up"),
        ("baseline_prob_up = 0.1", "baseline_prob_up"),
        ("data_hash = 'other'", "the bars (data_hash)"),
        ("contract = 'DEMOZ3'", "contract"),
        ("schema_hash = 'other'", "the feature definitions (schema_hash)"),
        ("max_input_time = max_input_time - INTERVAL 1 MINUTE", "max_input_time"),
        ("refusal_code = 'stale_bars'", "refusal_code"),
    ],
)
def test_one_changed_value_in_the_journal_is_named(logged: Home, change: str, what: str):
    edit(logged, change)
    report = audited(logged)
    assert report.predictions == 6
    assert not report.passed
    assert named(report) == {("DEMO 2023-05-16 1000", what)}


def test_a_zero_that_lost_its_sign_is_another_number(logged: Home):
    with logged.store.journal() as cursor:
        [(features,)] = cursor.execute("SELECT features FROM journal.ml_predictions WHERE orb = '1000'").fetchall()
    place = next(place for place, value in enumerate(features) if value == 0.0 and math.copysign(1.0, value) > 0)
    change_value(logged, "features", place, lambda value: -0.0)
    (mismatch,) = audited(logged).mismatches
    assert (mismatch.logged, mismatch.found) == ("-0.0", "0.0")


def test_one_changed_bar_is_named_with_the_events_that_saw_it_and_no_other(logged: Home):
    with logged.store.market_write() as cursor:
        cursor.execute(
            "UPDATE market.bars_1m SET volume = volume + 1 WHERE contract = 'DEMOM3' AND ts = '2023-05-16 00:03Z'"
        )
    report = audited(logged)
    seen = {"1000", "1100", "1800", "2300", "0030"}
    assert {each.event for each in report.mismatches} == {f"DEMO 2023-05-16 {orb}" for orb in seen}
    assert {(event, what) for event, what in named(report) if what == "the bars (data_hash)"} == {
        (f"DEMO 2023-05-16 {orb}", "the bars (data_hash)") for orb in seen
    }


def test_a_bar_after_the_last_moment_changes_nothing(logged: Home):
    with logged.store.market_write() as cursor:
        cursor.execute("UPDATE market.bars_1m SET high = high + 90 WHERE ts >= '2023-05-16 14:35Z'")
    assert audited(logged).passed


def test_a_range_whose_bars_are_gone_is_named(logged: Home):
    with logged.store.market_write() as cursor:
        cursor.execute("DELETE FROM market.bars_1m WHERE ts >= '2023-05-16 00:00Z' AND ts < '2023-05-16 00:05Z'")
    found = [each for each in audited(logged).mismatches if each.event == "DEMO 2023-05-16 1000"]
    assert [(each.what, each.logged) for each in found] == [("the answer", "given")]
    assert "no_range" in found[0].found


@pytest.mark.parametrize("file", ["model.txt", "calibrator.json"])
def test_a_damaged_model_is_named_for_every_prediction_that_needs_it(logged: Home, file: str):
    (version,) = {row[0] for row in logged.journal("version")}
    path = logged.folder / REGISTRY / MODEL / version / file
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-2] + b"\n\n")
    report = audited(logged)
    assert len(report.mismatches) == report.predictions == 6
    assert all(file in each.found and "damaged_model" in each.found for each in report.mismatches)


def test_a_version_that_is_gone_is_named(logged: Home):
    (version,) = {row[0] for row in logged.journal("version")}
    (logged.folder / REGISTRY / MODEL / version).rename(logged.folder / "elsewhere")
    report = audited(logged)
    assert len(report.mismatches) == 6
    assert all("no_model" in each.found and version in each.found for each in report.mismatches)


def test_a_mismatch_reads_as_a_sentence(logged: Home):
    edit(logged, "prob_up = 0.25")
    (mismatch,) = audited(logged).mismatches
    text = str(mismatch)
    assert text.startswith("DEMO 2023-05-16 1000 (")
    assert "prob_up was logged as 0.25, now it is 0." in text
