"""The tape that live inference stands on: exactly the bars up to the moment asked for, whatever is stored meanwhile."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ml_data import bar_tape as tape_module
from ml_data.bar_arrays import BarArrays
from ml_data.bar_tape import BarTape
from ml_data.build import build, read_bars
from ml_data.demo_market import demo_bars
from ml_data.event_view import event_window
from ml_data.ingest import ingest_bars
from ml_data.store import Store
from tests.hub_home import DEMO
from tests.ml_data.bar_files import NOW, at
from trading.domain.calendar import from_minute, to_minute
from trading.errors import NothingStored

DAY = date(2023, 8, 16)


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """Ten weeks that begin in the American summer, an hour before the first trading day does."""
    return pa.concat_tables(demo_bars(DEMO, date(2023, 6, 12), date(2023, 8, 18), 7)).sort_by("ts")


@pytest.fixture
def store(tmp_path: Path, table: pa.Table) -> Iterator[Store]:
    store = Store(tmp_path)
    ingest_bars(store, DEMO, [table], source_name="demo", now=NOW)
    build(store, DEMO)
    yield store
    store.close()


def expected(store: Store, day: date, minute: int) -> BarArrays:
    return read_bars(store, DEMO, event_window(DEMO, day)[1], from_minute(minute))


def same(found: BarArrays, other: BarArrays) -> bool:
    """Whether two sets hold the same bars; contracts without any do not count."""
    rows = [
        [(name, *values) for name in bars.contracts for values in zip(*_columns(bars, name), strict=True)]
        for bars in (found, other)
    ]
    return rows[0] == rows[1]


def _columns(bars: BarArrays, contract: str) -> list[list[float]]:
    rows = bars.segment(contract)
    return [getattr(bars, name)[rows].tolist() for name in ("minute", "open", "high", "low", "close", "volume")]


def moment(text: str) -> int:
    return to_minute(at(text))


def test_the_tape_holds_the_bars_up_to_the_moment_forward_and_back(store: Store):
    tape = BarTape(store, DEMO)
    for day, text in [
        (DAY, "2023-08-15 23:05"),
        (DAY, "2023-08-16 00:05"),
        (DAY, "2023-08-16 00:05"),
        (DAY + timedelta(days=1), "2023-08-16 23:05"),
        (DAY, "2023-08-16 08:05"),
        (date(2023, 7, 5), "2023-07-05 08:05"),
    ]:
        found = tape.bars_until(day, moment(text))
        assert found.through <= moment(text)
        assert same(found, expected(store, day, moment(text))), text


def test_a_later_moment_reads_only_what_lies_between(store: Store, monkeypatch: pytest.MonkeyPatch):
    tape = BarTape(store, DEMO)
    tape.bars_until(DAY, moment("2023-08-15 23:05"))
    asked = []

    def reading(store: Store, instrument, since, before, known_at) -> BarArrays:
        assert known_at is None
        asked.append((since, before))
        return read_bars(store, instrument, since, before)

    monkeypatch.setattr(tape_module, "read_bars", reading)
    tape.bars_until(DAY, moment("2023-08-16 00:05"))
    assert asked == [(at("2023-08-15 23:05"), at("2023-08-16 00:05"))]


def test_a_revised_or_late_bar_behind_the_tape_is_seen(store: Store, table: pa.Table):
    tape = BarTape(store, DEMO)
    before = tape.bars_until(DAY, moment("2023-08-16 00:05"))
    rows = table.filter(
        pa.compute.less(table.column("ts"), pa.scalar(at("2023-08-15 12:00"), table.schema.field("ts").type))
    )
    bar = rows.slice(len(rows) - 1).to_pylist()[0]
    ingest_bars(
        store,
        DEMO,
        [pa.Table.from_pylist([bar | {"high": bar["high"] + 50}], table.schema)],
        source_name="revision",
        now=NOW,
    )
    after = tape.bars_until(DAY, moment("2023-08-16 00:05"))
    assert not same(before, after)
    assert same(after, expected(store, DAY, moment("2023-08-16 00:05")))


def test_bars_that_come_while_the_tape_reads_are_seen_the_next_time(
    store: Store, table: pa.Table, monkeypatch: pytest.MonkeyPatch
):
    tape = BarTape(store, DEMO)
    bar = table.slice(len(table) // 2, 1).to_pylist()[0]
    revision = pa.Table.from_pylist([bar | {"volume": bar["volume"] + 1000}], table.schema)

    def reading(store: Store, *span) -> BarArrays:
        bars = read_bars(store, *span)
        ingest_bars(store, DEMO, [revision], source_name="meanwhile", now=NOW)
        return bars

    with monkeypatch.context() as patched:
        patched.setattr(tape_module, "read_bars", reading)
        tape.bars_until(DAY, moment("2023-08-16 00:05"))
    found = tape.bars_until(DAY, moment("2023-08-16 00:05"))
    assert same(found, expected(store, DAY, moment("2023-08-16 00:05")))


def test_the_contract_before_is_the_one_that_history_chose(store: Store):
    with store.market() as cursor:
        [(contract,)] = cursor.execute(
            "SELECT contract FROM market.contract_days WHERE trading_day = '2023-07-04'"
        ).fetchall()
    assert BarTape(store, DEMO).contract_before(date(2023, 7, 5)) == contract


def test_before_the_first_day_no_contract_traded_though_the_eve_has_bars(store: Store):
    assert np.datetime64("2023-06-12").astype(object).weekday() == 0
    tape = BarTape(store, DEMO)
    assert tape.contract_before(date(2023, 6, 12)) is None  # Sunday's hour is no trading day
    assert tape.contract_before(date(2023, 5, 1)) is None
    assert tape.contract_before(date(2023, 6, 13)) is not None


def test_every_day_from_the_first_on_can_be_looked_at(store: Store):
    """The window of one day begins on the first day of all, an hour after the first bar."""
    tape = BarTape(store, DEMO)
    days = [date(2023, 6, 13), date(2023, 7, 21), date(2023, 7, 24), date(2023, 7, 25)]
    assert event_window(DEMO, days[2])[0] == date(2023, 6, 12)
    for day in days:
        eve = day - timedelta(days=1)
        view = tape.view(day, "0900", moment(f"{eve} 23:05"))
        assert view.event.trading_day == day


def test_where_history_is_not_built_nobody_guesses_the_contract(store: Store, table: pa.Table):
    bar = table.slice(0, 1).to_pylist()[0]
    ingest_bars(
        store,
        DEMO,
        [pa.Table.from_pylist([bar | {"volume": bar["volume"] + 5}], table.schema)],
        source_name="revision",
        now=NOW,
    )
    tape = BarTape(store, DEMO)
    with pytest.raises(NothingStored, match=r"DEMO: history is not built up to 2023-07-05 .* Run hub build\."):
        tape.contract_before(date(2023, 7, 5))
    build(store, DEMO)
    tape.bars_until(DAY, moment("2023-08-16 00:05"))
    assert tape.contract_before(date(2023, 7, 5)) is not None
