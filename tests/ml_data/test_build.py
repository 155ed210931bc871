"""History in the store equals what its bars say, however they came, in whatever order, and whoever interrupts."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ml_data import build as build_module
from ml_data.bar_arrays import bar_arrays
from ml_data.build import BuildReport, build, read_bars
from ml_data.history import build_history
from ml_data.history_tables import history_tables
from ml_data.ingest import ingest_bars
from ml_data.quality_tables import quality_tables
from ml_data.store import Store
from tests.ml_data.bar_files import at, mgc
from tests.ml_data.small_markets import CONTRACTS, FIRST_DAYS, Shape, brisbane, market, shapes
from trading.domain.instrument import Instrument
from trading.errors import NothingStored

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KEYS = {
    "contract_days": ("trading_day",),
    "sessions": ("trading_day", "session"),
    "opening_ranges": ("trading_day", "orb"),
    "orb_trades": ("trading_day", "orb", "rule"),
    "bar_hours": ("trading_day", "starts_at"),
    "bar_silences": ("trading_day", "starts_at"),
    "bar_doubts": ("trading_day", "ts", "kind"),
}
MARKET = Shape(FIRST_DAYS[-1], 9, 3, 0.9, 0.1, 3, 8, 12, keeps_hours=True)
"""Two weeks from 28 January 2025, which move from G to J to M."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "home")
    yield store
    store.close()


@pytest.fixture(scope="module")
def bars() -> pa.Table:
    return market(MARKET, brisbane()).sort_by("ts")


def add(store: Store, table: pa.Table, name: str = "feed") -> None:
    report = ingest_bars(store, brisbane(), [table], source_name=name, now=NOW)
    assert report.refusal is None


def built(store: Store, instrument: Instrument | None = None, **options: Any) -> BuildReport:
    return build(store, instrument or brisbane(), **options)


def stored(store: Store) -> dict[str, pa.Table]:
    tables = {}
    with store.market() as cursor:
        for name, keys in KEYS.items():
            question = f"SELECT * FROM market.{name} ORDER BY {', '.join(keys)}"
            tables[name] = alike(cursor.sql(question).to_arrow_table())
    return tables


def at_once(table: pa.Table, instrument: Instrument | None = None) -> dict[str, pa.Table]:
    """What a history of all bars built at once has, in the order of `stored`."""
    instrument = instrument or brisbane()
    history = build_history(bar_arrays(table, instrument.tick), instrument)
    tables = history_tables(history) | quality_tables(history)
    return {name: alike(table.sort_by([(key, "ascending") for key in KEYS[name]])) for name, table in tables.items()}


def alike(table: pa.Table) -> pa.Table:
    """A table with its columns by name, in one piece."""
    return table.select(sorted(table.column_names)).combine_chunks()


def between(table: pa.Table, since: datetime, before: datetime) -> pa.Table:
    ts = table.column("ts")
    return table.filter(
        pc.and_(pc.greater_equal(ts, pa.scalar(since, ts.type)), pc.less(ts, pa.scalar(before, ts.type)))
    )


def changed(table: pa.Table, row: int, **values: float) -> pa.Table:
    """The one bar `row`, with other values."""
    found = table.slice(row, 1).to_pylist()[0] | values
    return pa.Table.from_pylist([found], table.schema)


def revised(table: pa.Table, row: int, **values: float) -> pa.Table:
    return pa.concat_tables([table.slice(0, row), changed(table, row, **values), table.slice(row + 1)])


def row_of(table: pa.Table, contract: str, since: datetime) -> int:
    """The first bar of a contract from an instant on."""
    rows = zip(table.column("contract").to_pylist(), table.column("ts").to_pylist(), strict=True)
    return next(row for row, (name, ts) in enumerate(rows) if name == contract and ts >= since)


def contracts(store: Store) -> list[str]:
    return list(stored(store)["contract_days"].column("contract").to_pylist())


def dirty(store: Store) -> int:
    with store.market() as cursor:
        [(count,)] = cursor.execute("SELECT count(*) FROM market.history_dirty").fetchall()
    return int(count)


def test_a_store_without_bars_says_which_command_fills_it(store: Store):
    with pytest.raises(
        NothingStored, match=r"MGC: no bars are stored\. Import some: hub ingest FILES --instrument MGC"
    ):
        built(store)


def test_the_first_build_builds_all_days(store: Store, bars: pa.Table):
    add(store, bars)
    report = built(store)
    assert (report.full, report.first_day, report.days) == (True, date(2025, 1, 28), 9)
    assert stored(store) == at_once(bars)
    assert report.rows == {name: table.num_rows for name, table in stored(store).items()}


