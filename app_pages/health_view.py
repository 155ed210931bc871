"""What the Model health page says, as values: tiles, table rows, sentences. Pure: a report in, words and frames out.

A state is a shape, a word and a tone. "n" counts events, "worth" how many independent ones they are worth.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from app_pages.health_window import replay_note
from app_pages.label_words import saved_words, words_of
from ml_models.intervals import Estimate
from ml_models.verdicts import State, Verdict, describe_brier_parts
from ml_monitoring.judged import Counts
from ml_monitoring.performance_monitor import Performance, Worth
from ml_monitoring.performance_parts import describe_expectation
from ml_monitoring.report import HealthReport
from ml_monitoring.rolling import RollingMean
from ml_monitoring.sentences import describe_parts
from trading.domain.instrument import Instrument
from trading.domain.label import Label
from trading.domain.words import range_label

TONES: Final[dict[State, Literal["green", "red", "gray"]]] = {"good": "green", "bad": "red", "cannot tell": "gray"}
SHAPES: Final[dict[State, str]] = {"good": "✓", "bad": "✕", "cannot tell": "…"}
STAGES: Final = {
    "shadow": "Shadow mode: forecasts are stored, never acted on",
    "advisory": "Advisory: forecasts are shown beside the rules, never acted on",
    "hybrid": "Hybrid: forecasts scale risk between half and full size",
    "auto": "Auto: forecasts send paper orders",
}
SCORES: Final = {
    "log_loss": "Log loss, nats (less is better)",
    "brier": "Brier score (less is better)",
    "auc": "AUC",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "r2": "R², explained variance",
    "rmse": "Root mean squared error (less is better)",
    "mae": "Mean absolute error (less is better)",
    "pinball": "Quantile loss (less is better)",
    "coverage": "Share that the interval held",
    "width": "Width of the interval",
}
FIGURE_HEIGHT: Final = 250
"""CSS pixels of a card's figure."""

_WEEKDAYS: Final = ("weekdays", "**Skill by weekday**; right: n (worth)")
_REGIME: Final = ("regime", "**Skill by regime**, ATR(14) in % of the price; right: n (worth)")
_CONFIDENCE: Final = ("confidence", "**Skill by confidence**; right: n (worth)")
_EXPECTED: Final = ("expected", "**Log loss above its own expectation**, 40 trading days, nats")
_MINUS: Final = re.compile(r"(?<![\w.])-(?=[\d∞])")


@dataclass(frozen=True)
class Tile:
    """A figure at the top: its value in words, what that says (chip, tone), the interval, the evidence, the course."""

    label: str
    value: str
    chip: str
    tone: Literal["green", "red", "gray"]
    interval: str
    evidence: str
    trend: tuple[float, ...]
    kind: Literal["line", "bar"]
    help: str


def plain(sentence: str) -> str:
    """Return a sentence with real minus signs.

    >>> plain("gain -0.0115 (interval -0.02 to +0.01), v_2026-ab1")
    'gain −0.0115 (interval −0.02 to +0.01), v_2026-ab1'
    """
    return _MINUS.sub("−", sentence)


def cards(label: Label) -> tuple[tuple[tuple[str, str, float], ...], ...]:
    """Return the rows of cards for a kind of question: name, title (Markdown), share of the width."""
    return (
        (
            ("rolling", f"**Rolling skill**, 40 trading days, {saved_words(label)}, 95 % band", 0.37),
            (
                "reliability",
                f"**Said against what came**, {label.unit}, in 5 groups of like forecasts"
                if label.targets
                else f"**Reliability** of {words_of(label).chance} in 5 groups; grey: a right forecaster",
                0.29,
            ),
            ("ranges", "**Skill by opening range**; right: n (worth)", 0.34),
        ),
        (
            ("scores", "**Scores** beside the baselines, same forecasts", 0.52),
            ("worth", "**Would it have helped?** Net R added up, after costs", 0.48),
        ),
        *(
            (((*_WEEKDAYS, 0.5), (*_REGIME, 0.5)),)
            if label.targets
            else (((*_WEEKDAYS, 0.34), (*_REGIME, 0.33), (*_CONFIDENCE, 0.33)), ((*_EXPECTED, 1.0),))
        ),
    )


