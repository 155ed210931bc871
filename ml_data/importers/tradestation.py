"""TradeStation's "Save as": `"Date","Time","Open","High","Low","Close","Up","Down"`, stamps of the end of each bar.

Up and Down are the volumes on upticks and on downticks, trades without a tick counting as the one before: together they
are the volume. Where the chart counts volume as a whole, `"Vol","OI"` stand in their place.
"""

from dataclasses import replace
from typing import Final

from ml_data.importers.base import Importer
from ml_data.importers.column_names import plain_names
from ml_data.importers.csv_importer import CsvImporter
from ml_data.importers.csv_layout import Found, read_header

_FIRST: Final = ["date", "time", "open", "high", "low", "close"]
_PLACE: Final = len(_FIRST)


def _find(lines: tuple[str, ...]) -> Found | None:
    header = read_header(lines[0]) if lines else None
    plain = [] if header is None else plain_names(header.names)
    if header is None or plain[:_PLACE] != _FIRST:
        return None
    if plain[_PLACE : _PLACE + 2] == ["up", "down"]:
        why = "its first line names the columns Up and Down, the volumes on upticks and downticks"
        note = "volume is the sum of Up and Down"
        return Found(replace(header, volume=_PLACE, more_volume=_PLACE + 1), 1, why, notes=(note,))
    if plain[_PLACE : _PLACE + 2] == ["vol", "oi"] and lines[0].startswith('"'):
        return Found(header, 1, "its first line names the columns Vol and OI, in quotes")
    return None


IMPORTER: Final[Importer] = CsvImporter("tradestation", "TradeStation bars", _find, stamps="end")
