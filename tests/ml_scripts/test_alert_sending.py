"""Sending alerts to channels that work, fail, hang and do not exist; no address is ever told."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import apprise
import pytest
from pydantic import SecretStr

from ml_data.alert_journal import deliveries_since, raise_alerts
from ml_data.store import Store
from ml_monitoring.alerts import Message, alerts_due
from ml_scripts import alert_child
from ml_scripts.alert_sending import AlertWatch, send_due, send_message
from tests.hub_home import DEMO, ROOT
from tests.ml_scripts.hub_runs import run_hub
from trading.alert_settings import ChannelSettings
from trading.domain.alert import Fact
from trading.settings import HubSettings

# apprise reads all its plugins to say that it knows no such address; one of them tries a module that goes with 3.13.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

AT = datetime(2025, 6, 3, 2, 0, tzinfo=UTC)
SECRET = "hunter2-and-more"  # noqa: S105 - made up
MESSAGE = Message("phone", ("a" * 32,), 1, "one", "MGC 10:00: break", "UP at 10:06 AEST.", "bad")


@contextmanager
def served(code: int = 200, wait: threading.Event | None = None) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A service that answers `code`, after `wait`; yields its address, with a password, and what it was told."""
    told: list[dict[str, Any]] = []

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if wait is not None:
                wait.wait(30)
            self.send_response(code)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"json://ann:{SECRET}@127.0.0.1:{server.server_port}/{SECRET}", told
    finally:
        if wait is not None:
            wait.set()
        server.shutdown()
        server.server_close()


def channel(url: str, *kinds: str) -> ChannelSettings:
    return ChannelSettings(url=SecretStr(url), kinds=kinds)


def settings(home: Path, **channels: ChannelSettings) -> HubSettings:
    return HubSettings(home=home, alerts={"channels": channels, "together": 1})


def raise_breaks(store: Store, count: int = 1) -> None:
    facts = [Fact("break", "MGC", "10:00", str(n), "UP.", "note", AT) for n in range(count)]
    raise_alerts(store, AT, lambda already: alerts_due(facts, AT, HubSettings().alerts, already))


def test_a_channel_that_works_is_told_title_words_and_how_bad_it_is():
    with served() as (url, told):
        assert send_message(channel(url), MESSAGE) is None
    [message] = told
    assert (message["title"], message["message"], message["type"]) == (MESSAGE.title, MESSAGE.body, "failure")


def test_a_channel_that_does_not_take_it_is_told_of_without_its_address():
    assert send_message(channel(f"json://ann:{SECRET}@127.0.0.1:1/{SECRET}"), MESSAGE) == "no connection to the service"
    for wrong in (SECRET, f"nosuch://{SECRET}", f"tgram://{SECRET}", ""):
        asked = {"url": wrong, "title": "t", "body": "b", "type": "info"}
        assert alert_child.sent(asked) == "apprise knows no such address: check its form and its parts"


def test_the_addresses_in_the_manual_are_known_to_apprise():
    manual = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    named = re.findall(r"((?:mailtos?|tgram|discord|https)://[A-Z0-9@:._%/?=&a-z-]+)", manual)
    words = {"SERVER": "mail.example.com", "DOMAIN": "example.com", "TOKEN/CHAT": "1234567:a_token/42", "ID/": "42/"}
    for address in (each for each in named if not re.match(r"https://(appriseit|api\.telegram)", each)):
        for word, meant in words.items():
            address = address.replace(word, meant)
        assert apprise.Apprise.instantiate(address) is not None, address


def test_a_channel_that_hangs_is_ended_in_time_and_at_once_when_the_hub_stops():
    with served(wait=threading.Event()) as (url, _):
        since = time.monotonic()
        assert send_message(channel(url), MESSAGE, seconds=1.0) == "no answer within 1 seconds"
        stop = threading.Event()
        stop.set()
        assert send_message(channel(url), MESSAGE, stop) == "the hub was stopped"
        assert time.monotonic() - since < 3


def test_a_failing_channel_keeps_no_other_waiting_and_is_tried_again_later(tmp_path: Path):
    store = Store(tmp_path)
    with served() as (good, told), served(500) as (bad, _):
        hub = settings(tmp_path, good=channel(good), bad=channel(bad))
        raise_breaks(store)
        first = send_due(store, hub, "UTC", lambda: AT)
        assert [(each.channel, each.error) for each in first] == [("good", None), ("bad", "the service answered 500")]
        assert send_due(store, hub, "UTC", lambda: AT + timedelta(seconds=30)) == ()
        again = send_due(store, hub, "UTC", lambda: AT + timedelta(minutes=1), lambda *_: None)
        assert [(each.channel, each.error) for each in again] == [("bad", None)]
        assert len(told) == 1
    assert not any(SECRET in str(each) for each in (*first, *deliveries_since(store, AT)))
    store.close()


