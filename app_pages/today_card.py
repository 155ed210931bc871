"""What the model's card of Today says: a stored forecast, what such forecasts came to, and what that is worth.

Pure: rows of the journal as they stood at a moment in, frozen values out. Everything statistical is measured on
forecasts of the same version that were made before this one and whose outcome was known at the moment.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from app_pages.clock import WallClock
from app_pages.label_words import words_of
from app_pages.panels.forecast_axis import ForecastAxis, Verdict
from app_pages.panels.reasons import Reason
from app_pages.panels.strip import Cell
from app_pages.today_said import Said
from app_pages.today_view import RangeView, TodayView
from app_pages.today_words import price
from ml_data.history_tables import costs_in_ticks
from ml_data.kernels import LOSS
from ml_models.intervals import Estimate, mean_interval, share_interval
from ml_models.score_table import skill
from ml_models.verdicts import describe_skill
from ml_monitoring.judged import Judged, judged_of
from trading.domain.advice import Advice
from trading.domain.label import BREAK_DIRECTION, label_named
from trading.domain.prediction import BIAS_NONE
from trading.domain.prediction import Reason as InputShare
from trading.domain.trade_rule import REFERENCE_RULE
from trading.domain.words import MINUS, r_text, range_label
from trading.risk_engine import loss_of_a_lot, risk_share, sized
from trading.settings import AccountSettings

SHOWN_REASONS: Final = 4
_NEAREST: Final = 5
"""Forecasts like one are the nearest fifth of those with an outcome."""


@dataclass(frozen=True)
class Record:
    """Why a forecast is what it is, and what earlier ones of its version came to.

    `reasons` are all inputs, the largest share of probability first. `like` is the share of the forecasts like this one
    whose break was up, `net_r` what the plain rule earned on them; `skill` is the gain in log loss over the martingale
    of all of them, in nats an event. `walk` is what the martingale of the question is called.
    """

    reasons: tuple[InputShare, ...]
    like: Estimate
    net_r: Estimate
    skill: Estimate
    walk: str = BREAK_DIRECTION.walk


def record_before(journal: pa.Table, said: Said, reasons: tuple[InputShare, ...]) -> Record:
    """Return the record of the version of `said` before its moment, from rows that were known (see the module)."""
    ours = pc.and_(
        pc.equal(journal["version"], said.version), pc.less(journal["decided_at"], pa.scalar(said.decided_at))
    )
    judged = judged_of(journal.filter(ours))
    near = _nearest(judged, said.chance or 0.0)
    traded = near.where(~np.isnan(near.r_net))
    return Record(
        reasons=reasons,
        like=share_interval(near.actual == 0, near.days),
        net_r=mean_interval(traded.r_net, traded.days),
        skill=skill(judged.actual, judged.probs, judged.baselines[judged.label.walk], judged.days),
        walk=judged.label.walk,
    )


def verdict(record: Record) -> Verdict:
    """Return what the measured skill over the walk without drift says; never the forecast itself."""
    state = describe_skill(record.skill, "log_loss", record.walk).state
    if math.isnan(record.skill.low):
        return Verdict("…", "Too few outcomes to say", "muted")
    words = {
        "good": ("▲", f"Better than the {record.walk}", "up"),
        "bad": ("▼", f"Worse than the {record.walk}", "down"),
    }
    shape, said, tone = words.get(state, ("◆", "No measurable edge", "muted"))
    return Verdict(shape, said, "up" if tone == "up" else "down" if tone == "down" else "muted")


def skill_sentence(record: Record) -> str:
    """Return the measured skill over the walk without drift with its interval and what it lies on."""
    measured = record.skill
    if math.isnan(measured.low):
        outcomes = f"{measured.n:,} outcome{'' if measured.n == 1 else 's'}"
        days = f"{measured.days} day{'' if measured.days == 1 else 's'}"
        return f"Against the {record.walk}: {outcomes} on {days}, too few for an interval."
    shown = f"{measured.value:+.4f} nats ({measured.low:+.4f} to {measured.high:+.4f})".replace("-", MINUS)
    return f"Skill over the {record.walk} {shown}, {_lies_on(measured)}"


def axis(said: Said, record: Record) -> ForecastAxis:
    """Return the marks: the forecast, the walk's, and what forecasts like it came to."""
    known = not math.isnan(record.like.low)
    return ForecastAxis(
        forecast=said.chance or 0.0,
        break_even=said.walk or 0.0,
        count=record.like.n,
        came_to=record.like.value if known else None,
        low=record.like.low if known else None,
        high=record.like.high if known else None,
        event=words_of(label_named(said.label)).event,
        line=record.walk,
    )


