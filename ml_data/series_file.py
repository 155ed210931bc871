"""Reads a file of series, Parquet, Feather or CSV: one column of dates, and any of the columns that a set names."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from ml_data.bar_file import BarFile, open_bar_file
from ml_data.day_labels import DayLabels, written_days
from ml_data.importers.arrow_content import kind_of, opened
from ml_data.importers.arrow_values import numbers_of, stamp_column
from ml_data.importers.column_names import plain_names
from ml_data.importers.csv_layout import PRICES
from trading.domain.series import SeriesSet
from trading.errors import BadBars

_DATES: Final = ("date", "observation date", "day", "datetime", "timestamp", "time", "index", "index level 0")
_LARGEST: Final = 256 * 1024 * 1024  # of a text file: one value a day is never that long


@dataclass(frozen=True)
class SeriesTable:
    """A file of series: the day of each row (`labels`), and the values by series name, NaN where there is none.

    `columns` are the columns that were read, by series name; `ignored` those that no series of the set names.
    """

    name: str
    sha256: str
    kind: str
    date_column: str
    labels: DayLabels
    values: dict[str, npt.NDArray[np.float64]]
    columns: dict[str, str]
    ignored: tuple[str, ...]


def read_series_table(path: Path, series: SeriesSet) -> SeriesTable | None:
    """Return the series of `series` that the file at `path` holds; None when it holds none of them, or bars.

    Raises
    ------
    BadBars
        when it holds some and they cannot be read: damaged, without dates, with two columns of one series.
    """
    file = open_bar_file(path)
    names = _names(file)
    plain = plain_names(names)
    columns = {
        rule.name: [place for place, name in enumerate(names) if name.strip() in rule.columns] for rule in series.series
    }
    wanted = {name: places for name, places in columns.items() if places}
    if not wanted or all(price in plain for price in PRICES):
        return None
    for name, places in wanted.items():
        if len(places) > 1:
            raise BadBars(f"{file.name}: two columns hold {name}: {', '.join(names[p] for p in places)}; remove one.")
    dates = [plain.index(name) for name in _DATES if name in plain]
    if not dates:
        raise BadBars(
            f"{file.name}: expected a column of dates called date beside {', '.join(sorted(wanted))}, found "
            f"{', '.join(names[:8])}; name it so."
        )
    read = _columns(file, [dates[0], *(places[0] for places in wanted.values())])
    stamps = stamp_column(file.name, [read[0]], as_written=True)
    shown, faults = stamps.instants([read[0]], "UTC")
    labels = written_days(shown)
    if labels is None:
        raise BadBars(f"{file.name}: expected dates in {names[dates[0]]!r}, found times of day; write dates alone.")
    used = {dates[0], *(places[0] for places in wanted.values())}
    return SeriesTable(
        name=file.name,
        sha256=file.sha256,
        kind=kind_of(file.head) or "CSV",
        date_column=names[dates[0]],
        labels=DayLabels(labels.days, labels.told & (faults == 0), labels.rule),
        values={name: _numbers(column) for name, column in zip(wanted, read[1:], strict=True)},
        columns={name: names[places[0]] for name, places in wanted.items()},
        ignored=tuple(name for place, name in enumerate(names) if place not in used),
    )


def _names(file: BarFile) -> tuple[str, ...]:
    if kind_of(file.head) is not None:
        with opened(file) as content:
            return tuple(content.schema.names)
    if b"\0" in file.head:
        return ()
    first = file.head.decode("utf-8-sig", errors="replace").splitlines()[:1]
    return tuple(cell.strip().strip('"') for cell in first[0].split(",")) if first else ()


def _columns(file: BarFile, places: list[int]) -> list[Any]:
    if kind_of(file.head) is not None:
        with opened(file) as content:
            batches = [batch for batch, _ in content.batches(places)]
        table = pa.Table.from_batches(batches)
    else:
        names = [str(place) for place in range(len(_names(file)))]
        with file.unpacked() as (content, _):
            text = content.read(_LARGEST)
        options = pacsv.ConvertOptions(
            include_columns=[names[place] for place in places], column_types=dict.fromkeys(names, pa.string())
        )
        try:
            table = pacsv.read_csv(
                io.BytesIO(text), pacsv.ReadOptions(column_names=names, skip_rows=1), convert_options=options
            )
        except pa.ArrowInvalid as error:
            raise BadBars(f"{file.name}: its rows cannot be read ({error}); write it again.") from error
    if not len(table):
        raise BadBars(f"{file.name}: the file holds no values, only columns; download it again.")
    return [column.combine_chunks() for column in table.columns]


def _numbers(column: Any) -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = numbers_of(column).fill_null(float("nan")).to_numpy(zero_copy_only=False)
    return values
