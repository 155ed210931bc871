"""What a trader is told, word for word: prices to the tick, times with their zone, nothing before it was known."""

from datetime import date, datetime, timedelta
from typing import Any

from ml_monitoring import alert_facts
from ml_monitoring.alerts import messages_of_day
from trading.alert_settings import AlertSettings
from trading.domain.alert import Fact
from trading.domain.instrument import read_instrument
from trading.settings import SHIPPED_INSTRUMENTS

MGC = read_instrument(SHIPPED_INSTRUMENTS / "MGC.toml")
ZONE = "Australia/Brisbane"
DAY = date(2025, 6, 3)
ALL = AlertSettings()
MODEL = {"model": "directional-MGC", "version": "v_20250501_000000-abcde"}


def at(clock: str, day: str = "2025-06-03") -> datetime:
    """The instant of a UTC wall clock."""
    return datetime.fromisoformat(f"{day}T{clock}+00:00")


RANGE: dict[str, Any] = {
    "trading_day": DAY, "orb": "1000", "ends_at": at("00:05"), "high": 3414.2, "low": 3409.9, "size": 4.3,
    "bars": 5, "expected_bars": 5, "broke_at": at("00:05"), "break_direction": "DOWN", "entry": 3406.9, "stop": 3414.2,
    "target": 3399.6, "exited_at": at("00:41"), "exit_price": 3399.6, "result": "win", "r_net": 0.965753,
}  # fmt: skip
FORECAST: dict[str, Any] = {
    **MODEL, "prediction_id": "p", "kind": "orb_complete", "trading_day": DAY, "orb": "1000", "stage": "shadow",
    "decided_at": at("00:05"), "logged_at": at("00:05:01"), "label": None, "rule": None, "prob_up": 0.1124,
    "baseline_prob_up": 0.0921, "prob_win": None, "baselines": None, "outputs": None, "quantiles": None,
    "interval_low": None, "interval_high": None, "advice": "DOWN", "refusal_code": None,
}  # fmt: skip


def told(
    *ranges: dict[str, Any], said: list[dict[str, Any]] | None = None, now: datetime | None = None, **more: Any
) -> list[Fact]:
    stops = alert_facts.day_stops(ranges, 3.0)
    return alert_facts.range_facts(MGC, ranges, said or [], now or at("12:00"), AlertSettings(**more), ZONE, stops)


def test_a_range_its_break_and_its_trade_are_told_each_when_it_was_known():
    facts = told(RANGE, said=[FORECAST])
    assert [(each.kind, each.happened_at, each.sentence) for each in facts] == [
        (
            "range",
            at("00:05"),
            "3,409.9 to 3,414.2 (43 ticks). directional (shadow, not used): UP 11%, martingale 9%, advice DOWN.",
        ),
        (
            "break",
            at("00:06"),
            "DOWN at 10:06 AEST: short from 3,406.9, stop 3,414.2, target 3,399.6, by full-rr1-day.",
        ),
        ("result", at("00:42"), "✓ Target at 10:42 AEST: short from 3,406.9 to 3,399.6, +0.97R net."),
    ]
    assert {(each.instrument, each.subject, each.key) for each in facts} == {("MGC", "10:00", "2025-06-03|1000")}


def lost(orb: str, broke: str, exited: str | None, r_net: float | None = -1.1) -> dict[str, Any]:
    """A trade of the day that was stopped, or with neither exit nor result is held."""
    closed = {"exited_at": at(exited), "result": "loss"} if exited else {"exited_at": None, "result": None}
    return {**RANGE, "orb": orb, "broke_at": at(broke), "r_net": r_net if exited else None, **closed}