def legend(record: Record) -> str:
    """Return what the two marks are, as HTML: ours, because it says what the share lies on."""
    like = record.like
    if math.isnan(like.low):
        came_to = f"only {like.n:,} like it have an outcome"
    else:
        interval = f"({100 * like.low:.1f} to {100 * like.high:.1f})"
        came_to = f"━ what the {like.n:,} most like it came to: <b>{100 * like.value:.1f}%</b> {interval}"
        came_to += f", {like.days} days, worth {like.n_effective:,.0f}"
    return f'<div class="hub-legend">○ forecast: the break is up · {came_to}</div>'


def figures(
    view: TodayView, each: RangeView, record: Record, account: AccountSettings, advice: Sequence[Advice] = ()
) -> list[Cell]:
    """Return the expected net R of the plain rule, the risk of one lot, and the lots for the budget.

    What is expected is measured on the plain rule, whatever rule the page follows; then the label says so. A lot is one
    contract, or what the instrument trades in. Before the break the risk is that of an entry one tick outside the
    range. A lost lot costs its R and its costs. `advice` makes the size smaller where its stage lets it, and the day's
    stop leaves none.
    """
    instrument = view.instrument
    of = f"{'Expected' if view.rule == REFERENCE_RULE else 'Plain rule'}, n {record.net_r.n:,}"
    if math.isnan(record.net_r.low):
        expected = Cell(of, "–", "too few")
    else:
        low, high = (f"{bound:+.2f}".replace("-", MINUS) for bound in (record.net_r.low, record.net_r.high))
        expected = Cell(of, f"{r_text(record.net_r.value)} net", f"{low} to {high}")
    points = _risk_points(view, each)
    if points is None:
        return [expected, Cell("Risk, 1R", "–"), Cell("Size", "–")]
    entry = np.array([round((each.entry or each.high or 0.0) / instrument.tick)], dtype=np.int64)
    costs = float(costs_in_ticks(instrument, np.array([LOSS]), entry)[0]) * instrument.tick
    loss = loss_of_a_lot(points, costs, instrument.point_value)
    size = sized(account.risk_per_trade, loss, risk_share(advice, each.side) if each.side is not None else 1.0)
    risk = f"{points * instrument.point_value:,.0f} {instrument.currency}"
    about = "" if each.entry is not None else "about "
    budget = f"{account.risk_per_trade:,.0f} {instrument.currency}"
    held = f"{size.lots} lot" if size.lots == 1 else f"{size.lots:,} lots"
    at_risk = f"{size.at_risk:,.0f} {instrument.currency} at risk" if size.lots else f"one risks {loss:,.0f}"
    if view.stop is not None and (each.after_stop or each.side is None):
        held, at_risk = "0 lots", "stopped for the day"
    elif size.share < 1:
        at_risk = f"{size.share:g} of the rules' {size.by_rules:,}, {at_risk}"
    return [
        expected,
        Cell("Risk, 1R", risk, f"{about}{price(view, round(points, 10))} pts a lot"),
        Cell(f"Size, {budget}", held, at_risk),
    ]


def shown_reasons(record: Record, view: TodayView) -> list[Reason]:
    """Return the largest reasons in words, and the rest as one; points are of probability, positive towards up."""
    shown, others = record.reasons[:SHOWN_REASONS], record.reasons[SHOWN_REASONS:]
    reasons = [
        Reason(one.feature.replace("_", " ").capitalize(), _in_words(view, one.value, one.unit), 100 * one.points)
        for one in shown
    ]
    rest = Reason(f"{len(others)} other inputs", "together", 100 * sum(one.points for one in others))
    return [*reasons, rest] if others else reasons


