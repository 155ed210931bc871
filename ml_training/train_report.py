"""What a training run says of itself, as values and as sentences."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ml_data.lookahead import LookaheadReport
from ml_models.card import told_parts
from ml_models.documents import Json
from ml_models.metadata import Metadata
from ml_models.model_version import VersionId
from ml_models.verdicts import describe_score, describe_skill
from ml_training.canaries import Canary
from ml_training.evaluation import Evaluation
from ml_training.training import Training

_SHOWN: Final = {
    "accuracy": "Accuracy",
    "auc": "AUC",
    "r2": "R²",
    "coverage": "Coverage of the interval",
    "width": "Width of the interval",
}


@dataclass(frozen=True, eq=False)
class TrainReport:
    """A published version, what it says about itself, and what is known of it."""

    model: str
    version: VersionId
    metadata: Metadata
    training: Training
    audit: LookaheadReport
    canaries: tuple[Canary, ...]
    metrics: Mapping[str, Json]
    outputs: tuple[str, ...] = ()

    def document(self) -> dict[str, Json]:
        """Return the report as one JSON object."""
        return {
            "model": self.model,
            "version": str(self.version),
            "metrics": self.metrics,
            "audit": {"events": self.audit.events, "features": self.audit.features, "passed": self.audit.passed},
            "canaries": [{"name": c.name, "passed": c.passed, "sentence": c.sentence} for c in self.canaries],
            "metadata": self.metadata.document(),
        }


def describe_training(report: TrainReport) -> list[str]:
    """Return what a person must know of a training, line by line; skill before accuracy."""
    metadata, training = report.metadata, report.training
    learned = metadata.ranges[0]
    market = f"{metadata.instrument} (a synthetic market)" if metadata.synthetic else metadata.instrument
    return [
        f"Published {report.model} {report.version} for {market}; it may answer up to {metadata.expires_on}.",
        f"Learned from {learned.events:,} events, {learned.first_day} to {learned.last_day}; it answers "
        f"{', '.join(training.walk_forward.classes or report.outputs)}.",
        *_described("Walk-forward", training.walk_forward),
        *_described("Untouched window", training.untouched),
        f"The untouched window was opened {metadata.extra['untouched_window_opened']}.",
        f"Look-ahead audit: none of {report.audit.features} features knows its future in {report.audit.events} events.",
        *metadata.notes,
        *(sentence for part in told_parts(report.metrics).values() for sentence in part),
    ]


def _described(title: str, found: Evaluation) -> list[str]:
    lines = [f"{title}, {found.first_day} to {found.last_day}, {found.events:,} events:"]
    lines += [f"  {describe_skill(each, score, found.best_baseline).sentence}" for score, each in found.skill.items()]
    for score, name in _shown(found):
        beside = ", ".join(
            f"{baseline} {scores[score].value:.3f}" for baseline, scores in found.baselines.items() if score in scores
        )
        told = describe_score(name, found.scores[score]).rstrip(".")
        lines.append(f"  {told}; {beside}." if beside else f"  {told}.")
    return lines


def _shown(found: Evaluation) -> list[tuple[str, str]]:
    """Return the scores that are told, and what each is called."""
    if found.classes:
        return [(name, _SHOWN[name]) for name in ("accuracy", "auc")]
    return [
        (score, _SHOWN[kind] + score.removeprefix(kind).replace("_", ", ", 1))
        for score in found.scores
        if (kind := score.split("_")[0]) in ("r2", "coverage", "width")
    ]
