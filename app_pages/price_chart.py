"""The price chart: one Arrow frame of bars and one scene drawn by the component in `trading_hub/price_chart`.

Every time here is whole seconds of the **display wall clock**, counted as if that clock were UTC: UTC seconds plus one
offset per view (that of its first bar), so times stay strictly increasing on days when the clocks change. The browser
knows no zones. Prices are in the instrument's currency.
"""

from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from app_pages.theme import UpDown, tokens
from trading.errors import BadBars

Tone = Literal["up", "down", "good", "warn", "bad", "muted", "text"]
COLUMNS = pa.schema([(name, pa.float64()) for name in ("time", "open", "high", "low", "close", "volume")])


@dataclass(frozen=True)
class View:
    """A part of time the user may jump to; `label` is its button."""

    label: str
    start: int
    end: int


@dataclass(frozen=True)
class SessionSpan:
    """A session's shading from `start` to `end` (not included); `colour` names a token of `app_pages.theme`."""

    name: str
    start: int
    end: int
    colour: Literal["asia", "london", "new_york", "muted"]


@dataclass(frozen=True)
class RangeBox:
    """An opening range: it forms from `start` to `formed` and is drawn on to `end`.

    `label` is the name on the chart, `note` what stands behind it (such as `▼38%`); a `void` range has no fill.
    A click on the box comes back as `ChartEvents.picked_range = name`.
    """

    name: str
    start: int
    formed: int
    end: int
    high: float
    low: float
    label: str
    state: Literal["forming", "complete", "void"] = "complete"
    note: str = ""
    note_tone: Tone = "muted"
    selected: bool = False


@dataclass(frozen=True)
class TradeZone:
    """A trade from `start` to `end` (None: still open, drawn to the right edge).

    The selected trade shows its target and stop zones and its three labelled levels. A trade with an `exit_price`
    shows a sign there (● a gain, ■ a loss) with `result_label`, and the way to it where it is not the selected one.
    """

    start: int
    end: int | None
    entry: float
    stop: float
    target: float
    entry_label: str
    stop_label: str
    target_label: str
    exit_price: float | None = None
    result_tone: Literal["up", "down"] = "up"
    result_label: str = ""
    selected: bool = False


@dataclass(frozen=True)
class Mark:
    """A break: ▲ below or ▼ above the bar that holds `time`."""

    time: int
    direction: Literal["up", "down"]
    text: str = ""


@dataclass(frozen=True)
class Scene:
    """All that the chart shows besides bars.

    `view_key` names what the user looks at: while it stays, the user's zoom stays; when it changes, `views[0]` is
    shown. `utc_offset_seconds` is display clock minus UTC; `zone_label` stands behind every time. `last_price` None
    leaves the price line out. `decimals` and `min_move` are the instrument's price format and tick.
    """

    view_key: str
    symbol: str
    timeframe: str
    bar_seconds: int
    zone_label: str
    utc_offset_seconds: int
    decimals: int
    min_move: float
    views: tuple[View, ...]
    sessions: tuple[SessionSpan, ...] = ()
    ranges: tuple[RangeBox, ...] = ()
    trades: tuple[TradeZone, ...] = ()
    marks: tuple[Mark, ...] = ()
    last_price: float | None = None
    up_down: UpDown = "blue_orange"


@dataclass(frozen=True)
class ChartEvents:
    """What the user did on the chart since the last run: the range box clicked, or None."""

    picked_range: str | None = None


def chart_frame(bars: pa.Table | pd.DataFrame) -> pa.Table:
    """Return the six columns the browser reads, as 64-bit floats.

    Raises
    ------
    BadBars
        when a column is missing, a value is missing or the times do not strictly increase.
    """
    table = bars if isinstance(bars, pa.Table) else pa.Table.from_pandas(bars, preserve_index=False)
    missing = [name for name in COLUMNS.names if name not in table.column_names]
    if missing:
        raise BadBars(f"a price chart needs the columns {', '.join(COLUMNS.names)}; {', '.join(missing)} not found")
    frame = table.select(COLUMNS.names).cast(COLUMNS)
    with_nulls = [name for name in COLUMNS.names if frame[name].null_count]
    if with_nulls:
        raise BadBars(f"a price chart needs whole bars; {', '.join(with_nulls)} has missing values")
    time = frame["time"].to_numpy()
    backwards = (time[1:] <= time[:-1]).nonzero()[0]
    if len(backwards):
        before, after = time[backwards[0]], time[backwards[0] + 1]
        raise BadBars(f"chart times must strictly increase; {after:.0f} follows {before:.0f} in row {backwards[0] + 1}")
    return frame


def scene_payload(scene: Scene) -> dict[str, Any]:
    """Return the scene as JSON values, with the colours of both modes for the browser to choose from."""
    palette = {mode: asdict(tokens(mode, scene.up_down)) for mode in ("dark", "light")}
    return {**asdict(scene), "palette": palette}


def draw_price_chart(bars: pa.Table | pd.DataFrame, scene: Scene, *, key: str, height: int = 480) -> ChartEvents:
    """Draw the chart, or update the one already drawn under `key`, and return what the user did on it.

    `bars` has the columns of `COLUMNS`; `height` is in CSS pixels. Raises `BadBars` as `chart_frame` does.
    """
    result = _component()(
        key=key,
        data={"bars": chart_frame(bars), "scene": scene_payload(scene)},
        height=height,
        on_picked_range_change=_nothing,
    )
    return ChartEvents(picked_range=result.get("picked_range"))


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component("trading-hub.price_chart", js="price_chart.js")


def _nothing() -> None:
    """Name the event, so that the result always carries it."""
