from dataclasses import replace

import numpy as np
import pytest

from ml_data.bar_arrays import BarArrays
from ml_data.events import range_events
from ml_data.feature_matrix import feature_groups, feature_matrix
from ml_data.history import History
from ml_data.lookahead import LookaheadReport, audit_lookahead
from ml_training.canaries import audited_plant, canaries, planted_outcome, shuffled_labels
from ml_training.dataset import Dataset
from ml_training.plants import PLANTS, STATED, Plant
from ml_training.recipe import Recipe
from ml_training.splits import Fold
from ml_training.training import Plan, plan_of
from trading.domain.instrument import Instrument
from trading.domain.label import EVENT_KINDS, ORB_COMPLETE, EventKind
from trading.errors import LawOfTimeBroken


@pytest.fixture(scope="module")
def plan(dataset: Dataset, recipe: Recipe) -> Plan:
    return plan_of(dataset, recipe)


def test_on_honest_machinery_every_canary_lives(
    dataset: Dataset, plan: Plan, recipe: Recipe, bars: BarArrays, demo: Instrument
):
    shown = canaries(dataset, plan.folds, recipe, bars, demo, audit_lookahead)
    assert {canary.name: canary.passed for canary in shown} == {
        "shuffled labels": True,
        "planted outcome": True,
        "audit of a hidden leak": True,
        "audit of a stated leak": True,
        "audit of a late clock": True,
        "audit of an open trade": True,
    }


@pytest.mark.parametrize("seed", range(5))
def test_labels_shuffled_by_day_score_like_class_frequencies(dataset: Dataset, plan: Plan, recipe: Recipe, seed: int):
    assert shuffled_labels(dataset, plan.folds[-1:], recipe.model_copy(update={"seed": seed})).passed


def test_machinery_that_learns_from_the_days_it_is_tested_on_kills_the_shuffled_canary(
    dataset: Dataset, plan: Plan, recipe: Recipe
):
    leaky = tuple(Fold(np.concatenate([fold.train, fold.test]), fold.test) for fold in plan.folds[-2:])
    canary = shuffled_labels(dataset, leaky, recipe)
    assert not canary.passed
    assert canary.sentence.startswith("Labels shuffled by day: something was learned where there is nothing: gain ")


def test_an_alarm_set_too_high_to_ring_kills_the_planted_canary(dataset: Dataset, plan: Plan, recipe: Recipe):
    deaf = recipe.model_copy(update={"checks": recipe.checks.model_copy(update={"most_plausible_auc": 1.0})})
    assert planted_outcome(dataset, plan.folds[-1:], recipe).passed
    assert not planted_outcome(dataset, plan.folds[-1:], deaf).passed


def test_machinery_that_cannot_learn_kills_the_planted_canary(dataset: Dataset, plan: Plan, recipe: Recipe):
    random = np.random.default_rng(0).permutation(len(dataset))
    mute = recipe.model_copy(update={"estimator": recipe.estimator.model_copy(update={"min_data_in_leaf": 100_000})})
    assert not planted_outcome(replace(dataset, x=dataset.x[random]), plan.folds[-1:], mute).passed


def test_an_audit_that_sees_nothing_kills_both_audit_canaries(bars: BarArrays, demo: Instrument, recipe: Recipe):
    def blind(*_: object, **__: object) -> LookaheadReport:
        return LookaheadReport(events=3, features=1, problems=())

    def idle(*_: object, **__: object) -> LookaheadReport:
        return LookaheadReport(events=0, features=1, problems=())

    for audit in (blind, idle):
        assert not any(audited_plant(bars, demo, recipe, audit, plant).passed for plant in PLANTS)


def test_a_planted_feature_that_states_its_input_breaks_the_law_of_time_at_once(history: History):
    with pytest.raises(LawOfTimeBroken):
        feature_matrix(history, range_events(history), (STATED.group(ORB_COMPLETE),))


def test_an_audit_that_calls_another_feature_by_name_kills_the_canary(
    bars: BarArrays, demo: Instrument, recipe: Recipe
):
    def mistaken(*args: object, **how: object) -> LookaheadReport:
        report = audit_lookahead(*args, **how)
        return replace(report, problems=tuple(replace(each, feature="atr_14") for each in report.problems))

    assert not any(audited_plant(bars, demo, recipe, mistaken, plant).passed for plant in PLANTS)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_every_plant_is_caught_by_its_own_name_at_every_kind_of_event(
    bars: BarArrays, demo: Instrument, plant: Plant, kind: EventKind
):
    groups = (*feature_groups(kind)[:1], plant.group(kind))
    recent = bars.between(bars.through - 40 * 1440, bars.through)
    report = audit_lookahead(recent, demo, sample=2, seed=1, groups=groups, kind=kind)
    assert report.problems
    assert all(plant.feature in problem.feature for problem in report.problems)