def verdicts(report: HealthReport, ranges: Sequence[str]) -> dict[str, Verdict | None]:
    """Return what the report says in each card, by the card's name; None while there is nothing to judge.

    `ranges` are the opening ranges in the day's order.
    """
    parts = {range_label(name): report.by_range[name] for name in ranges if name in report.by_range}
    return {
        "rolling": report.rolling_verdict,
        "reliability": _calibration_verdict(report),
        "ranges": describe_parts(parts, baseline=report.judged.label.walk) if parts else None,
        "scores": _scores_verdict(report),
        "worth": None if report.worth is None else report.worth.help,
        "weekdays": _of_parts(report.parts.by_weekday, "weekday", report),
        "confidence": _of_parts(report.parts.by_confidence, "confidence group", report),
        "regime": _of_parts(report.parts.by_regime, "regime", report),
        "expected": describe_expectation(report.parts.expectation),
    }


def _of_parts(found: Mapping[str, Estimate], noun: str, report: HealthReport) -> Verdict | None:
    return describe_parts(found, noun, report.judged.label.walk) if found else None


def marked(verdict: Verdict | None) -> str:
    """Return the line under a chart, Markdown: the shape of the state in its tone, then the sentence."""
    if verdict is None:
        return "… Nothing can be judged yet: no forecast of this window has an outcome that counts here."
    return f":{TONES[verdict.state]}[**{SHAPES[verdict.state]}**] {plain(verdict.sentence)}"


def nothing_stored(models: Sequence[str], model: str, instrument: Instrument) -> str:
    """Return why there is no forecast yet, and the command that changes it; Markdown."""
    ask = f"`hub shadow --replay FROM TO --instrument {instrument.symbol}`"
    if model not in models:
        return (
            f"No version of {model} is published. Train one: `hub train directional --instrument {instrument.symbol}`; "
            f"then ask it about the days after its training: {ask}."
        )
    return f"{model} is published but has not been asked yet: {ask}. Then load this page again."


def tiles(report: HealthReport, weeks: tuple[int, ...]) -> tuple[Tile, ...]:
    """Return the figures at the top; `weeks` are the forecasts stored in each week of the window."""
    performance, calibration, worth = report.performance, report.calibration, report.worth
    stored = _stored_tile(report.counts, weeks)
    if performance is None or report.rolling is None or report.rolling_brier is None:
        return (stored,)
    if calibration is None:
        return _number_tiles(report, performance, report.rolling, report.rolling_brier, stored)
    words: Mapping[State, str] = {"good": "better", "bad": "worse", "cannot tell": "cannot tell"}
    found = [
        _tile(
            f"Skill over the {performance.baseline}",
            performance.skills["log_loss"],
            "{:+.4f}",
            " nats",
            words,
            report.rolling.value,
            performance.verdict,
        ),
        _tile(
            f"Brier skill over the {performance.baseline}",
            performance.skills["brier"],
            "{:+.4f}",
            "",
            words,
            report.rolling_brier.value,
            None,
        ),
    ]
    error, of_error = calibration.error, calibration.verdicts[1]
    words = {"good": "no more than chance", "bad": "more than chance", "cannot tell": "cannot tell"}
    found.append(
        Tile(
            "Calibration error",
            f"{100 * error.value:.1f} points",
            f"{SHAPES[of_error.state]} {words[of_error.state]}",
            TONES[of_error.state],
            "" if math.isnan(error.null_p95) else f"chance: to {100 * error.null_p95:.1f}",
            f"n {error.n:,} on {error.days:,} days; chance alone: {_points(error.null_mean)}",
            tuple((100 * report.rolling_error).tolist()),
            "line",
            plain(of_error.sentence),
        )
    )
    found.append(stored)
    if worth is not None:
        found.append(_worth_tile(worth))
    return tuple(found)


