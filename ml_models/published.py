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

_JUDGED_BY: Final = ("log_loss", "squared_error")


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
        found = self.metrics.get(block)
        documents: Mapping[str, Any] = found.get("skill", {}) if isinstance(found, dict) else {}
        name = next((each for judged in _JUDGED_BY for each in sorted(documents) if each.startswith(judged)), None)
        return None if name is None else (name, read_estimate(documents[name]))

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
