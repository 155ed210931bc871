"""The skew audit: the inputs that were logged beside those that the stored bars give now, feature by feature.

The one definition of skew, of the verb and of the gate: a logged input differs when its bits do; a number where there
was none, or none where there was a number, differs too. A difference is explained when a vendor changed a bar since,
and the inputs come out from the bars as they were. Bars that came in late, and other costs or windows in the
instrument's file, tell how it came about and are skew all the same: live saw what training will not.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

import numpy as np

from ml_data.event_view import EventView
from ml_data.history_tables import definitions_hash
from ml_data.journal import features_asked
from ml_data.staleness import Stale, predictions_made, stale
from ml_data.store import Store, sql
from ml_inference.logged_again import Tapes, bars_that_came_since, event_name, event_of, same_bits
from trading.domain.instrument import Instrument
from trading.errors import Refused

REVISED: Final = "bars revised since"
LATE: Final = "late bars"
OTHER_FILE: Final = "instrument's file changed"
UNEXPLAINED: Final = "unexplained"

NO_EVENT: Final = "(the event)"
DEFINITIONS: Final = "(the definitions)"
"""What differs where no feature can be compared: by these bars there is no event; the inputs are defined otherwise."""


@dataclass(frozen=True)
class SkewedFeature:
    """A feature whose logged values differ from those rebuilt: in how many of the `events` compared, and how much.

    `largest` is the largest difference between two numbers (NaN where one of each pair is missing), `spreads` its size
    in interquartile ranges of the feature's own logged values (NaN where these do not vary); `missing` counts events in
    which one side has no number. `causes` counts events by what explains them. `first` is the first event, by name and
    id, with both values and what is known of the cause.
    """

    feature: str
    replayed: bool
    events: int
    differ: int
    largest: float
    spreads: float
    missing: int
    causes: dict[str, int]
    first: str
    first_id: str
    logged: float | None
    rebuilt: float | None
    why: str

    def __str__(self) -> str:
        kind = "replayed" if self.replayed else "live"
        size = "" if math.isnan(self.largest) else f", by up to {self.largest:.6g}"
        size += "" if math.isnan(self.spreads) else f" ({self.spreads:.2g} of its interquartile range)"
        lacking = f", {self.missing:,} without a number on one side" if self.missing else ""
        causes = ", ".join(f"{count:,} {cause}" for cause, count in self.causes.items())
        pair = f" logged {self.logged!r}, now {self.rebuilt!r}" if self.feature not in (NO_EVENT, DEFINITIONS) else ""
        return (
            f"{self.feature} ({kind}): {self.differ:,} of {self.events:,} events differ{size}{lacking}: {causes}; "
            f"first {self.first} ({self.first_id[:8]}){pair}{f': {self.why}' if self.why else ''}"
        )


@dataclass(frozen=True)
class SkewReport:
    """How many logged predictions were compared, live and replayed, and the features that differ in any."""

    live: int
    replayed: int
    features: tuple[SkewedFeature, ...]

    @property
    def passed(self) -> bool:
        """Whether every difference, of live and of replayed inputs, is explained by a revised bar."""
        return not self.unexplained(replayed=False) and not self.unexplained(replayed=True)

    def unexplained(self, *, replayed: bool) -> tuple[SkewedFeature, ...]:
        """Return the features that differ without a revision that explains it."""
        return tuple(each for each in self.features if each.replayed == replayed and set(each.causes) - {REVISED})


@dataclass
class _Seen:
    """What was found of one feature in one kind of rows, while they are walked through."""

    values: list[float] = field(default_factory=list)
    differences: list[tuple[dict[str, Any], float | None, float | None, str, str]] = field(default_factory=list)


def audit_skew(
    store: Store,
    instrument: Instrument,
    *,
    model: str | None = None,
    since: date | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SkewReport:
    """Compare the logged inputs of `instrument` (of one `model`, from one trading day on) with those of the bars now.

    Raises
    ------
    NothingStored
        when history is not built for the days that the events look back to.
    """
    asked = {"instrument": instrument.symbol, "model": model, "since": since or date(1900, 1, 1)}
    with store.journal() as cursor:
        rows = cursor.sql(sql("logged_features"), params=asked).to_arrow_table().to_pylist()
    revised = {each.id: each for each in stale(store, instrument, predictions_made(store, instrument))}
    tapes, seen = Tapes(store, instrument), dict[tuple[bool, str], _Seen]()
    for done, row in enumerate(rows, start=1):
        replayed = bool(row["replayed"])
        for name, value in _named(row):
            seen.setdefault((replayed, name), _Seen()).values.append(math.nan if value is None else value)
        for name, logged, rebuilt, cause, why in _differences(store, instrument, tapes, row, revised):
            found = seen.setdefault((replayed, name), _Seen())
            found.differences.append((row, logged, rebuilt, cause, why))
        if progress is not None:
            progress(done, len(rows))
    counts = Counter(bool(row["replayed"]) for row in rows)
    features = [
        _skewed(name, replayed, found, counts[replayed])
        for (replayed, name), found in sorted(seen.items())
        if found.differences
    ]
    return SkewReport(counts[False], counts[True], tuple(sorted(features, key=_gravest_first)))


def input_differences(
    names: Iterable[str], logged: Iterable[float | None], view: EventView
) -> list[tuple[str, float | None, float]]:
    """Return each input whose logged value is not that of `view` bit for bit: its name and both values."""
    rebuilt = dict(zip(view.names, view.features.tolist(), strict=True))
    return [
        (name, value, rebuilt[name])
        for name, value in zip(names, logged, strict=True)
        if not same_bits(value, rebuilt[name])
    ]


def _named(row: dict[str, Any]) -> list[tuple[str, float | None]]:
    """Return the logged inputs by name; none where today's definitions are others."""
    values = row["features"] or []
    known = features_asked(row["schema_hash"] or "", len(values))
    return [(feature.name, value) for feature, value in zip(known, values, strict=True)] if known else []


