"""Imported bars against stored ones."""

from datetime import datetime

import pyarrow as pa

from ml_data.bar_changes import changed_spans, changes, joined_spans
from ml_data.importers.base import ROWS
from tests.ml_data.bar_files import at


def bars(*lines: str) -> pa.Table:
    """`contract stamp close` a line, `00:05` on 2024-01-02."""
    parts = [line.split() for line in lines]
    return pa.Table.from_pylist(
        [
            {
                "contract": contract,
                "ts": at(f"2024-01-02 {stamp}"),
                **dict.fromkeys(("open", "high", "low"), 100.0),
                "close": float(close),
                "volume": 7.0,
                "row_number": number + 1,
            }
            for number, (contract, stamp, close) in enumerate(parts)
        ],
        ROWS,
    )


def test_bars_are_new_known_or_revised_whatever_the_order():
    found = changes(
        bars("A 00:01 1", "A 00:02 2", "B 00:01 3", "B 00:02 4", "C 00:01 5"),
        bars("B 00:02 40", "B 00:01 3", "A 00:02 2", "A 00:09 9", "D 00:01 1"),
    )
    assert found.new.column("row_number").to_pylist() == [1, 5]
    assert found.revised.column("row_number").to_pylist() == [4]
    assert found.before.column("close").to_pylist() == [40.0]
    assert found.unchanged == 2


def test_another_volume_is_a_revision_too():
    stored = bars("A 00:01 1")
    stored = stored.set_column(stored.schema.get_field_index("volume"), "volume", pa.array([8.0]))
    assert len(changes(bars("A 00:01 1"), stored).revised) == 1


def test_everything_is_new_where_nothing_is_stored():
    found = changes(bars("A 00:01 1"), bars())
    assert (len(found.new), len(found.revised), found.unchanged) == (1, 0, 0)
    found = changes(bars("A 00:01 1"), bars("B 00:01 1"))
    assert (len(found.new), len(found.revised), found.unchanged) == (1, 0, 0)


def stamps(*texts: str) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array([at(text) for text in texts], pa.timestamp("us", tz="UTC"))])


def spans(*parts: pa.ChunkedArray) -> list[tuple[datetime, datetime]]:
    return [(row["first_ts"], row["last_ts"]) for row in changed_spans(list(parts)).to_pylist()]


def test_changes_a_day_apart_or_less_are_one_span_and_others_are_not():
    found = spans(
        stamps("2024-01-05 10:00", "2024-01-02 10:00", "2024-01-03 10:00"),
        stamps("2024-01-03 10:01", "2024-01-09 00:00"),
    )
    assert found == [
        (at("2024-01-02 10:00"), at("2024-01-03 10:01")),
        (at("2024-01-05 10:00"), at("2024-01-05 10:00")),
        (at("2024-01-09 00:00"), at("2024-01-09 00:00")),
    ]


def test_spans_of_parts_join_into_the_spans_of_the_whole():
    parts = [
        stamps("2024-01-02 10:00", "2024-01-03 10:00"),
        stamps("2024-01-04 10:00", "2024-01-07 10:00"),
        stamps("2024-01-02 12:00"),
    ]
    assert joined_spans([changed_spans([part]) for part in parts]).equals(changed_spans(parts))
    assert spans(*parts)[0] == (at("2024-01-02 10:00"), at("2024-01-04 10:00"))


def test_no_changes_have_no_span():
    assert spans() == []
