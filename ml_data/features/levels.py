"""Distances to levels that traders watch: the previous day's, and those of sessions that are complete.

A session's high or low exists only once the session is complete; of a running session only the values so far do.
Sessions are told by recency, not by name, so that the features mean the same for every instrument.
"""

import numpy as np
from numba import njit

from ml_data.features.base import Feature, FeatureGroup, Floats, Inputs, Ints
from ml_data.kernels import first_at_or_after


@njit(cache=True, nogil=True)
def _high_low(inputs: Inputs, first: int, now: int, starts: int, ends: int) -> tuple[int, int, int, int]:
    """Return (high, low, first row, row after the last) of the bars in `[starts, ends)` among rows `[first, now)`."""
    row = first_at_or_after(inputs.minute, first, now, starts)
    stop = first_at_or_after(inputs.minute, row, now, ends)
    top = bottom = 0
    for index in range(row, stop):
        if index == row:
            top, bottom = inputs.high[index], inputs.low[index]
        top, bottom = max(top, inputs.high[index]), min(bottom, inputs.low[index])
    return top, bottom, row, stop


@njit(cache=True, nogil=True)
def _compute(inputs: Inputs, out: Floats, newest: Ints) -> None:
    sessions = inputs.session_starts.shape[1]
    for event in range(len(inputs.decided)):
        out[event] = np.nan
        first, now, decided = inputs.first_row[event], inputs.now_row[event], inputs.decided[event]
        day, atr = inputs.day[event], inputs.atr[event]
        newest[event] = inputs.day_starts[day]
        if now == first:
            continue
        newest[event] = inputs.minute[now - 1] + 1
        last = inputs.close[now - 1]
        yesterday = inputs.own_now[event] - 1
        if yesterday >= inputs.own_first[event]:
            out[event, 0] = (last - inputs.own_high[yesterday]) / atr
            out[event, 1] = (last - inputs.own_low[yesterday]) / atr
            out[event, 2] = (last - inputs.own_close[yesterday]) / atr
            out[event, 3] = (inputs.own_high[yesterday] - inputs.own_low[yesterday]) / atr
        column = 4
        for back in range(sessions):
            session = sessions - 1 - back
            if inputs.session_ends[day, session] > decided:
                continue
            top, bottom, row, stop = _high_low(
                inputs, first, now, inputs.session_starts[day, session], inputs.session_ends[day, session]
            )
            if stop == row:
                continue
            if column == 4:
                out[event, 4] = (last - top) / atr
                out[event, 5] = (last - bottom) / atr
                out[event, 6] = (top - bottom) / atr
                column = 7
            else:
                out[event, 7] = (last - top) / atr
                out[event, 8] = (last - bottom) / atr
                break
        for session in range(sessions):
            starts = inputs.session_starts[day, session]
            if starts < decided < inputs.session_ends[day, session]:
                top, bottom, row, stop = _high_low(inputs, first, now, starts, decided)
                out[event, 9] = decided - starts
                if stop > row:
                    out[event, 10] = (top - bottom) / atr
                    out[event, 11] = (last - inputs.open[row]) / atr
                    if top > bottom:
                        out[event, 12] = (last - bottom) / (top - bottom)
                break


_NONE_YET = "no session of the day is complete, it had no bar, or no ATR yet"
_NOT_RUNNING = "no session is running, it has no bar yet, or no ATR yet"

GROUP = FeatureGroup(
    name="levels",
    inputs="the own contract's previous day, completed sessions of the day, the running session so far, ATR(14)",
    features=(
        Feature(
            "to_previous_high", "ATR", "Last close minus the previous day's high.", "no previous day or no ATR yet"
        ),
        Feature("to_previous_low", "ATR", "Last close minus the previous day's low.", "no previous day or no ATR yet"),
        Feature(
            "to_previous_close", "ATR", "Last close minus the previous day's close.", "no previous day or no ATR yet"
        ),
        Feature("previous_day_travel", "ATR", "High minus low of the previous day.", "no previous day or no ATR yet"),
        Feature("to_last_session_high", "ATR", "Last close minus the high of the last completed session.", _NONE_YET),
        Feature("to_last_session_low", "ATR", "Last close minus the low of the last completed session.", _NONE_YET),
        Feature("last_session_travel", "ATR", "High minus low of the last completed session.", _NONE_YET),
        Feature("to_earlier_session_high", "ATR", "The same to the completed session before that one.", _NONE_YET),
        Feature("to_earlier_session_low", "ATR", "The same to the completed session before that one.", _NONE_YET),
        Feature("running_session_minutes", "min", "Minutes since the running session began.", "no session is running"),
        Feature("running_session_travel", "ATR", "High minus low of the running session so far.", _NOT_RUNNING),
        Feature("running_session_return", "ATR", "Last close minus the running session's first open.", _NOT_RUNNING),
        Feature(
            "running_session_position",
            "0 to 1",
            "Place of the last close in the session so far.",
            "no session is running, it has no bar yet, or it did not move",
        ),
    ),
    compute=_compute,
)
