"""What an event came to: the break, the trade, and when each was known. The one definition.

Training takes its labels from here and settlement its outcomes, so a model is graded by what it was taught.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from ml_data.ahead import ahead_of, in_ranges
from ml_data.bar_arrays import BarArrays
from ml_data.events import EventRows
from ml_data.history import History
from ml_data.history_tables import trade_money
from ml_data.kernels import DOWN, EXPIRED, NO_BREAK, NO_TRADE, OPEN, UNDECIDED, UP, WIN, first_at_or_after
from trading.domain.label import BREAK_DIRECTION, NET_R, RANGE_AHEAD, Label
from trading.domain.trade_rule import REFERENCE_RULE, TRADE_RULES, TradeRule

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

HOLE_MINUTES: Final = 30
"""Minutes without any bar, in which the exchange was open, after which nobody can say what broke first."""

PENDING: Final = "pending"
MATURED: Final = "matured"
VOID: Final = "void"


@dataclass(frozen=True)
class Outcomes:
    """What E events came to.

    `state` is pending, matured or void. `void_reason` is `early_close` or `missing_bars`; of a trade also `too_late`
    (the rule's window was over) and `break_moved` (by the bars as they are now the range did not break then). `code` is
    the class that happened, an index into the label's classes (-1: not known); `direction` is 1 UP, -1 DOWN, 0 NONE, 2
    undecided. `label_known` is the minute at which the label was known, `known` the minute at which the trade had
    closed as well (both -1 while pending); a trade that expires has closed when its window is over. `r_gross`, `r_net`
    are of the label's rule, the plain one where it has none (NaN without a trade); `values` (E, T) are what became of
    the label's targets (NaN while not known), T is 0 of a label of classes. An outcome is matured only when label and
    trade are both known.
    """

    state: npt.NDArray[np.object_]
    code: Ints
    direction: Ints
    label_known: Ints
    known: Ints
    r_gross: Floats
    r_net: Floats
    void_reason: npt.NDArray[np.object_]
    values: Floats


def outcomes_of(history: History, events: EventRows, label: Label, rule: TradeRule | None) -> Outcomes:
    """Return what each of `events` (of `history`) came to in the sense of `label`; `rule` where it is about one."""
    if label == BREAK_DIRECTION:
        return range_outcomes(history, events)
    if label == RANGE_AHEAD:
        return ahead_outcomes(history, events)
    found = trade_outcomes(history, events, rule or REFERENCE_RULE)
    return replace(found, values=found.r_net[:, None]) if label == NET_R else found


def range_outcomes(history: History, events: EventRows) -> Outcomes:
    """Return which way each of `events` (of `history`) broke, as far as its bars tell, and its plain trade."""
    windows, bars = history.windows, history.bars
    direction = history.directions[events.day, events.opening]
    break_row = history.break_rows[events.day, events.opening]
    broke = break_row >= 0
    day_over = windows.closes[events.day]
    break_known = _closed_at(bars, break_row, broke)
    label_known = np.where(broke, break_known, np.where(direction == NO_BREAK, day_over, -1))
    trade = history.trades[events.day, events.opening, TRADE_RULES.index(REFERENCE_RULE)]
    traded, closed = trade[:, 0] != NO_TRADE, (trade[:, 0] != NO_TRADE) & (trade[:, 0] != OPEN)
    exit_known = _closed_at(bars, trade[:, 1], closed)
    exit_known = np.where(trade[:, 0] == EXPIRED, np.maximum(exit_known, day_over), exit_known)
    known = np.where(traded, exit_known, label_known)
    r_gross, r_net = _trade_results(history, trade, direction, break_row, closed)
    settled = direction != UNDECIDED
    void_reason = _void_reasons(history, events, np.where(broke, break_known, day_over), broke, settled)
    void = void_reason != np.array(None)
    return Outcomes(
        state=_states(settled & (known >= 0), void),
        code=np.select([direction == UP, direction == DOWN, direction == NO_BREAK], [0, 1, 2], -1),
        direction=direction,
        label_known=label_known,
        known=np.where(void, label_known, known),
        r_gross=r_gross,
        r_net=r_net,
        void_reason=void_reason,
        values=np.empty((len(events), 0)),
    )


def _closed_at(bars: BarArrays, rows: Ints, there: npt.NDArray[np.bool_]) -> Ints:
    """Return the minute at which each of the bars in `rows` had closed; -1 of those that are not `there`."""
    closed = np.full(len(rows), -1, dtype=np.int64)
    closed[there] = bars.minute[rows[there]] + 1
    return closed


def trade_outcomes(history: History, events: EventRows, rule: TradeRule) -> Outcomes:
    """Return what trading each of the breaks `events` (of `history`) by `rule` came to, as far as its bars tell.

    The label is known when the trade has closed, not before: until then it may still be the other one.
    """
    windows, bars = history.windows, history.bars
    direction = history.directions[events.day, events.opening]
    break_row = history.break_rows[events.day, events.opening]
    trade = history.trades[events.day, events.opening, TRADE_RULES.index(rule)]
    result = trade[:, 0]
    late, closed = result == NO_TRADE, (result != NO_TRADE) & (result != OPEN)
    over = windows.closes[events.day]
    if rule.window == "session":
        over = np.minimum(over, windows.range_session_ends[events.day, events.opening])
    exit_known = _closed_at(bars, trade[:, 1], closed)
    expired = result == EXPIRED
    known = np.where(closed, np.where(expired, np.maximum(exit_known, over), exit_known), -1)
    r_gross, r_net = _trade_results(history, trade, direction, break_row, closed)
    void_reason = _void_reasons(history, events, np.where(expired, over, known), closed & ~expired, closed)
    moved = _closed_at(bars, break_row, break_row >= 0) != events.decided
    void_reason[late] = "too_late"
    void_reason[moved] = "break_moved"
    void = void_reason != np.array(None)
    known = np.where(late | moved, events.decided + 1, known)
    return Outcomes(
        state=_states(closed, void),
        code=np.where(closed, np.where(result == WIN, 0, 1), -1),
        direction=direction,
        label_known=known,
        known=known,
        r_gross=r_gross,
        r_net=r_net,
        void_reason=void_reason,
        values=np.empty((len(events), 0)),
    )


def ahead_outcomes(history: History, events: EventRows) -> Outcomes:
    """Return how far the price travelled in the hours after each of the ranges `events`, as far as the bars tell.

    `values` (E, 3) are travel, rise and fall in logs of the range's size. No trade is looked at.
    """
    found = ahead_of(history)
    day, opening = events.day, events.opening
    over, ends, ticks = found.over[day, opening], found.ends[day, opening], found.ticks[day, opening]
    size = history.ranges.prices[day, opening, 1] - history.ranges.prices[day, opening, 2]
    void_reason = _void_reasons(history, events, ends, np.zeros(len(events), dtype=np.bool_), over)
    void_reason[over & np.isnan(ticks[:, 0]) & (void_reason == np.array(None))] = "missing_bars"
    void = void_reason != np.array(None)
    nothing = np.full(len(events), np.nan)
    known = np.where(over, ends, -1)
    return Outcomes(
        state=_states(over, void),
        code=np.full(len(events), -1),
        direction=history.directions[day, opening],
        label_known=known,
        known=known,
        r_gross=nothing,
        r_net=nothing,
        void_reason=void_reason,
        values=in_ranges(ticks, size.astype(np.float64)),
    )


def reached(history: History, events: EventRows, rule: TradeRule) -> Floats:
    """Return how far each trade got on its way to the target before it ended, 0 to 1; NaN without a trade."""
    trade = history.trades[events.day, events.opening, TRADE_RULES.index(rule)]
    way = trade[:, 5] / np.where(trade[:, 7] > 0, trade[:, 7] * rule.reward, np.nan)
    share: Floats = np.minimum(way, 1.0)
    return share


def _states(matured: npt.NDArray[np.bool_], void: npt.NDArray[np.bool_]) -> npt.NDArray[np.object_]:
    state = np.full(len(matured), PENDING, dtype=object)
    state[matured] = MATURED
    state[void] = VOID
    return state


def _void_reasons(
    history: History, events: EventRows, until: Ints, ended: npt.NDArray[np.bool_], settled: npt.NDArray[np.bool_]
) -> npt.NDArray[np.object_]:
    """Return why nobody can say what came first between an event and `until`; None where one can.

    `ended` says that a bar ended it, `settled` that it is over: what still runs is not void yet.
    """
    windows = history.windows
    holes = np.zeros(len(events), dtype=np.bool_)
    short = np.zeros(len(events), dtype=np.bool_)
    _find_holes(
        history.bars.minute,
        history.row_from[events.day],
        history.row_to[events.day],
        events.decided,
        until,
        ended,
        windows.halt_starts[events.day],
        windows.halt_ends[events.day],
        holes,
        short,
    )
    early = windows.closed_from[events.day] < windows.ends[events.day]
    void_reason = np.full(len(events), None, dtype=object)
    void_reason[settled & (holes | short)] = "missing_bars"
    void_reason[settled & short & early & ~holes] = "early_close"
    return void_reason


def _trade_results(
    history: History, trade: Ints, direction: Ints, break_row: Ints, closed: npt.NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Return gross and net R of closed plain trades; NaN for the others."""
    prices, gross, net = history.bars.close, np.full(len(trade), np.nan), np.full(len(trade), np.nan)
    ended = trade[closed]
    _, found, costs = trade_money(
        history.instrument, ended, direction[closed], prices[break_row[closed]], prices[ended[:, 1]]
    )
    gross[closed], net[closed] = found, found - costs
    return gross, net


@njit(cache=True, nogil=True)
def _find_holes(
    minute: Ints,
    row_from: Ints,
    row_to: Ints,
    decided: Ints,
    until: Ints,
    ended: npt.NDArray[np.bool_],
    halt_starts: Ints,
    halt_ends: Ints,
    holes: npt.NDArray[np.bool_],
    short: npt.NDArray[np.bool_],
) -> None:
    """Mark events with a hole between decision and `until`, and those no bar ended whose bars stop too soon."""
    for event in range(len(decided)):
        known = decided[event]
        row = first_at_or_after(minute, row_from[event], row_to[event], known)
        while row < row_to[event] and minute[row] < until[event]:
            if _open_minutes(known, minute[row], halt_starts[event], halt_ends[event]) > HOLE_MINUTES:
                holes[event] = True
            known = minute[row] + 1
            row += 1
        if not ended[event]:
            short[event] = _open_minutes(known, until[event], halt_starts[event], halt_ends[event]) > HOLE_MINUTES


@njit(cache=True, nogil=True)
def _open_minutes(starts: int, ends: int, halt_starts: Ints, halt_ends: Ints) -> int:
    """Return the minutes of `[starts, ends)` outside the daily halts."""
    minutes = ends - starts
    for halt in range(len(halt_starts)):
        minutes -= max(0, min(ends, halt_ends[halt]) - max(starts, halt_starts[halt]))
    return minutes
