"""The look-ahead audit: no feature may know its future, on the user's own bars.

For sampled events every feature is computed again from doctored bars and must come out the same, bit for bit:

- *prefix*: all bars from the decision on are cut away;
- *suffix*: they are replaced by garbage;
- *warm-up*: history begins `HISTORY_DAYS` trading days before the event instead of with the first bar.

A difference names the feature, the event and, for the first two, the bar that the feature should not have seen. The
groups are discovered, so a feature added tomorrow is audited tomorrow.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

import numpy as np

from ml_data.bar_arrays import BarArrays
from ml_data.event_view import event_window
from ml_data.events import Event, EventRows, event_at, range_events
from ml_data.feature_matrix import feature_groups, feature_matrix, features_of
from ml_data.features.base import FeatureGroup, Flags, Floats
from ml_data.history import History, build_history, continue_history
from trading.domain.calendar import as_date, from_minute
from trading.domain.instrument import Instrument
from trading.errors import LawOfTimeBroken

Check = Literal["prefix", "suffix", "warm-up", "declared input"]
LOCATED: Final = 8
"""Problems whose guilty bar is searched for; the rest are only listed."""


@dataclass(frozen=True)
class LookaheadProblem:
    """A feature that changed when it must not: `bar` is the start of the first bar that changes it (UTC), if found."""

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
    progress: Callable[[int, int], None] | None = None,
) -> LookaheadReport:
    """Audit `sample` events (all, if there are fewer), drawn evenly over time with a seeded start.

    `progress(done, total)` is called after each event.
    """
    groups = feature_groups() if groups is None else groups
    names = [feature.name for feature in features_of(groups)]
    history = build_history(bars, instrument)
    events = range_events(history)
    chosen = _sampled(len(events), sample, seed)
    problems: list[LookaheadProblem] = []
    for done, index in enumerate(chosen, start=1):
        one = EventRows(events.day[[index]], events.opening[[index]], events.decided[[index]])
        event = event_at(history, one, 0)
        try:
            expected = feature_matrix(history, one, groups).values[0]
            for check in ("prefix", "suffix", "warm-up"):
                found = _recomputed(history, one, groups, check, seed, until=int(one.decided[0]))
                for column in np.nonzero(~_same(expected, found))[0]:
                    bar = None
                    if check != "warm-up" and len(problems) < LOCATED:
                        bar = _first_bar_seen(history, one, groups, int(column), seed)
                    problems.append(
                        LookaheadProblem(
                            check, names[column], event, float(expected[column]), float(found[column]), bar
                        )
                    )
        except LawOfTimeBroken as broken:
            problems.append(LookaheadProblem("declared input", str(broken), event, np.nan, np.nan, None))
        if progress is not None:
            progress(done, len(chosen))
    return LookaheadReport(len(chosen), len(names), tuple(problems))


def _recomputed(
    history: History, one: EventRows, groups: tuple[FeatureGroup, ...], check: Check, seed: int, until: int
) -> Floats:
    """Return the features of one event from doctored bars: true before `until`, cut or garbage from there on."""
    instrument, day = history.instrument, as_date(history.days[one.day[0]])
    first_day, since = event_window(instrument, day)
    first_day = max(first_day, as_date(history.days[0]))
    begins, decided = int(since.timestamp() // 60), int(one.decided[0])
    if check == "warm-up":
        bars = history.bars.between(begins, decided)
    else:
        bars = history.bars.between(begins, until)
        if check == "suffix":
            bars = _with_garbage(history.bars.between(begins, decided + 3 * 1440), until, seed)
    before = int(np.searchsorted(history.days, np.datetime64(first_day))) - 1
    contract = history.bars.contracts[history.contracts.contract[before]] if before >= 0 else None
    through = decided if check != "suffix" else max(bars.through, decided)
    again = continue_history(bars, instrument, first_day, contract, through)
    same = EventRows(one.day - (before + 1), one.opening, one.decided)
    values: Floats = feature_matrix(again, same, groups).values[0]
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


def _first_bar_seen(
    history: History, one: EventRows, groups: tuple[FeatureGroup, ...], column: int, seed: int
) -> datetime | None:
    """Return the start of the earliest later bar whose falsification changes the feature; None if none is found."""
    true = feature_matrix(history, one, groups).values[0][column]
    decided = int(one.decided[0])
    low, high = decided, decided + 2 * 1440
    if _same(true, _recomputed(history, one, groups, "suffix", seed, until=low)[column]):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        changed = not _same(true, _recomputed(history, one, groups, "suffix", seed, until=middle)[column])
        low, high = (middle, high) if changed else (low, middle)
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
