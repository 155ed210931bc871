"""A synthetic futures market for trying the hub: realistic in every respect but one, there is nothing to be gained.

How it is made, and why it has no edge: a session is a sequence of trades. How many trades each minute has, and which
contract each belongs to, is drawn first. Then every trade moves the price by -1, 0 or +1 tick with probability 1/4,
1/2, 1/4, independent of everything. So given any past, the price of a contract at any later trade has the present
price as its mean: the last prices of minutes, days and ranges are an exact martingale on the tick grid, nothing is
rounded or clipped, and there is no spread to bounce in. A closed market is a walk of the same kind that nobody sees.
Volatility is the number of trades: predictable, as in life. A contract's price stands a fixed distance above the one
before it; a thin contract repeats the same path, seen at fewer trades.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby, pairwise
from typing import Final
from warnings import catch_warnings, simplefilter

import exchange_calendars
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_data.demo_activity import daily_activity, expected_trades, stream, wall_clock
from ml_data.demo_contracts import contract_name, contract_shares, ticks_above
from trading.domain.bar import BARS, MINUTE_US
from trading.domain.instrument import Instrument
from trading.errors import BadSettings

Ints = npt.NDArray[np.int64]

SESSION_STREAM: Final = 0
START_PRICE: Final = 2000.0
"""Price of the leading contract when the first session opens, in the instrument's currency."""

_CLOSED_TRADES_AN_HOUR: Final = 100.0  # unseen steps of the price while the market is closed
_CLOSED_SPREAD: Final = 0.6  # of their log number
_LOTS_BEYOND_THE_FIRST: Final = 0.15  # a trade


@dataclass(frozen=True)
class _Session:
    """One exchange session: its date label, its minutes since the epoch (UTC), and whether it closes early."""

    day: date
    minutes: Ints
    half_day: bool
    activity: float


@dataclass(frozen=True)
class _Bars:
    """Bars of one contract in one session; prices in ticks relative to the session's opening price."""

    minute: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints


def demo_bars(instrument: Instrument, first_day: date, last_day: date, seed: int) -> Iterator[pa.Table]:
    """Return the synthetic bars of every exchange session dated `first_day` to `last_day`, both included.

    One table (schema `trading.domain.bar.BARS`, sorted by minute, then contract) for each calendar month of session
    dates. A COMEX session opens at 18:00 New York of the evening before its date, so the first bar lies on the eve of
    `first_day`: at 09:00 Brisbane of the day itself in the American winter; in summer at 08:00, so that the first and
    the last trading day are whole only when they lie in winter. Minutes without a trade have no bar. The same
    arguments give the same bars, and a later `last_day` only appends; another `first_day` starts again at
    `START_PRICE`. There is no history before `first_day`: what looks back warms up in the first days.

    Raises
    ------
    BadSettings
        when the instrument is not marked `synthetic` or has no contracts: invented bars never enter a real market.
    """
    if not instrument.synthetic or instrument.contracts is None:
        found = (
            f"synthetic = {str(instrument.synthetic).lower()}, {'a' if instrument.contracts else 'no'} contract rule"
        )
        raise BadSettings(
            f"{instrument.symbol}: demo bars are made only for an instrument marked synthetic = true that has"
            f" contracts; found {found}. Use DEMO."
        )
    return _months(instrument, _sessions(instrument, first_day, last_day, seed), seed)


def _months(instrument: Instrument, sessions: list[_Session], seed: int) -> Iterator[pa.Table]:
    """Walk through the sessions in order and give a table a month."""
    price = start = round(START_PRICE / instrument.tick)
    closed_at: int | None = None
    reference: int | None = None
    for _, month in groupby(sessions, key=lambda session: (session.day.year, session.day.month)):
        tables = []
        for session in month:
            random = stream(seed, SESSION_STREAM, session.day.toordinal())
            level = (price / start) ** 2
            if closed_at is not None:
                price += _gap(int(session.minutes[0]) - closed_at, level, random)
            contracts, shares = contract_shares(session.day, seed)
            reference = contracts[int(np.argmax(shares))] if reference is None else reference
            moved, bars = _trade(session, shares, level, random)
            for contract, of_contract in zip(contracts, bars, strict=True):
                above = ticks_above(reference, contract, instrument.tick, seed)
                tables.append(
                    _table(of_contract, price + above, contract_name(instrument.symbol, contract), instrument)
                )
            price += moved
            closed_at = int(session.minutes[-1]) + 1
        yield pa.concat_tables(tables).sort_by([("ts", "ascending"), ("contract", "ascending")]).combine_chunks()


