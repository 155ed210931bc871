"""What a model of a break's trade says on Today: its forecast beside what it takes to pay the costs. Pure."""

import numpy as np

from app_pages.panels.forecast_axis import ForecastAxis
from app_pages.today_card import Record, skill_sentence
from app_pages.today_said import Said
from trading.domain.instrument import Instrument
from trading.domain.label import label_named
from trading.domain.prediction import TAKE
from trading.domain.trade_rule import rule_named
from trading.domain.walks import break_even, walk_inputs


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
