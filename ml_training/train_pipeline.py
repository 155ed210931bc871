"""Training, from stored bars to a published version: the one module of this package that reads and writes.

Bars are read under a short lease and everything is computed aside. The registry is touched in the last step alone, and
that publishes all or nothing: an interrupt anywhere leaves the shelf as it was.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import numpy as np

from ml_data.bar_arrays import BarArrays
from ml_data.build import read_bars
from ml_data.features.base import FeatureGroup
from ml_data.history import build_history
from ml_data.lookahead import LookaheadReport, audit_lookahead
from ml_data.store import Store
from ml_models.model_registry import ModelRegistry
from ml_models.model_version import Draft, model_name
from ml_models.pointers import LATEST
from ml_training.canaries import Audit, Canary, canaries
from ml_training.choosing import AdviceTerms, choosing, trial_result
from ml_training.code_state import code_state, library_versions
from ml_training.dataset import Dataset, chosen_groups, dataset_of
from ml_training.ledger import Ledger
from ml_training.recipe import Recipe
from ml_training.train_report import TrainReport
from ml_training.training import Plan, Training, assess, plan_of
from ml_training.version_draft import Circumstances, draft_of
from ml_training.walk_forward import walk_forward
from trading.domain.calendar import as_date, calendar_day_of, day_windows, from_minute
from trading.domain.instrument import Instrument
from trading.errors import CheckFailed, NothingStored

STEPS: Final = (
    "reading bars",
    "auditing features for look-ahead",
    "computing features and labels",
    "showing the canaries",
    "walking forward",
    "assessing",
    "opening the untouched window",
    "publishing",
)

Progress = Callable[[str, int, int], None]
"""Told the step that begins, how many are done, and how many there are."""


@dataclass(frozen=True)
class Beside:
    """The version that another is made to be compared with, on days after `after` alone."""

    version: str
    after: date


@dataclass(frozen=True, eq=False)
class Made:
    """A version that is ready to be published, and what it was made from."""

    model: str
    draft: Draft
    dataset: Dataset
    training: Training
    audited: LookaheadReport
    canaries: tuple[Canary, ...]
    outputs: tuple[str, ...]
    why: str


def train(
    store: Store,
    registry: ModelRegistry,
    instrument: Instrument,
    recipe: Recipe,
    *,
    until: date | None,
    now: datetime,
    who: str,
    progress: Progress = lambda step, done, total: None,  # noqa: ARG005  # the names are the contract
    groups: tuple[FeatureGroup, ...] | None = None,
    audit: Audit = audit_lookahead,
    clock: Callable[[], datetime] | None = None,
    confidence_threshold: float = 0.55,
    tune: int = 0,
) -> TrainReport:
    """Train one version of `recipe` on the bars up to the end of trading day `until` (None: on all) and publish it.

    `now` is the instant of publication (UTC); the rest is as `make_version` takes it, and it raises the same.
    """
    made = make_version(
        store,
        registry,
        instrument,
        recipe,
        until=until,
        who=who,
        progress=progress,
        groups=groups,
        audit=audit,
        clock=clock or (lambda: now),
        confidence_threshold=confidence_threshold,
        tune=tune,
    )
    progress(STEPS[-1], len(STEPS) - 1, len(STEPS))
    version = registry.publish(made.model, made.draft, now=now, who=who, why=made.why)
    progress("published", len(STEPS), len(STEPS))
    draft = made.draft
    return TrainReport(
        made.model, version, draft.metadata, made.training, made.audited, made.canaries, draft.metrics, made.outputs
    )


def make_version(
    store: Store,
    registry: ModelRegistry,
    instrument: Instrument,
    recipe: Recipe,
    *,
    until: date | None,
    who: str,
    clock: Callable[[], datetime],
    progress: Progress = lambda step, done, total: None,  # noqa: ARG005  # the names are the contract
    groups: tuple[FeatureGroup, ...] | None = None,
    audit: Audit = audit_lookahead,
    confidence_threshold: float = 0.55,
    tune: int = 0,
    beside: Beside | None = None,
) -> Made:
    """Train one version of `recipe` on the bars up to the end of trading day `until`; nothing is published yet.

    `groups` replaces the recipe's feature groups; `clock` tells the instants of the rows in the ledger of trials, `who`
    goes there. From `confidence_threshold` on a direction is advice. With `tune` the recipe's numbers are the best of
    so many trials. It may be made `beside` the version that it is to be compared with.

    Raises
    ------
    NothingStored
        when there are no bars, or no event with an outcome among them.
    CheckFailed
        when the audit, a canary or the plausibility limit says no, or a day of the untouched window has been seen by
        the version `beside` it.
    HubError
        when there are too few trading days for the recipe's validation.
    """

    def begin(step: str) -> None:
        progress(step, STEPS.index(step), len(STEPS))

    groups = chosen_groups(recipe) if groups is None else groups
    ledger = Ledger(store, clock, who)
    begin("reading bars")
    bars = bars_until(store, instrument, until)
    begin("auditing features for look-ahead")
    checks = recipe.checks
    audited = audit(bars, instrument, sample=checks.audit_events, seed=recipe.seed, groups=groups, kind=recipe.event)
    _refuse_failed_audit(audited)
    begin("computing features and labels")
    dataset = dataset_of(build_history(bars, instrument), recipe, groups)
    plan = plan_of(dataset, recipe)
    if beside is not None:
        _refuse_seen_days(dataset, plan, beside)
    begin("showing the canaries")
    shown = canaries(dataset, plan.folds, recipe, bars, instrument, audit)
    _refuse_failed_canaries(shown)
    model = model_name(recipe.name, instrument.symbol, recipe.rule)
    terms = AdviceTerms.of(recipe, confidence_threshold)
    tuned = None
    if tune:
        from ml_training.tuning import Tuning  # Optuna takes a second to load

        found = Tuning(
            dataset, plan.folds, recipe, model, ledger, terms, lambda done: progress(f"tuning {model}", done, tune)
        )
        tuned = found.best_of(tune, store.home / "tuning" / f"{model}.log")
        recipe = tuned.recipe
    with ledger.trial(model, "training", recipe.document(), dataset.data_hash) as trial:
        begin("walking forward")
        results = walk_forward(dataset, plan.folds, recipe)
        earned = trial.end(trial_result(dataset, results, terms))
        begin("assessing")

        def opening() -> None:
            begin("opening the untouched window")
            trial.open_window(*_days_of(dataset, plan))

        training = assess(dataset, plan, recipe, results, opening)
    _refuse_too_good(training, recipe)
    parent, published = _lineage(registry, model)
    last_day = as_date(calendar_day_of(instrument, np.array([bars.through - 1]))[0])
    chosen = choosing(earned, ledger.trials(model))
    made = Circumstances(
        instrument=instrument,
        until=until or last_day,
        code=code_state(),
        libraries=library_versions(),
        parent=parent if beside is None else beside.version,
        trials=max(published, chosen.tried),
        choosing=chosen,
        opened=trial.opened,
        tuned=tuned,
        beside=None if beside is None else beside.version,
    )
    draft = draft_of(dataset, training, recipe, groups, audited, shown, made)
    why = f"trained on {instrument.symbol} up to {made.until}: {len(dataset):,} events"
    return Made(model, draft, dataset, training, audited, shown, recipe.outputs, why)


def _days_of(dataset: Dataset, plan: Plan) -> tuple[date, date]:
    """Return the first and last day of the untouched window."""
    days = dataset.days[plan.final.test]
    return as_date(days[0]), as_date(days[-1])


def _refuse_seen_days(dataset: Dataset, plan: Plan, beside: Beside) -> None:
    first, last = _days_of(dataset, plan)
    if first <= beside.after:
        raise CheckFailed(
            f"Cannot compare: of the days {first} to {last} those up to {beside.after} were seen by {beside.version} "
            "or raised an alarm about it. Wait for more trading days, or shorten test_days in [retrain]."
        )


def bars_until(store: Store, instrument: Instrument, until: date | None) -> BarArrays:
    """Return the stored bars up to the end of trading day `until` (None: all of them).

    Raises
    ------
    NothingStored
        when there are none.
    """
    bars = read_bars(store, instrument, before=None if until is None else from_minute(_end_of(instrument, until)))
    if not len(bars):
        raise NothingStored(
            f"{instrument.symbol}: no bars are stored{'' if until is None else f' up to {until}'}. Import some: "
            f"hub ingest FILES --instrument {instrument.symbol}"
        )
    return bars


def _end_of(instrument: Instrument, day: date) -> int:
    """Return the UTC minute at which trading day `day` is over."""
    return int(day_windows(instrument, np.array([day], dtype="datetime64[D]")).ends[0])


def _refuse_failed_audit(audited: LookaheadReport) -> None:
    if audited.passed and audited.events:
        return
    if not audited.events:
        raise CheckFailed("The look-ahead audit found no event to look at, so nothing was published.")
    guilty = sorted({problem.feature for problem in audited.problems})
    raise CheckFailed(
        f"The look-ahead audit failed, so nothing was published: {len(guilty)} of {audited.features} features know "
        f"their future. The first: {audited.problems[0]}. 'hub audit lookahead' lists them all."
    )


def _refuse_failed_canaries(shown: tuple[Canary, ...]) -> None:
    failed = [canary for canary in shown if not canary.passed]
    if failed:
        raise CheckFailed(
            f"A canary died, so nothing was published ({', '.join(canary.name for canary in failed)}): "
            f"{failed[0].sentence}"
        )


def _refuse_too_good(training: Training, recipe: Recipe) -> None:
    limit = recipe.checks.limit
    for where, found in (("walk-forward", training.walk_forward), ("untouched window", training.untouched)):
        for name, score in found.scores.items():
            if name.split("_")[0] in ("auc", "r2") and score.value > limit:
                said = "AUC" if name == "auc" else "R²" + name.removeprefix("r2").replace("_", " of ", 1)
                raise CheckFailed(
                    f"Too good to be true, so nothing was published: the {said} on the {where} is {score.value:.3f}, "
                    f"and the recipe takes all above {limit:g} for a leak. 'hub audit lookahead' looks for it."
                )


def _lineage(registry: ModelRegistry, model: str) -> tuple[str | None, int]:
    """Return the version that this one follows, and how many trainings there are with this one."""
    if model not in registry.models():
        return None, 1
    latest = registry.alias(model, LATEST)
    published = sum(move.action == "publish" for move in registry.journal(model))
    return None if latest is None else str(latest.version), published + 1
