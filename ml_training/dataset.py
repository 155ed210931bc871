"""The rows a model learns from: events whose outcome is known, their features, labels and times.

Nothing is known here that bars after `history.through` say: cut the bars and the dataset ends there.
"""

import hashlib
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from ml_data.events import ORB_COMPLETE, range_events
from ml_data.feature_matrix import FeatureMatrix, feature_groups, feature_matrix, features_of
from ml_data.features.base import FeatureGroup
from ml_data.history import History
from ml_data.outcomes import MATURED, range_outcomes
from ml_models.baselines import DIRECTIONS
from ml_training.recipe import ALL, Classes, Recipe
from ml_training.splits import Timeline, final_window_start
from trading.domain.calendar import Days
from trading.errors import BadSettings, LawOfTimeBroken, NothingStored

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MARTINGALE: str = "martingale_up"
"""The feature that holds what a walk without drift would say: the input of the baseline."""

UP, DOWN, NONE = range(3)


@dataclass(frozen=True, eq=False)
class Dataset:
    """n events in the order of their decision, each with F features and its outcome.

    `x` (n, F) float64 with NaN where a feature is missing; `codes` (n,) index `classes`; `days` are trading days,
    `opening` the instrument's opening ranges, `decided` and `label_known` UTC minutes; `martingale_up` (n,) is P(UP) of
    a walk without drift; `r_net` (n,) the plain trade's net R, NaN without a trade. `notes` says in sentences what was
    left out and why.
    """

    instrument: str
    kind: str
    names: tuple[str, ...]
    classes: tuple[str, ...]
    x: Floats
    codes: Ints
    days: Days
    opening: Ints
    decided: Ints
    label_known: Ints
    martingale_up: Floats
    r_net: Floats
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.codes)

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
        return replace(
            self,
            x=self.x[keep],
            codes=self.codes[keep],
            days=self.days[keep],
            opening=self.opening[keep],
            decided=self.decided[keep],
            label_known=self.label_known[keep],
            martingale_up=self.martingale_up[keep],
            r_net=self.r_net[keep],
        )


def chosen_groups(recipe: Recipe) -> tuple[FeatureGroup, ...]:
    """Return the feature groups that `recipe` names, in the order in which they are discovered.

    Raises
    ------
    BadSettings
        when it names a group, or requires a feature, that there is not.
    """
    known, wanted = feature_groups(), recipe.features.groups
    unknown = [] if wanted == ALL else sorted(set(wanted) - {group.name for group in known})
    if unknown:
        raise BadSettings(
            f"Recipe {recipe.name}: features.groups: {unknown[0]!r} is not a feature group; known: "
            f"{', '.join(group.name for group in known)}."
        )
    chosen = tuple(group for group in known if wanted == ALL or group.name in wanted)
    names = [feature.name for feature in features_of(chosen)]
    absent = [name for name in (*recipe.features.required, MARTINGALE) if name not in names]
    if absent:
        raise BadSettings(
            f"Recipe {recipe.name}: features: {absent[0]!r} is needed and is in none of the groups "
            f"{', '.join(group.name for group in chosen)}."
        )
    return chosen


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
    events = range_events(history)
    matrix = feature_matrix(history, events, groups)
    outcomes = range_outcomes(history, events)
    matured = outcomes.state == MATURED
    required = [matrix.names.index(name) for name in recipe.features.required]
    warm = ~np.isnan(matrix.values[:, required]).any(axis=1)
    keep = matured & warm
    if not keep.any():
        raise NothingStored(
            f"{history.instrument.symbol}: of {len(events)} complete opening ranges none has both a known outcome and "
            f"all of {', '.join(recipe.features.required)}. Import more bars: hub ingest FILES."
        )
    _check_law_of_time(matrix, events.decided, outcomes.label_known, keep)
    every = Dataset(
        instrument=history.instrument.symbol,
        kind=ORB_COMPLETE,
        names=matrix.names,
        classes=DIRECTIONS,
        x=np.ascontiguousarray(matrix.values[keep]),
        codes=np.select([outcomes.direction[keep] == 1, outcomes.direction[keep] == -1], [UP, DOWN], NONE),
        days=history.days[events.day[keep]],
        opening=events.opening[keep],
        decided=events.decided[keep],
        label_known=outcomes.label_known[keep],
        martingale_up=matrix.values[keep, matrix.names.index(MARTINGALE)],
        r_net=outcomes.r_net[keep],
        notes=(
            f"Of {len(events):,} complete opening ranges {int((~matured).sum()):,} have no outcome (pending or void), "
            f"{int((matured & ~warm).sum()):,} lack {' or '.join(recipe.features.required)}; they are left out.",
        ),
    )
    learned = every.days < final_window_start(every.days, recipe.validation.final_window_days)
    return _answering(every, *answered_classes(every.codes[learned], recipe.classes))


def answered_classes(codes: Ints, rule: Classes) -> tuple[tuple[str, ...], str]:
    """Return the classes that are answered, and the sentence that says why NONE is, or is not, among them.

    `codes` (n,) index `DIRECTIONS`. The untouched window's rows must not be among them: it decides nothing.
    """
    rows = int((codes == NONE).sum())
    found = f"{rows:,} of {len(codes):,} ranges before the untouched window ({rows / len(codes):.1%}) never broke"
    asked = f"{rule.none_least_rows:,} rows and {rule.none_least_share:.0%}"
    if rows >= rule.none_least_rows and rows >= rule.none_least_share * len(codes):
        return DIRECTIONS, f"NONE is answered: {found}, and the recipe asks for {asked}."
    return DIRECTIONS[:NONE], (
        f"NONE is not answered: {found}, and the recipe asks for {asked}. The model says which way a range breaks if "
        "it breaks; ranges that never broke are in no figure here."
    )


def _answering(dataset: Dataset, classes: tuple[str, ...], note: str) -> Dataset:
    """Return the rows whose class is among `classes` (the first of `DIRECTIONS`), with `note`."""
    kept = dataset.where(dataset.codes < len(classes))
    return replace(kept, classes=classes, notes=(*dataset.notes, note))


def _check_law_of_time(matrix: FeatureMatrix, decided: Ints, label_known: Ints, keep: npt.NDArray[np.bool_]) -> None:
    if not ((matrix.newest <= decided) & (decided < label_known))[keep].all():
        raise LawOfTimeBroken("an outcome was known at its decision, or an input was known only after it")