def _trade(
    session: _Session, shares: npt.NDArray[np.float64], level: float, random: np.random.Generator
) -> tuple[int, list[_Bars]]:
    """Return the ticks by which the price moved over a session, and the bars of each contract.

    `level` scales the number of trades, so that volatility stays a share of the price.
    """
    expected = expected_trades(session.minutes, session.half_day, random) * session.activity * level
    counts = random.poisson(expected)
    total = int(counts.sum())
    coins = np.unpackbits(np.frombuffer(random.bytes(-(-total // 4)), dtype=np.uint8))[: 2 * total].view(np.int8)
    path = np.cumsum(coins[0::2] - coins[1::2], dtype=np.int32)
    place = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    lots = random.poisson(_LOTS_BEYOND_THE_FIRST, total).astype(np.int32) + 1
    owner = random.integers(0, 1 << 16, total, dtype=np.uint16)
    edges = np.rint(np.concatenate([[0.0], np.cumsum(shares)]) * (1 << 16)).astype(np.int64)
    bars = []
    for begins, ends in pairwise(edges.tolist()):
        own = np.flatnonzero((owner >= begins) & (owner < ends))
        bars.append(_bars(path[own], place[own], lots[own], session.minutes))
    return int(path[-1]) if total else 0, bars


def _bars(
    path: npt.NDArray[np.int32], place: npt.NDArray[np.int32], lots: npt.NDArray[np.int32], minutes: Ints
) -> _Bars:
    """Return the bars of trades in order: their prices, the places of their minutes in `minutes`, and their lots."""
    firsts = np.flatnonzero(np.diff(place, prepend=-1))
    lasts = np.append(firsts[1:], len(place))[: len(firsts)] - 1
    if len(firsts) == 0:
        none = np.empty(0, dtype=np.int64)
        return _Bars(none, none, none, none, none, none)
    return _Bars(
        minute=minutes[place[firsts]],
        open=path[firsts].astype(np.int64),
        high=np.maximum.reduceat(path, firsts).astype(np.int64),
        low=np.minimum.reduceat(path, firsts).astype(np.int64),
        close=path[lasts].astype(np.int64),
        volume=np.add.reduceat(lots, firsts).astype(np.int64),
    )


def _table(bars: _Bars, price: int, contract: str, instrument: Instrument) -> pa.Table:
    """Return bars as a table; `price` is the contract's price in ticks at the session's opening."""

    def prices(ticks: Ints) -> npt.NDArray[np.float64]:
        return np.round((price + ticks) * instrument.tick, instrument.price_decimals)

    columns = [
        pa.array([contract] * len(bars.minute), pa.string()),
        pa.array(bars.minute * MINUTE_US).cast(BARS.field("ts").type),
        *(pa.array(prices(ticks)) for ticks in (bars.open, bars.high, bars.low, bars.close)),
        pa.array(bars.volume.astype(np.float64)),
    ]
    return pa.Table.from_arrays(columns, schema=BARS)


def _gap(closed_minutes: int, level: float, random: np.random.Generator) -> int:
    """Return the ticks by which the price moved while the market was closed: as many steps up as down on average."""
    spread = float(np.exp(_CLOSED_SPREAD * random.standard_normal() - _CLOSED_SPREAD**2 / 2))
    steps = round(_CLOSED_TRADES_AN_HOUR * closed_minutes / 60 * level * spread)
    return int(random.binomial(2 * steps, 0.5)) - steps


def _sessions(instrument: Instrument, first_day: date, last_day: date, seed: int) -> list[_Session]:
    """Return the exchange's sessions from its calendar: holidays left out, half days cut, the daily halt taken out."""
    with catch_warnings():
        simplefilter("ignore", DeprecationWarning)  # exchange_calendars reads pandas series in a way pandas 3.1 retires
        calendar = exchange_calendars.get_calendar(
            instrument.exchange_calendar, start=first_day - timedelta(days=10), end=last_day + timedelta(days=1)
        )
    dates = [label.date() for label in calendar.sessions if first_day <= label.date() <= last_day]
    activity = daily_activity(np.array(dates, dtype="datetime64[D]"), seed)
    early = {label.date() for label in calendar.early_closes}
    sessions = []
    for day, factor in zip(dates, activity, strict=True):
        opens, closes = calendar.session_open(day.isoformat()), calendar.session_close(day.isoformat())
        minutes = np.arange(int(opens.timestamp()) // 60, int(closes.timestamp()) // 60, dtype=np.int64)
        if instrument.daily_halt is not None:
            begins, ends = (60 * wall.hour + wall.minute for wall in instrument.daily_halt)
            clock = wall_clock(minutes, instrument.exchange_zone)
            minutes = minutes[(clock - begins) % 1440 >= (ends - begins) % 1440]
        sessions.append(_Session(day, minutes, day in early, float(factor)))
    return sessions
