"""Weekday and side together: a tree of four leaves would need all of them to learn that breaks up go on one weekday."""

from typing import Final

import numpy as np

from ml_data.features.base import Feature, FeatureGroup, Floats, Inputs, Ints
from ml_data.features.calendar import WEEKDAY_COLUMN
from trading.domain.label import BREAK_CLOSED

_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday")


def _compute(inputs: Inputs, out: Floats, newest: Ints) -> None:
    known = inputs.now_row > inputs.first_row
    last = inputs.close[np.where(known, inputs.now_row - 1, 0)] if len(inputs.close) else inputs.now_row
    side = np.where(last > inputs.range_prices[inputs.day, inputs.opening, 1], 1.0, -1.0)
    for place in range(len(_WEEKDAYS)):
        out[:, place] = np.where(inputs.calendar[:, WEEKDAY_COLUMN] == place, side, 0.0)
    newest[:] = inputs.decided


GROUP = FeatureGroup(
    name="weekday_side",
    inputs="the trading day's date; the side of the break",
    features=tuple(
        Feature(f"side_on_{name}", "-1, 0, 1", f"Side of a break on a {name.capitalize()}: 1 up, -1 down; else 0.")
        for name in _WEEKDAYS
    ),
    compute=_compute,
    events=(BREAK_CLOSED,),
)
