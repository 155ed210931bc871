"""TradingView's "Export chart data": `time,open,high,low,close` in small letters, then whatever the chart shows."""

from typing import Final

from ml_data.importers.base import Importer
from ml_data.importers.csv_importer import CsvImporter
from ml_data.importers.csv_layout import PRICES, Found, read_header, sample_rows
from ml_data.importers.stamps import stamp_layout

_NAMES: Final = ("time", *PRICES)
_SHOWN: Final = 3


def _find(lines: tuple[str, ...]) -> Found | None:
    header = read_header(lines[0]) if lines else None
    if header is None or header.delimiter != "," or header.names[: len(_NAMES)] != _NAMES:
        return None
    studies = header.names[len(_NAMES) :]
    if "volume" in studies or (header.volume is not None and header.names[header.volume] != "Volume"):
        return None  # it would be written Volume: a study of the chart
    layout = stamp_layout(row[0] for row in sample_rows(lines, header, 1))
    if layout is None or (layout.clock == "naive" and not layout.daily):
        return None  # it would have an offset, or be seconds since 1970
    why = "its columns begin with time,open,high,low,close"
    if studies:
        more = ", ..." if len(studies) > _SHOWN else ""
        why += f", followed by what the chart shows ({', '.join(studies[:_SHOWN])}{more})"
    return Found(header, 1, why)


IMPORTER: Final[Importer] = CsvImporter("tradingview", "TradingView chart export", _find)
