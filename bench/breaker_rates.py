"""How often `calibration_lost` trips a right forecaster within 90 days: `python -m bench.breaker_rates [RUNS]`.

Six forecasts a day whose events hang together within a day (`icc`), looked at as the breaker looks: through whole
blocks of days. The figures stand in `docs/stages.md`; those of the drawdown are drawn from own days (`hub breaker`).
"""

import sys
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from ml_models.reliability import reliability
from ml_monitoring.breaker_readings import CALIBRATION_DAYS, HORIZON_DAYS, LOOK_EVERY
from trading.settings import BreakerSettings

EVENTS: Final = 6
LEVELS: Final = (0.05, 0.01, BreakerSettings().calibration_level)


def smallest_p(icc: float, seed: int) -> float:
    """Return the smallest p-value that the looks of `HORIZON_DAYS` days give of a forecaster that is right."""
    random, count = np.random.default_rng(seed), HORIZON_DAYS * EVENTS
    forecast: NDArray[np.float64] = 1 / (1 + np.exp(-random.normal(0, 0.8, count)))
    shared = np.repeat(random.normal(size=HORIZON_DAYS), EVENTS)
    happened = norm.cdf(np.sqrt(icc) * shared + np.sqrt(1 - icc) * random.normal(size=count)) < forecast
    days = np.repeat(np.datetime64("2025-01-01") + np.arange(HORIZON_DAYS), EVENTS)
    looks = [EVENTS * day for day in range(CALIBRATION_DAYS, HORIZON_DAYS + 1, LOOK_EVERY)]
    return min(reliability(forecast[:n], happened[:n], days[:n]).p_value for n in looks)


def main(runs: int) -> None:
    """Print the share of runs that trip, by correlation within a day and level."""
    for icc in (0.0, 0.2, 0.4):
        found = np.array([smallest_p(icc, seed) for seed in range(runs)])
        told = ", ".join(f"{100 * (found < level).mean():.1f} % at {100 * level:g} %" for level in LEVELS)
        sys.stdout.write(f"icc {icc:g}, {runs} streams: {told}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
