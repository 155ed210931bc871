"""Small files of bars, written out as vendors write them, for the tests of the import."""

import io
import struct
import warnings
import zipfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import databento_dbn
import pyarrow as pa
import zstandard

from ml_data.bar_file import open_bar_file
from ml_data.importers.base import ROWS, Chunk, Importer
from trading.domain.instrument import Instrument, read_instrument

INSTRUMENTS = Path(__file__).resolve().parents[2] / "config" / "instruments"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

CSV_HEADER = "timestamp,open,high,low,close,volume"


def mgc() -> Instrument:
    return read_instrument(INSTRUMENTS / "MGC.toml")


def nq() -> Instrument:
    """One continuous series in ticks of a quarter, without contracts."""
    changed = {"symbol": "NQ", "tick": 0.25, "contracts": None, "plausible_prices": None}
    return mgc().model_copy(update=changed)


def at(text: str) -> datetime:
    """A UTC instant, `2024-01-02 00:05`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def csv(path: Path, *rows: str, header: str = CSV_HEADER) -> Path:
    return write(path, "\n".join((header, *rows)) + "\n")


def minutes(first: str, count: int, *, price: float = 100.0, step: int = 1, zone: str = "Z") -> list[str]:
    """`count` CSV rows a `step` of minutes apart, each one tick of a quarter above the one before."""
    start = at(first)
    return [
        f"{start + timedelta(minutes=step * n):%Y-%m-%dT%H:%M:%S}{zone},{price + n / 4},{price + n / 4 + 1},"
        f"{price + n / 4 - 1},{price + n / 4 + 0.5},{10 + n}"
        for n in range(count)
    ]


@dataclass(frozen=True)
class Interval:
    symbol: str
    start_date: date = date(2024, 1, 1)
    end_date: date = date(2024, 2, 1)


@dataclass(frozen=True)
class Mapping:
    raw_symbol: str
    intervals: tuple[Interval, ...]


MGC_IDS = {"MGCG4": 42, "MGCJ4": 43, "MGCG4-MGCJ4": 44}


def dbn(
    *records: bytes,
    version: int = 1,
    schema: str | None = "ohlcv-1m",
    ids: dict[str, int] | None = None,
    mappings: list[Mapping] | None = None,
    symbols: tuple[str, ...] = ("MGC.FUT",),
    ts_out: bool = False,
) -> bytes:
    if mappings is None:
        mappings = [Mapping(name, (Interval(str(number)),)) for name, number in (ids or MGC_IDS).items()]
    metadata = databento_dbn.Metadata(
        dataset="GLBX.MDP3",
        start=1_704_067_200_000_000_000,
        end=1_706_745_600_000_000_000,
        stype_in=databento_dbn.SType.PARENT,
        stype_out=databento_dbn.SType.INSTRUMENT_ID,
        schema=None if schema is None else databento_dbn.Schema(schema),
        symbols=list(symbols),
        partial=[],
        not_found=[],
        mappings=mappings,
        version=version,
        ts_out=ts_out,
    )
    return metadata.encode() + b"".join(records)


def record(
    ts: str,
    ohlc: tuple[float, float, float, float] = (2070.0, 2070.5, 2069.5, 2070.1),
    volume: int = 7,
    *,
    instrument_id: int = 42,
    rtype: int = 0x21,
    ts_out: bool = False,
) -> bytes:
    """One bar as the format lays it out: prices in units of 1e-9."""
    prices = [round(price * 10) * 100_000_000 if price == round(price, 1) else round(price * 1e9) for price in ohlc]
    stamp = int(at(ts).timestamp()) * 1_000_000_000
    packed = struct.pack("<BBHIQqqqqQ", 16 if ts_out else 14, rtype, 1, instrument_id, stamp, *prices, volume)
    return packed + struct.pack("<Q", stamp) if ts_out else packed


def zip_of(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of members (name, content), which may share a name."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that are there twice
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return packed.getvalue()


def zstd(*frames: bytes) -> bytes:
    return b"".join(zstandard.ZstdCompressor(write_checksum=True).compress(frame) for frame in frames)


@dataclass(frozen=True)
class Taken:
    """All chunks of a file together."""

    bars: pa.Table
    rejects: list[tuple[int, str]]
    rows_read: int
    bars_dropped: int
    chunks: list[Chunk]

    @property
    def rows(self) -> list[tuple[object, ...]]:
        """Contract, stamp as text, open, high, low, close, volume, row number."""
        return [
            (row["contract"], f"{row['ts']:%Y-%m-%d %H:%M:%S}", *list(row.values())[2:])
            for row in self.bars.to_pylist()
        ]


def take(importer: Importer, path: Path, instrument: Instrument, time_zone: str | None = None) -> Taken:
    chunks = list(importer.open(open_bar_file(path), instrument, time_zone).chunks)
    rejects = [(row["row_number"], row["reason"]) for chunk in chunks for row in chunk.rejects.to_pylist()]
    return Taken(
        bars=pa.concat_tables([ROWS.empty_table(), *(chunk.bars for chunk in chunks)]),
        rejects=rejects,
        rows_read=sum(chunk.rows_read for chunk in chunks),
        bars_dropped=sum(chunk.bars_dropped for chunk in chunks),
        chunks=chunks,
    )
