"""Figures of reasons: one prediction's waterfall, a version's beeswarm and dependence. See `app_pages.charts`."""

from typing import Final

import altair as alt
import numpy as np
import pandas as pd

from app_pages.charts import PADDING, Chart
from app_pages.explain_queries import Explained, Reasons
from app_pages.theme import Tokens

SHOWN: Final = 8
SWARM: Final = 9
_ROW: Final = 24
_BINS: Final = 60


def waterfall_frame(found: Explained) -> pd.DataFrame:
    """Return the steps from the base to the answer: the largest inputs, all others together; `start` to `end`."""
    points = np.array(found.points)
    order = np.argsort(-np.abs(points), kind="stable")
    steps = [(f"{found.names[i]} = {found.values[i]:.4g}", float(points[i])) for i in order[:SHOWN]]
    rest = order[SHOWN:]
    if len(rest):
        steps.append((f"{len(rest)} other inputs", float(points[rest].sum())))
    ends = found.base + np.cumsum([points for _, points in steps])
    starts = [found.base, *ends[:-1].tolist()]
    rows = [("says without looking", 0.0, found.base, found.base, "base")]
    rows += [
        (name, moved, start, end, "up" if moved >= 0 else "down")
        for (name, moved), start, end in zip(steps, starts, ends.tolist(), strict=True)
    ]
    rows.append(("says", 0.0, found.answer, found.answer, "base"))
    return pd.DataFrame(rows, columns=["step", "moved", "start", "end", "kind"])


def waterfall_chart(found: Explained, colour: Tokens) -> Chart:
    """Return the way from what the version says without looking to what it said."""
    frame = waterfall_frame(found)
    scale = 1.0 if found.label.targets else 100.0
    unit = found.label.unit if found.label.targets else "%"
    shown = frame.assign(
        start=scale * frame["start"],
        end=scale * frame["end"],
        told=[
            f"{scale * end:.1f} {unit}" if kind == "base" else f"{'▲' if moved >= 0 else '▼'} {scale * abs(moved):.2f}"
            for moved, end, kind in zip(frame["moved"], frame["end"], frame["kind"], strict=True)
        ],
    )
    base = alt.Chart(shown).encode(
        y=alt.Y("step:N", title=None, sort=shown["step"].tolist(), axis=alt.Axis(labelLimit=210))
    )
    tone = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=["up", "down", "base"], range=[colour.up, colour.down, colour.muted]),
        legend=None,
    )
    x = alt.X("start:Q", title=f"answer, {unit}", scale=alt.Scale(zero=False, nice=True), axis=alt.Axis(grid=True))
    tooltip = ["step:N", alt.Tooltip("told:N", title="moves it by")]
    return alt.layer(
        base.mark_bar(height=11).encode(x=x, x2="end:Q", color=tone, tooltip=tooltip),
        base.mark_tick(thickness=3, size=14).encode(x=alt.X("end:Q", title=f"answer, {unit}"), color=tone),
        base.mark_text(align="left", dx=8, color=colour.muted).encode(x=alt.value("width"), text="told:N"),
    ).properties(height=_ROW * len(shown) + 30, padding={**PADDING, "right": 62})


def swarm_frame(found: Reasons) -> pd.DataFrame:
    """Return a point a prediction and input, of the inputs that move most: points, rank of the value, sideways place.

    `rank` is 0 for the lowest value of the input and 1 for the highest; `aside` spreads points that would lie on each
    other, -0.5 to 0.5, by how many there are.
    """
    order = np.argsort(-np.abs(found.points).mean(axis=0), kind="stable")[:SWARM]
    parts = []
    for place in order:
        points, x = found.points[:, place], found.x[:, place]
        parts.append(
            pd.DataFrame(
                {
                    "input": found.names[place],
                    "points": points,
                    "value": x,
                    "rank": pd.Series(x).rank(pct=True).fillna(0.5).to_numpy(),
                    "aside": _aside(points, float(np.abs(found.points[:, order]).max())),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _aside(points: np.ndarray, widest: float) -> np.ndarray:
    """Return (n,) places beside the middle: the k-th point of a bin goes k steps out, in turn to either side."""
    bins = np.floor((points + widest) / (2 * widest or 1.0) * _BINS).astype(np.int64)
    aside = np.zeros(len(points))
    most = max(int(np.bincount(bins).max()), 6)
    for each in np.unique(bins):
        members = np.flatnonzero(bins == each)
        number = np.arange(len(members))
        aside[members] = np.where(number % 2, 1, -1) * ((number + 1) // 2) / most
    return aside


def swarm_chart(frame: pd.DataFrame, found: Reasons, colour: Tokens) -> Chart:
    """Return what each input did to each answer (points to the right: towards the subject), light where it was low."""
    scale, unit = _unit(found)
    shown = frame.assign(points=scale * frame["points"])
    names = list(dict.fromkeys(frame["input"]))
    chart = (
        alt.Chart(shown)
        .mark_circle(size=13, opacity=0.75)
        .encode(
            x=alt.X("points:Q", title=unit, axis=alt.Axis(grid=True)),
            y=alt.Y("input:N", title=None, sort=names, axis=alt.Axis(labelLimit=170)),
            yOffset=alt.YOffset("aside:Q", scale=alt.Scale(domain=[-0.6, 0.6])),
            color=alt.Color(
                "rank:Q", scale=alt.Scale(domain=[0, 0.5, 1], range=[colour.down, colour.muted, colour.up]), legend=None
            ),
            tooltip=["input:N", alt.Tooltip("value:Q", format=".4g"), alt.Tooltip("points:Q", format="+.2f")],
        )
    )
    zero = alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(strokeDash=[4, 3]).encode(x="zero:Q")
    return alt.layer(zero, chart).properties(height=30 * len(names) + 40, padding=PADDING)


def dependence_chart(found: Reasons, name: str, colour: Tokens) -> Chart:
    """Return what one input did to each answer against its value."""
    scale, unit = _unit(found)
    place = found.names.index(name)
    frame = pd.DataFrame({"value": found.x[:, place], "points": scale * found.points[:, place]}).dropna()
    base = alt.Chart(frame).encode(
        x=alt.X("value:Q", title=name, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5))
    )
    return alt.layer(
        alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(strokeDash=[4, 3]).encode(y="zero:Q"),
        base.mark_circle(size=16, opacity=0.6, color=colour.up).encode(
            y=alt.Y("points:Q", title=unit),
            tooltip=[
                alt.Tooltip("value:Q", title=name, format=".4g"),
                alt.Tooltip("points:Q", title=unit, format="+.2f"),
            ],
        ),
    ).properties(height=270, padding=PADDING)


def _unit(found: Reasons) -> tuple[float, str]:
    if found.label.targets:
        return 1.0, f"moves the answer, {found.label.unit}"
    return 100.0, f"moves P({found.label.subject}), points"
