"""One-minute bars of any exchange that `ccxt` knows, asked for again and again over its public interface."""

from datetime import datetime, timedelta
from typing import Any, Final

import ccxt

from ml_data.feeds.base import Delivery, FeedDown, bars_table
from trading.domain.instrument import Instrument
from trading.errors import HubError

_LIMIT: Final = 500  # bars a request, which every large exchange allows
_FIRST: Final = timedelta(days=1)  # how far back to begin when nothing is stored
_TIMEOUT_MS: Final = 10_000


def exchange_of(name: str) -> Any:
    """Return the client of an exchange by its name at ccxt; it keeps the exchange's own limit of requests.

    Raises
    ------
    HubError
        when ccxt knows no such exchange, or it has no one-minute bars.
    """
    if name not in ccxt.exchanges:
        raise HubError(f"--feed ccxt: ccxt knows no exchange {name!r}; look at ccxt.exchanges for its names.")
    exchange = getattr(ccxt, name)({"enableRateLimit": True, "timeout": _TIMEOUT_MS})
    if not exchange.has.get("fetchOHLCV") or "1m" not in (exchange.timeframes or {"1m": "1m"}):
        raise HubError(f"--feed ccxt: {name} has no one-minute bars; choose another exchange.")
    return exchange


class CcxtKlines:
    """The bars of `symbol` (such as BTC/USDT) at one exchange.

    The exchange sends the minute that is not over too; it is held until it is. A request that was answered vouches for
    every minute that ended `delay` seconds before it was made.
    """

    poll_seconds = 10.0
    settles_after = 0.0

    def __init__(self, exchange: Any, symbol: str, instrument: Instrument, *, delay: float) -> None:
        self.name = f"ccxt:{exchange.id}:{symbol}"
        self._exchange, self._symbol, self._contract = exchange, symbol, instrument.symbol
        self._delay = timedelta(seconds=delay)

    def newest(self, since: datetime | None, now: datetime) -> Delivery:
        """Return the bars from `since` on, at most one request of them; without it those of the last day."""
        begin = since or now - _FIRST
        try:
            klines = self._exchange.fetch_ohlcv(self._symbol, "1m", since=int(begin.timestamp() * 1_000), limit=_LIMIT)
        except (ccxt.NetworkError, ccxt.ExchangeError) as error:
            self._refuse_what_waiting_cannot_mend(error)
            raise FeedDown(f"the exchange gave no bars ({type(error).__name__}).") from error
        rows = [(self._contract, int(kline[0]) // 1_000, *kline[1:6]) for kline in klines]
        full = len(rows) >= _LIMIT
        vouched = (now - self._delay).replace(second=0, microsecond=0)
        return Delivery(bars_table(rows), through=None if full else vouched, more=full)

    def close(self) -> None:
        """End the session with the exchange."""
        if self._exchange.session is not None:
            self._exchange.session.close()

    def _refuse_what_waiting_cannot_mend(self, error: Exception) -> None:
        if isinstance(error, ccxt.BadSymbol):
            known = ", ".join(sorted(self._exchange.symbols or [])[:5])
            raise HubError(f"{self.name}: the exchange has no {self._symbol}; it has {known} and others.") from error
        if isinstance(error, (ccxt.NotSupported, ccxt.AuthenticationError)):
            raise HubError(f"{self.name}: the exchange gives these bars to nobody without an account.") from error
