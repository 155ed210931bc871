"""How often each monitor alarms without cause, and how often it sees one: `python -m bench.monitor_rates [RUNS]`.

Streams of six forecasts a day whose events hang together within a day (`icc`) and whose days hang together
(`carried`, the autocorrelation from day to day). Writes `docs/reliability.md`. `tests/contracts/test_monitor_rates.py`
runs the same functions with fewer streams.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, norm

from ml_models.scores import log_losses
from ml_monitoring.betting import day_gains, wealth_of
from ml_monitoring.change import HORIZON_DAYS, cusum
from ml_monitoring.drift import drift_of
from ml_monitoring.looks import (
    FORECASTS,
    INPUTS,
    MISSES,
    QUALITY,
    REFERENCE_DAYS,
    WINDOW_DAYS,
    LookState,
    look_at_drift,
    look_at_quality,
)

EVENTS, FEATURES, DRIFT_DAYS, BET_DAYS = 6, 20, 130, 166
DEPENDENCE: Final = ((0.0, 0.0), (0.4, 0.0), (0.2, 0.5), (0.4, 0.9))
"""icc and carried: independent, as ranges of one market are, and as slow features are."""

BET: Final = "bet on skill"
MISSED: Final = "quality of intervals"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rate:
    """What a monitor states of one kind of stream, and what `runs` of it came to; `told` of them could tell."""

    monitor: str
    cause: str
    icc: float
    carried: float
    runs: int
    told: int
    alarms: int


def levels(days: int, columns: int, icc: float, carried: float, seed: int) -> Floats:
    """Return (days x EVENTS, columns): standard normal, `icc` of the variance shared by a day, days carried on."""
    random = np.random.default_rng(seed)
    steps = random.normal(size=(days, columns))
    level = steps.copy()
    for day in range(1, days):
        level[day] = carried * level[day - 1] + np.sqrt(1 - carried**2) * steps[day]
    own = random.normal(size=(days * EVENTS, columns))
    return np.asarray(np.sqrt(icc) * np.repeat(level, EVENTS, axis=0) + np.sqrt(1 - icc) * own)


def _days(count: int) -> NDArray[np.datetime64]:
    return np.repeat(np.datetime64("2025-01-01") + np.arange(count), EVENTS)


def of_quality(changed: bool, icc: float, carried: float, seed: int) -> LookState:
    """Right in 57 of 100; with a cause in 47 from the end of the reference on; a look after a horizon."""
    days = _days(REFERENCE_DAYS + HORIZON_DAYS)
    right = np.where(days < days[REFERENCE_DAYS * EVENTS], 0.57, 0.47 if changed else 0.57)
    wrong = norm.cdf(levels(REFERENCE_DAYS + HORIZON_DAYS, 1, icc, carried, seed)[:, 0]) >= right
    said = np.column_stack([np.full(len(days), 0.57), np.full(len(days), 0.43)])
    return look_at_quality(cusum(log_losses(wrong.astype(np.int64), said), days, REFERENCE_DAYS)).state


def of_misses(changed: bool, icc: float, carried: float, seed: int) -> LookState:
    """Interval held in 80 of 100; with a cause in 60 from the end of the reference on; a look after a horizon."""
    days = _days(REFERENCE_DAYS + HORIZON_DAYS)
    holds = np.where(days < days[REFERENCE_DAYS * EVENTS], 0.8, 0.6 if changed else 0.8)
    missed = norm.cdf(levels(REFERENCE_DAYS + HORIZON_DAYS, 1, icc, carried, seed)[:, 0]) >= holds
    return look_at_quality(cusum(missed.astype(np.float64), days, REFERENCE_DAYS), MISSES).state


def _of_drift(monitor: str, columns: int, changed: bool, icc: float, carried: float, seed: int) -> LookState:
    x = levels(DRIFT_DAYS, columns, icc, carried, seed)
    if changed:
        x[-WINDOW_DAYS * EVENTS :, 0] += 1.5
    days = _days(DRIFT_DAYS)
    names = tuple(f"feature {place}" for place in range(columns))
    found = drift_of(x, days, days < days[-WINDOW_DAYS * EVENTS], names, window=WINDOW_DAYS)
    return look_at_drift(monitor, found).state


def of_forecasts(changed: bool, icc: float, carried: float, seed: int) -> LookState:
    """One stream; with a cause its last window is 1.5 standard deviations higher."""
    return _of_drift(FORECASTS, 1, changed, icc, carried, seed)


def of_inputs(changed: bool, icc: float, carried: float, seed: int) -> LookState:
    """Twenty streams; with a cause the last window of one of them is 1.5 standard deviations higher."""
    return _of_drift(INPUTS, FEATURES, changed, icc, carried, seed)


def of_bet(changed: bool, icc: float, carried: float, seed: int) -> LookState:
    """Bet on a call that is right in 50 (with a cause 60) of 100 against one right in 50, looked at every day."""
    draws = norm.cdf(levels(BET_DAYS, 1, icc, carried, seed)[:, 0])
    values = (draws < (0.6 if changed else 0.5)).astype(np.float64) - 0.5
    days = _days(BET_DAYS)
    gains = day_gains(values, np.full(len(values), 0.5), days, EVENTS)
    return "alarm" if wealth_of(*gains, 0.05).passed is not None else "quiet"


CASES: Final[dict[str, Callable[[bool, float, float, int], LookState]]] = {
    FORECASTS: of_forecasts,
    INPUTS: of_inputs,
    QUALITY: of_quality,
    MISSED: of_misses,
    BET: of_bet,
}
CAUSES: Final = {
    FORECASTS: "the last ten days 1.5 standard deviations higher",
    INPUTS: "the same in one of twenty inputs",
    QUALITY: "right in 47 instead of 57 of 100, within 83 days",
    MISSED: "held 60 instead of 80 of 100, within 83 days",
    BET: "right in 60 instead of 50 of 100, within 166 days",
}


def rate(monitor: str, changed: bool, icc: float, carried: float, runs: int) -> Rate:
    """Return what `runs` streams came to."""
    states = [CASES[monitor](changed, icc, carried, seed) for seed in range(runs)]
    told = [state for state in states if state != "cannot tell"]
    return Rate(monitor, CAUSES[monitor] if changed else "nothing", icc, carried, runs, len(told), told.count("alarm"))


def table(rates: list[Rate]) -> str:
    """Return the rates as Markdown."""
    rows = ["| monitor | what changed | within a day | from day to day | runs that could tell | alarms | share, 95 % |"]
    rows.append("|---|---|---|---|---|---|---|")
    for each in rates:
        low, high = binomtest(each.alarms, each.runs).proportion_ci(method="wilson")
        share = f"{100 * each.alarms / each.runs:.0f} % ({100 * low:.0f} to {100 * high:.0f})"
        told = f"{each.told:,} of {each.runs:,}"
        rows.append(
            f"| {each.monitor} | {each.cause} | {each.icc:g} | {each.carried:g} | {told} | {each.alarms:,} | {share} |"
        )
    return "\n".join(rows)


def document(runs: int) -> str:
    """Return the text of docs/reliability.md."""
    rates = [
        rate(monitor, changed, icc, carried, runs)
        for monitor in CASES
        for changed in (False, True)
        for icc, carried in DEPENDENCE
    ]
    return f"""# How far the monitors can be trusted

Written by `python -m bench.monitor_rates {runs}`: {runs} simulated streams a row, six forecasts a day, whose events
hang together within a day (the share of variance a day has in common) and whose days hang together (autocorrelation).
"Nothing" changed: every alarm is a false one. Stated are 7 % a look for drift of forecasts and 5 % for drift of any
input, 5 % a quarter (83 trading days) for quality, that of intervals too, and 5 % for ever for the bets; up to 3 points
more where days carry on by 0.5. A monitor that cannot tell gives no alarm, and says what it lacks; the share is of all
runs.

{table(rates)}

- Quality holds its rate for days that are independent, however their events hang together; with days that carry on by
  0.5 false alarms come to 8 to 10 in 100 quarters. Where the first 60 days show an autocorrelation above 0.3 it cannot
  tell. Days that hang on for weeks hide behind the chance of single events: there more false alarms remain than stated.
- With slow inputs (0.9 from day to day) ten days say little about a change: few are caught, and few are called.
- The bets hold against any dependence within a day. They do not hold where yesterday foretells today: a long lucky
  regime looks like skill to any test.
"""


if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    path = Path(__file__).parents[1] / "docs" / "reliability.md"
    path.write_text(document(asked), encoding="utf-8")
    print(path)
