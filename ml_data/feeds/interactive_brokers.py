"""One-minute bars of Interactive Brokers, through TWS or its gateway on this machine, by `ib_async`."""

import asyncio
import math
from collections.abc import Coroutine
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from ib_async import IB, BarDataList, Contract, util
from ib_async.ib import StartupFetchNONE

from ml_data.feeds.base import MINUTE, Delivery, FeedDown, Notice, bars_table
from ml_data.importers.symbols import contract_of
from trading.domain.instrument import Instrument
from trading.errors import HubError
from trading.settings import IbSettings

SETTLES_AFTER: Final = 7.0  # seconds: a bar is updated every five of them
_CONNECT, _ANSWER, _HISTORY = 10.0, 5.0, 30.0  # seconds to wait for each
_FIRST: Final = timedelta(days=1)
_OVERLAP: Final = timedelta(minutes=30)
_MOST_DAYS: Final = 20
_KEPT: Final = 5  # bars of a contract that stay in memory once they were delivered
_LOST: Final = {
    1100: "lost the servers",
    2103: "lost the market data",
    2105: "lost the historical data",
    2110: "is cut off",
}
_BACK: Final = {1102: "has the servers again", 2104: "has market data", 2106: "has historical data"}
_DATA_LOST: Final = 1101  # the connection is back, the subscriptions are not


class InteractiveBrokers:
    """The bars of an instrument's nearest contracts (of the instrument itself, where it has none), kept up to date.

    The bar of the minute that is not over comes too, and is held until it is. TWS answers what time it is: that, while
    it has its market data, vouches for what ended `SETTLES_AFTER` seconds before. It reads only; no order can be sent.
    """

    poll_seconds = 1.0
    settles_after = SETTLES_AFTER

    def __init__(self, host: str, port: int, instrument: Instrument, settings: IbSettings) -> None:
        self.name = f"ib:{host}:{port}"
        self._address, self._instrument, self._settings = (host, port), instrument, settings
        self._loop = util.getLoop()  # the library keeps one loop for the whole process, and works on no other
        self._ib: Any = None
        self._bars: dict[str, BarDataList] = {}
        self._seen: dict[str, tuple[Any, ...]] = {}
        self._lost: set[int] = set()
        self._faults: list[Notice] = []
        self._stale = False

    def newest(self, since: datetime | None, now: datetime) -> Delivery:
        """Return bars that came or changed since the last call."""
        try:
            if self._ib is None:
                self._run(self._connected(since, now))
            self._run(asyncio.wait_for(self._ib.reqCurrentTimeAsync(), _ANSWER))
        except (OSError, TimeoutError) as error:
            raise FeedDown(f"TWS or the gateway does not answer ({type(error).__name__}).") from error
        if self._stale or not self._ib.isConnected():
            raise FeedDown("TWS or the gateway dropped the subscriptions.")
        rows = [row for contract in self._bars for row in self._fresh(contract)]
        faults, self._faults = tuple(self._faults), []
        vouched = (now - timedelta(seconds=SETTLES_AFTER)).replace(second=0, microsecond=0)
        return Delivery(bars_table(rows), through=None if self._lost else vouched, notices=faults)

    def close(self) -> None:
        """Leave TWS or the gateway."""
        if self._ib is not None:
            with suppress(OSError):
                self._run(self._left())
            self._ib = None

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(work)

    async def _left(self) -> None:
        self._ib.disconnect()
        await asyncio.sleep(0)

    async def _connected(self, since: datetime | None, now: datetime) -> None:
        self._ib = IB()
        self._ib.errorEvent += self._told
        host, port = self._address
        await self._ib.connectAsync(
            host, port, self._settings.client_id, timeout=_CONNECT, readonly=True, fetchFields=StartupFetchNONE
        )
        contracts = await self._contracts(now)
        for name, contract in contracts.items():
            self._bars[name] = await self._ib.reqHistoricalDataAsync(
                contract,
                "",
                _duration(now - (now - _FIRST if since is None else since) + _OVERLAP),
                "1 min",
                self._settings.what_to_show,
                useRTH=False,
                formatDate=2,
                keepUpToDate=True,
                timeout=_HISTORY,
            )
        if not any(self._bars.values()):
            told = f" ({self._faults[-1].sentence})" if self._faults else ""
            raise HubError(
                f"{self.name}: there are no bars of {', '.join(contracts)}{told}; look at the market data permissions."
            )

    async def _contracts(self, now: datetime) -> dict[str, Contract]:
        """Return the contracts to follow by the names that bars are stored under."""
        asked, symbol = self._settings, self._settings.symbol or self._instrument.symbol
        wanted = Contract(secType=asked.security_type, symbol=symbol, exchange=asked.exchange, currency=asked.currency)
        details = await asyncio.wait_for(self._ib.reqContractDetailsAsync(wanted), _HISTORY)
        if not details:
            raise HubError(
                f"{self.name}: knows no {asked.security_type} {symbol} at {asked.exchange} in {asked.currency}; "
                f"correct [feed.ib]."
            )
        found = sorted((each.contract for each in details), key=lambda each: each.lastTradeDateOrContractMonth)
        if self._instrument.contracts is None:
            return {self._instrument.symbol: found[0]}
        ours = contract_of(self._instrument)
        today = f"{now:%Y%m%d}"
        alive = [(ours(each.localSymbol), each) for each in found if each.lastTradeDateOrContractMonth >= today]
        return dict([(name, each) for name, each in alive if name is not None][: asked.contracts])

    def _fresh(self, contract: str) -> list[tuple[Any, ...]]:
        """Return the bars that came since the last call, with the one that may have changed; forget older ones."""
        bars = self._bars[contract]
        rows = [_row(contract, bar) for bar in bars]
        last = self._seen.get(contract)
        fresh = [row for row in rows if last is None or row[1] > last[1] or (row[1] == last[1] and row != last)]
        if rows:
            self._seen[contract] = rows[-1]
        del bars[:-_KEPT]
        return fresh

    def _told(self, _request: int, code: int, message: str, _contract: Any) -> None:
        if code == _DATA_LOST:
            self._stale = True
        elif code in _LOST:
            self._lost.add(code)
            self._faults.append(Notice("disconnected", f"{self.name} {_LOST[code]} ({code})."))
        elif code in _BACK:
            if self._lost:
                self._faults.append(Notice("reconnected", f"{self.name} {_BACK[code]} ({code})."))
            self._lost = set() if code == 1102 else self._lost - {code - 1}
        elif not 2100 <= code < 2200:
            self._faults.append(Notice("feed", f"{self.name} says {code}: {message}"))


def _row(contract: str, bar: Any) -> tuple[Any, ...]:
    return (contract, int(bar.date.timestamp()), bar.open, bar.high, bar.low, bar.close, float(bar.volume))


def _duration(span: timedelta) -> str:
    """Return how long before now to begin, as the interface writes it: seconds up to a day, then days.

    >>> _duration(timedelta(minutes=40)), _duration(timedelta(days=2, hours=1)), _duration(timedelta(days=400))
    ('2400 S', '3 D', '20 D')
    """
    if span <= timedelta(days=1):
        return f"{max(60, math.ceil(span / MINUTE) * 60)} S"
    return f"{min(_MOST_DAYS, math.ceil(span / timedelta(days=1)))} D"
