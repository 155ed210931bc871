"""The stamps and numbers of table columns, whatever their type: instants, dates, epochs, text, decimals."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ml_data.importers.base import DayBars
from ml_data.importers.stamps import StampLayout, stamp_layout, to_instants
from trading.errors import BadBars

_SAMPLES: Final = 1000


@dataclass(frozen=True)
class StampColumn:
    """How the stamps of a file are written: `layout`, and whether numbers are to be read as text (20240102093000).

    `are_instants` says that they are stored as instants, `sample` is the first of them.
    """

    layout: StampLayout
    as_text: bool
    sample: str
    are_instants: bool = False

    def instants(
        self, columns: list[pa.Array], zone: str | None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Return UTC instants in microseconds and faults, as `ml_data.importers.stamps.to_instants` does."""
        joined = _joined(columns, as_text=self.as_text, as_written=self.layout.as_written)
        if pa.types.is_date(joined.type):
            joined = joined.cast(pa.timestamp("us"))
        return to_instants(pa.chunked_array([joined]), self.layout, zone)


def stamp_column(file_name: str, columns: list[pa.Array], *, as_written: bool = False) -> StampColumn:
    """Return how the stamps in `columns` (one, or a date and a time) are written.

    Raises
    ------
    DayBars
        when they are dates without a time of day, and not to be taken `as_written`.
    BadBars
        when they are no times, or have the day or the month first and do not say which.
    """
    joined = _joined(columns, as_text=False, as_written=as_written)
    shown = joined.drop_null().slice(0, 1).to_pylist()
    sample = str(shown[0]) if shown else "nothing"
    if pa.types.is_date(joined.type):
        if not as_written:
            raise DayBars(file_name, _days(sample))
        return StampColumn(StampLayout("naive", daily=True, as_written=True), False, sample)
    if pa.types.is_timestamp(joined.type):
        aware = joined.type.tz is not None
        stored = StampLayout("aware" if aware else "naive", as_written=as_written)
        return StampColumn(stored, False, sample, are_instants=aware)
    texts = _texts(joined)
    layout = stamp_layout(texts.drop_null().slice(0, _SAMPLES).to_pylist())
    if layout is not None and layout.order == "unknown":
        layout = stamp_layout(texts.drop_null().to_pylist())
    if layout is None:
        raise BadBars(
            f"{file_name}: expected stamps such as 2024-03-08 09:30:00, or seconds since 1970, found {sample[:80]!r}; "
            f"write them so."
        )
    if layout.daily and not as_written:
        raise DayBars(file_name, _days(sample))
    if layout.order == "unknown":
        raise BadBars(
            f"{file_name}: expected to know whether the day or the month comes first in {sample!r}, found no day above "
            f"12; write stamps with the year first, such as 2024-04-03."
        )
    layout = replace(layout, as_written=as_written)
    return StampColumn(layout, layout.clock != "epoch" and not pa.types.is_string(joined.type), sample)


def numbers_of(column: pa.Array) -> pa.Array:
    """Return `column` as float64, NaN where it holds no number."""
    column = _decoded(column)
    if pa.types.is_string(column.type):
        try:
            return column.cast(pa.float64())
        except pa.ArrowInvalid:
            return pa.array([_number(text) for text in column.to_pylist()], pa.float64())
    return column.cast(pa.float64(), safe=False)


def are_whole(column: pa.Array) -> bool:
    """Return whether `column` holds whole numbers, as numbers or as text."""
    column = _decoded(column)
    if pa.types.is_string(column.type):
        return bool(pc.all(pc.utf8_is_digit(column)).as_py())
    return bool(pa.types.is_integer(column.type))


def is_number(kind: pa.DataType) -> bool:
    """Return whether a column of this type may hold prices: numbers, or text."""
    if pa.types.is_dictionary(kind):
        return is_number(kind.value_type)
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return bool(numeric or pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _joined(columns: list[pa.Array], *, as_text: bool, as_written: bool = False) -> pa.Array:
    """Return one column of stamps: timestamps, dates, int64, float64 or text."""
    if len(columns) == 1:
        column = columns[0]
        if as_written and pa.types.is_timestamp(column.type) and column.type.tz not in (None, "UTC"):
            column = pc.local_timestamp(column)  # what the column's zone shows
        column = _decoded(column)
        if pa.types.is_integer(column.type):
            column = column.cast(pa.int64(), safe=False)
        elif pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
            column = column.cast(pa.float64(), safe=False)
        return _texts(column) if as_text else column
    day, time = (_decoded(column) for column in columns)
    if pa.types.is_timestamp(day.type):
        day = day.cast(pa.date32(), safe=False)
    return pc.binary_join_element_wise(_texts(day), _texts(time), " ")


def as_utc(column: pa.Array) -> pa.Array:
    """Return `column`, if of instants, in UTC: what zone they were to be shown in says nothing of them."""
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        return column.cast(pa.int64()).cast(pa.timestamp(column.type.unit, "UTC"))
    return column


def _decoded(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        column = column.cast(pa.string())
    return as_utc(column)


def _texts(column: pa.Array) -> pa.Array:
    if pa.types.is_floating(column.type):
        return pa.array([None if value is None else _plain(value) for value in column.to_pylist()], pa.string())
    try:
        return column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([str(value) for value in column.to_pylist()], pa.string())


def _plain(value: float) -> str:
    return f"{value:.0f}" if value == value and abs(value) < 2**63 and value == int(value) else repr(value)


def _number(text: Any) -> float:
    try:
        return float(text) if text is not None and "_" not in text else float("nan")
    except ValueError:
        return float("nan")


def _days(sample: str) -> str:
    return f"daily bars: its stamps, such as {sample!r}, are dates without a time of day"
