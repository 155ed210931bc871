"""What advice may do to a trade's size: nothing in shadow and advisory, half of it at the most, and never more."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.domain.advice import STAGES, Advice
from trading.risk_engine import LEAST_SHARE, day_is_over, day_stop, loss_of_a_lot, risk_share, sized

SAYS = ("UP", "DOWN", "NONE", "TAKE", "SKIP")
ADVICE = st.builds(
    Advice,
    st.just("m"),
    st.just("v"),
    st.sampled_from(STAGES),
    st.sampled_from(SAYS),
    st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)),
)


def advice(stage: str, says: str, size: float | None = None) -> Advice:
    return Advice("m", "v", stage, says, size)


@pytest.mark.parametrize(
    ("stage", "heard", "scales"),
    [("shadow", False, False), ("advisory", True, False), ("hybrid", True, True), ("auto", True, True)],
)
def test_a_stage_lets_a_version_do_so_much_and_no_more(stage: str, heard: bool, scales: bool):
    assert (advice(stage, "UP").is_heard, advice(stage, "UP").scales_risk) == (heard, scales)
    assert risk_share([advice(stage, "SKIP")], "UP") == (0.5 if scales else 1.0)


@pytest.mark.parametrize(
    ("says", "size", "share"),
    [
        ("UP", None, 1.0),
        ("DOWN", None, 0.5),
        ("NONE", None, 1.0),
        ("TAKE", None, 1.0),
        ("TAKE", 0.7, 0.7),
        ("TAKE", 0.1, 0.5),
        ("TAKE", 3.0, 1.0),
        ("TAKE", math.nan, 1.0),
        ("SKIP", 0.9, 0.5),
    ],
)
def test_the_share_of_the_rules_risk_of_a_break_up(says: str, size: float | None, share: float):
    assert risk_share([advice("hybrid", says, size)], "UP") == share


def test_of_several_the_most_cautious_counts_and_those_that_only_speak_do_not():
    every = [advice("hybrid", "TAKE", 0.8), advice("auto", "TAKE", 0.6), advice("advisory", "SKIP")]
    assert risk_share(every, "UP") == 0.6


def test_a_lot_that_does_not_fit_is_not_traded():
    assert loss_of_a_lot(10.0, 0.5, 10.0) == 105.0
    assert (sized(100, 105.0).lots, sized(104.99, 105.0).lots, sized(105.0, 105.0).lots) == (0, 0, 1)
    half = sized(105.0, 105.0, 0.5)
    assert (half.lots, half.by_rules, half.at_risk) == (0, 1, 0.0)


@given(
    every=st.lists(ADVICE, max_size=3),
    side=st.sampled_from(["UP", "DOWN"]),
    budget=st.floats(1, 1e6),
    loss=st.floats(0.01, 1e5),
)
def test_advice_never_makes_a_trade_larger_and_at_most_halves_it(
    every: list[Advice], side: str, budget: float, loss: float
):
    share = risk_share(every, side)
    found, by_rules = sized(budget, loss, share), sized(budget, loss)
    assert LEAST_SHARE <= share <= 1.0
    assert found.lots <= by_rules.lots == found.by_rules
    assert found.lots >= math.floor(by_rules.lots * LEAST_SHARE)
    if not any(each.scales_risk for each in every):
        assert found == by_rules


@pytest.mark.parametrize(
    ("results", "over"),
    [
        ([], False),
        ([-2.99], False),
        ([-1.5, -1.5], True),
        ([1.5, -4.0], False),
        ([-4.0, 1.5], True),
        ([-3.0, 9.0], True),
    ],
)
def test_the_day_is_over_once_it_has_lost_its_limit_whatever_closes_later(results: list[float], over: bool):
    assert day_is_over(results, 3.0) is over


def test_the_stop_of_a_day_is_the_first_exit_at_which_it_had_lost_its_limit():
    first, second, third = (datetime(2025, 3, 3, hour, tzinfo=UTC) for hour in (1, 3, 8))
    assert day_stop([(third, -1.1), (first, -1.1), (second, -1.1)], 3.0) == third
    assert day_stop([(first, -3.1), (second, 2.0)], 3.0) == first
    assert day_stop([(first, 2.0), (second, -4.0)], 3.0) is None
    assert day_stop([(first, -4.0), (first, 2.0)], 3.0) is None  # of the same instant, nobody knows which came first
    assert day_stop([], 3.0) is None