def test_a_day_that_has_lost_its_limit_is_told_once_with_what_is_still_held():
    rows = [
        lost("0900", "00:01", "01:00"),
        lost("1000", "00:06", "02:00"),
        lost("1100", "01:10", "03:00"),
        lost("1800", "02:59", None),
        lost("2300", "03:00", None),
    ]
    stops = alert_facts.day_stops(rows, 3.3)
    assert stops == {DAY: at("03:00")}
    assert alert_facts.day_limit_facts(MGC, rows, stops, 3.3, "full-rr1-day") == [
        Fact(
            "day_loss_limit",
            "MGC",
            "Tue 3 Jun",
            "2025-06-03",
            "−3.30R by 3 closed trades of full-rr1-day, the limit is −3.3R: STOP, no further entry on this trading "
            "day. Still held: 1.",
            "look",
            at("03:01"),
        )
    ]
    later = [*rows[:3], lost("1800", "02:59", "05:00", 2.0)]  # a gain that comes later is no second alert, and no other
    [fact] = alert_facts.day_limit_facts(MGC, later, alert_facts.day_stops(later, 3.3), 3.3, "full-rr1-day")
    assert (fact.key, fact.happened_at, fact.sentence.endswith("Still held: 1.")) == ("2025-06-03", at("03:01"), True)
    assert alert_facts.day_stops(rows[:2], 3.3) == {}


def test_a_break_after_the_stop_of_the_day_is_told_as_no_entry():
    rows = [lost(orb, "00:06", "00:20") for orb in ("0900", "1000", "1100")]
    *_, before, after, result = told(*rows, {**RANGE, "orb": "1800", "broke_at": at("00:20")})
    assert (before.kind, after.kind, result.kind) == ("range", "break", "result")
    assert after.sentence.endswith("by full-rr1-day. No entry: the day's loss limit was reached 10:21 AEST.")
    assert result.sentence.endswith("+0.97R net. It broke after the stop of the day and does not count.")
    assert "No entry" not in told(*rows)[1].sentence


def test_a_range_waits_a_minute_for_its_forecast_where_models_answer():
    other = {**FORECAST, "orb": "0900"}
    assert told(RANGE, said=[other], now=at("00:05:59"))[0].kind == "break"
    waited = told(RANGE, said=[other], now=at("00:06"))
    assert (waited[0].kind, waited[0].sentence) == ("range", "3,409.9 to 3,414.2 (43 ticks).")
    assert told(RANGE, now=at("00:05"))[0].kind == "range"


def test_a_stop_an_expiry_a_break_without_a_trade_and_holes_are_called_so():
    stopped = {**RANGE, "result": "loss", "exit_price": 3414.2, "r_net": -1.07}
    expired = {**RANGE, "result": "expired", "exit_price": 3406.95, "r_net": -0.08}
    untraded = {**RANGE, "entry": None, "exited_at": None, "result": None}
    assert told(stopped)[2].sentence == "✕ Stop at 10:42 AEST: short from 3,406.9 to 3,414.2, −1.07R net."
    assert told(expired)[2].sentence == "■ Out of time at 10:42 AEST: short from 3,406.9 to 3,406.95, −0.08R net."
    assert told(untraded)[1].sentence == "DOWN at 10:06 AEST; the rules have no trade here."
    assert [each.kind for each in told({**RANGE, "broke_at": None, "break_direction": None})] == ["range"]
    assert told({**RANGE, "bars": 3})[0].sentence == "3,409.9 to 3,414.2 (43 ticks, 2 of 5 minutes without a bar)."


def test_only_the_ranges_that_a_trader_trades_are_told():
    assert told(RANGE, ranges=("2300",)) == []
    assert len(told(RANGE, ranges=("2300", "1000"))) == 3
    openings = alert_facts.opening_facts(MGC, at("12:56"), at("12:56"), AlertSettings(ranges=("1000",)), ZONE)
    assert openings == []