@pytest.mark.parametrize("days", [1, 2, 4])
def test_a_history_built_in_stretches_is_the_one_built_at_once(
    store: Store, bars: pa.Table, monkeypatch: pytest.MonkeyPatch, days: int
):
    monkeypatch.setattr(build_module, "STRETCH_DAYS", days)
    add(store, bars)
    report = built(store)
    assert (report.first_day, report.last_day, report.days) == (date(2025, 1, 28), date(2025, 2, 7), 9)
    assert stored(store) == at_once(bars)
    assert report.rows == {name: table.num_rows for name, table in stored(store).items()}
    built(store, since=date(2025, 2, 3))
    assert stored(store) == at_once(bars)


def test_an_up_to_date_store_is_left_alone(store: Store, bars: pa.Table):
    add(store, bars)
    built(store)
    stamp = store.stamp("market")
    assert built(store) == BuildReport("MGC", None, None, 0, {}, full=False)
    assert store.stamp("market") == stamp


def test_building_again_from_a_day_changes_nothing(store: Store, bars: pa.Table):
    add(store, bars)
    built(store)
    before = stored(store)
    report = built(store, since=date(2025, 1, 31))
    assert (report.full, report.first_day) == (False, date(2025, 1, 31))
    assert stored(store) == before


@pytest.mark.parametrize("since", [date(1999, 1, 1), date(2025, 2, 1), date(2030, 1, 1)])
def test_building_from_a_day_without_bars_changes_nothing_either(store: Store, bars: pa.Table, since: date):
    add(store, bars)
    built(store)
    before = stored(store)
    built(store, since=since)
    assert stored(store) == before
    add(store, changed(bars, 100, volume=7.0))
    built(store)
    assert stored(store) == at_once(revised(bars, 100, volume=7.0))


def test_a_day_appended_rebuilds_that_day_only(store: Store, bars: pa.Table):
    for day in range(9):
        part = between(bars, at("2025-01-27 23:00"), at("2025-01-28 23:00") + timedelta(days=day))
        add(store, part, f"day {day}")
        report = built(store)
        assert stored(store) == at_once(part), day
        # A day of which the last minute did not trade is not known to be over until the next bar comes.
        assert report.full or report.days <= 2, day


def test_a_day_that_was_over_is_not_rebuilt_when_the_next_comes(store: Store):
    full = market(replace(MARKET, filled=1.0, elsewhere=1.0, contracts=1, days=3), brisbane()).sort_by("ts")
    add(store, between(full, at("2025-01-27 23:00"), at("2025-01-29 22:00")))
    built(store)
    add(store, between(full, at("2025-01-29 23:00"), at("2025-01-30 22:00")))
    report = built(store)
    assert (report.first_day, report.last_day, report.days) == (date(2025, 1, 30), date(2025, 1, 30), 1)
    assert stored(store) == at_once(between(full, at("2025-01-27 23:00"), at("2025-01-30 22:00")))


def test_minutes_appended_within_a_day_settle_what_they_settle(store: Store, bars: pa.Table):
    add(store, between(bars, at("2025-01-27 00:00"), at("2025-01-29 22:55")))
    built(store)
    moment = at("2025-01-29 22:55")
    for minutes in (6, 4, 1, 1, 30, 480, 60, 300, 1, 400, 120):
        later = moment + minutes * MINUTE
        part = between(bars, moment, later)
        moment = later
        if len(part):
            add(store, part, f"to {later}")
        built(store)
        assert stored(store) == at_once(between(bars, at("2025-01-27 00:00"), later)), later


def test_a_revised_bar_of_long_ago_changes_all_that_hangs_on_it(store: Store, bars: pa.Table):
    add(store, bars)
    built(store)
    row = row_of(bars, "MGCG5", at("2025-01-28 23:01"))
    high = bars.column("high")[row].as_py() + 5.0
    add(store, changed(bars, row, high=high))
    report = built(store)
    assert (report.full, report.first_day) == (False, date(2025, 1, 29))
    after = at_once(revised(bars, row, high=high))
    assert after != at_once(bars)
    assert stored(store) == after


def test_a_revised_volume_may_change_the_contract_of_later_days(store: Store, bars: pa.Table):
    add(store, bars)
    built(store)
    assert contracts(store)[:3] == ["MGCG5", "MGCG5", "MGCG5"]
    row = row_of(bars, "MGCM5", at("2025-01-28 23:01"))
    add(store, changed(bars, row, volume=1e9))
    built(store)
    assert stored(store) == at_once(revised(bars, row, volume=1e9))
    assert contracts(store)[:3] == ["MGCG5", "MGCG5", "MGCM5"]


