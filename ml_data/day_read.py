"""Reads a file of day bars: any format that is known, its stamps as they are written, each row with its trading day."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa

from ml_data.day_labels import DAY_US, DayLabels, Microseconds, days_of_instants, written_days
from ml_data.import_plan import Source
from ml_data.importers.base import AS_WRITTEN, OTHERS_SHOWN, REJECTS, ROWS, Reading, Recognised, UnknownClock
from trading.domain.instrument import Instrument
from trading.errors import BadBars

_NO_DAY = "the stamp is not at the time of day of the others, so it names no day"
_SEVERAL = 1.5  # rows a day and symbol, above which they are bars of a part of it
FEWEST: Final = 4
"""Rows that are needed to measure how long a bar lasts."""

_LONG = 4.0  # days from one bar to the next, above which they are bars of weeks


@dataclass(frozen=True)
class DayReading:
    """What a file of day bars holds. `rows` has the schema ROWS; `ts` is midnight UTC of the trading day, a label.

    `rule` finishes "the day of a bar is". The other values count, as in `ml_data.importers.base.Chunk`.
    """

    recognised: Recognised
    rule: str
    rows: pa.Table
    rejects: pa.Table
    rows_read: int
    bars_dropped: int
    others: tuple[str, ...]
    repairs: tuple[tuple[str, int], ...]


def read_days(source: Source, instrument: Instrument) -> DayReading:
    """Return the rows of `source` with their trading days.

    Raises
    ------
    BadBars
        when they are no day bars, or the day that they are of cannot be told.
    """
    found = _taken(source.read(AS_WRITTEN))
    if not len(found.rows):
        if found.rows_read == found.bars_dropped and found.others:
            raise BadBars(
                f"{source.name}: wrong instrument: expected bars of {instrument.symbol}, found "
                f"{', '.join(found.others[:3])}; choose the instrument that the file is of."
            )
        raise BadBars(f"{source.name}: the file holds no bars that can be read; download it again.")
    labels = written_days(_stamps(found.rows))
    if labels is None:
        _refuse_parts_of_days(source.name, found.rows)
        found = _taken(_instants(source, instrument))
        labels = days_of_instants(_stamps(found.rows), instrument)
    if labels is None:
        raise BadBars(
            f"{source.name}: expected day bars stamped with a date, or at one time of the day, found several times of "
            f"day; export day bars with their dates."
        )
    found = _labelled(found, labels)
    _refuse_other_lengths(source.name, found.rows)
    return found


def are_few_days(source: Source, instrument: Instrument) -> bool:
    """Return whether `source` holds one to three rows and all of them are dates: too few to measure a bar's length.

    A single midnight is a day only where a stock is meant: other markets trade at midnight.
    """
    first = next(source.read(AS_WRITTEN).chunks, None)
    if first is None or not 1 <= len(first.bars) < FEWEST:
        return False
    shown = _stamps(first.bars)
    distinct = len(set(shown.tolist())) == len(shown)
    return bool((shown % DAY_US == 0).all()) and distinct and (len(shown) > 1 or instrument.kind == "stock")


def _taken(reading: Reading) -> DayReading:
    chunks = list(reading.chunks)
    return DayReading(
        recognised=reading.recognised,
        rule="",
        rows=pa.concat_tables([ROWS.empty_table(), *(chunk.bars for chunk in chunks)]).combine_chunks(),
        rejects=pa.concat_tables([REJECTS.empty_table(), *(chunk.rejects for chunk in chunks)]),
        rows_read=sum(chunk.rows_read for chunk in chunks),
        bars_dropped=sum(chunk.bars_dropped for chunk in chunks),
        others=tuple(sorted({name for chunk in chunks for name in chunk.others}))[:OTHERS_SHOWN],
        repairs=tuple(repair for chunk in chunks for repair in chunk.repairs),
    )


def _instants(source: Source, instrument: Instrument) -> Reading:
    try:
        return source.read(source.time_zone)
    except UnknownClock as unknown:
        raise BadBars(
            f"{source.name}: expected day bars stamped with a date, found times of day on no clock, such as "
            f"{unknown.sample!r}; name the clock with --time-zone, for example --time-zone {instrument.exchange_zone}."
        ) from unknown


def _labelled(found: DayReading, labels: DayLabels) -> DayReading:
    rows = found.rows
    stamps = labels.days.astype("datetime64[D]").astype(np.int64) * DAY_US
    place = rows.schema.get_field_index("ts")
    dated = rows.set_column(place, "ts", pa.array(stamps).cast(ROWS.field("ts").type))
    bad = rows.filter(pa.array(~labels.told)).column("row_number")
    more = pa.table([bad, pa.repeat(pa.scalar(_NO_DAY, pa.string()), len(bad))], schema=REJECTS)
    return replace(
        found,
        rule=labels.rule,
        rows=dated.filter(pa.array(labels.told)),
        rejects=pa.concat_tables([found.rejects, more]),
    )


def _stamps(rows: pa.Table) -> Microseconds:
    stamps: Microseconds = rows.column("ts").cast(pa.int64()).to_numpy()
    return stamps


def _refuse_parts_of_days(file_name: str, rows: pa.Table) -> None:
    days = len(set(zip(rows.column("contract").to_pylist(), (_stamps(rows) // DAY_US).tolist(), strict=True)))
    if len(rows) > _SEVERAL * days:
        raise BadBars(
            f"{file_name}: expected day bars, found {len(rows):,} bars on {days:,} days; export day bars, or import "
            f"one-minute bars with --instrument."
        )


def _refuse_other_lengths(file_name: str, rows: pa.Table) -> None:
    days = np.unique(_stamps(rows) // DAY_US)
    step = float(np.median(np.diff(days))) if len(days) > 2 else 1.0
    if step > _LONG:
        raise BadBars(f"{file_name}: expected day bars, found bars of {step:.0f} days; export day bars.")
