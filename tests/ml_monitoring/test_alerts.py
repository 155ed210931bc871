"""Alerts are derived from facts: whatever is run twice, in whatever order, raises and sends each of them once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from ml_data.alert_journal import Delivery
from ml_monitoring.alerts import ATTEMPTS, alert_id, alerts_due, messages_due
from trading.alert_settings import AlertSettings, ChannelSettings
from trading.domain.alert import Alert, Fact, read_quiet_hours

NOON = datetime(2025, 6, 3, 2, 0, tzinfo=UTC)  # noon in Brisbane
ZONE = "Australia/Brisbane"
PHONE = {"phone": ChannelSettings(url=SecretStr("json://127.0.0.1"))}
SETTINGS = AlertSettings(channels=PHONE)
QUIET = AlertSettings(channels=PHONE, quiet=read_quiet_hours("22:00-06:30 Australia/Brisbane"))


def after(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def fact(kind: str, key: str = "1", at: datetime = NOON, subject: str = "10:00") -> Fact:
    return Fact(kind, "MGC", subject, key, f"{kind} {key}.", "note", at)


def raised(*facts: Fact, now: datetime = NOON, settings: AlertSettings = SETTINGS) -> tuple[Alert, ...]:
    return alerts_due(facts, now, settings, ())


def sent(messages, at: datetime, state: str = "sent"):  # type: ignore[no-untyped-def]
    return [Delivery(each, m.channel, m.attempt, state, None, at) for m in messages for each in m.alert_ids]


def test_a_fact_is_raised_once_under_an_id_that_hangs_on_what_it_is_alone():
    first = fact("break")
    [alert] = raised(first)
    assert alert.alert_id == alert_id(replace(first, sentence="said otherwise", severity="bad"))
    assert alert_id(first) != alert_id(replace(first, instrument="NQ")) != alert_id(replace(first, kind="result"))
    assert alerts_due([first, first], after(3), SETTINGS, (alert,)) == ()


def test_what_lies_ahead_or_a_day_back_is_no_alert():
    assert raised(fact("break", at=after(1))) == ()
    assert raised(fact("break", at=after(-1441))) == ()
    assert len(raised(fact("break", at=after(-1439)))) == 1


def test_another_of_the_same_subject_within_its_cool_down_is_shown_and_not_sent():
    missed = [fact("missed", str(n), after(40 * n), subject="directional-MGC") for n in range(3)]
    other = fact("missed", "other", after(5), subject="range_ahead-MGC")
    alerts = raised(*missed, other, now=after(90))
    assert [(each.happened_at, each.withheld) for each in alerts] == [
        (after(0), None),
        (after(5), None),
        (after(40), "cool-down"),
        (after(80), None),
    ]
    never = AlertSettings(channels=PHONE, cool_down={"missed": 0})
    assert {each.withheld for each in raised(*missed, now=after(90), settings=never)} == {None}


def test_quiet_hours_drop_what_is_of_the_moment_hold_the_rest_and_let_what_is_urgent_pass():
    night = datetime(2025, 6, 3, 13, 0, tzinfo=UTC)  # 23:00 in Brisbane
    facts = [fact("break", at=night), fact("result", at=night), fact("breaker", at=night)]
    alerts = raised(*facts, now=night, settings=QUIET)
    assert {each.kind: each.withheld for each in alerts} == {"break": "quiet hours", "result": None, "breaker": None}
    [urgent] = messages_due(alerts, [], night, QUIET, ZONE)
    assert urgent.title == "MGC 10:00: circuit breaker"
    gone = sent([urgent], night)
    before_end, end = (datetime(2025, 6, 3, 20, minute, tzinfo=UTC) for minute in (29, 30))
    assert messages_due(alerts, gone, before_end, QUIET, ZONE) == ()
    [late] = messages_due(alerts, gone, end, QUIET, ZONE)
    assert (late.form, late.title) == ("late", "Told late: 1 alert of 23:00 AEST")
    assert late.body == "23:00 AEST MGC 10:00: trade over: result 1."


@pytest.mark.parametrize(
    ("at", "quiet"),
    [
        ("2025-03-09T06:30+00:00", True),  # 01:30 EST, the night in which 02:00 becomes 03:00
        ("2025-03-09T10:29+00:00", True),  # 06:29 EDT
        ("2025-03-09T10:30+00:00", False),  # 06:30 EDT: an hour of UTC earlier than the day before
        ("2025-03-08T11:29+00:00", True),  # 06:29 EST
        ("2025-11-02T05:30+00:00", True),  # 01:30 EDT, and
        ("2025-11-02T06:30+00:00", True),  # 01:30 EST again
        ("2025-11-02T11:30+00:00", False),
        ("2025-11-03T02:59+00:00", False),  # 21:59 EST
        ("2025-11-03T03:00+00:00", True),
    ],
)
def test_quiet_hours_are_those_of_the_wall_clock_when_the_clocks_change(at: str, quiet: bool):
    assert read_quiet_hours("22:00-06:30 America/New_York").hold(datetime.fromisoformat(at)) is quiet


@pytest.mark.parametrize("text", ["22-6", "22:00-06:30", "22:00-06:30 Mars/Olympus", "07:00-07:00 UTC", "", "a-b UTC"])
def test_quiet_hours_without_hours_or_zone_are_refused(text: str):
    with pytest.raises(ValueError, match="22:00-06:30 Australia/Brisbane"):
        read_quiet_hours(text)


def test_many_at_once_are_one_message_few_are_one_each():
    few = raised(*(fact("break", str(n)) for n in range(3)))
    assert [each.form for each in messages_due(few, [], NOON, SETTINGS, ZONE)] == ["one"] * 3
    many = raised(*(fact("break", str(n)) for n in range(15)))
    [together] = messages_due(many, [], NOON, SETTINGS, ZONE)
    assert (together.form, together.title, len(together.alert_ids)) == ("several", "MGC: 15 alerts", 15)
    assert together.body.splitlines()[0] == "3 earlier ones are in the hub."
    assert len(together.body.splitlines()) == 13


def test_after_a_sleep_there_is_one_summary_and_nothing_of_a_range_that_has_opened_since():
    slept = [fact("opening", at=after(-180)), fact("range", at=after(-175)), fact("break", at=after(-100))]
    fresh, late = messages_due(raised(*slept, fact("result")), [], NOON, SETTINGS, ZONE)
    assert (late.form, late.title) == ("late", "Told late: 2 alerts of 09:05 AEST to 10:20 AEST")
    assert (fresh.form, fresh.body) == ("one", "result 1.")


def test_at_the_first_look_of_all_only_what_is_new_is_sent():
    facts = [fact("result", "old", after(-60)), fact("result", "new", after(-1))]
    alerts = alerts_due(facts, NOON, SETTINGS, (), first=True)
    assert [each.withheld for each in alerts] == ["before the first look", None]


def test_a_channel_gets_the_kinds_that_it_wants():
    wants = AlertSettings(channels={"mail": ChannelSettings(url=SecretStr("json://x"), kinds=("result",)), **PHONE})
    due = messages_due(raised(fact("break"), fact("result")), [], NOON, wants, ZONE)
    assert [(each.channel, each.body) for each in due] == [
        ("mail", "result 1."),
        ("phone", "break 1."),
        ("phone", "result 1."),
    ]


def test_what_failed_is_tried_again_after_one_two_four_and_eight_minutes_and_then_no_more():
    alerts, steps, moments = raised(fact("result")), [], []
    for minute in range(40):
        due = messages_due(alerts, steps, after(minute), SETTINGS, ZONE)
        moments += [minute] * len(due)
        steps += sent(due, after(minute), "sending") + sent(due, after(minute), "failed")
    assert moments == [0, 1, 3, 7, 15]
    assert len(moments) == ATTEMPTS


def test_what_was_being_sent_when_its_sender_was_killed_is_not_sent_again():
    alerts = raised(fact("result"))
    steps = sent(messages_due(alerts, [], NOON, SETTINGS, ZONE), NOON, "sending")
    assert messages_due(alerts, steps, after(600), SETTINGS, ZONE) == ()


KINDS = ("opening", "range", "break", "result", "missed", "drift", "breaker")
FACTS = st.builds(
    lambda kind, key, minute: fact(kind, f"{key}|{minute}", after(minute)),
    st.sampled_from(KINDS),
    st.integers(0, 3),
    st.integers(0, 600),
)


@given(
    facts=st.lists(FACTS, max_size=25, unique_by=alert_id),
    looks=st.lists(st.tuples(st.integers(0, 900), st.booleans(), st.sampled_from(["sent", "failed"])), max_size=40),
    quiet=st.booleans(),
)
def test_however_looks_of_two_processes_interleave_each_alert_is_sent_once_at_most_and_none_in_quiet_hours(
    facts: list[Fact], looks: list[tuple[int, bool, str]], quiet: bool
):
    """Each look is a process that sees what is on record; `failed` ones are tried again."""
    settings = QUIET if quiet else SETTINGS
    alerts: tuple[Alert, ...] = ()
    steps: list[Delivery] = []
    for minute, backwards, state in sorted(looks):
        now = after(minute)
        seen = facts[::-1] if backwards else facts
        alerts += alerts_due(seen, now, settings, alerts)
        assert alerts_due(seen, now, settings, alerts) == ()
        due = messages_due(alerts, steps, now, settings, ZONE)
        if quiet and settings.quiet is not None and settings.quiet.hold(now):
            assert {a.kind for a in alerts for m in due if a.alert_id in m.alert_ids} <= {"breaker"}
        steps += sent(due, now, "sending")
        assert messages_due(alerts, steps, now, settings, ZONE) == ()
        steps += sent(due, now, state)
    arrived = [each.alert_id for each in steps if each.state == "sent"]
    assert len(arrived) == len(set(arrived))
    assert len({each.alert_id for each in alerts}) == len(alerts)
    withheld = {each.alert_id for each in alerts if each.withheld}
    assert not withheld & {each.alert_id for each in steps}


@given(st.lists(FACTS, max_size=30, unique_by=alert_id))
def test_no_two_that_are_sent_lie_within_the_cool_down_of_their_kind(facts: list[Fact]):
    alerts = [each for each in raised(*facts, now=after(700)) if each.withheld is None]
    for one in alerts:
        for other in alerts:
            if one.alert_id != other.alert_id and (one.kind, one.subject) == (other.kind, other.subject):
                apart = abs(one.happened_at - other.happened_at)
                assert apart >= timedelta(minutes=SETTINGS.cool_minutes(one.kind))
