"""Every past event with its inputs and what came of it, from stored bars, a stretch of days at a time.

The same passes as in training: `feature_matrix` and `outcomes_of`. An event looks back `HISTORY_DAYS` trading days at
the most, so a stretch that begins that much earlier gives what the whole history gives.
"""

from dataclasses import dataclass, fields
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from ml_data.build import read_bars
from ml_data.event_view import event_window
from ml_data.events import events_of
from ml_data.feature_matrix import feature_groups, feature_matrix
from ml_data.history import History, continue_history
from ml_data.outcomes import MATURED, outcomes_of
from ml_data.store import Store, sql
from trading.domain.calendar import Days, day_windows, from_minute, trading_days
from trading.domain.instrument import Instrument
from trading.domain.label import Label
from trading.domain.trade_rule import TradeRule

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PastRanges:
    """n events of one question whose outcome is known: inputs `x` (n, F) under `names`, NaN where one is missing.

    `days` are trading days, `orb` the opening ranges' names, `decided` and `known` UTC minutes: when the event was, and
    when label and trade were known. `actual` is the class that came (None of a question of numbers), `value` what
    became of the first target and `r_net` the trade's net R, NaN where there is none.
    """

    names: tuple[str, ...]
    x: Floats
    days: Days
    orb: npt.NDArray[np.object_]
    decided: Ints
    known: Ints
    actual: npt.NDArray[np.object_]
    value: Floats
    r_net: Floats

    def __len__(self) -> int:
        return len(self.decided)

    def followed_by(self, later: "PastRanges") -> "PastRanges":
        """Return these events and then those of `later`, which have the same inputs."""
        names = [field.name for field in fields(self) if field.name != "names"]
        return PastRanges(self.names, *(np.concatenate([getattr(self, name), getattr(later, name)]) for name in names))


def past_ranges(history: History, first: date, label: Label, rule: TradeRule | None) -> PastRanges:
    """Return the events of `history` from trading day `first` on that have an outcome."""
    events = events_of(history, label.event)
    events = events.where(history.days[events.day] >= np.datetime64(first))
    matrix = feature_matrix(history, events, feature_groups(label.event))
    outcomes = outcomes_of(history, events, label, rule)
    keep = outcomes.state == MATURED
    names = np.array([each.name for each in history.instrument.opening_ranges], dtype=object)
    classes = np.array([*label.classes, None], dtype=object)
    return PastRanges(
        names=matrix.names,
        x=np.ascontiguousarray(matrix.values[keep]),
        days=history.days[events.day[keep]],
        orb=names[events.opening[keep]],
        decided=events.decided[keep],
        known=outcomes.known[keep],
        actual=classes[outcomes.code[keep]] if label.classes else np.full(int(keep.sum()), None, dtype=object),
        value=outcomes.values[keep, 0] if label.targets else np.full(int(keep.sum()), np.nan),
        r_net=outcomes.r_net[keep],
    )


def stored_ranges(
    store: Store, instrument: Instrument, label: Label, rule: TradeRule | None, first: date, last: date
) -> PastRanges:
    """Return the events of the trading days from `first` to `last`, as the stored bars have them now."""
    reached, since = event_window(instrument, first)
    days = trading_days(instrument, last - timedelta(days=7), last)
    windows = day_windows(instrument, days[-1:])
    ends = (windows.ends, windows.session_ends, windows.range_ends, windows.range_session_ends)
    bars = read_bars(store, instrument, since, from_minute(max(int(each.max(initial=0)) for each in ends)))
    with store.market() as cursor:
        asked = {"instrument": instrument.symbol, "trading_day": reached}
        rows = cursor.execute(sql("contract_before"), asked).fetchall()
    history = continue_history(bars, instrument, reached, str(rows[0][0]) if rows else None, bars.through, last)
    return past_ranges(history, first, label, rule)
