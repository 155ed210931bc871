"""What was built on bars that a vendor changed since: the one definition, for whatever is built.

Something is stale when a bar of the spans that it was made from has other values now than it had when it was made. A
bar that was changed and changed back is none. What counts as made from which bars:

- a prediction: all contracts' bars of the window that an event may look back to (`ml_data.event_view.event_window`),
  and its own contract's bars of its trading day that had closed when it was decided: what its `data_hash` names;
- a version and a snapshot: all bars up to the end of the last trading day that is in them;
- history: a session's bars; an opening range's from its start until it broke; a trade's until it was closed, each of
  the day's contract; a day's contract where volume changed on the trading day before. It is stale until it is rebuilt.

Bars that came in since are no change: `hub audit replay` names the import that brought them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import compress, pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ml_data.event_view import event_window
from ml_data.store import Store, sql
from trading.domain.bar import MINUTE_US
from trading.domain.calendar import as_date, calendar_day_of, day_spans, from_minute
from trading.domain.instrument import Instrument

Places = npt.NDArray[np.int64]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
BEGINNING: Final = datetime(1900, 1, 1, tzinfo=UTC)
HISTORY: Final = ("sessions", "opening_ranges", "orb_trades", "contract_days")
WORDS: Final = {
    "sessions": "session",
    "opening_ranges": "opening range",
    "orb_trades": "trade",
    "contract_days": "contract of a day",
    "snapshots": "snapshot",
    "versions": "version",
    "ml_predictions": "prediction",
}
"""What each kind of `Made` is called; history, which `hub build` repairs, first."""

_NEVER: Final = -(2**62)
"""Before any instant, in microseconds."""

_VALUES: Final = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Span:
    """Bars that start in `[since, before)`, of one contract, or of all (None)."""

    since: datetime
    before: datetime
    contract: str | None = None


@dataclass(frozen=True)
class Made:
    """Something that was made at an instant (UTC) from bars. `kind` is the table it is in, or `versions`."""

    kind: str
    id: str
    about: str
    made_at: datetime
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class RevisedBar:
    """A bar that has other values than it had; `import_id` names the import that gave it those it has now."""

    contract: str
    ts: datetime
    changed: tuple[tuple[str, float, float], ...]
    import_id: str
    file_name: str | None
    imported_at: datetime

    def __str__(self) -> str:
        value, old, new = self.changed[0]
        more = f" and {len(self.changed) - 1} more" if len(self.changed) > 1 else ""
        return (
            f"{self.contract} {self.ts:%Y-%m-%d %H:%MZ} {value} was {old:.10g}, is {new:.10g}{more} "
            f"(import {self.import_id} of {self.file_name}, {self.imported_at:%Y-%m-%d %H:%MZ})"
        )


@dataclass(frozen=True)
class Stale:
    """What was made, in how many of its bars a vendor changed something since, and the first of them."""

    kind: str
    id: str
    about: str
    made_at: datetime
    bars: int
    first: RevisedBar

    def __str__(self) -> str:
        count = f"{self.bars:,} of its bars were" if self.bars > 1 else "a bar of it was"
        return f"{self.about}: {count} changed since; first: {self.first}"


class RevisedBars:
    """All bars of an instrument that have other values now than they had at an instant, or at a later one.

    `rows` are those of `bars_revised_since.sql`, in the order of their minutes; there may be as many as bars, and a bar
    that was changed more than once is there once for each of its earlier values.
    """

    def __init__(self, rows: pa.Table) -> None:
        self.rows = rows
        self.stamps = rows.column("ts").cast(pa.int64()).to_numpy()
        self._seen_from = pc.fill_null(rows.column("seen_from").cast(pa.int64()), _NEVER).to_numpy()
        self._seen_until = rows.column("seen_until").cast(pa.int64()).to_numpy()
        self._changed_last = np.append(_NEVER, np.maximum.accumulate(self._seen_until))  # of the first 0, 1, ... rows
        self._by_contract: dict[str | None, tuple[Places, Places]] = {None: (self.stamps, np.arange(len(rows)))}

    def may_hold(self, before: Places, made_at: Places) -> npt.NDArray[np.bool_]:
        """Return for each pair of instants (microseconds) whether any bar before the one changed after the other."""
        found: npt.NDArray[np.bool_] = self._changed_last[np.searchsorted(self.stamps, before)] > made_at
        return found

    def seen_at(self, made_at: datetime) -> "RevisedBars":
        """Return those that have other values now than they had at `made_at`, each once."""
        return RevisedBars(self.rows.take(pa.array(self._seen(np.arange(len(self.rows)), made_at))))

    def inside(self, spans: Iterable[Span], made_at: datetime) -> tuple[int, RevisedBar | None]:
        """Return how many of the bars in `spans`, which do not overlap, changed since `made_at`, and the first."""
        count, first = 0, len(self.rows)
        for span in spans:
            stamps, places = self._of(span.contract)
            low, high = np.searchsorted(stamps, [_microsecond(span.since), _microsecond(span.before)])
            seen = self._seen(places[low:high], made_at)
            if len(seen):
                count += len(seen)
                first = min(first, int(seen[0]))
        return count, _revised_bar(self.rows.slice(first, 1).to_pylist()[0]) if count else None

    def _seen(self, places: Places, made_at: datetime) -> Places:
        """Return those of `places` whose earlier values were the stored ones at `made_at`."""
        at = _microsecond(made_at)
        seen: Places = places[(self._seen_from[places] <= at) & (at < self._seen_until[places])]
        return seen

    def _of(self, contract: str | None) -> tuple[Places, Places]:
        """Return the stamps of one contract's bars (of all: None), and their places among `rows`."""
        if contract not in self._by_contract:
            places = np.flatnonzero(pc.equal(self.rows.column("contract"), contract).to_numpy())
            self._by_contract[contract] = (self.stamps[places], places)
        return self._by_contract[contract]


