"""From the columns of a table to chunks of bars: one way for Parquet, Feather and JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_data.importers.arrow_columns import TableColumns
from ml_data.importers.arrow_values import StampColumn, are_whole, numbers_of
from ml_data.importers.base import AS_WRITTEN, Chunk, Recognised, UnknownClock
from ml_data.importers.chunks import Columns, chunk_of
from ml_data.importers.csv_layout import PRICES
from ml_data.importers.symbols import contract_of
from ml_data.importers.vendor_habits import from_fixed_point
from ml_data.importers.volumes import NO_COLUMN, usable_volume
from trading.domain.instrument import Instrument

_MINUTE_US = 60_000_000


@dataclass(frozen=True)
class TableBars:
    """How to read a table as bars of `instrument`; `zone` is the clock of naive stamps."""

    columns: TableColumns
    stamps: StampColumn
    zone: str | None
    instrument: Instrument

    def chunk(
        self,
        values: Mapping[int, pa.Array],
        row_number: npt.NDArray[np.int64],
        share: float,
        rejects: Sequence[tuple[int, str]] = (),
    ) -> Chunk:
        """Return the chunk of some rows: `values` by place in `columns.names`, all of one length."""
        places, rows = self.columns, len(row_number)
        instants, faults = self.stamps.instants([values[place] for place in places.stamps], self.zone)
        counted = None if places.volume is None else pa.chunked_array([numbers_of(values[places.volume])])
        volume, repairs = usable_volume(counted, rows)
        symbols = None if places.symbol is None else values[places.symbol]
        if places.ticker is not None:
            symbols = pa.repeat(pa.scalar(places.ticker), rows)
        prices = {name: self._prices(values[place]) for name, place in zip(PRICES, places.prices, strict=True)}
        read = Columns(
            instants=np.asarray(instants) - (_MINUTE_US if places.habits.ends else 0),
            faults=faults,
            numbers=prices | {"volume": volume},
            symbols=symbols,
            row_number=row_number,
            rejects=rejects,
        )
        return replace(chunk_of(read, self.instrument.symbol, contract_of(self.instrument), share), repairs=repairs)

    def _prices(self, column: pa.Array) -> pa.Array:
        numbers = numbers_of(column)
        if not self.columns.habits.fixed_point or not are_whole(column):
            return numbers
        return pa.array(from_fixed_point(numbers.to_numpy(zero_copy_only=False)))

    def recognised(self, format_name: str, title: str, why: str) -> Recognised:
        """Return what the table was taken for; `why` is what is said before the symbol."""
        columns, symbol = self.columns, self.instrument.symbol
        if columns.ticker is not None:
            why += f"; its columns are of {columns.ticker}"
        elif columns.symbol is None:
            series = "one continuous series of " if self.instrument.contracts is not None else ""
            why += f"; without a symbol column its bars are {series}{symbol}"
        if self.stamps.layout.order != "year":
            why += f"; its dates have the {self.stamps.layout.order} first, as a day above 12 says"
        habits = columns.habits
        why += f"; {habits.ends}" if habits.ends else ""
        if self.stamps.layout.epoch_us and self.stamps.layout.clock == "naive":
            why += "; its seconds since 1970 count what the server's clock shows"
        clocks = {"naive": str(self.zone), "aware": "offset in each stamp", "epoch": "UTC"}
        return Recognised(
            format=format_name,
            title=title,
            why=why,
            columns_used=tuple(columns.names[place] for place in columns.used),
            columns_ignored=tuple(name for place, name in enumerate(columns.names) if place not in columns.used),
            time_zone="UTC" if self.stamps.are_instants else clocks[self.stamps.layout.clock],
            stamps="end" if habits.ends else "start",
            span=None,
            notes=(*habits.notes, *(() if columns.volume is not None else (NO_COLUMN,))),
        )


def table_bars(
    file_name: str, columns: TableColumns, stamps: StampColumn, instrument: Instrument, time_zone: str | None
) -> TableBars:
    """Return how to read a table with such columns and stamps.

    Raises
    ------
    UnknownClock
        when stamps are naive, and neither `time_zone` nor their name says which clock they show.
    """
    if columns.habits.server_epochs and stamps.layout.clock == "epoch":
        stamps = replace(stamps, layout=replace(stamps.layout, clock="naive"))
    naive = stamps.layout.clock == "naive" or stamps.layout.as_written
    zone = "UTC" if time_zone == AS_WRITTEN else columns.clock or time_zone
    if naive and zone is None:
        raise UnknownClock(file_name, stamps.sample)
    return TableBars(columns, stamps, zone if naive else None, instrument)
