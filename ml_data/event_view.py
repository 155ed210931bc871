"""An event as a model sees it: the features of one decision moment, from bars that had closed by then."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from ml_data.bar_arrays import BarArrays
from ml_data.bar_digests import BarDigests
from ml_data.day_tables import DayTables, day_tables
from ml_data.events import Event, EventRows, event_at, events_of
from ml_data.feature_inputs import Memory, OwnDays, feature_inputs, memory_of, own_days
from ml_data.feature_matrix import feature_groups, matrix_of
from ml_data.features.base import HISTORY_DAYS, Floats
from ml_data.history import CONTRACT_LOOKBACK, continue_history, contract_of_day, history_of_days
from ml_data.rolls import ContractDays
from trading.domain.calendar import DayWindows, as_date, day_windows, from_minute, to_minute, trading_days
from trading.domain.instrument import Instrument
from trading.domain.label import BREAK_CLOSED, ORB_COMPLETE, EventKind
from trading.errors import Refused


@dataclass(frozen=True)
class EventView:
    """What was known of an event at its moment.

    `features` (F,) in the order of `names`; `newest_input` is when the newest of their inputs was known, `last_bar`
    when the contract's newest bar had closed (both UTC). `data_hash` names every bar that the features may have read.
    """

    event: Event
    contract: str
    names: tuple[str, ...]
    features: Floats
    newest_input: datetime
    last_bar: datetime
    data_hash: str


def event_window(instrument: Instrument, trading_day: date) -> tuple[date, datetime]:
    """Return the first trading day an event of `trading_day` may look back to, and from when bars are needed for it."""
    earlier = trading_days(instrument, trading_day - timedelta(days=7 * HISTORY_DAYS), trading_day)
    first_day = earlier[-1 - HISTORY_DAYS]
    reaches_back = int(day_windows(instrument, earlier[-1 - HISTORY_DAYS : -HISTORY_DAYS]).reaches_back[0])
    return as_date(first_day), from_minute(reaches_back) - CONTRACT_LOOKBACK


@dataclass(frozen=True)
class Background:
    """What was known when a trading day began: the same for all events of the day, so it is made once for them.

    `begins` is that minute, `windows` are those of the day, `decided` when each of its opening ranges ends, by name;
    `tables` are the `HISTORY_DAYS` trading days before, `memory` is how far its events look back. `contract` is the
    day's own (None where nothing traded before it), `own` its daily values. `digest` names every bar before the day
    that its events may look back to.
    """

    instrument: Instrument
    trading_day: date
    begins: int
    windows: DayWindows
    decided: dict[str, int]
    tables: DayTables
    memory: Memory
    contract: str | None
    own: OwnDays
    digest: bytes


def day_background(
    bars: BarArrays,
    instrument: Instrument,
    trading_day: date,
    contract_before: str | None,
    digests: BarDigests | None = None,
) -> Background:
    """Return what events of `trading_day` know of the days before it.

    `bars` reach back to `event_window`; those of the day itself are not looked at. `contract_before` is the contract of
    the day before the window's first day. `digests` are those of the same bars, where days were hashed before.
    """
    first_day, since = event_window(instrument, trading_day)
    day = np.array([trading_day], dtype="datetime64[D]")
    windows = day_windows(instrument, day)
    begins = int(windows.starts[0])
    history = continue_history(bars, instrument, first_day, contract_before, begins)
    contract, own_bars = None, bars.only("")
    if history.contracts.contract[-1] >= 0:
        yesterdays = history.bars.contracts[history.contracts.contract[-1]]
        chosen = contract_of_day(history.bars, instrument, trading_day, yesterdays)
        contract = history.bars.contracts[chosen.contract[0]]
        own_bars = history.bars.only(contract)
    return Background(
        instrument=instrument,
        trading_day=trading_day,
        begins=begins,
        windows=windows,
        decided=dict(
            zip((rule.name for rule in instrument.opening_ranges), windows.range_ends[0].tolist(), strict=True)
        ),
        tables=day_tables(history),
        memory=memory_of(instrument, day),
        contract=contract,
        own=own_days(own_bars, instrument, np.zeros(1, dtype=np.int64), day),
        digest=(digests or BarDigests()).window(bars, to_minute(since), begins),
    )


def event_view(
    bars: BarArrays, instrument: Instrument, trading_day: date, orb: str, contract_before: str | None
) -> EventView:
    """Return what the opening range `orb` of `trading_day` looked like at its end; see `day_background`, `seen_at`."""
    return seen_at(day_background(bars, instrument, trading_day, contract_before), bars, orb)


def seen_at(
    background: Background, bars: BarArrays, orb: str, kind: EventKind = ORB_COMPLETE, moment: int | None = None
) -> EventView:
    """Return what the opening range `orb` of the background's day looked like at its end, or at its break.

    `bars` are those that the background was made of and the day's up to the event; later ones are cut off here.
    `moment` is the minute of a break; a range's end follows from the clock.

    Raises
    ------
    Refused
        `no_range` when the range has no bar or no size, `no_break` when it did not break at `moment`: there is nothing
        to ask about.
    """
    instrument, trading_day = background.instrument, background.trading_day
    if orb not in background.decided:
        names = ", ".join(background.decided)
        raise Refused("no_range", f"{instrument.symbol} has no opening range {orb!r}; it has {names}.")
    opening, decided = list(background.decided).index(orb), background.decided[orb]
    if kind == BREAK_CLOSED and moment is not None:
        decided = moment
    contract = background.contract or _only_contract(bars, background.begins, decided)
    own = bars.only(contract)
    known = own if own.through <= decided else own.before(decided)
    today = history_of_days(known, instrument, _day_in_first_contract(trading_day), decided, background.windows)
    rows = events_of(today, kind)
    one = rows.where((rows.opening == opening) & (rows.decided == decided))
    if len(one) == 0 and kind == BREAK_CLOSED:
        raise Refused(
            "no_break",
            f"{instrument.symbol} {trading_day} {orb}: the range did not break at "
            f"{from_minute(decided):%Y-%m-%d %H:%MZ}.",
        )
    if len(one) == 0:
        newest = f"closed at {from_minute(known.through):%Y-%m-%d %H:%MZ}" if len(known) else "is more than weeks older"
        raise Refused(
            "no_range",
            f"{instrument.symbol} {trading_day} {orb}: the range has no bar or no size, so there is nothing to break; "
            f"the newest stored bar before its end {newest}.",
        )
    tables = background.tables.followed_by(day_tables(today))
    placed = EventRows(one.day + len(background.tables.days), one.opening, one.decided, kind)
    contracts = np.zeros(1, dtype=np.int64)
    inputs = feature_inputs(known, instrument, tables, background.own, contracts, placed, background.memory)
    matrix = matrix_of(inputs, feature_groups(kind))
    digest = background.digest + BarDigests().window(known, background.begins, decided)
    return EventView(
        event=event_at(today, one, 0),
        contract=contract,
        names=matrix.names,
        features=matrix.values[0],
        newest_input=from_minute(int(matrix.newest[0])),
        last_bar=from_minute(known.through),
        data_hash=hashlib.sha256(digest).hexdigest()[:32],
    )


def _only_contract(bars: BarArrays, since: int, before: int) -> str:
    """Return the contract that alone has bars in `[since, before)`; "" without one, or with several."""
    traded = [contract for contract in bars.contracts if len(bars.only(contract).between(since, before))]
    return traded[0] if len(traded) == 1 else ""


def _day_in_first_contract(trading_day: date) -> ContractDays:
    return ContractDays(
        days=np.array([trading_day], dtype="datetime64[D]"),
        contract=np.zeros(1, dtype=np.int64),
        reason=("stay",),
        rolled=np.zeros(1, dtype=bool),
        volume_share=np.full(1, np.nan),
    )
