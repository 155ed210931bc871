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
from ml_models.model_version import Manifest, VersionId
from ml_models.single_row import Kind, SingleRow
from trading.errors import Refused

_ONE_THREAD: Final = 1  # the same sums in the same order, and the caller keeps the other cores

_LAST_TREE: Final = b"\nend of trees\n"  # LightGBM reads a text that was cut off here and there, at random


@dataclass(frozen=True, eq=False)
class LoadedVersion:
    """One version. `version_hash` is the SHA-256 of its manifest: it names every byte of it.

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

    def check_schema(self, names: Sequence[str]) -> None:
        """Raise `Refused` (`schema_mismatch`) unless `names` are the model's inputs in its order."""
        self.schema.check(names)

    def predict(self, rows: Matrix) -> Matrix:
        """Return calibrated probabilities (n, classes) in the schema's class order; a regression's values (n, 1)."""
        if self.calibrator.kind != "none":
            return self.calibrator.apply(self.margins(rows))
        return self.uncalibrated(rows)

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
    def _single_rows(self) -> dict[Kind, SingleRow]:
        return {}

    def _run(self, rows: Matrix, columns: int, kind: Kind) -> Matrix:
        inputs = len(self.schema.columns)
        if rows.ndim != 2 or rows.shape[1] != inputs or rows.dtype != np.float64:
            raise Refused(
                "schema_mismatch", f"The model takes float64 rows of {inputs} inputs; found {rows.dtype} {rows.shape}."
            )
        if not len(rows):
            return np.empty((0, columns))
        if len(rows) == 1:
            if kind not in self._single_rows:
                self._single_rows[kind] = SingleRow(self.booster, kind, inputs, columns)
            return self._single_rows[kind](rows)
        asked = {"raw_score": kind == "margin", "pred_contrib": kind == "contribution"}
        output = self.booster.predict(np.ascontiguousarray(rows), num_threads=_ONE_THREAD, **asked)
        return np.asarray(output, dtype=np.float64).reshape(len(rows), columns)

    @classmethod
    def parse(cls, manifest: Manifest, version_hash: str, files: Mapping[str, bytes]) -> Self:
        """Return the version in `files`, whose hashes must already have been checked, and whose golden rows come back.

        LightGBM ends the process on some damaged files: run this first in a child (`ml_models.load_check`).

        Raises
        ------
        DamagedVersion
            when a file does not say what it must, files disagree, or a golden row's prediction differs in any bit.
        """
        if _LAST_TREE not in files["model.txt"]:
            raise DamagedVersion("model.txt", "is not LightGBM's text, or ends before its last tree")
        schema = Schema.read(files["schema.json"])
        calibrator, golden = Calibrator.read(files["calibrator.json"]), Golden.read(files["golden.json"])
        try:
            booster = lightgbm.Booster(model_str=files["model.txt"].decode("utf-8"))
        except (lightgbm.basic.LightGBMError, UnicodeDecodeError) as error:
            raise DamagedVersion("model.txt", f"LightGBM cannot read it ({str(error).splitlines()[0]})") from error
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
        )
        version._check_agreement()
        return version

    def _check_agreement(self) -> None:
        names = tuple(self.booster.feature_name())
        if names != self.schema.names:
            raise DamagedVersion(
                "schema.json", f"names {len(self.schema.names)} inputs unlike the {len(names)} in model.txt"
            )
        outputs = self.booster.num_model_per_iteration()
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
        again = self.margins(self.golden.rows) if self.schema.start else self._run(self.golden.rows, outputs, "answer")
        row = self.golden.differs_from(again)
        if row is not None:
            raise DamagedVersion("golden.json", f"row {row} is not predicted as it was when the model was trained")
