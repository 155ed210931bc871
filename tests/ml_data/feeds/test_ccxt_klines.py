"""An exchange's bars through ccxt itself: it is pointed at a server here that answers as Binance does."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

ccxt = pytest.importorskip("ccxt", reason="the extra crypto is not installed")

from ml_data.feeds.base import FeedDown  # noqa: E402
from ml_data.feeds.ccxt_klines import CcxtKlines, exchange_of  # noqa: E402
from ml_data.feeds.closed_bars import ClosedBars  # noqa: E402
from ml_data.feeds.reconnecting import Reconnecting  # noqa: E402
from tests.hub_home import ROOT  # noqa: E402
from tests.ml_data.feeds.feed_bars import at, closes, kinds, minutes  # noqa: E402
from tests.ml_data.feeds.loopback import http_server  # noqa: E402
from trading.domain.instrument import read_instrument  # noqa: E402
from trading.errors import HubError  # noqa: E402

BTC = read_instrument(ROOT / "config" / "instruments" / "BTCUSDT.toml")

# What https://api.binance.com/api/v3/exchangeInfo says of one market, cut to what ccxt reads.
MARKET = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "baseAssetPrecision": 8,
    "quoteAsset": "USDT",
    "quotePrecision": 8,
    "quoteAssetPrecision": 8,
    "orderTypes": ["LIMIT", "MARKET"],
    "isSpotTradingAllowed": True,
    "isMarginTradingAllowed": False,
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.0", "stepSize": "0.00001"},
    ],
    "permissions": [],
    "permissionSets": [["SPOT"]],
}


def kline(start: str, close: str) -> list[Any]:
    """Return a minute as /api/v3/klines does: prices and volume are text."""
    opens = int(at(start).timestamp() * 1_000)
    return [
        opens,
        "67310.01",
        "67390.00",
        "67300.00",
        close,
        "12.34567",
        opens + 59_999,
        "830000.1",
        812,
        "6.1",
        "4.2",
        "0",
    ]


class Exchange:
    """What the server says; a test changes it."""

    def __init__(self) -> None:
        self.klines: list[list[Any]] = []
        self.asked: list[dict[str, str]] = []
        self.trouble: tuple[int, Any] | None = None

    def __call__(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        if path.endswith("/exchangeInfo"):
            return 200, {"timezone": "UTC", "serverTime": 0, "rateLimits": [], "symbols": [MARKET]}
        if self.trouble is not None:
            return self.trouble
        self.asked.append(query)
        since, limit = int(query["startTime"]), int(query["limit"])
        return 200, [each for each in self.klines if each[0] >= since][:limit]


@pytest.fixture
def served() -> Iterator[tuple[Exchange, CcxtKlines]]:
    exchange = Exchange()
    with http_server(exchange) as url:
        client = exchange_of("binance")
        client.urls["api"] = {name: f"{url}/{name}" for name in client.urls["api"]}
        client.options["fetchMarkets"] = {"types": ["spot"]}
        client.options["fetchCurrencies"] = False
        client.enableRateLimit = False
        feed = CcxtKlines(client, "BTC/USDT", BTC, delay=2.0)
        yield exchange, feed
        feed.close()


def test_bars_come_with_the_minute_that_is_not_over_and_it_is_held(served: tuple[Exchange, CcxtKlines]):
    exchange, feed = served
    exchange.klines = [kline("14:00", "67350.25"), kline("14:01", "67360.50"), kline("14:02", "67361.00")]
    delivery = feed.newest(at("14:01"), at("14:02:30"))
    assert closes(delivery.bars) == [("14:01", 67360.5), ("14:02", 67361.0)]
    assert delivery.bars.column("volume").to_pylist() == [12.34567] * 2
    assert exchange.asked[-1]["symbol"] == "BTCUSDT"
    assert exchange.asked[-1]["interval"] == "1m"
    closed, told = ClosedBars(timedelta(seconds=2)).take(delivery.bars, at("14:02:30"))
    assert (minutes(closed), kinds(told)) == (["14:01"], ["unclosed"])


def test_an_answer_vouches_for_the_minutes_that_were_over_when_it_was_asked(served: tuple[Exchange, CcxtKlines]):
    _, feed = served
    assert feed.newest(at("14:00"), at("14:05:02")).through == at("14:05")
    assert feed.newest(at("14:00"), at("14:05:01")).through == at("14:04")


def test_a_long_absence_is_filled_in_several_answers(served: tuple[Exchange, CcxtKlines]):
    exchange, feed = served
    exchange.klines = [kline(f"{10 + m // 60}:{m % 60:02d}", "67350.25") for m in range(700)]
    first = feed.newest(at("10:00"), at("21:39"))
    assert (len(first.bars), first.more, first.through) == (500, True, None)
    rest = feed.newest(first.bars.column("ts")[-1].as_py(), at("21:39"))
    assert (len(rest.bars), rest.more) == (201, False)


@pytest.mark.parametrize(
    "trouble", [(503, {"code": -1, "msg": "down"}), (429, {"code": -1003, "msg": "slow"}), (0, None)]
)
def test_an_exchange_that_does_not_answer_is_down_and_comes_back(served: tuple[Exchange, CcxtKlines], trouble: Any):
    exchange, feed = served
    feed.newest(at("14:00"), at("14:01"))
    exchange.trouble = trouble
    seconds = [0.0]
    lasting = Reconnecting(lambda: feed, name="x", poll_seconds=1, settles_after=0, monotonic=lambda: seconds[0])
    with pytest.raises(FeedDown):
        feed.newest(at("14:00"), at("14:01"))
    assert kinds(lasting.newest(at("14:00"), at("14:01")).notices) == ["disconnected"]
    exchange.trouble, exchange.klines = None, [kline("14:00", "67350.25")]
    assert lasting.newest(at("14:00"), at("14:02")).notices == ()  # it waits
    seconds[0] = 1.5
    delivery = lasting.newest(at("14:00"), at("14:02"))
    assert (minutes(delivery.bars), kinds(delivery.notices)) == (["14:00"], ["reconnected"])


def test_a_symbol_or_an_exchange_that_does_not_exist_is_no_matter_of_waiting(served: tuple[Exchange, CcxtKlines]):
    _, feed = served
    feed._symbol = "BTC/XYZ"
    with pytest.raises(HubError, match="the exchange has no BTC/XYZ; it has BTC/USDT"):
        feed.newest(at("14:00"), at("14:01"))
    with pytest.raises(HubError, match="ccxt knows no exchange 'nowhere'"):
        exchange_of("nowhere")