def test_older_bars_that_come_late_are_built_in(store: Store, bars: pa.Table):
    cut = at("2025-02-03 10:00")
    add(store, between(bars, cut, at("2025-03-01 00:00")), "new")
    built(store)
    add(store, between(bars, at("2025-01-01 00:00"), cut), "old")
    report = built(store)
    assert (report.full, report.first_day) == (False, date(2025, 1, 28))
    assert stored(store) == at_once(bars)


def test_a_contract_that_appears_later_is_built_in(store: Store, bars: pa.Table):
    parts = {name: bars.filter(pc.equal(bars.column("contract"), name)) for name in CONTRACTS}
    for number, (name, part) in enumerate(parts.items(), start=1):
        add(store, part, name)
        built(store)
        assert stored(store) == at_once(pa.concat_tables(list(parts.values())[:number])), name


def test_a_hole_of_months_is_continued_as_if_built_at_once(store: Store, bars: pa.Table):
    later = market(replace(MARKET, first_day=date(2025, 4, 1), seed=12, days=4), brisbane()).sort_by("ts")
    before = bars.filter(pc.equal(bars.column("contract"), "MGCG5"))
    june = later.filter(pc.equal(later.column("contract"), "MGCM5"))
    add(store, before)
    built(store)
    days = [
        between(june, at("2025-03-31 23:00") + timedelta(days=n), at("2025-04-01 23:00") + timedelta(days=n))
        for n in range(4)
    ]
    for number, day in enumerate(days, start=1):
        add(store, day, f"April {number}")
        built(store)
        assert stored(store) == at_once(pa.concat_tables([before, *days[:number]])), number
    assert contracts(store)[-4:] == ["MGCG5", "MGCM5", "MGCM5", "MGCM5"]


def test_changed_definitions_rebuild_everything(store: Store, bars: pa.Table):
    add(store, bars)
    built(store)
    dearer = brisbane().model_copy(update={"costs": brisbane().costs.model_copy(update={"slippage_ticks": 3})})
    report = built(store, dearer)
    assert (report.full, report.days) == (True, 9)
    assert stored(store) == at_once(bars, dearer)
    fewer = dearer.model_copy(update={"opening_ranges": dearer.opening_ranges[:1]})
    built(store, fewer)
    assert stored(store) == at_once(bars, fewer)
    assert built(store, fewer).days == 0


def test_another_instruments_history_is_left_alone(store: Store, bars: pa.Table):
    add(store, bars)
    built(store)
    other = brisbane().model_copy(update={"symbol": "GC"})
    ingest_bars(store, other, [bars.slice(0, 50)], source_name="gc", now=NOW)
    built(store, other)
    with store.market() as cursor:
        counts = dict(cursor.execute("SELECT instrument, count(*) FROM market.sessions GROUP BY 1").fetchall())
    assert counts["MGC"] == len(at_once(bars)["sessions"])
    assert counts["GC"] > 0
    assert built(store).days == 0


def test_only_the_sunday_stub_makes_no_day(store: Store):
    sunday = at("2024-07-14 22:10")  # 08:10 on Monday in Brisbane
    rows = [
        {
            "contract": "MGCQ4",
            "ts": sunday,
            "open": 2400.0,
            "high": 2400.0,
            "low": 2400.0,
            "close": 2400.0,
            "volume": 1.0,
        }
    ]
    add(store, pa.Table.from_pylist(rows, market(MARKET, brisbane()).schema))
    report = built(store)
    assert (report.days, report.first_day) == (0, None)
    assert {name: len(table) for name, table in stored(store).items()} == dict.fromkeys(KEYS, 0)
    assert built(store).days == 0


def test_an_interrupted_build_leaves_the_old_history_and_the_next_one_finishes(
    store: Store, bars: pa.Table, monkeypatch: pytest.MonkeyPatch
):
    add(store, between(bars, at("2025-01-01 00:00"), at("2025-02-03 00:00")))
    built(store)
    before = stored(store)
    add(store, between(bars, at("2025-02-03 00:00"), at("2025-03-01 00:00")), "rest")

    def torn(history: Any) -> dict[str, pa.Table]:
        tables = history_tables(history)
        return tables | {"orb_trades": tables["orb_trades"].rename_columns(["no"] * tables["orb_trades"].num_columns)}

    with monkeypatch.context() as patched:
        patched.setattr(build_module, "history_tables", torn)
        with pytest.raises(Exception, match="column"):
            built(store)
    assert stored(store) == before
    assert dirty(store) > 0
    built(store)
    assert stored(store) == at_once(bars)
    assert dirty(store) == 0


