"""What files call an instrument, and the contract that each name is stored as."""

import pytest

from ml_data.importers.symbols import contract_of
from tests.ml_data.clock_bars import shipped


@pytest.mark.parametrize(
    ("instrument", "name", "contract"),
    [
        ("NQ", "NQ", "NQ"),
        ("NQ", "NQH4", "NQH4"),
        ("NQ", "NQH24", "NQH24"),
        ("NQ", "NQH2024", "NQH24"),
        ("NQ", "CME_MINI:NQH2024", "NQH24"),
        ("NQ", "NQH4.CME", "NQH4"),
        ("NQ", "NQ 03-24", "NQH24"),
        ("NQ", "NQ MAR24", "NQH24"),
        ("MGC", "COMEX:MGCG2024", "MGCG24"),
        ("MGC", "MGC 12-24", "MGCZ24"),
        ("NQ", "NQ=F", "NQ"),
        ("NQ", "NQ1!", "NQ"),
        ("NQ", "CME_MINI:NQ1!", "NQ"),
        ("NQ", "NQ.c.0", "NQ"),
        ("NQ", "NQ.v.0", "NQ"),
        ("NQ", "@NQ", "NQ"),
        ("NQ", "@NQ#C", "NQ"),
        ("NQ", "/NQ", "NQ"),
        ("NQ", "/NQ:XCME", "NQ"),
        ("NQ", "NQ ##-##", "NQ"),
        ("EURUSD", "EUR/USD", "EURUSD"),
        ("EURUSD", "EUR_USD", "EURUSD"),
        ("EURUSD", "C:EURUSD", "EURUSD"),
        ("EURUSD", "EURUSD=X", "EURUSD"),
        ("EURUSD", "eurusd", "EURUSD"),
        ("BTCUSDT", "BTC-USDT", "BTCUSDT"),
        ("BTCUSDT", "BINANCE:BTCUSDT", "BTCUSDT"),
        ("QQQ", "NASDAQ:QQQ", "QQQ"),
        ("QQQ", "QQQ.US", "QQQ"),
    ],
)
def test_names_of_the_instrument_are_known(instrument: str, name: str, contract: str):
    assert contract_of(shipped(instrument))(name) == contract


@pytest.mark.parametrize(
    ("instrument", "name"),
    [
        ("NQ", "NQ2!"),  # the second contract of each day
        ("NQ", "NQ.c.1"),
        ("NQ", "NQH4-NQM4"),  # a spread
        ("NQ", "NQ 13-24"),
        ("NQ", "MNQH4"),
        ("NQ", "MNQ=F"),
        ("NQ", "NQ.FUT"),
        ("NQ", ""),
        ("ES", "NYSE:ES"),  # a company
        ("ES", "ESTC"),
        ("MGC", "GC=F"),
        ("EURUSD", "EURUSDT"),
        ("EURUSD", "EUR/USD.M"),
        ("BTCUSDT", "BTC/USDT:USDT"),  # a perpetual future
        ("BTCUSDT", "BTCUSDT.P"),
        ("BTCUSDT", "BTC-USDT-SWAP"),
        ("BTCUSDT", "X:BTCUSD"),
        ("QQQ", "TQQQ"),
        ("QQQ", "QQQ.MX"),
    ],
)
def test_names_of_another_instrument_or_of_another_series_are_not(instrument: str, name: str):
    assert contract_of(shipped(instrument))(name) is None
