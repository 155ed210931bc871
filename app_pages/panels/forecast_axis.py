"""The forecast and what such forecasts came to: two marks on one axis of probability, with the break-even line."""

from dataclasses import dataclass
from html import escape
from math import ceil, floor
from typing import Literal

import streamlit as st

_STEP = 0.05


@dataclass(frozen=True)
class ForecastAxis:
    """What the axis shows; all but `count` are probabilities, 0 to 1.

    `came_to` is the share of the `count` settled forecasts like this one whose event came, `low` to `high` its
    interval; the three are None together, as long as there are too few. `break_even` includes costs.
    `event` says what is forecast, `line` what the break-even line is called.
    """

    forecast: float
    break_even: float
    count: int
    came_to: float | None = None
    low: float | None = None
    high: float | None = None
    event: str = "target before stop"
    line: str = "break-even"


@dataclass(frozen=True)
class Verdict:
    """What the interval says of the trade: a shape, words, and a colour that repeats them."""

    shape: str
    words: str
    tone: Literal["up", "down", "muted"]


def verdict(axis: ForecastAxis) -> Verdict:
    """Judge by the interval of what came of such forecasts, after costs, never by the forecast itself."""
    if axis.low is None or axis.high is None:
        return Verdict("…", "Too few outcomes to say", "muted")
    if axis.low > axis.break_even:
        return Verdict("▲", "Favours the trade", "up")
    if axis.high < axis.break_even:
        return Verdict("▼", "Against the trade", "down")
    return Verdict("◆", "No measurable edge", "muted")


def axis_limits(axis: ForecastAxis) -> tuple[float, float]:
    """Return the ends of the axis: whole 5 % that hold every mark with a step of room, never outside 0 to 1."""
    marks = [one for one in (axis.forecast, axis.break_even, axis.came_to, axis.low, axis.high) if one is not None]
    low = (floor(round(min(marks) / _STEP, 6)) - 1) * _STEP
    high = (ceil(round(max(marks) / _STEP, 6)) + 1) * _STEP
    return max(round(low, 2), 0.0), min(round(high, 2), 1.0)


def axis_html(axis: ForecastAxis) -> str:
    """Return the graphic: `○` the forecast, `━` what came of such forecasts, `│` break-even."""
    low, high = axis_limits(axis)

    def place(value: float) -> str:
        return f"{100 * (value - low) / (high - low):.2f}%"

    steps = round((high - low) / _STEP)
    every = 1 if steps <= 8 else 2
    values = [low + _STEP * i for i in range(0, steps + 1, every)]
    ticks = "".join(f'<span style="left:{place(value)}">{100 * value:.0f}%</span>' for value in values)
    side = "up" if axis.forecast > axis.break_even else "down"
    outcome = ""
    if axis.came_to is not None and axis.low is not None and axis.high is not None:
        width = f"{100 * (axis.high - axis.low) / (high - low):.2f}%"
        outcome = (
            f'<div class="interval" style="left:{place(axis.low)};width:{width}"></div>'
            f'<div class="came-to" style="left:{place(axis.came_to)}"></div>'
        )
    line = f"{escape(axis.line)} {100 * axis.break_even:.1f}%"
    return (
        f'<div class="hub-axis" role="img" aria-label="{escape(axis_sentence(axis))}">'
        f'<div class="forecast-label" style="left:{place(axis.forecast)}">{100 * axis.forecast:.1f}%</div>'
        f'<div class="track" style="--break-even:{place(axis.break_even)}">{outcome}'
        f'<div class="break-even" style="left:{place(axis.break_even)}"></div>'
        f'<div class="forecast tone-{side}" style="left:{place(axis.forecast)}"></div></div>'
        f'<div class="ticks">{ticks}</div>'
        f'<div class="break-even-label" style="left:{place(axis.break_even)}">{line}</div></div>'
    )


def axis_sentence(axis: ForecastAxis) -> str:
    """Return the graphic in words."""
    forecast = f"Forecast {100 * axis.forecast:.1f}%, {axis.line} {100 * axis.break_even:.1f}%"
    if axis.came_to is None or axis.low is None or axis.high is None:
        return f"{forecast}; {axis.count:,} forecasts like it have an outcome, too few for an interval."
    interval = f"{100 * axis.low:.1f} to {100 * axis.high:.1f}"
    return f"{forecast}; what {axis.count:,} like it came to: {100 * axis.came_to:.1f}% ({interval})."


def legend_html(axis: ForecastAxis) -> str:
    """Return the line that names the two marks and gives the second one's figures."""
    if axis.came_to is None or axis.low is None or axis.high is None:
        came_to = f"only {axis.count:,} like it have an outcome"
    else:
        interval = f"({100 * axis.low:.1f} to {100 * axis.high:.1f})"
        came_to = f"━ what {axis.count:,} like it came to: <b>{100 * axis.came_to:.1f}%</b> {interval}"
    return f'<div class="hub-legend">○ forecast: {escape(axis.event)} · {came_to}</div>'


def draw_forecast(axis: ForecastAxis) -> None:
    """Draw the verdict, the line that explains the marks, and the axis."""
    said = verdict(axis)
    head = f'<div class="hub-verdict tone-{said.tone}"><i>{said.shape}</i>{escape(said.words)}</div>'
    st.html(head + legend_html(axis) + axis_html(axis))
