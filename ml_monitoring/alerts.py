"""Which facts are alerts now, and what is sent where: pure, so that any step may run twice, in any process.

A fact becomes an alert once, under an id that is the hash of what it is. Whether it is sent is decided on what is on
record: what was sent, or is being sent, is not sent again.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import SecretStr

from ml_data.alert_journal import Delivery
from trading.alert_settings import AlertSettings, ChannelSettings
from trading.domain.alert import ALERT_KINDS, Alert, Fact, Severity
from trading.domain.words import wall_time

HORIZON: Final = timedelta(hours=24)
"""What happened longer ago is history and no alert."""

ATTEMPTS: Final = 5
BACKOFF: Final = timedelta(minutes=1)
"""A message that failed is tried again after one minute, then two, four and eight; then no more."""

UNKNOWN_AFTER: Final = timedelta(minutes=5)
"""A message without a result for so long: whoever sent it was killed, and nobody knows whether it arrived."""

COOLING: Final = "cool-down"
QUIET: Final = "quiet hours"
BEFORE: Final = "before the first look"

Form = Literal["one", "several", "late"]
_LINES: Final = 12


@dataclass(frozen=True)
class Message:
    """What goes to one channel: the alerts `alert_ids`, as their first, second, ... `attempt`."""

    channel: str
    alert_ids: tuple[str, ...]
    attempt: int
    form: Form
    title: str
    body: str
    severity: Severity


def alert_id(fact: Fact) -> str:
    """Return the id under which a fact is raised: the same in every process and on every run."""
    return hashlib.sha256(f"{fact.kind}|{fact.instrument}|{fact.key}".encode()).hexdigest()[:32]


def alerts_due(
    facts: Iterable[Fact], now: datetime, settings: AlertSettings, already: Sequence[Alert], *, first: bool = False
) -> tuple[Alert, ...]:
    """Return the facts that are to be raised now, oldest first; `already` are the alerts of the last `HORIZON`.

    Those within a cool-down of another of their kind and subject, and momentary ones of quiet hours, are raised as
    withheld: the hub shows them, no channel gets them. So is at the `first` look of all what is late already.
    """
    known = {each.alert_id for each in already}
    told = list(already)
    due: list[Alert] = []
    for identity, fact in sorted(((alert_id(fact), fact) for fact in facts), key=lambda pair: _order(*pair)):
        if identity in known or not timedelta(0) <= now - fact.happened_at <= HORIZON:
            continue
        alert = Alert(
            identity,
            fact.kind,
            fact.instrument,
            fact.subject,
            fact.sentence,
            fact.severity,
            fact.happened_at,
            now,
            BEFORE if first and _is_late(fact, now, settings) else _withheld(fact, settings, told),
        )
        known.add(identity)
        told.append(alert)
        due.append(alert)
    return tuple(due)


def _order(identity: str, fact: Fact) -> tuple[datetime, str]:
    return fact.happened_at, identity


def _withheld(fact: Fact, settings: AlertSettings, told: Sequence[Alert]) -> str | None:
    cool = timedelta(minutes=settings.cool_minutes(fact.kind))
    for other in told:
        same = (other.kind, other.instrument, other.subject) == (fact.kind, fact.instrument, fact.subject)
        if same and other.withheld is None and abs(fact.happened_at - other.happened_at) < cool:
            return COOLING
    if ALERT_KINDS[fact.kind].momentary and _is_quiet(fact.kind, fact.happened_at, settings):
        return QUIET
    return None


def _is_quiet(kind: str, at: datetime, settings: AlertSettings) -> bool:
    return settings.quiet is not None and kind not in settings.urgent and settings.quiet.hold(at)


def messages_due(
    alerts: Iterable[Alert], deliveries: Iterable[Delivery], now: datetime, settings: AlertSettings, zone: str
) -> tuple[Message, ...]:
    """Return what is to be sent now, channel by channel; `zone` is that of the times in summaries.

    What happened within `late_minutes` is sent as it is, more than `together` of it as one message. What is older
    (after a sleep, at the end of quiet hours, when a channel works again) is one summary that says so.
    """
    steps: dict[tuple[str, str], list[Delivery]] = {}
    for delivery in deliveries:
        steps.setdefault((delivery.alert_id, delivery.channel), []).append(delivery)
    in_order = sorted(alerts, key=lambda each: (each.happened_at, each.alert_id))
    messages: list[Message] = []
    for channel, wanted in settings.channels.items():
        by_attempt: dict[int, list[Alert]] = {}
        for alert in in_order:
            if wanted.kinds and alert.kind not in wanted.kinds:
                continue
            attempt = _attempt(steps.get((alert.alert_id, channel), ()), now)
            if attempt and _may_be_sent(alert, now, settings):
                by_attempt.setdefault(attempt, []).append(alert)
        for attempt, waiting in sorted(by_attempt.items()):
            messages += _messages(channel, waiting, attempt, now, settings, zone)
    return tuple(messages)


def _may_be_sent(alert: Alert, now: datetime, settings: AlertSettings) -> bool:
    if alert.withheld is not None or now - alert.happened_at > HORIZON or _is_quiet(alert.kind, now, settings):
        return False
    return alert.kind != "opening" or not _is_late(alert, now, settings)


def _is_late(alert: Alert | Fact, now: datetime, settings: AlertSettings) -> bool:
    return now - alert.happened_at > timedelta(minutes=settings.late_minutes)


def messages_of_day(
    facts: Sequence[Fact], settings: AlertSettings, zone: str
) -> tuple[tuple[Alert, ...], tuple[Message, ...]]:
    """Return the alerts that facts of the past would have been, and the messages that a channel for all would have got.

    Each fact is looked at in the minute in which it happened, as a loop that never sleeps would.
    """
    channel = {"all": ChannelSettings(url=SecretStr("json://"))}
    everything = settings.model_copy(update={"channels": channel})
    alerts: tuple[Alert, ...] = ()
    messages: tuple[Message, ...] = ()
    sent: list[Delivery] = []
    moments = {fact.happened_at for fact in facts}
    for now in sorted(moments):
        alerts += alerts_due([fact for fact in facts if fact.happened_at <= now], now, settings, alerts)
        due = messages_due(alerts, sent, now, everything, zone)
        messages += due
        sent += [Delivery(each, "all", 1, "sent", None, now) for message in due for each in message.alert_ids]
    return alerts, messages


def _attempt(steps: Sequence[Delivery], now: datetime) -> int:
    """Return which attempt is to be made now, 1 for the first; 0 where it was sent, waits, or was tried enough."""
    if not steps:
        return 1
    last = max(steps, key=lambda step: (step.attempt, step.state != "sending"))
    if last.state != "failed" or last.attempt >= ATTEMPTS:
        return 0
    return last.attempt + 1 if now - last.logged_at >= BACKOFF * 2 ** (last.attempt - 1) else 0


def _messages(
    channel: str, waiting: Sequence[Alert], attempt: int, now: datetime, settings: AlertSettings, zone: str
) -> list[Message]:
    late = [alert for alert in waiting if _is_late(alert, now, settings)]
    fresh = [alert for alert in waiting if not _is_late(alert, now, settings)]
    if len(fresh) > settings.together:
        symbols = ", ".join(sorted({each.instrument for each in fresh if each.instrument}))
        title = f"{symbols}: {_count(fresh)}".removeprefix(": ")
        messages = [_message(channel, fresh, attempt, "several", title, _listed(fresh, zone))]
    else:
        messages = [_message(channel, [each], attempt, "one", each.title, each.sentence) for each in fresh]
    if late:
        span = " to ".join(dict.fromkeys(wall_time(each.happened_at, zone) for each in (late[0], late[-1])))
        title = f"Told late: {_count(late)} of {span}"
        messages.append(_message(channel, late, attempt, "late", title, _listed(late, zone)))
    return messages


def _count(alerts: Sequence[Alert]) -> str:
    return f"{len(alerts)} alert{'s' if len(alerts) > 1 else ''}"


def _listed(alerts: Sequence[Alert], zone: str) -> str:
    """Return the newest alerts a line each, and how many there were before them."""
    shown = alerts[-_LINES:]
    lines = [f"{wall_time(each.happened_at, zone)} {each.title}: {each.sentence}" for each in shown]
    before = len(alerts) - len(shown)
    return "\n".join([f"{before} earlier ones are in the hub." for _ in range(bool(before))] + lines)


def _message(channel: str, alerts: Sequence[Alert], attempt: int, form: Form, title: str, body: str) -> Message:
    order: Mapping[Severity, int] = {"note": 0, "look": 1, "bad": 2}
    worst = max((each.severity for each in alerts), key=order.__getitem__)
    return Message(channel, tuple(each.alert_id for each in alerts), attempt, form, title, body, worst)
