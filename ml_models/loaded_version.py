"""A model version ready to answer: the estimator and what must go with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import lightgbm
import numpy as np

from ml_models.calibrator import Calibrator
from ml_models.documents import DamagedVersion, decode
from ml_models.metadata import Golden, Matrix, Metadata, Schema
from ml_models.model_version import Manifest, VersionId, is_part
from ml_models.single_row import Kind, SingleRow
from trading.errors import Refused

_ONE_THREAD: Final = 1  # the same sums in the same order, and the caller keeps the other cores

_LAST_TREE: Final = b"\nend of trees\n"  # LightGBM reads a text that was cut off here and there, at random


@dataclass(frozen=True, eq=False)
class LoadedVersion:
    """One version. `version_hash` is the SHA-256 of its manifest: it names every byte of it.

    `booster` is the model of model.txt, `further` are those of the other outputs of a version that says numbers.

    Rows are float64 (n, inputs) in the schema's order, NaN where missing. Each row's answer depends on that row alone,
    bit for bit. Safe to share between threads.
    """

    model: str
    version: VersionId
    version_hash: str
    manifest: Manifest
    schema: Schema
    calibrator: Calibrator
    metadata: Metadata
    metrics: Mapping[str, Any]
    golden: Golden
    booster: Any
    further: tuple[Any, ...] = ()

    def check_schema(self, names: Sequence[str]) -> None:
        """Raise `Refused` (`schema_mismatch`) unless `names` are the model's inputs in its order."""
        self.schema.check(names)

    def predict(self, rows: Matrix) -> Matrix:
        """Return calibrated probabilities (n, classes) in the schema's class order; a regression's values (n, 1).

        Of a version that says numbers: (n, outputs) in the schema's order, as they were fitted, which is how far each
        lies from what the walk says. Quantiles may cross; `ml_models.quantiles` puts them in order.
        """
        if self.further:
            return self._outputs(rows)
        if self.calibrator.kind in ("temperature", "platt"):
            return self.calibrator.apply(self.margins(rows))
        return self.uncalibrated(rows)

    def answered(self, rows: Matrix) -> tuple[Matrix, Matrix]:
        """Return what `predict` and `margins` say of `rows`, asking no more than once; of a version with classes."""
        margins = self.margins(rows)
        if self.calibrator.kind in ("temperature", "platt"):
            return self.calibrator.apply(margins), margins
        if self.schema.start is not None:
            return Calibrator().apply(margins), margins
        return self.uncalibrated(rows), margins

    def _outputs(self, rows: Matrix) -> Matrix:
        return np.hstack([self._run(rows, 1, "answer", part) for part in range(1 + len(self.further))])

    def uncalibrated(self, rows: Matrix) -> Matrix:
        """Return what the estimator itself answers, in the shape of `predict`."""
        if self.schema.start is not None:
            return Calibrator().apply(self.margins(rows))
        output = self._run(rows, self._margin_count, "answer")
        return np.hstack([1.0 - output, output]) if len(self.schema.classes) == 2 and output.shape[1] == 1 else output

    def margins(self, rows: Matrix) -> Matrix:
        """Return raw scores: (n, 1) log-odds of the second of two classes, (n, classes) for more, (n, 1) of a value."""
        margins = self._run(rows, self._margin_count, "margin")
        return margins if self.schema.start is None else self.schema.start.scores(rows) + margins

    def contributions(self, rows: Matrix) -> Matrix:
        """Return (n, margins, inputs + 1): what each input adds to each raw score (SHAP values); the last is the base.

        They sum to `margins` up to rounding (about 1e-14).
        """
        count, inputs = self._margin_count, len(self.schema.columns)
        added = self._run(rows, count * (inputs + 1), "contribution").reshape(len(rows), count, inputs + 1)
        return added if self.schema.start is None else self.schema.start.contributions(rows) + added

    @property
    def _margin_count(self) -> int:
        return max(1, len(self.schema.classes)) if len(self.schema.classes) != 2 else 1

    @cached_property
    def _single_rows(self) -> dict[tuple[Kind, int], SingleRow]:
        return {}

    def _run(self, rows: Matrix, columns: int, kind: Kind, part: int = 0) -> Matrix:
        """Return what the model of output `part` says of `rows`."""
        inputs = len(self.schema.columns)
        if rows.ndim != 2 or rows.shape[1] != inputs or rows.dtype != np.float64:
            raise Refused(
                "schema_mismatch", f"The model takes float64 rows of {inputs} inputs; found {rows.dtype} {rows.shape}."
            )
        if not len(rows):
            return np.empty((0, columns))
        booster = (self.booster, *self.further)[part]
        if len(rows) == 1:
            if (kind, part) not in self._single_rows:
                self._single_rows[kind, part] = SingleRow(booster, kind, inputs, columns)
            return self._single_rows[kind, part](rows)
        asked = {"raw_score": kind == "margin", "pred_contrib": kind == "contribution"}
        output = booster.predict(np.ascontiguousarray(rows), num_threads=_ONE_THREAD, **asked)
        return np.asarray(output, dtype=np.float64).reshape(len(rows), columns)

    def _again(self, outputs: int) -> Matrix:
        """Return what the golden rows' predictions must be again: the estimators' answers, or where trees correct."""
        if self.further:
            return self._outputs(self.golden.rows)
        if self.schema.start is not None:
            return self.margins(self.golden.rows)
        return self._run(self.golden.rows, outputs, "answer")

    @classmethod
    def parse(cls, manifest: Manifest, version_hash: str, files: Mapping[str, bytes]) -> Self:
        """Return the version in `files`, whose hashes must already have been checked, and whose golden rows come back.

        LightGBM ends the process on some damaged files: run this first in a child (`ml_models.load_check`).

        Raises
        ------
        DamagedVersion
            when a file does not say what it must, files disagree, or a golden row's prediction differs in any bit.
        """
        schema = Schema.read(files["schema.json"])
        if {name for name in files if name == "model.txt" or is_part(name)} != set(schema.parts):
            raise DamagedVersion("schema.json", f"needs the models {', '.join(schema.parts)}, and others are there")
        calibrator, golden = Calibrator.read(files["calibrator.json"]), Golden.read(files["golden.json"])
        booster, *further = [_booster(name, files[name]) for name in schema.parts]
        version = cls(
            model=manifest.model,
            version=manifest.version,
            version_hash=version_hash,
            manifest=manifest,
            schema=schema,
            calibrator=calibrator,
            metadata=Metadata.read(files["metadata.json"]),
            metrics=decode("metrics.json", files["metrics.json"]).document,
            golden=golden,
            booster=booster,
            further=tuple(further),
        )
        version._check_agreement()
        return version

    def _check_agreement(self) -> None:
        for file, booster in zip(self.schema.parts, (self.booster, *self.further), strict=True):
            names = tuple(booster.feature_name())
            if names != self.schema.names:
                raise DamagedVersion(
                    "schema.json", f"names {len(self.schema.names)} inputs unlike the {len(names)} in {file}"
                )
        outputs = max(booster.num_model_per_iteration() for booster in (self.booster, *self.further))
        if outputs != self._margin_count:
            raise DamagedVersion(
                "schema.json", f"classes {self.schema.classes} do not fit a model of {outputs} outputs"
            )
        if self.calibrator.kind == "platt" and len(self.schema.classes) != 2:
            raise DamagedVersion("calibrator.json", "platt needs two classes")
        if self.golden.rows.shape[1] != len(names):
            raise DamagedVersion(
                "golden.json", f"rows have {self.golden.rows.shape[1]} numbers, the model {len(names)} inputs"
            )
        again = self._again(outputs)
        row = self.golden.differs_from(again)
        if row is not None:
            raise DamagedVersion("golden.json", f"row {row} is not predicted as it was when the model was trained")


def _booster(file: str, content: bytes) -> Any:
    if _LAST_TREE not in content:
        raise DamagedVersion(file, "is not LightGBM's text, or ends before its last tree")
    try:
        return lightgbm.Booster(model_str=content.decode("utf-8"))
    except (lightgbm.basic.LightGBMError, UnicodeDecodeError) as error:
        raise DamagedVersion(file, f"LightGBM cannot read it ({str(error).splitlines()[0]})") from error
