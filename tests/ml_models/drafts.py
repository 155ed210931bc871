"""Tiny trained models for the tests of the shelf; the same seed always gives the same bytes."""

import shutil
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import lightgbm
import numpy as np

from ml_models.calibrator import Calibrator
from ml_models.metadata import Column, DayRange, Golden, Metadata, Schema
from ml_models.model_registry import ModelRegistry
from ml_models.model_version import FILES, MANIFEST, Draft, Manifest, VersionId
from ml_models.version_files import read_files

NAMES = ("close_in_range", "size_in_atr", "hour", "volume_share")
NOON = datetime(2025, 6, 27, 12, 0, tzinfo=UTC)


def rows(count: int, seed: int = 0) -> np.ndarray:
    found = np.random.default_rng(seed).normal(size=(count, len(NAMES)))
    found[::5, 2] = np.nan
    return found


@cache
def booster(classes: tuple[str, ...] = ("DOWN", "UP"), seed: int = 1) -> lightgbm.Booster:
    inputs, random = rows(300, seed), np.random.default_rng(seed)
    if len(classes) > 2:
        kind = {"objective": "multiclass", "num_class": len(classes)}
        label = random.integers(0, len(classes), 300).astype(float)
    elif classes:
        kind, label = {"objective": "binary"}, (inputs[:, 0] + random.normal(size=300) > 0).astype(float)
    else:
        kind, label = {"objective": "regression"}, inputs[:, 0] + random.normal(size=300)
    fixed = {"num_threads": 1, "deterministic": True, "force_row_wise": True, "seed": seed, "verbosity": -1}
    data = lightgbm.Dataset(inputs, label, feature_name=list(NAMES))
    return lightgbm.train({**kind, **fixed, "num_leaves": 4}, data, num_boost_round=5)


def metadata(**changes: object) -> Metadata:
    plain = {
        "recipe": "directional",
        "instrument": "DEMO",
        "question": "Which side does the range break first?",
        "parameters": {"num_leaves": 4, "learning_rate": 0.1},
        "seed": 1,
        "ranges": (DayRange("train", date(2024, 1, 2), date(2024, 12, 31), 300),),
        "data_hash": "d" * 64,
        "code_commit": "abc1234",
        "libraries": {"lightgbm": "4.7.0"},
        "command": "hub train directional --instrument DEMO",
        "trials": 1,
    }
    return Metadata(**{**plain, **changes})


def draft(classes: tuple[str, ...] = ("DOWN", "UP"), seed: int = 1, calibrator: Calibrator | None = None) -> Draft:
    model, golden = booster(classes, seed), rows(8, seed=99)
    return Draft(
        model_txt=model.model_to_string().encode(),
        schema=Schema(tuple(Column(name, -4.0, 4.0) for name in NAMES), classes),
        metadata=metadata(seed=seed),
        metrics={"note": "tiny"},
        feature_importance={
            name: float(gain) for name, gain in zip(NAMES, model.feature_importance("gain"), strict=True)
        },
        golden=Golden(golden, model.predict(golden, num_threads=1)),
        card="# tiny\n",
        calibrator=calibrator or Calibrator(),
    )


def at(minute: int) -> datetime:
    return NOON.replace(minute=minute)


def three_versions(root: Path) -> tuple[VersionId, ...]:
    """Publish seeds 1, 2, 3 at 12:01, 12:02, 12:03; make them champion one after the other at 12:11, 12:12, 12:13."""
    registry = ModelRegistry(root)
    made = []
    for number in (1, 2, 3):
        made.append(
            registry.publish("directional", draft(seed=number), now=at(number), who="ann", why=f"seed {number}")
        )
    for number, version in enumerate(made, start=11):
        registry.promote("directional", version, now=at(number), who="ann", why="better")
    return tuple(made)


def copy_shelf(source: Path, target: Path) -> Path:
    return Path(shutil.copytree(source, target))


def damage(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)


def resigned(model_folder: Path, version: str, changes: Mapping[str, bytes]) -> VersionId:
    """Put a copy of `version` with changed files beside it, whose manifest fits them: only loading can find it out."""
    found = read_files(model_folder / version)
    contents = {**found.contents, **changes}
    manifest = Manifest(
        model=found.manifest.model,
        created_at=found.manifest.created_at,
        who="mallory",
        why="resigned",
        files={name: type(next(iter(found.manifest.files.values()))).of(contents[name]) for name in FILES},
    )
    folder = model_folder / manifest.version
    folder.mkdir()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / MANIFEST).write_bytes(manifest.encode())
    return manifest.version
