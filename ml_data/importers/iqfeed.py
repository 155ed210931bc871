"""IQFeed's minutes as its clients save them: `2024-01-16 09:31:00,high,low,open,close,total volume,volume,trades`.

A stamp marks the end of its bar and shows the clock of New York, which the bars confirm; the newest bar is often first.
"""

import re
from typing import Final

from ml_data.importers.base import Importer
from ml_data.importers.csv_importer import CsvImporter
from ml_data.importers.csv_layout import Found, cells_of, columns, share_alike

_ROW: Final = re.compile(r"(LH,)?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(,\d+(\.\d+)?){4},\d+,\d+,\d+,?\s*")
_NAMES: Final = ("datetime", "high", "low", "open", "close", "total", "volume", "trades")
_SHARE: Final = 0.9


def _find(lines: tuple[str, ...]) -> Found | None:
    if not share_alike(lines, _ROW):
        return None
    rows = [cells_of(line, ",") for line in lines if _ROW.fullmatch(line)]
    before = ("message",) if rows[0][0] == "LH" else ()
    after = ("",) if len(rows[0]) > len(before) + len(_NAMES) else ()
    prices = [[float(cell) for cell in row[len(before) + 1 :][:4]] for row in rows]
    if sum(high == max(row) and low == min(row) for row in prices for high, low, *_ in [row]) < _SHARE * len(rows):
        return None
    why = "its rows are a stamp, high, low, open, close, total volume, volume, trades without a header"
    return Found(columns(",", *before, *_NAMES, *after), 0, why)


IMPORTER: Final[Importer] = CsvImporter("iqfeed", "IQFeed minutes", _find, stamps="end")