def _differences(
    store: Store, instrument: Instrument, tapes: Tapes, row: dict[str, Any], revised: dict[str, Stale]
) -> list[tuple[str, float | None, float | None, str, str]]:
    """Return what differs in one row: the input, both values, and the cause with what is known of it."""
    named = _named(row)
    if not named:
        return [(DEFINITIONS, None, None, UNEXPLAINED, "its inputs are defined otherwise by now")]
    now = _compared(tapes, row, named, None)
    if not now:
        return []
    changed = revised.get(row["prediction_id"])
    then = now if changed is None else _compared(tapes, row, named, row["logged_at"])
    open_ = {name for name, *_ in then}
    cause, why = _known_cause(store, instrument, tapes, row, changed) if open_ else (REVISED, "")
    found = []
    for name, logged, rebuilt in now:
        if name not in open_ and changed is not None:
            found.append((name, logged, rebuilt, REVISED, str(changed.first)))
        else:
            found.append((name, logged, rebuilt, cause, why))
    reported = {name for name, *_ in now}  # what only by chance is what it is from the bars as they are
    return [*found, *((*each, cause, why) for each in then if each[0] not in reported)]


def _known_cause(
    store: Store, instrument: Instrument, tapes: Tapes, row: dict[str, Any], changed: Stale | None
) -> tuple[str, str]:
    """Return what is known of inputs that do not come out, not even from the bars as they were."""
    if not _same_bars(tapes, row, changed):
        came = bars_that_came_since(store, instrument, row)
        return (UNEXPLAINED, "the bars are other ones, and no import says why") if came is None else (LATE, came)
    if row["definitions_hash"] not in (None, definitions_hash(instrument)):
        return OTHER_FILE, "the bars are the same; costs, windows or another line of the instrument's file are not"
    return UNEXPLAINED, "the bars are the same"


def _compared(
    tapes: Tapes, row: dict[str, Any], named: list[tuple[str, float | None]], known_at: datetime | None
) -> list[tuple[str, float | None, float | None]]:
    try:
        view = tapes.view(event_of(row), known_at)
    except Refused:
        return [(NO_EVENT, None, None)]
    return [*input_differences([name for name, _ in named], [value for _, value in named], view)]


def _same_bars(tapes: Tapes, row: dict[str, Any], changed: Stale | None) -> bool:
    """Return whether the prediction was made from the very bars that are stored, revised ones as they were then."""
    try:
        view = tapes.view(event_of(row), None if changed is None else row["logged_at"])
    except Refused:
        return False
    return bool(view.data_hash == row["data_hash"])


def _skewed(name: str, replayed: bool, found: _Seen, rows: int) -> SkewedFeature:
    pairs = [(logged, rebuilt) for _, logged, rebuilt, *_ in found.differences]
    sizes = [abs(a - b) for a, b in pairs if a is not None and b is not None and math.isfinite(a - b)]
    largest = max(sizes, default=math.nan)
    known = [value for value in found.values if math.isfinite(value)]
    low, high = np.quantile(known, [0.25, 0.75]).tolist() if known else (0.0, 0.0)
    row, logged, rebuilt, _, why = found.differences[0]
    return SkewedFeature(
        feature=name,
        replayed=replayed,
        events=len(found.values) or rows,
        differ=len(found.differences),
        largest=largest,
        spreads=largest / (high - low) if high > low else math.nan,
        missing=sum(_lacks(a) != _lacks(b) for a, b in pairs),
        causes=dict(Counter(cause for *_, cause, _ in found.differences).most_common()),
        first=event_name(event_of(row)),
        first_id=row["prediction_id"],
        logged=logged,
        rebuilt=rebuilt,
        why=why,
    )


def _lacks(value: float | None) -> bool:
    return value is None or math.isnan(value)


def _gravest_first(skewed: SkewedFeature) -> tuple[bool, bool, float, str]:
    """Order: live before replayed, without a revision before with one, the largest in its own spread first."""
    size = 0.0 if math.isnan(skewed.spreads) else skewed.spreads
    return skewed.replayed, not set(skewed.causes) - {REVISED}, -size, skewed.feature
