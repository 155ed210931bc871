"""The break itself: how far beyond the edge it closed, how late, on what volume, and what trading it costs.

Valid at a break only: the last bar that has closed is the one that broke the range. Everything with a side is told as
seen from the break: positive is with it. Nothing here knows a trade rule but for its stop, of which there are two.
"""

import numpy as np
from numba import njit

from ml_data.features.base import Feature, FeatureGroup, Floats, Inputs, Ints
from ml_data.kernels import first_at_or_after
from trading.domain.label import BREAK_CLOSED

RECENT_MINUTES = 30


@njit(cache=True, nogil=True)
def _compute(inputs: Inputs, out: Floats, newest: Ints) -> None:
    for event in range(len(inputs.decided)):
        day, opening, decided = inputs.day[event], inputs.opening[event], inputs.decided[event]
        first, now, atr = inputs.first_row[event], inputs.now_row[event], inputs.atr[event]
        ends = inputs.range_ends[day, opening]
        out[event] = np.nan
        newest[event] = ends
        if now == first:
            continue
        newest[event] = max(ends, inputs.minute[now - 1] + 1)
        top, bottom = inputs.range_prices[day, opening, 1], inputs.range_prices[day, opening, 2]
        size, bar = float(top - bottom), now - 1
        entry = inputs.close[bar]
        side = 1 if entry > top else -1
        edge = top if side > 0 else bottom
        full, half = abs(entry - (top + bottom - edge)) * 1.0, abs(entry - (top + bottom) / 2.0)
        out[event, 0] = side
        out[event, 1] = decided - ends
        out[event, 2] = abs(entry - edge) / size
        out[event, 3] = abs(entry - edge) / atr
        out[event, 4] = (inputs.high[bar] - inputs.low[bar]) / size
        out[event, 5] = side * (inputs.close[bar] - inputs.open[bar]) / size
        if inputs.high[bar] > inputs.low[bar]:
            place = (entry - inputs.low[bar]) / (inputs.high[bar] - inputs.low[bar])
            out[event, 6] = place if side > 0 else 1.0 - place
        minutes = ends - inputs.range_starts[day, opening]
        if inputs.range_volumes[day, opening] > 0.0:
            out[event, 7] = inputs.volume[bar] / (inputs.range_volumes[day, opening] / minutes)
        volume = 0.0
        for row in range(first_at_or_after(inputs.minute, first, bar, decided - 1 - RECENT_MINUTES), bar):
            volume += inputs.volume[row]
        if volume > 0.0:
            out[event, 8] = inputs.volume[bar] / (volume / RECENT_MINUTES)
        with_it = against = 0.0
        for row in range(first_at_or_after(inputs.minute, first, bar, ends), bar):
            above, below = float(inputs.high[row] - top), float(bottom - inputs.low[row])
            with_it = max(with_it, above if side > 0 else below)
            against = max(against, below if side > 0 else above)
        out[event, 9] = with_it / size
        out[event, 10] = against / size
        out[event, 11] = full / atr
        out[event, 12] = half / atr
        out[event, 13] = inputs.costs[event] / full
        out[event, 14] = inputs.costs[event] / half
        length = float(inputs.day_closes[day] - inputs.day_starts[day])
        out[event, 15] = (inputs.day_closes[day] - decided) / length
        out[event, 16] = (min(inputs.day_closes[day], inputs.rule_ends[day, opening]) - decided) / length


_NO_ATR = "no ATR yet"

GROUP = FeatureGroup(
    name="break_bar",
    inputs="the range, the bars from its end to the one that broke it, ATR(14), the instrument's costs, the clock",
    features=(
        Feature("break_direction", "-1, 1", "The side of the break: 1 is up."),
        Feature("break_delay", "min", "Minutes from the range's end to the close of the bar that broke it."),
        Feature("overshoot", "ratio", "How far beyond the edge the break closed, over the range's size."),
        Feature("overshoot_atr", "ATR", "How far beyond the edge the break closed.", _NO_ATR),
        Feature("break_bar_range", "ratio", "High minus low of the bar that broke, over the range's size."),
        Feature("break_bar_body", "ratio", "Close minus open of that bar with the break, over the range's size."),
        Feature(
            "break_bar_position",
            "0 to 1",
            "Where that bar closed between low and high; 1 is its end with the break.",
            "that bar did not move",
        ),
        Feature(
            "break_volume_to_range",
            "ratio",
            "Volume of that bar over volume a minute in the range.",
            "no volume in the range",
            needs_volume=True,
        ),
        Feature(
            "break_volume_to_recent",
            "ratio",
            "Volume of that bar over volume a minute in the 30 minutes before it.",
            "no volume in the 30 minutes before",
            needs_volume=True,
        ),
        Feature("poke_with", "ratio", "Furthest earlier high or low beyond the broken edge, over the range's size."),
        Feature("poke_against", "ratio", "Furthest earlier high or low beyond the other edge, over the range's size."),
        Feature("risk_full_atr", "ATR", "Entry to a stop at the opposite edge.", _NO_ATR),
        Feature("risk_half_atr", "ATR", "Entry to a stop at the midpoint.", _NO_ATR),
        Feature("costs_full_r", "R", "Costs of a losing round trip over entry to the opposite edge."),
        Feature("costs_half_r", "R", "Costs of a losing round trip over entry to the midpoint."),
        Feature("day_left", "share of the day", "Time from the break to the day's close, over the day's length."),
        Feature(
            "session_left",
            "share of the day",
            "Time from the break to the end of the range's own session; negative after it.",
        ),
    ),
    compute=_compute,
    events=(BREAK_CLOSED,),
)
