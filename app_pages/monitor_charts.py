"""Figures of the gates and monitors: the wealth of the bets, drift by week beside its null, losses since the reference.

As in `app_pages.charts`: values computed elsewhere in, an Altair chart out.
"""

from collections.abc import Sequence
from typing import Final

import altair as alt
import numpy as np
import pandas as pd

from app_pages.charts import DATE, PADDING, Chart, day_axis, midnights
from app_pages.theme import Tokens
from ml_monitoring.change import Cusum
from ml_monitoring.drift import Drift
from ml_monitoring.gates import GateReport

SHOWN: Final = 10
"""Inputs in the drift chart: those whose drift could matter most."""


def wealth_chart(report: GateReport, colour: Tokens) -> Chart:
    """Return the wealth of both bets by day, from 1, on a logarithmic scale, and what is needed."""
    bets = [(f"skill over {report.baseline}", report.skill), ("net R", report.net_r)]
    told = [(name, bet) for name, bet in bets if bet is not None]
    frame = pd.concat(
        [pd.DataFrame({"day": midnights(bet.days), "wealth": bet.wealth, "bet": name}) for name, bet in told]
    )
    needed = told[0][1].needed
    names = [name for name, _ in told]
    ends = [min(0.5, float(frame["wealth"].min())), max(1.3 * needed, float(frame["wealth"].max()))]
    axis = alt.Axis(values=[10.0**power for power in range(-9, 10)], format="~g")
    y = alt.Y("wealth:Q", title="times the stake", scale=alt.Scale(type="log", domain=ends), axis=axis)
    tone = alt.Color("bet:N", scale=alt.Scale(domain=names, range=[colour.up, colour.muted][: len(names)]))
    dash = alt.StrokeDash("bet:N", scale=alt.Scale(domain=names, range=[[1, 0], [4, 3]][: len(names)]))
    base = alt.Chart(frame).encode(x=day_axis(told[0][1].days), y=y, color=tone)
    line = pd.DataFrame({"wealth": [needed], "said": [f"needed: {needed:g}"]})
    tooltip = [alt.Tooltip("day:T", title="after", format=DATE), "bet:N", alt.Tooltip("wealth:Q", format=".2f")]
    return alt.layer(
        alt.Chart(line).mark_rule(color=colour.good, strokeDash=[3, 3]).encode(y=y),
        alt.Chart(line)
        .mark_text(align="left", dx=4, dy=-7, color=colour.good)
        .encode(x=alt.value(0), y=y, text="said:N"),
        base.mark_line().encode(strokeDash=dash),
        base.mark_point(opacity=0, size=120).encode(tooltip=tooltip),
    ).properties(height=230, padding=PADDING)


def drift_chart(drifts: Sequence[Drift], colour: Tokens) -> Chart:
    """Return PSI by week: the forecast, then the inputs that could matter most; a triangle above their own line."""
    rows = []
    for drift in drifts:
        places = {name: place for place, name in enumerate(drift.names)}
        for feature in drift.features[:SHOWN]:
            for end, psi in zip(drift.ends, drift.weekly[:, places[feature.name]], strict=True):
                above = bool(psi > feature.psi_line)
                rows.append(
                    {
                        "input": feature.name,
                        "week": pd.Timestamp(end).strftime("%d %b %y"),
                        "psi": float(psi),
                        "line": feature.psi_line,
                        "above": above,
                        "written": f"{psi:.2f}{'▲' if above else ''}",
                    }
                )
    frame = pd.DataFrame(rows)
    weeks = list(dict.fromkeys(pd.Timestamp(end).strftime("%d %b %y") for end in np.sort(drifts[-1].ends)))
    names = list(dict.fromkeys(frame["input"]))
    base = alt.Chart(frame).encode(
        x=alt.X("week:O", title=None, sort=weeks, axis=alt.Axis(labelAngle=0, labelOverlap="parity", grid=False)),
        y=alt.Y("input:N", title=None, sort=names, axis=alt.Axis(grid=False, labelLimit=150)),
    )
    tone = alt.Scale(domain=[True, False], range=[colour.warn, colour.muted])
    roomy = f"width / {max(1, len(weeks))} > 32"  # a telephone has no room for the numbers: the mark stays
    return alt.layer(
        base.mark_rect(stroke=colour.background, strokeWidth=1).encode(
            color=alt.Color("above:N", scale=tone, legend=None),
            opacity=alt.condition("datum.above", alt.value(0.55), alt.value(0.18)),
            tooltip=[
                "input:N",
                alt.Tooltip("week:N", title="ten days to"),
                alt.Tooltip("psi:Q", title="PSI", format=".3f"),
                alt.Tooltip("line:Q", title="95 % of own windows below", format=".3f"),
            ],
        ),
        base.mark_text(fontSize=10, opacity=alt.ExprRef(f"{roomy} ? 1 : 0")).encode(text="written:N"),
        base.transform_filter("datum.above")
        .mark_text(fontSize=10, opacity=alt.ExprRef(f"{roomy} ? 0 : 1"))
        .encode(text=alt.value("▲")),
    ).properties(height=24 * len(names) + 20, padding=PADDING)


def cusum_chart(found: Cusum, colour: Tokens) -> Chart:
    """Return how excess losses have piled up by day, the threshold, and the days of alarms."""
    frame = pd.DataFrame({"day": midnights(found.days), "path": found.path})
    frame["alarm"] = np.isin(found.days, np.array(found.alarms, dtype=found.days.dtype))
    y = alt.Y("path:Q", title="standard deviations of a day", axis=alt.Axis(tickCount=5))
    base = alt.Chart(frame).encode(x=day_axis(found.days), y=y)
    line = pd.DataFrame({"path": [found.threshold], "said": ["alarm"]})
    tooltip = [alt.Tooltip("day:T", format=DATE), alt.Tooltip("path:Q", title="sum", format=".2f")]
    return alt.layer(
        alt.Chart(line).mark_rule(color=colour.bad, strokeDash=[3, 3]).encode(y=y),
        alt.Chart(line)
        .mark_text(align="left", dx=4, dy=-7, color=colour.bad)
        .encode(x=alt.value(0), y=y, text="said:N"),
        base.mark_line(),
        base.transform_filter("datum.alarm").mark_point(shape="cross", size=90, color=colour.bad, opacity=1),
        base.mark_point(opacity=0, size=120).encode(tooltip=tooltip),
    ).properties(height=230, padding=PADDING)