def test_models_of_other_questions_are_told_in_their_units():
    of_win = {**FORECAST, "model": "entry_quality-MGC-half-rr1_5-session", "label": "target_first", "prob_win": 0.44}
    words = alert_facts.forecast_words({**of_win, "baselines": [0.4], "advice": "SKIP", "stage": "advisory"})
    assert words == "entry quality (advisory): WIN 44%, fair game 40%, advice SKIP."
    numbers = {"outputs": ["range_mean"], "quantiles": [0.7419], "interval_low": 0.0953, "interval_high": 1.2528}
    ahead = {**FORECAST, "model": "range_ahead-MGC", "label": "range_ahead", "advice": "NONE", **numbers}
    assert alert_facts.forecast_words(ahead) == (
        "range ahead (shadow, not used): travels 2.1 ranges in four hours (90 %: 1.1 to 3.5)."
    )
    of_r = {"outputs": ["r_mean"], "quantiles": [0.031], "interval_low": -1.08, "interval_high": 1.42}
    net = {**FORECAST, "model": "r_multiple-MGC-full-rr2-day", "label": "net_r", "advice": "TAKE", **of_r}
    assert alert_facts.forecast_words(net) == (
        "r multiple (shadow, not used): +0.03R (90 %: −1.08R to +1.42R), advice TAKE."
    )


def test_a_range_is_told_before_it_opens_and_none_on_a_holiday():
    [opening] = alert_facts.opening_facts(MGC, at("12:55"), at("12:55"), ALL, ZONE)
    assert (opening.subject, opening.happened_at, opening.sentence) == (
        "23:00",
        at("12:55"),
        "Opens 23:00 AEST, complete 23:05 AEST.",
    )
    assert alert_facts.opening_facts(MGC, at("12:54"), at("12:54"), ALL, ZONE) == []
    assert alert_facts.opening_facts(MGC, at("13:00"), at("13:00"), ALL, ZONE) == []
    christmas = at("12:56", "2025-12-25")
    assert alert_facts.opening_facts(MGC, christmas, christmas, ALL, ZONE) == []


def test_a_silent_feed_is_told_once_from_the_minute_it_was_too_long_and_not_while_the_market_is_closed():
    def silence(newest: datetime, now: datetime) -> list[Fact]:
        return alert_facts.silence_facts(MGC, newest, now, 10, ZONE)

    assert silence(at("03:00"), at("03:11")) == []
    [first] = silence(at("03:00"), at("03:12"))
    assert (first.happened_at, first.severity) == (at("03:12"), "bad")
    assert first.sentence.startswith("No bar since 13:01 AEST, more than 10 minutes of open market.")
    assert silence(at("03:00"), at("09:12")) == [first]
    friday_close, sunday = at("20:59", "2025-06-06"), at("21:00", "2025-06-08")
    assert silence(friday_close, sunday) == []


def test_missed_forecasts_of_one_minute_are_told_together():
    late = [
        {**FORECAST, "orb": orb, "refusal_code": "missed", "decided_at": at(clock), "logged_at": at("08:00:05")}
        for orb, clock in (("0900", "00:00"), ("1000", "00:05"), ("1100", "01:05"), ("1800", "07:59"))
    ]
    [fact] = alert_facts.missed_facts(MGC, late, ZONE)
    assert (fact.subject, fact.happened_at) == ("directional-MGC", at("08:00"))
    assert fact.sentence == (
        "4 missed: 09:00 at 10:00 AEST, 10:00 at 10:05 AEST, 11:00 at 11:05 AEST and 1 more. Bars came late; such "
        "forecasts count for nothing."
    )


def test_an_alarm_is_told_when_it_begins():
    def look(day: int, state: str, monitor: str = "quality") -> dict[str, Any]:
        when = at("00:00") + timedelta(days=day)
        return {
            **MODEL, "monitor": monitor, "through": when.date(), "state": state, "sentence": "It grew.",
            "looked_at": when,
        }  # fmt: skip

    looks = [look(0, "quiet"), look(7, "alarm"), look(14, "alarm"), look(21, "cannot tell"), look(28, "alarm")]
    found = alert_facts.alarm_facts(MGC, [*looks, look(28, "alarm", "input drift")])
    assert [(each.kind, each.happened_at.date().isoformat()) for each in found] == [
        ("quality", "2025-06-10"),
        ("quality", "2025-07-01"),
        ("drift", "2025-07-01"),
    ]
    assert found[0].sentence == "v_20250501_000000-abcde, quality: It grew."


