"""Yahoo Finance, as `yfinance` saves it: adjusted closes or dividends beside the bars, tickers below the names.

What `yfinance.download` saves has three lines of names: the columns, the ticker of each, and `Datetime`.
"""

from dataclasses import replace
from typing import Final

from ml_data.importers.base import Importer
from ml_data.importers.column_names import plain_names
from ml_data.importers.csv_importer import CsvImporter
from ml_data.importers.csv_layout import Found, cells_of, read_header

_STAMPS: Final = ("datetime", "date")


def _find(lines: tuple[str, ...]) -> Found | None:
    header = read_header(lines[0]) if lines else None
    if header is None:
        return _find_below_tickers(lines)
    plain = plain_names(header.names)
    for name in ("adj close", "stock splits"):
        if plain[0] in _STAMPS and name in plain:
            also = header.names[plain.index(name)]
            return Found(header, 1, f"its first line names the columns {header.names[0]} and {also}")
    return None


def _find_below_tickers(lines: tuple[str, ...]) -> Found | None:
    if len(lines) > 1 and lines[0].startswith("Ticker,"):  # grouped by ticker
        lines = (lines[1], lines[0], *lines[2:])
    names, tickers, below = ([cell.strip() for cell in cells_of(line, ",")] for line in (*lines[:3], "", "", "")[:3])
    if len(names) < 2 or names[0] != "Price" or tickers[:1] != ["Ticker"] or below[:1] not in (["Datetime"], ["Date"]):
        return None
    header = read_header(",".join([below[0], *names[1:]]))
    if header is None:
        return None
    several = sorted(set(tickers[1:]))
    refusal = ""
    if len(several) > 1:
        refusal = f"expected one ticker, found {', '.join(several[:3])} side by side; download each to its own file."
    header = replace(header, names=(f"Price ({below[0]})", *header.names[1:]))
    return Found(header, 3, f"its first lines name the columns Price and Ticker ({several[0]})", refusal=refusal)


IMPORTER: Final[Importer] = CsvImporter("yahoo", "Yahoo Finance bars", _find)
