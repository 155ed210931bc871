"""The trading day as it stood at a moment: prices, sessions, opening ranges and what the trade rule made of them.

Pure: a `History` of one day, built from the bars that had closed by the moment, goes in; frozen values come out. So no
value here can know more than those bars: a range is complete, a break, an exit is there, only if its last bar had
closed. Prices are in the instrument's currency, instants are UTC, R is net of costs.
"""

import math
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_data.bar_arrays import BarArrays
from ml_data.features.base import HISTORY_DAYS
from ml_data.features.indicators import average_true_range
from ml_data.history import History
from ml_data.history_tables import DIRECTION_NAMES, trade_money, void_reasons
from ml_data.kernels import EXPIRED, LOSS, NO_TRADE, OPEN, UNDECIDED, WIN
from trading.domain.calendar import as_date, day_spans, expected_minutes, from_minute, to_minute, trading_days
from trading.domain.instrument import Instrument
from trading.domain.trade_rule import TRADE_RULES, TradeRule
from trading.risk_engine import day_stop

State = Literal[
    "not started", "forming", "ready", "open", "target", "stopped", "expired", "no break", "too late", "flat", "void"
]
_CLOSED: Final[dict[int, State]] = {WIN: "target", LOSS: "stopped", EXPIRED: "expired", OPEN: "open"}


@dataclass(frozen=True)
class SessionView:
    """A session of the day, `[starts_at, ends_at)`."""

    name: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class RangeView:
    """One opening range and its trade by the rule, as far as known; None is not there (yet).

    `high`, `low` are so far while it is forming. `broke_at`, `exited_at` are starts of bars, known a minute later.
    `until` is when the rule stops waiting for a break or holding a trade. `r_net` is a closed trade's result, `r_now`
    what an open one would come to at the last close; both after costs. `void_reason` says why there is no range,
    `over_hole` that it lacks minutes which, on the days before, usually had a bar; `after_stop` that it broke when the
    day had lost its limit, so that by the rules nobody entered.
    """

    name: str
    starts_at: datetime
    ends_at: datetime
    until: datetime
    state: State
    bars: int
    void_reason: str | None = None
    high: float | None = None
    low: float | None = None
    size: float | None = None
    size_atr: float | None = None
    side: str | None = None
    broke_at: datetime | None = None
    entry: float | None = None
    stop: float | None = None
    target: float | None = None
    exited_at: datetime | None = None
    exit_price: float | None = None
    r_net: float | None = None
    r_now: float | None = None
    over_hole: bool = False
    after_stop: bool = False

    @property
    def lacks(self) -> int:
        """How many minutes of a complete range had no bar; 0 while it forms, and where there is no range."""
        if self.state in ("not started", "forming", "void"):
            return 0
        return (self.ends_at - self.starts_at) // timedelta(minutes=1) - self.bars


@dataclass(frozen=True)
class DayStop:
    """That the day's closed trades had lost `limit` R in the bar that started `at`: nothing is entered since."""

    at: datetime
    limit: float


@dataclass(frozen=True)
class TodayView:
    """The day at `clock`. `through` is when the newest bar had closed; `missed` open minutes have passed since.

    `frame` are the bars of the day's own contract from its first window on: `minute` (start, minutes since the Unix
    epoch), open, high, low, close, volume. `previous_close` is the same contract's on the trading day before; `atr`
    its ATR(14). `silent` of the day's `expected` minutes so far had no trade. `next_range` is the next one to start,
    `previous_day` the trading day before, `stop` that the day has lost its limit (see `within_limit`).
    """

    instrument: Instrument
    rule: TradeRule
    clock: datetime
    through: datetime
    missed: int
    is_open: bool
    day: date
    starts_at: datetime
    closes_at: datetime
    contract: str | None
    frame: pa.Table
    last_price: float | None
    previous_close: float | None
    high: float | None
    low: float | None
    atr: float | None
    silent: int
    expected: int
    sessions: tuple[SessionView, ...]
    ranges: tuple[RangeView, ...]
    next_range: tuple[str, datetime] | None
    previous_day: date
    stop: DayStop | None = None

    def range(self, name: str) -> RangeView:
        """Return the opening range called `name`."""
        return next(each for each in self.ranges if each.name == name)

    @property
    def current_range(self) -> str:
        """The name of the range that the day has come to: the last one that has started, else the first."""
        started = [each.name for each in self.ranges if each.starts_at < self.through]
        return started[-1] if started else self.ranges[0].name

    @property
    def results(self) -> list[float]:
        """What each closed trade of the day came to, in net R; none that broke after the day's stop."""
        return [each.r_net for each in self.ranges if each.r_net is not None and not each.after_stop]

    @property
    def traded(self) -> bool:
        """Whether the day has a bar of its own contract yet."""
        return self.high is not None


