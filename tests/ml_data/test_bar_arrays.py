"""Bars as flat arrays: the same bars as in the table, whatever is cut off, put together or asked of them."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_data.bar_arrays import BarArrays, appended, bar_arrays
from trading.domain.bar import BARS

NAMES = ("AA", "B", "C")
bars_by_name = st.dictionaries(
    st.sampled_from(NAMES), st.dictionaries(st.integers(0, 30), st.integers(-5, 5), max_size=8), max_size=3
)

Plain = dict[str, dict[int, int]]


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, BARS)


def row(contract: str, minute: int, close: float, **values: float) -> dict[str, Any]:
    prices = {"open": close, "high": close, "low": close, "close": close, "volume": 1.0} | values
    return {"contract": contract, "ts": datetime.fromtimestamp(minute * 60, UTC), **prices}


def of(plain: Plain) -> BarArrays:
    return bar_arrays(
        table([row(name, at, close / 4) for name, of_it in plain.items() for at, close in of_it.items()]), 0.25
    )


def plain_of(bars: BarArrays) -> Plain:
    found: Plain = {}
    for name in bars.contracts:
        rows = bars.segment(name)
        minutes = bars.minute[rows].tolist()
        assert minutes == sorted(set(minutes))
        found[name] = dict(zip(minutes, bars.close[rows].tolist(), strict=True))
    return found


def without_empty(plain: Plain) -> Plain:
    return {name: of_it for name, of_it in plain.items() if of_it}


def test_a_table_in_any_order_becomes_sorted_contract_by_contract():
    rows = [
        row("B", 7, 2.0, open=1.75, high=2.25, low=1.5, volume=3.0),
        row("AA", 9, 4.0),
        row("B", 5, 1.0),
        row("AA", 2, 3.0),
    ]
    bars = bar_arrays(table(rows), 0.25)
    assert bars.contracts == ("AA", "B")
    assert bars.offsets.tolist() == [0, 2, 4]
    assert bars.minute.tolist() == [2, 9, 5, 7]
    assert bars.close.tolist() == [12, 16, 4, 8]
    assert (bars.open[3], bars.high[3], bars.low[3], bars.volume[3]) == (7, 9, 6, 3.0)
    assert len(bars) == 4


@pytest.mark.parametrize(
    ("price", "tick", "ticks"),
    [(2034.7, 0.1, 20347), (2074.8, 0.1, 20748), (0.1 + 0.2, 0.1, 3), (-20.0, 0.1, -200), (17012.25, 0.25, 68049)],
)
def test_prices_become_whole_ticks(price: float, tick: float, ticks: int):
    assert bar_arrays(table([row("AA", 0, price)]), tick).close.tolist() == [ticks]


def test_contracts_may_come_dictionary_encoded_and_in_pieces():
    plain = table([row("B", 1, 1.0), row("AA", 1, 2.0)])
    pieces = pa.concat_tables([plain.slice(0, 1), plain.slice(1, 1)])
    index = pieces.schema.get_field_index("contract")
    encoded = pieces.set_column(index, "contract", pieces.column("contract").dictionary_encode())
    for other in (pieces, encoded):
        assert plain_of(bar_arrays(other, 1.0)) == {"AA": {1: 2}, "B": {1: 1}}


def test_no_bars_are_no_contracts():
    bars = bar_arrays(table([]), 0.1)
    assert (bars.contracts, bars.offsets.tolist(), len(bars), bars.through) == ((), [0], 0, 0)
    assert len(bars.between(0, 10)) == 0


def test_bars_are_known_through_the_close_of_the_newest_of_any_contract():
    assert of({"AA": {3: 1}, "B": {9: 1, 4: 1}}).through == 10


@given(bars_by_name, st.integers(-2, 32), st.integers(-2, 32))
def test_between_keeps_the_bars_that_start_in_the_span(plain: Plain, since: int, before: int):
    plain = without_empty(plain)
    found = plain_of(of(plain).between(since, before))
    expected = {
        name: {at: close for at, close in of_it.items() if since <= at < before} for name, of_it in plain.items()
    }
    assert found == expected
    assert plain_of(of(plain).before(before)) == {
        name: {at: close for at, close in of_it.items() if at < before} for name, of_it in plain.items()
    }


@given(bars_by_name, st.integers(0, 31))
def test_bars_cut_in_two_are_whole_again_when_the_later_are_appended(plain: Plain, cut: int):
    whole = of(plain)
    again = appended(whole.before(cut), whole.between(cut, 100))
    assert again.contracts == whole.contracts
    for name in ("offsets", "minute", "open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(again, name), getattr(whole, name)), name


@given(bars_by_name, bars_by_name)
def test_appended_bars_of_other_contracts_come_in_the_order_of_names(earlier: Plain, later: Plain):
    earlier, later = without_empty(earlier), without_empty(later)
    moved = {name: {at + 100: close for at, close in of_it.items()} for name, of_it in later.items()}
    found = appended(of(earlier), of(moved))
    expected = {name: earlier.get(name, {}) | moved.get(name, {}) for name in sorted({*earlier, *moved})}
    assert found.contracts == tuple(expected)
    assert plain_of(found) == expected


@given(bars_by_name, st.sampled_from(["A", "AA", "AB", "B", "C", "Z"]))
def test_a_contract_that_is_included_has_no_bars_and_moves_none(plain: Plain, name: str):
    plain = without_empty(plain)
    found = of(plain).including(name)
    assert plain_of(found) == {name: {}} | plain
    assert found.contracts == tuple(sorted({name, *plain}))
