"""Bars that wait for their transaction: in order, in portions that DuckDB keeps as they come."""

from pathlib import Path

import pyarrow as pa
import pytest

from ml_data import spool
from ml_data.spool import Spool, in_row_groups

NUMBERS = pa.schema([("number", pa.int64())])


def numbers(first: int, stop: int) -> pa.Table:
    return pa.table({"number": pa.array(range(first, stop))}, NUMBERS)


def test_rows_come_back_in_order_whether_they_waited_in_memory_or_in_the_file(tmp_path: Path):
    aside = Spool(NUMBERS, tmp_path, memory_rows=10)
    for first, stop in ((0, 7), (7, 14), (14, 20)):
        aside.add(numbers(first, stop))
    assert aside.rows == 20
    assert pa.Table.from_batches(aside.batches()).equals(numbers(0, 20))
    aside.close()


def test_portions_are_whole_row_groups_and_the_rest(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(spool, "ROW_GROUP", 8)
    parts = [
        batch for first, stop in ((0, 3), (3, 3), (3, 20), (20, 21)) for batch in numbers(first, stop).to_batches()
    ]
    found = list(in_row_groups(NUMBERS, parts))
    assert [len(batch) for batch in found] == [8, 8, 5]
    assert pa.Table.from_batches(found).equals(numbers(0, 21))
    assert list(in_row_groups(NUMBERS, [])) == []
