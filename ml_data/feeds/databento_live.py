"""One-minute bars of Databento's live gateway, through its own client; a break is filled from the intraday replay."""

import queue
import threading
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

import databento
from databento_dbn import ErrorMsg, OHLCVMsg, SymbolMappingMsg, SystemCode, SystemMsg

from ml_data.feeds.base import Delivery, FeedDown, Notice, bars_table
from ml_data.importers.symbols import contract_of
from trading.domain.calendar import from_minute
from trading.domain.instrument import Instrument
from trading.errors import HubError

SCHEMA: Final = "ohlcv-1m"
REPLAY: Final = timedelta(hours=23)  # the gateway replays the last 24 hours
_FIRST_WAIT: Final = 10.0  # seconds for the replay of the past at most
_HEARTBEAT: Final = 10
_NS: Final = 1_000_000_000
_LAG: Final = 2 * _NS  # a bar is sent so soon after its end that a heartbeat of then comes behind it
_REFUSED: Final = "authentication failed"  # as the client words it
_NO_PRICE: Final = 2**63 - 1


class DatabentoLive:
    """The outright contracts of `symbols` (parents such as MGC.FUT, or single contracts) in one dataset.

    The gateway says when an interval is over (END_OF_INTERVAL); that vouches for it, as does a heartbeat for the time
    before it. It connects with the first call, from the newest stored bar on, as far as the gateway replays.
    """

    poll_seconds = 0.5
    settles_after = 0.0

    def __init__(
        self, dataset: str, symbols: tuple[str, ...], instrument: Instrument, *, key: str, **client: Any
    ) -> None:
        self.name = f"databento:{dataset}:{','.join(symbols)}"
        self._dataset, self._symbols, self._key, self._client_options = dataset, symbols, key, client
        self._contract_of = contract_of(instrument)
        self._records: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._caught_up = threading.Event()
        self._names: dict[int, str] = {}
        self._client: Any = None
        self._through: datetime | None = None
        self._fault = ""

    def newest(self, since: datetime | None, now: datetime) -> Delivery:
        """Return what came since the last call."""
        if self._client is None:
            self._connect(since, now)
            self._caught_up.wait(_FIRST_WAIT)
        connected = self._client.is_connected()  # before emptying: what came until it broke off is delivered
        rows, notices = [], []
        with suppress(queue.Empty):
            while True:
                record = self._records.get_nowait()
                if isinstance(record, ErrorMsg):
                    self._fault = f" ({record.err})"
                    notices.append(Notice("feed", f"the gateway says: {record.err}"))
                rows += self._row(record)
        if not connected and not rows:
            raise FeedDown(f"the gateway closed the connection{self._fault}.")
        return Delivery(bars_table(rows), through=self._through, notices=tuple(notices))

    def close(self) -> None:
        """Leave the gateway."""
        if self._client is not None:
            with suppress(ValueError):
                self._client.terminate()
            self._client = None

    def _connect(self, since: datetime | None, now: datetime) -> None:
        start = None if since is None else int(max(since, now - REPLAY).timestamp() * _NS)
        parents = all(symbol.endswith((".FUT", ".OPT", ".SPOT")) for symbol in self._symbols)
        try:
            self._client = databento.Live(key=self._key, heartbeat_interval_s=_HEARTBEAT, **self._client_options)
            self._client.add_callback(self._received)
            self._client.subscribe(
                dataset=self._dataset,
                schema=SCHEMA,
                symbols=list(self._symbols),
                stype_in="parent" if parents else "raw_symbol",
                start=start,
            )
            self._client.start()
        except (databento.BentoError, OSError) as error:
            self.close()
            if _REFUSED in str(error).lower():
                raise self._refusal() from None  # the client's own words may hold the key
            raise FeedDown(f"the gateway of {self._dataset} does not answer ({type(error).__name__}).") from error
        except ValueError:
            self.close()
            raise self._refusal() from None
        if start is None:
            self._caught_up.set()

    def _refusal(self) -> HubError:
        return HubError(
            f"{self.name}: the gateway refused the key or the question; look at the key in the environment, and at the "
            f"dataset and the symbols."
        )

    def _received(self, record: Any) -> None:
        self._records.put(record)
        if isinstance(record, SystemMsg) and record.code == SystemCode.REPLAY_COMPLETED:
            self._caught_up.set()

    def _row(self, record: Any) -> list[tuple[Any, ...]]:
        """Return the bar of a record, if it is of our contracts; remember names and what is vouched for."""
        if isinstance(record, SymbolMappingMsg):
            self._names[record.instrument_id] = record.stype_out_symbol
        elif isinstance(record, SystemMsg):
            if record.code == SystemCode.END_OF_INTERVAL:
                self._vouch(record.ts_event)
            elif record.is_heartbeat():
                self._vouch(record.ts_event - _LAG)
        elif isinstance(record, OHLCVMsg):
            contract = self._contract_of(self._names.get(record.instrument_id, ""))
            if contract is not None:
                prices = (record.open, record.high, record.low, record.close)
                values = [float("nan") if price == _NO_PRICE else price / _NS for price in prices]
                return [(contract, record.ts_event // _NS, *values, float(record.volume))]
        return []

    def _vouch(self, ts_event: int) -> None:
        until = from_minute(ts_event // (60 * _NS))
        self._through = until if self._through is None else max(self._through, until)
