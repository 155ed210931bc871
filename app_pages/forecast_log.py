"""The forecast log: what was said, beside what came of it, as a table with filters. Pure: a journal in, frames out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from app_pages.clock import wall_clock
from app_pages.health_window import since
from app_pages.label_words import words_of
from ml_models.quantiles import point_output
from ml_monitoring.judged import question_of
from trading.domain.instrument import Instrument
from trading.domain.label import BREAK_DIRECTION, Label
from trading.domain.prediction import SKIP, TAKE
from trading.domain.words import range_label

STATES: Final = ("matured", "pending", "void", "refused")
SIDES: Final = {"UP": "▲ UP", "DOWN": "▼ DOWN", "NONE": "– none"}
TRADES: Final = {TAKE: "▲ take", SKIP: "– skip", "WIN": "✓ win", "MISS": "✕ miss"}
RESULTS: Final = {True: "✓ right", False: "✕ wrong"}
NOT_YET: Final = "…"


def columns(label: Label) -> tuple[str, ...]:
    """Return what the table shows of a kind of question, in its order; the CSV has the UTC instant `At` before them."""
    if label.targets:
        said = (words_of(label).chance, "Interval", label.walk.capitalize())
        return ("Made", "Range", *said, "Advice", "Came", "Net R", "State", "Why", "Version", "How")
    chances = (words_of(label).chance, label.walk.capitalize())
    return ("Made", "Range", *chances, "Advice", "Actual", "Right?", "Net R", "State", "Why", "Version", "How")


def advices(label: Label) -> tuple[str, ...]:
    """Return the advice that a kind of question may bring, as the log names it."""
    return tuple(SIDES.values()) if label == BREAK_DIRECTION else (TRADES[TAKE], TRADES[SKIP])


@dataclass(frozen=True)
class LogFilter:
    """Which rows to show; an empty tuple lets every row through. `sides` are of the advice, `results` of `RESULTS`."""

    states: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()
    sides: tuple[str, ...] = ()
    results: tuple[str, ...] = ()

    def matching(self, log: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of `log_frame` that every filter lets through."""
        wanted = {"State": self.states, "Range": self.ranges, "Advice": self.sides, "Right?": self.results}
        keep = pd.Series(True, index=log.index)
        for column, values in wanted.items():
            if values:
                keep &= log[column].isin(values)
        return log[keep]


def log_frame(
    journal: pa.Table, instrument: Instrument, first: date | None, zone: str, browser_zone: str | None
) -> pd.DataFrame:
    """Return the log from trading day `first` on (None: from the beginning), newest first.

    `At` is the moment of the decision (UTC), `Made` the wall clock of `zone` then (a choice of `app_pages.clock.ZONES`
    or an IANA zone). Probabilities are 0 to 1; they and `Net R` are missing where there is none.
    """
    rows, asked = since(journal, first), question_of(journal)
    columns = {name: rows[name].to_pylist()[::-1] for name in (*_READ, *_numbers_or_chance(asked))}
    walk = columns["baseline_prob_up"]
    if asked != BREAK_DIRECTION:
        walk = [next(iter(said or ()), None) for said in columns["baselines"]]
    return pd.DataFrame(
        {
            "At": pd.Series(columns["decided_at"], dtype="datetime64[us, UTC]"),
            "Made": pd.Series(
                [wall_clock(zone, instrument, browser_zone, at).at(at) for at in columns["decided_at"]],
                dtype="datetime64[us]",
            ),
            "Range": [range_label(name) for name in columns["orb"]],
            **_said(asked, columns),
            asked.walk.capitalize(): pd.Series(walk, dtype="float64"),
            "Advice": [_side(name) for name in columns["advice"]],
            "Actual": [_side(name) for name in columns["actual"]],
            "Right?": [NOT_YET if right is None else RESULTS[right] for right in columns["correct"]],
            "Net R": pd.Series(columns["r_net"], dtype="float64"),
            "State": [
                "refused" if refusal else state
                for refusal, state in zip(columns["refusal_code"], columns["state"], strict=True)
            ],
            "Why": [
                refusal or (reason or "").replace("_", " ")
                for refusal, reason in zip(columns["refusal_reason"], columns["void_reason"], strict=True)
            ],
            "Version": columns["version"],
            "How": ["replayed" if replayed else "live" for replayed in columns["replayed"]],
            "Id": columns["prediction_id"],
        }
    )


_NUMBERS: Final = ("quantiles", "outputs", "interval_low", "interval_high", "actual_values")


def _numbers_or_chance(asked: Label) -> tuple[str, ...]:
    return _NUMBERS if asked.targets else asked.columns[:1]


def _said(asked: Label, columns: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Return what was said: the subject's probability, or the first target's point, interval, and what came of it."""
    if not asked.targets:
        return {words_of(asked).chance: pd.Series(columns[asked.columns[0]], dtype="float64")}
    points = [
        None if names is None else dict(zip(names, values, strict=True))[point_output(asked.targets[0], names)]
        for names, values in zip(columns["outputs"], columns["quantiles"], strict=True)
    ]
    return {
        words_of(asked).chance: pd.Series(points, dtype="float64"),
        "Interval": [
            "" if low is None else f"{low:+.2f} to {high:+.2f}"
            for low, high in zip(columns["interval_low"], columns["interval_high"], strict=True)
        ],
        "Came": pd.Series([next(iter(each or ()), None) for each in columns["actual_values"]], dtype="float64"),
    }


def range_labels(instrument: Instrument) -> tuple[str, ...]:
    """Return the opening ranges of an instrument in the day's order, as the log names them."""
    return tuple(range_label(rule.name) for rule in instrument.opening_ranges)


def shown_sentence(shown: pd.DataFrame, log: pd.DataFrame, label: Label = BREAK_DIRECTION) -> str:
    """Return how many rows are shown, and how many of those with an outcome were right."""
    said = f"{len(shown):,} of {len(log):,} forecasts"
    if label.targets:
        held = shown["Came"].notna() & shown[words_of(label).chance].notna()
        if not held.any():
            return f"{said}; none of them has an outcome."
        said_, came = shown[words_of(label).chance][held].mean(), shown["Came"][held].mean()
        return (
            f"{said}; {int(held.sum()):,} with an outcome: said {said_:+.3f} {label.unit} on average, came {came:+.3f}."
        )
    judged = shown["Right?"].isin(list(RESULTS.values()))
    right = int((shown["Right?"] == RESULTS[True]).sum())
    if not judged.any():
        return f"{said}; none of them has an outcome."
    subject = shown["Actual"] == {**SIDES, **TRADES}[label.subject]
    alike = int(((shown[label.walk.capitalize()] > 0.5) == subject)[judged].sum())
    told = words_of(label).right.format(alike=alike)
    return f"{said}; of {int(judged.sum()):,} with an outcome {right:,} {told}"


def _side(name: str | None) -> str:
    return NOT_YET if name is None else {**SIDES, **TRADES}.get(name, name)


_READ: Final = (
    "prediction_id",
    "decided_at",
    "orb",
    "baseline_prob_up",
    "baselines",
    "advice",
    "actual",
    "correct",
    "r_net",
    "state",
    "void_reason",
    "refusal_code",
    "refusal_reason",
    "version",
    "replayed",
)
