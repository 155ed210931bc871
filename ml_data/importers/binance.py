"""Binance's downloads of klines: twelve columns without a header, times in milli- or microseconds since 1970."""

import re
from dataclasses import replace
from typing import Final

from ml_data.importers.base import Importer
from ml_data.importers.csv_importer import CsvImporter
from ml_data.importers.csv_layout import Found, columns, share_alike

_NUMBER: Final = r"\d+(?:\.\d+)?"
_ROW: Final = re.compile(rf"\d{{13,16}}(,{_NUMBER}){{5}},\d{{13,16}},{_NUMBER},\d+,{_NUMBER},{_NUMBER},\d+\s*")
_BARS: Final = columns(",", "timestamp", "open", "high", "low", "close", "volume")
_OTHERS: Final = ("close time", "quote volume", "trades", "taker volume", "taker quote volume", "column 12")


def _find(lines: tuple[str, ...]) -> Found | None:
    if not share_alike(lines, _ROW):
        return None
    why = "its rows are twelve numbers, of which the first is a time, the next five a bar, and the seventh its end"
    return Found(replace(_BARS, names=(*_BARS.names, *_OTHERS)), 0, why)


IMPORTER: Final[Importer] = CsvImporter("binance", "Binance klines", _find)
