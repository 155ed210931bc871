"""`hub alerts`: what was told to a trader who was not looking, and to which channels; sends what is due, and tests."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import numpy as np
import typer

from ml_data.alert_journal import LOOK_BACK, Delivery, alerts_since, deliveries_since
from ml_inference.live_state import live_path, read_state
from ml_monitoring.alert_channels import CHANNEL_SHAPES, Channel, channels_of
from ml_monitoring.alert_rows import facts_of
from ml_monitoring.alerts import HORIZON, messages_of_day
from ml_scripts.alert_sending import Sent, fact_rules, raise_due, send_due, send_test
from ml_scripts.console import Hub, InstrumentOption, JsonFlag, day, fail, now, opened, run, say
from ml_scripts.loop_facts import dead_loop, feed_failures
from trading.domain.alert import SHAPES, Alert
from trading.domain.calendar import day_spans, from_minute
from trading.domain.instrument import Instrument
from trading.domain.instrument_files import find_instrument
from trading.domain.words import shown_zone, wall_time
from trading.errors import HubError


def command(
    send: Annotated[bool, typer.Option("--send", help="Raise and send what is due now (for cron).")] = False,
    test: Annotated[str | None, typer.Option(help="Send a test message to a channel, or to 'all'.")] = None,
    newest: Annotated[int, typer.Option("--list", min=0, max=1_000, help="How many of the newest to show.")] = 20,
    past: Annotated[
        str | None, typer.Option("--day", help="What a past trading day would have told; nothing is sent.")
    ] = None,
    instrument: InstrumentOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Show the newest alerts and the channels; with --send raise and send what is due."""
    with opened() as hub:
        one = None if instrument is None else hub.instrument(instrument)
        if past is not None:
            lines, found = _told_of(hub, one or hub.instrument(None), past)
            say(lines, found, as_json=as_json)
            return
        sent: tuple[Sent, ...] = ()
        if test is not None:
            sent = send_test(hub.store, hub.settings, _named(hub, test), _zone(hub), now())
        raised = _raised(hub, [one] if one else _instruments(hub)) if send else ()
        if send:
            sent += send_due(hub.store, hub.settings, _zone(hub), now)
        at = now()
        every = alerts_since(hub.store, at - LOOK_BACK)
        alerts = [each for each in every if one is None or each.instrument == one.symbol][:newest]
        deliveries = deliveries_since(hub.store, at - LOOK_BACK)
        channels = channels_of(hub.settings.alerts, deliveries, at)
        zone = _zone(hub)
    found = {"raised": raised, "sent": sent, "alerts": alerts, "channels": channels}
    lines = [*_actions(raised, sent), *_newest(alerts, deliveries, zone), *_channels(channels)]
    if any(each.error is not None for each in sent):
        say([] if as_json else lines)
        fail(["A message was not taken; the lines above say by which channel and why."], found, as_json=as_json)
    say(lines, found, as_json=as_json)


def _named(hub: Hub, name: str) -> Sequence[str]:
    """Return the channels to test."""
    known = list(hub.settings.alerts.channels)
    if not known:
        raise HubError("No channel is set up. Write one into secrets.toml in the home folder: docs/alerts.md says how.")
    if name not in (*known, "all"):
        raise HubError(f"{name!r} is no channel; there are {', '.join(known)}, and 'all'.")
    return known if name == "all" else [name]


def _raised(hub: Hub, instruments: Sequence[Instrument]) -> tuple[Alert, ...]:
    """Raise what is due, also of the process that follows feeds: it cannot tell that it died."""
    at, state = now(), read_state(live_path(hub.store, "json"))
    dead = dead_loop(state, at, hub.settings.alerts.dead_minutes, _zone(hub))
    return raise_due(hub.store, instruments, hub.settings, at, [*feed_failures(state), *dead])


def _instruments(hub: Hub) -> list[Instrument]:
    return [find_instrument(hub.settings.instrument_folders, symbol) for symbol in hub.stored_instruments()]


def _zone(hub: Hub) -> str:
    """Return the zone of times that are not about one instrument."""
    known = hub.settings.instrument or next(iter(hub.stored_instruments()), None)
    return "UTC" if known is None else shown_zone(hub.settings.display.time_zone, hub.instrument(known))


def _told_of(hub: Hub, instrument: Instrument, text: str) -> tuple[list[str], dict[str, object]]:
    """Return what a past trading day would have told, in lines and as values."""
    ends = day_spans(instrument, np.array([day(text)], dtype="datetime64[D]"))[1]
    until = from_minute(int(ends[0]))
    if until > now():
        raise HubError(f"{text} is not over; name a past trading day.")
    rules = fact_rules(hub.settings, instrument, replayed=True)
    every = facts_of(hub.store, instrument, until, rules)
    facts = [fact for fact in every if until - HORIZON <= fact.happened_at < until]
    alerts, messages = messages_of_day(facts, hub.settings.alerts, rules.zone)
    lines = [
        f"{instrument.symbol} {text}, with replayed forecasts, as it would have been told: {len(messages)} messages.",
        *(f"  {message.title}\n    {message.body}" for message in messages),
        *(f"  not sent ({each.withheld}): {each.title}: {each.sentence}" for each in alerts if each.withheld),
    ]
    return lines, {"day": text, "instrument": instrument.symbol, "messages": messages, "alerts": alerts}


def _actions(raised: Sequence[Alert], sent: Sequence[Sent]) -> list[str]:
    lines = [f"{len(raised)} raised."] if raised else []
    return [*lines, *(each.sentence for each in sent)]


def _newest(alerts: Sequence[Alert], deliveries: Sequence[Delivery], zone: str) -> list[str]:
    if not alerts:
        return [
            f"No alert in the last {LOOK_BACK.days} days. hub shadow --feed raises them while it runs, else each "
            "hub alerts --send."
        ]
    took: dict[str, list[str]] = {}
    for each in deliveries:
        if each.state == "sent":
            took.setdefault(each.alert_id, []).append(each.channel)
    return [
        f"{SHAPES[each.severity]}  {_when(each.happened_at, zone)}  {each.title}: {each.sentence} "
        f"[{each.withheld or ', '.join(took.get(each.alert_id, [])) or 'in the hub'}]"
        for each in alerts
    ]


def _when(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d} {wall_time(at, zone)}"


def _channels(channels: Sequence[Channel]) -> list[str]:
    if not channels:
        return ["No channel is set up: alerts are shown in the hub alone. docs/alerts.md says how."]
    return [
        f"{CHANNEL_SHAPES[each.state]} {each.name} {each.address}: {each.sentence}; "
        f"{', '.join(each.kinds) or 'every kind'}"
        for each in channels
    ]


if __name__ == "__main__":
    run(command)
