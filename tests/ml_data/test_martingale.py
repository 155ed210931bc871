"""The baseline of every direction model against walks that have no drift, simulated."""

import numpy as np
import pytest

from ml_data.features.opening_range import martingale_up

WALKS = 40_000


def share_up(above: float, below: float, changes) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """The share of walks that leave (-below, above) upwards, beyond either by a tick, and its standard error."""
    at = np.zeros(WALKS)
    inside = np.ones(WALKS, dtype=bool)
    while inside.any():
        at[inside] += changes(int(inside.sum()))
        inside &= (at < above + 1) & (at > -below - 1)
    up = float((at > 0).mean())
    return up, float(np.sqrt(up * (1 - up) / WALKS))


@pytest.mark.parametrize(
    ("above", "below", "expected"),
    [(0, 0, 1 / 2), (0, 4, 5 / 6), (4, 0, 1 / 6), (3, 5, 6 / 10), (1, 3, 4 / 6), (10, 10, 1 / 2)],
)
def test_without_a_step_it_is_the_gamblers_ruin_of_a_close_outside(above: int, below: int, expected: float):
    assert martingale_up(float(above), float(below), 0.0) == pytest.approx(expected)


@pytest.mark.parametrize(("above", "below"), [(0, 4), (3, 5), (7, 2)])
def test_a_walk_of_single_ticks_leaves_upwards_as_often_as_it_says(above: int, below: int):
    random = np.random.default_rng(above)
    up, error = share_up(above, below, lambda count: random.choice([-1.0, 1.0], count))
    assert martingale_up(float(above), float(below), 0.0) == pytest.approx(up, abs=4 * error)


@pytest.mark.parametrize(("above", "below"), [(2, 10), (0, 12), (15, 5), (6, 6)])
@pytest.mark.parametrize(("step", "approximate"), [(1.0, 0.005), (3.0, 0.005), (8.0, 0.035)])
def test_a_gaussian_walk_seen_once_a_minute_leaves_upwards_as_often_as_it_says(
    above: int, below: int, step: float, approximate: float
):
    """Siegmund's correction is for barriers some steps away; where one step nearly spans the range, it is too sure."""
    random = np.random.default_rng(above + 100 * int(step))
    up, error = share_up(above, below, lambda count: random.normal(0.0, step, count))
    assert martingale_up(float(above), float(below), step) == pytest.approx(up, abs=4 * error + approximate)


def test_it_is_symmetric_between_the_edges_and_milder_for_larger_steps():
    assert martingale_up(3.0, 9.0, 2.0) + martingale_up(9.0, 3.0, 2.0) == pytest.approx(1.0)
    near_the_top = [martingale_up(1.0, 9.0, step) for step in (0.0, 1.0, 5.0, 50.0)]
    assert near_the_top == sorted(near_the_top, reverse=True)
    assert near_the_top[-1] > 0.5


def test_a_step_that_is_not_known_counts_as_none():
    assert martingale_up(3.0, 5.0, float("nan")) == martingale_up(3.0, 5.0, 0.0)
