"""Interactive Brokers' historical bars as its Python clients save them: with an average price and a number of trades.

Stamps have the zone of the login, named in them or not, or an offset. Bid, ask and midpoint bars have the volume -1.
"""

from typing import Final

from ml_data.importers.base import Importer
from ml_data.importers.column_names import plain_names
from ml_data.importers.csv_importer import CsvImporter
from ml_data.importers.csv_layout import Found, read_header

_AVERAGES: Final = ("average", "wap")
_COUNTS: Final = ("barcount", "bar count", "count")


def _find(lines: tuple[str, ...]) -> Found | None:
    header = read_header(lines[0]) if lines else None
    if header is None:
        return None
    plain = plain_names(header.names)
    average = next((header.names[plain.index(name)] for name in _AVERAGES if name in plain), None)
    count = next((header.names[plain.index(name)] for name in _COUNTS if name in plain), None)
    if average is None or count is None:
        return None
    return Found(header, 1, f"its first line names the columns {average} and {count} beside the prices")


IMPORTER: Final[Importer] = CsvImporter("interactive-brokers", "Interactive Brokers bars", _find)
