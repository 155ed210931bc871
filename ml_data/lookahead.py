"""The look-ahead audit: no feature may know its future, on the user's own bars.

For sampled events every feature is computed again from doctored bars and must come out the same, bit for bit:

- *warm-up*: history begins `HISTORY_DAYS` trading days before the event instead of with the first bar;
- *prefix*: of that, all bars from the decision on are cut away;
- *suffix*: they are replaced by garbage instead.

A difference names the feature, the event and, for the last two, a bar that the feature should not have seen. The
groups are discovered, so a feature added tomorrow is audited tomorrow.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

import numpy as np

from ml_data.bar_arrays import BarArrays
from ml_data.event_view import event_window
from ml_data.events import Event, EventRows, event_at, events_of
from ml_data.feature_matrix import feature_groups, feature_matrix, features_of
from ml_data.features.base import FeatureGroup, Flags, Floats
from ml_data.history import History, build_history, continue_history
from trading.domain.calendar import as_date, from_minute, to_minute
from trading.domain.instrument import Instrument
from trading.domain.label import ORB_COMPLETE, EventKind
from trading.errors import LawOfTimeBroken

Check = Literal["prefix", "suffix", "warm-up", "declared input"]
LOCATED: Final = 8
"""Problems whose guilty bar is searched for; the rest are only listed."""

FUTURE: Final = 3 * 1440
"""Minutes after the decision that are kept, or falsified: to the end of any trading day, over a weekend."""


@dataclass(frozen=True)
class LookaheadProblem:
    """A feature that changed when it must not: `bar` is the start of the last bar that changes it (UTC), if found.

    `expected` is its value from true bars, `found` the one from doctored bars.
    """

    check: Check
    feature: str
    event: Event
    expected: float
    found: float
    bar: datetime | None

    def __str__(self) -> str:
        seen = "" if self.bar is None else f"; it saw the bar of {self.bar:%Y-%m-%d %H:%MZ}"
        return (
            f"{self.feature} ({self.check}): {self.event.instrument} {self.event.trading_day} {self.event.orb}, "
            f"decided {self.event.decided_at:%Y-%m-%d %H:%MZ}: {self.expected!r} with all bars, {self.found!r} "
            f"without{seen}"
        )


@dataclass(frozen=True)
class LookaheadReport:
    """What the audit looked at and what it found."""

    events: int
    features: int
    problems: tuple[LookaheadProblem, ...]

    @property
    def passed(self) -> bool:
        """Whether no feature knew its future."""
        return not self.problems


def audit_lookahead(
    bars: BarArrays,
    instrument: Instrument,
    *,
    sample: int,
    seed: int,
    groups: tuple[FeatureGroup, ...] | None = None,
    kind: EventKind = ORB_COMPLETE,
    progress: Callable[[int, int], None] | None = None,
) -> LookaheadReport:
    """Audit `sample` events of one kind (all, if there are fewer), drawn evenly over time with a seeded start.

    `progress(done, total)` is called after each event.
    """
    groups = feature_groups(kind) if groups is None else groups
    history = build_history(bars, instrument)
    events = events_of(history, kind)
    chosen = _sampled(len(events), sample, seed)
    problems: list[LookaheadProblem] = []
    for done, index in enumerate(chosen, start=1):
        one = EventRows(events.day[[index]], events.opening[[index]], events.decided[[index]], kind)
        problems += _problems(_Window(history, one, groups, seed), locate=LOCATED - len(problems))
        if progress is not None:
            progress(done, len(chosen))
    return LookaheadReport(len(chosen), len(features_of(groups)), tuple(problems))


def _problems(window: "_Window", locate: int) -> list[LookaheadProblem]:
    """Return what is wrong with the features of one event; the guilty bars of the first `locate` are searched for."""
    found: list[LookaheadProblem] = []
    names = [feature.name for feature in features_of(window.groups)]
    event = event_at(window.history, window.one, 0)
    try:
        whole = feature_matrix(window.history, window.one, window.groups).values[0]
        true = window.features(window.true)
        checks: list[tuple[Check, Floats, Floats]] = [
            ("warm-up", whole, true),
            ("prefix", true, window.features(window.true.before(window.decided))),
            ("suffix", true, window.features(window.false_from(window.decided))),
        ]
        for check, expected, doctored in checks:
            for column in np.nonzero(~_same(expected, doctored))[0]:
                searched = check != "warm-up" and len(found) < locate
                bar = _last_bar_seen(window, true, int(column)) if searched else None
                values = float(expected[column]), float(doctored[column])
                found.append(LookaheadProblem(check, names[column], event, *values, bar))
    except LawOfTimeBroken as broken:
        found.append(LookaheadProblem("declared input", str(broken), event, np.nan, np.nan, None))
    return found


class _Window:
    """The bars that one event may look back to and those of the days after it, as they are or doctored."""

    def __init__(self, history: History, one: EventRows, groups: tuple[FeatureGroup, ...], seed: int) -> None:
        self.history, self.one, self.groups = history, one, groups
        self.decided = int(one.decided[0])
        self._seed = seed
        first_day, since = event_window(history.instrument, as_date(history.days[one.day[0]]))
        self._first_day = max(first_day, as_date(history.days[0]))
        self._days_before = int(np.searchsorted(history.days, np.datetime64(self._first_day)))
        contract = history.contracts.contract[self._days_before - 1] if self._days_before else -1
        self._contract_before = history.bars.contracts[contract] if contract >= 0 else None
        self.true = history.bars.between(to_minute(since), self.decided + FUTURE)

    def false_from(self, minute: int) -> BarArrays:
        """Return the bars with every price and volume from `minute` on replaced by garbage."""
        return _with_garbage(self.true, minute, self._seed)

    def features(self, bars: BarArrays) -> Floats:
        """Return the event's features (F,) from these bars."""
        through = max(bars.through, self.decided)
        again = continue_history(bars, self.history.instrument, self._first_day, self._contract_before, through)
        same = EventRows(self.one.day - self._days_before, self.one.opening, self.one.decided, self.one.kind)
        values: Floats = feature_matrix(again, same, self.groups).values[0]
        return values


