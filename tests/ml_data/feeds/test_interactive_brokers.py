"""Interactive Brokers' bars through `ib_async` itself: a server here shakes hands and answers as TWS does."""

import socket
from collections.abc import Iterator

import pytest

pytest.importorskip("ib_async", reason="the extra ib is not installed")

from ml_data.feeds.base import FeedDown
from ml_data.feeds.interactive_brokers import InteractiveBrokers
from ml_data.feeds.reconnecting import Reconnecting
from tests.hub_home import ROOT
from tests.ml_data.feeds.feed_bars import at, closes, kinds
from tests.ml_data.feeds.loopback import TcpServer, received, received_message, send_message, tcp_server
from trading.domain.instrument import read_instrument
from trading.errors import HubError
from trading.settings import IbSettings

pytestmark = pytest.mark.own_thread

MGC = read_instrument(ROOT / "config" / "instruments" / "MGC.toml")
SERVER_VERSION = 176
CONTRACTS = {"20240226": "MGCG4", "20240426": "MGCJ4", "20240626": "MGCM4", "20240828": "MGCQ4"}


def seconds(start: str) -> int:
    return int(at(start).timestamp())


def details(request: str, expiry: str, name: str) -> list[object]:
    """Return the message that describes one future, field by field as server version 176 sends it."""
    return [
        10, request, "MGC", "FUT", f"{expiry} 12:30 US/Central", "0", "", "COMEX", "USD", name, "MGC", "MGC", 600,
        "0.1", "10", "LMT,MKT", "COMEX", "1", 600, "E-Micro Gold", "", expiry[:6], "", "", "", "US/Central", "", "",
        "", "0", 0, "2147483647", "MGC", "IND", "26", expiry, "", "1", "1", "1",
    ]  # fmt: skip


class Tws:
    """TWS's side of the connection: the bars it has by contract, and what it was asked."""

    def __init__(self) -> None:
        self.bars: dict[str, list[tuple[str, float]]] = {}
        self.asked: list[list[str]] = []
        self.updates: list[list[object]] = []
        self.contracts = CONTRACTS
        self.requests: dict[str, str] = {}

    def __call__(self, connection: socket.socket, number: int) -> None:
        assert received(connection, 4) == b"API\0"
        assert received_message_text(connection) == "v157..178"
        send_message(connection, SERVER_VERSION, "20240305 14:00:00 UTC")
        while True:
            self._answer(connection, received_message(connection))

    def _answer(self, connection: socket.socket, fields: list[str]) -> None:
        self.asked.append(fields)
        kind = int(fields[0])
        if kind == 71:  # start
            send_message(connection, 15, 1, "DU0000000")
            send_message(connection, 9, 1, 1)
            send_message(connection, 4, 2, -1, 2104, "Market data farm connection is OK:usfuture", "")
        elif kind == 61:  # positions
            send_message(connection, 62, 1)
        elif kind == 9:  # contract details
            for expiry, name in self.contracts.items():
                send_message(connection, *details(fields[2], expiry, name))
            send_message(connection, 52, 1, fields[2])
        elif kind == 20:  # historical bars, kept up to date
            name = fields[12]
            self.requests[name] = fields[1]
            rows = self.bars.get(name, [])
            values = [
                each for start, close in rows for each in (seconds(start), close, close, close, close, 9, close, 3)
            ]
            send_message(connection, 17, fields[1], "20240305 13:00:00", "20240305 14:00:00", len(rows), *values)
        elif kind == 49:  # what time is it: what happened meanwhile was sent before the answer
            for update in self.updates:
                send_message(connection, *update)
            self.updates = []
            send_message(connection, 49, 1, seconds("14:00"))

    def update(self, name: str, start: str, close: float) -> None:
        request = self.requests[name]
        self.updates.append([90, request, 3, seconds(start), close, close, close, close, close, 9])


def received_message_text(connection: socket.socket) -> str:
    size = int.from_bytes(received(connection, 4), "big")
    return received(connection, size).decode().strip()


@pytest.fixture
def tws() -> Iterator[tuple[Tws, TcpServer]]:
    talk = Tws()
    with tcp_server(talk) as server:
        yield talk, server


def feed_of(server: TcpServer, **settings: object) -> InteractiveBrokers:
    return InteractiveBrokers("127.0.0.1", server.port, MGC, IbSettings(**{"contracts": 2, **settings}))


def test_the_nearest_contracts_that_have_not_expired_are_followed(tws: tuple[Tws, TcpServer]):
    talk, server = tws
    talk.bars = {"MGCJ4": [("14:00", 2051.3), ("14:01", 2051.4)], "MGCM4": [("14:00", 2060.1)]}
    feed = feed_of(server)
    delivery = feed.newest(at("13:50"), at("14:01:30"))
    rows = [(row["contract"], f"{row['ts']:%H:%M}", row["close"], row["volume"]) for row in delivery.bars.to_pylist()]
    assert rows == [("MGCJ4", "14:00", 2051.3, 9.0), ("MGCJ4", "14:01", 2051.4, 9.0), ("MGCM4", "14:00", 2060.1, 9.0)]
    asked = [fields for fields in talk.asked if fields[0] == "20"]
    assert [fields[12] for fields in asked] == ["MGCJ4", "MGCM4"]
    # 30 minutes before the newest stored bar, all hours, trades, seconds since 1970, kept up to date
    assert asked[0][15:22] == ["", "1 min", "2520 S", "0", "TRADES", "2", "1"]
    assert not [fields for fields in talk.asked if fields[0] in ("3", "4")]  # no order, nothing cancelled
    feed.close()


