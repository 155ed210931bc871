"""What a model of a break's trade says on Today: its forecast beside what it takes to pay the costs. Pure."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app_pages.label_words import words_of
from app_pages.panels.forecast_axis import ForecastAxis
from app_pages.today_card import Record, skill_sentence
from app_pages.today_said import Said
from ml_models.intervals import Estimate
from ml_models.quantiles import point_output
from ml_monitoring.judged import judged_of
from ml_monitoring.performance_monitor import performance
from trading.domain.instrument import Instrument
from trading.domain.label import RANGE_AHEAD, label_named
from trading.domain.prediction import SKIP, TAKE
from trading.domain.trade_rule import rule_named
from trading.domain.walks import break_even, walk_inputs
from trading.domain.words import MINUS


def needed(said: Said, record: Record, instrument: Instrument) -> float:
    """Return from which P(WIN) on the trade earns something after its costs, from the inputs that were logged."""
    label, rule = label_named(said.label), rule_named(str(said.rule))
    logged = {one.feature: one.value for one in record.reasons}
    names = walk_inputs(label, rule)
    row = np.array([[logged.get(name, np.nan) for name in names]])
    return float(break_even(label, rule, instrument.costs.slippage_ticks, names, row)[0])


def axis(said: Said, record: Record, instrument: Instrument) -> ForecastAxis:
    """Return the marks: the forecast, the break-even after costs, and what forecasts like it came to."""
    known = not np.isnan(record.like.low)
    line = needed(said, record, instrument)
    return ForecastAxis(
        forecast=said.chance or 0.0,
        break_even=line if np.isfinite(line) else said.walk or 0.0,
        count=record.like.n,
        came_to=record.like.value if known else None,
        low=record.like.low if known else None,
        high=record.like.high if known else None,
        line="break-even" if np.isfinite(line) else record.walk,
    )


def sentence(said: Said, record: Record, instrument: Instrument) -> str:
    """Return what follows from the forecast, what a fair game would say, and what the model's skill was."""
    line = needed(said, record, instrument)
    pays = f", needs {100 * line:.1f}% to pay its costs" if np.isfinite(line) else ""
    advice = "take" if said.advice == TAKE else "skip"
    walk = "" if said.walk is None else f"; {record.walk} {100 * said.walk:.1f}%"
    return f"Shadow, not used: {advice}{pays}{walk}. {skill_sentence(record)} · {said.version}"


@dataclass(frozen=True)
class NumbersRecord:
    """What earlier answers of a version came to: the squared error saved over `baseline`, and what intervals held."""

    skill: Estimate | None
    baseline: str
    held: Estimate | None


def numbers_before(journal: pa.Table, said: Said) -> NumbersRecord:
    """Return the record of the version of `said` before its moment, from rows that were known."""
    ours = pc.and_(
        pc.equal(journal["version"], said.version), pc.less(journal["decided_at"], pa.scalar(said.decided_at))
    )
    found = performance(judged_of(journal.filter(ours)))
    if found is None:
        return NumbersRecord(None, label_named(said.label).walk, None)
    return NumbersRecord(next(iter(found.skills.values())), found.baseline, found.scores.get("coverage"))


def numbers_line(said: Said, size: float | None) -> str:
    """Return the number, its interval and what the walk says; distances in points, `size` being the range's."""
    label, named = label_named(said.label), dict(said.numbers)
    point = named[point_output(label.targets[0], tuple(named))]
    low, high = said.interval or (float("nan"), float("nan"))
    walk = float("nan") if said.walk is None else said.walk
    if label == RANGE_AHEAD and size:
        near, far, told, usual = (f"{np.exp(each) * size:.1f}" for each in (low, high, point, walk))
        return (
            f"{words_of(label).chance} {told} pts ({near} to {far}), {np.exp(point):.1f} ranges · {label.walk} {usual}"
        )
    numbers = f"{point:+.2f} ({low:+.2f} to {high:+.2f}) · {label.walk} {walk:+.2f} {label.unit}"
    return f"{words_of(label).chance} {numbers}".replace("-", MINUS).replace(f"20{MINUS}day", "20-day")


def numbers_sentence(said: Said, record: NumbersRecord) -> str:
    """Return what follows from the number, and what earlier ones were worth."""
    advice = {TAKE: "take", SKIP: "skip"}.get(said.advice or "", "no advice")
    sized = "" if said.size is None or said.advice != TAKE else f" at {100 * said.size:.0f}% of the size"
    told = f"Shadow, not used: {advice}{sized}."
    if record.skill is None or np.isnan(record.skill.low):
        return f"{told} Too few outcomes to say what it is worth. · {said.version}"
    gain = record.skill
    unit = label_named(said.label).unit
    saved = f"{gain.value:+.4f} ({gain.low:+.4f} to {gain.high:+.4f}) squared {unit}"
    worth = f"Squared error less than the {record.baseline}: {saved}"
    held = "" if record.held is None else f"; the interval held {100 * record.held.value:.0f}% of {record.held.n:,}"
    return f"{told} {worth}, n {gain.n:,} on {gain.days} days{held} · {said.version}".replace(" -", f" {MINUS}")