def reasons_title(said: Said) -> str:
    """Return what the reasons are measured in and start from."""
    return f"Why, in points of probability from {100 * (said.base or 0.0):.1f}%"


def agreement(said: Said, each: RangeView) -> str:
    """Return where the model leans and how far, and whether the rules go the same way once they take a break."""
    up = (said.chance or 0.0) >= 0.5
    leans = f"Model {'up' if up else 'down'} {100 * (said.confidence or 0.0):.1f}%"
    if each.side is None:
        return f"{leans}, the rules wait for the break"
    if each.after_stop:
        return f"{leans}; it broke after the day's stop: the rules enter nothing"
    same = "✓ agree" if up == (each.side == "UP") else "✕ differ"
    return f"{leans}, rules {'long' if each.side == 'UP' else 'short'}: {same}"


def stored_sentence(said: Said, wall: WallClock, threshold: float) -> str:
    """Return whether the model was sure enough; when, by which version and whether by a replay it was stored."""
    unsure = said.advice in (None, BIAS_NONE)
    sure = f"Confidence {'below' if unsure else 'at least'} {100 * threshold:.0f}%{': no advice' if unsure else ''}."
    if said.replayed:
        return f"{sure} Stored by replay, from bars up to {wall.hm(said.decided_at)} {wall.label} · {said.version}"
    late = (said.logged_at - said.decided_at).total_seconds()
    stored = f"{wall.at(said.logged_at):%H:%M:%S} {wall.label}, {late:,.0f} s after the range"
    return f"{sure} Stored {stored} · {said.version}"


def unasked_sentence(each: RangeView, wall: WallClock, why: str | None) -> str:
    """Return why a range has no forecast; `why` is what the engine says where the range is there."""
    if each.state in ("not started", "forming"):
        return f"No forecast yet: it is made when the range is complete, {wall.hm(each.ends_at)} {wall.label}."
    if each.state in ("void", "flat"):
        return f"No forecast: the {range_label(each.name)} range has no {'size' if each.state == 'flat' else 'bars'}."
    return f"No forecast: {why or 'none was stored for this range. `hub shadow` asks the model at every range.'}"


def _nearest(judged: Judged, chance: float) -> Judged:
    """Return the nearest fifth by the probability of the label's subject; of equally near ones the newer."""
    keep: npt.NDArray[np.bool_] = np.zeros(len(judged), dtype=bool)
    if len(judged):
        distance = np.abs(judged.probs[:, 0] - chance)
        order = np.lexsort((-np.arange(len(judged)), distance))
        keep[order[: math.ceil(len(judged) / _NEAREST)]] = True
    return judged.where(keep)


def _risk_points(view: TodayView, each: RangeView) -> float | None:
    """Return the distance from entry to stop in points; before the break that of an entry one tick outside."""
    if each.entry is not None and each.stop is not None:
        return abs(each.entry - each.stop)
    if not each.size:
        return None
    return each.size * (1.0 if view.rule.stop == "full" else 0.5) + view.instrument.tick


def _lies_on(estimate: Estimate) -> str:
    return f"n {estimate.n:,} on {estimate.days} days, worth {estimate.n_effective:,.0f}"


def _in_words(view: TodayView, value: float, unit: str) -> str:
    if value is None or math.isnan(value):
        return "missing"
    if unit == "ticks":
        return f"{price(view, round(value * view.instrument.tick, 10))} pts"
    if unit in ("0 to 1", "probability", "share of price"):
        return f"{100 * value:.1f}%"
    if unit == "ratio":
        return f"{value:.1f}×"
    number = f"{value:+.2f}" if unit in ("ATR", "R", "-1 to 1") else f"{value:g}"
    return f"{number} {unit if unit in ('ATR', 'R', 'min', 'bars', 'days') else ''}".strip().replace("-", MINUS)
