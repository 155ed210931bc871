"""Scores of numbers against scikit-learn, and against what was drawn."""

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, r2_score, root_mean_squared_error

from ml_models.quantiles import conformal_offset, forecast_of, outputs_of, quantile_places, walk_of_outputs
from ml_models.value_scores import (
    Forecast,
    best_value_baseline,
    grouped_means,
    pinball_losses,
    value_scores,
    value_skills,
)
from trading.errors import HubError

OUTPUTS = ("r_mean", "r_q05", "r_q50", "r_q95")


def drawn(days: int = 120, a_day: int = 6, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    point = random.normal(size=days * a_day)
    shared = np.repeat(random.normal(scale=0.3, size=days), a_day)
    return point + shared + random.normal(size=len(point)), point, np.repeat(np.arange(days), a_day)


def test_errors_and_explained_variance_are_those_of_scikit_learn():
    actual, point, days = drawn()
    found = value_scores(actual, Forecast(point), days)
    assert found["mae"].value == pytest.approx(mean_absolute_error(actual, point))
    assert found["rmse"].value == pytest.approx(root_mean_squared_error(actual, point))
    assert found["r2"].value == pytest.approx(r2_score(actual, point))
    for name in found:
        assert found[name].low < found[name].value < found[name].high
        assert found[name].n_effective <= found[name].n
    assert found["rmse"].n_effective < 700  # events of a day share its shock


def test_the_quantile_loss_is_that_of_scikit_learn():
    actual, point, _ = drawn()
    levels = (0.05, 0.5, 0.9)
    quantiles = np.column_stack([point - 1.6, point, point + 1.3])
    expected = [mean_pinball_loss(actual, quantiles[:, i], alpha=level) for i, level in enumerate(levels)]
    assert pinball_losses(actual, quantiles, levels).mean() == pytest.approx(np.mean(expected))


def test_the_interval_of_r2_covers_the_truth_about_as_often_as_it_says():
    """Of 120 samples of a market whose R² is 0.5 in the long run; a day's events share a shock."""
    held = 0
    for seed in range(120):
        actual, point, days = drawn(60, 4, seed)
        low_high = value_scores(actual, Forecast(point), days)["r2"]
        held += low_high.low <= 1 - 1.09 / 2.09 <= low_high.high
    assert 0.88 <= held / 120 <= 0.99


def test_no_variance_leaves_r2_undefined_and_a_forecast_of_nothing_is_below_zero():
    flat = value_scores(np.ones(20), Forecast(np.zeros(20)), np.arange(20))["r2"]
    assert np.isnan(flat.value)
    actual, point, days = drawn()
    assert value_scores(actual, Forecast(-point), days)["r2"].value < 0


def test_coverage_counts_both_ends_and_width_is_their_distance():
    actual, days = np.array([0.0, 1.0, 2.0, 3.0, 4.0]), np.arange(5)
    ends = Forecast(actual * 0, low=np.full(5, 1.0), high=np.full(5, 3.0))
    found = value_scores(actual, ends, days)
    assert (found["coverage"].value, found["width"].value) == (0.6, 2.0)


def test_skill_is_the_paired_difference_and_zero_against_oneself():
    actual, point, days = drawn()
    quantiles = np.column_stack([point - 1, point, point + 1])
    mine, theirs = Forecast(point, quantiles, (0.1, 0.5, 0.9)), Forecast(point * 0)
    gained = value_skills(actual, mine, theirs, days)
    assert set(gained) == {"squared_error", "absolute_error"}  # the baseline has no quantiles
    assert gained["squared_error"].value == pytest.approx((actual**2 - (actual - point) ** 2).mean())
    assert gained["squared_error"].low > 0
    nothing = value_skills(actual, mine, mine, days)
    assert {each.value for each in nothing.values()} == {0.0}


def test_the_best_baseline_errs_least():
    actual, point, _ = drawn()
    assert best_value_baseline(actual, {"zero": point * 0, "point": point}) == "point"
    with pytest.raises(HubError, match="nothing to compare"):
        best_value_baseline(actual[:0], {"zero": actual[:0]})


def test_groups_hold_all_events_once_and_rise():
    actual, point, days = drawn()
    groups = grouped_means(point, actual, days)
    assert sum(group.observed.n for group in groups) == len(actual)
    means = [group.mean_forecast for group in groups]
    assert means == sorted(means)


def test_quantiles_are_put_in_order_and_the_point_is_the_mean_or_the_median():
    said = np.array([[0.2, 0.9, -0.5, 0.1]])
    found = forecast_of("r", OUTPUTS, said, offset=0.1)
    assert found.quantiles is not None
    assert found.quantiles.tolist() == [[-0.5, 0.1, 0.9]]
    assert found.point.tolist() == [0.2]
    assert (found.low, found.high) == (pytest.approx([-0.6]), pytest.approx([1.0]))
    assert forecast_of("r", OUTPUTS[1:], said[:, 1:]).point.tolist() == [0.1]


def test_where_the_market_has_moved_the_end_on_that_side_lies_as_much_farther_out():
    said = np.tile([0.0, -1.0, 0.0, 1.0], (3, 1))
    found = forecast_of("r", OUTPUTS, said, offset=0.5, moved=np.array([0.25, 0.0, -0.75]))
    assert np.asarray(found.low).tolist() == [-1.5, -1.5, -2.25]
    assert np.asarray(found.high).tolist() == [1.75, 1.5, 1.5]
    held = Forecast(np.zeros(3), np.tile([-1.0, 1.0], (3, 1)), (0.05, 0.95))
    assert conformal_offset(np.array([2.0, 0.0, -3.0]), held, 0.75, np.array([0.75, 0.0, -1.0])) == 1.0


def test_outputs_belong_to_the_target_that_their_name_begins_with():
    outputs = ("up_q50", "down_q90", "down_q10")
    assert (outputs_of("down", outputs), quantile_places("down", outputs)) == ([1, 2], [2, 1])
    walk = np.array([[1.0, 2.0]])
    assert walk_of_outputs(("up", "down"), outputs, walk).tolist() == [[1.0, 2.0, 2.0]]


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_the_conformal_offset_holds_its_share_of_new_events_like_the_old(level: float):
    """Quantiles far too narrow; the offset of 400 events, seen on 400 others, over 60 markets."""
    shares = []
    for seed in range(60):
        random = np.random.default_rng(seed)
        old, new = random.standard_t(4, size=400), random.standard_t(4, size=400)
        narrow = Forecast(np.zeros(400), np.tile([-0.1, 0.1], (400, 1)), (0.05, 0.95))
        offset = conformal_offset(old, narrow, level)
        shares.append((np.abs(new) <= 0.1 + offset).mean())
    assert np.mean(shares) == pytest.approx(level, abs=0.012)
    assert np.mean(shares) > level - 0.005
