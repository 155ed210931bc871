"""What an importer is: it knows its format by the content, says why, and yields the bars in chunks."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol

import pyarrow as pa

from ml_data.bar_file import BarFile
from trading.domain.bar import BARS
from trading.domain.instrument import Instrument
from trading.errors import BadBars

ROWS: Final = BARS.append(pa.field("row_number", pa.int64()))
"""Bars as an importer yields them: any order, prices and stamps as the file has them (times converted to UTC, a value
that is not there NaN), and the row of the source file, counted from 1 without its header and blank lines."""

REJECTS: Final = pa.schema([("row_number", pa.int64()), ("reason", pa.string())])
"""Rows that cannot be used, and why in a few words."""

CHUNK_ROWS: Final = 131_072
"""About how many rows an importer holds at once."""

OTHERS_SHOWN: Final = 5
"""How many dropped symbols a chunk names at most."""


Mark = Literal["start", "end"]

AS_WRITTEN: Final = "as written"
"""In place of a clock: stamps are yielded as what they show, whatever their offset, and may be dates alone. Of day bars
the date that is written matters: 2011-02-23 00:00:00-05:00 is the 23rd, also where that instant is another date."""

_TOLD: Final = re.compile(r"company|name|sector|industry|exchange|security type|asset class|open interest")
_TOLD_LENGTH: Final = 60


@dataclass(frozen=True)
class Recognised:
    """What a file was taken for. `why` finishes the sentence "taken for <title> because ..."."""

    format: str
    title: str
    why: str
    columns_used: tuple[str, ...]
    columns_ignored: tuple[str, ...]
    time_zone: str  # the clock of the stamps: "UTC", "offset in each stamp", or one that `wall_clock` knows
    stamps: Mark  # what a stamp marks of its minute
    span: tuple[datetime, datetime] | None  # as the header states it, UTC; None where only the rows know
    notes: tuple[str, ...] = ()  # what a reader of the values must know, such as "volume counts ticks"
    told: tuple[tuple[str, str], ...] = ()  # what other columns say the bars are of: (column, its first value)


@dataclass(frozen=True)
class Chunk:
    """Some rows of a file. Each of its `rows_read` rows is in `bars`, in `rejects`, or counted in `bars_dropped`.

    `bars_dropped` counts rows of other symbols (spreads, other products), `others` names some of them. `share` of the
    file, 0 to 1, was read when the chunk was complete. `repairs` say what was read as something else, in how many rows.
    """

    bars: pa.Table
    rejects: pa.Table
    rows_read: int
    bars_dropped: int
    share: float
    others: tuple[str, ...] = ()
    repairs: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Reading:
    """A file that was recognised, and its chunks: read while they are taken, once."""

    recognised: Recognised
    chunks: Iterator[Chunk]


class UnknownClock(BadBars):
    """Stamps show a wall clock, and nobody said which: the bars themselves will be asked.

    Every importer raises it, in `open` or while chunks are taken, when stamps are naive and `time_zone` is None; opened
    again with "UTC" it yields the stamps as they are written.
    """

    def __init__(self, file_name: str, sample: str) -> None:
        self.sample = sample
        super().__init__(
            f"{file_name}: expected to know the clock of its stamps, found none in {sample!r}; name it with "
            f"--time-zone, for example --time-zone 'America/New_York'."
        )


class DayBars(BadBars):
    """A file holds bars of a day (or longer), so it is read in another way.

    Every importer raises it, in `open`, when stamps are dates without a time of day and `time_zone` is not AS_WRITTEN.
    """

    def __init__(self, file_name: str, found: str) -> None:
        super().__init__(f"{file_name}: expected one-minute bars, found {found}; export one-minute bars.")


def tells(name: str) -> bool:
    """Return whether a column of this name may say what its bars are of, such as a company or a sector."""
    return _TOLD.search(name.replace("_", " ").lower()) is not None


def told(values: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Return what the first row's `values`, by column name, say of what the bars are of."""
    texts = {name: str(value).strip() for name, value in values.items() if value is not None}
    return tuple((name, text[:_TOLD_LENGTH]) for name, text in texts.items() if text and tells(name))


class Importer(Protocol):
    """One format. A module of this package that has an `IMPORTER` is found by `ml_data.recognition`."""

    @property
    def format(self) -> str:
        """The name to give to `--format`."""

    @property
    def title(self) -> str:
        """The name to show, such as "Databento DBN"."""

    def recognise(self, head: bytes) -> str | None:
        """Return why content that starts with `head` (up to 64 KiB, unpacked) has this format; None if it has not."""

    def open(self, file: BarFile, instrument: Instrument, time_zone: str | None) -> Reading:
        """Start to read `file` as bars of `instrument`; naive stamps show the wall clock of `time_zone`.

        `time_zone` is a clock that `ml_data.importers.wall_clock` knows, or AS_WRITTEN.

        Raises
        ------
        UnknownClock
            here or while chunks are taken, when stamps are naive and `time_zone` is None.
        DayBars
            when stamps are dates alone and `time_zone` is not AS_WRITTEN.
        BadBars
            here or while chunks are taken, when the file as a whole cannot be used; the message says what to do.
        """

    def raw_rows(self, file: BarFile, row_numbers: Collection[int]) -> dict[int, str]:
        """Return the named rows as the file has them, by row number, to show beside the reason of a rejection."""
