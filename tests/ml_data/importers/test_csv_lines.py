"""Numbers of text: the quick and the careful way of reading agree on whatever is written, or one leaves it away."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_data.importers import csv_lines
from ml_data.importers.csv_layout import CsvLayout, Found, read_header
from ml_data.importers.csv_rows import read_layout
from tests.ml_data.bar_files import CSV_HEADER

ROW = "2024-01-02 00:05:00,100,101.5,99.5,100.25,7"
NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(repr),
    st.decimals(allow_nan=False, allow_infinity=False, places=4).map(str),
    st.text(alphabet="0123456789.eE+-_ xXnNaAiIfF", min_size=1, max_size=8),
)


def layout() -> CsvLayout:
    header = read_header(CSV_HEADER.strip())
    assert header is not None
    return read_layout("a", Found(header, 1, ""), (CSV_HEADER, ROW))


@settings(max_examples=200, deadline=None)
@given(numbers=st.lists(NUMBERS, min_size=4, max_size=4))
def test_a_number_is_one_value_on_both_ways_or_none(numbers: list[str]):
    block = f"2024-01-02 00:05:00,{','.join(numbers)},7\n".encode()
    quick, careful = csv_lines._read_quickly(block, layout()), csv_lines._read_carefully(block, layout())
    if quick is None:
        return
    assert careful.rejects == []
    for name in ("open", "high", "low", "close"):
        np.testing.assert_array_equal(quick.columns[name].to_numpy(), careful.columns[name].to_numpy())


@settings(max_examples=200, deadline=None)
@given(price=st.integers(1, 4_000_000).map(lambda ticks: ticks / 4), decimal=st.sampled_from(".,"))
def test_a_price_comes_back_as_it_was_written(price: float, decimal: str):
    assert csv_lines._number(f" {price:.2f} ".replace(".", decimal), decimal) == price
    assert csv_lines._number(f"{price:.2f}".replace(".", "," if decimal == "." else "."), decimal) is None
