"""Figures of frozen results: each function takes values that were computed elsewhere and returns an Altair chart.

Times are trading days (date labels, drawn as they are). What a chart shows is also said in a sentence beside it; a
state is a shape and a word, the colour repeats it. Draw with `st.altair_chart(styled(...), theme=None)`.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import altair as alt
import numpy as np
import numpy.typing as npt
import pandas as pd

from app_pages.label_words import LabelWords, words_of
from app_pages.theme import Tokens
from ml_models.intervals import Estimate
from ml_models.reliability import Reliability
from ml_models.value_scores import MeanGroup
from ml_monitoring.performance_monitor import Worth
from ml_monitoring.rolling import RollingMean
from trading.domain.label import BREAK_DIRECTION
from trading.domain.words import range_label

Chart = alt.LayerChart | alt.FacetChart
_STATES: Final = {"good": "better", "bad": "worse", "cannot tell": "cannot tell"}
PADDING: Final = {"left": 0, "right": 2, "top": 4, "bottom": 5}
DATE: Final = "%a %d %b %Y"
SKILL: Final = "+.4~f"
"""How an axis of skill is written: with three decimals, steps of 0.0005 bear the same label twice."""
_DIRECTION: Final = words_of(BREAK_DIRECTION)


def rolling_chart(
    rolling: RollingMean, colour: Tokens, baseline: str = "martingale", saved: str = "nats saved an event"
) -> Chart:
    """Return the skill over trailing windows with its band of 95 %, and zero, which is the baseline."""
    frame = pd.DataFrame(
        {
            "day": midnights(rolling.days),
            "value": rolling.value,
            "low": rolling.low,
            "high": rolling.high,
            "n": rolling.n,
        }
    )
    base = alt.Chart(frame).encode(x=day_axis(rolling.days))
    axis = alt.Axis(format=SKILL, tickCount=6)
    names = ["the model", f"the {baseline}"]
    tones = alt.Scale(domain=names, range=[colour.up, colour.muted])
    dashes = alt.Scale(domain=names, range=[[1, 0], [4, 3]])
    band = base.mark_area(opacity=0.22).encode(y=alt.Y("low:Q", title=None, axis=axis), y2="high:Q")
    line = (
        base.transform_calculate(who=f"'{names[0]}'")
        .mark_line()
        .encode(
            y="value:Q",
            color=alt.Color("who:N", scale=tones),
            strokeDash=alt.StrokeDash("who:N", scale=dashes),
        )
    )
    touch = base.mark_point(opacity=0, size=120).encode(
        y="value:Q",
        tooltip=[
            alt.Tooltip("day:T", title="window to", format=DATE),
            alt.Tooltip("value:Q", title=saved, format="+.4f"),
            alt.Tooltip("low:Q", title="from", format="+.4f"),
            alt.Tooltip("high:Q", title="to", format="+.4f"),
            alt.Tooltip("n:Q", title="events"),
        ],
    )
    zero = alt.Chart(pd.DataFrame({"zero": [0.0], "who": names[1:]})).mark_rule()
    level = zero.encode(
        y="zero:Q",
        color=alt.Color("who:N", scale=tones),
        strokeDash=alt.StrokeDash("who:N", scale=dashes),
    )
    return alt.layer(band, level, line, touch).properties(height=230, padding=PADDING)


def reliability_chart(found: Reliability, colour: Tokens, words: LabelWords = _DIRECTION) -> Chart:
    """Return forecasts in groups against what happened, with intervals, and what a right forecaster would show."""
    frame = pd.DataFrame(
        [
            {
                "called": group.mean_forecast,
                "happened": group.observed.value,
                "low": group.observed.low,
                "high": group.observed.high,
                "band_low": group.band_low,
                "band_high": group.band_high,
                "n": group.observed.n,
                "worth": group.observed.n_effective,
            }
            for group in found.bins
        ]
    )
    seen = frame[["called", "low", "high", "happened"]].to_numpy()
    ends = [max(0.0, float(np.nanmin(seen)) - 0.03), min(1.0, float(np.nanmax(seen)) + 0.03)]
    scale, axis = alt.Scale(domain=ends, nice=False), alt.Axis(format=".0%", tickCount=5)
    called = alt.X("called:Q", title="called", scale=scale, axis=axis)
    share = alt.Y("happened:Q", title=words.happened, scale=scale, axis=axis)
    base = alt.Chart(frame).encode(x=called)
    right = alt.Chart(pd.DataFrame({"called": ends, "happened": ends}))
    return alt.layer(
        base.mark_area(opacity=0.22, color=colour.muted).encode(
            y=alt.Y("band_low:Q", title=words.happened, scale=scale, axis=axis), y2="band_high:Q"
        ),
        right.mark_line(strokeDash=[3, 3], strokeWidth=1, color=colour.muted).encode(x=called, y=share),
        base.mark_rule(color=colour.up, strokeWidth=1.6).encode(y=alt.Y("low:Q", scale=scale), y2="high:Q"),
        base.mark_point(size=80, stroke=colour.background, strokeWidth=1).encode(
            y=share,
            tooltip=[
                alt.Tooltip("called:Q", title=words.called, format=".1%"),
                alt.Tooltip("happened:Q", title=words.happened, format=".1%"),
                alt.Tooltip("low:Q", title="from", format=".1%"),
                alt.Tooltip("high:Q", title="to", format=".1%"),
                alt.Tooltip("n:Q", title="events"),
                alt.Tooltip("worth:Q", title="worth", format=",.0f"),
            ],
        ),
    ).properties(height=250, padding=PADDING)


def means_chart(groups: Sequence[MeanGroup], colour: Tokens, words: LabelWords) -> Chart:
    """Return numbers in groups of like size against the mean that came, with intervals, and where both are equal."""
    frame = pd.DataFrame(
        [
            {
                "said": group.mean_forecast,
                "came": group.observed.value,
                "low": group.observed.low,
                "high": group.observed.high,
                "n": group.observed.n,
                "worth": group.observed.n_effective,
            }
            for group in groups
        ]
    )
    seen = frame[["said", "came", "low", "high"]].to_numpy()
    room = 0.05 * max(float(np.nanmax(seen) - np.nanmin(seen)), 0.1)
    ends = [float(np.nanmin(seen)) - room, float(np.nanmax(seen)) + room]
    scale, axis = alt.Scale(domain=ends, nice=False), alt.Axis(format="+.2f", tickCount=5)
    said = alt.X("said:Q", title=words.called, scale=scale, axis=axis)
    came = alt.Y("came:Q", title=words.happened, scale=scale, axis=axis)
    base = alt.Chart(frame).encode(x=said)
    return alt.layer(
        alt.Chart(pd.DataFrame({"said": ends, "came": ends}))
        .mark_line(strokeDash=[3, 3], strokeWidth=1, color=colour.muted)
        .encode(x=said, y=came),
        base.mark_rule(color=colour.up, strokeWidth=1.6).encode(y=alt.Y("low:Q", scale=scale), y2="high:Q"),
        base.mark_point(size=80, stroke=colour.background, strokeWidth=1).encode(
            y=came,
            tooltip=[
                alt.Tooltip("said:Q", title=words.called, format="+.3f"),
                alt.Tooltip("came:Q", title=words.happened, format="+.3f"),
                alt.Tooltip("low:Q", title="from", format="+.3f"),
                alt.Tooltip("high:Q", title="to", format="+.3f"),
                alt.Tooltip("n:Q", title="events"),
                alt.Tooltip("worth:Q", title="worth", format=",.0f"),
            ],
        ),
    ).properties(height=250, padding=PADDING)


def ranges_chart(
    by_range: Mapping[str, Estimate],
    order: list[str],
    colour: Tokens,
    baseline: str = "martingale",
    saved: str = "nats saved an event",
) -> Chart:
    """Return the skill of each opening range with its interval; `order` is that of the trading day."""
    frame = pd.DataFrame(
        [
            {
                "range": range_label(name),
                "value": estimate.value,
                "low": estimate.low,
                "high": estimate.high,
                "n": f"{estimate.n:,} ({estimate.n_effective:,.0f})",
                "state": _STATES[_state(estimate)],
            }
            for name in order
            if (estimate := by_range.get(name)) is not None
        ]
    )
    names = [range_label(name) for name in order]
    states = list(_STATES.values())
    tones = alt.Scale(domain=states, range=[colour.good, colour.bad, colour.muted])
    shapes = alt.Scale(domain=states, range=["triangle-up", "cross", "circle"])
    base = alt.Chart(frame).encode(y=alt.Y("range:N", title=None, sort=names, axis=alt.Axis(grid=False)))
    tone = alt.Color("state:N", scale=tones, legend=None)
    x = alt.X("value:Q", title=f"{saved}, {baseline} = 0", axis=alt.Axis(format=SKILL, tickCount=4, grid=True))
    tooltip = [
        "range:N",
        alt.Tooltip("value:Q", title=saved, format="+.4f"),
        alt.Tooltip("low:Q", title="from", format="+.4f"),
        alt.Tooltip("high:Q", title="to", format="+.4f"),
        alt.Tooltip("n:N", title="events (worth)"),
        "state:N",
    ]
    return alt.layer(
        alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(strokeDash=[4, 3]).encode(x="zero:Q"),
        base.mark_rule(strokeWidth=1.6).encode(x=x, x2="high:Q", color=tone).transform_calculate(value="datum.low"),
        base.mark_point(size=80, opacity=1).encode(
            x=x, color=tone, shape=alt.Shape("state:N", scale=shapes, legend=None), tooltip=tooltip
        ),
        base.mark_text(align="left", dx=8, color=colour.muted).encode(x=alt.value("width"), text="n:N"),
    ).properties(height=250, padding=PADDING)


def worth_chart(worth: Worth, colour: Tokens) -> Chart:
    """Return the running sums of net R: every break by the plain rule, and only what the advice leaves."""
    names = ("every break", "with the advice")
    frame = pd.concat(
        [
            pd.DataFrame({"day": midnights(worth.days), "r": sums, "rule": name})
            for name, sums in zip(names, (worth.plain, worth.advised), strict=True)
        ]
    )
    base = alt.Chart(frame).encode(
        x=day_axis(worth.days),
        y=alt.Y("r:Q", title=None, axis=alt.Axis(format="+.0f", tickCount=6)),
        color=alt.Color("rule:N", scale=alt.Scale(domain=list(names), range=[colour.muted, colour.up])),
    )
    dash = alt.StrokeDash("rule:N", scale=alt.Scale(domain=list(names), range=[[4, 3], [1, 0]]))
    tooltip = [
        alt.Tooltip("day:T", title="until", format=DATE),
        "rule:N",
        alt.Tooltip("r:Q", title="net R", format="+.1f"),
    ]
    return alt.layer(
        alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(strokeWidth=1).encode(y="zero:Q"),
        base.mark_line().encode(strokeDash=dash),
        base.mark_point(opacity=0, size=120).encode(tooltip=tooltip),
    ).properties(height=300, padding=PADDING)


def coverage_chart(coverage: pd.DataFrame, sessions: Mapping[str, str], colour: Tokens) -> Chart:
    """Return the share of expected minutes with a bar, by month and session; a share below 95 % is written out.

    `coverage` has the columns of `session_coverage.sql`, or of `session_days.sql`: then it is by trading day.
    `sessions` maps their names, in the day's order, to words.
    """
    by_day = "trading_day" in coverage
    frame = coverage[coverage["expected"] > 0].rename(columns={"trading_day": "month"})
    if by_day:
        frame["sessions"] = 1
    frame["share"] = frame["bars"] / frame["expected"]
    frame["name"] = frame["session"].map(dict(sessions))
    frame["when"] = pd.to_datetime(frame["month"]).dt.strftime("%d %b" if by_day else "%b %y")
    frame["written"] = [f"{100 * share:.0f}" if share < 0.95 else "" for share in frame["share"]]
    months = frame.drop_duplicates("month").sort_values("month")["when"].tolist()
    base = alt.Chart(frame[["when", "name", "share", "written", "bars", "expected", "sessions", "empty"]]).encode(
        x=alt.X(
            "when:O", title=None, sort=months, axis=alt.Axis(labelAngle=0, labelOverlap="parity", labelSeparation=8)
        ),
        y=alt.Y("name:O", title=None, sort=list(sessions.values())),
    )
    scale = alt.Scale(domain=[0.5, 0.9, 1.0], range=[colour.down, colour.border, colour.up], clamp=True)
    roomy = f"width / {max(1, len(months))} > 17 ? 1 : 0"
    return alt.layer(
        base.mark_rect(opacity=0.5, stroke=colour.background, strokeWidth=1).encode(
            color=alt.Color("share:Q", scale=scale, legend=None),
            tooltip=[
                alt.Tooltip("when:O", title="trading day" if by_day else "month"),
                alt.Tooltip("name:O", title="session"),
                alt.Tooltip("share:Q", title="minutes with a bar", format=".1%"),
                alt.Tooltip("bars:Q", title="bars", format=","),
                alt.Tooltip("expected:Q", title="expected", format=","),
                alt.Tooltip("sessions:Q", title="sessions"),
                alt.Tooltip("empty:Q", title="of them without any bar"),
            ],
        ),
        base.mark_text(fontSize=10, opacity=alt.ExprRef(roomy)).encode(text="written:N"),
    ).properties(height=34 * len(sessions), padding=PADDING)


def _state(estimate: Estimate) -> str:
    if estimate.low > 0:
        return "good"
    return "bad" if estimate.high < 0 else "cannot tell"


def midnights(days: npt.NDArray[np.datetime64]) -> pd.DatetimeIndex:
    """Return date labels as midnights UTC: drawn on a UTC scale, no browser's zone moves them to another date."""
    return pd.DatetimeIndex(days.astype("datetime64[us]")).tz_localize("UTC")


def day_axis(days: npt.NDArray[np.datetime64]) -> alt.X:
    """Return the axis of the column `day`: its labels are days within four months, else months."""
    few = len(days) > 0 and days[-1] - days[0] <= np.timedelta64(120, "D")
    axis = alt.Axis(format="%d %b" if few else "%b %y", tickCount="week" if few else "month", labelOverlap=True)
    return alt.X("day:T", title=None, scale=alt.Scale(type="utc"), axis=axis)