def bars_revised_since(store: Store, instrument: Instrument, made_at: datetime) -> RevisedBars:
    """Return the bars whose values differ from those that were stored at `made_at`, or at a later instant."""
    asked = {"instrument": instrument.symbol, "made_at": made_at}
    with store.market() as cursor:
        return RevisedBars(cursor.sql(sql("bars_revised_since"), params=asked).to_arrow_table())


def stale(store: Store, instrument: Instrument, made: Sequence[Made]) -> tuple[Stale, ...]:
    """Return which of what was made is stale, in the order given."""
    if not made:
        return ()
    revised = bars_revised_since(store, instrument, min(each.made_at for each in made))
    ends = np.array([_microsecond(max(span.before for span in each.spans)) for each in made], dtype=np.int64)
    made_at = np.array([_microsecond(each.made_at) for each in made], dtype=np.int64)
    found = []
    for each in compress(made, revised.may_hold(ends, made_at)):
        count, first = revised.inside(each.spans, each.made_at)
        if first is not None:
            found.append(Stale(each.kind, each.id, each.about, each.made_at, count, first))
    return tuple(found)


def predictions_made(store: Store, instrument: Instrument) -> list[Made]:
    """Return every logged prediction with the bars that it was made from, oldest first."""
    with store.journal() as cursor:
        question = sql("predictions_made")
        rows = cursor.sql(question, params={"instrument": instrument.symbol}).to_arrow_table().to_pylist()
    days = {row["trading_day"] for row in rows}
    windows = {day: (event_window(instrument, day)[1], _day_span(instrument, day)[0]) for day in days}
    return [
        Made(
            "ml_predictions",
            row["prediction_id"],
            f"{instrument.symbol} {row['trading_day']} {row['orb']} by {row['model']} {row['version']}",
            row["logged_at"],
            prediction_spans(*windows[row["trading_day"]], row["decided_at"], row["contract"]),
        )
        for row in rows
    ]


def prediction_spans(since: datetime, begins: datetime, decided_at: datetime, contract: str | None) -> tuple[Span, ...]:
    """Return the bars that a prediction is made from; its trading day `begins`, its window reaches back to `since`."""
    return Span(since, begins), Span(begins, decided_at, contract or None)


