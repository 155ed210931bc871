"""The monitoring report: everything the Model health page and `hub monitor` say, from one reading of the journal."""

import math
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ml_data.journal import judged_predictions, with_input
from ml_data.store import Store
from ml_models.intervals import Estimate
from ml_models.verdicts import Verdict
from ml_monitoring.calibration_monitor import Calibration, calibration, rolling_calibration_error
from ml_monitoring.coverage_monitor import Coverage, coverage
from ml_monitoring.judged import VOLATILITY, Counts, Judged, counts_of, judged_of
from ml_monitoring.performance_monitor import (
    ROLLING_DAYS,
    Performance,
    Worth,
    performance,
    rolling_skill,
    skill_by_range,
    worth,
)
from ml_monitoring.performance_parts import Parts, describe_expectation, parts
from ml_monitoring.rolling import RollingMean
from ml_monitoring.sentences import describe_parts, describe_rolling, gain_unit


@dataclass(frozen=True)
class HealthReport:
    """The health of one model on one instrument, from the predictions of `first` to `last` (None: no bound).

    What needs matured predictions is None without any. The rolling figures (`rolling` in nats, `rolling_brier`,
    `rolling_error` in shares of 1, one value a window) are of windows that end in the span; a window may begin before.
    """

    instrument: str
    model: str
    version: str | None
    first: date | None
    last: date | None
    counts: Counts
    judged: Judged
    performance: Performance | None
    rolling: RollingMean | None
    rolling_verdict: Verdict | None
    rolling_brier: RollingMean | None
    rolling_error: npt.NDArray[np.float64]
    by_range: dict[str, Estimate]
    calibration: Calibration | None
    worth: Worth | None
    parts: Parts
    coverage: Coverage | None = None


def health_report(
    store: Store,
    *,
    instrument: str,
    model: str,
    version: str | None = None,
    first: date | None = None,
    last: date | None = None,
    known_by: datetime | None = None,
) -> HealthReport:
    """Return the health of `model` on `instrument`: of one version, or of all that answered."""
    journal = judged_predictions(
        store, instrument=instrument, model=model, version=version, last=last, known_by=known_by
    )
    journal = with_input(store, journal, instrument, model, VOLATILITY)
    return health_of(journal, instrument=instrument, model=model, version=version, first=first, last=last)


def health_of(
    journal: pa.Table,
    *,
    instrument: str,
    model: str,
    version: str | None = None,
    first: date | None = None,
    last: date | None = None,
) -> HealthReport:
    """Return the health that the rows of `ml_data.journal.judged_predictions` tell, judged from `first` on.

    Rows before `first` count in the rolling figures' windows and in what the majority baseline had seen.
    """
    everything = judged_of(journal)
    start = np.datetime64(first or date.min, "D")
    judged = everything.where(everything.days >= start)
    rows = journal if first is None else journal.filter(pc.greater_equal(journal["trading_day"], pa.scalar(first)))
    some = len(judged) > 0
    rolling, label = rolling_skill(everything), everything.label
    return HealthReport(
        instrument=instrument,
        model=model,
        version=version,
        first=first,
        last=last,
        counts=counts_of(rows),
        judged=judged,
        performance=performance(judged),
        rolling=rolling.since(start) if some else None,
        rolling_verdict=describe_rolling(
            rolling.since(start), len(np.unique(everything.days)), label.walk, gain_unit(label)
        )
        if some
        else None,
        rolling_brier=rolling_skill(everything, score="brier").since(start) if some else None,
        rolling_error=rolling_calibration_error(everything, ROLLING_DAYS)[rolling.days >= start],
        by_range=skill_by_range(judged) if some else {},
        calibration=calibration(judged),
        worth=worth(judged),
        coverage=coverage(judged),
        parts=parts(judged),
    )


def describe(report: HealthReport) -> list[str]:
    """Return the report in words, for the command line."""
    counts = report.counts
    lines = [
        f"{report.model} on {report.instrument}: {counts.logged:,} predictions logged ({counts.replayed:,} by replay): "
        f"{counts.matured:,} matured, {counts.pending:,} pending, {counts.void:,} void, {counts.refused:,} refused."
    ]
    if report.performance is None:
        return [*lines, "Nothing has matured yet, so there is nothing to judge."]
    for name, estimate in report.performance.scores.items():
        beside = ", ".join(
            f"{baseline} {_score(scores[name])}"
            for baseline, scores in report.performance.baseline_scores.items()
            if name in scores
        )
        lines.append(
            f"  {name:<18} {_score(estimate.value)} [{_score(estimate.low)}, {_score(estimate.high)}]  "
            f"n {estimate.n:,} (worth {_score(estimate.n_effective, ',.0f')}); {beside}"
        )
    lines.append(f"Skill ({report.performance.verdict.state}): {report.performance.verdict.sentence}")
    calibrated = () if report.calibration is None else report.calibration.verdicts
    lines += [f"Calibration ({verdict.state}): {verdict.sentence}" for verdict in calibrated]
    expected = describe_expectation(report.parts.expectation)
    if expected is not None:
        lines.append(f"Expectation ({expected.state}): {expected.sentence}")
    for noun, found in (
        ("weekday", report.parts.by_weekday),
        ("confidence group", report.parts.by_confidence),
        ("regime", report.parts.by_regime),
    ):
        if found:
            by_part = describe_parts(found, noun, report.judged.label.walk)
            lines.append(f"Skill by {noun} ({by_part.state}): {by_part.sentence}")
    if report.coverage is not None:
        lines.append(f"Coverage ({report.coverage.verdict.state}): {report.coverage.verdict.sentence}")
    if report.worth is not None:
        lines.append(f"Worth ({report.worth.verdict.state}): {report.worth.verdict.sentence}")
        lines.append(f"Help ({report.worth.help.state}): {report.worth.help.sentence}")
    return lines


def _score(value: float, digits: str = ".3f") -> str:
    """Return a score in words; a dash where there is none, such as the precision of a class that was never called."""
    return "–" if math.isnan(value) else f"{value:{digits}}"
