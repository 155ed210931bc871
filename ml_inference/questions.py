"""What a version is asked with: the features of its groups, in its order, none missing that must not be."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import numpy as np

from ml_data.feature_matrix import every_group, feature_groups, features_of, schema_hash
from ml_data.features.base import FeatureGroup, Floats
from ml_models.loaded_version import LoadedVersion
from trading.errors import Refused

_VERSIONS: Final = 16  # whose answers to these questions are kept: a loaded version never changes


@lru_cache(maxsize=_VERSIONS)
def asked_groups(version: LoadedVersion) -> tuple[FeatureGroup, ...]:
    """Return the feature groups that a version is fed with: those with any of its inputs (all when it has none)."""
    inputs = set(version.schema.names)
    fed = tuple(group for group in every_group() if inputs & {feature.name for feature in group.features})
    return fed or feature_groups(version.schema.asked.event)


@lru_cache(maxsize=_VERSIONS)
def asked_features(version: LoadedVersion) -> tuple[str, ...]:
    """Return the features that a version is asked with, in the order in which the journal keeps them."""
    return tuple(feature.name for feature in features_of(asked_groups(version)))


@lru_cache(maxsize=_VERSIONS)
def asked_schema_hash(version: LoadedVersion) -> str:
    """Return the hash of the definitions that a version's features have now."""
    return schema_hash(asked_groups(version))


def named_row(version: LoadedVersion, features: Mapping[str, float]) -> Floats:
    """Return named features as one row in the version's order, or raise `Refused`."""
    version.check_schema(
        [name for name in version.schema.names if name in features]
        + [n for n in features if n not in version.schema.names]
    )
    for name, value in features.items():
        if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
            raise Refused("schema_mismatch", f"{name}: expected a number (NaN where it is missing), found {value!r}.")
    row = np.array([[float(features[name]) for name in version.schema.names]])
    check_missing(version, row[0])
    return row


def check_missing(version: LoadedVersion, values: Floats) -> None:
    """Raise `Refused` (`missing_inputs`) when a value (F,) that the version cannot do without is not there."""
    missing = [
        column.name
        for column, value in zip(version.schema.columns, values, strict=True)
        if column.missing == "refused" and not np.isfinite(value)
    ]
    if missing:
        raise Refused(
            "missing_inputs", f"Without a value: {', '.join(missing[:5])}. History is too short or has a hole."
        )
