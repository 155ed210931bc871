"""The instruments that are described: one TOML file each, the user's own before those that come with the hub."""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from trading.domain.calendar import day_windows
from trading.domain.instrument import SYMBOL_PATTERN, Instrument, read_instrument
from trading.errors import BadSettings
from trading.toml_file import WrongValue, fault

_TRIED: Final = np.arange("2024-01-01", "2026-01-01", dtype="datetime64[D]")
"""Days on which windows are tried: they hold every step of daylight saving twice, and a leap day."""


def instrument_files(folders: Sequence[Path]) -> dict[str, Path]:
    """Return the files of all instruments by symbol, sorted; a file in an earlier folder hides one in a later."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def check_symbol(symbol: str) -> None:
    """Raise `BadSettings` when `symbol` cannot be the name of an instrument."""
    if not re.fullmatch(SYMBOL_PATTERN, symbol):
        raise BadSettings(f"{symbol!r} is not a symbol: expected 1 to 12 letters A-Z and digits, such as ES or EURUSD.")


def find_instrument(folders: Sequence[Path], symbol: str) -> Instrument:
    """Return the instrument `symbol` (in capitals) from the first of `folders` that describes it.

    Raises
    ------
    BadSettings
        when none does (the message lists those that are described), or as `checked_instrument` does.
    """
    check_symbol(symbol)
    files = instrument_files(folders)
    if symbol not in files:
        raise BadSettings(
            f"{symbol}: no such instrument. Known: {', '.join(files) or 'none'}. To describe it: "
            f"hub instrument new {symbol} --kind futures (or fx, equity, crypto)."
        )
    return checked_instrument(files[symbol])


def checked_instrument(path: Path) -> Instrument:
    """Return the instrument that the TOML file at `path` describes, its windows tried on every day of two years.

    Raises
    ------
    BadSettings
        naming file, line, key, what is expected and what was found.
    """
    instrument = read_instrument(path)
    wrong = _misplaced(instrument)
    if instrument.symbol != path.stem:
        wrong = WrongValue(("symbol",), f"expected {path.stem!r} like the file's name", repr(instrument.symbol))
    if wrong is not None:
        raise fault(path, wrong)
    return instrument


@lru_cache(maxsize=256)
def _misplaced(instrument: Instrument) -> WrongValue | None:
    """Return the first window that does not lie where it must on some day; None when all do."""
    windows = day_windows(instrument, _TRIED)
    starts, ends = windows.starts, windows.ends
    if (wrong := _first(starts >= ends)) is not None:
        return WrongValue(("trading_day", "ends"), "expected a later time than it starts", f"none on {wrong}")
    if (wrong := _first(ends[:-1] > starts[1:])) is not None:
        return WrongValue(("trading_day",), "expected a day that ends before the next", f"one that does not on {wrong}")
    for place, session in enumerate(instrument.sessions):
        begins, stops = windows.session_starts[:, place], windows.session_ends[:, place]
        inside = (begins < stops) & (stops <= ends) & ((begins >= starts) | session.before_day_start)
        if (wrong := _first(~inside)) is not None:
            found = f"{session.starts:%H:%M} to {session.ends:%H:%M}, which is none on {wrong}"
            return WrongValue(("sessions", place), "expected a window within the trading day", found)
    for place, rule in enumerate(instrument.opening_ranges):
        begins, stops = windows.range_starts[:, place], windows.range_ends[:, place]
        expires = windows.range_session_ends[:, place]
        key = ("opening_ranges", place)
        if (wrong := _first((begins < starts) | (stops > ends))) is not None:
            found = f"{rule.starts:%H:%M} and {rule.minutes} minutes, outside it on {wrong}"
            return WrongValue((*key, "starts"), "expected a range within the trading day", found)
        if (wrong := _first((stops >= expires) | (expires > ends))) is not None:
            found = f"{rule.session_ends:%H:%M}, which is not on {wrong}"
            return WrongValue((*key, "session_ends"), "expected a time after the range, in its trading day", found)
    return None


def _first(wrong: npt.NDArray[np.bool_]) -> str | None:
    """Return the first day that is marked."""
    return str(_TRIED[int(wrong.argmax())]) if wrong.any() else None