def test_a_gate_is_told_when_it_opens_and_not_when_a_version_is_judged_first():
    def verdict(hour: int, *passed: str) -> dict[str, Any]:
        when = at("00:00") + timedelta(hours=hour)
        return {**MODEL, "stage": "advisory", "judged_at": when, "passed": list(passed) or None, "gates": 3}

    assert alert_facts.gate_facts(MGC, [verdict(0, "version")]) == []
    verdicts = [verdict(0), verdict(1, "version"), verdict(2, "version"), verdict(3, "net_r", "skill", "version")]
    one, all_ = alert_facts.gate_facts(MGC, verdicts)
    assert one.sentence == "v_20250501_000000-abcde for advisory: version passed. 1 of 3 are open."
    assert all_.sentence == (
        "v_20250501_000000-abcde for advisory: net r, skill passed. All are open: hub stage may let it in."
    )


def test_a_version_that_was_taken_back_is_something_wrong():
    def move(hour: int, stage: str, by: str) -> dict[str, Any]:
        return {**MODEL, "stage": stage, "since": at("00:00") + timedelta(hours=hour), "by_whom": by, "why": "so."}

    up, down = alert_facts.stage_facts(MGC, [move(0, "advisory", "Ann"), move(1, "shadow", "hub")])
    assert (up.severity, up.sentence) == ("note", "v_20250501_000000-abcde moved to advisory by Ann: so.")
    assert (down.severity, down.sentence) == ("bad", "v_20250501_000000-abcde taken back to shadow by hub: so.")


def test_a_trip_of_the_breaker_is_something_wrong_and_a_re_arm_says_by_whom():
    def event(kind: str, minute: int) -> dict[str, Any]:
        return {
            **MODEL, "code": "drawdown", "kind": kind, "sentence": "It lost 6.1 R of 6.", "by_whom": "Ann",
            "why": "looked at", "happened_at": at("00:00") + timedelta(minutes=minute),
        }  # fmt: skip

    trip, rearm = alert_facts.breaker_facts(MGC, [event("trip", 0), event("rearm", 5)])
    assert (trip.kind, trip.severity, rearm.severity) == ("breaker", "bad", "note")
    assert trip.sentence == "v_20250501_000000-abcde is silent: drawdown. It lost 6.1 R of 6."
    assert rearm.sentence == "drawdown is armed again. It lost 6.1 R of 6. By Ann: looked at"
    assert trip.key != rearm.key


def test_what_became_of_a_retraining_is_told_and_a_failure_is_worth_a_look():
    def result(verdict: str, candidate: str | None) -> dict[str, Any]:
        ended = {"verdict": verdict, "candidate": candidate, "why": "It did not beat it.", "ended_at": at("00:00")}
        return {**MODEL, "retraining_id": f"r-{verdict}", **ended}

    rejected, failed = alert_facts.retrain_facts(MGC, [result("rejected", "v_new"), result("failed", None)])
    assert (rejected.severity, rejected.sentence) == ("note", "Rejected (v_new): It did not beat it.")
    assert (failed.severity, failed.sentence) == ("look", "Failed: It did not beat it.")


def test_a_past_day_is_told_in_the_order_in_which_a_loop_that_never_sleeps_would():
    alerts, messages = messages_of_day(told(RANGE, said=[FORECAST]), ALL, ZONE)
    assert [each.raised_at for each in alerts] == [at("00:05"), at("00:06"), at("00:42")]
    assert [(each.form, each.title) for each in messages] == [
        ("one", "MGC 10:00: range complete"),
        ("one", "MGC 10:00: break"),
        ("one", "MGC 10:00: trade over"),
    ]
