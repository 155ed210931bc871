"""Six million bars from 16 zips, and fifty instruments in one store: `python -m bench.scale`.

The zips hold a year of the euro each, as HistData writes them. The floor of the import unpacks them and has DuckDB read
the text straight into the same table; the floor of the build reads all bars at once, computes the same history in one
piece and inserts it into the same tables of an empty store, without what a build says of the bars' quality (the target
is our own aim). Memory is the peak of a process that imports, or builds, and does nothing else, for 16 zips against 2.
Fifty instruments of 60,000 bars each: importing and building one, and what Today asks, with the store full against the
store with the first of them.
"""

import json
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from app_pages.queries import today_at
from bench.growth import MONTH, months, peak_megabytes
from bench.histdata_zips import write_years
from bench.ingest import plain_insert
from bench.measure import ROOT, Figure
from ml_data.build import build, read_bars
from ml_data.history import build_history
from ml_data.history_tables import history_tables
from ml_data.ingest import ingest, ingest_bars
from ml_data.store import Store
from trading.domain.instrument import Instrument, read_instrument
from trading.domain.trade_rule import REFERENCE_RULE

YEARS, FEW, INSTRUMENTS, BARS_EACH = tuple(range(2008, 2024)), 2, 50, 2 * MONTH
IMPORT_RATIO, BUILD_RATIO, MEMORY_RATIO, CROWD_RATIO = 2.5, 2.0, 1.6, 1.5
READ = """SELECT 'X', 'X', stamp AT TIME ZONE 'UTC', open, high, low, close, volume FROM read_csv('{}', delim=';',
header=false, timestampformat='%Y%m%d %H%M%S', columns={{'stamp': 'TIMESTAMP', 'open': 'DOUBLE', 'high': 'DOUBLE',
'low': 'DOUBLE', 'close': 'DOUBLE', 'volume': 'DOUBLE'}})"""


def figures() -> list[Figure]:
    """Return the rows of scale."""
    return [*_from_zips(), *_many_instruments()]


def euro() -> Instrument:
    """Return the shipped euro spot."""
    return read_instrument(ROOT / "config" / "instruments" / "EURUSD.toml")


def _from_zips() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        zips = write_years(folder, euro(), YEARS)
        floor_import = min(_seconds(lambda: _plain(folder, zips)) for _ in range(2))
        few, many = (_least(_child(zips[:count]) for _ in range(2)) for count in (FEW, len(YEARS)))
    whole = f"{many['bars']:,.0f} bars from {len(zips)} zips"
    return [
        Figure(
            f"{whole} → stored",
            f"{floor_import:.2f} s",
            f"{many['import']:.2f} s",
            many["import"] / floor_import,
            IMPORT_RATIO,
        ),
        Figure(
            f"history of {many['bars']:,.0f} bars → stored",
            f"in one piece {many['floor']:.2f} s",
            f"{many['build']:.2f} s",
            many["build"] / many["floor"],
            BUILD_RATIO,
        ),
        *(
            Figure(
                f"memory of the {work}, {len(zips)} zips against {FEW}",
                f"{few[key]:.0f} MB",
                f"{many[key]:.0f} MB",
                many[key] / few[key],
                MEMORY_RATIO,
            )
            for work, key in (("import", "import_mb"), ("build", "build_mb"))
        ),
    ]


def _plain(folder: Path, zips: list[Path]) -> None:
    """Unpack the zips and let DuckDB read them into the hub's table."""
    with tempfile.TemporaryDirectory(dir=folder) as aside:
        for path in zips:
            with zipfile.ZipFile(path) as archive:
                archive.extractall(aside)
        plain_insert(Path(aside), READ.format(f"{aside}/*.csv"))


def _least(runs: Iterable[dict[str, float]]) -> dict[str, float]:
    """Return the least of each figure, since other work on the machine only ever adds."""
    first, second = runs
    return {name: min(value, second[name]) for name, value in first.items()}


def _child(zips: list[Path]) -> dict[str, float]:
    """Return seconds and peaks (MB) of an import and a build, each in a process of its own."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory(dir=zips[0].parent) as home:
        for step in ("--import", "--build", "--floor"):
            command = [sys.executable, "-m", "bench.scale", step, home, *map(str, zips)]
            found |= json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout)
    return found


def _step(step: str, home: Path, zips: list[Path]) -> dict[str, float]:
    store, instrument = Store(home), euro()
    try:
        if step == "--import":
            begun = time.perf_counter()
            reports = ingest(store, instrument, zips, now=datetime.now(UTC), accept=True)
            seconds = time.perf_counter() - begun
            bars = sum(report.rows_stored for report in reports)
            return {"bars": bars, "import": seconds, "import_mb": peak_megabytes()}
        month = read_bars(store, instrument, before=datetime(YEARS[0], 2, 1, tzinfo=UTC))
        history_tables(build_history(month, instrument))  # compiled passes and calendars are loaded
        if step == "--build":
            return {"build": _seconds(lambda: build(store, instrument)), "build_mb": peak_megabytes()}
        return {"floor": _seconds(lambda: _plain_build(store, instrument))}
    finally:
        store.close()


def _plain_build(store: Store, instrument: Instrument) -> None:
    """Compute the history of all stored bars in one piece and insert it into an empty store."""
    tables = history_tables(build_history(read_bars(store, instrument), instrument))
    with tempfile.TemporaryDirectory(dir=store.home) as folder:
        empty = Store(Path(folder))
        with empty.market_write() as cursor:
            for name, table in tables.items():
                cursor.register("built", table)
                cursor.execute(f"INSERT INTO market.{name} BY NAME SELECT * FROM built").fetchall()
                cursor.unregister("built")
        empty.close()


def _many_instruments() -> list[Figure]:
    plain = read_instrument(ROOT / "config" / "instruments" / "MGC.toml").model_copy(update={"contracts": None})
    last = list(months(BARS_EACH))[-1].column("ts")[-1].as_py() + timedelta(minutes=1)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))

        def one(symbol: str) -> Instrument:
            instrument = plain.model_copy(update={"symbol": symbol})
            ingest_bars(store, instrument, months(BARS_EACH, symbol), source_name=symbol, now=datetime.now(UTC))
            build(store, instrument)
            return instrument

        def asked(instrument: Instrument) -> float:
            return float(
                np.median([_seconds(lambda: today_at(store, instrument, last, 3, REFERENCE_RULE)) for _ in range(9)])
            )

        seconds, alone = [], 0.0
        for number in range(INSTRUMENTS):
            begun = time.perf_counter()
            instrument = one(f"I{number:02d}")
            seconds.append(time.perf_counter() - begun)
            alone = alone or asked(instrument)
        full = asked(instrument)
        store.close()
    first, end = float(np.median(seconds[1:6])), float(np.median(seconds[-5:]))
    crowd = f"with {INSTRUMENTS} instruments in the store against the first"
    return [
        Figure(
            f"an instrument of {BARS_EACH:,} bars imported and built, {crowd}",
            f"{first:.2f} s",
            f"{end:.2f} s",
            end / first,
            CROWD_RATIO,
        ),
        Figure(
            f"Today's question, {crowd}", f"{alone * 1e3:.0f} ms", f"{full * 1e3:.0f} ms", full / alone, CROWD_RATIO
        ),
    ]


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.stdout.write(json.dumps(_step(sys.argv[1], Path(sys.argv[2]), [Path(name) for name in sys.argv[3:]])))
    else:
        print(*(figure.row for figure in figures()), sep="\n")
