"""TradeStation's "Save as": `"Date","Time","Open","High","Low","Close","Up","Down"`, stamps of the end of each bar."""

from dataclasses import replace
from typing import Final

from ml_data.importers.base import Importer
from ml_data.importers.csv_importer import CsvImporter
from ml_data.importers.csv_layout import Found, plain_names, read_header


def _find(lines: tuple[str, ...]) -> Found | None:
    header = read_header(lines[0]) if lines else None
    if header is None or plain_names(header.names)[:8] != [
        "date",
        "time",
        "open",
        "high",
        "low",
        "close",
        "up",
        "down",
    ]:
        return None
    why = "its first line names the columns Up and Down, the volumes on upticks and downticks"
    return Found(replace(header, volume=None), 1, why, notes=("Up and Down are parts of the volume and are not read",))


IMPORTER: Final[Importer] = CsvImporter("tradestation", "TradeStation bars", _find, stamps="end")
