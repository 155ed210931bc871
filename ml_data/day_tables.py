"""What each trading day adds to the features: its windows by the clock, its ranges, and what came of them."""

from dataclasses import dataclass

import numpy as np

from ml_data.ahead import ahead_of
from ml_data.features.base import Flags, Floats, Ints
from ml_data.history import History
from ml_data.history_tables import trade_result
from ml_data.kernels import NO_TRADE, OPEN
from trading.domain.calendar import Days
from trading.domain.trade_rule import REFERENCE_RULE, TRADE_RULES


@dataclass(frozen=True)
class DayTables:
    """n trading days, one row each, S sessions and O opening ranges.

    No row depends on another day's bars, so tables of some days and of the next ones join into tables of all of them.
    Instants are UTC minutes; `range_prices` (n, O, 4) ticks; `directions`, `break_minutes` (-1: none) and `reference_r`
    (n, O; NaN while open and without a trade) as far as the history knew them; `traded` says that the day had bars.
    """

    days: Days
    starts: Ints
    ends: Ints
    closes: Ints
    session_starts: Ints
    session_ends: Ints
    range_starts: Ints
    range_ends: Ints
    rule_ends: Ints
    range_prices: Ints
    range_volumes: Floats
    range_counts: Ints
    range_complete: Flags
    directions: Ints
    break_minutes: Ints
    reference_r: Floats
    ahead: Floats
    ahead_ends: Ints
    traded: Flags

    def followed_by(self, later: "DayTables") -> "DayTables":
        """Return the tables of these days and of the `later` ones."""
        pairs = zip(vars(self).items(), vars(later).values(), strict=True)
        return DayTables(**{name: np.concatenate([rows, more]) for (name, rows), more in pairs})


def day_tables(history: History) -> DayTables:
    """Return the tables of every day of `history`."""
    windows, ranges = history.windows, history.ranges
    broke, ahead = history.break_rows >= 0, ahead_of(history)
    minutes = history.bars.minute[np.where(broke, history.break_rows, 0)] if len(history.bars) else history.break_rows
    return DayTables(
        days=history.days,
        starts=windows.starts,
        ends=windows.ends,
        closes=windows.closes,
        session_starts=windows.session_starts,
        session_ends=windows.session_ends,
        range_starts=windows.range_starts,
        range_ends=windows.range_ends,
        rule_ends=windows.range_session_ends,
        range_prices=ranges.prices,
        range_volumes=ranges.volumes,
        range_counts=ranges.counts,
        range_complete=history.range_complete,
        directions=history.directions,
        break_minutes=np.where(broke, minutes, -1),
        reference_r=reference_r(history),
        ahead=ahead.ticks,
        ahead_ends=ahead.ends,
        traded=history.traded,
    )


def reference_r(history: History) -> Floats:
    """Return the gross R of the plain rule for each range, shape (n, O); NaN while open and without a trade."""
    trades = history.trades[:, :, TRADE_RULES.index(REFERENCE_RULE)]
    result = np.full(trades.shape[:2], np.nan)
    day, opening = np.nonzero((trades[..., 0] != NO_TRADE) & (trades[..., 0] != OPEN))
    if len(day) == 0:
        return result
    rows = trades[day, opening]
    entry = history.bars.close[history.break_rows[day, opening]]
    _, gross, _ = trade_result(rows, history.directions[day, opening], entry, history.bars.close[rows[:, 1]])
    result[day, opening] = gross
    return result
