"""How the rows of a text file are written, judged by the first of them; what nobody can read for sure is refused."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, NoReturn

import pyarrow as pa

from ml_data.importers.base import DayBars
from ml_data.importers.csv_layout import CsvLayout, Found, Header, sample_rows
from ml_data.importers.stamp_forms import date_order
from ml_data.importers.stamps import FAULTS, stamp_layout, to_instants
from ml_data.importers.vendor_habits import FIXED_POINT
from trading.errors import BadBars

_COMMA: Final = re.compile(r"[+-]?\d+,\d+")
_POINT: Final = re.compile(r"[+-]?\d*\.\d*")
_GROUPED: Final = re.compile(r"[+-]?\d{1,3}(?:([,' \u00a0\u202f])\d{3}(?:\1\d{3})*([.]\d+)?|(\.\d{3})+,\d+)")
_MAYBE_GROUPED: Final = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_DECIMAL_SHARE: Final = 0.05  # of the numbers with a comma, how many can only be decimals
_TWO_DIGIT_YEAR: Final = re.compile(r"\d{1,2}([-/.])\d{1,2}\1\d{2}\b(?!\d)")
_ABBREVIATION: Final = re.compile(r"(?P<stamp>.*\d(?: ?[AaPp][Mm])?) ?(?P<zone>[A-Z]{3,5})")
_SPREADSHEET_DAY: Final = re.compile(r"[34]\d{4}[.,]\d+")


def read_layout(file_name: str, found: Found, lines: tuple[str, ...], *, as_written: bool = False) -> CsvLayout:
    """Return how to read a file that begins with `lines`; the order of its dates may still be unknown.

    Raises
    ------
    DayBars
        when stamps are dates alone, and not to be taken `as_written`.
    BadBars
        when the file has no bars, columns of one name, or stamps or numbers that cannot be read for sure.
    """
    header = _with_trailing_cell(found, lines)
    _refuse_names_twice(file_name, header, found.skip)
    if len(lines) <= found.skip:
        raise BadBars(f"{file_name}: the file holds no bars, only the line of column names; download it again.")
    rows = sample_rows(lines, header, found.skip)
    if not rows:
        raise BadBars(
            f"{file_name}: expected {len(header.names)} columns in each row as the first line names them, found "
            f"{lines[found.skip].strip()[:80]!r}."
        )
    for places in header.stamps:
        samples = [" ".join(row[place] for place in places) for row in rows]
        layout = stamp_layout(samples)
        if layout is None:
            continue
        if layout.daily and not as_written:
            raise DayBars(file_name, f"daily bars: its stamps, such as {samples[0]!r}, are dates without a time of day")
        sample = next(text for text in samples if stamp_layout([text]) is not None)
        _refuse_buddhist_years(file_name, sample, layout.clock)
        if header.habits.server_epochs and layout.clock == "epoch":
            layout = replace(layout, clock="naive")
        layout = replace(layout, as_written=as_written)
        whole = all(row[place].strip().isdigit() for row in rows for place in header.bars)
        unit = FIXED_POINT if header.habits.fixed_point and whole else 1
        return CsvLayout(header, found.skip, places, layout, sample, _decimal(file_name, header, rows), unit)
    _refuse_stamp(file_name, " ".join(rows[0][place] for place in header.stamps[0]))


def with_order(file_name: str, layout: CsvLayout, stamps: Iterable[pa.ChunkedArray]) -> CsvLayout:
    """Return `layout` with the order of day and month that the first of `stamps` tells that has a day above 12.

    Raises
    ------
    BadBars
        when none of them tells, or they contradict each other.
    """
    for column in stamps:
        told = date_order(pa.concat_arrays([pa.array([], pa.string()), *column.chunks]))
        if told == "both":
            raise BadBars(
                f"{file_name}: some dates have the day first and some the month; write all of them with the year "
                f"first, such as 2024-04-03."
            )
        if told != "unknown":
            return replace(layout, stamp_layout=replace(layout.stamp_layout, order=told))
    raise BadBars(
        f"{file_name}: expected to know whether the day or the month comes first in {layout.stamp_sample!r}, found no "
        f"day above 12 in the whole file; write the dates with the year first, such as 2024-04-03, or bring a file "
        f"that goes beyond the 12th of a month."
    )


def _with_trailing_cell(found: Found, lines: tuple[str, ...]) -> Header:
    """Return the header, with a column without a name where every row ends with a delimiter."""
    header = found.header
    longer = replace(header, names=(*header.names, ""))
    if len(lines) == found.skip or sample_rows(lines[:100], header, found.skip):
        return header
    rows = sample_rows(lines[:100], longer, found.skip)
    return longer if rows and all(not row[-1] for row in rows) else header


def _refuse_names_twice(file_name: str, header: Header, skip: int) -> None:
    if not skip:
        return
    used = {*header.bars, *header.stamps[0], *(place for place in (header.volume,) if place is not None)}
    small = [name.strip("<> ").lower() for name in header.names]
    for place in sorted(used):
        if small.count(small[place]) > 1:
            raise BadBars(f"{file_name}: two columns are called {header.names[place]!r}; remove one of them.")


def _refuse_buddhist_years(file_name: str, sample: str, clock: str) -> None:
    layout = stamp_layout([sample])
    if layout is None or clock == "epoch":
        return
    for order in ("day", "month") if layout.order == "unknown" else (layout.order,):
        text = pa.chunked_array([pa.array([sample])])
        _, faults = to_instants(text, replace(layout, order=order), None)
        if FAULTS[faults[0]].endswith("543 ahead"):
            raise BadBars(
                f"{file_name}: expected years of the Gregorian calendar, found {sample!r}, a year of the Buddhist "
                f"calendar; take 543 off the years."
            )


def _refuse_stamp(file_name: str, shown: str) -> NoReturn:
    if _TWO_DIGIT_YEAR.match(shown):
        raise BadBars(
            f"{file_name}: expected years of four digits, found {shown!r}; write the dates with the year first, such "
            f"as 2024-04-03."
        )
    if _SPREADSHEET_DAY.fullmatch(shown):
        raise BadBars(
            f"{file_name}: expected stamps such as '2024-03-08 09:30:00', found {shown!r}, the day number of a "
            f"spreadsheet; give the column a date format there and export it again."
        )
    abbreviated = _ABBREVIATION.fullmatch(shown)
    if abbreviated and stamp_layout([abbreviated["stamp"]]) is not None:
        raise BadBars(
            f"{file_name}: expected stamps with a UTC offset or none, found {shown!r}, and {abbreviated['zone']} is "
            f"the name of several clocks; leave it away and name the clock with --time-zone."
        )
    raise BadBars(
        f"{file_name}: expected stamps such as '2024-03-08 09:30:00', or seconds since 1970, found {shown[:80]!r}; "
        f"write them so."
    )


def _decimal(file_name: str, header: Header, rows: list[list[str]]) -> str:
    """Return the decimal mark of the prices.

    Raises
    ------
    BadBars
        when most of those that are not whole have a comma, or a space, that may separate thousands.
    """
    prices = [row[place].strip() for row in rows for place in header.bars]
    marked = [cell for cell in prices if _COMMA.fullmatch(cell) or _GROUPED.fullmatch(cell)]
    if len(marked) <= sum(bool(_POINT.fullmatch(cell)) for cell in prices):
        return "."
    decimal = [cell for cell in marked if _COMMA.fullmatch(cell) and not _MAYBE_GROUPED.fullmatch(cell)]
    commas = sum(bool(_COMMA.fullmatch(cell)) for cell in marked)
    if header.delimiter != "," and commas == len(marked) and len(decimal) >= _DECIMAL_SHARE * commas:
        return ","
    raise BadBars(
        f"{file_name}: expected prices such as 15895.25, found {marked[0]!r}, in which thousands may be separated; "
        f"export numbers with a decimal point and without separators of thousands."
    )
