"""From an importer's chunks to checked bars: sorted, each minute once, in windows of time that do not overlap."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa

from ml_data.bar_checks import bar_seconds, check_rows, on_nearest_tick, unique_rows
from ml_data.importers.base import CHUNK_ROWS, OTHERS_SHOWN, ROWS, Chunk, DayBars
from trading.domain.instrument import Instrument
from trading.errors import BadBars

_HALF_A_DAY: Final = 43_200  # seconds: bars that are longer are of a day, or of a week


class OutOfOrder(Exception):
    """The rows of a file go back in time, so it must be taken as one window."""


@dataclass(frozen=True)
class Window:
    """Some of a file's bars, sorted by (contract, ts), unique; no other window of the file has bars of their time.

    The other values count what was read since the window before: as in Chunk, and `repeated` rows that said the same
    as another.
    """

    rows: pa.Table
    rejects: pa.Table
    rows_read: int
    repeated: int
    bars_dropped: int
    others: tuple[str, ...]
    repairs: tuple[tuple[str, int], ...]
    share: float


def windows(
    chunks: Iterable[Chunk], instrument: Instrument, file_name: str, *, whole: bool = False
) -> Iterator[Window]:
    """Yield the bars of `chunks` in windows of about CHUNK_ROWS rows, or all in one if `whole`.

    The rows of a chunk may come in any order; chunks follow each other in time. A minute that two chunks share is
    kept for the second. Prices between two ticks are rounded where the instrument says so, and told as a repair.

    Raises
    ------
    OutOfOrder
        when a chunk goes back in time.
    BadBars
        when bars are longer or shorter than a minute.
    """
    held = ROWS.empty_table()
    reached = np.iinfo(np.int64).min
    for chunk, last in _with_last(_gathered(chunks, whole=whole)):
        if instrument.off_grid == "round":
            chunk = _rounded(chunk, instrument.tick)
        checked, rejects = check_rows(chunk.bars, instrument.tick)
        rows = pa.concat_tables([held, checked]) if len(held) else checked
        instants = rows.column("ts").cast(pa.int64()).to_numpy()
        if len(instants) and instants.min() <= reached:
            raise OutOfOrder
        if last or not len(instants):
            ready, held = (rows, held.slice(0, 0)) if last else (held.slice(0, 0), rows)
        else:
            newest = instants == instants.max()
            ready, held = rows.filter(pa.array(~newest)), rows.filter(pa.array(newest))
            reached = max(reached, int(instants[~newest].max(initial=reached)))
        unique = unique_rows(ready)
        # Rejected rows have distances too: without them thirty seconds or every second minute would look otherwise.
        seconds = bar_seconds(chunk.bars if len(rejects) else unique.rows)
        if seconds > _HALF_A_DAY:
            raise DayBars(file_name, f"{seconds // 60:,}-minute bars")
        if seconds != 60:
            length = f"{seconds // 60:,}-minute" if seconds % 60 == 0 else f"{seconds:,}-second"
            raise BadBars(f"{file_name}: expected one-minute bars, found {length} bars; export one-minute bars.")
        yield Window(
            rows=unique.rows,
            rejects=pa.concat_tables([chunk.rejects, rejects, unique.rejects]),
            rows_read=chunk.rows_read,
            repeated=unique.repeated,
            bars_dropped=chunk.bars_dropped,
            others=chunk.others,
            repairs=chunk.repairs,
            share=chunk.share,
        )


def _gathered(chunks: Iterable[Chunk], *, whole: bool) -> Iterator[Chunk]:
    """Yield chunks of at least CHUNK_ROWS rows, or one of all."""
    waiting: list[Chunk] = []
    for chunk in chunks:
        waiting.append(chunk)
        if not whole and sum(part.rows_read for part in waiting) >= CHUNK_ROWS:
            yield _joined(waiting)
            waiting = []
    if waiting:
        yield _joined(waiting)


def _rounded(chunk: Chunk, tick: float) -> Chunk:
    bars, moved = on_nearest_tick(chunk.bars, tick)
    said = f"prices between two ticks were rounded to the nearest {tick:g}, as the instrument's off_grid says"
    return replace(chunk, bars=bars, repairs=(*chunk.repairs, (said, moved)) if moved else chunk.repairs)


def _joined(chunks: list[Chunk]) -> Chunk:
    return Chunk(
        bars=pa.concat_tables([chunk.bars for chunk in chunks]).combine_chunks(),
        rejects=pa.concat_tables([chunk.rejects for chunk in chunks]),
        rows_read=sum(chunk.rows_read for chunk in chunks),
        bars_dropped=sum(chunk.bars_dropped for chunk in chunks),
        share=chunks[-1].share,
        others=tuple(sorted({name for chunk in chunks for name in chunk.others}))[:OTHERS_SHOWN],
        repairs=tuple(repair for chunk in chunks for repair in chunk.repairs),
    )


def _with_last(chunks: Iterator[Chunk]) -> Iterator[tuple[Chunk, bool]]:
    before: Chunk | None = None
    for chunk in chunks:
        if before is not None:
            yield before, False
        before = chunk
    if before is not None:
        yield before, True
