"""Shelves of a registry that hold one version, altered or made up."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import lightgbm
import numpy as np

from ml_data.feature_matrix import features_of
from ml_models.loaded_version import LoadedVersion
from ml_models.metadata import Column, Golden, Schema
from ml_models.model_version import Draft, VersionId
from ml_models.pointers import Pointer
from ml_training.dataset import chosen_groups
from ml_training.recipe import shipped_recipe
from tests.hub_home import MODEL


@dataclass
class Shelf:
    """What the engine asks of a registry, with one version on it. Put another there, and it answers from then on."""

    held: LoadedVersion

    def models(self) -> tuple[str, ...]:
        return (MODEL,)

    def load(self, model: str, which: str = "latest") -> LoadedVersion:
        assert model == MODEL
        return self.held


def with_metadata(version: LoadedVersion, **changes: Any) -> LoadedVersion:
    return replace(version, metadata=replace(version.metadata, **changes))


def renamed(version: LoadedVersion, old: str, new: str) -> LoadedVersion:
    """The version, but it calls one of its inputs otherwise."""
    columns = tuple(replace(column, name=new) if column.name == old else column for column in version.schema.columns)
    return replace(version, schema=replace(version.schema, columns=columns))


@cache
def three_class_booster() -> lightgbm.Booster:
    names = [feature.name for feature in features_of(chosen_groups(shipped_recipe("directional")))]
    random = np.random.default_rng(5)
    rows = random.normal(size=(600, len(names)))
    rows[random.random(rows.shape) < 0.1] = np.nan
    labels = np.select([np.nan_to_num(rows[:, 0]) > 0.4, np.nan_to_num(rows[:, 1]) > 0.3], [0, 1], 2)
    fixed = {"num_threads": 1, "deterministic": True, "force_row_wise": True, "seed": 3, "verbosity": -1}
    data = lightgbm.Dataset(rows, labels, feature_name=names)
    return lightgbm.train({"objective": "multiclass", "num_class": 3, "num_leaves": 7, **fixed}, data, 40)


def three_class_draft(like: LoadedVersion) -> Draft:
    """A model of UP, DOWN and NONE that takes every feature, with the metadata of `like`."""
    booster = three_class_booster()
    columns = tuple(Column(name, -4.0, 4.0) for name in booster.feature_name())
    rows = np.random.default_rng(6).normal(size=(4, len(columns)))
    return Draft(
        model_txt=booster.model_to_string().encode(),
        schema=Schema(columns, ("UP", "DOWN", "NONE")),
        metadata=like.metadata,
        metrics={"note": "made up"},
        feature_importance=dict.fromkeys(booster.feature_name(), 1.0),
        golden=Golden(rows, booster.predict(rows, num_threads=1)),
        card="# made up\n",
    )


def pointer(version: str) -> Pointer:
    return Pointer("latest", VersionId(version), None)


def named(version: LoadedVersion, values: np.ndarray) -> Mapping[str, float]:
    return dict(zip(version.schema.names, values.tolist(), strict=True))
