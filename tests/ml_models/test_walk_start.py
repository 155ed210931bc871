"""A start at what the walk says: the baseline itself, credited to what it reads, and whole again from its file."""

from dataclasses import replace

import numpy as np
import pytest

from ml_models.baselines import martingale_probs
from ml_models.calibrator import Calibrator
from ml_models.documents import DamagedVersion, decode, encode
from ml_models.walk_start import WalkStart
from trading.domain.label import BREAK_DIRECTION, TARGET_FIRST
from trading.domain.trade_rule import rule_named
from trading.domain.walks import walk_chances

DIRECTION = ("noise", "martingale_up")
TRADE = ("day_left", "noise", "risk_half_atr")
RULE = rule_named("half-rr2-day")


def trades(count: int) -> np.ndarray:
    random = np.random.default_rng(3)
    rows = np.column_stack([random.uniform(0, 1, count), random.normal(size=count), random.uniform(0.05, 2, count)])
    rows[0, 0] = np.nan
    return rows


def directions() -> np.ndarray:
    return np.array([[9.0, 0.25], [-3.0, 0.9], [np.nan, 0.5], [1.0, np.nan]])


def start(classes: int = 2, p_none: float = 0.0) -> WalkStart:
    return WalkStart.learned(BREAK_DIRECTION, None, DIRECTION, classes, directions()[:3], p_none)


def by_rule() -> WalkStart:
    return WalkStart.learned(TARGET_FIRST, RULE, TRADE, 2, trades(200), 0.0)


def test_nothing_learned_is_the_baseline():
    up = directions()[:, 1]
    for classes, p_none in ((2, 0.0), (3, 0.2)):
        said = Calibrator().apply(start(classes, p_none).scores(directions()))
        np.testing.assert_allclose(said, martingale_probs(up, classes, p_none), rtol=1e-14)


def test_the_log_odds_of_down_are_those_of_the_walk():
    np.testing.assert_allclose(start().scores(directions()).ravel(), [np.log(3), np.log(1 / 9), 0, 0], atol=1e-15)


def test_a_trade_starts_from_the_fair_game_of_its_rule():
    rows = trades(50)
    win = walk_chances(TARGET_FIRST, RULE, TRADE, rows)[1:]
    np.testing.assert_allclose(by_rule().scores(rows)[1:, 0], np.log((1 - win) / win), rtol=1e-12)
    assert by_rule().scores(rows)[0, 0] == 0.0  # without the time left nothing is known


@pytest.mark.parametrize("classes", [2, 3])
def test_the_walk_is_credited_to_its_feature_against_the_typical_one(classes: int):
    begun = start(classes, 0.1 * (classes - 2))
    added = begun.contributions(directions())
    np.testing.assert_allclose(added.sum(axis=2), begun.scores(directions()), atol=1e-14)
    assert begun.typical == (0.5,)
    assert not added[:, :, 0].any()
    assert not added[2, :, 1].any()  # the typical event: nothing to say


def test_two_inputs_share_what_they_say_together_and_the_others_get_nothing():
    begun, rows = by_rule(), trades(40)
    added = begun.contributions(rows)
    np.testing.assert_allclose(added.sum(axis=2), begun.scores(rows), atol=1e-13)
    assert begun.inputs == ("risk_half_atr", "day_left")
    assert not added[:, :, 1].any()
    typical = rows.copy()
    typical[:, 0] = begun.typical[1]
    alone = begun.contributions(typical)[:, 0, 2]  # with the usual time left all is the risk's
    np.testing.assert_allclose(alone, (begun.scores(typical) - added[:, :, -1])[:, 0], atol=1e-13)


def test_a_row_alone_says_bit_for_bit_what_it_says_among_others():
    for begun, rows in ((start(3, 0.2), np.tile(directions(), (9, 1))), (by_rule(), trades(37))):
        scores, added = begun.scores(rows), begun.contributions(rows)
        for row in range(len(rows)):
            assert begun.scores(rows[row : row + 1]).tobytes() == scores[row].tobytes()
            assert begun.contributions(rows[row : row + 1]).tobytes() == added[row].tobytes()


def test_numbers_that_put_the_walk_right_move_its_scores():
    begun = replace(by_rule(), slope=0.5, intercept=(0.25,))
    np.testing.assert_allclose(begun.scores(trades(20)), 0.5 * by_rule().scores(trades(20)) + 0.25, rtol=1e-15)
    added = begun.contributions(trades(20))
    np.testing.assert_allclose(added.sum(axis=2), begun.scores(trades(20)), atol=1e-13)


def test_it_comes_back_from_its_document():
    right = replace(by_rule(), slope=0.5, intercept=(0.25,))
    for begun in (start(3, 0.25), by_rule(), right):
        part = decode("schema.json", encode("schema.json", begun.document())).document
        again = WalkStart.read(part, begun.label, begun.rule, begun.names, begun.class_count)
        assert again == begun


@pytest.mark.parametrize(
    "change",
    [
        {"from": "guess"},
        {"p_none": 0.3},
        {"p_none": -1.0},
        {"typical_inputs": {"noise": 0.5}},
        {"typical_inputs": {}},
        {"intercept": [[0.1, 0.2]]},
    ],
)
def test_a_start_that_does_not_fit_its_question_is_damage(change: dict[str, object]):
    with pytest.raises(DamagedVersion, match=r"schema\.json: starts from .* which is not a walk of break_direction"):
        WalkStart.read({**start().document(), **change}, "break_direction", None, DIRECTION, 2)
