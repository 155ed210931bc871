"""A published version made again from what it says of itself: byte for byte the same, or which input has changed.

Nothing is published and nothing is written down. The bars, the recipe, the seed and the days are those of the version's
own documents; the folds are walked again, since they decide how many rounds are fitted.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from ml_data.feature_matrix import schema_hash
from ml_data.features.base import FeatureGroup
from ml_data.history import build_history
from ml_data.history_tables import definitions_hash
from ml_data.store import Store
from ml_models.calibrator import FILE as CALIBRATOR
from ml_models.documents import encode
from ml_models.model_registry import ModelRegistry
from ml_models.model_version import FileFact
from ml_models.published import PublishedVersion
from ml_training.code_state import CodeState
from ml_training.dataset import Dataset, chosen_groups, dataset_of
from ml_training.recipe import Recipe
from ml_training.train_pipeline import bars_until
from ml_training.training import calibrator_of, out_of_fold_calibration, plan_of
from ml_training.version_draft import golden_rows, model_texts, schema_of_fit
from ml_training.walk_forward import fit_rows, median_rounds, walk_forward
from trading.domain.instrument import Instrument
from trading.errors import BadSettings, HubError

_STEPS: Final = 3
_UNTIL: Final = re.compile(r"--until (\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True)
class ChangedInput:
    """Something that a version was made from and that is not what it was."""

    name: str
    then: str
    now: str

    def __str__(self) -> str:
        return f"{self.name}: was {self.then}, is {self.now}"


@dataclass(frozen=True)
class Reproduction:
    """What came of making a version again.

    `same` says of each file that follows from the fit whether its bytes came back; none when the data differ, for then
    nothing was fitted. `changed` are the inputs that are not what they were.
    """

    model: str
    version: str
    data_hash: str
    same: dict[str, bool]
    changed: tuple[ChangedInput, ...]

    @property
    def passed(self) -> bool:
        """Whether every file came back byte for byte, from the same data."""
        return bool(self.same) and all(self.same.values())

    @property
    def sentences(self) -> tuple[str, ...]:
        """What to tell a reader."""
        name, changed = f"{self.model} {self.version}", [f"  {each}" for each in self.changed]
        if self.passed:
            good = f"{name}: the same, byte for byte ({', '.join(self.same)}; data {self.data_hash[:12]})."
            return (good, *(["Changed since, without effect on it:", *changed] if changed else []))
        if not self.same:
            return (f"{name}: not made again, since what it was made from has changed:", *changed)
        differ = ", ".join(file for file, same in self.same.items() if not same)
        if changed:
            differing = f"{name}: {differ} came out differently from the same data. What has changed:"
            code = next((each for each in self.changed if each.name == "code"), None)
            return (
                differing,
                *changed,
                *([f"Try it with the code of then: git checkout {code.then.split()[0]}"] if code else []),
            )
        return (
            f"{name}: {differ} came out differently, and nothing that is recorded has changed: another processor or "
            "operating system may round differently.",
        )


def reproduce(
    store: Store,
    registry: ModelRegistry,
    instrument: Instrument,
    model: str,
    version: str,
    code: CodeState,
    libraries: dict[str, str],
    progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005  # the names are the contract
) -> Reproduction:
    """Make `version` of `model` again and compare; `code` and `libraries` are those that run now.

    `progress` is told how many of the steps (bars, features, fits) are done, and how many there are.

    Raises
    ------
    DamagedVersion
        when its files are not those that were published.
    HubError
        when it does not say what it was made from, or there are no bars to make it from.
    """
    found = registry.published(model, version)
    recipe, until = recipe_of(found), _until(found)
    groups = chosen_groups(recipe)
    changed = _changed(found, instrument, groups, code, libraries)
    progress(0, _STEPS)
    bars = bars_until(store, instrument, until)
    progress(1, _STEPS)
    dataset = dataset_of(build_history(bars, instrument), recipe, groups)
    progress(2, _STEPS)
    then = found.metadata.data_hash
    if dataset.data_hash != then:
        data = ChangedInput(
            "data (bars up to the last day, as features and outcomes)", then[:12], dataset.data_hash[:12]
        )
        return Reproduction(model, version, dataset.data_hash, {}, (data, *changed))
    again = _files(dataset, recipe, groups)
    progress(_STEPS, _STEPS)
    facts = found.manifest.files
    same = {name: facts.get(name) == FileFact.of(content) for name, content in again.items()}
    return Reproduction(model, version, then, same, changed)


def recipe_of(found: PublishedVersion) -> Recipe:
    """Return the recipe that a version was made by, or raise `BadSettings` where this hub cannot follow it."""
    document = found.metadata.extra.get("recipe")
    try:
        return Recipe.model_validate(document)
    except (ValueError, HubError) as error:
        first = str(error).splitlines()[0]
        raise BadSettings(
            f"{found.model} {found.version}: its recipe is not one that this hub can follow ({first}). Check out the "
            f"code that made it: git checkout {found.metadata.code_commit}"
        ) from error


def _until(found: PublishedVersion) -> date:
    match = _UNTIL.search(found.metadata.command)
    if match is None:
        raise BadSettings(f"{found.model} {found.version} does not say up to which day it knew bars; train again.")
    return date.fromisoformat(match[1])


def _changed(
    found: PublishedVersion,
    instrument: Instrument,
    groups: tuple[FeatureGroup, ...],
    code: CodeState,
    libraries: dict[str, str],
) -> tuple[ChangedInput, ...]:
    """Return the recorded inputs beside the data that differ: definitions, libraries, code."""
    metadata = found.metadata
    pairs = [
        ("feature definitions", metadata.extra.get("feature_schema_hash"), schema_hash(groups)),
        (f"settings of {instrument.symbol}", metadata.extra.get("definitions_hash"), definitions_hash(instrument)),
        *(
            (f"library {name}", metadata.libraries.get(name), libraries.get(name))
            for name in sorted(metadata.libraries)
        ),
        ("code", _commit(metadata.code_commit, metadata.code_dirty), _commit(code.commit, code.dirty)),
    ]
    return tuple(ChangedInput(name, str(then), str(now)) for name, then, now in pairs if then not in (None, now))


def _commit(commit: str, dirty: bool) -> str:
    return f"{commit[:12]} with uncommitted changes" if dirty else commit[:12]


def _files(dataset: Dataset, recipe: Recipe, groups: tuple[FeatureGroup, ...]) -> dict[str, bytes]:
    """Return the files of a version that follow from data and recipe alone."""
    plan = plan_of(dataset, recipe)
    results = walk_forward(dataset, plan.folds, recipe)
    rows = plan.final.train
    fitted = fit_rows(dataset, rows, recipe, median_rounds(results))
    schema = schema_of_fit(dataset, rows, recipe, groups, fitted)
    documents = {
        CALIBRATOR: calibrator_of(fitted, out_of_fold_calibration(dataset, results)).document(),
        "schema.json": schema.document(),
        "golden.json": golden_rows(dataset, schema, rows, fitted).document(),
    }
    return {**model_texts(fitted, schema), **{name: encode(name, each) for name, each in documents.items()}}
