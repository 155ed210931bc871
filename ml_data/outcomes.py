"""What an event came to: the break, when it was known, and the net R of the plain rule. The one definition.

Training takes its labels from here and settlement its outcomes, so a model is graded by what it was taught.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from ml_data.events import EventRows
from ml_data.history import History
from ml_data.history_tables import trade_money
from ml_data.kernels import EXPIRED, NO_BREAK, NO_TRADE, OPEN, UNDECIDED, first_at_or_after
from trading.domain.trade_rule import REFERENCE_RULE, TRADE_RULES

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

    `state` is pending, matured or void (`void_reason`: `early_close`, `missing_bars`); `direction` is 1 UP, -1 DOWN,
    0 NONE, 2 undecided; `label_known` is the minute at which the direction was known, `known` the minute at which the
    plain trade had closed as well (both -1 while pending); a trade that expires has closed when the day is over.
    `r_gross`, `r_net` are of the plain rule (NaN without a trade). An outcome is matured only when direction and trade
    are both known.
    """

    state: npt.NDArray[np.object_]
    direction: Ints
    label_known: Ints
    known: Ints
    r_gross: Floats
    r_net: Floats
    void_reason: npt.NDArray[np.object_]


def range_outcomes(history: History, events: EventRows) -> Outcomes:
    """Return what each of `events` (of `history`) came to, as far as its bars tell."""
    windows, bars = history.windows, history.bars
    direction = history.directions[events.day, events.opening]
    break_row = history.break_rows[events.day, events.opening]
    broke = break_row >= 0
    day_over = windows.closes[events.day]
    break_known = np.where(broke, bars.minute[np.where(broke, break_row, 0)] + 1, -1)
    label_known = np.where(broke, break_known, np.where(direction == NO_BREAK, day_over, -1))
    trade = history.trades[events.day, events.opening, TRADE_RULES.index(REFERENCE_RULE)]
    traded, closed = trade[:, 0] != NO_TRADE, (trade[:, 0] != NO_TRADE) & (trade[:, 0] != OPEN)
    exit_known = np.where(closed, bars.minute[np.where(closed, trade[:, 1], 0)] + 1, -1)
    exit_known = np.where(trade[:, 0] == EXPIRED, np.maximum(exit_known, day_over), exit_known)
    known = np.where(traded, exit_known, label_known)
    r_gross, r_net = _trade_results(history, trade, direction, break_row, closed)

    holes = np.zeros(len(events), dtype=np.bool_)
    short = np.zeros(len(events), dtype=np.bool_)
    until = np.where(broke, break_known, day_over)
    _find_holes(
        bars.minute,
        history.row_from[events.day],
        history.row_to[events.day],
        events.decided,
        until,
        broke,
        windows.halt_starts[events.day],
        windows.halt_ends[events.day],
        holes,
        short,
    )
    settled = direction != UNDECIDED
    early = windows.closed_from[events.day] < windows.ends[events.day]
    void_reason = np.full(len(events), None, dtype=object)
    void_reason[settled & (holes | short)] = "missing_bars"
    void_reason[settled & short & early & ~holes] = "early_close"
    state = np.full(len(events), PENDING, dtype=object)
    state[settled & (known >= 0)] = MATURED
    void = void_reason != np.array(None)
    state[void] = VOID
    return Outcomes(
        state=state,
        direction=direction,
        label_known=label_known,
        known=np.where(void, label_known, known),
        r_gross=r_gross,
        r_net=r_net,
        void_reason=void_reason,
    )


def _trade_results(
    history: History, trade: Ints, direction: Ints, break_row: Ints, closed: npt.NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Return gross and net R of closed plain trades; NaN for the others."""
    bars = history.bars
    entry = bars.close[np.where(closed, break_row, 0)]
    last = bars.close[np.where(closed, trade[:, 1], 0)]
    _, gross, costs = trade_money(history.instrument, trade, direction, entry, last)
    return np.where(closed, gross, np.nan), np.where(closed, gross - costs, np.nan)


@njit(cache=True, nogil=True)
def _find_holes(
    minute: Ints,
    row_from: Ints,
    row_to: Ints,
    decided: Ints,
    until: Ints,
    broke: npt.NDArray[np.bool_],
    halt_starts: Ints,
    halt_ends: Ints,
    holes: npt.NDArray[np.bool_],
    short: npt.NDArray[np.bool_],
) -> None:
    """Mark events with a hole between decision and `until`, and those without a break whose bars stop too soon."""
    for event in range(len(decided)):
        known = decided[event]
        row = first_at_or_after(minute, row_from[event], row_to[event], known)
        while row < row_to[event] and minute[row] < until[event]:
            if _open_minutes(known, minute[row], halt_starts[event], halt_ends[event]) > HOLE_MINUTES:
                holes[event] = True
            known = minute[row] + 1
            row += 1
        if not broke[event]:
            short[event] = _open_minutes(known, until[event], halt_starts[event], halt_ends[event]) > HOLE_MINUTES


@njit(cache=True, nogil=True)
def _open_minutes(starts: int, ends: int, halt_starts: Ints, halt_ends: Ints) -> int:
    """Return the minutes of `[starts, ends)` outside the daily halts."""
    minutes = ends - starts
    for halt in range(len(halt_starts)):
        minutes -= max(0, min(ends, halt_ends[halt]) - max(starts, halt_starts[halt]))
    return minutes
