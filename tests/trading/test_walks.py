"""The fair game, against walks that were really walked, and what a trade's costs make of it."""

import numpy as np
import pytest

from trading.domain.label import BREAK_DIRECTION, TARGET_FIRST
from trading.domain.trade_rule import rule_named
from trading.domain.walks import break_even, costs_in_r, fair_win, spread_in_r, walk_columns, walk_inputs

NAMES = walk_inputs(TARGET_FIRST, rule_named("full-rr2-day"))


def walked(reward: float, spread: float, seed: int) -> float:
    """The share of 4,000 walks of 2,000 steps that touch `reward` before -1; `spread` is their deviation at the end."""
    random = np.random.default_rng(seed)
    path = np.cumsum(random.normal(scale=spread / np.sqrt(2000), size=(4000, 2000)), axis=1)
    margin = 0.5826 * spread / np.sqrt(2000)  # seen once a step, a walk is beyond the barrier by so much
    first = [
        np.where(hit.any(axis=1), hit.argmax(axis=1), 2000) for hit in (path >= reward - margin, path <= margin - 1)
    ]
    return float((first[0] < first[1]).mean())


@pytest.mark.parametrize(("reward", "spread"), [(1.0, 0.7), (1.0, 3.0), (2.0, 1.0), (4.0, 2.5), (8.0, 20.0)])
def test_the_fair_game_is_what_walks_do(reward: float, spread: float):
    assert fair_win(reward, np.array([spread]))[0] == pytest.approx(walked(reward, spread, 3), abs=0.025)


def test_with_time_enough_the_target_comes_first_once_in_one_plus_reward():
    for reward in (1.0, 1.5, 8.0):
        assert fair_win(reward, np.array([1e3]))[0] == 1 / (1 + reward)


def test_less_time_never_helps_and_nothing_is_impossible():
    chances = fair_win(3.0, np.linspace(0.0, 10.0, 200))
    assert (np.diff(chances) >= -1e-12).all()
    assert chances[0] == 0.001


def test_a_missing_input_gives_no_probability():
    row = np.array([[np.nan, 0.5, 0.2, 200.0]])
    assert np.isnan(walk_columns(TARGET_FIRST, rule_named("full-rr2-day"), 1.0, NAMES, row)).all()


def test_the_walk_of_a_trade_is_told_by_its_risk_and_the_time_that_is_left():
    row = np.array([[0.1, 0.64, 0.2, 200.0]])
    expected = fair_win(2.0, spread_in_r(np.array([0.1]), np.array([0.64])))
    assert walk_columns(TARGET_FIRST, rule_named("full-rr2-day"), 1.0, NAMES, row)[0] == expected


def test_the_walk_of_a_direction_is_the_martingale():
    row = np.array([[2.0, 0.7]])
    assert walk_columns(BREAK_DIRECTION, None, 1.0, ("weekday", "martingale_up"), row).tolist() == [[0.7]]


def test_a_trade_must_win_more_often_to_pay_its_costs():
    """Risk 0.1 ATR of 200 ticks = 20 ticks; a loss costs 4 ticks = 0.2 R, of which one, 0.05 R, slips at the stop."""
    rule, row = rule_named("full-rr2-day"), np.array([[0.1, 0.64, 0.2, 200.0]])
    lost, won = costs_in_r(TARGET_FIRST, rule, 1.0, NAMES, row)
    assert (lost[0], won[0]) == (0.2, pytest.approx(0.15))
    chance = break_even(TARGET_FIRST, rule, 1.0, NAMES, row)[0]
    assert chance * (2.0 - won[0]) == pytest.approx((1 - chance) * (1.0 + lost[0]))
    assert chance == pytest.approx(1.2 / 3.05)
