"""Databento DBN files of one-minute bars (`ohlcv-1m`), versions 1 to 3, as they come or packed with zstd."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import databento_dbn
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_data.bar_file import BarFile, Unpacked
from ml_data.importers.base import CHUNK_ROWS, OTHERS_SHOWN, REJECTS, ROWS, Chunk, Importer, Reading, Recognised
from ml_data.importers.symbols import ContractOf, contract_of
from trading.domain.instrument import Instrument
from trading.errors import BadBars

NEWEST_VERSION: Final = 3
SCHEMA: Final = "ohlcv-1m"
_RTYPES: Final = (0x21, 0x11)  # one minute; and the code that early version 1 files gave to every bar length
_NO_PRICE: Final = np.iinfo(np.int64).max
_EPOCH_DAY: Final = date(1970, 1, 1)
_RECORD: Final = [
    ("length", "u1"),  # in words of 4 bytes
    ("rtype", "u1"),
    ("publisher_id", "<u2"),
    ("instrument_id", "<u4"),
    ("ts_event", "<u8"),  # start of the bar, nanoseconds
    ("open", "<i8"),  # prices in units of 1e-9
    ("high", "<i8"),
    ("low", "<i8"),
    ("close", "<i8"),
    ("volume", "<u8"),
]
_PRICES: Final = ("open", "high", "low", "close")


@dataclass(frozen=True)
class _Header:
    metadata: Any  # databento_dbn.Metadata
    version: int
    record: np.dtype[Any]


@dataclass(frozen=True)
class _Symbols:
    """Which symbol an instrument id stands for, and when: n intervals sorted by `key` = id * 2**32 + first day.

    Interval k holds up to (not with) `last_day[k]`; days are counted since 1970. `name[k]` indexes `names`.
    """

    key: npt.NDArray[np.int64]
    last_day: npt.NDArray[np.int64]
    name: npt.NDArray[np.int64]
    names: tuple[str, ...]
    contracts: tuple[str | None, ...]  # what each name is stored as; None for another instrument's

    @property
    def ours(self) -> npt.NDArray[np.bool_]:
        """Which of `names` are of the instrument."""
        return np.array([contract is not None for contract in self.contracts], dtype=bool)

    def of(self, ids: npt.NDArray[np.int64], days: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the index into `names` of each (id, day); -1 where the file names no symbol."""
        place = np.searchsorted(self.key, ids * 2**32 + days, side="right") - 1
        known = (place >= 0) & (self.key[place] >> 32 == ids) & (days < self.last_day[place])
        return np.where(known, self.name[place], -1)


class DatabentoDbn:
    """The importer of Databento's binary files."""

    format = "databento-dbn"
    title = "Databento DBN"

    def recognise(self, head: bytes) -> str | None:
        """Return the version that the first bytes state, or None."""
        return f"its content starts with DBN, version {head[3]}" if head[:3] == b"DBN" and len(head) > 3 else None

    def open(self, file: BarFile, instrument: Instrument, time_zone: str | None) -> Reading:  # noqa: ARG002 - always UTC
        """Read the header; the bars are read when chunks are taken."""
        with file.unpacked() as (content, _):
            header = _read_header(content, file.name)
        metadata = header.metadata
        if str(metadata.schema) != SCHEMA:
            found = "several schemas in one file" if metadata.schema is None else f"schema {metadata.schema}"
            raise BadBars(f"{file.name}: expected one-minute bars (schema {SCHEMA}), found {found}; download {SCHEMA}.")
        symbols = _symbols(metadata, contract_of(instrument))
        asked = ", ".join(metadata.symbols[:OTHERS_SHOWN])
        if not symbols.ours.any():
            named = ", ".join(symbols.names[:OTHERS_SHOWN]) or "no symbols"
            expected = f"contracts like {instrument.contracts.pattern}" if instrument.contracts else instrument.symbol
            raise BadBars(
                f"{file.name}: wrong instrument: expected {expected} for {instrument.symbol}, found {asked} ({named}); "
                f"choose the instrument that the file is of."
            )
        continuous = instrument.contracts is not None and instrument.symbol in symbols.contracts
        series = f"; its bars are one continuous series of {instrument.symbol}" if continuous else ""
        recognised = Recognised(
            format=self.format,
            title=self.title,
            why=f"its content starts with DBN, version {header.version}: {metadata.dataset}, {SCHEMA}, {asked}{series}",
            columns_used=("instrument_id", "ts_event", *_PRICES, "volume"),
            columns_ignored=("publisher_id",),
            time_zone="UTC",
            stamps="start",
            span=_span(metadata),
        )
        return Reading(recognised, _chunks(file, symbols))

    def raw_rows(self, file: BarFile, row_numbers: Collection[int]) -> dict[int, str]:
        """Return records as `field=value`, with the integers that the file holds."""
        wanted = np.array(sorted(row_numbers), dtype=np.int64)
        fields = ("instrument_id", "ts_event", *_PRICES, "volume")
        raw = dict[int, str]()
        with file.unpacked() as (content, _):
            first = 1
            for records in _records(content, _read_header(content, file.name), file.name):
                for row in wanted[(wanted >= first) & (wanted < first + len(records))].tolist():
                    record = records[row - first]
                    raw[row] = " ".join(f"{field}={record[field]}" for field in fields)
                first += len(records)
        return raw


