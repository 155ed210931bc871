"""Universes and sets of series as their files state them: those that are shipped, and what is wrong with others."""

from pathlib import Path

import pytest

from trading.domain.series import find_series_set, in_words, read_series_sets
from trading.domain.universe import find_universe, read_universes
from trading.errors import BadSettings
from trading.settings import CHECKOUT, HubSettings

UNIVERSES, SERIES = (CHECKOUT / "config" / kind for kind in ("universes", "series"))


def test_the_shipped_universe_has_a_sector_for_each_of_its_stocks():
    [universe] = read_universes([UNIVERSES])
    stocks = universe.with_sectors()
    assert len(stocks) == 26
    assert stocks["ES.US"][1] == "Utilities"
    assert {instrument.kind for instrument, _ in stocks.values()} == {"stock"}
    assert stocks["ES.US"][0].aliases == ("ES",)


def test_the_shipped_series_say_when_they_are_known():
    [series] = read_series_sets([SERIES])
    assert {rule.name: in_words(rule.published) for rule in series.series} == {
        "VIX": "16:30 America/New_York, the same day (XNYS)",
        "SLOPE_10Y2Y": "16:30 America/New_York, 1 business day later (US_FEDERAL)",
        "REAL_RATE_10Y": "16:30 America/New_York, 1 business day later (US_FEDERAL)",
    }


def test_an_own_universe_goes_before_the_shipped_one(tmp_path: Path):
    own = tmp_path / "config" / "universes"
    own.mkdir(parents=True)
    text = (UNIVERSES / "SP500_SAMPLE.toml").read_text(encoding="utf-8").replace("26 stocks of", "My stocks of")
    (own / "SP500_SAMPLE.toml").write_text(text, encoding="utf-8")
    folders = HubSettings(home=tmp_path).universe_folders
    assert find_universe(folders, "SP500_SAMPLE").title == "My stocks of the S&P 500"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('ticker = "ABT"', 'ticker = "AAPL"', "members.1.ticker: expected a ticker that no other has, found 'AAPL'"),
        ('exchange_calendar = "XNYS"', 'exchange_calendar = "NYSE?"', "expected a calendar of exchange_calendars"),
        ('market = "US"', 'market = "us"', "market"),
    ],
)
def test_a_wrong_universe_is_told_by_its_line(tmp_path: Path, old: str, new: str, sentence: str):
    path = tmp_path / "SP500_SAMPLE.toml"
    path.write_text((UNIVERSES / path.name).read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadSettings, match=sentence.replace("?", r"\?")):
        find_universe([tmp_path], "SP500_SAMPLE")


def test_one_that_is_not_described_names_those_that_are():
    with pytest.raises(BadSettings, match=r"no such universe\. Known: SP500_SAMPLE; describe it in"):
        find_universe([UNIVERSES], "NASDAQ")
    with pytest.raises(BadSettings, match=r"no such set of series\. Known: US_MARKET; describe it in"):
        find_series_set([SERIES], "EU")
