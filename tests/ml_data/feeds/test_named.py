"""What `--feed` may say, and what it is told when it says something else."""

from datetime import date
from pathlib import Path

import pytest

from ml_data.feeds import named
from ml_data.feeds.base import FeedDown, Notice, nothing_new
from ml_data.feeds.folder import FolderFeed
from ml_data.feeds.named import FeedNeeds, named_feed
from ml_data.feeds.reconnecting import WAITS, Reconnecting
from ml_data.feeds.replay import ReplayFeed
from ml_data.store import Store
from tests.hub_home import ROOT
from tests.ml_data.feeds.feed_bars import at, kinds
from trading.domain.instrument import read_instrument
from trading.errors import BadSettings, HubError
from trading.settings import FeedSettings, read_settings

BTC = read_instrument(ROOT / "config" / "instruments" / "BTCUSDT.toml")


@pytest.fixture
def needs(tmp_path: Path) -> FeedNeeds:
    return FeedNeeds(Store(tmp_path), BTC, FeedSettings(), lambda _: None, lambda: 0.0)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("", "expected one of folder:/path/to/files; replay:"),
        ("folder:", "expected one of"),
        ("ftp:host", "found 'ftp:host'"),
        ("folder:/nowhere/at/all", "/nowhere/at/all is not there"),
        ("replay:2025-01-02", "expected replay:2025-01-02..2025-06-27"),
        ("replay:2025-01-03..2025-01-02", "expected replay:"),
        ("replay:2025-01-02..2025-01-03@fast", "expected replay:"),
        ("replay:2025-01-02..2025-01-03@0", "expected replay:"),
        ("databento:GLBX.MDP3", "expected databento:GLBX.MDP3:MGC.FUT"),
        ("databento:GLBX.MDP3:MGC.FUT", "expected the key in the environment, DATABENTO_API_KEY; it is not set"),
        ("ib:localhost", "expected ib:127.0.0.1:7497"),
        ("ccxt:binance", "expected ccxt:binance:BTC/USDT"),
    ],
)
def test_words_that_name_no_feed_are_answered_in_a_sentence(needs: FeedNeeds, words: str, sentence: str):
    with pytest.raises(HubError) as caught:
        named_feed(words, needs)
    assert sentence in str(caught.value)


def test_a_feed_whose_extra_is_not_installed_says_how_to_get_it(needs: FeedNeeds, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(named, "find_spec", lambda _: None)
    with pytest.raises(HubError, match=r"needs the package ccxt, .* pip install 'trading-hub\[crypto\]'"):
        named_feed("ccxt:binance:BTC/USDT", needs)


def test_words_become_feeds(needs: FeedNeeds, tmp_path: Path):
    assert isinstance(named_feed(f"folder:{tmp_path}", needs), FolderFeed)
    replay = named_feed("replay:2025-01-02..2025-01-03@60", needs)
    assert isinstance(replay, ReplayFeed)
    assert (replay.name, replay.starts_at.date()) == ("replay:2025-01-02..2025-01-03@60", date(2025, 1, 2))
    assert isinstance(named_feed("ib:127.0.0.1:7497", needs), Reconnecting)


def test_the_key_of_a_vendor_is_no_setting(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HUB_FEED__KEY", "secret")
    with pytest.raises(BadSettings, match="there is no such key"):
        read_settings()


def test_waits_grow_and_end_with_the_first_success():
    seconds, down, made = [0.0], [True], [0]

    class Flaky:
        name, poll_seconds, settles_after = "flaky", 1.0, 0.0

        def newest(self, since, now):
            if down[0]:
                raise FeedDown("nobody answers.")
            return nothing_new(Notice("feed", "hello"))

        def close(self):
            pass

    def make():
        made[0] += 1
        return Flaky()

    feed = Reconnecting(make, name="flaky", poll_seconds=1, settles_after=0, monotonic=lambda: seconds[0])
    said = []
    for wait in (*WAITS, WAITS[-1]):
        [notice] = feed.newest(None, at("14:00")).notices
        said.append(notice.sentence)
        seconds[0] += wait - 0.5
        assert feed.newest(None, at("14:00")).notices == ()
        seconds[0] += 0.5
    assert said[0] == "flaky: nobody answers. Trying again in 1 seconds."
    assert made[0] == len(WAITS) + 1
    down[0] = False
    delivery = feed.newest(None, at("14:00"))
    assert kinds(delivery.notices) == ["reconnected", "feed"]
    assert delivery.notices[0].sentence == f"flaky is back after {sum(WAITS) + WAITS[-1]:,.0f} seconds."
    assert kinds(feed.newest(None, at("14:00")).notices) == ["feed"]
