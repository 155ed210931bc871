"""CSV with a header, from no vendor in particular: a time, open, high, low, close, a volume, a contract."""

from typing import Final

from ml_data.importers.base import Importer
from ml_data.importers.csv_importer import CsvImporter
from ml_data.importers.csv_layout import Found, find_header


def _find(lines: tuple[str, ...]) -> Found | None:
    found = find_header(lines)
    if found is None:
        return None
    header, skip = found
    volume = set() if header.volume is None else {header.volume}
    named = [header.names[place] for place in sorted({*header.stamps[0], *header.bars, *volume})]
    first = "first line" if skip == 1 else f"line {skip}"
    return Found(header, skip, f"its {first} names the columns {', '.join(named)}")


IMPORTER: Final[Importer] = CsvImporter("csv", "CSV with a header", _find)
