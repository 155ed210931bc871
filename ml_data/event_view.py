"""An event as a model sees it: the features of one decision moment, from bars that had closed by then."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from ml_data.bar_arrays import BarArrays
from ml_data.events import Event, EventRows, event_at, range_events
from ml_data.feature_matrix import feature_matrix
from ml_data.features.base import HISTORY_DAYS, Floats
from ml_data.history import CONTRACT_LOOKBACK, History, continue_history
from trading.domain.calendar import as_date, day_windows, from_minute, trading_days
from trading.domain.instrument import Instrument
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


def event_view(
    bars: BarArrays, instrument: Instrument, trading_day: date, orb: str, contract_before: str | None
) -> EventView:
    """Return what the opening range `orb` of `trading_day` looked like at its end.

    `bars` reach from `event_window` to the range's end; later ones are cut off here as well. `contract_before` is the
    contract of the day before the window's first day.

    Raises
    ------
    Refused
        `no_range` when the range has no bar or no size: there is nothing to ask about.
    """
    first_day, _ = event_window(instrument, trading_day)
    opening = _opening_of(instrument, orb)
    day_windows_ = day_windows(instrument, np.array([trading_day], dtype="datetime64[D]"))
    decided = int(day_windows_.range_ends[0, opening])
    known = bars if bars.through <= decided else bars.before(decided)
    history = continue_history(known, instrument, first_day, contract_before, decided)
    rows = range_events(history)
    mine = (rows.opening == opening) & (history.days[rows.day] == np.datetime64(trading_day))
    if not mine.any():
        newest = f"closed at {from_minute(known.through):%Y-%m-%d %H:%MZ}" if len(known) else "is more than weeks older"
        raise Refused(
            "no_range",
            f"{instrument.symbol} {trading_day} {orb}: the range has no bar or no size, so there is nothing to break; "
            f"the newest stored bar before its end {newest}.",
        )
    one: EventRows = rows.where(mine)
    matrix = feature_matrix(history, one)
    index = int(history.contracts.contract[one.day[0]])
    last_row = int(known.offsets[index + 1]) - 1
    return EventView(
        event=event_at(history, one, 0),
        contract=known.contracts[index],
        names=matrix.names,
        features=matrix.values[0],
        newest_input=from_minute(int(matrix.newest[0])),
        last_bar=from_minute(int(known.minute[last_row]) + 1),
        data_hash=_bars_hash(history),
    )


def _opening_of(instrument: Instrument, orb: str) -> int:
    names = [rule.name for rule in instrument.opening_ranges]
    if orb not in names:
        raise Refused("no_range", f"{instrument.symbol} has no opening range {orb!r}; it has {', '.join(names)}.")
    return names.index(orb)


def _bars_hash(history: History) -> str:
    """Return a hash of the bars of every contract that a day of `history` was traded in."""
    bars, digest = history.bars, hashlib.sha256()
    for contract in np.unique(history.contracts.contract[history.contracts.contract >= 0]).tolist():
        rows = bars.segment(bars.contracts[contract])
        digest.update(f"{bars.contracts[contract]} {rows.stop - rows.start}\n".encode())
        for values in (bars.minute, bars.open, bars.high, bars.low, bars.close, bars.volume):
            digest.update(np.ascontiguousarray(values[rows]).data)
    return digest.hexdigest()[:32]
