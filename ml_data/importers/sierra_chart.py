"""Sierra Chart's text export: `Date, Time, Open, High, Low, Last, Volume, NumberOfTrades, BidVolume, AskVolume`.

Times are those of the chart, so their clock must be named; a stamp marks the start of its bar.
"""

from typing import Final

from ml_data.importers.base import Importer
from ml_data.importers.column_names import plain_names
from ml_data.importers.csv_importer import CsvImporter
from ml_data.importers.csv_layout import Found, read_header

_TRADES: Final = ("numberoftrades", "of trades", "num trades", "number of trades")
_SIDES: Final = ("bidvolume", "bid volume")


def _find(lines: tuple[str, ...]) -> Found | None:
    header = read_header(lines[0]) if lines else None
    if header is None:
        return None
    plain = plain_names(header.names)
    trades = next((header.names[plain.index(name)] for name in _TRADES if name in plain), None)
    sides = next((header.names[plain.index(name)] for name in _SIDES if name in plain), None)
    if trades is None or sides is None or "last" not in plain:
        return None
    return Found(header, 1, f"its first line names the columns Last, {trades} and {sides}; Last is the close")


IMPORTER: Final[Importer] = CsvImporter("sierra-chart", "Sierra Chart text", _find)