@dataclass(frozen=True)
class Moment:
    """When the view is taken: facts of the clock and the calendar (see `TodayView`)."""

    clock: datetime
    through: datetime
    missed: int
    is_open: bool
    next_range: tuple[str, datetime] | None
    previous_day: date


def today_view(history: History, rule: TradeRule, moment: Moment) -> TodayView:
    """Return the view of the first day of `history`."""
    bars, windows, instrument = history.bars, history.windows, history.instrument
    contract = int(history.contracts.contract[0])
    rows = slice(int(history.row_from[0]), int(history.row_to[0]))
    today = rows.start + int(np.searchsorted(bars.minute[rows], windows.starts[0]))
    has_bars = today < rows.stop
    previous_close, atr = _days_before(history)
    so_far = np.minimum(windows.closes, to_minute(moment.through))
    expected = int(expected_minutes(instrument, windows.starts, so_far)[0])
    own = bars.segment(bars.contracts[contract]) if contract >= 0 else slice(0, 0)
    return TodayView(
        instrument=instrument,
        rule=rule,
        clock=moment.clock,
        through=moment.through,
        missed=moment.missed,
        is_open=moment.is_open,
        day=as_date(history.days[0]),
        starts_at=from_minute(int(windows.starts[0])),
        closes_at=from_minute(int(windows.closes[0])),
        contract=bars.contracts[contract] if contract >= 0 else None,
        frame=_frame(bars, rows, instrument.tick),
        last_price=_price(instrument, bars.close[own.stop - 1]) if own.stop > own.start else None,
        previous_close=previous_close,
        high=_price(instrument, bars.high[today : rows.stop].max()) if has_bars else None,
        low=_price(instrument, bars.low[today : rows.stop].min()) if has_bars else None,
        atr=atr,
        silent=max(0, expected - (rows.stop - today)),
        expected=max(0, expected),
        sessions=tuple(
            SessionView(session.name, from_minute(int(start)), from_minute(int(end)))
            for session, start, end in zip(
                instrument.sessions, windows.session_starts[0], windows.session_ends[0], strict=True
            )
        ),
        ranges=tuple(_range_view(history, opening, rule, atr) for opening in range(len(instrument.opening_ranges))),
        next_range=moment.next_range,
        previous_day=moment.previous_day,
    )


def within_limit(view: TodayView, max_loss: float) -> TodayView:
    """Return the view with the stop of its day at a loss of `max_loss` R, and what broke after it marked so."""
    closed = [(each.exited_at, each.r_net) for each in view.ranges if each.exited_at and each.r_net is not None]
    at = day_stop(closed, max_loss)
    if at is None:
        return view
    ranges = tuple(replace(each, after_stop=each.broke_at is not None and each.broke_at >= at) for each in view.ranges)
    return replace(view, stop=DayStop(at, max_loss), ranges=ranges)


