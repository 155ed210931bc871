"""Keeps sessions, opening ranges and trades in the store equal to what its bars say.

Only days that new or changed bars touch are rebuilt, and the result is the one a full rebuild would give. The work is
done aside: read under a short lease, compute without one, write in one transaction.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

from ml_data.bar_arrays import BarArrays, bar_arrays
from ml_data.history import CONTRACT_LOOKBACK, History, continue_history, contract_days, history_of_days
from ml_data.history_tables import definitions_hash, history_tables
from ml_data.store import Store, sql
from trading.domain.calendar import as_date, calendar_day_of, day_windows, from_minute, to_minute
from trading.domain.instrument import Instrument
from trading.errors import NothingStored

TABLES = ("contract_days", "sessions", "opening_ranges", "orb_trades")


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

    Raises
    ------
    NothingStored
        when no bar of the instrument is stored.
    """
    wanted = definitions_hash(instrument)
    with store.market() as cursor:
        bounds = cursor.execute(sql("bar_bounds"), {"instrument": instrument.symbol}).fetchone()
        state = cursor.execute(sql("history_state"), {"instrument": instrument.symbol}).fetchone()
        dirty = cursor.execute(sql("history_dirty"), {"instrument": instrument.symbol}).fetchall()
    if bounds is None or bounds[0] is None:
        raise NothingStored(
            f"{instrument.symbol}: no bars are stored. Import some: hub ingest FILES --instrument {instrument.symbol}"
        )
    first_bar, last_bar = bounds
    first_day: date | None = None
    if state is not None and state[1] == wanted:
        touched = [since] if since else []
        touched += [_first_day_touched(instrument, span[0]) for span in dirty]
        if dirty:
            touched.append(_first_day_touched(instrument, min(state[0], last_bar)))
        if not touched:
            return BuildReport(instrument.symbol, None, None, 0, {}, full=False)
        first_day = max(min(touched), _first_day_touched(instrument, first_bar))
    history = _history(store, instrument, first_day)
    tables = history_tables(history)
    _write(store, instrument, history, tables, wanted, dirty, first_day)
    return BuildReport(
        instrument=instrument.symbol,
        first_day=as_date(history.days[0]) if len(history.days) else None,
        last_day=as_date(history.days[-1]) if len(history.days) else None,
        days=len(history.days),
        rows={name: table.num_rows for name, table in tables.items()},
        full=first_day is None,
    )


def read_bars(
    store: Store, instrument: Instrument, since: datetime | None = None, before: datetime | None = None
) -> BarArrays:
    """Return the stored bars that start in `[since, before)` as arrays; no bound means from the first, to the last."""
    bounds = {
        "instrument": instrument.symbol,
        "since": since or datetime(1900, 1, 1, tzinfo=UTC),
        "before": before or datetime(9000, 1, 1, tzinfo=UTC),
    }
    with store.market() as cursor:
        table = cursor.sql(sql("bars_between"), params=bounds).to_arrow_table()
    return bar_arrays(table, instrument.tick)


def _history(store: Store, instrument: Instrument, first_day: date | None) -> History:
    """Return the history of all days from `first_day` on (None: of all days), continuing the stored contracts."""
    if first_day is None:
        bars = read_bars(store, instrument)
        return history_of_days(bars, instrument, contract_days(bars, instrument), bars.through)
    first = np.array([first_day], dtype="datetime64[D]")
    since = from_minute(int(day_windows(instrument, first).reaches_back[0])) - CONTRACT_LOOKBACK
    bars = read_bars(store, instrument, since=since)
    with store.market() as cursor:
        row = cursor.execute(
            sql("contract_before"), {"instrument": instrument.symbol, "trading_day": first_day}
        ).fetchone()
    return continue_history(bars, instrument, first_day, row[0] if row else None, bars.through)


def _first_day_touched(instrument: Instrument, instant: datetime) -> date:
    """Return the first trading day whose windows or contract may depend on a bar that starts at `instant`."""
    return as_date(calendar_day_of(instrument, np.array([to_minute(instant)], dtype=np.int64))[0])


def _write(
    store: Store,
    instrument: Instrument,
    history: History,
    tables: dict[str, object],
    wanted: str,
    dirty: list[tuple[datetime, datetime, str]],
    first_day: date | None,
) -> None:
    """Replace the rebuilt days in one transaction; spans that came in meanwhile stay marked."""
    since = first_day or date(1, 1, 1)
    with store.market_write() as cursor:
        for name in TABLES:
            cursor.execute(
                f"DELETE FROM market.{name} WHERE instrument = $instrument AND trading_day >= $since",
                {"instrument": instrument.symbol, "since": since},
            )
            cursor.register("built", tables[name])
            cursor.execute(f"INSERT INTO market.{name} BY NAME SELECT * FROM built")
            cursor.unregister("built")
        for first_ts, last_ts, import_id in dirty:
            cursor.execute(
                sql("clear_dirty"),
                {
                    "instrument": instrument.symbol,
                    "first_ts": first_ts,
                    "last_ts": last_ts,
                    "import_id": import_id,
                },
            )
        cursor.execute(
            "DELETE FROM market.history_state WHERE instrument = $instrument", {"instrument": instrument.symbol}
        )
        cursor.execute(
            "INSERT INTO market.history_state VALUES ($instrument, $through, $hash)",
            {"instrument": instrument.symbol, "through": from_minute(history.through), "hash": wanted},
        )
