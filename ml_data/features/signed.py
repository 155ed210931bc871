"""Signed copies: what leans up or down, as seen from the break. Positive, or near 1, is with it.

A tree of four leaves would need most of them to learn that a rise helps a break up and hurts a break down. The values
are those of the other groups, computed by them: there is no second definition.
"""

from typing import Final

import numpy as np

from ml_data.features import levels, momentum, opening_range, positions, returns
from ml_data.features.base import Feature, FeatureGroup, Floats, Inputs, Ints
from trading.domain.label import BREAK_CLOSED

_SOURCES: Final = (levels.GROUP, momentum.GROUP, opening_range.GROUP, positions.GROUP, returns.GROUP)

LEANING: Final = (
    "to_previous_close",
    "running_session_return",
    "momentum_1d",
    "momentum_5d",
    "momentum_20d",
    "range_body",
    "return_day",
    "return_15m",
    "return_60m",
    "return_240m",
)
"""Features whose sign is a side."""

PLACED: Final = (
    "running_session_position",
    "position_20d",
    "range_close_position",
    "position_4h",
    "position_24h",
    "position_day",
)
"""Features from 0 to 1 whose ends are sides: against a break up 0 is what 1 is with it."""

_COLUMNS: Final = [
    (place, column, feature)
    for place, group in enumerate(_SOURCES)
    for column, feature in enumerate(group.features)
    if feature.name in (*LEANING, *PLACED)
]


def _compute(inputs: Inputs, out: Floats, newest: Ints) -> None:
    count = len(inputs.decided)
    ranges = inputs.range_prices[inputs.day, inputs.opening]
    known = inputs.now_row > inputs.first_row
    last = inputs.close[np.where(known, inputs.now_row - 1, 0)] if len(inputs.close) else inputs.now_row
    up = last > ranges[:, 1]
    values = [np.full((count, len(group.features)), np.nan) for group in _SOURCES]
    newest[:] = inputs.range_ends[inputs.day, inputs.opening]
    for group, found in zip(_SOURCES, values, strict=True):
        read = np.zeros(count, dtype=np.int64)
        group.compute(inputs, found, read)
        np.maximum(newest, read, out=newest)
    for index, (place, column, feature) in enumerate(_COLUMNS):
        value = values[place][:, column]
        out[:, index] = np.where(up, value, 1.0 - value if feature.name in PLACED else -value)


GROUP = FeatureGroup(
    name="signed",
    inputs="what levels, momentum, opening_range, positions and returns read; the side of the break",
    features=tuple(
        Feature(f"signed_{feature.name}", feature.unit, f"As seen from the break: {feature.doc}", feature.missing)
        for _, _, feature in _COLUMNS
    ),
    compute=_compute,
    events=(BREAK_CLOSED,),
)