def _range_view(history: History, opening: int, rule: TradeRule, atr: float | None) -> RangeView:
    instrument, windows = history.instrument, history.windows
    start, end = int(windows.range_starts[0, opening]), int(windows.range_ends[0, opening])
    rule_ends = int((windows.ends if rule.window == "day" else windows.range_session_ends[:, opening])[0])
    until = min(rule_ends, int(windows.closes[0]))
    count = int(history.ranges.counts[0, opening])
    facts: dict[str, Any] = {}
    if count:
        top, bottom = (int(history.ranges.prices[0, opening, column]) for column in (1, 2))
        size = _price(instrument, top - bottom)
        facts = {"high": _price(instrument, top), "low": _price(instrument, bottom), "size": size}
        facts["size_atr"] = size / atr if atr else None
    reason = void_reasons(history)[0, opening]
    state: State
    if reason is not None:
        state, facts["void_reason"] = "void", str(reason)
    elif history.through <= start:
        state = "not started"
    elif not history.range_complete[0, opening]:
        state = "forming"
    elif facts["size"] == 0.0:
        state = "flat"
    else:
        state = _trade_facts(history, opening, rule, until, facts)
    return RangeView(
        name=instrument.opening_ranges[opening].name,
        starts_at=from_minute(start),
        ends_at=from_minute(end),
        until=from_minute(until),
        state=state,
        bars=count,
        **facts,
    )


def _trade_facts(history: History, opening: int, rule: TradeRule, until: int, facts: dict[str, Any]) -> State:
    """Add what is known of the break and its trade to `facts`; return the range's state."""
    instrument, bars = history.instrument, history.bars
    direction = int(history.directions[0, opening])
    trade = history.trades[0, opening, TRADE_RULES.index(rule)]
    if direction == UNDECIDED:
        return "ready" if history.through < until else "no break"
    if direction == 0:
        return "no break"
    row = int(history.break_rows[0, opening])
    facts.update(side=DIRECTION_NAMES[direction], broke_at=from_minute(int(bars.minute[row])))
    if trade[0] == NO_TRADE:
        return "too late"
    facts.update(
        entry=_price(instrument, bars.close[row]),
        stop=_price(instrument, trade[2], 4),
        target=_price(instrument, trade[3], 4),
    )
    is_open = trade[0] == OPEN
    last_row = int(history.row_to[0]) - 1 if is_open else int(trade[1])
    priced = trade[None, :].copy()
    if is_open:
        priced[0, 0] = EXPIRED  # what it would come to if it were closed at the last close
    exit4, gross, costs = trade_money(
        instrument, priced, np.array([direction]), bars.close[[row]], bars.close[[last_row]]
    )
    result = float(gross[0] - costs[0])
    if is_open:
        facts["r_now"] = result
    else:
        facts.update(
            r_net=result, exited_at=from_minute(int(bars.minute[last_row])), exit_price=_price(instrument, exit4[0], 4)
        )
    return _CLOSED[int(trade[0])]


def _days_before(history: History) -> tuple[float | None, float | None]:
    """Return the own contract's close on the last trading day before that it traded, and its ATR(14); None without."""
    instrument, bars, contract = history.instrument, history.bars, int(history.contracts.contract[0])
    if contract < 0:
        return None, None
    day = as_date(history.days[0])
    days = trading_days(instrument, day - timedelta(days=7 * HISTORY_DAYS), day)[-1 - HISTORY_DAYS : -1]
    own = bars.segment(bars.contracts[contract])
    edges = own.start + np.searchsorted(bars.minute[own], np.stack(day_spans(instrument, days)))
    spans = [slice(int(first), int(last)) for first, last in edges.T if last > first]
    highs = np.array([bars.high[rows].max() for rows in spans], dtype=np.int64)
    lows = np.array([bars.low[rows].min() for rows in spans], dtype=np.int64)
    closes = np.array([bars.close[rows.stop - 1] for rows in spans], dtype=np.int64)
    atr = float(average_true_range(highs, lows, closes, 0, len(closes))) * instrument.tick
    return _price(instrument, closes[-1]) if len(closes) else None, None if math.isnan(atr) else atr


def _frame(bars: BarArrays, rows: slice, tick: float) -> pa.Table:
    prices = {name: np.round(getattr(bars, name)[rows] * tick, 10) for name in ("open", "high", "low", "close")}
    return pa.table({"minute": bars.minute[rows], **prices, "volume": bars.volume[rows]})


def _price(instrument: Instrument, ticks: int | npt.NDArray[np.int64], part: int = 1) -> float:
    """Return the price of whole ticks, or of `part`s of a tick, without binary dust."""
    return round(float(ticks) * instrument.tick / part, 10)