def _read_header(content: Unpacked, file_name: str) -> _Header:
    start = content.read(8)
    if start[3:4] > bytes([NEWEST_VERSION]):
        raise BadBars(
            f"{file_name}: expected DBN version 1 to {NEWEST_VERSION}, found version {start[3]}; update the program, "
            f"or download an older version."
        )
    length = int.from_bytes(start[4:8], "little")
    body = content.read(length)
    if len(start) < 8 or len(body) < length:
        raise BadBars(f"{file_name}: the file is cut short in its header; download it again.")
    try:
        metadata = databento_dbn.Metadata.decode(start + body)
    except databento_dbn.DBNError as error:
        raise BadBars(f"{file_name}: the file is damaged: its DBN header says nothing ({error}).") from error
    sent_at = [("ts_out", "<u8")] if metadata.ts_out else []
    return _Header(metadata, start[3], np.dtype(_RECORD + sent_at))


def _symbols(metadata: Any, contract: ContractOf) -> _Symbols:
    """Return the file's symbols, and which of them are outright contracts of the instrument, or its first in a row."""
    mappings = metadata.mappings  # made anew at each access
    names = tuple(sorted(mappings))
    intervals = sorted(
        (int(interval["symbol"]) * 2**32 + _day(interval["start_date"]), _day(interval["end_date"]), number)
        for number, name in enumerate(names)
        for interval in mappings[name]
        if interval["symbol"].isdigit()
    )
    table = np.array(intervals, dtype=np.int64).reshape(len(intervals), 3)
    mapped = np.zeros(len(names), dtype=bool)
    mapped[table[:, 2]] = True
    contracts = tuple(contract(name) if is_mapped else None for name, is_mapped in zip(names, mapped, strict=True))
    return _Symbols(table[:, 0], table[:, 1], table[:, 2], names, contracts)


def _day(day: date) -> int:
    return (day - _EPOCH_DAY).days


def _span(metadata: Any) -> tuple[datetime, datetime] | None:
    if not metadata.end or metadata.end >= 2**63:
        return None
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return (
        epoch + timedelta(microseconds=metadata.start // 1000),
        epoch + timedelta(microseconds=metadata.end // 1000),
    )


def _records(content: Unpacked, header: _Header, file_name: str) -> Iterator[npt.NDArray[Any]]:
    size = header.record.itemsize
    before = 0
    while block := content.read(size * CHUNK_ROWS):
        if len(block) % size:
            raise BadBars(
                f"{file_name}: the file is cut short: it ends inside record {before + len(block) // size + 1:,}; "
                f"download it again."
            )
        records = np.frombuffer(block, header.record)
        other = (records["length"] != size // 4) | ~np.isin(records["rtype"], _RTYPES)
        if other.any():
            place = int(other.argmax())
            raise BadBars(
                f"{file_name}: expected one-minute bars only, found a record of type {int(records['rtype'][place])} "
                f"at {before + place + 1:,}; download schema {SCHEMA}."
            )
        yield records
        before += len(records)


def _chunks(file: BarFile, symbols: _Symbols) -> Iterator[Chunk]:
    with file.unpacked() as (content, packed):
        first = 1
        for records in _records(content, _read_header(content, file.name), file.name):
            yield _chunk(records, first, symbols, packed.tell() / file.size)
            first += len(records)


def _chunk(records: npt.NDArray[Any], first: int, symbols: _Symbols, share: float) -> Chunk:
    stamp = records["ts_event"].astype(np.int64)
    name = symbols.of(records["instrument_id"].astype(np.int64), stamp // 86_400_000_000_000)
    unknown = name < 0
    mine = symbols.ours[name] & ~unknown
    kept = records[mine]
    row_number = np.arange(first, first + len(records), dtype=np.int64)
    bars = pa.table(
        [
            pa.DictionaryArray.from_arrays(name[mine], pa.array(symbols.contracts, pa.string())).cast(pa.string()),
            pa.array(stamp[mine] // 1_000).cast(ROWS.field("ts").type),
            *(pa.array(_price(kept[field])) for field in _PRICES),
            pa.array(kept["volume"].astype(np.float64)),
            pa.array(row_number[mine]),
        ],
        schema=ROWS,
    )
    nameless = row_number[unknown]
    reason = "the file names no symbol for its instrument id on that day"
    others = np.flatnonzero(np.bincount(name[~mine & ~unknown], minlength=1))[:OTHERS_SHOWN]
    return Chunk(
        bars=bars,
        rejects=pa.table([pa.array(nameless), pa.array([reason] * len(nameless), pa.string())], schema=REJECTS),
        rows_read=len(records),
        bars_dropped=len(records) - len(kept) - len(nameless),
        share=share,
        others=tuple(symbols.names[index] for index in others),
    )


def _price(fixed: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return np.where(fixed == _NO_PRICE, np.nan, fixed / 1e9)


IMPORTER: Final[Importer] = DatabentoDbn()
