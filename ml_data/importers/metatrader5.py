"""MetaTrader 5's exported bars: `<DATE> <TIME> <OPEN> <HIGH> <LOW> <CLOSE> <TICKVOL> <VOL> <SPREAD>`, with tabs.

Stamps show the clock of the broker's server, which must be named; a stamp marks the start of its bar.
"""

from dataclasses import replace
from typing import Final

from ml_data.importers.base import Importer
from ml_data.importers.csv_importer import CsvImporter
from ml_data.importers.csv_layout import Found, read_header, sample_rows
from ml_data.importers.vendor_habits import TICKS


def _find(lines: tuple[str, ...]) -> Found | None:
    header = read_header(lines[0]) if lines else None
    if header is None or "<TICKVOL>" not in header.names:
        return None
    ticks = header.names.index("<TICKVOL>")
    real = header.names.index("<VOL>") if "<VOL>" in header.names else None
    why = f"its first line names the columns {' '.join(header.names)}"
    rows = sample_rows(lines, header, 1)
    if real is not None and any(row[real].strip() not in ("", "0") for row in rows):
        return Found(replace(header, volume=real), 1, why)
    return Found(replace(header, volume=ticks), 1, why, notes=(f"{TICKS}: <TICKVOL> is used, as <VOL> is 0",))


IMPORTER: Final[Importer] = CsvImporter("metatrader5", "MetaTrader 5 bars", _find)
