"""Scale in small: many zips and many instruments in one store, and memory that does not follow the length of a file.

`bench/scale.py` does the same with six million bars and fifty instruments.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from bench.growth import MONTH, months
from bench.histdata_zips import open_minutes, write_years
from ml_data.build import TABLES, build
from ml_data.ingest import ingest, ingest_bars
from ml_data.store import Store
from tests.ml_data.bar_files import INSTRUMENTS, NOW, mgc
from trading.domain.instrument import Instrument, read_instrument

ROOT = Path(__file__).resolve().parents[2]
YEARS = range(2011, 2027)
MOST_MORE_MB = 120
"""What 2,000,000 bars may need more than 400,000 do: it is 40 to 80, and 170 where a file is held as a whole."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "home")
    yield store
    store.close()


def euro() -> Instrument:
    return read_instrument(INSTRUMENTS / "EURUSD.toml")


def history_of(store: Store, symbol: str) -> dict[str, pa.Table]:
    """The public history of an instrument, without its symbol."""
    with store.market() as cursor:
        return {
            name: cursor.sql(
                f"SELECT * EXCLUDE (instrument) FROM market.{name} WHERE instrument = '{symbol}' ORDER BY ALL"
            ).to_arrow_table()
            for name in TABLES
        }


def test_sixteen_yearly_zips_enter_on_the_vendors_clock_whole_and_once(store: Store, tmp_path: Path):
    zips = write_years(tmp_path, euro(), YEARS, days=6)
    reports = ingest(store, euro(), zips, now=NOW)
    assert {report.refusal for report in reports} == {None}
    with store.market() as cursor:
        found = cursor.execute(
            "SELECT date_part('year', ts), count(DISTINCT ts), count(*) FROM market.bars_1m GROUP BY 1 ORDER BY 1"
        ).fetchall()
    expected = [(year, len(open_minutes(euro(), np.datetime64(f"{year}-01-01"), 6))) for year in YEARS]
    assert [(year, rows) for year, _, rows in found] == expected
    assert [(year, minutes) for year, minutes, _ in found] == expected
    assert build(store, euro()).full
    assert [report.rows_stored for report in ingest(store, euro(), zips, now=NOW)] == [0] * len(zips)


def test_an_instrument_among_others_has_the_history_that_it_has_alone(store: Store, tmp_path: Path):
    def fill(into: Store, symbol: str) -> None:
        instrument = mgc().model_copy(update={"symbol": symbol, "contracts": None})
        tables = [table.slice(0, 6 * 1440) for table in months(MONTH, symbol)]
        ingest_bars(into, instrument, tables, source_name=symbol, now=NOW)
        build(into, instrument)

    symbols = [f"I{number:02d}" for number in range(4)]
    for symbol in symbols:
        fill(store, symbol)
    alone = Store(tmp_path / "alone")
    fill(alone, "I02")
    expected = {
        name: table.drop_columns([column for column in ("contract",) if column in table.column_names])
        for name, table in history_of(alone, "I02").items()
    }
    alone.close()
    assert len(expected["opening_ranges"]) > 0
    for symbol in symbols:
        found = history_of(store, symbol)
        for name, table in expected.items():
            assert found[name].select(table.column_names).equals(table), (symbol, name)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peaks are read from /proc")
def test_the_memory_of_an_import_does_not_follow_the_length_of_its_file():
    small, large = (_peak_of_import(rows) for rows in (400_000, 2_000_000))
    assert large - small < MOST_MORE_MB


def _peak_of_import(rows: int) -> float:
    command = [sys.executable, "-m", "bench.growth", "--import", str(rows)]
    return float(json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout))
