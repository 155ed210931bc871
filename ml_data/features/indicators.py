"""Two classics, as their author defined them, over a fixed number of bars so that no earlier history can leak in."""

import numpy as np
from numba import njit

from ml_data.features.base import Feature, FeatureGroup, Floats, Inputs, Ints

PERIOD = 14
RSI_CHANGES = 250
"""Wilder's average never quite forgets: after 250 changes the weight of what lies before is below 1e-7."""


@njit(cache=True, nogil=True)
def average_true_range(high: Ints, low: Ints, close: Ints, first: int, now: int) -> float:
    """Return the mean true range of the 14 days before `now` in rows `[first, now)`, in ticks.

    NaN with fewer than 15 days, or when nothing moved on them: there is no scale to measure by.

    True range: high - low, stretched to the previous close (Wilder, New Concepts in Technical Trading Systems, 1978).
    The arithmetic mean is the seed of Wilder's running average; unlike that it depends on 15 days exactly.
    """
    if now - first < PERIOD + 1:
        return np.nan
    total = 0.0
    for index in range(now - PERIOD, now):
        total += max(high[index], close[index - 1]) - min(low[index], close[index - 1])
    return total / PERIOD if total > 0.0 else np.nan


@njit(cache=True, nogil=True)
def _rsi(close: Ints, first: int, now: int, step: int) -> float:
    """Return Wilder's RSI(14) of every `step`-th close before `now`, over exactly 250 changes; NaN with fewer."""
    if now - first < RSI_CHANGES * step + 1:
        return np.nan
    up = down = 0.0
    row = now - 1 - RSI_CHANGES * step
    for index in range(RSI_CHANGES):
        change = float(close[row + step] - close[row])
        rise, fall = max(change, 0.0), max(-change, 0.0)
        if index < PERIOD:
            up += rise / PERIOD
            down += fall / PERIOD
        else:
            up = (up * (PERIOD - 1) + rise) / PERIOD
            down = (down * (PERIOD - 1) + fall) / PERIOD
        row += step
    return 50.0 if up + down == 0.0 else 100.0 * up / (up + down)


@njit(cache=True, nogil=True)
def _compute(inputs: Inputs, out: Floats, newest: Ints) -> None:
    for event in range(len(inputs.decided)):
        first, now = inputs.first_row[event], inputs.now_row[event]
        newest[event] = inputs.minute[now - 1] + 1 if now > first else inputs.day_starts[inputs.day[event]]
        out[event, 0] = inputs.atr[event]
        out[event, 1] = inputs.atr[event] / inputs.close[now - 1] if now > first else np.nan
        out[event, 2] = _rsi(inputs.close, first, now, 1)
        out[event, 3] = _rsi(inputs.close, first, now, 5)


_TOO_SHORT = "fewer than 15 days of the own contract, or nothing moved on them"
_TOO_FEW = "fewer bars in the own contract than it needs"

GROUP = FeatureGroup(
    name="indicators",
    inputs="14 days of true ranges and the last 250 (1,250) one-minute bars of the own contract",
    features=(
        Feature("atr_14", "ticks", "Mean true range of the 14 days before.", _TOO_SHORT),
        Feature("atr_14_share", "share of price", "ATR(14) over the last close.", _TOO_SHORT),
        Feature("rsi_14", "0 to 100", "Wilder's RSI(14) of one-minute closes.", _TOO_FEW),
        Feature("rsi_14_5bars", "0 to 100", "Wilder's RSI(14) of every fifth one-minute close.", _TOO_FEW),
    ),
    compute=_compute,
)
