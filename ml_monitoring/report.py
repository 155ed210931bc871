"""The monitoring report: everything the Model health page and `hub monitor` say, from one reading of the journal."""

from dataclasses import dataclass
from datetime import date, datetime

from ml_data.journal import judged_predictions
from ml_data.store import Store
from ml_models.intervals import Estimate
from ml_monitoring.calibration_monitor import Calibration, calibration
from ml_monitoring.judged import Counts, Judged, counts_of, judged_of
from ml_monitoring.performance_monitor import (
    Performance,
    RollingSkill,
    Worth,
    performance,
    rolling_skill,
    skill_by_range,
    worth,
)


@dataclass(frozen=True)
class HealthReport:
    """The health of one model on one instrument, from the predictions of `first` to `last` (None: no bound).

    What needs matured predictions is None without any.
    """

    instrument: str
    model: str
    version: str | None
    first: date | None
    last: date | None
    counts: Counts
    judged: Judged
    performance: Performance | None
    rolling: RollingSkill | None
    by_range: dict[str, Estimate]
    calibration: Calibration | None
    worth: Worth | None


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
        store, instrument=instrument, model=model, version=version, first=first, last=last, known_by=known_by
    )
    judged = judged_of(journal)
    return HealthReport(
        instrument=instrument,
        model=model,
        version=version,
        first=first,
        last=last,
        counts=counts_of(journal),
        judged=judged,
        performance=performance(judged),
        rolling=rolling_skill(judged) if len(judged) else None,
        by_range=skill_by_range(judged) if len(judged) else {},
        calibration=calibration(judged),
        worth=worth(judged),
    )


def describe(report: HealthReport) -> list[str]:
    """Return the report in words, for the command line."""
    counts = report.counts
    lines = [
        f"{report.model} on {report.instrument}: {counts.logged:,} predictions logged ({counts.replayed:,} by replay): "
        f"{counts.matured:,} matured, {counts.pending:,} pending, {counts.void:,} void, {counts.refused:,} refused."
    ]
    if report.performance is None or report.calibration is None:
        return [*lines, "Nothing has matured yet, so there is nothing to judge."]
    for name, estimate in report.performance.scores.items():
        beside = ", ".join(
            f"{baseline} {scores[name].value:.3f}" for baseline, scores in report.performance.baseline_scores.items()
        )
        lines.append(
            f"  {name:<18} {estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]  n {estimate.n:,} "
            f"(worth {estimate.n_effective:,.0f}); {beside}"
        )
    lines.append(f"Skill ({report.performance.verdict.state}): {report.performance.verdict.sentence}")
    lines += [f"Calibration ({verdict.state}): {verdict.sentence}" for verdict in report.calibration.verdicts]
    if report.worth is not None:
        lines.append(f"Worth ({report.worth.verdict.state}): {report.worth.verdict.sentence}")
    return lines
