import math
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from app_pages.panels.forecast_axis import ForecastAxis, Verdict
from app_pages.panels.reasons import Reason
from app_pages.panels.strip import Cell
from app_pages.today_card import (
    Record,
    agreement,
    axis,
    figures,
    legend,
    reasons_title,
    record_before,
    shown_reasons,
    skill_sentence,
    stored_sentence,
    unasked_sentence,
    verdict,
)
from app_pages.today_said import Said, said_of_day
from app_pages.today_view import DayStop
from ml_models.intervals import Estimate
from tests.app_pages.today_values import BRISBANE, OPEN, READY, WAITING, at, today
from tests.ml_monitoring.journal_tables import Row, journal, on_days
from trading.domain.prediction import Reason as InputShare
from trading.domain.trade_rule import TradeRule
from trading.settings import AccountSettings

SAID = Said(
    prediction_id="p1",
    orb="2300",
    version="v_20250101_000000-aaaaa",
    stage="shadow",
    decided_at=at("13:05"),
    logged_at=at("13:05").replace(second=4),
    replayed=False,
    chance=0.451,
    walk=0.449,
    confidence=0.549,
    advice="NONE",
    base=0.505,
    refusal=None,
)
RECORD = Record(
    reasons=(),
    like=Estimate(0.608, 0.45, 0.746, n=51, n_effective=42.1, days=30),
    net_r=Estimate(-0.11, -0.39, 0.17, n=51, n_effective=42.1, days=30),
    skill=Estimate(-0.0145, -0.0309, 0.0024, n=255, n_effective=255.0, days=43),
)
UNKNOWN = Estimate(0.5, math.nan, math.nan, n=3, n_effective=math.nan, days=2)
NEW = Record((), UNKNOWN, UNKNOWN, UNKNOWN)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.0309, 0.0024, Verdict("◆", "No measurable edge", "muted")),
        (0.001, 0.02, Verdict("▲", "Better than the martingale", "up")),
        (-0.02, -0.001, Verdict("▼", "Worse than the martingale", "down")),
        (math.nan, math.nan, Verdict("…", "Too few outcomes to say", "muted")),
    ],
)
def test_the_verdict_comes_from_the_measured_skill_alone(low: float, high: float, said: Verdict):
    assert verdict(replace(RECORD, skill=Estimate((low + high) / 2, low, high, 255, 255.0, 43))) == said


def test_every_figure_says_what_it_lies_on():
    assert skill_sentence(RECORD) == (
        "Skill over the martingale −0.0145 nats (−0.0309 to +0.0024), n 255 on 43 days, worth 255"
    )
    assert "━ what the 51 most like it came to: <b>60.8%</b> (45.0 to 74.6), 30 days, worth 42" in legend(RECORD)


def test_with_too_few_outcomes_the_card_says_how_many_there_are():
    assert skill_sentence(NEW) == "Against the martingale: 3 outcomes on 2 days, too few for an interval."
    assert "only 3 like it have an outcome" in legend(NEW)
    one = replace(NEW, skill=replace(NEW.skill, n=1, days=1))
    assert skill_sentence(one) == "Against the martingale: 1 outcome on 1 day, too few for an interval."
    assert axis(SAID, NEW).came_to is None
    assert figures(today(), OPEN, NEW, AccountSettings())[0] == Cell("Expected, n 3", "–", "too few")


def test_the_axis_sets_the_forecast_beside_the_martingale_and_what_such_forecasts_came_to():
    assert axis(SAID, RECORD) == ForecastAxis(
        forecast=0.451,
        break_even=0.449,
        count=51,
        came_to=0.608,
        low=0.45,
        high=0.746,
        event="the break is up",
        line="martingale",
    )


def test_size_follows_from_the_risk_of_one_lot_and_its_costs():
    """3.5 points of 10 USD; a lost lot costs 1.50 USD commission and two ticks of 1 USD besides."""
    assert figures(today(), OPEN, RECORD, AccountSettings(risk_per_trade=100)) == [
        Cell("Expected, n 51", "−0.11R net", "−0.39 to +0.17"),
        Cell("Risk, 1R", "35 USD", "3.5 pts a lot"),
        Cell("Size, 100 USD", "2 lots", "77 USD at risk"),
    ]
    assert figures(today(), OPEN, RECORD, AccountSettings(risk_per_trade=38.5))[2].value == "1 lot"
    assert figures(today(), OPEN, RECORD, AccountSettings(risk_per_trade=38))[2] == Cell(
        "Size, 38 USD", "0 lots", "one risks 38"
    )


def test_what_is_measured_on_the_plain_rule_is_called_so_under_another_rule():
    assert (
        figures(today(rule=TradeRule("half", 2.0, "day")), OPEN, RECORD, AccountSettings())[0].label
        == "Plain rule, n 51"
    )


def test_before_the_break_the_risk_is_that_of_an_entry_one_tick_outside():
    assert figures(today(), READY, RECORD, AccountSettings())[1] == Cell("Risk, 1R", "31 USD", "about 3.1 pts a lot")
    assert figures(today(), WAITING, RECORD, AccountSettings())[1:] == [Cell("Risk, 1R", "–"), Cell("Size", "–")]


