"""What files call an instrument: `NQH2024`, `NQ=F`, `CME_MINI:NQ1!`, `EUR/USD`, and which contract each of them is."""

import re
from collections.abc import Callable
from typing import Final

from trading.domain.instrument import Instrument
from trading.domain.universe import DayInstrument

ContractOf = Callable[[str], str | None]
"""From a symbol as a file has it to the contract that its bars are stored as; None for another instrument's."""

_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_CODES: Final = "FGHJKMNQUVXZ"  # of the months, from January on
# The first contract of a continuous series, as Yahoo, TradingView, Databento, IQFeed, TradeStation, Thinkorswim,
# NinjaTrader, Refinitiv and Bloomberg call it; NQ2! or NQ.c.1 is another series.
_CONTINUOUS: Final = (
    "{}=F", "{}1!", "{}.C.0", "{}.V.0", "{}.N.0", "@{}", "@{}#", "@{}#C", "{}#", "{} #F", "/{}", "{} ##-##", "{}C1",
    "{}1 INDEX", "{}1 COMDTY", "#{}",
)  # fmt: skip
_FUTURES_EXCHANGE: Final = re.compile(r"^(CME|CBOT|COMEX|NYMEX|GLBX)[A-Z_]*:")  # "NYSE:ES" is no future
_ANY_EXCHANGE: Final = re.compile(r"^[A-Z_]+:")
_EXCHANGE_AFTER: Final = re.compile(r"[.:-](X?CME|XCBT|CBOT|CBT|XCEC|COMEX|CMX|XNYM|NYMEX|NYM|GLBX)$")
_BETWEEN: Final = re.compile(r"[/_\s-]")
_COUNTRY: Final = re.compile(r"(=X|\.US|\.FOREX|\.FX|\.CC| US| US EQUITY| CURNCY)$")


def contract_of(instrument: Instrument) -> ContractOf:
    """Return the way from a file's symbols to the contracts of `instrument`.

    A continuous series, and what has no contracts, is stored under the instrument's own symbol. Of a universe's stocks
    the name is returned by which the universe knows it.
    """
    symbol = instrument.symbol
    if isinstance(instrument, DayInstrument):
        names = {*instrument.aliases, symbol}
        return lambda name: next((each for each in _spellings(name) if each in names), None)
    if instrument.contracts is None:
        return lambda name: symbol if name == symbol or _plain(name) == symbol else None
    pattern = re.compile(instrument.contracts.pattern)
    continuous = {symbol, *(form.format(symbol) for form in _CONTINUOUS)}
    dated = re.compile(
        rf"{symbol}(?: ?(?P<code>[{_CODES}])(?P<year>\d{{1,2}}|20\d\d)| (?P<number>\d\d)-(?P<short>\d\d)"
        rf"| ?(?P<month>{'|'.join(_MONTHS)}) ?(?P<after>\d\d))"
    )

    def found(name: str) -> str | None:
        if name == symbol or pattern.fullmatch(name):
            return name
        bare = _EXCHANGE_AFTER.sub("", _FUTURES_EXCHANGE.sub("", name.upper(), count=1))
        if bare in continuous:
            return symbol
        date = dated.fullmatch(bare)
        names = () if date is None else (symbol + code for code in _codes(date))
        return next((name for name in names if pattern.fullmatch(name)), None)

    return found


def _spellings(name: str) -> tuple[str, ...]:
    """Return a stock's name as it is, in capitals, and without its exchange and country."""
    capital = name.upper()
    bare = _ANY_EXCHANGE.sub("", capital, count=1)
    return name, capital, bare, _COUNTRY.sub("", bare)


def _plain(name: str) -> str:
    """Return a pair or a stock without its exchange, its country and what stands between its parts."""
    return _BETWEEN.sub("", _COUNTRY.sub("", _ANY_EXCHANGE.sub("", name.upper(), count=1)))


def _codes(date: re.Match[str]) -> tuple[str, ...]:
    """Return month and year as exchanges write them, H24 and H4, of H2024, 03-24 and MAR24."""
    letter, year = date["code"], date["year"] or date["short"] or date["after"]
    if not letter:
        month = int(date["number"]) if date["number"] else _MONTHS.index(date["month"]) + 1
        letter = _CODES[month - 1] if 1 <= month <= len(_CODES) else ""
    return (f"{letter}{year[-2:]}", f"{letter}{year[-1:]}")
