"""The engine on the demo market: its answers, its cache, and every reason for which it will not answer."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ml_data.events import Event
from ml_data.ingest import ingest_bars
from ml_data.store import Store
from ml_inference.engine_settings import EngineSettings
from ml_inference.inference_engine import MLInferenceEngine
from ml_inference.questions import asked_groups
from ml_inference.shadow import decision_moments
from ml_models.loaded_version import LoadedVersion
from ml_models.metadata import DayRange
from ml_models.model_registry import ModelRegistry
from tests.hub_home import DEMO, FIRST_DAY, MODEL, NOW, REGISTRY, Home, demo_table, small_recipe, using
from tests.ml_inference.shelves import Shelf, named, renamed, three_class_draft, with_metadata
from trading.domain.prediction import PredictionRow
from trading.errors import NothingStored, Refused

WEEK = (date(2023, 5, 8), date(2023, 5, 12))


@pytest.fixture(scope="module")
def demo(demo_home: Path) -> Iterator[Home]:
    """The shared home: nothing here writes into it."""
    with using(demo_home) as opened:
        yield opened


@pytest.fixture(scope="module")
def version(demo: Home) -> LoadedVersion:
    return demo.registry.load(MODEL)


def event(day: str = "2023-05-10", orb: str = "1000") -> Event:
    at = date.fromisoformat(day)
    return next(each for each in decision_moments(DEMO, at, at) if each.orb == orb)


def said(row: PredictionRow) -> str:
    """The row as text, in which NaN is equal to NaN, without the time that it took."""
    return repr(replace(row, latency_ms=0.0))


def refusal(ask: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as caught:
        ask()
    return caught.value


# Answers


def test_probabilities_sum_to_one_and_reasons_sum_to_the_answer(demo: Home):
    engine = demo.engine()
    for asked in decision_moments(DEMO, *WEEK):
        answer = engine.predict(asked).answer
        assert answer is not None
        assert set(answer.probabilities) == {"UP", "DOWN"}
        assert sum(answer.probabilities.values()) == pytest.approx(1.0, abs=1e-12)
        told = answer.base + sum(reason.points for reason in answer.reasons)
        assert told == pytest.approx(answer.probabilities["UP"], abs=1e-9)
        assert answer.confidence == max(answer.probabilities.values())
        assert len(answer.reasons) == len(engine.version().schema.names)


def test_reasons_are_signed_points_of_p_up_with_the_largest_first(demo: Home):
    engine = demo.engine()
    answers = [engine.predict(asked).answer for asked in decision_moments(DEMO, *WEEK)]
    points = [[reason.points for reason in answer.reasons] for answer in answers if answer is not None]
    assert all(abs(a) >= abs(b) for row in points for a, b in pairwise(row))
    assert any(point > 0 for row in points for point in row)
    assert any(point < 0 for row in points for point in row)
    assert max(abs(point) for row in points for point in row) < 1.0


def test_a_version_of_three_classes_answers_with_three_probabilities_and_reasons_that_sum(
    home: Home, version: LoadedVersion
):
    home.registry.publish(MODEL, three_class_draft(version), now=NOW + timedelta(hours=1), who="test", why="three")
    engine = home.engine()
    for asked in list(decision_moments(DEMO, *WEEK))[:6]:
        row = engine.predict(asked)
        assert row.answer is not None, row.refusal
        assert set(row.answer.probabilities) == {"UP", "DOWN", "NONE"}
        assert sum(row.answer.probabilities.values()) == pytest.approx(1.0, abs=1e-12)
        told = row.answer.base + sum(reason.points for reason in row.answer.reasons)
        assert told == pytest.approx(row.answer.probabilities["UP"], abs=1e-9)
        assert len(row.answer.raw_score) == 3


def test_the_row_says_who_was_asked_what_and_when(demo: Home, version: LoadedVersion):
    asked = event()
    row = demo.engine().predict(asked, role="challenger", stage="advisory", replayed=True)
    assert (row.instrument, row.trading_day, row.orb, row.decided_at) == (
        "DEMO",
        "2023-05-10",
        "1000",
        datetime(2023, 5, 10, 0, 5, tzinfo=UTC),
    )
    assert (row.role, row.stage, row.replayed) == ("challenger", "advisory", True)
    assert (row.model, row.version, row.version_hash) == (MODEL, str(version.version), version.version_hash)
    assert row.prediction_id == asked.prediction_id(version.version_hash)
    assert row.max_input_time is not None
    assert row.max_input_time <= row.decided_at
    assert len(row.features) == len(version.schema.names)
    assert row.baseline_prob_up == row.features[version.schema.names.index("martingale_up")]


def test_two_engines_give_the_same_row_but_for_the_time_it_took(demo: Home):
    one, other = (said(demo.engine().predict(event())) for _ in range(2))
    assert one == other


def test_the_order_in_which_events_are_asked_changes_no_answer(demo: Home):
    forwards, backwards = demo.engine(), demo.engine()
    events = list(decision_moments(DEMO, date(2023, 5, 3), date(2023, 5, 4)))
    there = [forwards.predict(each) for each in events]
    back = [backwards.predict(each) for each in reversed(events)][::-1]
    assert [said(row) for row in there] == [said(row) for row in back]


# The two public calls


def test_the_directional_bias_of_named_features_is_what_the_event_was_answered(demo: Home, version: LoadedVersion):
    engine = demo.engine()
    row = engine.predict(event())
    assert row.answer is not None
    told = engine.predict_directional_bias(named(version, np.array(row.features)))
    assert told["prob_up"] == row.answer.probabilities["UP"]
    assert told["prob_down"] == row.answer.probabilities["DOWN"]
    assert told["prob_none"] == 0.0
    assert told["confidence"] == row.answer.confidence
    assert told["bias"] == row.answer.advice
    assert (told["model"], told["version"]) == (MODEL, str(version.version))


def test_the_order_of_named_features_does_not_matter(demo: Home, version: LoadedVersion):
    engine = demo.engine()
    features = named(version, np.array(engine.predict(event()).features))
    turned = dict(reversed(features.items()))
    assert engine.predict_directional_bias(turned) == engine.predict_directional_bias(features)


def test_a_recommendation_in_shadow_moves_no_risk_and_gives_its_reasons_in_words(demo: Home, version: LoadedVersion):
    engine = demo.engine()
    features = dict(named(version, np.array(engine.predict(event()).features)))
    told = engine.generate_trade_recommendation(features)
    assert told["risk_adjustment"] == 1.0
    assert told["confidence_level"] in ("high", "medium", "low")
    assert told["baseline_prob_up"] == features["martingale_up"]
    assert re.fullmatch(
        r"The model says \d+\.\d% up; a walk without drift from where the range closed says \d+\.\d%\.",
        told["reasoning"][0],
    )
    assert len(told["reasoning"]) == 5
    assert all(re.search(r": [+-]\d+\.\d points$", line) for line in told["reasoning"][1:])


def test_a_missing_input_is_called_missing_in_the_reasons(demo: Home, version: LoadedVersion):
    engine = demo.engine()
    features = dict(named(version, np.array(engine.predict(event()).features)))
    allowed = {column.name for column in version.schema.columns if column.missing == "allowed"}
    told = engine.generate_trade_recommendation(
        {name: math.nan if name in allowed else value for name, value in features.items()}
    )
    assert "nan" not in " ".join(told["reasoning"])


@pytest.mark.parametrize(
    ("confidence", "level"), [(0.5, "low"), (0.5499, "low"), (0.55, "medium"), (0.65, "high"), (1.0, "high")]
)
def test_the_confidence_level_begins_at_its_threshold(demo: Home, confidence: float, level: str):
    assert demo.engine().confidence_level(confidence) == level


def test_a_confidence_below_the_threshold_gives_no_advice(demo: Home):
    sure, unsure = (
        demo.engine(settings=EngineSettings(confidence_threshold=threshold)).predict(event()).answer
        for threshold in (0.5, 1.0)
    )
    assert sure is not None
    assert unsure is not None
    assert sure.advice == max(sure.probabilities, key=lambda name: sure.probabilities[name])
    assert unsure.advice == "NONE"
    assert sure.probabilities == unsure.probabilities


# Refusals


def test_without_a_registry_there_is_no_model(demo: Home, tmp_path: Path):
    refused = refusal(lambda: demo.engine(registry=ModelRegistry(tmp_path / "nowhere")).predict(event()))
    assert refused.code == "no_model"
    assert "hub train directional --instrument DEMO" in str(refused)


@pytest.mark.parametrize("which", ["challenger-1", "v_20200101_000000-00000"])
def test_a_name_that_points_at_nothing_is_no_model_and_not_a_damaged_one(demo: Home, which: str):
    assert refusal(lambda: demo.engine(which=which).predict(event())).code == "no_model"


@pytest.mark.parametrize("file", ["model.txt", "schema.json", "golden.json", "manifest.json", "calibrator.json"])
def test_a_damaged_file_is_named_and_nothing_is_answered(home: Home, version: LoadedVersion, file: str):
    path = home.folder / REGISTRY / MODEL / str(version.version) / file
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    refused = refusal(lambda: home.engine().predict(event()))
    assert refused.code == "damaged_model"
    assert file in str(refused)


def test_a_range_without_bars_and_an_unknown_range_are_no_range(demo: Home):
    christmas = replace(event(), trading_day=date(2023, 4, 7), decided_at=datetime(2023, 4, 7, 0, 5, tzinfo=UTC))
    refused = refusal(lambda: demo.engine().predict(christmas))  # Good Friday: the exchange is closed
    assert refused.code == "no_range"
    assert "newest stored bar" in str(refused)
    refused = refusal(lambda: demo.engine().predict(replace(event(), orb="1234")))
    assert refused.code == "no_range"
    assert "0900, 1000, 1100, 1800, 2300, 0030" in str(refused)


def test_bars_that_end_long_before_the_moment_are_stale(home: Home):
    asked = event()
    with home.store.market_write() as cursor:
        cursor.execute("DELETE FROM market.bars_1m WHERE ts >= ?::TIMESTAMPTZ - INTERVAL 3 MINUTE", [asked.decided_at])
    row = home.engine(settings=EngineSettings(stale_minutes=2)).predict(asked)
    assert row.refusal is not None
    assert row.answer is None
    assert row.refusal.code == "stale_bars"
    assert "closed at 2023-05-10 00:02Z, more than 2 minutes before 00:05Z" in row.refusal.reason
    assert home.engine(settings=EngineSettings(stale_minutes=3)).predict(asked).answer is not None


def test_history_that_is_too_short_is_missing_inputs_by_name(demo: Home, version: LoadedVersion):
    early = with_metadata(version, ranges=(DayRange("made up", date(2020, 1, 1), date(2020, 1, 2), 1),))
    row = demo.engine(registry=Shelf(early)).predict(event(str(FIRST_DAY + timedelta(days=2))))
    assert row.answer is None
    assert row.refusal is not None
    assert row.refusal.code == "missing_inputs"
    assert "atr_14" in row.refusal.reason
    assert any(math.isnan(value) for value in row.features)  # a missing number is NaN, never 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_required_number_that_is_none_is_refused_by_the_public_calls(
    demo: Home, version: LoadedVersion, value: float
):
    engine = demo.engine()
    features = {**named(version, np.array(engine.predict(event()).features)), "atr_14": value}
    for call in (engine.predict_directional_bias, engine.generate_trade_recommendation):
        refused = refusal(lambda call=call: call(features))
        assert refused.code == "missing_inputs"
        assert "atr_14" in str(refused)


def test_names_that_the_model_does_not_know_are_a_schema_mismatch(demo: Home, version: LoadedVersion):
    engine = demo.engine()
    features = dict(named(version, np.array(engine.predict(event()).features)))
    fewer = {name: value for name, value in features.items() if name != "weekday"}
    for wrong, told in ((fewer, "weekday"), ({**features, "moon": 1.0}, "moon"), ({}, "missing")):
        refused = refusal(lambda wrong=wrong: engine.predict_directional_bias(wrong))
        assert refused.code == "schema_mismatch"
        assert told in str(refused)


@pytest.mark.parametrize("value", [None, "0.5", True, [1.0]])
def test_what_is_not_a_number_is_a_schema_mismatch(demo: Home, version: LoadedVersion, value: object):
    engine = demo.engine()
    features = {**named(version, np.array(engine.predict(event()).features)), "weekday": value}
    refused = refusal(lambda: engine.predict_directional_bias(features))
    assert (refused.code, "weekday: expected a number" in str(refused)) == ("schema_mismatch", True)


def test_an_event_is_refused_when_the_features_have_other_names(demo: Home, version: LoadedVersion):
    row = demo.engine(registry=Shelf(renamed(version, "weekday", "day_of_the_week"))).predict(event())
    assert row.refusal is not None
    assert row.refusal.code == "schema_mismatch"
    assert "day_of_the_week" in row.refusal.reason


def test_an_event_is_refused_when_the_features_have_other_definitions(demo: Home, version: LoadedVersion):
    assert "feature_schema_hash" in version.metadata.extra, "what training writes and the engine reads is one name"
    changed = with_metadata(version, extra={**version.metadata.extra, "feature_schema_hash": "0" * 16})
    row = demo.engine(registry=Shelf(changed)).predict(event())
    assert row.refusal is not None
    assert (row.refusal.code, row.answer) == ("schema_mismatch", None)
    assert "other definitions" in row.refusal.reason


def test_a_version_answers_through_its_last_day_and_not_one_longer(demo: Home, version: LoadedVersion):
    shelf = Shelf(with_metadata(version, expires_on=date(2023, 5, 10)))
    assert demo.engine(registry=shelf).predict(event("2023-05-10")).answer is not None
    expired = demo.engine(registry=shelf).predict(event("2023-05-11"))
    assert expired.refusal is not None
    assert (expired.refusal.code, expired.answer) == ("expired_model", None)
    assert "2023-05-10" in expired.refusal.reason


def test_a_version_is_not_asked_about_days_it_was_trained_or_tested_on(demo: Home, version: LoadedVersion):
    last = max(days.last_day for days in version.metadata.ranges)
    assert last == date(2023, 4, 28)
    seen = demo.engine().predict(event("2023-04-28"))
    assert seen.refusal is not None
    assert (seen.refusal.code, seen.answer) == ("in_sample", None)
    assert demo.engine().predict(event("2023-05-01")).answer is not None


def test_a_version_that_does_not_say_what_it_saw_is_not_asked_at_all(demo: Home, version: LoadedVersion):
    row = demo.engine(registry=Shelf(with_metadata(version, ranges=()))).predict(event())
    assert row.refusal is not None
    assert row.refusal.code == "in_sample"


def test_a_refused_row_holds_no_probability_and_no_reason(demo: Home):
    row = demo.engine().predict(event("2023-04-28"))
    assert row.answer is None
    assert "0.0" not in repr(row.refusal)


def test_an_engine_is_not_asked_about_another_instrument(demo: Home):
    with pytest.raises(ValueError, match="MGC"):
        demo.engine().predict(replace(event(), instrument="MGC"))


def test_a_recipe_of_some_groups_makes_a_version_that_answers(home: Home):
    from ml_training.train_pipeline import train

    recipe = small_recipe()
    few = recipe.model_copy(
        update={"features": recipe.features.model_copy(update={"groups": ("indicators", "opening_range")})}
    )
    train(home.store, home.registry, DEMO, few, until=date(2023, 4, 28), now=NOW + timedelta(hours=1), who="test")
    engine = home.engine()
    row = engine.predict(event())
    assert row.answer is not None, row.refusal
    assert len(row.features) == len(row.answer.reasons) == len(engine.version().schema.names) < 40
    assert [group.name for group in asked_groups(engine.version())] == ["indicators", "opening_range"]
    full = home.engine(which=str(home.registry.versions(MODEL)[0].version)).predict(event())
    values = dict(zip((reason.feature for reason in full.answer.reasons), full.answer.reasons, strict=True))
    assert all(values[reason.feature].value == reason.value for reason in row.answer.reasons)


def test_history_that_is_not_built_is_said_and_not_guessed(tmp_path: Path, demo: Home):
    store = Store(tmp_path)
    ingest_bars(store, DEMO, [demo_table()], source_name="demo", now=NOW)
    engine = MLInferenceEngine(store, demo.registry, DEMO, model=MODEL, clock=demo.clock)
    with pytest.raises(NothingStored, match="Run hub build"):
        engine.predict(event())
    store.close()


# Cache


def test_the_same_object_comes_back_within_the_time_and_a_new_one_after_it(demo: Home):
    engine = demo.engine(settings=EngineSettings(cache_seconds=300.0))
    demo.clock.at = NOW
    first = engine.predict(event())
    demo.clock.at = NOW + timedelta(seconds=299.9)
    assert engine.predict(event()) is first
    demo.clock.at = NOW + timedelta(seconds=300)
    again = engine.predict(event())
    assert again is not first
    assert said(again) == said(first)
    demo.clock.at = NOW


def test_a_cache_of_no_seconds_keeps_nothing(demo: Home):
    engine = demo.engine(settings=EngineSettings(cache_seconds=0.0))
    assert engine.predict(event()) is not engine.predict(event())


def test_another_role_or_a_live_question_is_not_answered_with_the_replayed_row(demo: Home):
    engine = demo.engine()
    replayed = engine.predict(event(), replayed=True)
    assert engine.predict(event(), replayed=False).replayed is False
    assert engine.predict(event(), role="challenger", replayed=True).role == "challenger"
    assert engine.predict(event(), replayed=True) is replayed


def test_a_new_version_answers_at_once(home: Home, version: LoadedVersion):
    engine = home.engine()
    first = engine.predict(event())
    made = home.registry.publish(MODEL, three_class_draft(version), now=NOW + timedelta(hours=1), who="t", why="new")
    second = engine.predict(event())
    assert (first.version, second.version) == (str(version.version), str(made))
    assert first.prediction_id != second.prediction_id


def test_changed_bars_are_seen_at_once_and_bars_after_the_moment_change_nothing(home: Home):
    engine = home.engine()
    first = engine.predict(event())

    def shift(when: str, ticks: float) -> None:
        with home.store.market_write() as cursor:
            cursor.execute(
                "UPDATE market.bars_1m SET close = close + ?, high = high + ? WHERE contract = ? AND ts = ?",
                [ticks, ticks, first.contract, when],
            )

    shift("2023-05-10T00:05:00Z", 5.0)  # the first bar after the moment
    later = engine.predict(event())
    assert later is not first
    assert said(later) == said(first)
    shift("2023-05-10T00:04:00Z", 5.0)  # the last bar before it
    assert engine.predict(event()).data_hash != first.data_hash
    assert engine.predict(event()).features != first.features


def test_the_hash_of_the_bars_covers_the_contract_before_the_last_roll(home: Home):
    with home.store.market() as cursor:
        days = cursor.execute(
            "SELECT trading_day, contract FROM market.contract_days WHERE rolled AND trading_day < '2023-05-25' "
            "ORDER BY 1 DESC LIMIT 1"
        ).fetchall()
        (rolled, contract) = days[0]
        old = cursor.execute(
            "SELECT contract FROM market.contract_days WHERE trading_day < ? ORDER BY trading_day DESC LIMIT 1",
            [rolled],
        ).fetchall()[0][0]
    asked = event((rolled + timedelta(days=7)).isoformat())
    engine = home.engine(which="latest")
    before = engine.view(asked.trading_day, asked.orb, asked.decided_at)
    assert before.contract == contract != old
    with home.store.market_write() as cursor:
        cursor.execute(
            "UPDATE market.bars_1m SET volume = volume + 1 WHERE contract = ? AND ts = (SELECT max(ts) FROM "
            "market.bars_1m WHERE contract = ? AND ts < ?)",
            [old, old, datetime.combine(rolled, datetime.min.time(), UTC) - timedelta(days=5)],
        )
    after = engine.view(asked.trading_day, asked.orb, asked.decided_at)
    assert after.data_hash != before.data_hash
