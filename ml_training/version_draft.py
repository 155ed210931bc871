"""A training as what the registry publishes: schema, metadata, metrics, golden rows, card."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ml_data.feature_matrix import features_of, schema_hash
from ml_data.features.base import FeatureGroup
from ml_data.history_tables import definitions_hash
from ml_data.lookahead import LookaheadReport
from ml_models.card import describe_opening, model_card
from ml_models.documents import Json
from ml_models.importance import read_importance
from ml_models.metadata import Column, DayRange, Golden, Metadata, Schema
from ml_models.model_version import Draft, model_name
from ml_models.scores import FloatArray, IntArray
from ml_training.canaries import Canary
from ml_training.choosing import Choosing
from ml_training.code_state import CodeState
from ml_training.dataset import Dataset, required_features
from ml_training.estimators import Fit, parameters
from ml_training.explanations import interactions
from ml_training.recipe import Recipe
from ml_training.starts import describe_start
from ml_training.training import Training
from ml_training.value_estimators import ValueFit, value_parameters
from ml_training.walk_forward import AnyFit
from trading.domain.calendar import as_date
from trading.domain.instrument import Instrument

if TYPE_CHECKING:
    from ml_training.tuning import Tuned

SPACED_ROWS: Final = 13
GAPPY_ROWS: Final = 5


@dataclass(frozen=True)
class Circumstances:
    """What a version must say of how it was made beside the training itself. `until` is the last day of its bars.

    `trials` counts all that was tried of its family with it, `choosing` says what that does to its result; `opened` is
    how often the family has looked at days of its untouched window, this time included. `tuned` says how the recipe's
    numbers were chosen, where they were; `beside` names the version that it is compared with on its untouched window.
    """

    instrument: Instrument
    until: date
    code: CodeState
    libraries: dict[str, str]
    parent: str | None
    trials: int
    choosing: Choosing | None = None
    opened: int = 1
    tuned: "Tuned | None" = None
    beside: str | None = None


def draft_of(
    dataset: Dataset,
    training: Training,
    recipe: Recipe,
    groups: tuple[FeatureGroup, ...],
    audit: LookaheadReport,
    canaries: tuple[Canary, ...],
    circumstances: Circumstances,
) -> Draft:
    """Return the draft of a version, ready to be published."""
    schema = schema_of_fit(dataset, training.plan.final.train, recipe, groups, training.fit)
    metadata = _metadata(dataset, training, recipe, groups, audit, canaries, circumstances)
    metrics = metrics_of(training, circumstances)
    first, *further = model_texts(training.fit, schema).items()
    return Draft(
        model_txt=first[1],
        parts=dict(further),
        calibrator=training.calibrator,
        schema=schema,
        metadata=metadata,
        metrics=metrics,
        feature_importance=training.importance,
        golden=golden_rows(dataset, schema, training.plan.final.train, training.fit),
        card=model_card(
            model_name(recipe.name, dataset.instrument, recipe.rule),
            metadata,
            schema,
            metrics,
            importance=read_importance(training.importance),
        ),
    )


def model_texts(fit: AnyFit, schema: Schema) -> dict[str, bytes]:
    """Return the model files of a fit by name, model.txt first: equal fits have equal bytes."""
    texts = fit.texts if isinstance(fit, ValueFit) else (fit.text,)
    return dict(zip(schema.parts if schema.outputs else ("model.txt",), texts, strict=True))


def schema_of_fit(
    dataset: Dataset, rows: IntArray, recipe: Recipe, groups: tuple[FeatureGroup, ...], fit: AnyFit
) -> Schema:
    """Return the schema of what was fitted on `rows`, with where it starts from."""
    return replace(schema_of(dataset, rows, recipe, groups), start=fit.start if isinstance(fit, Fit) else None)


def schema_of(dataset: Dataset, rows: IntArray, recipe: Recipe, groups: tuple[FeatureGroup, ...]) -> Schema:
    """Return the inputs with their ranges in `rows`.

    An input may be missing when its feature says that it can be and the recipe does not require it.
    """
    refused = {feature.name for feature in features_of(groups) if feature.missing == "never"}
    refused |= set(required_features(recipe))
    columns = []
    for index, name in enumerate(dataset.names):
        values = dataset.x[rows, index]
        values = values[np.isfinite(values)]
        low, high = (float(values.min()), float(values.max())) if len(values) else (None, None)
        columns.append(Column(name, low, high, "refused" if name in refused else "allowed"))
    return Schema(tuple(columns), dataset.classes, recipe.label, recipe.rule, recipe.outputs)


def golden_rows(dataset: Dataset, schema: Schema, rows: IntArray, fit: AnyFit) -> Golden:
    """Return rows that must be predicted again bit for bit: some of every time, the gappiest, and two made up.

    Of the two made up, one lacks everything that may be missing, one lacks everything.
    """
    spaced = rows[np.unique(np.linspace(0, len(rows) - 1, SPACED_ROWS).astype(np.int64))]
    gappiest = rows[np.argsort(-np.isnan(dataset.x[rows]).sum(axis=1), kind="stable")[:GAPPY_ROWS]]
    bare = dataset.x[rows[-1]].copy()
    bare[[column.missing == "allowed" for column in schema.columns]] = np.nan
    chosen = np.vstack([dataset.x[spaced], dataset.x[gappiest], bare, np.full(len(dataset.names), np.nan)])
    return Golden(chosen, fit.raw(chosen))


def metrics_of(training: Training, made: Circumstances) -> dict[str, Json]:
    """Return metrics.json as `ml_models.metrics` describes it."""
    return {
        **({} if training.calibration is None else {"calibration": training.calibration.document()}),
        **({} if training.paths is None else {"combinatorial_paths": training.paths.document()}),
        **({} if made.choosing is None else {"trials": made.choosing.document()}),
        **({} if training.selective is None else {"selective": training.selective.document()}),
        "interactions": interactions(training.fit),
        "untouched": {**training.untouched.document(), "opened": made.opened},
        "walk_forward": training.walk_forward.document(),
        "folds": [fold.document() for fold in training.folds],
    }


def feature_ranges(names: tuple[str, ...], x: FloatArray) -> dict[str, Json]:
    """Return for each column of `x` (n, F): minimum, 1st, 50th, 99th percentile, maximum, and the share missing."""
    ranges: dict[str, Json] = {}
    for index, name in enumerate(names):
        values = x[np.isfinite(x[:, index]), index]
        cuts = np.quantile(values, [0, 0.01, 0.5, 0.99, 1]).tolist() if len(values) else [None] * 5
        document: dict[str, Json] = dict(zip(("minimum", "p01", "median", "p99", "maximum"), cuts, strict=True))
        ranges[name] = {**document, "missing_share": 1 - len(values) / len(x)}
    return ranges


def _metadata(
    dataset: Dataset,
    training: Training,
    recipe: Recipe,
    groups: tuple[FeatureGroup, ...],
    audit: LookaheadReport,
    canaries: tuple[Canary, ...],
    made: Circumstances,
) -> Metadata:
    learned, window = training.plan.final.train, training.plan.final.test
    fit, k = training.fit, len(dataset.classes)
    rule = "" if recipe.rule is None else f" --rule {recipe.rule}"
    asked = f"{recipe.name} --instrument {made.instrument.symbol}{rule}"
    command = f"hub train {asked} --until {made.until}{_tune(made)}"
    if made.beside is not None:
        command = f"hub retrain --recipe {asked} (with bars --until {made.until})"
    return Metadata(
        recipe=recipe.name,
        instrument=made.instrument.symbol,
        question=recipe.question,
        parameters=_parameters(fit, recipe, k),
        seed=recipe.seed,
        ranges=(
            _range("learned from", dataset, learned),
            _range("walk-forward, tested on", dataset, training.tested),
            _range("untouched window", dataset, window),
        ),
        data_hash=dataset.data_hash,
        code_commit=made.code.commit,
        code_dirty=made.code.dirty,
        libraries=made.libraries,
        command=command,
        trials=made.trials,
        parent=made.parent,
        synthetic=made.instrument.synthetic,
        expires_on=as_date(dataset.days[-1]) + timedelta(days=recipe.publication.valid_days),
        limits=recipe.publication.limits,
        notes=(
            *dataset.notes,
            *([_beside(made.beside)] if made.beside else []),
            *([made.tuned.sentence] if made.tuned else []),
            *_notes(dataset, training, recipe),
            *(training.chosen.sentences if training.chosen else ()),
            *(canary.sentence for canary in canaries),
        ),
        extra={
            "recipe": recipe.document(),
            "feature_schema_hash": schema_hash(groups),
            "definitions_hash": definitions_hash(made.instrument),
            "feature_ranges": feature_ranges(dataset.names, dataset.x[learned]),
            **_of_classes(dataset, learned, fit),
            "rounds_by_fold": [list(each) if isinstance(each, tuple) else each for each in training.rounds_by_fold],
            **({} if training.chosen is None else {"chosen_inputs": training.chosen.document()}),
            **({} if made.tuned is None else {"tuning": _tuning(made.tuned)}),
            "untouched_window_opened": describe_opening(made.opened),
            "audit": {"events": audit.events, "features": audit.features, "problems": len(audit.problems)},
            "canaries": [{"name": c.name, "passed": c.passed, "sentence": c.sentence} for c in canaries],
        },
    )


def _beside(version: str) -> str:
    return (
        f"A candidate of 'hub retrain', by the recipe of {version}; on its untouched window the two were compared, and "
        "it was not fitted again on those days."
    )


def _tune(made: Circumstances) -> str:
    return "" if made.tuned is None else f" --tune {made.tuned.trials}"


def _tuning(tuned: "Tuned") -> dict[str, Json]:
    chosen: dict[str, Json] = dict(tuned.chosen)
    losses: dict[str, Json] = {"best_loss": tuned.best_loss, "own_loss": tuned.own_loss}
    return {"trials": tuned.trials, "pruned": tuned.pruned, "chosen": chosen, **losses}


def _parameters(fit: AnyFit, recipe: Recipe, k: int) -> dict[str, Json]:
    if isinstance(fit, Fit):
        return {**parameters(recipe.estimator, k, recipe.seed), "rounds": fit.rounds}
    every = {name: value_parameters(recipe.estimator, name, recipe.seed) for name in fit.outputs}
    return {name: {**each, "rounds": rounds} for (name, each), rounds in zip(every.items(), fit.rounds, strict=True)}


def _of_classes(dataset: Dataset, rows: IntArray, fit: AnyFit) -> dict[str, Json]:
    """Return what is known of the classes in training, or of the numbers."""
    if isinstance(fit, Fit):
        weights = dict(zip(dataset.classes, fit.weights, strict=True))
        return {"class_shares": _shares(dataset, rows), "class_weights": weights}
    targets = dataset.asked.targets
    means = dict(zip(targets, dataset.values[rows].mean(axis=0).tolist(), strict=True))
    return {"training_means": means, "interval": fit.calibrator.document()}


def _blend_note(fit: ValueFit, recipe: Recipe) -> tuple[str, ...]:
    """Return how the mean was blended, if it was."""
    if recipe.stack is None:
        return ()
    told = ", ".join(f"{name} {weight:.2f}" for name, weight in zip(recipe.stack.members, fit.weights, strict=True))
    return (
        f"The mean is a blend of members, weighed by what they said of days not seen before ({told}; 0: left out).",
        f"The full size is advised from {recipe.stack.full_size_at:+.2f} R on, less in proportion, none from 0 down.",
    )


def _notes(dataset: Dataset, training: Training, recipe: Recipe) -> tuple[str, ...]:
    fit = training.fit
    if isinstance(fit, ValueFit):
        made = fit.calibrator
        return (
            f"The published models were fitted on the events before {made.first_day}; those from then to "
            f"{made.last_day} ({made.events:,}) were kept to measure the interval, which is to hold {made.level:.0%}: "
            f"its ends were moved by {', '.join(f'{offset:+.3f}' for offset in made.offsets)} {dataset.asked.unit}.",
            "Quantiles are fitted one by one; where they cross they are put in order by sorting.",
            *_blend_note(fit, recipe),
        )
    rounds = ", ".join(str(each) for each in training.rounds_by_fold)
    fitted = (
        f"The published model was fitted on all {len(training.plan.final.train):,} events before the untouched window, "
        f"with {fit.rounds} rounds: the median of what early stopping chose in the folds ({rounds})."
    )
    if fit.start is not None:
        fitted += f" {describe_start(fit.start)}"
    if set(fit.weights) == {1.0}:
        return (fitted, "No class was weighed up in fitting: none is rare.")
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in zip(dataset.classes, fit.weights, strict=True))
    return (fitted, f"Classes were weighed in fitting ({weights}); the probabilities were put right again exactly.")


def _shares(dataset: Dataset, rows: IntArray) -> dict[str, float]:
    """Return how often each class happened in `rows`: what the majority baseline says, live too."""
    counts = np.bincount(dataset.codes[rows], minlength=len(dataset.classes)) / len(rows)
    return {name: float(share) for name, share in zip(dataset.classes, counts, strict=True)}


def _range(name: str, dataset: Dataset, rows: IntArray) -> DayRange:
    days: Any = dataset.days[rows]
    return DayRange(name, as_date(days[0]), as_date(days[-1]), len(rows))
