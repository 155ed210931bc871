"""How each code reads: literal facts in, the reading out."""

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from ml_data.breaker_log import BreakerEvent
from ml_monitoring.breaker import CALIBRATION, MISSING, STALE
from ml_monitoring.breaker_readings import (
    Feed,
    calibration_lost,
    damaged_model,
    drawdown,
    expired_model,
    fall_by_chance,
    missing_features,
    stale_data,
)
from ml_monitoring.judged import judged_of
from tests.ml_models.drafts import metadata
from tests.ml_monitoring.journal_tables import Row, journal, on_days
from tests.ml_monitoring.live_journals import rows
from trading.settings import BreakerSettings

SETTINGS = BreakerSettings()
AT = datetime(2025, 6, 2, 12, tzinfo=UTC)


def event(code: str, kind: str, at: datetime = AT) -> BreakerEvent:
    return BreakerEvent("MGC", "directional-MGC", "v", code, kind, "", 0.0, 0.0, "", at, "hub", "")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("feed", "state"),
    [
        (Feed(AT, 30, True), "within"),
        (Feed(AT, 31, True), "over"),
        (Feed(AT, 31, False), "cannot tell"),
        (Feed(None, 0, True), "unreadable"),
    ],
)
def test_data_are_stale_when_the_market_was_open_for_longer_than_the_line(feed: Feed, state: str):
    assert stale_data(feed, None, SETTINGS).state == state


@pytest.mark.parametrize(("minutes", "missed", "recovered"), [(14, 1, False), (15, 1, True), (15, 31, False)])
def test_stale_data_recover_when_bars_have_come_for_long_enough(minutes: int, missed: int, recovered: bool):
    recovering = event(STALE, "recovering")
    newest = AT + timedelta(minutes=minutes)
    assert stale_data(Feed(newest, missed, True), recovering, SETTINGS).recovered == recovered
    assert not stale_data(Feed(newest, missed, True), event(STALE, "trip"), SETTINGS).recovered


@pytest.mark.parametrize(
    ("expires", "state", "past"), [(None, "within", 0), (date(2025, 6, 2), "within", 0), (date(2025, 6, 1), "over", 1)]
)
def test_a_version_expires_the_day_after_its_last(expires: date | None, state: str, past: int):
    found = expired_model("v", metadata(expires_on=expires), date(2025, 6, 2))
    assert (found.state, found.value) == (state, past)


@pytest.mark.parametrize(
    ("extra", "command"),
    [
        ({}, "hub train directional --instrument DEMO"),
        ({"recipe": {"rule": "half-rr2-session"}}, "hub train directional --instrument DEMO --rule half-rr2-session"),
    ],
)
def test_an_expired_version_names_the_command_that_trains_another(extra: dict[str, Any], command: str):
    found = expired_model("v_1", metadata(expires_on=date(2025, 6, 1), extra=extra), date(2025, 6, 2))
    assert found.sentence == f"v_1 expired: it might answer until 2025-06-01. Train a new one: {command}."


def test_a_damaged_version_says_what_is_wrong():
    assert damaged_model("v", ["model.txt: 3 bytes more"]).sentence == "v is damaged: model.txt: 3 bytes more"
    assert damaged_model("v", []).state == "within"


def test_forecasts_without_inputs_are_counted_and_other_refusals_are_not():
    lacking, other = "missing_inputs", "too_late"
    assert missing_features([lacking, None, other, lacking, None], None, SETTINGS).state == "within"
    assert missing_features([lacking, None, lacking, lacking], None, SETTINGS).state == "over"
    assert missing_features([*[None] * 10, *[lacking] * 9], None, SETTINGS).value == 0


@pytest.mark.parametrize(
    ("after", "recovered"), [([None] * 9, False), ([None] * 10, True), ([None, "stale_bars", *[None] * 9], False)]
)
def test_missing_inputs_recover_after_whole_forecasts_in_a_row(after: list[str | None], recovered: bool):
    found = missing_features(after, event(MISSING, "recovering"), SETTINGS)
    assert (found.state, found.recovered) == ("within", recovered)


def test_calibration_is_looked_at_through_whole_blocks_of_days():
    right, wrong = (judged_of(journal(*rows(40, share, seed=5))) for share in (0.65, 0.35))
    assert calibration_lost(right, SETTINGS).state == "within"
    assert calibration_lost(wrong, SETTINGS).state == "over"
    few = calibration_lost(judged_of(journal(*rows(29, 0.35))), SETTINGS)
    assert (few.code, few.state) == (CALIBRATION, "cannot tell")
    day_more = judged_of(journal(*rows(40, 0.65, seed=5), Row(day="2025-02-20", actual="DOWN", up=0.99)))
    assert calibration_lost(day_more, SETTINGS).value == calibration_lost(right, SETTINGS).value


def test_the_drawdown_is_of_advised_trades_from_their_peak():
    won = Row(r_net=1.0, r_advised=1.0)
    lost, unadvised = replace(won, r_net=-1.0, r_advised=-1.0), replace(won, advice="NONE", r_advised=-9.0)
    live = judged_of(journal(won, lost, lost, unadvised, lost))
    found = drawdown(live, live, BreakerSettings(max_drawdown_r=2.5))
    assert (found.state, found.value) == ("over", 3.0)
    assert drawdown(live, live, BreakerSettings(max_drawdown_r=3.0)).state == "within"
    assert "20 own days are needed" in found.sentence


def test_an_advised_trade_without_a_result_cannot_be_read():
    live = judged_of(journal(Row(), Row(r_net=None, r_advised=None)))
    assert drawdown(live, live, SETTINGS).state == "unreadable"


def test_the_chance_of_a_fall_without_cause_is_that_of_days_with_mean_zero():
    days = np.repeat(np.datetime64("2025-01-01") + np.arange(40), 2)
    values = np.tile([1.0, 1.0, -1.0, -1.0], 20)  # whole days of +2 and -2: a walk of 90 steps of 2
    assert fall_by_chance(values, days, 1.9) == 1.0
    # The fall of a walk from its peak is the largest |W| of Brownian motion: P(max > x) over 90 steps of 2
    reach = 40 / (2 * math.sqrt(90))
    exact = sum((-1) ** k * math.erfc((2 * k + 1) * reach / math.sqrt(2)) for k in range(9)) * 2
    assert fall_by_chance(values, days, 40.0) == pytest.approx(exact, abs=0.03)
    assert fall_by_chance(values + 5.0, days, 40.0) == fall_by_chance(values, days, 40.0)
    assert math.isnan(fall_by_chance(values[:20], days[:20], 1.0))


def test_days_of_a_journal_are_drawn_whole():
    judged = judged_of(
        journal(*on_days(25, Row(r_net=1.0, r_advised=1.0), Row(orb="1000", r_net=-1.0, r_advised=-1.0)))
    )
    assert "in 0 of 100 draws" in drawdown(judged, judged, BreakerSettings(max_drawdown_r=0.5)).sentence
