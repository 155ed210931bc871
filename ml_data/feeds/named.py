"""From the words of `--feed` to a feed: `folder:/path`, `replay:DAY..DAY@60`, `databento:`, `ib:`, `ccxt:`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from ml_data.feeds.base import Feed
from ml_data.feeds.folder import FolderFeed
from ml_data.feeds.reconnecting import Reconnecting
from ml_data.feeds.replay import ReplayFeed
from ml_data.feeds.watched_file import Layout
from ml_data.store import Store
from trading.domain.instrument import Instrument
from trading.errors import BadSettings, HubError
from trading.settings import FeedSettings

KINDS: Final = {
    "folder": "folder:/path/to/files",
    "replay": "replay:2025-01-02..2025-06-27, or with a speed behind it, @60",
    "databento": "databento:GLBX.MDP3:MGC.FUT",
    "ib": "ib:127.0.0.1:7497",
    "ccxt": "ccxt:binance:BTC/USDT",
}
EXTRAS: Final = {"databento": ("databento", "databento"), "ib": ("ib_async", "ib"), "ccxt": ("ccxt", "crypto")}
KEY_OF_DATABENTO: Final = "DATABENTO_API_KEY"
_Made = tuple[Callable[[], Feed], float, float]
"""How to make a feed, how often to ask it, and how long its bars may change; known before it is made."""


@dataclass(frozen=True)
class FeedNeeds:
    """What feeds are made with. `secret(name)` reads a secret of the environment."""

    store: Store
    instrument: Instrument
    settings: FeedSettings
    secret: Callable[[str], str | None]
    monotonic: Callable[[], float]


def named_feed(words: str, needs: FeedNeeds, *, lasting: bool = True) -> Feed:
    """Return the feed that `words` name. A network feed reconnects on its own, unless it is not `lasting`.

    Raises
    ------
    HubError
        when the words name no feed, or what it needs (an extra, a key, a folder) is not there; the message says what.
    """
    kind, _, rest = words.partition(":")
    if kind not in KINDS or not rest:
        raise HubError(f"--feed: expected one of {'; '.join(KINDS.values())}; found {words!r}.")
    if kind == "folder":
        settings = needs.settings
        layout = Layout(settings.format, settings.time_zone, settings.stamps, settings.pattern)
        return FolderFeed(Path(rest).expanduser(), needs.instrument, layout)
    if kind == "replay":
        first, last, speed = _days(rest)
        return ReplayFeed(needs.store, needs.instrument, first, last, speed)
    module, extra = EXTRAS[kind]
    if find_spec(module) is None:
        raise HubError(
            f"--feed {kind}: needs the package {module}, which is not installed: pip install 'trading-hub[{extra}]'"
        )
    make, poll, settles = {"databento": _databento, "ib": _ib, "ccxt": _ccxt}[kind](rest, needs)
    if not lasting:
        return make()
    return Reconnecting(make, name=words, poll_seconds=poll, settles_after=settles, monotonic=needs.monotonic)


def _days(text: str) -> tuple[date, date, float | None]:
    days, at, speed = text.partition("@")
    first, dots, last = days.partition("..")
    try:
        given = date.fromisoformat(first), date.fromisoformat(last)
        faster = float(speed) if at else None
    except ValueError as error:
        raise HubError(f"--feed replay: expected {KINDS['replay']}; found {text!r}.") from error
    if not dots or given[1] < given[0] or (faster is not None and not 0 < faster < 1e9):
        raise HubError(f"--feed replay: expected {KINDS['replay']}; found {text!r}.")
    return *given, faster


def _databento(rest: str, needs: FeedNeeds) -> _Made:
    from ml_data.feeds.databento_live import DatabentoLive  # an extra: loaded when it is asked for

    dataset, _, symbols = rest.partition(":")
    if not symbols:
        raise HubError(f"--feed databento: expected {KINDS['databento']}; found {rest!r}.")
    key = needs.secret(KEY_OF_DATABENTO)
    if not key:
        raise BadSettings(f"--feed databento: expected the key in the environment, {KEY_OF_DATABENTO}; it is not set.")
    return lambda: DatabentoLive(dataset, tuple(symbols.split(",")), needs.instrument, key=key), 0.5, 0.0


def _ib(rest: str, needs: FeedNeeds) -> _Made:
    from ml_data.feeds.interactive_brokers import SETTLES_AFTER, InteractiveBrokers  # an extra

    host, _, port = rest.rpartition(":")
    if not host or not port.isdigit():
        raise HubError(f"--feed ib: expected {KINDS['ib']}; found {rest!r}.")
    settings = needs.settings.ib
    return lambda: InteractiveBrokers(host, int(port), needs.instrument, settings), 1.0, SETTLES_AFTER


def _ccxt(rest: str, needs: FeedNeeds) -> _Made:
    from ml_data.feeds.ccxt_klines import CcxtKlines, exchange_of  # an extra

    name, _, symbol = rest.partition(":")
    if not symbol:
        raise HubError(f"--feed ccxt: expected {KINDS['ccxt']}; found {rest!r}.")
    delay = needs.settings.closed_after_seconds
    return lambda: CcxtKlines(exchange_of(name), symbol, needs.instrument, delay=delay), 10.0, 0.0