def test_updates_of_the_running_minute_and_new_minutes_come_and_old_ones_do_not_again(tws: tuple[Tws, TcpServer]):
    talk, server = tws
    talk.bars = {"MGCJ4": [("14:00", 2051.3), ("14:01", 2051.4)]}
    feed = feed_of(server)
    feed.newest(at("13:50"), at("14:01:30"))
    assert closes(feed.newest(at("14:00"), at("14:01:31")).bars) == []
    talk.update("MGCJ4", "14:01", 2051.9)
    assert closes(feed.newest(at("14:00"), at("14:01:36")).bars) == [("14:01", 2051.9)]
    talk.update("MGCJ4", "14:01", 2052.0)
    talk.update("MGCJ4", "14:02", 2052.2)
    assert closes(feed.newest(at("14:00"), at("14:02:03")).bars) == [("14:01", 2052.0), ("14:02", 2052.2)]
    for minute in range(3, 30):
        talk.update("MGCJ4", f"14:{minute:02d}", 2053.0)
        feed.newest(at("14:00"), at("14:40"))
    assert len(feed._bars["MGCJ4"]) <= 6  # memory is flat however long it runs
    feed.close()


def test_an_answer_vouches_only_while_the_market_data_are_there(tws: tuple[Tws, TcpServer]):
    talk, server = tws
    talk.bars = {"MGCJ4": [("14:00", 2051.3)]}
    feed = feed_of(server)
    assert feed.newest(at("13:50"), at("14:05:07")).through == at("14:05")
    assert feed.newest(at("13:50"), at("14:06:06")).through == at("14:05")
    talk.updates.append([4, 2, -1, 2103, "Market data farm connection is broken:usfuture", ""])
    delivery = feed.newest(at("13:50"), at("14:07:10"))
    assert (delivery.through, kinds(delivery.notices)) == (None, ["disconnected"])
    talk.updates.append([4, 2, -1, 2104, "Market data farm connection is OK:usfuture", ""])
    delivery = feed.newest(at("13:50"), at("14:08:10"))
    assert (delivery.through, kinds(delivery.notices)) == (at("14:08"), ["reconnected"])
    feed.close()


def test_tws_that_restarts_is_connected_again_and_asked_for_what_was_missed(tws: tuple[Tws, TcpServer]):
    talk, server = tws
    talk.bars = {"MGCJ4": [("14:00", 2051.3)]}
    ticks = [0.0]
    feed = Reconnecting(lambda: feed_of(server), name="ib", poll_seconds=1, settles_after=7, monotonic=lambda: ticks[0])
    assert len(feed.newest(at("13:50"), at("14:00:30")).bars) == 1
    server.drop()
    assert kinds(feed.newest(at("14:00"), at("14:01:30")).notices) == ["disconnected"]
    talk.bars = {"MGCJ4": [("14:00", 2051.3), ("14:01", 2051.4)]}
    ticks[0] = 1.0
    delivery = feed.newest(at("14:00"), at("14:02"))
    assert (len(delivery.bars), kinds(delivery.notices)) == (2, ["reconnected"])
    feed.close()


def test_subscriptions_that_were_lost_are_made_anew(tws: tuple[Tws, TcpServer]):
    talk, server = tws
    talk.bars = {"MGCJ4": [("14:00", 2051.3)]}
    feed = feed_of(server)
    feed.newest(at("13:50"), at("14:00:30"))
    talk.updates.append([4, 2, -1, 1101, "Connectivity has been restored - data lost", ""])
    with pytest.raises(FeedDown, match="dropped the subscriptions"):
        feed.newest(at("13:50"), at("14:01:30"))
    feed.close()


def test_without_bars_or_a_contract_it_says_where_to_look(tws: tuple[Tws, TcpServer]):
    talk, server = tws
    feed = feed_of(server)
    with pytest.raises(HubError, match=r"no bars of MGCJ4, MGCM4; look at the market data permissions"):
        feed.newest(None, at("14:00"))
    feed.close()
    talk.contracts = {}
    feed = feed_of(server, exchange="NYMEX")
    with pytest.raises(HubError, match=r"knows no FUT MGC at NYMEX in USD; correct \[feed.ib\]"):
        feed.newest(None, at("14:00"))
    feed.close()


def test_nobody_at_the_port_is_down(tws: tuple[Tws, TcpServer]):
    _, server = tws
    server.close()
    feed = feed_of(server)
    with pytest.raises(FeedDown, match="TWS or the gateway does not answer"):
        feed.newest(None, at("14:00"))
    feed.close()
