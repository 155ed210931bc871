"""Keeps sessions, opening ranges and trades in the store equal to what its bars say.

Only days that new or changed bars touch are rebuilt, and the result is the one a full rebuild would give. The work is
done aside: read under a short lease, compute without one, a stretch of days at a time, so that a long history needs no
more memory than a short one; then all of it is written in one transaction.
"""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
from filelock import FileLock, Timeout

from ml_data.bar_arrays import BarArrays, bar_arrays
from ml_data.history import CONTRACT_LOOKBACK, History, continue_history
from ml_data.history_tables import definitions_hash, history_tables
from ml_data.quality_tables import quality_tables
from ml_data.spool import ROW_GROUP, Spool, in_row_groups
from ml_data.store import Store, sql
from trading.domain.calendar import as_date, calendar_day_of, day_windows, from_minute, to_minute, trading_days
from trading.domain.instrument import Instrument
from trading.errors import NothingStored, StoreBusy

TABLES = (
    "contract_days",
    "sessions",
    "opening_ranges",
    "orb_trades",
    "bar_hours",
    "bar_silences",
    "bar_doubts",
)
_WAIT_SECONDS = 600
_DAY: Final = timedelta(days=1)

STRETCH_DAYS: Final = 256
"""How many trading days are read and computed at a time: each stretch reads two weeks before it once more."""


@dataclass(frozen=True)
class BuildReport:
    """What a build did: the days it rebuilt (none: everything was up to date) and the rows it wrote by table."""

    instrument: str
    first_day: date | None
    last_day: date | None
    days: int
    rows: dict[str, int]
    full: bool


def build(store: Store, instrument: Instrument, *, since: date | None = None) -> BuildReport:
    """Bring history up to date with the stored bars; `since` forces the days from that date on to be rebuilt.

    One build at a time: another one waits, so that none writes what it read before the other.

    Raises
    ------
    NothingStored
        when no bar of the instrument is stored.
    StoreBusy
        when another build has not ended within ten minutes.
    """
    _bars_end(store, instrument)
    with _alone(store):
        return _build(store, instrument, since)


def _build(store: Store, instrument: Instrument, since: date | None) -> BuildReport:
    wanted = definitions_hash(instrument)
    with store.market() as cursor:
        first_bar, last_bar = _bars_end(store, instrument)
        state = cursor.execute(sql("history_state"), {"instrument": instrument.symbol}).fetchone()
        dirty = cursor.execute(sql("history_dirty"), {"instrument": instrument.symbol}).fetchall()
        first_day: date | None = None
        if state is not None and state[1] == wanted:
            touched = [since] if since else []
            touched += [_day_of(instrument, span[0]) for span in dirty]
            if dirty:
                touched += _unsettled_day(instrument, state[0])
            if not touched:
                return BuildReport(instrument.symbol, None, None, 0, {}, full=False)
            first_day = min(max(min(touched), _day_of(instrument, first_bar)), _day_of(instrument, last_bar))
        before = cursor.execute(
            sql("contract_before"), {"instrument": instrument.symbol, "trading_day": first_day or date.min}
        ).fetchone()
    stretch = _Stretch(
        first=first_day or _day_of(instrument, first_bar),
        last=_day_of(instrument, last_bar),
        contract_before=None if before is None else str(before[0]),
        through=last_bar + timedelta(minutes=1),
    )
    built: dict[str, Spool] = {}
    with ExitStack() as opened:
        for history in _histories(store, instrument, stretch):
            for name, table in (history_tables(history) | quality_tables(history)).items():
                if name not in built:
                    built[name] = opened.enter_context(closing(Spool(table.schema, store.home, ROW_GROUP)))
                built[name].add(table)
        _write(store, instrument, built, first_day, stretch.through, wanted, dirty)
    days = trading_days(instrument, stretch.first, stretch.last)
    return BuildReport(
        instrument=instrument.symbol,
        first_day=as_date(days[0]) if len(days) else None,
        last_day=as_date(days[-1]) if len(days) else None,
        days=len(days),
        rows={name: spool.rows for name, spool in built.items()},
        full=first_day is None,
    )


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    """Hold the right to build, among all threads and processes."""
    try:
        with FileLock(store.home / "build.lock", timeout=_WAIT_SECONDS, thread_local=False):
            yield
    except Timeout as error:
        raise StoreBusy(
            f"{store.home}: another build has been at work for {_WAIT_SECONDS // 60} minutes; end it or wait for it."
        ) from error


