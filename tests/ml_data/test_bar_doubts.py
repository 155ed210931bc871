"""Impossible ticks are found, real crashes are not: literal prices, each bar named by its place."""

from typing import Any

import numpy as np
import pytest

from ml_data.bar_doubts import Doubt, regular_steps, spikes_and_jumps, split_ratio

QUIET = [100.0, 100.1, 100.0, 99.9, 100.0, 100.1, 100.2, 100.1, 100.0, 99.9] * 4
"""Closes of 40 minutes; each bar reaches 0.1 beyond its close on both sides."""


def bars(close: list[float], reach: float = 0.1, **changes: dict[int, float]) -> dict[str, Any]:
    """Bars of these closes, a minute apart, that reach so far beyond them; `changes` set values by column and row."""
    closes = np.array(close)
    columns = {
        "minute": np.arange(len(closes), dtype=np.int64) + 28_000_000,
        "high": closes + reach,
        "low": closes - reach,
        "close": closes,
        "volume": np.full(len(closes), 10.0),
    }
    for name, values in changes.items():
        for row, value in values.items():
            columns[name][row] = value
    return columns


def with_closes(changes: dict[int, float]) -> list[float]:
    return [changes.get(row, close) for row, close in enumerate(QUIET)]


def found(columns: dict[str, Any]) -> list[tuple[str, int]]:
    return [(doubt.kind, doubt.row) for doubt in spikes_and_jumps(**columns)]


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        (bars(QUIET), []),
        (bars(QUIET, high={20: 103.1}), [20]),  # a tick of 3 %
        (bars(QUIET, low={20: 97.0}), [20]),
        (bars(QUIET, low={20: 0.1}), [20]),
        (bars(with_closes({20: 103.0})), [20]),  # the whole bar
        (bars(with_closes({20: 103.0, 21: 103.0})), [20, 21]),  # it reverts after two minutes
        (bars(QUIET, high={20: 103.1, 26: 103.1}), [20, 26]),  # one does not hide the other
        (bars(QUIET, high={20: 100.5}), []),  # half a per cent: nothing to speak of
    ],
)
def test_a_lone_spike_is_found_where_it_is(columns: dict[str, Any], rows: list[int]):
    assert found(columns) == [("spike", row) for row in rows]


def test_a_spike_says_the_price_that_was_usual_around_it():
    assert spikes_and_jumps(**bars(QUIET, high={20: 103.1})) == [Doubt("spike", 20, 20, 100.0, 0)]


def test_a_crash_that_stays_down_is_real():
    assert found(bars(QUIET[:20] + [close - 5 for close in QUIET[:20]])) == []


def test_a_crash_that_comes_back_over_minutes_is_real():
    way_down_and_up = [100.0, 97.0, 95.0, 94.0, 95.5, 97.0, 98.5, 99.5]
    columns = bars(QUIET[:16] + way_down_and_up + QUIET[:16])
    opens = np.concatenate([columns["close"][:1], columns["close"][:-1]])
    columns["high"], columns["low"] = np.maximum(columns["high"], opens), np.minimum(columns["low"], opens)
    assert found(columns) == []


def test_a_wick_among_bars_as_wide_is_real():
    columns = bars(QUIET, high={20: 103.0})
    columns["high"][[18, 22, 23]] += 1.5
    columns["low"][[18, 22, 23]] -= 1.5
    assert found(columns) == []


def test_a_small_wick_that_traded_a_multiple_of_the_usual_volume_is_real():
    assert found(bars(QUIET, 0.02, high={20: 101.2}, volume={20: 400.0})) == []
    assert found(bars(QUIET, 0.02, high={20: 101.2}, volume={20: 20.0})) == [("spike", 20)]


def test_the_last_bars_wait_for_what_follows():
    assert found(bars(QUIET, high={34: 103.1})) == []
    assert found(bars([*QUIET, 100.0], high={34: 103.1})) == [("spike", 34)]


def test_bars_far_apart_say_nothing_of_each_other():
    columns = bars(QUIET, high={20: 103.1})
    columns["minute"] = 28_000_000 + 90 * np.arange(len(QUIET))
    assert found(columns) == []


def test_a_spike_just_after_a_weekend_is_found():
    columns = bars([99.0, 99.1] * 9 + QUIET, high={20: 103.1})
    columns["minute"][18:] += 49 * 60
    assert found(columns) == [("spike", 20)]


@pytest.mark.parametrize(
    ("times", "words"), [(0.5, "2 for 1"), (1 / 3, "3 for 1"), (10.0, "1 for 10"), (2 / 3, "3 for 2")]
)
def test_a_level_that_jumps_as_by_a_split_is_found(times: float, words: str):
    [jump] = spikes_and_jumps(**bars(QUIET[:20] + [close * times for close in QUIET[:20]]))
    assert (jump.kind, jump.row, jump.usual) == ("jump", 20, 99.9)
    assert split_ratio(jump.usual, QUIET[0] * times) == words


def test_a_file_of_which_every_second_row_is_adjusted_jumps_all_the_time():
    mixed = [close / 2 if row % 2 else close for row, close in enumerate(QUIET)]
    jumps = found(bars(mixed))
    assert len(jumps) == 33  # of 39; the last six wait for what follows
    assert {kind for kind, _ in jumps} == {"jump"}


def test_a_level_that_moved_while_months_are_missing_is_none():
    columns = bars(QUIET[:20] + [close * 0.72 for close in QUIET[:20]])
    assert found(columns) == [("jump", 20)]
    columns["minute"][20:] += 180 * 1440
    assert found(columns) == []


def minutes(*spans: tuple[int, int, int]) -> np.ndarray:
    return np.concatenate([np.arange(first, first + step * count, step) for first, count, step in spans])


@pytest.mark.parametrize(
    ("minute", "runs"),
    [
        (minutes((0, 600, 1)), []),
        (minutes((0, 300, 1), (300, 12, 5), (360, 300, 1)), []),  # an hour of fives may be chance in a thin market
        (minutes((0, 300, 1), (300, 36, 5), (480, 300, 1)), [(300, 336, 5)]),
        (minutes((0, 20, 15)), [(0, 19, 15)]),
        (minutes((0, 30, 2)), []),
        (minutes((0, 60, 2)), [(0, 59, 2)]),
    ],
)
def test_longer_bars_among_minutes_are_told_by_their_step(minute: np.ndarray, runs: list[tuple[int, int, int]]):
    steps = regular_steps(minute.astype(np.int64), np.full(len(minute), 100.0))
    assert [(run.row, run.last_row, run.step) for run in steps] == runs


def test_thin_random_minutes_have_no_step():
    rng = np.random.default_rng(7)
    minute = np.flatnonzero(rng.random(200_000) < 0.3).astype(np.int64)
    assert regular_steps(minute, np.full(len(minute), 100.0)) == []
