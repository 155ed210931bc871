"""MetaTrader 4's exported bars: `2024.01.02,09:30,1.1040,1.1042,1.1039,1.1041,57`, without a header.

Stamps show the clock of the broker's server, which must be named; a stamp marks the start of its bar.
"""

import re
from typing import Final

from ml_data.importers.base import Importer
from ml_data.importers.csv_importer import CsvImporter
from ml_data.importers.csv_layout import Found, columns, share_alike
from ml_data.importers.vendor_habits import TICKS

_ROW: Final = re.compile(r"\d{4}\.\d\d\.\d\d,\d\d:\d\d(,\d+(\.\d+)?){4},\d+\s*")
_COLUMNS: Final = columns(",", "date", "time", "open", "high", "low", "close", "volume")


def _find(lines: tuple[str, ...]) -> Found | None:
    if not share_alike(lines, _ROW):
        return None
    why = "its rows are YYYY.MM.DD,HH:MM,open,high,low,close,volume without a header"
    return Found(_COLUMNS, 0, why, notes=(TICKS,))


IMPORTER: Final[Importer] = CsvImporter("metatrader4", "MetaTrader 4 bars", _find)
