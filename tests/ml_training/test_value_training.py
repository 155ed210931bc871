"""Training of numbers: what the interval is measured on, what the baselines say, and that a known edge is found."""

from dataclasses import replace

import numpy as np
import pytest

from ml_data.history import History
from ml_models.quantiles import forecast_of
from ml_training.dataset import Dataset, dataset_of
from ml_training.recipe import Recipe, shipped_recipe
from ml_training.training import Plan, assess, plan_of
from ml_training.value_estimators import ValueFit
from ml_training.walk_forward import FoldResult, fit_rows, walk_forward


@pytest.fixture(scope="module")
def numbers() -> Recipe:
    shipped = shipped_recipe("r_multiple")
    return shipped.model_copy(
        update={
            "estimator": shipped.estimator.model_copy(
                update={"rounds": 60, "early_stopping_rounds": 20, "min_data_in_leaf": 30, "learning_rate": 0.1}
            ),
            "validation": shipped.validation.model_copy(update={"folds": 2, "final_window_days": 40}),
        }
    )


@pytest.fixture(scope="module")
def trades(history: History, numbers: Recipe) -> Dataset:
    return dataset_of(history, numbers)


@pytest.fixture(scope="module")
def plan(trades: Dataset, numbers: Recipe) -> Plan:
    return plan_of(trades, numbers)


@pytest.fixture(scope="module")
def results(trades: Dataset, plan: Plan, numbers: Recipe) -> tuple[FoldResult, ...]:
    return walk_forward(trades, plan.folds, numbers)


def test_a_trade_is_learned_from_only_once_it_has_closed(trades: Dataset, plan: Plan):
    for fold in (*plan.folds, plan.final):
        assert trades.label_known[fold.train].max() < trades.decided[fold.test].min()
    assert (trades.label_known > trades.decided).all()
    assert np.array_equal(trades.values[:, 0], trades.r_net)


def test_the_interval_is_measured_on_days_after_the_fit_and_before_the_test(
    trades: Dataset, plan: Plan, results: tuple[FoldResult, ...]
):
    for result in results:
        assert isinstance(result.fit, ValueFit)
        made = result.fit.calibrator
        first, last = np.datetime64(made.first_day), np.datetime64(made.last_day)
        assert first <= last < trades.days[result.fold.test].min()
        kept = (trades.days >= first) & (trades.days <= last)
        assert 0.1 < kept.sum() / len(result.fold.train) < 0.25
        assert made.events == (kept & np.isin(np.arange(len(trades)), result.fold.train)).sum()


def test_the_calibration_days_do_not_reach_the_fit(trades: Dataset, plan: Plan, numbers: Recipe):
    rows = plan.folds[-1].train
    fitted = fit_rows(trades, rows, numbers)
    assert isinstance(fitted, ValueFit)
    late = trades.days >= np.datetime64(fitted.calibrator.first_day)
    garbage = replace(trades, values=np.where(late[:, None], 50.0, trades.values))
    again = fit_rows(garbage, rows, numbers)
    assert isinstance(again, ValueFit)
    assert again.texts == fitted.texts
    assert again.calibrator.offsets[0] > 40


def test_the_interval_never_loses_more_than_the_stop_nor_wins_more_than_the_target(
    trades: Dataset, results: tuple[FoldResult, ...], numbers: Recipe
):
    lost = trades.names.index("costs_full_r")
    for result in results:
        low, high = result.said[:, -2], result.said[:, -1]
        assert (low >= -1 - trades.x[result.fold.test, lost] - 1e-12).all()
        assert (high < 1.0).all()
        assert (low < high).all()


def test_scores_stand_beside_the_mean_of_training_and_zero_before_costs(
    trades: Dataset, plan: Plan, results: tuple[FoldResult, ...], numbers: Recipe
):
    training = assess(trades, plan, numbers, results)
    found = training.walk_forward
    assert set(found.baselines) == {"mean", "zero before costs"}
    assert {"mae", "rmse", "r2", "pinball", "coverage", "coverage_volatile", "width"} == set(found.scores)
    assert found.scores["coverage"].value > 0.88
    assert found.skill["squared_error"].low < 0  # nothing is to be gained on a walk
    assert found.scores["r2"].value < 0.1
    learned = trades.values[plan.final.train, 0].mean()
    rows = plan.final.test
    error = ((trades.values[rows, 0] - learned) ** 2).mean()
    assert training.untouched.baselines["mean"]["rmse"].value == pytest.approx(np.sqrt(error))
    assert "confusion" not in training.untouched.document()


def test_an_edge_that_is_there_is_found(trades: Dataset, plan: Plan, numbers: Recipe):
    """A trade earns 0.6 R more where a feature is above its median, and as much less below."""
    place = trades.names.index("overshoot")
    high = trades.x[:, place] > np.median(trades.x[:, place])
    edged = replace(trades, values=trades.values + np.where(high, 0.6, -0.6)[:, None])
    training = assess(edged, plan, numbers, walk_forward(edged, plan.folds, numbers))
    assert training.walk_forward.skill["squared_error"].low > 0.2
    assert next(iter(training.importance)) == "overshoot"


def test_what_was_said_is_what_the_published_parts_say(trades: Dataset, plan: Plan, numbers: Recipe):
    fitted = fit_rows(trades, plan.final.train, numbers, (5,) * len(numbers.outputs))
    assert isinstance(fitted, ValueFit)
    raw = fitted.raw(trades.x[:50])
    assert raw.shape == (50, len(numbers.outputs))
    assert forecast_of("r", numbers.outputs, raw).point.tolist() == raw[:, 0].tolist()


def test_distances_are_told_in_ranges_and_in_atr(history: History, numbers: Recipe):
    shipped = shipped_recipe("range_ahead")
    small = shipped.model_copy(update={"estimator": numbers.estimator, "validation": numbers.validation})
    travelled = dataset_of(history, small)
    assert travelled.names[:4] == ("range_ahead_20d", "rise_ahead_20d", "fall_ahead_20d", "range_ahead_spread_20d")
    plan = plan_of(travelled, small)
    found = assess(travelled, plan, small, walk_forward(travelled, plan.folds, small)).walk_forward
    assert set(found.baselines) == {"mean", "20-day mean", "ATR-scaled"}
    assert found.scores["r2_range"].value > 0.3  # the demo's activity has a daily course
    size = np.log(travelled.x[:, travelled.names.index("range_size_atr")])
    assert np.array_equal(travelled.walk[:, 3], -size)
    assert found.scores["r2_range_by_atr"].value < found.scores["r2_range"].value
