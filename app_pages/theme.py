"""The hub's colours, dark and light, and what the charts make of them.

`.streamlit/config.toml` repeats some of these for Streamlit's own widgets; a test keeps the two equal.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import altair as alt
import streamlit as st

Mode = Literal["dark", "light"]
UpDown = Literal["blue_orange", "green_red"]
ChartT = TypeVar("ChartT", bound=alt.TopLevelMixin)

PAGE_ICON = Path(__file__).resolve().parent.parent / "static" / "page_icon.png"
FONT = "Inter, sans-serif"


@dataclass(frozen=True)
class Tokens:
    """One mode's colours as `#rrggbb`, named by their use.

    `up` and `down` are directions (never the only sign of one: shape or sign goes with them), `good`, `warn` and `bad`
    are states, `range` is the selected opening range, `asia`, `london` and `new_york` are sessions.
    """

    background: str
    panel: str
    border: str
    text: str
    muted: str
    up: str
    down: str
    good: str
    warn: str
    bad: str
    range: str
    asia: str
    london: str
    new_york: str


DARK = Tokens(
    background="#0c1118",
    panel="#151c26",
    border="#273140",
    text="#e4e9f1",
    muted="#8b97ab",
    up="#2b9df4",
    down="#f08c2e",
    good="#3fbf9f",
    warn="#e5bd55",
    bad="#f0716b",
    range="#f7cd66",
    asia="#9285f5",
    london="#3fbf9f",
    new_york="#e4679b",
)
LIGHT = Tokens(
    background="#ffffff",
    panel="#f3f5f8",
    border="#d4dae3",
    text="#131a24",
    muted="#5b6678",
    up="#0b6fc2",
    down="#ae5700",
    good="#0d7f66",
    warn="#8a6100",
    bad="#c0362f",
    range="#8a6100",
    asia="#5b4bc4",
    london="#0d7f66",
    new_york="#b03a6b",
)
_GREEN_RED = {"dark": ("#3fbf9f", "#f0716b"), "light": ("#0d7f66", "#c0362f")}


def tokens(mode: Mode, up_down: UpDown = "blue_orange") -> Tokens:
    """Return the colours of `mode`, with the directions in the colours the user set."""
    base = DARK if mode == "dark" else LIGHT
    if up_down == "blue_orange":
        return base
    up, down = _GREEN_RED[mode]
    return replace(base, up=up, down=down)


def current_mode() -> Mode:
    """Return the mode of the page being drawn; dark where the browser has not said (as in tests of a script)."""
    return "light" if st.context.theme.type == "light" else "dark"


def css_variables(up_down: UpDown = "blue_orange") -> str:
    """Return the rule that names every colour as `--hub-…` for both modes; the browser picks by its colour scheme."""
    dark, light = asdict(tokens("dark", up_down)), asdict(tokens("light", up_down))
    lines = [f"--hub-{name.replace('_', '-')}:light-dark({light[name]},{dark[name]});" for name in dark]
    return ":root{" + "".join(lines) + "}"


def altair_config(mode: Mode, up_down: UpDown = "blue_orange") -> dict[str, Any]:
    """Return the Vega-Lite `config` of the hub's statistics charts: thin grid, no frame, the hub's colours."""
    colour = tokens(mode, up_down)
    axis = {
        "labelColor": colour.muted,
        "titleColor": colour.muted,
        "titleFontWeight": "normal",
        "gridColor": colour.border,
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
        "titlePadding": 10,
        "labelFontSize": 11,
        "titleFontSize": 11,
    }
    return {
        "background": "transparent",
        "font": FONT,
        "view": {"stroke": None},
        "axis": axis,
        "axisX": {"grid": False},
        "legend": {
            "labelColor": colour.muted,
            "title": None,
            "orient": "top",
            "labelFontSize": 11,
            "symbolType": "stroke",
        },
        "header": {"labelColor": colour.muted, "title": None},
        "range": {
            "category": [colour.up, colour.muted, colour.down, colour.good, colour.asia, colour.range, colour.new_york],
            "diverging": [colour.up, colour.panel, colour.down],
            "heatmap": [colour.panel, colour.down],
            "ramp": [colour.panel, colour.up],
        },
        "line": {"strokeWidth": 1.6, "color": colour.up},
        "point": {"filled": True, "size": 60, "color": colour.up},
        "area": {"opacity": 0.25, "color": colour.up},
        "bar": {"color": colour.up},
        "rule": {"color": colour.muted},
        "text": {"color": colour.text, "fontSize": 11},
    }


def styled(chart: ChartT, mode: Mode, up_down: UpDown = "blue_orange") -> ChartT:
    """Return a copy of `chart` in the hub's look; draw it with `st.altair_chart(…, theme=None)`.

    The look travels in the chart: Altair's enabled theme is one value for the whole process, and two people with
    different modes may be served at once.
    """
    copy: ChartT = chart.configure(**altair_config(mode, up_down))
    return copy


@alt.theme.register("hub_dark", enable=False)
def _hub_dark() -> alt.theme.ThemeConfig:
    return alt.theme.ThemeConfig(config=altair_config("dark"))  # type: ignore[typeddict-item]


@alt.theme.register("hub_light", enable=False)
def _hub_light() -> alt.theme.ThemeConfig:
    return alt.theme.ThemeConfig(config=altair_config("light"))  # type: ignore[typeddict-item]
