"""Figures of the Models page: skill of versions, what a version looked at. See `app_pages.charts`."""

from collections.abc import Sequence
from typing import Final

import altair as alt
import pandas as pd

from app_pages.charts import PADDING, SKILL, Chart
from app_pages.models_queries import ShelfRow
from app_pages.models_view import BLOCKS
from app_pages.theme import Tokens

_ROW: Final = 26


def versions_chart(rows: Sequence[ShelfRow], colour: Tokens) -> Chart | None:
    """Return the skill of each version over its best baseline, with intervals; None when none has figures."""
    points = [
        {
            "version": _short(row),
            "block": title,
            "value": found[1].value,
            "low": found[1].low,
            "high": found[1].high,
            "n": found[1].n,
        }
        for row in rows
        if row.published is not None
        for block, title in BLOCKS.items()
        if (found := row.published.skill(block)) is not None
    ]
    if not points:
        return None
    order = list(dict.fromkeys(str(point["version"]) for point in points))
    titles = list(BLOCKS.values())
    base = alt.Chart(pd.DataFrame(points)).encode(
        y=alt.Y("version:N", title=None, sort=order, axis=alt.Axis(labelLimit=260)),
        yOffset=alt.YOffset("block:N", sort=titles),
        color=alt.Color("block:N", scale=alt.Scale(domain=titles, range=[colour.up, colour.range])),
    )
    x = alt.X("value:Q", title="skill an event", axis=alt.Axis(format=SKILL, tickCount=5, grid=True))
    tooltip = [
        "version:N",
        alt.Tooltip("block:N", title="on"),
        alt.Tooltip("value:Q", title="skill", format="+.4f"),
        alt.Tooltip("low:Q", title="from", format="+.4f"),
        alt.Tooltip("high:Q", title="to", format="+.4f"),
        alt.Tooltip("n:Q", title="events", format=","),
    ]
    shape = alt.Shape("block:N", scale=alt.Scale(domain=titles, range=["circle", "diamond"]))
    return alt.layer(
        alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(strokeDash=[4, 3]).encode(x="zero:Q"),
        base.mark_rule(strokeWidth=1.6).encode(x=x, x2="high:Q").transform_calculate(value="datum.low"),
        base.mark_point(size=70, opacity=1).encode(x=x, shape=shape, tooltip=tooltip),
    ).properties(height=max(250, 80 + 2 * _ROW * len(order)), padding=PADDING)


def importance_chart(frame: pd.DataFrame, unit: str, colour: Tokens) -> Chart:
    """Return mean |SHAP| of each input as a bar, its spread over the folds as a line, the share of the gain beside."""
    shown = frame.assign(share=[f"{100 * gain:.1f} %" for gain in frame["gain"]])
    base = alt.Chart(shown).encode(
        y=alt.Y("feature:N", title=None, sort=frame["feature"].tolist(), axis=alt.Axis(labelLimit=200))
    )
    x = alt.X("shap:Q", title=f"mean |SHAP|, {unit}")
    tooltip = [
        "feature:N",
        alt.Tooltip("shap:Q", title="mean |SHAP|", format=".4f"),
        alt.Tooltip("low:Q", title="least fold", format=".4f"),
        alt.Tooltip("high:Q", title="largest fold", format=".4f"),
        alt.Tooltip("share:N", title="share of the gain"),
        alt.Tooltip("permutation:Q", title="loss when shuffled", format="+.4f"),
    ]
    return alt.layer(
        base.mark_bar(height=12, opacity=0.55).encode(x=x, tooltip=tooltip),
        base.mark_rule(strokeWidth=2, color=colour.text).encode(x="low:Q", x2="high:Q"),
        base.mark_text(align="left", dx=6, color=colour.muted).encode(x=alt.value("width"), text="share:N"),
    ).properties(height=_ROW * len(frame), padding={**PADDING, "right": 46})


def selective_chart(frame: pd.DataFrame, measure: str, colour: Tokens) -> Chart:
    """Return net R of a trade by the share of answers acted on, the surest to the left, with its band of 95 %."""
    base = alt.Chart(frame).encode(
        x=alt.X("coverage:Q", title="acted on, the surest first", axis=alt.Axis(format=".0%", tickCount=5))
    )
    y = alt.Y("r:Q", title=None, axis=alt.Axis(format="+.2f", tickCount=6))
    tooltip = [
        alt.Tooltip("coverage:Q", title="acted on", format=".0%"),
        alt.Tooltip("threshold:Q", title=f"{measure} from", format=".3f"),
        alt.Tooltip("r:Q", title="net R a trade", format="+.3f"),
        alt.Tooltip("low:Q", title="from", format="+.3f"),
        alt.Tooltip("high:Q", title="to", format="+.3f"),
        alt.Tooltip("n:Q", title="trades", format=","),
    ]
    return alt.layer(
        base.mark_area(opacity=0.22, color=colour.up).encode(y=alt.Y("low:Q", title=None), y2="high:Q"),
        alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(strokeDash=[4, 3]).encode(y="zero:Q"),
        base.mark_line(color=colour.up).encode(y=y),
        base.mark_point(size=60).encode(y=y, tooltip=tooltip),
    ).properties(height=300, padding=PADDING)


def _short(row: ShelfRow) -> str:
    """Return a version as its day, its hash and the pointers at it."""
    day, _, digest = str(row.summary.version).removeprefix("v_").partition("_")
    return " ".join((day, digest.partition("-")[2], *row.summary.standing))
