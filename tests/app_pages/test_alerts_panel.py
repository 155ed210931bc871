"""The bell of every page: what it shows, what is new, and that no address is on the page."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app_pages.alerts_panel import told_by
from app_pages.alerts_view import Told, alerts_html, badge_html, channel_html, unread
from ml_data.alert_journal import Delivery, append_deliveries, raise_alerts
from ml_data.store import Store
from ml_monitoring.alert_channels import channels_of
from ml_monitoring.alerts import alerts_due
from tests.app_pages.small_home import make_home
from tests.app_pages.test_today_page import page_text
from tests.hub_home import ROOT
from trading.alert_settings import AlertSettings
from trading.domain.alert import Alert, Fact
from trading.settings import HubSettings

AT = datetime(2025, 6, 3, 2, 0, tzinfo=UTC)
ZONE = "Australia/Brisbane"
SECRET = "hunter2"  # noqa: S105 - made up
CHANNELS = {"channels": {"phone": {"url": f"tgram://1:{SECRET}/2", "kinds": ["break"]}, "mail": {"url": "mailto://x"}}}


def alert(number: int, minute: int, withheld: str | None = None) -> Alert:
    at = AT + timedelta(minutes=minute)
    return Alert(str(number), "break", "MGC", "10:00", "UP <b>.", "look", at, at, withheld)


def test_an_alert_has_a_shape_a_word_its_time_and_how_it_was_told():
    told = Told(
        (alert(2, 5, "quiet hours"), alert(1, 0)),
        (Delivery("1", "phone", 1, "sending", None, AT), Delivery("1", "phone", 1, "sent", None, AT)),
    )
    newer, older = alerts_html(told, ZONE, AT, "dark").split("</div><div>")
    assert '<span class="new">new</span><b>MGC 10:00: break</b>' in newer
    assert '<i class="tone-warn">◆</i>' in newer
    assert "Look. UP &lt;b&gt;. · not sent: quiet hours" in newer
    assert "new" not in older
    assert "3 Jun 12:00 AEST" in older
    assert "· phone" in older
    assert unread(told.alerts, AT) == 1


def test_a_channel_that_fails_is_named_beside_the_bell_and_no_address_is_shown():
    failed = [Delivery("1", "phone", 1, "failed", "the service answered 401", AT)]
    channels = channels_of(AlertSettings(**CHANNELS), failed, AT)
    assert badge_html(0, channels) == '<div class="hub-badge"><span class="tone-bad">✕ phone</span></div>'
    phone, mail = (channel_html(each, "light") for each in channels)
    assert "tgram://…" in phone
    assert "did not take the last message: the service answered 401 · break" in phone
    assert "nothing was sent to it lately: test it · every kind" in mail
    assert SECRET not in phone


@pytest.mark.parametrize(
    ("state", "minutes", "words"),
    [("sending", 1, "on its way"), ("sending", 6, "nobody knows whether it arrived"), ("sent", 600, "took the last")],
)
def test_what_became_of_the_last_message_is_said(state: str, minutes: int, words: str):
    [phone, _] = channels_of(
        AlertSettings(**CHANNELS), [Delivery("1", "phone", 1, state, None, AT)], AT + timedelta(minutes=minutes)
    )
    assert words in phone.sentence


def test_a_page_of_a_past_clock_shows_what_had_been_raised_by_then(tmp_path: Path):
    store = Store(tmp_path)
    facts = [Fact("result", "MGC", "10:00", str(n), "so.", "note", AT + timedelta(hours=n)) for n in range(3)]
    for fact in facts:
        now = fact.happened_at
        raise_alerts(store, AT, lambda already, fact=fact, now=now: alerts_due([fact], now, AlertSettings(), already))
    append_deliveries(store, [Delivery("1", "phone", 1, "sent", None, AT)])
    told = told_by(store, AT + timedelta(hours=1))
    assert [each.happened_at for each in told.alerts] == [AT + timedelta(hours=1), AT]
    assert len(told.deliveries) == 1
    store.close()


def test_the_bell_is_on_a_page_and_the_page_has_no_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    home = make_home(tmp_path, built=False)
    monkeypatch.setenv("HUB_HOME", str(home))
    monkeypatch.setenv("HUB_ALERTS__CHANNELS__PHONE__URL", f"tgram://1:{SECRET}/2")
    now = datetime.now(UTC)
    fact = Fact("stale", "MGC", "feed", "1", "No bar.", "bad", now)
    store = Store(HubSettings(home=home).store_folder)
    raise_alerts(store, now - timedelta(hours=1), lambda already: alerts_due([fact], now, AlertSettings(), already))
    store.close()
    page = AppTest.from_file(str(ROOT / "app_trading_hub.py"), default_timeout=60)
    page.run()
    shown = page_text(page) + str(page)
    assert not page.exception
    assert "1 new" in shown
    assert SECRET not in shown
