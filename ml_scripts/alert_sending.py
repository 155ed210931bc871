"""Raises alerts and sends them, at the edge: each message from a child process that is ended when it takes too long.

Whoever runs this, as often and in as many processes as they like, sends each alert to each channel once: a message is
claimed in the journal before it is sent.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ml_data.alert_journal import (
    TEST,
    Delivery,
    alerts_since,
    append_deliveries,
    claim,
    deliveries_since,
    raise_alerts,
    was_ever_raised,
)
from ml_data.store import Store
from ml_monitoring.alert_channels import redacted
from ml_monitoring.alert_rows import FactRules, facts_of
from ml_monitoring.alerts import BEFORE, HORIZON, Message, alerts_due, messages_due
from trading.alert_settings import ChannelSettings
from trading.domain.alert import Alert, Fact, Severity
from trading.domain.instrument import Instrument
from trading.domain.words import shown_zone, wall_time
from trading.errors import HubError
from trading.settings import CHECKOUT, HubSettings

SEND_SECONDS: Final = 20.0
"""How long a channel may take for one message before its child is ended."""

_LOOK_SECONDS: Final = 30.0
_TYPES: Final[dict[Severity, str]] = {"note": "info", "look": "warning", "bad": "failure"}
_NEVER: Final = threading.Event()

Send = Callable[[ChannelSettings, Message], str | None]


@dataclass(frozen=True)
class Sent:
    """One message to a channel (`address` redacted), and why it was not taken; None: it was."""

    channel: str
    address: str
    title: str
    alerts: int
    error: str | None

    @property
    def sentence(self) -> str:
        """What became of it, in words."""
        how = "sent" if self.error is None else f"not sent: {self.error}"
        return f"{self.channel} ({self.address}): {self.title}: {how}"


def fact_rules(settings: HubSettings, instrument: Instrument, *, replayed: bool = False) -> FactRules:
    """Return what the facts of an instrument depend on beside the stores."""
    zone = shown_zone(settings.display.time_zone, instrument)
    limit = settings.account.max_day_loss_r
    return FactRules(settings.alerts, zone, settings.feed.silent_minutes, limit, replayed)


def raise_due(
    store: Store, instruments: Sequence[Instrument], settings: HubSettings, now: datetime, more: Sequence[Fact] = ()
) -> tuple[Alert, ...]:
    """Write down every alert that is due at `now` and return it; `more` are facts that no store holds."""
    facts = [fact for each in instruments for fact in facts_of(store, each, now, fact_rules(settings, each))]
    first = not was_ever_raised(store)
    return raise_alerts(
        store, now - HORIZON, lambda already: alerts_due([*facts, *more], now, settings.alerts, already, first=first)
    )


def send_due(
    store: Store, settings: HubSettings, zone: str, clock: Callable[[], datetime], send: Send | None = None
) -> tuple[Sent, ...]:
    """Send what is due to every channel, all channels at once, and write down how it went."""
    now, channels = clock(), settings.alerts.channels
    if not channels:
        return ()
    due = messages_due(
        alerts_since(store, now - HORIZON), deliveries_since(store, now - HORIZON), now, settings.alerts, zone
    )
    by_channel = [[message for message in due if message.channel == name] for name in channels]

    def deliver(messages: Sequence[Message]) -> list[Sent]:
        sent: list[Sent] = []
        for message in messages:
            if sent and sent[-1].error is not None:
                break  # the channel does not work: the others wait for its next turn
            sent += _delivered(store, channels[message.channel], message, clock, send or send_message)
        return sent

    with ThreadPoolExecutor(len(channels), thread_name_prefix="alerts") as pool:
        return tuple(each for sent in pool.map(deliver, by_channel) for each in sent)


def send_test(store: Store, settings: HubSettings, names: Sequence[str], zone: str, now: datetime) -> tuple[Sent, ...]:
    """Send a test message to each channel named, and write down how it went."""
    sent: list[Sent] = []
    for name in names:
        channel = settings.alerts.channels[name]
        said = f"This channel works. Sent {wall_time(now, zone)} as a test: nothing has happened."
        message = Message(name, (TEST,), 1, "one", "Trading hub: test", said, "note")
        sent += _delivered(store, channel, message, lambda: now, send_message)
    return tuple(sent)


def _delivered(
    store: Store, channel: ChannelSettings, message: Message, clock: Callable[[], datetime], send: Send
) -> list[Sent]:
    def rows(state: str, error: str | None) -> list[Delivery]:
        return [Delivery(each, message.channel, message.attempt, state, error, clock()) for each in message.alert_ids]

    if not claim(store, rows("sending", None)):
        return []
    error = send(channel, message)
    append_deliveries(store, rows("sent" if error is None else "failed", error))
    address = redacted(channel.url.get_secret_value())
    return [Sent(message.channel, address, message.title, len(message.alert_ids), error)]


def send_message(
    channel: ChannelSettings, message: Message, stop: threading.Event = _NEVER, seconds: float = SEND_SECONDS
) -> str | None:
    """Send one message from a child process; return None, or in words that hold no address why it was not taken.

    The child is ended after `seconds`, or when `stop` is set.
    """
    asked = {
        "url": channel.url.get_secret_value(),
        "title": message.title,
        "body": message.body,
        "type": _TYPES[message.severity],
    }
    path = os.pathsep.join(filter(None, (str(CHECKOUT), os.environ.get("PYTHONPATH"))))
    child = subprocess.Popen(
        [sys.executable, "-m", "ml_scripts.alert_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
        text=True,
        encoding="utf-8",
    )
    until, given = time.monotonic() + seconds, json.dumps(asked)
    with child:
        while True:
            try:
                said, _ = child.communicate(given or None, timeout=0.2)
                break
            except subprocess.TimeoutExpired:
                given = ""  # it is written once
                if stop.is_set() or time.monotonic() > until:
                    child.kill()
                    return "the hub was stopped" if stop.is_set() else f"no answer within {seconds:g} seconds"
    try:
        error = json.loads(said)["error"]
    except (ValueError, KeyError):
        return f"the sender ended with code {child.returncode}"
    return None if error is None else str(error)


class AlertWatch:
    """Raises and sends alerts beside a loop, in a thread of its own: `look()` returns at once, whatever a channel does.

    `more(now)` are facts that no store holds. `tell` is called, from that thread, with a kind and a sentence for every
    alert raised and every message that was not taken; of those from before the first look of all, only how many.
    """

    def __init__(
        self,
        store: Store,
        instruments: Sequence[Instrument],
        settings: HubSettings,
        clock: Callable[[], datetime],
        tell: Callable[[str, str], None],
        more: Callable[[datetime], Sequence[Fact]] = lambda _: (),
    ) -> None:
        self._store, self._instruments, self._settings = store, tuple(instruments), settings
        self._clock, self._tell, self._more = clock, tell, more
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._seen: tuple[int, int] | None = None
        self._looked_at = 0.0
        self._trouble: str | None = None

    def look(self) -> None:
        """Look for alerts, when something was stored since the last look or half a minute has passed."""
        if not self._instruments or (self._thread is not None and self._thread.is_alive()):
            return
        seen = (self._store.stamp("market"), self._store.stamp("journal"))
        if seen == self._seen and time.monotonic() - self._looked_at < _LOOK_SECONDS:
            return
        self._seen, self._looked_at = seen, time.monotonic()
        self._thread = threading.Thread(target=self._look, name="alerts")
        self._thread.start()

    def finish(self) -> None:
        """Look a last time, and wait until what is due was sent or given up."""
        self._wait()
        self._seen = None
        self.look()
        self._wait()

    def close(self) -> None:
        """End what is on its way and wait for it."""
        self._stop.set()
        self._wait()

    def _wait(self) -> None:
        if self._thread is not None:
            self._thread.join()

    def _look(self) -> None:
        zone = shown_zone(self._settings.display.time_zone, self._instruments[0])
        try:
            now = self._clock()
            raised = raise_due(self._store, self._instruments, self._settings, now, self._more(now))
            before = sum(alert.withheld == BEFORE for alert in raised)
            if before:
                self._tell(
                    "alerts_before", f"{before} of the last day, from before the first look: they are in the hub."
                )
            for alert in raised:
                if alert.withheld != BEFORE:
                    self._tell("alert", f"{alert.title}: {alert.sentence}")
            for sent in send_due(
                self._store, self._settings, zone, self._clock, lambda to, what: send_message(to, what, self._stop)
            ):
                if sent.error is not None:
                    self._tell("alert_not_sent", sent.sentence)
            self._amiss(None)
        except (HubError, OSError) as error:
            self._amiss(f"alerts: {error} Tried again with the next look.")

    def _amiss(self, sentence: str | None) -> None:
        """Tell once what keeps alerts from being looked for, and once that it is over (`sentence` None)."""
        if sentence is None and self._trouble is not None:
            self._tell("alerts_back", "alerts: looked for again.")
        if sentence is not None and sentence != self._trouble:
            self._tell("alert_not_sent", sentence)
        self._trouble = sentence
