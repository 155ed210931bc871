"""Features of events: discovery of the groups, and the matrix that they fill.

Training and audit call `feature_matrix`, live inference `matrix_of` the same arrays for one event; there is no other
way to a feature.
"""

import hashlib
import importlib
import json
import pkgutil
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ml_data import features as feature_package
from ml_data.day_tables import day_tables
from ml_data.events import EventRows
from ml_data.feature_inputs import feature_inputs, own_days
from ml_data.features.base import Feature, FeatureGroup, Floats, Inputs, Ints
from ml_data.history import History
from trading.domain.calendar import from_minute
from trading.domain.label import ORB_COMPLETE, EventKind
from trading.errors import LawOfTimeBroken


@dataclass(frozen=True)
class FeatureMatrix:
    """Features of E events: `values` (E, F) float64, NaN where a feature is missing by its own rule.

    `newest_input` (E, G) is the minute at which each group's newest input was known; it never exceeds the event's.
    """

    names: tuple[str, ...]
    values: Floats
    newest_input: Ints

    @property
    def newest(self) -> Ints:
        """The minute at which the newest input of each event was known, shape (E,)."""
        result: Ints = self.newest_input.max(axis=1)
        return result


def feature_groups(kind: EventKind = ORB_COMPLETE) -> tuple[FeatureGroup, ...]:
    """Return the groups that are valid for events of one kind, in the order in which they are discovered."""
    return tuple(group for group in every_group() if kind in group.events)


@lru_cache(maxsize=1)
def every_group() -> tuple[FeatureGroup, ...]:
    """Return the group of every module in `ml_data.features`, by module name: found, not listed."""
    names = sorted(module.name for module in pkgutil.iter_modules(feature_package.__path__) if module.name != "base")
    modules = [importlib.import_module(f"{feature_package.__name__}.{name}") for name in names]
    return tuple(module.GROUP for module in modules)


def features_of(groups: tuple[FeatureGroup, ...]) -> tuple[Feature, ...]:
    """Return the features of `groups` in the order of the matrix's columns."""
    return tuple(feature for group in groups for feature in group.features)


def volume_features(groups: tuple[FeatureGroup, ...] | None = None) -> tuple[str, ...]:
    """Return the names of the features that say nothing where bars have no volume: they are NaN then."""
    return tuple(feature.name for feature in features_of(groups or feature_groups()) if feature.needs_volume)


def schema_hash(groups: tuple[FeatureGroup, ...]) -> str:
    """Return a hash of names, units and meanings: what a model was trained on, it is asked with."""
    text = json.dumps([[feature.name, feature.unit, feature.doc, feature.missing] for feature in features_of(groups)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def feature_matrix(
    history: History, events: EventRows, groups: tuple[FeatureGroup, ...] | None = None
) -> FeatureMatrix:
    """Return the features of `events` (of `history`), computed group by group in one pass each.

    Without `groups` those are computed that are valid for events of that kind.

    Raises
    ------
    LawOfTimeBroken
        when a group used something that was known only after its event.
    """
    contract = history.contracts.contract[events.day]
    own = own_days(history.bars, history.instrument, contract, history.days[events.day])
    inputs = feature_inputs(history.bars, history.instrument, day_tables(history), own, contract, events)
    return matrix_of(inputs, feature_groups(events.kind) if groups is None else groups)


def matrix_of(inputs: Inputs, groups: tuple[FeatureGroup, ...]) -> FeatureMatrix:
    """Return the features of the events behind `inputs`; raises as `feature_matrix` does."""
    names = _names(groups)
    count = len(inputs.decided)
    values = np.empty((count, len(names)))
    missing = np.full(count * len(names), np.nan)  # each group has a part of its own, in one piece
    newest = np.zeros((len(groups), count), dtype=np.int64)
    column = 0
    for index, group in enumerate(groups):
        until = column + len(group.features)
        out = missing[count * column : count * until].reshape(count, len(group.features))
        group.compute(inputs, out, newest[index])
        values[:, column:until] = out
        column = until
    newest = newest.T
    late = newest > inputs.decided[:, None]
    if late.any():
        event, group_index = np.argwhere(late)[0]
        raise LawOfTimeBroken(
            f"feature group {groups[group_index].name!r} used something known at "
            f"{from_minute(newest[event, group_index])} for an event decided at {from_minute(inputs.decided[event])}"
        )
    return FeatureMatrix(names, values, newest)


def _names(groups: tuple[FeatureGroup, ...]) -> tuple[str, ...]:
    return tuple([feature.name for group in groups for feature in group.features])
