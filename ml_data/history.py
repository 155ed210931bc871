"""Sessions, opening ranges and trades from bars: the one definition that training, live and audit share.

`build_history` is pure: bars in, arrays out. `ml_data.history_tables` turns the arrays into the public tables and
`ml_data.build` keeps those up to date in the store.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from ml_data import kernels
from ml_data.bar_arrays import BarArrays
from ml_data.rolls import STALE_DAYS, ContractDays, DayVolumes, choose_contracts, expiry_month
from trading.domain.calendar import Days, DayWindows, as_date, calendar_day_of, day_spans, day_windows, trading_days
from trading.domain.instrument import Instrument
from trading.domain.trade_rule import REWARDS, TRADE_RULES

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

DOUBLE_REWARDS: Final = np.array([round(2 * reward) for reward in REWARDS], dtype=np.int64)
TRADE_FIELDS: Final = 8
CONTRACT_LOOKBACK: Final = timedelta(days=STALE_DAYS + 1)
"""How far before its first day a continued history reads bars: as far as volumes still decide a contract."""


@dataclass(frozen=True)
class WindowValues:
    """What traded in W windows of n days: `prices` (n, W, 4) are open, high, low, close in ticks, 0 without bars."""

    prices: Ints
    volumes: Floats
    counts: Ints


@dataclass(frozen=True)
class History:
    """Everything derived from bars for n trading days, as arrays that line up by day.

    `row_from`, `row_to` bound the bars of each day's own contract, from the first window that the day needs to the
    day's end; `traded` says whether any of them lies in the day itself. `range_complete` says that the range's last
    minute had closed at `through`. `directions`, `break_rows` (n, O) and `trades` (n, O, K, 8) are as
    `ml_data.kernels.breaks_and_trades` writes them; rows index `bars`.
    """

    instrument: Instrument
    bars: BarArrays
    through: int
    windows: DayWindows
    contracts: ContractDays
    row_from: Ints
    row_to: Ints
    traded: Flags
    sessions: WindowValues
    ranges: WindowValues
    session_complete: Flags
    range_complete: Flags
    directions: Ints
    break_rows: Ints
    trades: Ints

    @property
    def days(self) -> Days:
        """The trading days, in order."""
        return self.windows.days


def build_history(bars: BarArrays, instrument: Instrument, since: date | None = None) -> History:
    """Return sessions, opening ranges and trades of every trading day that `bars` touch, from `since` on.

    Contracts are chosen from the first bar on, so a later `since` changes no value. The last day may be unfinished:
    what its bars do not settle yet is marked so (`range_complete`, UNDECIDED, OPEN).
    """
    contracts = contract_days(bars, instrument)
    first = 0 if since is None else int(np.searchsorted(contracts.days, np.datetime64(since)))
    return history_of_days(bars, instrument, _days_from(contracts, first), bars.through)


def history_of_days(
    bars: BarArrays, instrument: Instrument, contracts: ContractDays, through: int, windows: DayWindows | None = None
) -> History:
    """Return the history of the days that `contracts` names; `bars` must hold all their windows.

    `through` is the minute up to which bars are known (of any contract): it settles what is complete. `windows` are
    those of the days, where they are known already.
    """
    windows = day_windows(instrument, contracts.days) if windows is None else windows
    row_from, row_to = rows_of_days(bars, contracts.contract, windows.reaches_back, windows.ends)
    sessions = values_in_windows(bars, row_from, row_to, windows.session_starts, windows.session_ends)
    ranges = values_in_windows(bars, row_from, row_to, windows.range_starts, windows.range_ends)
    complete = (windows.range_ends <= through) & (ranges.counts > 0)
    n, openings = windows.range_starts.shape
    range_rows = _first_rows(bars, row_from, row_to, windows.range_ends)
    directions = np.full((n, openings), kernels.UNDECIDED, dtype=np.int64)
    break_rows = np.full((n, openings), -1, dtype=np.int64)
    trades = np.zeros((n, openings, len(TRADE_RULES), TRADE_FIELDS), dtype=np.int64)
    kernels.breaks_and_trades(
        bars.minute,
        bars.high,
        bars.low,
        bars.close,
        row_to,
        range_rows,
        windows.ends,
        windows.closes,
        windows.range_session_ends,
        np.ascontiguousarray(ranges.prices[:, :, 1]),
        np.ascontiguousarray(ranges.prices[:, :, 2]),
        complete,
        through,
        DOUBLE_REWARDS,
        directions,
        break_rows,
        trades,
    )
    return History(
        instrument=instrument,
        bars=bars,
        through=through,
        windows=windows,
        contracts=contracts,
        row_from=row_from,
        row_to=row_to,
        traded=row_to > _first_rows(bars, row_from, row_to, windows.starts[:, None])[:, 0],
        sessions=sessions,
        ranges=ranges,
        session_complete=windows.session_ends <= through,
        range_complete=complete,
        directions=directions,
        break_rows=break_rows,
        trades=trades,
    )


def continue_history(
    bars: BarArrays,
    instrument: Instrument,
    first_day: date,
    contract_before: str | None,
    through: int,
    last_day: date | None = None,
) -> History:
    """Return the history of the trading days from `first_day` to `last_day`, or to the one that holds minute `through`.

    `contract_before` is the contract of the trading day before `first_day` (None: there is none). `bars` must reach
    back `CONTRACT_LOOKBACK` before `first_day` and may end anywhere after the days' windows, or at `through`. What it
    returns equals the same days of a history built from the first bar on.
    """
    bars = bars if contract_before is None else bars.including(contract_before)
    if last_day is None:
        last_day = as_date(calendar_day_of(instrument, np.array([max(through - 1, 0)], dtype=np.int64))[0])
    days = trading_days(instrument, first_day, last_day)
    chosen = _continued(bars, instrument, first_day, days, contract_before, day_volumes(bars, instrument, days))
    return history_of_days(bars, instrument, chosen, through)


def contract_of_day(bars: BarArrays, instrument: Instrument, trading_day: date, contract_before: str) -> ContractDays:
    """Return the contract in which `trading_day` trades, if it trades, after a day in `contract_before`.

    It is decided by the days before and known when the day begins. `bars` reach back as for `continue_history`, and
    must include `contract_before`.
    """
    days = np.array([trading_day], dtype="datetime64[D]")
    shape = (1, len(bars.contracts))
    trades = DayVolumes(np.zeros(shape), np.ones(shape, dtype=np.int64))
    return _continued(bars, instrument, trading_day, days, contract_before, trades)


def _continued(
    bars: BarArrays,
    instrument: Instrument,
    first_day: date,
    days: Days,
    contract_before: str | None,
    traded: DayVolumes,
) -> ContractDays:
    """Return the contracts of `days`, which begin with `first_day`, after a day in `contract_before`."""
    earliest = first_day - CONTRACT_LOOKBACK + timedelta(days=1)
    earlier = trading_days(instrument, earliest, first_day - timedelta(days=1))
    before = day_volumes(bars, instrument, earlier)
    with_bars = np.nonzero(before.traded)[0]
    return choose_contracts(
        days,
        traded,
        expiries(bars.contracts, days),
        _roll_share(instrument),
        start=-1 if contract_before is None else bars.contracts.index(contract_before),
        previous=(earlier[with_bars[-1]], before.volume[with_bars[-1]]) if len(with_bars) else None,
    )


def contract_days(bars: BarArrays, instrument: Instrument) -> ContractDays:
    """Return the contract of every trading day from the first bar's to the last bar's, holidays included."""
    days: Days = np.empty(0, dtype="datetime64[D]")
    if len(bars):
        edges = calendar_day_of(instrument, np.array([bars.minute.min(), bars.minute.max()]))
        days = trading_days(instrument, as_date(edges[0]), as_date(edges[1]))
    volumes = day_volumes(bars, instrument, days)
    return choose_contracts(days, volumes, expiries(bars.contracts, days), _roll_share(instrument))


def _roll_share(instrument: Instrument) -> float:
    return instrument.contracts.roll_share if instrument.contracts else 1.0


def day_volumes(bars: BarArrays, instrument: Instrument, days: Days) -> DayVolumes:
    """Return what traded on each trading day in each contract."""
    starts, ends = day_spans(instrument, days)
    volume = np.zeros((len(days), len(bars.contracts)))
    count = np.zeros(volume.shape, dtype=np.int64)
    kernels.sum_by_day(bars.minute, bars.volume, bars.offsets, starts, ends, volume, count)
    return DayVolumes(volume, count)


def expiries(contracts: tuple[str, ...], days: Days) -> Ints:
    """Return the expiry month of each contract as seen on each day, shape (n, c)."""
    months, inverse = np.unique(days.astype("datetime64[M]").astype(np.int64) + 1970 * 12, return_inverse=True)
    by_month = np.array(
        [[expiry_month(symbol, month) for symbol in contracts] for month in months.tolist()], dtype=np.int64
    ).reshape(len(months), len(contracts))
    result: Ints = by_month[inverse]
    return result


def rows_of_days(bars: BarArrays, contract: Ints, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Return the rows `[from, to)` of each day's own contract between minutes `starts` and `ends`."""
    row_from = np.zeros(len(contract), dtype=np.int64)
    row_to = np.zeros(len(contract), dtype=np.int64)
    for index in np.unique(contract[contract >= 0]):
        low, high = bars.offsets[index], bars.offsets[index + 1]
        minutes = bars.minute[low:high]
        mine = contract == index
        row_from[mine] = low + np.searchsorted(minutes, starts[mine])
        row_to[mine] = low + np.searchsorted(minutes, ends[mine])
    return row_from, row_to


