"""A model version on the shelf: its number, its manifest, the draft it is published from."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, Self

from ml_models.calibrator import Calibrator
from ml_models.documents import DamagedVersion, Json, decode, encode
from ml_models.metadata import Golden, Metadata, Schema
from trading.errors import RegistryError

MANIFEST: Final = "manifest.json"
MANIFEST_FORMAT: Final = 1
FILES: Final = (
    "model.txt",
    "calibrator.json",
    "schema.json",
    "metadata.json",
    "metrics.json",
    "feature_names.json",
    "feature_importance.json",
    "golden.json",
    "MODEL_CARD.md",
)
"""What every version consists of, beside its manifest; a version of several models has more of them (`is_part`)."""

_PART: Final = re.compile(r"model\.[a-z0-9_]+\.txt")

STAMP: Final = "%Y%m%d_%H%M%S"
_VERSION: Final = re.compile(r"v_(\d{8}_\d{6})-([0-9a-f]{5})")


def is_part(name: str) -> bool:
    """Return whether a file of this name is one more model of a version.

    >>> is_part("model.r_q05.txt"), is_part("model.txt"), is_part("notes.txt")
    (True, False, False)
    """
    return _PART.fullmatch(name) is not None


class VersionId(str):
    """`v_YYYYMMDD_HHMMSS-<hash5>`: when it was published (UTC) and what it consists of. Sorts by time."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Return the id in `text`, or raise `RegistryError` when it is none."""
        if not cls.fits(text):
            raise RegistryError(f"{text!r} is not a model version, such as 'v_20250627_131500-0a1b2'.")
        return super().__new__(cls, text)

    @staticmethod
    def fits(text: str) -> bool:
        """Return whether `text` is written like a version."""
        match = _VERSION.fullmatch(text)
        if match is None:
            return False
        try:
            datetime.strptime(match[1], STAMP).replace(tzinfo=UTC)
        except ValueError:
            return False
        return True


def model_name(recipe: str, instrument: str, rule: str | None = None) -> str:
    """Return the name under which the registry keeps a recipe's versions for one instrument, and one trade rule.

    >>> model_name("directional", "MGC"), model_name("entry_quality", "MGC", "half-rr1.5-session")
    ('directional-MGC', 'entry_quality-MGC-half-rr1_5-session')
    """
    return "-".join([recipe, instrument, *([rule.replace(".", "_")] if rule else [])])


def utc(instant: datetime) -> datetime:
    """Return `instant` in UTC; a naive one is a `ValueError`."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no time zone")
    return instant.astimezone(UTC)


@dataclass(frozen=True)
class FileFact:
    """What a file must be: its size in bytes and its SHA-256 in hexadecimal."""

    size: int
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Return the fact of `content`."""
        return cls(len(content), hashlib.sha256(content).hexdigest())


@dataclass(frozen=True)
class Manifest:
    """What a version consists of, and who published it when and why.

    `attempt` is 0, or how often the number came out as one already used (two publishers in one second).
    """

    model: str
    created_at: datetime
    who: str
    why: str
    files: Mapping[str, FileFact]
    attempt: int = 0

    @property
    def version(self) -> VersionId:
        """The version's number: the second it was made, and a hash over all that the manifest says."""
        digest = FileFact.of(encode(MANIFEST, self._document())).sha256
        return VersionId(f"v_{self.created_at.strftime(STAMP)}-{digest[:5]}")

    def next_attempt(self) -> Self:
        """Return the same manifest under another number."""
        return replace(self, attempt=self.attempt + 1)

    def encode(self) -> bytes:
        """Return the contents of manifest.json; their SHA-256 is the version hash."""
        return encode(MANIFEST, {**self._document(), "version": self.version})

    def _document(self) -> dict[str, Json]:
        return {
            "format": MANIFEST_FORMAT,
            "model": self.model,
            "created_at": self.created_at.isoformat(),
            "who": self.who,
            "why": self.why,
            "attempt": self.attempt,
            "files": {name: {"size": fact.size, "sha256": fact.sha256} for name, fact in self.files.items()},
        }

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Return the manifest in the bytes of manifest.json.

        Raises
        ------
        DamagedVersion
            when it is not a manifest, is of a newer format, or its files do not make its number.
        """
        fields = decode(MANIFEST, content)
        made = fields.integer("format")
        if made > MANIFEST_FORMAT:
            problem = f"has format {made}, this hub reads up to {MANIFEST_FORMAT}"
            raise DamagedVersion(MANIFEST, problem, cure="a newer hub published it: update this one")
        manifest = cls(
            model=fields.text("model"),
            created_at=utc(fields.instant("created_at")),
            who=fields.text("who"),
            why=fields.text("why"),
            files={name: _fact(name, fact) for name, fact in fields.mapping("files").items()},
            attempt=fields.integer("attempt"),
        )
        if manifest.encode() != content:
            raise DamagedVersion(MANIFEST, "was changed after it was published (its contents do not make its number)")
        return manifest


def _fact(name: str, document: object) -> FileFact:
    match document:
        case {"size": int(size), "sha256": str(sha256)}:
            return FileFact(size, sha256)
    raise DamagedVersion(MANIFEST, f"{name}: expected its size and sha256, found {str(document)[:60]!r}")


@dataclass(frozen=True)
class Draft:
    """A trained model before it is published.

    `model_txt` is LightGBM's text (`Booster.model_to_string()`, UTF-8); `parts` are the texts of the further models of
    a version of several, by file name. `metrics` is any JSON object (the shape that the card reads is in
    `ml_models.card`), `feature_importance` a number or object for each feature, `card` Markdown.
    """

    model_txt: bytes
    schema: Schema
    metadata: Metadata
    metrics: Mapping[str, Json]
    feature_importance: Mapping[str, Json]
    golden: Golden
    card: str
    calibrator: Calibrator = field(default_factory=Calibrator)
    parts: Mapping[str, bytes] = field(default_factory=dict)

    def files(self) -> dict[str, bytes]:
        """Return the contents of each file of the version but its manifest."""
        documents: dict[str, Json] = {
            "calibrator.json": self.calibrator.document(),
            "schema.json": self.schema.document(),
            "metadata.json": self.metadata.document(),
            "metrics.json": self.metrics,
            "feature_names.json": list(self.schema.names),
            "feature_importance.json": self.feature_importance,
            "golden.json": self.golden.document(),
        }
        files = {name: encode(name, document) for name, document in documents.items()}
        return {"model.txt": self.model_txt, **self.parts, **files, "MODEL_CARD.md": self.card.encode()}


@dataclass(frozen=True)
class VersionSummary:
    """One line of the shelf. `aliases` are the pointers at it (`latest` is LATEST_VERSION.txt).

    `problem` says why its manifest cannot be read; then `created_at` (UTC), `who`, `why` and `version_hash` are None.
    `rejected` says why no pointer may be set at it; a `candidate` is not judged yet.
    Whether the files are good is answered by `ModelRegistry.verify`.
    """

    version: VersionId
    aliases: tuple[str, ...]
    created_at: datetime | None = None
    who: str | None = None
    why: str | None = None
    version_hash: str | None = None
    problem: str | None = None
    rejected: str | None = None
    candidate: bool = False

    @property
    def standing(self) -> tuple[str, ...]:
        """What it is called on the shelf: the pointers at it, or that it is a candidate or rejected."""
        return (*self.aliases, *(["rejected"] if self.rejected else []), *(["candidate"] if self.candidate else []))