def test_two_processes_that_send_at_once_send_each_message_once(tmp_path: Path):
    stores = [Store(tmp_path), Store(tmp_path)]
    raise_breaks(stores[0], 1)
    taken: list[str] = []

    def send(_: ChannelSettings, message: Message) -> None:
        time.sleep(0.05)
        taken.extend(message.alert_ids)

    hub = settings(tmp_path, phone=channel("json://127.0.0.1"))
    threads = [
        threading.Thread(target=lambda store=store: [send_due(store, hub, "UTC", lambda: AT, send) for _ in range(5)])
        for store in stores
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1
    for store in stores:
        store.close()


def test_a_loop_is_not_held_up_by_a_channel_that_hangs(tmp_path: Path):
    store, said = Store(tmp_path), []
    raise_breaks(store)
    with served(wait=threading.Event()) as (url, told):
        hub = settings(tmp_path, phone=channel(url))
        watch = AlertWatch(store, [DEMO], hub, lambda: AT, lambda kind, sentence: said.append((kind, sentence)))
        longest = 0.0
        until = time.monotonic() + 25
        while not told and time.monotonic() < until:
            since = time.monotonic()
            watch.look()
            longest = max(longest, time.monotonic() - since)
            time.sleep(0.01)
        assert told
        watch.look()
        since = time.monotonic()
        watch.close()
        assert time.monotonic() - since < 10
    assert longest < 1
    assert said == [("alert_not_sent", "phone (json://…): MGC 10:00: break: not sent: the hub was stopped")]
    store.close()


def test_what_happened_before_the_first_look_is_counted_and_not_told_as_if_it_happened_now(tmp_path: Path):
    store, said = Store(tmp_path), []
    facts = [
        Fact("result", "MGC", "10:00", str(hours), "Stop.", "note", AT - timedelta(hours=hours)) for hours in (0, 2, 9)
    ]
    watch = AlertWatch(
        store, [DEMO], settings(tmp_path), lambda: AT, lambda kind, text: said.append((kind, text)), lambda _: facts
    )
    watch.finish()
    assert said == [
        ("alerts_before", "2 of the last day, from before the first look: they are in the hub."),
        ("alert", "MGC 10:00: trade over: Stop."),
    ]
    store.close()


def test_what_keeps_alerts_from_being_looked_for_is_told_once_and_once_that_it_is_over(tmp_path: Path):
    store, other, said = Store(tmp_path, wait=0.05), Store(tmp_path), []
    raise_breaks(store)
    watch = AlertWatch(store, [DEMO], settings(tmp_path), lambda: AT, lambda kind, words: said.append((kind, words)))
    with other.journal_write():
        for _ in range(3):
            watch.finish()
    watch.finish()
    watch.finish()
    [(kind, words), over] = [each for each in said if each[0] in ("alert_not_sent", "alerts_back")]
    assert kind == "alert_not_sent"
    assert "held it for longer than 0.05 s" in words
    assert over == ("alerts_back", "alerts: looked for again.")
    other.close()
    store.close()


def test_a_loop_along_a_replay_tells_nobody(tmp_path: Path):
    store = Store(tmp_path)
    raise_breaks(store)
    with served() as (url, told):
        watch = AlertWatch(store, [], settings(tmp_path, phone=channel(url)), lambda: AT, lambda *_: None)
        watch.look()
        watch.finish()
    assert told == []
    store.close()


def test_a_test_message_goes_to_every_channel_and_what_failed_is_said_without_an_address(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
):
    with served() as (good, told), served(403) as (bad, _):
        (own_home / "secrets.toml").write_text(f'[alerts.channels.mail]\nurl = "{good}"\nkinds = ["break"]\n')
        monkeypatch.setenv("HUB_ALERTS__CHANNELS__PHONE__URL", bad)
        ran = run_hub("alerts", "--test", "all", "--json", home=own_home)
        lines = run_hub("alerts", home=own_home)
    assert ran.code == 1
    assert {each["channel"]: each["error"] for each in ran.object["sent"]} == {
        "mail": None,
        "phone": "the service answered 403",
    }
    assert told[0]["title"] == "Trading hub: test"
    assert lines.out.startswith(
        "No alert in the last 31 days. hub shadow --feed raises them while it runs, else each hub alerts --send.\n"
    )
    assert "✓ mail json://…: took the last message; break" in lines.out
    assert "✕ phone json://…: did not take the last message: the service answered 403; every kind" in lines.out
    assert SECRET not in ran.said + lines.said
