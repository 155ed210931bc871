"""Yearly zips of one-minute bars as HistData writes them: no header, no volume, the vendor's own clock."""

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from ml_data.importers.source_clocks import HISTDATA
from ml_data.importers.wall_clock import to_wall
from trading.domain.calendar import DAY, expected_minutes
from trading.domain.instrument import Instrument

_MINUTE_US = 60_000_000


def open_minutes(instrument: Instrument, first: np.datetime64, days: int) -> np.ndarray:
    """Return every UTC minute of `days` dates from `first` on in which the exchange is open by its schedule."""
    start = int(first.astype("datetime64[D]").astype(np.int64)) * 1440
    minutes = np.arange(start, start + days * 1440, dtype=np.int64)
    found: np.ndarray = minutes[expected_minutes(instrument, minutes, minutes + 1) > 0]
    return found


def write_year(folder: Path, instrument: Instrument, year: int, days: int | None = None) -> Path:
    """Write the zip of a year (or of its first `days`): a seeded walk, a bar in every minute that is open."""
    first = np.datetime64(f"{year}-01-01")
    minutes = open_minutes(instrument, first, days or int((np.datetime64(f"{year + 1}-01-01") - first) / DAY))
    clock = HISTDATA.before if np.datetime64(f"{year}-06-01") < HISTDATA.changes else HISTDATA.after
    random, level = np.random.default_rng(year), round(1.3 / instrument.tick)
    close = level + np.clip(random.integers(-6, 7, len(minutes)).cumsum(), -level // 2, level // 2)
    opens = np.concatenate([close[:1], close[:-1]])
    reach = random.integers(0, 8, (2, len(minutes)))
    ticks = (opens, np.maximum(opens, close) + reach[0], np.minimum(opens, close) - reach[1], close)
    walls = pa.array(to_wall(minutes * _MINUTE_US, clock) // 1_000_000).cast(pa.timestamp("s"))
    columns = [
        pc.strftime(walls, format="%Y%m%d %H%M%S"),
        *(np.round(values * instrument.tick, 5) for values in ticks),
        np.zeros(len(minutes), dtype=np.int64),
    ]
    table = pa.table(columns, names=("stamp", "open", "high", "low", "close", "volume"))
    text = io.BytesIO()
    options = pacsv.WriteOptions(include_header=False, delimiter=";", quoting_style="none")
    pacsv.write_csv(table, text, options)
    path = folder / f"HISTDATA_COM_ASCII_{instrument.symbol}_M1{year}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(f"DAT_ASCII_{instrument.symbol}_M1_{year}.csv", text.getvalue())
    return path


def write_years(folder: Path, instrument: Instrument, years: Iterable[int], days: int | None = None) -> list[Path]:
    """Write the zips of `years`; return their paths, in order."""
    return [write_year(folder, instrument, year, days) for year in years]