def _days_from(contracts: ContractDays, first: int) -> ContractDays:
    return ContractDays(
        days=contracts.days[first:],
        contract=contracts.contract[first:],
        reason=contracts.reason[first:],
        rolled=contracts.rolled[first:],
        volume_share=contracts.volume_share[first:],
    )


def values_in_windows(bars: BarArrays, row_from: Ints, row_to: Ints, starts: Ints, ends: Ints) -> WindowValues:
    """Return what traded in the windows `[starts, ends)` (n, W) of the rows of n days."""
    n, windows = starts.shape
    values = WindowValues(
        prices=np.zeros((n, windows, 4), dtype=np.int64),
        volumes=np.zeros((n, windows)),
        counts=np.zeros((n, windows), dtype=np.int64),
    )
    kernels.window_bars(
        bars.minute,
        bars.open,
        bars.high,
        bars.low,
        bars.close,
        bars.volume,
        row_from,
        row_to,
        starts,
        ends,
        values.prices,
        values.volumes,
        values.counts,
    )
    return values


def _first_rows(bars: BarArrays, row_from: Ints, row_to: Ints, wanted: Ints) -> Ints:
    rows = np.empty(wanted.shape, dtype=np.int64)
    kernels.first_rows(bars.minute, row_from, row_to, wanted, rows)
    return rows
