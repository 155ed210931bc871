"""What a feature is, what it may look at, and the arrays it is computed from.

A group computes its features for many events in one compiled pass, and the very same pass computes them for one event
live: there is no second implementation. The law it must keep (and `ml_data.lookahead` proves): of the event `e` it may
read bars in rows `[first_row[e], now_row[e])`, windows by the clock, and history of days before `day[e]`. Nothing else.

At the end of a range `decided` is that end. At a break it is the close of the bar that broke the range: its last row is
`now_row - 1`, and the range itself is read up to its own end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from trading.domain.label import EVENT_KINDS, EventKind

HISTORY_DAYS: Final = 30
"""How many trading days before its own an event may look back: the warm-up of every feature, and its whole memory."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Inputs(NamedTuple):
    """The arrays behind E events; rows index bars, `day` and `opening` index the day tables.

    Bars (N,): `minute` is the start in minutes since the Unix epoch, UTC; prices in ticks.
    Events (E,): `first_row` is the first bar of the event's own contract since the trading day `HISTORY_DAYS` before,
    `now_row` the first that had not closed at `decided` (a minute); `atr` is the average true range of the 14 days
    before, in ticks; `own_first`, `own_now` bound the own contract's days in the tables `own_*`: from the same day to
    the day before the event's.
    Days (n, ...): `day_starts`, `session_*` (n, S), `range_*` (n, O); `range_prices` (n, O, 4) in ticks. These hold the
    future of their day, so read days before only: `directions`, `break_minutes`, `reference_r` (n, O), and `ahead` (n,
    O, 3; see `ml_data.ahead`), which may also be read once its minute in `ahead_ends` (n, O) has come.
    `day_closes` (n,) and `rule_ends` (n, O) are when, by schedule, the day's trading and each range's own session end.
    `calendar` (E, C): see `ml_data.features.calendar`. `costs` (E,): what a losing round trip entered at the last close
    costs, in ticks; NaN without a bar.
    """

    minute: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Floats
    first_row: Ints
    now_row: Ints
    decided: Ints
    day: Ints
    opening: Ints
    atr: Floats
    own_first: Ints
    own_now: Ints
    own_high: Ints
    own_low: Ints
    own_close: Ints
    own_until: Ints
    day_starts: Ints
    day_ends: Ints
    session_starts: Ints
    session_ends: Ints
    range_starts: Ints
    range_ends: Ints
    range_prices: Ints
    range_volumes: Floats
    range_counts: Ints
    range_complete: Flags
    directions: Ints
    break_minutes: Ints
    reference_r: Floats
    ahead: Floats
    ahead_ends: Ints
    day_closes: Ints
    rule_ends: Ints
    calendar: Floats
    costs: Floats


Compute = Callable[[Inputs, Floats, Ints], None]
"""Fills `out` (E, F) and `newest` (E,): the minute at which the newest input of each event was known."""


@dataclass(frozen=True)
class Feature:
    """One feature: its name (a key, never reused for another meaning), unit, meaning, and when it is NaN.

    One that `needs_volume` is NaN also where the bars have none.
    """

    name: str
    unit: str
    doc: str
    missing: str = "never"
    needs_volume: bool = False


@dataclass(frozen=True)
class FeatureGroup:
    """Features that one pass computes; `inputs` names what they read, `events` the kinds of event it is valid for.

    A group that is not `usual` is fed only to recipes that name it.
    """

    name: str
    inputs: str
    features: tuple[Feature, ...]
    compute: Compute
    events: tuple[EventKind, ...] = EVENT_KINDS
    usual: bool = True
