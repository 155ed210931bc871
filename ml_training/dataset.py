"""The rows a model learns from: events whose outcome is known, their features, labels and times.

Nothing is known here that bars after `history.through` say: cut the bars and the dataset ends there.
"""

import hashlib
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_data.events import EventRows, events_of
from ml_data.feature_matrix import FeatureMatrix, feature_groups, feature_matrix, features_of
from ml_data.features.base import FeatureGroup
from ml_data.history import History
from ml_data.outcomes import MATURED, Outcomes, outcomes_of, reached
from ml_training.labels import answered_classes, value_note
from ml_training.recipe import ALL, Recipe
from ml_training.splits import Timeline, final_window_start
from trading.domain.calendar import Days
from trading.domain.label import ORB_COMPLETE, TARGET_FIRST, Label, label_named
from trading.domain.trade_rule import TradeRule, rule_named
from trading.domain.walks import walk_chances, walk_columns, walk_inputs
from trading.errors import BadSettings, LawOfTimeBroken, NothingStored

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_EVENTS = {ORB_COMPLETE: "complete opening ranges"}


@dataclass(frozen=True, eq=False)
class Dataset:
    """n events in the order of their decision, each with F features and its outcome.

    `label` names the question and `rule` the trade rule it is about; `slippage` is in ticks a market order. `x` (n, F)
    float64 with NaN where a feature is missing; `codes` (n,) index `classes` (0 of a label of numbers), `values` (n, T)
    are what became of its targets; `days` are trading days, `opening` the instrument's opening ranges, `decided` and
    `label_known` UTC minutes; `walk` (n, T or more) is what a walk without drift says (`trading.domain.walks`); `r_net`
    (n,) the trade's net R by the rule, by the plain one where the label has none, NaN without a trade; `members` (n, M)
    what the members of a blend learn, M is 0 without one. `notes` says in sentences what was left out and why.
    """

    instrument: str
    label: str
    rule: str | None
    slippage: float
    names: tuple[str, ...]
    classes: tuple[str, ...]
    x: Floats
    codes: Ints
    values: Floats
    days: Days
    opening: Ints
    decided: Ints
    label_known: Ints
    walk: Floats
    r_net: Floats
    members: Floats
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def asked(self) -> Label:
        """The question."""
        return label_named(self.label)

    @property
    def trade_rule(self) -> TradeRule | None:
        """The trade rule that the question is about."""
        return None if self.rule is None else rule_named(self.rule)

    @property
    def timeline(self) -> Timeline:
        """When the rows happened."""
        return Timeline(self.days, self.decided, self.label_known)

    @property
    def data_hash(self) -> str:
        """SHA-256 over everything but `notes`, in a fixed byte order: equal data have equal hashes on every machine."""
        digest = hashlib.sha256()
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                array = value.astype("datetime64[D]").astype("<i8") if value.dtype.kind == "M" else value
                array = np.ascontiguousarray(array, dtype="<f8" if array.dtype.kind == "f" else "<i8")
                array = np.where(np.isnan(array), np.nan, array) if array.dtype.kind == "f" else array  # one NaN
                digest.update(f"{field.name} {array.dtype.str} {array.shape}\n".encode() + array.tobytes())
            elif field.name != "notes":
                digest.update(f"{field.name} {value!r}\n".encode())
        return digest.hexdigest()

    def where(self, keep: npt.NDArray[np.bool_]) -> "Dataset":
        """Return the rows that `keep` (n,) marks."""
        every: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        kept: dict[str, Any] = {name: each[keep] for name, each in every.items() if isinstance(each, np.ndarray)}
        return replace(self, **kept)


def chosen_groups(recipe: Recipe) -> tuple[FeatureGroup, ...]:
    """Return the feature groups that `recipe` names, in the order in which they are discovered.

    Raises
    ------
    BadSettings
        when it names a group, or requires a feature, that there is not for its kind of event.
    """
    known, wanted = feature_groups(recipe.event), recipe.features.groups
    unknown = sorted(set(wanted) - {group.name for group in known} - set(ALL))
    if unknown:
        raise BadSettings(
            f"Recipe {recipe.name}: features.groups: {unknown[0]!r} is not a feature group of {recipe.event}; known: "
            f"{', '.join(group.name for group in known)}."
        )
    chosen = tuple(group for group in known if group.name in wanted or (group.usual and ALL[0] in wanted))
    names = [feature.name for feature in features_of(chosen)]
    followed = () if recipe.quantiles is None or recipe.quantiles.follows is None else (recipe.quantiles.follows,)
    absent = [name for name in (*required_features(recipe), *followed) if name not in names]
    if absent:
        raise BadSettings(
            f"Recipe {recipe.name}: features: {absent[0]!r} is needed and is in none of the groups "
            f"{', '.join(group.name for group in chosen)}."
        )
    return chosen


