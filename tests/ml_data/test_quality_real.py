"""Clean months raise no alarm, planted faults are found: every bar of micro gold, December 2020 to June 2025."""

import numpy as np
import pytest

from ml_data.bar_arrays import BarArrays
from ml_data.bar_doubts import regular_steps, spikes_and_jumps
from ml_data.build import read_bars
from ml_data.quality_words import quality_lines, verdict
from ml_data.store import Store
from ml_data.stored_quality import stored_quality
from tests.ml_data.bar_files import mgc

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def bars(real_store: Store) -> BarArrays:
    return read_bars(real_store, mgc())


def test_the_days_contracts_have_no_hole_and_no_doubtful_bar(real_store: Store):
    quality = stored_quality(real_store, mgc())
    assert quality.certain_holes == ()
    assert quality.doubts.empty
    assert not quality.over_hole.any()
    assert verdict(quality_lines(quality, mgc())) == "stored"


def test_among_all_contracts_a_handful_of_lone_prints_is_doubtful(bars: BarArrays):
    found = []
    for contract in bars.contracts:
        own = bars.only(contract)
        prices = (own.high.astype(float), own.low.astype(float), own.close.astype(float))
        found += spikes_and_jumps(own.minute, *prices, own.volume) + regular_steps(own.minute, prices[2])
    assert {doubt.kind for doubt in found} == {"spike"}
    assert len(found) == 7  # of 2,406,173 bars, each a print 1 % away in a thin month


@pytest.mark.parametrize("column", ["high", "low", "close"])
def test_planted_ticks_of_three_per_cent_are_found(bars: BarArrays, column: str):
    own = bars.only("MGCQ4")
    busy = slice(len(own) // 2, len(own) - 2_000)  # its months as the day's contract
    prices = {name: getattr(own, name)[busy].astype(float) for name in ("high", "low", "close")}
    places = np.arange(30, len(prices["close"]) - 30, 97)
    prices[column][places] *= 0.97 if column == "low" else 1.03
    prices["high"] = np.maximum(prices["high"], prices["close"])
    found = spikes_and_jumps(own.minute[busy], prices["high"], prices["low"], prices["close"], own.volume[busy])
    assert len(places) > 400
    missed = set(places.tolist()) - {doubt.row for doubt in found}
    assert len(missed) <= 0.002 * len(places)
    assert {doubt.row for doubt in found} <= set(places.tolist())