def _number_tiles(
    report: HealthReport, performance: Performance, rolling: RollingMean, absolute: RollingMean, stored: Tile
) -> tuple[Tile, ...]:
    """Return the figures at the top of a label of numbers: errors instead of nats, coverage instead of calibration."""
    words: Mapping[State, str] = {"good": "better", "bad": "worse", "cannot tell": "cannot tell"}
    unit, names = report.judged.label.unit, list(performance.skills)[:2]
    found = [
        _tile(
            f"{name.capitalize()} saved",
            performance.skills[key],
            "{:+.4f}",
            f" {square}{unit}",
            words,
            course.value,
            performance.verdict if square else None,
        )
        for key, name, square, course in zip(
            names, ("squared error", "absolute error"), ("squared ", ""), (rolling, absolute), strict=True
        )
    ]
    if report.coverage is not None:
        words = {"good": "as stated", "bad": "too narrow", "cannot tell": "cannot tell"}
        held, verdict = report.coverage.held, report.coverage.verdict
        interval = "" if math.isnan(held.low) else f"{100 * held.low:.1f} to {100 * held.high:.1f}"
        found.append(
            Tile(
                f"Held by the {100 * report.coverage.level:.0f} % interval",
                f"{100 * held.value:.1f} %",
                f"{SHAPES[verdict.state]} {words[verdict.state]}",
                TONES[verdict.state],
                interval,
                f"{_n(held)}; {report.coverage.width:.2f} {unit} wide",
                (),
                "line",
                plain(verdict.sentence),
            )
        )
    return (*found, stored, *(() if report.worth is None else (_worth_tile(report.worth),)))


def _worth_tile(worth: Worth) -> Tile:
    words: Mapping[State, str] = {"good": "earned", "bad": "lost", "cannot tell": "cannot tell"}
    return _tile("Net R a trade, with advice", worth.taken, "{:+.3f}", " R", words, worth.advised, worth.verdict)


def _scores_verdict(report: HealthReport) -> Verdict | None:
    if report.performance is None:
        return None
    said = report.performance.verdict
    if report.calibration is None:
        return said
    return Verdict(said.state, f"{said.sentence} {describe_brier_parts(report.calibration.parts).sentence}")


def _calibration_verdict(report: HealthReport) -> Verdict | None:
    if report.coverage is not None:
        return report.coverage.verdict
    return None if report.calibration is None else report.calibration.verdict


def score_frame(performance: Performance) -> pd.DataFrame:
    """Return the scores as a table: model, its baselines beside it (a telephone shows no more), interval, n, worth.

    NaN where one is undefined.
    """
    known = {name: title for name, title in SCORES.items() if name in performance.scores}
    names = {**known, **{name: _class_score(name) for name in performance.scores if name not in SCORES}}
    rows = []
    for name, title in names.items():
        estimate = performance.scores[name]
        row: dict[str, object] = {"Score": title, "Model": estimate.value}
        for baseline in sorted(performance.baseline_scores, reverse=True):
            row[baseline.capitalize()] = performance.baseline_scores[baseline].get(name, math.nan)
        interval = f"{_number(estimate.low)} to {_number(estimate.high)}"
        rows.append({**row, "95 % interval": interval, "n": estimate.n, "worth": estimate.n_effective})
    return pd.DataFrame(rows)


def _stored_tile(counts: Counts, weeks: tuple[int, ...]) -> Tile:
    return Tile(
        "Forecasts stored",
        f"{counts.logged:,}",
        f"{counts.matured:,} matured",
        "gray",
        f"{counts.pending:,} pending",
        f"{counts.void:,} void, {counts.refused:,} refused; a bar is a week",
        tuple(float(week) for week in weeks),
        "bar",
        f"{replay_note(counts).capitalize()}.",
    )


def _tile(
    label: str,
    estimate: Estimate,
    number: str,
    unit: str,
    words: Mapping[State, str],
    course: npt.NDArray[np.float64],
    verdict: Verdict | None,
) -> Tile:
    state: State = "good" if estimate.low > 0 else "bad" if estimate.high < 0 else "cannot tell"
    interval = "" if math.isnan(estimate.low) else f"{number.format(estimate.low)} to {number.format(estimate.high)}"
    return Tile(
        label,
        "none" if math.isnan(estimate.value) else plain(number.format(estimate.value)) + unit,
        f"{SHAPES[state]} {words[state]}",
        TONES[state],
        plain(interval),
        _n(estimate),
        tuple(course.tolist()),
        "line",
        "" if verdict is None else plain(verdict.sentence),
    )


def _n(estimate: Estimate) -> str:
    return f"n {estimate.n:,}, worth {_count(estimate.n_effective)}"


def _count(number: float) -> str:
    return "?" if math.isnan(number) else f"{number:,.0f}"


def _points(share: float) -> str:
    return "?" if math.isnan(share) else f"{100 * share:.1f}"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _class_score(name: str) -> str:
    kind, _, side = name.partition("_")
    return f"{SCORES.get(kind, kind.capitalize())}, {side}"
