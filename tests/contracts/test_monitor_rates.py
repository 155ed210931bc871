"""Every monitor alarms without cause no more often than it states, and sees a planted one in the stated share.

The streams are those of `docs/reliability.md` (`python -m bench.monitor_rates`), here a few; HUB_RUNS=400 for a night.
"""

import os

import pytest
from scipy.stats import binomtest

from bench.monitor_rates import BET, CASES, MISSED, rate
from ml_monitoring.change import FALSE_ALARMS
from ml_monitoring.looks import FORECASTS, INPUTS, MONITORS, QUALITY, RATES

RUNS = int(os.environ.get("HUB_RUNS", "24"))
STATED = {FORECASTS: RATES[FORECASTS], INPUTS: RATES[INPUTS], QUALITY: FALSE_ALARMS, MISSED: FALSE_ALARMS, BET: 0.05}
CARRIED_ON = 0.03  # what is added where days carry on by 0.5
CAUGHT = {FORECASTS: (0.6, 0.4), INPUTS: (0.5, 0.15), QUALITY: (0.6, 0.2), MISSED: (0.6, 0.2), BET: (0.7, 0.3)}
"""The least share of planted causes seen: independent, and with icc 0.2 and days that carry on by 0.5."""


def test_every_monitor_has_a_case():
    assert set(CASES) == {*MONITORS, MISSED, BET}


STREAMS = [
    (monitor, icc, carried)
    for monitor in CASES
    for icc, carried in ((0.0, 0.0), (0.4, 0.0), (0.2, 0.5))
    if monitor != BET or carried == 0  # where yesterday foretells today, a model is better on some days
]


@pytest.mark.parametrize(("monitor", "icc", "carried"), STREAMS)
def test_false_alarms_are_no_more_frequent_than_stated(monitor: str, icc: float, carried: float):
    stated = STATED[monitor] + (CARRIED_ON if carried else 0)
    found = rate(monitor, False, icc, carried, RUNS)
    assert found.told > 0.4 * RUNS
    assert binomtest(found.alarms, found.runs, stated, alternative="greater").pvalue > 0.005, found


@pytest.mark.parametrize("monitor", CASES)
@pytest.mark.parametrize(("place", "icc", "carried"), [(0, 0.0, 0.0), (1, 0.2, 0.5)])
def test_a_planted_cause_is_seen_in_the_stated_share(monitor: str, place: int, icc: float, carried: float):
    found = rate(monitor, True, icc, carried, RUNS)
    assert binomtest(found.alarms, found.runs, CAUGHT[monitor][place], alternative="less").pvalue > 0.005, found
