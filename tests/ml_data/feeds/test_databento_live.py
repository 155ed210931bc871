"""Databento's live bars through its own client: a gateway here greets, challenges and sends DBN as theirs does."""

import hashlib
import logging
import socket
import time
from collections.abc import Callable, Iterator

import pytest

databento = pytest.importorskip("databento", reason="the extra databento is not installed")

from databento_dbn import ErrorMsg, Metadata, OHLCVMsg, RType, SType, SymbolMappingMsg, SystemCode, SystemMsg  # noqa: E402

from ml_data.feeds.base import FeedDown  # noqa: E402
from ml_data.feeds.databento_live import DatabentoLive  # noqa: E402
from ml_data.feeds.reconnecting import Reconnecting  # noqa: E402
from tests.hub_home import ROOT  # noqa: E402
from tests.ml_data.feeds.feed_bars import at, kinds  # noqa: E402
from tests.ml_data.feeds.loopback import TcpServer, received_line, tcp_server  # noqa: E402
from trading.domain.instrument import read_instrument  # noqa: E402
from trading.errors import HubError  # noqa: E402

MGC = read_instrument(ROOT / "config" / "instruments" / "MGC.toml")
KEY = "db-secretsecretsecretsecret12345"
CHALLENGE = "t7kNhwj4xqR0QYjzFKtBEG2ec2pXJ4FK"
NAMES = {42: "MGCJ4", 43: "MGCM4", 44: "MGCJ4-MGCM4"}


def ns(start: str) -> int:
    return int(at(start).timestamp()) * 1_000_000_000


def ohlcv(start: str, close: float, number: int = 42) -> bytes:
    price = round(close * 1_000_000_000)
    return bytes(OHLCVMsg(RType.OHLCV_1M, 1, number, ns(start), price, price, price, price, 7))


def end_of_interval(moment: str) -> bytes:
    return bytes(SystemMsg(ns(moment), "End of interval for ohlcv-1m", code=SystemCode.END_OF_INTERVAL))


def caught_up() -> bytes:
    return bytes(SystemMsg(ns("14:00"), "Finished replay", code=SystemCode.REPLAY_COMPLETED))


def heartbeat(moment: str) -> bytes:
    return bytes(SystemMsg(ns(moment), "Heartbeat", code=SystemCode.HEARTBEAT))


def named() -> bytes:
    since = ns("00:00")
    return b"".join(
        bytes(
            SymbolMappingMsg(
                1, number, since, SType.PARENT, "MGC.FUT", SType.RAW_SYMBOL, name, since, since + 86_400 * 10**9
            )
        )
        for number, name in NAMES.items()
    )


class Gateway:
    """The gateway's side of one session after the other; what each sends is in `sessions`."""

    def __init__(self) -> None:
        self.sessions: list[list[bytes]] = []
        self.subscriptions: list[str] = []
        self.key = KEY

    def __call__(self, connection: socket.socket, number: int) -> None:
        connection.sendall(f"lsg_version=0.6.1\ncram={CHALLENGE}\n".encode())
        answer = dict(part.partition("=")[::2] for part in received_line(connection).split("|"))
        right = hashlib.sha256(f"{CHALLENGE}|{self.key}".encode()).hexdigest()
        if answer["auth"] != f"{right}-{self.key[-5:]}":
            connection.sendall(b"success=0|error=Authentication failed.\n")
            return
        connection.sendall(b"success=1|session_id=1700000000\n")
        while (line := received_line(connection)) != "start_session=0":
            self.subscriptions.append(line)
        header = Metadata(
            dataset=answer["dataset"], start=ns("14:00"), stype_in=None, stype_out=SType.INSTRUMENT_ID, schema=None
        )
        connection.sendall(bytes(header.encode()))
        for part in self.sessions[number]:
            connection.sendall(part)
        connection.recv(1)  # until the client leaves, or the test breaks it off


@pytest.fixture
def gateway() -> Iterator[tuple[Gateway, TcpServer]]:
    talk = Gateway()
    with tcp_server(talk) as server:
        yield talk, server


