"""NinjaTrader's exported minutes (`ES 03-24.Last.txt`): `20240102 093100;4790.5;4791;4790;4790.75;812`.

A stamp marks the end of its bar, and NinjaTrader 8 writes it in UTC; what other vendors write for NinjaTrader looks the
same and may differ in both, so the clock must be named. Rows whose volume is always 0 may be HistData's as well, and
surely are with six decimals.
"""

import re
from typing import Final

from ml_data.importers.base import Importer
from ml_data.importers.csv_importer import CsvImporter
from ml_data.importers.csv_layout import Found, columns, share_alike

_PRICE: Final = r"\d+(?:[.,]\d+)?"
_MINUTES: Final = re.compile(rf"\d{{8}} \d{{6}}(;{_PRICE}){{4}};\d+\s*")
_HISTDATA: Final = re.compile(r"\d{8} \d{6}(;\d+\.\d{6,}){4};0\s*")
_DAYS: Final = re.compile(rf"\d{{8}}(;{_PRICE}){{4}};\d+\s*")
_TICKS: Final = re.compile(rf"\d{{8}} \d{{6}}( \d{{7}})?(;{_PRICE}){{1,3}};\d+\s*")
_COLUMNS: Final = columns(";", "datetime", "open", "high", "low", "close", "volume")


def _find(lines: tuple[str, ...]) -> Found | None:
    if share_alike(lines, _HISTDATA):
        return None
    if share_alike(lines, _MINUTES):
        why = "its rows are YYYYMMDD HHMMSS;open;high;low;close;volume without a header"
        return Found(_COLUMNS, 0, why)
    if share_alike(lines, _DAYS):
        return Found(_COLUMNS, 0, "its rows are YYYYMMDD;open;high;low;close;volume without a header")
    if share_alike(lines, _TICKS):
        refusal = "expected one-minute bars, found single trades; export minutes."
        return Found(_COLUMNS, 0, "its rows are single trades as NinjaTrader writes them", refusal=refusal)
    return None


IMPORTER: Final[Importer] = CsvImporter("ninjatrader", "NinjaTrader minutes", _find, stamps="end")
