"""What a published version says of itself: how it came to be, its figures, what it looked at, its card."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ml_models.calibrator import FILE as CALIBRATOR
from ml_models.calibrator import Calibrator
from ml_models.card import with_version
from ml_models.documents import decode
from ml_models.importance import FeatureImportance, read_importance
from ml_models.intervals import Estimate
from ml_models.metadata import Metadata
from ml_models.metrics import read_estimate
from ml_models.model_version import Manifest, VersionId
from ml_models.version_files import read_files
from trading.domain.label import LABELS

_JUDGED_BY: Final = ("log_loss", "squared_error")
_TOLD: Final = ("auc", "r2")


@dataclass(frozen=True, eq=False)
class PublishedVersion:
    """A version's documents. `metrics` is as `ml_models.metrics` describes, `card` is Markdown."""

    model: str
    version: VersionId
    version_hash: str
    manifest: Manifest
    metadata: Metadata
    metrics: Mapping[str, Any]
    importance: tuple[FeatureImportance, ...]
    calibrator: Calibrator
    card: str

    def skill(self, block: str) -> tuple[str, Estimate] | None:
        """Return the score by which versions are judged and the skill in it in `block` of the metrics; None: no skill.

        Nats of probabilities, squared errors of numbers (of the first target).
        """
        return self._first_of(block, "skill", _JUDGED_BY)

    def score(self, block: str) -> tuple[str, Estimate] | None:
        """Return AUC or R² (of the first target) in `block` of the metrics; None: neither."""
        return self._first_of(block, "scores", _TOLD)

    def _first_of(self, block: str, kind: str, wanted: tuple[str, ...]) -> tuple[str, Estimate] | None:
        found = self.metrics.get(block)
        documents: Mapping[str, Any] = found.get(kind, {}) if isinstance(found, dict) else {}
        names = [name for each in wanted for name in (f"{each}_{self._first_target}", each) if name in documents]
        return None if not names else (names[0], read_estimate(documents[names[0]]))

    @property
    def _first_target(self) -> str:
        """The first of several numbers that the version says: scores end in its name; empty of classes."""
        recipe = self.metadata.extra.get("recipe")
        label = LABELS.get(str(recipe.get("label"))) if isinstance(recipe, dict) else None
        return label.targets[0] if label is not None and label.targets else ""

    def told(self, part: str) -> tuple[str, ...]:
        """Return the sentences of a part of the metrics that has some; else none."""
        found = self.metrics.get(part)
        return tuple(found.get("sentences", ())) if isinstance(found, dict) else ()


def published_in(folder: Path, model: str, version: VersionId) -> PublishedVersion:
    """Return the documents of the version in `folder`.

    Raises
    ------
    DamagedVersion
        when a file is not the one of the manifest, or cannot be understood.
    """
    files = read_files(folder)
    contents = files.whole()
    return PublishedVersion(
        model=model,
        version=version,
        version_hash=files.version_hash,
        manifest=files.manifest,
        metadata=Metadata.read(contents["metadata.json"]),
        metrics=decode("metrics.json", contents["metrics.json"]).document,
        importance=read_importance(decode("feature_importance.json", contents["feature_importance.json"]).document),
        calibrator=Calibrator.read(contents[CALIBRATOR]),
        card=with_version(contents["MODEL_CARD.md"].decode("utf-8", errors="replace"), version),
    )