def _bars_end(store: Store, instrument: Instrument) -> tuple[datetime, datetime]:
    """Return the starts of the first and of the last stored bar."""
    with store.market() as cursor:
        [(first, last)] = cursor.execute(sql("bar_bounds"), {"instrument": instrument.symbol}).fetchall()
    if first is None:
        raise NothingStored(
            f"{instrument.symbol}: no bars are stored. Import some: hub ingest FILES --instrument {instrument.symbol}"
        )
    return first, last


def read_bars(
    store: Store,
    instrument: Instrument,
    since: datetime | None = None,
    before: datetime | None = None,
    known_at: datetime | None = None,
) -> BarArrays:
    """Return the stored bars that start in `[since, before)` as arrays; no bound means from the first, to the last.

    With `known_at` they have the values that they had at that instant, before later imports changed them.
    """
    bounds = {
        "instrument": instrument.symbol,
        "since": since or datetime(1900, 1, 1, tzinfo=UTC),
        "before": before or datetime(9000, 1, 1, tzinfo=UTC),
    }
    with store.market() as cursor:
        if known_at is None:
            table = cursor.sql(sql("bars_between"), params=bounds).to_arrow_table()
        else:
            table = cursor.sql(sql("bars_as_of"), params=bounds | {"known_at": known_at}).to_arrow_table()
    return bar_arrays(table, instrument.tick)


@dataclass(frozen=True)
class _Stretch:
    """The days to build, `first` to `last`, after a day in `contract_before`, from bars that start before `through`."""

    first: date
    last: date
    contract_before: str | None
    through: datetime


def _histories(store: Store, instrument: Instrument, whole: _Stretch) -> Iterator[History]:
    """Yield the history of the days of `whole`, at least one, in stretches of `STRETCH_DAYS`."""
    contract = whole.contract_before
    days = trading_days(instrument, whole.first, whole.last)
    for start in range(0, max(len(days), 1), STRETCH_DAYS):
        part = days[start : start + STRETCH_DAYS]
        first, last = (as_date(part[0]), as_date(part[-1])) if len(part) else (whole.first, whole.first - _DAY)
        windows = day_windows(instrument, np.array([first, max(first, last)], dtype="datetime64[D]"))
        ends = (windows.ends, windows.session_ends, windows.range_ends, windows.range_session_ends)
        before = from_minute(max(int(minutes.max(initial=0)) for minutes in ends))
        since = from_minute(int(windows.reaches_back[0])) - CONTRACT_LOOKBACK
        bars = read_bars(store, instrument, since, min(before, whole.through))
        history = continue_history(bars, instrument, first, contract, to_minute(whole.through), last)
        traded = history.contracts.contract[history.contracts.contract >= 0]
        contract = history.bars.contracts[traded[-1]] if len(traded) else contract
        yield history


def _day_of(instrument: Instrument, instant: datetime) -> date:
    """Return the day that holds `instant`: no earlier one has a window or a contract that depends on a bar then."""
    return as_date(calendar_day_of(instrument, np.array([to_minute(instant)], dtype=np.int64))[0])


def _unsettled_day(instrument: Instrument, through: datetime) -> list[date]:
    """Return the day that was not over when history was built `through` an instant; none, if it was."""
    day = _day_of(instrument, through)
    windows = day_windows(instrument, np.array([day], dtype="datetime64[D]"))
    last = [windows.closes, *windows.session_ends, *windows.range_ends]
    return [day] if to_minute(through) < max(int(minutes.max(initial=0)) for minutes in last) else []


def _write(
    store: Store,
    instrument: Instrument,
    built: dict[str, Spool],
    first_day: date | None,
    through: datetime,
    definitions: str,
    dirty: list[tuple[datetime, datetime, str]],
) -> None:
    """Replace the days from `first_day` on (None: all) in one transaction; spans that came in meanwhile stay marked."""
    whose = {"instrument": instrument.symbol}
    since = whose | {"since": first_day or date(1, 1, 1)}
    with store.market_write() as cursor:
        for name, rows in built.items():
            cursor.execute(f"DELETE FROM market.{name} WHERE instrument = $instrument AND trading_day >= $since", since)
            cursor.register("built", in_row_groups(rows.schema, rows.batches()))
            cursor.execute(f"INSERT INTO market.{name} BY NAME SELECT * FROM built")
            cursor.unregister("built")
        for first_ts, last_ts, import_id in dirty:
            span = {"first_ts": first_ts, "last_ts": last_ts, "import_id": import_id}
            cursor.execute(sql("clear_dirty"), whose | span)
        cursor.execute("DELETE FROM market.history_state WHERE instrument = $instrument", whose)
        cursor.execute(
            "INSERT INTO market.history_state VALUES ($instrument, $through, $hash)",
            whose | {"through": through, "hash": definitions},
        )