def required_features(recipe: Recipe) -> tuple[str, ...]:
    """Return the features without which an event is not learned from: the recipe's, and its baseline's."""
    return tuple(dict.fromkeys((*recipe.features.required, *walk_inputs(recipe.asked, recipe.trade_rule))))


def dataset_of(history: History, recipe: Recipe, groups: tuple[FeatureGroup, ...] | None = None) -> Dataset:
    """Return the events of `history` that `recipe` learns from.

    Left out: events whose outcome is pending or void; events without a feature that the recipe requires (during the
    warm-up of ATR(14), say: live the engine refuses those, so nothing is learned from them either); NONE, when it is
    too rare to be a class of its own (`answered_classes`).

    Raises
    ------
    NothingStored
        when no event is left.
    LawOfTimeBroken
        when a feature was known only after its event, or a label before it.
    """
    groups = chosen_groups(recipe) if groups is None else groups
    label, rule, slippage = recipe.asked, recipe.trade_rule, history.instrument.costs.slippage_ticks
    events = events_of(history, recipe.event)
    matrix = feature_matrix(history, events, groups)
    outcomes = outcomes_of(history, events, label, rule)
    matured = outcomes.state == MATURED
    asked, names = _EVENTS.get(recipe.event, "breaks"), required_features(recipe)
    warm = ~np.isnan(matrix.values[:, [matrix.names.index(name) for name in names]]).any(axis=1)
    keep = matured & warm
    if not keep.any():
        raise NothingStored(
            f"{history.instrument.symbol}: of {len(events)} {asked} none has both a known outcome and all of "
            f"{', '.join(names)}. Import more bars: hub ingest FILES."
        )
    _check_law_of_time(matrix, events.decided, outcomes.label_known, keep)
    every = Dataset(
        instrument=history.instrument.symbol,
        label=label.name,
        rule=recipe.rule,
        slippage=slippage,
        names=matrix.names,
        classes=label.classes,
        x=np.ascontiguousarray(matrix.values[keep]),
        codes=np.zeros(keep.sum(), dtype=np.int64) if label.targets else outcomes.code[keep],
        days=history.days[events.day[keep]],
        opening=events.opening[keep],
        decided=events.decided[keep],
        label_known=outcomes.label_known[keep],
        values=outcomes.values[keep],
        walk=walk_columns(label, rule, slippage, matrix.names, matrix.values[keep]),
        r_net=outcomes.r_net[keep],
        members=_members(history, events, recipe, outcomes, matrix, keep),
        notes=(
            f"Of {len(events):,} {asked} {int((~matured).sum()):,} have no outcome (pending or void), "
            f"{int((matured & ~warm).sum()):,} lack {' or '.join(names)}; they are left out.",
        ),
    )
    learned = every.days < final_window_start(every.days, recipe.validation.final_window_days)
    if label.targets:
        return replace(every, notes=(*every.notes, value_note(every.values[learned], recipe)))
    return _answering(every, *answered_classes(every.codes[learned], recipe))


def _members(
    history: History,
    events: EventRows,
    recipe: Recipe,
    outcomes: Outcomes,
    matrix: FeatureMatrix,
    keep: npt.NDArray[np.bool_],
) -> Floats:
    """Return (n, M) what the members of a blend learn of the events that are kept; without a blend M is 0."""
    rule = recipe.trade_rule
    if recipe.stack is None or rule is None:
        return np.empty((int(keep.sum()), 0))
    x, slippage = matrix.values[keep], history.instrument.costs.slippage_ticks
    learned = {
        "r": outcomes.r_net[keep] - walk_columns(recipe.asked, rule, slippage, matrix.names, x)[:, 0],
        "win": (outcomes.code[keep] == 0) - walk_chances(TARGET_FIRST, rule, matrix.names, x),
        "reach": reached(history, events, rule)[keep],
    }
    return np.column_stack([learned[name] for name in recipe.stack.members])


def _answering(dataset: Dataset, classes: tuple[str, ...], note: str) -> Dataset:
    """Return the rows whose class is among `classes` (the first of the label's), with `note`."""
    kept = dataset.where(dataset.codes < len(classes))
    return replace(kept, classes=classes, notes=(*dataset.notes, note))


def _check_law_of_time(matrix: FeatureMatrix, decided: Ints, label_known: Ints, keep: npt.NDArray[np.bool_]) -> None:
    if not ((matrix.newest <= decided) & (decided < label_known))[keep].all():
        raise LawOfTimeBroken("an outcome was known at its decision, or an input was known only after it")