def _with_garbage(bars: BarArrays, until: int, seed: int) -> BarArrays:
    """Return `bars` with every price and volume from minute `until` on replaced by seeded nonsense."""
    rng = np.random.default_rng(seed)
    later = bars.minute >= until
    shift = rng.integers(-5000, 5000, later.sum())
    volume = bars.volume.copy()
    volume[later] = rng.integers(1, 10**6, later.sum())
    prices = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close")}
    for name, spread in (("open", 0), ("close", 3), ("high", 9), ("low", -9)):
        prices[name][later] += shift + spread
    return replace(bars, volume=volume, **prices)


def _last_bar_seen(window: _Window, true: Floats, column: int) -> datetime | None:
    """Return the start of the last bar whose falsification changes the feature; None if none is found."""

    def changes(minute: int) -> bool:
        return not _same(true, window.features(window.false_from(minute)))[column]

    low, high = window.decided, window.decided + FUTURE
    if not changes(low):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if changes(middle) else (low, middle)
    return from_minute(low)


def _same(left: Floats, right: Floats) -> Flags:
    """Return where two arrays are equal bit for bit, NaN equal to NaN."""
    equal: Flags = (np.asarray(left) == right) | (np.isnan(left) & np.isnan(right))
    return equal


def _sampled(count: int, sample: int, seed: int) -> list[int]:
    """Return `sample` indices spread evenly over `count`, from a seeded offset."""
    if count <= sample:
        return list(range(count))
    step = count / sample
    offset = np.random.default_rng(seed).random() * step
    return [int(offset + step * index) for index in range(sample)]
