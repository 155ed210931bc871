"""Whether day bars are of the instrument they are imported as: a ticker may be two things (`ES`: a future, a stock)."""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from ml_data.importers.base import Recognised
from trading.domain.instrument import Instrument
from trading.errors import BadBars

_OTHER_LEVEL: Final = 2.0  # times the stored close near that day, up or down
_MOSTLY: Final = 0.5
_OF_A_COMPANY: Final = ("company", "sector", "industry")
_NOTHING: Final = ("0", "0.0")  # such as the open interest of what has none
_OF_A_FUTURE: Final = ("open interest",)


def refuse_another_thing(
    file_name: str, rows: pa.Table, instrument: Instrument, recognised: Recognised, off_grid: float, known: float
) -> None:
    """Raise BadBars with all that speaks against `rows` being day bars of `instrument`, if anything does.

    `rows` are as the file has them, `off_grid` is the share of prices off the tick grid, `known` a stored close near
    the newest of them (0: none).
    """
    closes = rows.column("close").to_numpy()
    newest = float(closes[rows.column("ts").cast(pa.int64()).to_numpy().argmax()]) if len(closes) else 0.0
    evidence = [*_said(instrument, recognised), *_by_price(instrument, off_grid, newest, known)]
    if not evidence:
        return
    advice = "choose the instrument that the file is of"
    if instrument.kind != "stock":
        advice += "; the bars of a stock are imported with --universe"
    what = {"stock": "a stock", "future": "the future"}.get(instrument.kind or "", "the instrument")
    raise BadBars(
        f"{file_name}: expected day bars of {what} {instrument.symbol} ({instrument.name}), found what contradicts it: "
        f"{'; '.join(evidence)}; {advice}."
    )


def _said(instrument: Instrument, recognised: Recognised) -> list[str]:
    if instrument.kind is None:
        return []
    words = _OF_A_FUTURE if instrument.kind == "stock" else _OF_A_COMPANY
    told = [(name, value) for name, value in recognised.told if value not in _NOTHING]
    found = [(name, value) for name, value in told if any(word in _plain(name) for word in words)]
    return [f"its column {name} says {value!r}" for name, value in found]


def _by_price(instrument: Instrument, off_grid: float, newest: float, known: float) -> list[str]:
    found = []
    if instrument.kind != "stock" and off_grid > _MOSTLY:
        found.append(f"{off_grid:.0%} of its prices lie off the tick grid of {instrument.tick:g}")
    if known and newest and not 1 / _OTHER_LEVEL < newest / known < _OTHER_LEVEL:
        found.append(f"its newest close is {newest:,.10g} where {known:,.10g} is stored near that day")
    return found


def _plain(name: str) -> str:
    return name.replace("_", " ").lower()


def notes_on_prices(recognised: Recognised, instrument: Instrument, off_grid: float, widened: int) -> list[str]:
    """Return what a reader of the prices must know: which close is used, and whether prices are adjusted."""
    used, ignored = (
        [name.lower() for name in names] for names in (recognised.columns_used, recognised.columns_ignored)
    )
    notes = []
    if any("adj" in name and "close" in name for name in ignored):
        notes.append(
            "Close is stored and Adj Close is not: open, high and low are on the scale of Close, which is adjusted for "
            "splits only, not for dividends"
        )
    if off_grid and instrument.kind == "stock":
        notes.append(
            f"{off_grid:.0%} of the prices lie off the tick grid of {instrument.tick:g}, as prices adjusted for "
            f"splits and dividends do; they are stored as they are: their ratios are right, the level of a day moves "
            f"with every later dividend"
        )
    if any("adj" in name and "close" in name for name in used):
        notes.append("the close is an adjusted one; open, high and low may be on another scale")
    if widened:
        notes.append(f"high or low was widened by a rounding error to reach the open or close, in {_rows(widened)}")
    return notes


def refuse_other_sessions(file_name: str, closed: Sequence[object], rows: int, instrument: Instrument) -> None:
    """Raise BadBars when too many days are no sessions of a stock's exchange: dates are shifted, or of another one."""
    if instrument.kind == "stock" and len(closed) >= 3 and len(closed) > 0.05 * rows:
        first = min(str(day) for day in closed)
        raise BadBars(
            f"{file_name}: {len(closed):,} of {rows:,} days are no sessions of {instrument.exchange_calendar} (first: "
            f"{first}), so its dates are shifted by a day or it is of another exchange; export it with the exchange's "
            f"own dates."
        )


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