def snapshots_made(store: Store, instrument: Instrument) -> list[Made]:
    """Return every exported snapshot with the bars that it was made from, oldest first."""
    with store.market() as cursor:
        rows = cursor.execute(sql("snapshots_made"), {"instrument": instrument.symbol}).fetchall()
    return [
        Made(
            "snapshots",
            data_hash,
            f"snapshot {data_hash[:12]} of {recipe}, {events:,} events to {last_day}",
            made_at,
            (up_to(instrument, last_day),),
        )
        for recipe, data_hash, last_day, events, made_at in rows
    ]


def up_to(instrument: Instrument, last_day: date) -> Span:
    """Return all bars up to the end of a trading day."""
    return Span(BEGINNING, _day_span(instrument, last_day)[1])


def stale_history(store: Store, instrument: Instrument) -> tuple[Stale, ...]:
    """Return the rows of history that changed bars are waiting to be built into; `hub build` repairs them."""
    asked: dict[str, Any] = {"instrument": instrument.symbol}
    with store.market() as cursor:
        [(unbuilt,)] = cursor.execute(sql("unbuilt_since"), asked).fetchall()
    if unbuilt is None:
        return ()
    made_at = unbuilt - timedelta(microseconds=1)
    revised = bars_revised_since(store, instrument, made_at).seen_at(made_at)
    if not len(revised.rows):
        return ()
    minutes = revised.stamps[[0, -1]] // MINUTE_US
    first, last = (as_date(day) for day in calendar_day_of(instrument, minutes))
    asked |= {"first": first, "last": last + timedelta(days=7)}  # the next day's windows may begin before it does
    with store.market() as cursor:
        rows = cursor.execute(sql("built_from_bars"), asked).fetchall()
    found = []
    for kind, day, name, starts_at, ends_at, contract in rows:
        count, bar = revised.inside([Span(starts_at, ends_at or _day_span(instrument, day)[1], contract)], made_at)
        if bar is not None:
            found.append(Stale(kind, f"{day} {name}", f"{instrument.symbol} {day} {name}", made_at, count, bar))
    return (*found, *_stale_contracts(store, instrument, revised, made_at))


def _stale_contracts(store: Store, instrument: Instrument, revised: RevisedBars, made_at: datetime) -> list[Stale]:
    """Return the days whose contract was chosen by volumes, of the trading day before, that changed."""
    if instrument.contracts is None:
        return []
    rows = revised.rows
    chosen = pc.not_equal(rows.column("contract"), instrument.symbol)  # one continuous series leaves nothing to choose
    changed = pc.not_equal(rows.column("old_volume"), rows.column("new_volume"))
    volumes = RevisedBars(rows.filter(pc.and_(chosen, changed)))
    with store.market() as cursor:
        question = "SELECT trading_day FROM market.contract_days WHERE instrument = ? ORDER BY 1"
        days = [row[0] for row in cursor.execute(question, [instrument.symbol]).fetchall()]
    found = []
    for before, day in pairwise(days):
        count, bar = volumes.inside([Span(*_day_span(instrument, before))], made_at)
        if bar is not None:
            found.append(Stale("contract_days", str(day), f"{instrument.symbol} {day} contract", made_at, count, bar))
    return found


def counted_kinds(found: Sequence[Stale]) -> str:
    """Return how many of each kind are stale, in words; "nothing" for none."""
    counts = Counter(each.kind for each in found)
    parts = [
        f"{counts[kind]:,} {word if counts[kind] == 1 else _plural(word)}"
        for kind, word in WORDS.items()
        if counts[kind]
    ]
    return ", ".join(parts) or "nothing"


def _plural(word: str) -> str:
    return "contracts of days" if word == "contract of a day" else f"{word}s"


def _day_span(instrument: Instrument, day: date) -> tuple[datetime, datetime]:
    starts, ends = day_spans(instrument, np.array([day], dtype="datetime64[D]"))
    return from_minute(int(starts[0])), from_minute(int(ends[0]))


def _microsecond(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(microseconds=1)


def _revised_bar(row: dict[str, Any]) -> RevisedBar:
    values = [(name, row[f"old_{name}"], row[f"new_{name}"]) for name in _VALUES]
    changed = tuple(each for each in values if each[1] != each[2])
    return RevisedBar(row["contract"], row["ts"], changed, row["import_id"], row["file_name"], row["imported_at"])