def test_bars_that_come_during_a_build_are_built_next_time(
    store: Store, bars: pa.Table, monkeypatch: pytest.MonkeyPatch
):
    first, second = bars.slice(0, len(bars) // 2), bars.slice(len(bars) // 2)
    add(store, first, "first")

    def then_more_come(history: Any) -> dict[str, pa.Table]:
        add(store, second, "second")
        return history_tables(history)

    with monkeypatch.context() as patched:
        patched.setattr(build_module, "history_tables", then_more_come)
        built(store)
    assert stored(store) == at_once(first)
    assert dirty(store) > 0
    built(store)
    assert stored(store) == at_once(bars)


def test_a_build_waits_for_another_so_that_none_writes_what_it_read_before_the_other(
    store: Store, bars: pa.Table, monkeypatch: pytest.MonkeyPatch
):
    add(store, bars)
    built(store)
    slow_is_at_work, may_go_on = threading.Event(), threading.Event()

    def slowly(history: Any) -> dict[str, pa.Table]:
        slow_is_at_work.set()
        assert may_go_on.wait(10)
        return history_tables(history)

    with monkeypatch.context() as patched:
        patched.setattr(build_module, "history_tables", slowly)
        slow = threading.Thread(target=built, args=(store,), kwargs={"since": date(2025, 1, 1)})
        slow.start()
        assert slow_is_at_work.wait(10)
    add(store, changed(bars, 100, high=bars.column("high")[100].as_py() + 5.0))
    quick = threading.Thread(target=built, args=(store,))
    quick.start()
    quick.join(0.2)
    assert quick.is_alive()
    may_go_on.set()
    slow.join(10)
    quick.join(10)
    assert stored(store) == at_once(revised(bars, 100, high=bars.column("high")[100].as_py() + 5.0))


def test_bars_are_read_as_they_were_stored(store: Store, bars: pa.Table):
    add(store, bars)
    found, expected = read_bars(store, brisbane()), bar_arrays(bars, brisbane().tick)
    assert found.contracts == expected.contracts
    for name in ("offsets", "minute", "open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name
    part = read_bars(store, brisbane(), at("2025-01-30 00:00"), at("2025-01-31 00:00"))
    assert len(part) == len(between(bars, at("2025-01-30 00:00"), at("2025-01-31 00:00")))


@example(
    shape=Shape(date(2024, 3, 7), 4, 1, 1.0, 0.0, step=0, reach=0, seed=0, keeps_hours=False, stops=0),
    cuts=[0.75],  # the later part comes first, and no day of it has bars of its own contract
    order=Random(1),  # noqa: S311 - which part comes first is no secret
)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shape=shapes(), cuts=st.lists(st.floats(0, 1), min_size=1, max_size=4), order=st.randoms(use_true_random=False))
def test_however_the_bars_come_the_history_is_the_same(shape: Shape, cuts: list[float], order: Any):
    table = market(shape, brisbane()).sort_by("ts")
    edges = sorted({0, *(int(cut * len(table)) for cut in cuts), len(table)})
    parts = [table.slice(low, high - low) for low, high in pairwise(edges) if high > low]
    if order.random() < 0.5:
        order.shuffle(parts)
    with TemporaryDirectory() as folder:
        store = Store(Path(folder))
        for number in range(len(parts)):
            add(store, parts[number], str(number))
            built(store)
            assert stored(store) == at_once(pa.concat_tables(parts[: number + 1]))
        store.close()


@pytest.mark.real_data
def test_real_bars_appended_day_by_day_equal_a_build_at_once(real_store: Store, store: Store):
    with real_store.market() as cursor:
        question = (
            "SELECT contract, ts, open, high, low, close, volume FROM market.bars_1m"
            " WHERE ts >= '2024-03-20 00:00Z' AND ts < '2024-04-04 00:00Z' ORDER BY ts, contract"
        )
        table = cursor.sql(question).to_arrow_table()
    instrument = mgc()
    for day in range(15):
        part = between(
            table, at("2024-03-20 00:00") + timedelta(days=day), at("2024-03-21 00:00") + timedelta(days=day)
        )
        if len(part):
            ingest_bars(store, instrument, [part], source_name=f"day {day}", now=NOW)
            report = build(store, instrument)
            assert report.full == (day == 0)
            assert report.days <= 3  # the day before a holiday is over only when the next bar comes
    assert stored(store) == at_once(table, instrument)
    # The same days of a history that began three years earlier: only what no volumes precede is another.
    with real_store.market() as cursor:
        span = "trading_day >= '2024-03-22' AND trading_day < '2024-04-03'"
        question = f"SELECT * FROM market.orb_trades WHERE {span} ORDER BY ALL"
        earlier = cursor.sql(question).to_arrow_table()
    with store.market() as cursor:
        assert cursor.sql(question).to_arrow_table().equals(earlier)
