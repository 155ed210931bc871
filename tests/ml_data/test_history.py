"""The compiled passes equal their plain twin, row by row and column by column, on every market we can think of."""

from collections import defaultdict
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ml_data.bar_arrays import bar_arrays
from ml_data.history import build_history
from ml_data.history_tables import history_tables
from ml_data.store import Store, sql
from tests.ml_data.bar_files import at, mgc
from tests.ml_data.plain_history import plain_bars, plain_contract_days, plain_tables
from tests.ml_data.small_markets import FIRST_DAYS, MARKETS, Shape, market, shapes
from trading.domain.instrument import Instrument

UNHURRIED = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
GAPPY = Shape(FIRST_DAYS[5], 3, 2, 0.4, 0.01, 1, 8, 7)
FLAT = Shape(FIRST_DAYS[0], 2, 1, 1.0, 0.0, 0, 0, 1)
STOPS = Shape(FIRST_DAYS[0], 1, 1, 1.0, 0.0, 3, 1, 3, stops=4)  # with the last minute of a range of five


def differences(table: pa.Table, instrument: Instrument) -> list[Any]:
    """Rows of any table of which the two histories are not the same, the compiled one first."""
    compiled = history_tables(build_history(bar_arrays(table, instrument.tick), instrument))
    plain = plain_tables(plain_bars(table, instrument), instrument)
    assert compiled.keys() == plain.keys()
    found: list[Any] = []
    for name, rows in plain.items():
        ours = compiled[name].to_pylist()
        assert len(ours) == len(rows), name
        found += [(name, mine, other) for mine, other in zip(ours, rows, strict=True) if mine != other]
    return found


@UNHURRIED
@given(shapes(), st.sampled_from(sorted(MARKETS)))
@example(GAPPY, "brisbane")
@example(FLAT, "new_york")
@example(STOPS, "brisbane")
def test_the_compiled_passes_equal_the_plain_twin_on_random_markets(shape: Shape, where: str):
    table = market(shape, MARKETS[where])
    if len(table):
        assert differences(table, MARKETS[where]) == []


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2021-03-26", "2021-04-20"),  # a roll, Good Friday, London's change, a range of size 0
        ("2021-12-22", "2022-01-05"),  # two holidays of which the calendar and the exchange tell different stories
        ("2022-11-03", "2022-11-30"),  # New York's change, Thanksgiving, a roll
        ("2024-12-20", "2025-01-14"),  # Christmas, New Year, a day of mourning on which gold traded
        ("2025-06-12", "2025-07-02"),  # to the last bar there is, in the middle of a day
    ],
)
def test_the_compiled_passes_equal_the_plain_twin_on_real_weeks(real_store: Store, first: str, last: str):
    table = stored(real_store, at(f"{first} 00:00"), at(f"{last} 00:00"))
    assert len(table) > 8_000
    assert differences(table, mgc()) == []


@pytest.mark.real_data
def test_the_contract_of_every_day_of_five_years_is_the_one_of_the_plain_rule(real_store: Store):
    question = """
        SELECT CAST(ts + INTERVAL 1 HOUR AS DATE) AS day, contract, sum(volume) FROM market.bars_1m
        WHERE instrument = 'MGC' GROUP BY ALL"""  # 09:00 in Brisbane is 23:00 UTC of the day before, all year
    volumes: dict[date, dict[str, float]] = defaultdict(dict)
    with real_store.market() as cursor:
        for day, contract, volume in cursor.execute(question).fetchall():
            volumes[day][contract] = volume
        names = "instrument, trading_day, contract, reason, rolled, volume_share"
        rows = cursor.execute(f"SELECT {names} FROM market.contract_days ORDER BY trading_day").fetchall()
    plain = plain_contract_days(dict(volumes), mgc(), min(volumes), max(volumes))
    assert rows == [tuple(row.values()) for row in plain]
    assert len(rows) == 1182
    assert sum(row[4] for row in rows) == 23


def stored(store: Store, since: datetime, before: datetime) -> pa.Table:
    with store.market() as cursor:
        span = {"instrument": "MGC", "since": since, "before": before}
        return cursor.sql(sql("bars_between"), params=span).to_arrow_table()
