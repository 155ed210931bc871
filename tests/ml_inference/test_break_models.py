"""A model of a break's trade through every layer: trained, asked, written down, settled, made again, judged."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from ml_data.journal import judged_predictions, prediction
from ml_inference.answers import AdviceRule, answer_of
from ml_inference.engine_settings import EngineSettings
from ml_inference.questions import asked_features
from ml_inference.replay_audit import audit_replay
from ml_inference.shadow import break_moments
from ml_models.metadata import DayRange
from ml_monitoring.judged import judged_of
from ml_monitoring.outcome_logger import settle
from ml_monitoring.report import describe, health_report
from tests.hub_home import BREAK_DAYS, DEMO, NOW, Home, copied, using
from trading.domain.label import NET_R, TARGET_FIRST
from trading.domain.trade_rule import rule_named
from trading.domain.walks import break_even, walk_columns, walk_inputs
from trading.errors import NothingStored, Refused

MODEL = "entry_quality-DEMO-full-rr1-day"
RULE = rule_named("full-rr1-day")
DAYS = tuple(date.fromisoformat(day) for day in BREAK_DAYS)


@pytest.fixture(scope="module")
def opened(break_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with using(copied(break_home, tmp_path_factory.mktemp("opened") / "home")) as made:
        yield made


def rows(opened: Home) -> list[dict[str, object]]:
    return judged_predictions(opened.store, model=MODEL).to_pylist()


def test_every_break_of_the_days_was_asked_about_when_the_bar_that_broke_had_closed(opened: Home):
    moments = break_moments(opened.store, DEMO, *DAYS)
    logged = rows(opened)
    assert len(logged) == len(moments) > 20
    assert [row["decided_at"] for row in logged] == [event.decided_at for event in moments]
    assert {(row["kind"], row["label"], row["rule"]) for row in logged} == {
        ("break_closed", "target_first", "full-rr1-day")
    }
    assert all(row["max_input_time"] <= row["decided_at"] for row in logged)


def test_what_was_said_of_a_break_adds_up(opened: Home):
    version = opened.registry.load(MODEL)
    for row in rows(opened)[::9]:
        full = prediction(opened.store, str(row["prediction_id"]))
        assert full is not None
        assert full["prob_win"] + full["prob_miss"] == pytest.approx(1.0)
        assert (full["prob_up"], full["baseline_prob_up"], full["base_prob_up"]) == (None, None, None)
        assert full["base_value"] + sum(full["reasons"]) == pytest.approx(full["prob_win"], abs=1e-9)
        values = np.array([full["features"]])
        names = asked_features(version)
        assert (
            full["baselines"] == walk_columns(TARGET_FIRST, RULE, DEMO.costs.slippage_ticks, names, values)[0].tolist()
        )
        needed = break_even(TARGET_FIRST, RULE, DEMO.costs.slippage_ticks, names, values)[0]
        assert full["advice"] == ("TAKE" if full["prob_win"] >= needed else "SKIP")


def test_the_outcomes_are_those_of_the_trades_that_were_built(opened: Home):
    with opened.store.market() as cursor:
        trades = cursor.execute(
            "SELECT trading_day, orb, result, r_net, exited_at FROM market.orb_trades WHERE rule = 'full-rr1-day'"
        ).fetchall()
    by_range = {(day, orb): (result, r_net) for day, orb, result, r_net, _ in trades}
    settled = [row for row in rows(opened) if row["state"] == "matured"]
    assert len(settled) > 20
    for row in settled:
        result, r_net = by_range[row["trading_day"], row["orb"]]
        assert (row["actual"], row["r_net"]) == ("WIN" if result == "win" else "MISS", r_net)
        assert row["r_net_advised"] == (r_net if row["advice"] == "TAKE" else 0.0)
        assert row["known_at"] > row["decided_at"]


def test_every_prediction_of_every_family_comes_out_bit_for_bit(opened: Home):
    report = audit_replay(opened.store, opened.registry, DEMO, settings=EngineSettings())
    assert report.passed, [str(each) for each in report.mismatches[:3]]
    assert report.predictions == judged_predictions(opened.store).num_rows


@pytest.mark.parametrize("column", ["prob_win", "base_value", "baselines", "rule", "advice"])
def test_a_prediction_that_was_tampered_with_is_named(break_home: Path, tmp_path: Path, column: str):
    changed = {"baselines": "[0.4]", "rule": "'half-rr1-day'", "advice": "'MAYBE'"}.get(column, "0.123")
    with using(copied(break_home, tmp_path / "home")) as home:
        one = str(rows(home)[7]["prediction_id"])
        with home.store.journal_write() as cursor:
            cursor.execute(f"DELETE FROM journal.ml_predictions WHERE prediction_id <> '{one}'")
            cursor.execute(f"UPDATE journal.ml_predictions SET {column} = {changed}")
        report = audit_replay(home.store, home.registry, DEMO, settings=EngineSettings())
    assert {(each.prediction_id, each.what) for each in report.mismatches} == {(one, column)}


NUMBERS = "r_multiple-DEMO-full-rr1-day"


def test_numbers_are_logged_with_their_names_and_add_up(opened: Home):
    version = opened.registry.load(NUMBERS)
    logged = judged_predictions(opened.store, model=NUMBERS).to_pylist()
    assert len(logged) == len(rows(opened))
    for row in logged[::9]:
        full = prediction(opened.store, str(row["prediction_id"]))
        assert full is not None
        assert tuple(full["outputs"]) == version.schema.outputs
        named = dict(zip(full["outputs"], full["quantiles"], strict=True))
        assert named["r_mean"] == full["expected_r"]
        assert full["base_value"] + sum(full["reasons"]) == pytest.approx(full["expected_r"], abs=1e-9)
        rising = [named[name] for name in ("r_q05", "r_q25", "r_q50", "r_q75", "r_q95")]
        assert rising == sorted(rising)
        walk = walk_columns(
            NET_R, RULE, DEMO.costs.slippage_ticks, asked_features(version), np.array([full["features"]])
        )
        assert full["baselines"] == walk[0].tolist()
        assert full["raw_score"][0] + walk[0, 0] == full["expected_r"]
        assert full["interval_low"] < full["expected_r"] < full["interval_high"]
        assert full["advice"] == ("TAKE" if full["expected_r"] > 0 else "SKIP")
        assert (full["prob_win"], full["confidence"]) == (None, None)
    settled = [row for row in logged if row["state"] == "matured"]
    assert settled
    assert all(row["actual_values"] == [row["r_net"]] and row["actual"] is None for row in settled)


def test_numbers_are_judged_against_the_mean_so_far_and_zero_before_costs(opened: Home):
    report = health_report(opened.store, instrument="DEMO", model=NUMBERS)
    assert report.performance is not None
    assert set(report.performance.baseline_scores) == {"mean", "zero before costs"}
    assert report.coverage is not None
    assert report.coverage.level == pytest.approx(0.9)
    assert report.calibration is None
    judged = judged_of(judged_predictions(opened.store, model=NUMBERS))
    assert judged.numbers is not None
    first = judged.numbers.baselines["mean"][0, 0]
    assert first == judged.numbers.baselines["zero before costs"][0, 0]  # nothing was known yet
    text = "\n".join(describe(report))
    assert "Coverage (" in text
    assert "squared error less by" in text


def test_how_far_the_price_travels_is_logged_settled_and_judged(opened: Home):
    logged = judged_predictions(opened.store, model="range_ahead-DEMO").to_pylist()
    assert len(logged) > 20
    assert {(row["kind"], row["label"], row["advice"], row["expected_r"]) for row in logged} == {
        ("orb_complete", "range_ahead", "NONE", None)
    }
    settled = [row for row in logged if row["state"] == "matured"]
    for row in settled:
        travel, rise, fall = np.exp(row["actual_values"])
        assert max(rise, fall) <= travel <= rise + fall
        assert (row["known_at"] - row["decided_at"]).total_seconds() == 4 * 3600
        assert row["r_net"] is None
    report = health_report(opened.store, instrument="DEMO", model="range_ahead-DEMO")
    assert report.performance is not None
    assert set(report.performance.baseline_scores) == {"mean", "20-day mean", "ATR-scaled"}
    assert {"r2_range", "r2_rise", "r2_fall", "coverage_range"} <= set(report.performance.scores)
    assert report.worth is None


BLEND = "orb_ensemble-DEMO-full-rr1-day"


@pytest.mark.parametrize(("beyond", "advice", "size"), [(-0.3, "SKIP", 0.0), (0.05, "TAKE", 0.25), (0.9, "TAKE", 1.0)])
def test_the_size_grows_with_the_expected_r_and_is_nothing_below_zero(
    opened: Home, beyond: float, advice: str, size: float
):
    version = opened.registry.load(BLEND)
    row = version.golden.rows[:1]
    walk = beyond - version.predict(row)[:, :1]
    answer = answer_of(version, row, walk, AdviceRule(0.55, DEMO.costs.slippage_ticks))
    assert answer.expected == pytest.approx(beyond)
    assert (answer.advice, answer.size) == (advice, pytest.approx(size))


def test_a_blend_is_logged_with_its_size_and_advised_r_counts_it(break_home: Path, tmp_path: Path):
    with using(copied(break_home, tmp_path / "home")) as home:
        logged = judged_predictions(home.store, model=BLEND).to_pylist()
        assert logged
        assert {(row["advice"], row["advised_size"], row["r_net_advised"]) for row in logged} == {("SKIP", 0.0, 0.0)}
        one = next(row for row in logged if row["state"] == "matured")
        with home.store.journal_write() as cursor:
            cursor.execute("DELETE FROM journal.ml_outcomes")
            cursor.execute(
                "UPDATE journal.ml_predictions SET advice = 'TAKE', advised_size = 0.5 WHERE prediction_id = ?",
                [one["prediction_id"]],
            )
        settle(home.store, DEMO, now=NOW)
        again = {row["prediction_id"]: row for row in judged_predictions(home.store, model=BLEND).to_pylist()}
    found = again[one["prediction_id"]]
    assert found["r_net"] == one["r_net"]
    assert found["r_net_advised"] == 0.5 * one["r_net"]


def test_asking_again_adds_nothing(opened: Home):
    again = opened.replay(*BREAK_DAYS, model=MODEL)
    assert (again.logged, again.known_before) == (0, len(rows(opened)))


def test_a_moment_at_which_nothing_broke_is_not_asked_about(opened: Home):
    event = break_moments(opened.store, DEMO, *DAYS)[3]
    wrong = replace(event, orb="0900" if event.orb != "0900" else "1000")
    with pytest.raises(Refused) as refused:
        opened.engine(model=MODEL).predict(wrong)
    assert refused.value.code == "no_break"


def test_moments_of_breaks_need_a_history_of_all_bars(break_home: Path, tmp_path: Path):
    with using(copied(break_home, tmp_path / "home")) as home:
        with home.store.market_write() as cursor:
            cursor.execute("UPDATE market.history_state SET built_through = built_through - INTERVAL 1 DAY")
        with pytest.raises(NothingStored, match="hub build --instrument DEMO"):
            break_moments(home.store, DEMO, *DAYS)


def test_the_report_judges_wins_against_the_base_rate_and_the_fair_game(opened: Home):
    report = health_report(opened.store, instrument="DEMO", model=MODEL)
    assert report.performance is not None
    assert set(report.performance.baseline_scores) == {"majority", "fair game"}
    assert report.judged.classes == ("WIN", "MISS")
    text = "\n".join(describe(report))
    assert "fair game" in text
    assert "martingale" not in text
    judged = judged_of(judged_predictions(opened.store, model=MODEL))
    assert np.allclose(judged.baselines["fair game"].sum(axis=1), 1.0)


def test_the_version_says_its_question_its_rule_and_how_to_make_it_again(opened: Home):
    version = opened.registry.load(MODEL)
    assert (version.schema.label, version.schema.rule, version.schema.classes) == (
        "target_first",
        "full-rr1-day",
        ("WIN", "MISS"),
    )
    assert version.metadata.command == (
        "hub train entry_quality --instrument DEMO --rule full-rr1-day --until 2023-04-28"
    )
    card = (opened.registry.root / MODEL / version.version / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "| score | model | majority | fair game |" in card
    assert "WIN is the target before the stop" in card
    metrics = json.loads((opened.registry.root / MODEL / version.version / "metrics.json").read_text())
    assert {"folds", "untouched", "walk_forward", "calibration", "selective", "trials"} <= set(metrics)


def test_a_direction_is_not_asked_of_a_model_of_trades(opened: Home):
    with pytest.raises(Refused, match="answers target_first, not a direction"):
        opened.engine(model=MODEL).predict_directional_bias({})


def test_a_rule_of_sessions_refuses_breaks_after_its_session(opened: Home, monkeypatch: pytest.MonkeyPatch):
    assert walk_inputs(TARGET_FIRST, rule_named("full-rr1-session"))[1] == "session_left"
    version = opened.registry.load(MODEL)
    before = DayRange("learned from", date(2023, 1, 3), date(2023, 1, 4), 10)
    by_session = replace(
        version,
        schema=replace(version.schema, rule="full-rr1-session"),
        metadata=replace(version.metadata, ranges=(before,)),
    )

    class Shelf:
        def models(self) -> tuple[str, ...]:
            return (MODEL,)

        def load(self, model: str, which: str = "latest") -> object:
            return by_session

    event = break_moments(opened.store, DEMO, *DAYS)[5]
    engine = opened.engine(model=MODEL, registry=Shelf())
    assert engine.predict(event).refusal is None
    seen = engine.view(event.trading_day, event.orb, event.decided_at, event.kind)
    late = seen.features.copy()
    late[seen.names.index("session_left")] = -0.01
    monkeypatch.setattr(engine, "view", lambda *_: replace(seen, features=late))
    refusal = engine.predict(event, role="challenger").refusal  # another role, or the kept answer would come back
    assert refusal is not None
    assert (refusal.code, "full-rr1-session trades no more" in refusal.reason) == ("too_late", True)