def feed_of(server: TcpServer, key: str = KEY) -> DatabentoLive:
    return DatabentoLive("GLBX.MDP3", ("MGC.FUT",), MGC, key=key, gateway="127.0.0.1", port=server.port)


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_bars_of_outright_contracts_come_with_their_names_and_prices(gateway: tuple[Gateway, TcpServer]):
    talk, server = gateway
    talk.sessions = [
        [named(), ohlcv("14:00", 2051.3), ohlcv("14:00", 2060.1, 43), ohlcv("14:00", 8.8, 44), end_of_interval("14:01"),
         caught_up()]
    ]  # fmt: skip
    feed = feed_of(server)
    delivery = feed.newest(at("13:59"), at("14:01:05"))
    assert [(row["contract"], row["close"], row["volume"]) for row in delivery.bars.to_pylist()] == [
        ("MGCJ4", 2051.3, 7.0),
        ("MGCM4", 2060.1, 7.0),
    ]
    assert delivery.bars.column("ts").to_pylist() == [at("14:00")] * 2
    assert delivery.through == at("14:01")
    asked = dict(part.partition("=")[::2] for part in talk.subscriptions[0].split("|"))
    assert (asked["schema"], asked["stype_in"], asked["symbols"]) == ("ohlcv-1m", "parent", "MGC.FUT")
    assert int(asked["start"]) == ns("13:59")  # what was missed is asked of the intraday replay
    feed.close()


def test_a_replay_is_asked_for_no_longer_than_the_gateway_keeps_it(gateway: tuple[Gateway, TcpServer]):
    talk, server = gateway
    talk.sessions = [[named(), caught_up()]]
    feed = feed_of(server)
    feed.newest(at("00:00").replace(year=2020), at("23:30"))
    assert f"start={ns('00:30')}|" in talk.subscriptions[0]
    feed.close()


def test_a_heartbeat_vouches_for_what_ended_before_it(gateway: tuple[Gateway, TcpServer]):
    talk, server = gateway
    talk.sessions = [[named(), heartbeat("14:05:01"), heartbeat("14:06:02"), caught_up()]]
    feed = feed_of(server)
    assert feed.newest(at("13:59"), at("14:06:05")).through == at("14:06")
    feed.close()


def test_a_break_loses_nothing_and_the_session_after_it_begins_where_the_store_ends(gateway: tuple[Gateway, TcpServer]):
    talk, server = gateway
    talk.sessions = [
        [named(), ohlcv("14:00", 2051.3), ohlcv("14:01", 2051.4), caught_up()],
        [named(), ohlcv("14:01", 2051.4), ohlcv("14:02", 2051.5), caught_up()],
    ]
    seconds = [0.0]
    feed = Reconnecting(
        lambda: feed_of(server), name="databento", poll_seconds=1, settles_after=0, monotonic=lambda: seconds[0]
    )
    assert len(feed.newest(at("13:59"), at("14:02")).bars) == 2
    server.drop()
    told = []
    until(lambda: told.extend(feed.newest(at("14:01"), at("14:03")).notices) or bool(told))
    assert kinds(told) == ["disconnected"]
    seconds[0] = 1.0
    delivery = feed.newest(at("14:01"), at("14:03"))
    assert delivery.bars.column("close").to_pylist() == [2051.4, 2051.5]
    assert kinds(delivery.notices) == ["reconnected"]
    assert f"start={ns('14:01')}|" in talk.subscriptions[1]
    feed.close()


def test_what_the_gateway_says_before_it_hangs_up_is_told(gateway: tuple[Gateway, TcpServer]):
    talk, server = gateway
    talk.sessions = [[named(), bytes(ErrorMsg(ns("14:00"), "Data for GLBX.MDP3 is not licensed")), caught_up()]]
    feed = feed_of(server)
    feed.newest(at("13:59"), at("14:00"))
    server.drop()
    with pytest.raises(FeedDown, match=r"Data for GLBX\.MDP3 is not licensed"):
        until(lambda: feed.newest(at("13:59"), at("14:00")) is None)
    feed.close()


def test_a_wrong_key_is_refused_at_once_and_shown_nowhere(
    gateway: tuple[Gateway, TcpServer], caplog: pytest.LogCaptureFixture
):
    _, server = gateway
    wrong = "db-wrongwrongwrongwrongwrong9876"
    with caplog.at_level(logging.INFO), pytest.raises(HubError, match="refused the key") as caught:
        feed_of(server, wrong).newest(None, at("14:00"))
    assert not isinstance(caught.value, FeedDown)
    assert wrong not in str(caught.value) + caplog.text


def test_a_gateway_that_is_not_there_is_down(gateway: tuple[Gateway, TcpServer]):
    _, server = gateway
    server.close()
    with pytest.raises(FeedDown, match=r"the gateway of GLBX\.MDP3 does not answer"):
        feed_of(server).newest(None, at("14:00"))