def test_the_largest_reasons_are_told_in_words_and_the_rest_as_one():
    shares = (
        InputShare("martingale_up", 0.449, "probability", -0.0195),
        InputShare("range_size", 30.0, "ticks", 0.0100),
        InputShare("return_5m", -0.0255, "ATR", -0.0057),
        InputShare("last_rsi", math.nan, "0 to 100", 0.0049),
        InputShare("weekday", 0.0, "0 = Monday", -0.0020),
        InputShare("month", 3.0, "1 to 12", -0.0010),
    )
    assert shown_reasons(replace(RECORD, reasons=shares), today()) == [
        Reason("Martingale up", "44.9%", -1.95),
        Reason("Range size", "3.0 pts", 1.0),
        Reason("Return 5m", "−0.03 ATR", pytest.approx(-0.57)),  # type: ignore[arg-type]
        Reason("Last rsi", "missing", pytest.approx(0.49)),  # type: ignore[arg-type]
        Reason("2 other inputs", "together", pytest.approx(-0.3)),  # type: ignore[arg-type]
    ]
    assert reasons_title(SAID) == "Why, in points of probability from 50.5%"


def test_model_and_rules_agree_or_differ_once_there_is_a_break():
    assert agreement(SAID, OPEN) == "Model down 54.9%, rules short: ✓ agree"
    assert agreement(replace(SAID, chance=0.7, confidence=0.7), OPEN) == "Model up 70.0%, rules short: ✕ differ"
    assert agreement(SAID, READY) == "Model down 54.9%, the rules wait for the break"


def test_after_the_stop_of_the_day_the_card_names_no_lot_and_no_agreement_but_for_what_was_held():
    stopped = today(stop=DayStop(at("13:00"), 3.0))
    none = Cell("Size, 100 USD", "0 lots", "stopped for the day")
    after = replace(OPEN, after_stop=True)
    assert figures(stopped, after, RECORD, AccountSettings(risk_per_trade=100))[2] == none
    assert figures(stopped, READY, RECORD, AccountSettings(risk_per_trade=100))[2] == none
    assert figures(stopped, OPEN, RECORD, AccountSettings(risk_per_trade=100))[2].value == "2 lots"
    assert agreement(SAID, after) == "Model down 54.9%; it broke after the day's stop: the rules enter nothing"


def test_it_is_told_when_a_forecast_was_stored_and_whether_by_a_replay():
    assert stored_sentence(SAID, BRISBANE, 0.55) == (
        "Confidence below 55%: no advice. Stored 23:05:04 AEST, 4 s after the range · v_20250101_000000-aaaaa"
    )
    assert stored_sentence(replace(SAID, replayed=True, advice="UP"), BRISBANE, 0.55) == (
        "Confidence at least 55%. Stored by replay, from bars up to 23:05 AEST · v_20250101_000000-aaaaa"
    )


@pytest.mark.parametrize(
    ("each", "why", "said"),
    [
        (WAITING, None, "No forecast yet: it is made when the range is complete, 00:35 AEST."),
        (replace(WAITING, state="void"), None, "No forecast: the 00:30 range has no bars."),
        (replace(WAITING, state="flat"), None, "No forecast: the 00:30 range has no size."),
        (OPEN, "Nothing is published yet.", "No forecast: Nothing is published yet."),
        (OPEN, None, "No forecast: none was stored for this range. `hub shadow` asks the model at every range."),
    ],
)
def test_no_forecast_says_why(each: object, why: str | None, said: str):
    assert unasked_sentence(each, BRISBANE, why) == said  # type: ignore[arg-type]


def forecasts(days: int) -> pa.Table:
    """Two forecasts a day of January 2025, P(UP) 0.7 and 0.3; every break was upwards."""
    return journal(*on_days(days, Row(up=0.7, base=0.5), Row(orb="1000", up=0.3, base=0.5)))


def test_forecasts_like_one_are_the_nearest_fifth_by_their_probability():
    record = record_before(forecasts(20), replace(SAID, chance=0.68, decided_at=datetime(2025, 3, 3, tzinfo=UTC)), ())
    assert (record.like.value, record.like.n, record.like.days) == (1.0, 8, 8)
    assert (record.net_r.value, record.net_r.n) == (0.9, 8)
    assert record.skill.n == 40
    assert record.skill.value == pytest.approx((math.log(0.7 / 0.5) + math.log(0.3 / 0.5)) / 2)


def test_only_forecasts_made_before_it_by_the_same_version_count():
    early = replace(SAID, decided_at=datetime(2025, 1, 3, tzinfo=UTC))
    assert record_before(forecasts(20), early, ()).skill.n == 4
    assert record_before(forecasts(20), replace(SAID, version="v_20260101_000000-bbbbb"), ()).skill.n == 0


def test_of_two_versions_the_newer_one_is_shown():
    rows = [
        Row(orb="0900", up=0.6),
        Row(orb="0900", up=0.4, version="v_20250202_000000-bbbbb"),
        Row(orb="1000", up=0.3),
    ]
    table = journal(*rows).append_column("confidence", pa.array([0.6, 0.6, 0.7]))
    for name in ("logged_at", "base_prob_up"):
        kind = pa.timestamp("us", tz="UTC") if name == "logged_at" else pa.float64()
        table = table.append_column(name, pa.nulls(3, kind))
    assert [(said.orb, said.chance) for said in said_of_day(table)] == [("0900", 0.4), ("1000", 0.3)]
