"""Whether logged intervals held what they state: of trades, whose results lie in two heaps, and over time."""

import numpy as np
import pytest

from ml_monitoring.change import cusum
from ml_monitoring.coverage_monitor import coverage
from ml_monitoring.judged import Judged
from ml_monitoring.judged_values import Numbers
from ml_monitoring.looks import MISSES, QUALITY, REFERENCE_DAYS, look_at_quality, losses_of
from trading.domain.label import NET_R, RANGE_AHEAD, Label

EVENTS = 6


def judged(label: Label, actual: np.ndarray, low: float, high: float, level: float = 0.9) -> Judged:
    """Answers of one target, six a day, all with the same interval."""
    n, [target, *_] = len(actual), label.targets
    ends = tuple(f"{target}_q{round(100 * each):02}" for each in ((1 - level) / 2, 0.5, (1 + level) / 2))
    said = np.tile([low, (low + high) / 2, high], (n, 1))
    numbers = Numbers((target,), ends, actual[:, None], said, said[:, 0], said[:, 2], {})
    days = np.datetime64("2025-01-01") + np.arange(n) // EVENTS
    none = np.full(n, np.nan)
    empty, flags = np.empty((n, 0)), np.zeros(n, dtype=bool)
    return Judged((), days, np.full(n, "0900"), np.zeros(n, int), empty, {}, flags, flags, none, none, label, numbers)


def test_an_interval_from_stop_to_target_that_holds_nearly_all_says_why_it_could_hold_no_less():
    found = coverage(judged(NET_R, np.tile([-1.1, 0.9, -1.1, 0.9, 0.2, 0.9], 100), -1.1, 0.9))
    assert found is not None
    assert found.held.value == 1.0
    assert found.without_heap == pytest.approx(1 - 1 / 3)
    assert found.verdict.state == "good"
    assert "100.0 % where at least 90 % were stated" in found.verdict.sentence
    assert found.verdict.sentence.endswith(
        "as stated; without the lesser of the heaps at stop and target it would hold 67 %."
    )


def test_an_interval_without_heaps_that_holds_nearly_all_is_called_wider_than_it_had_to_be():
    found = coverage(judged(RANGE_AHEAD, np.random.default_rng(1).normal(size=900), -3.0, 3.0, 0.8))
    assert found is not None
    assert found.without_heap is None
    assert found.verdict.sentence.endswith("wider than it had to be.")


@pytest.mark.parametrize(("later", "state"), [(1.0, "quiet"), (2.0, "alarm")])
def test_an_interval_that_begins_to_miss_more_raises_an_alarm(later: float, state: str):
    spread = np.where(np.arange(EVENTS * 120) < EVENTS * REFERENCE_DAYS, 1.0, later)
    actual = spread * np.random.default_rng(3).normal(size=len(spread))
    rows = judged(RANGE_AHEAD, actual, -1.2816, 1.2816, 0.8)
    look = look_at_quality(cusum(losses_of(rows), rows.days, REFERENCE_DAYS), MISSES)
    assert (look.monitor, look.state, look.subject) == (QUALITY, state, "miss rate of the interval")
    assert look.sentence.startswith(
        "Miss rate of the interval " + ("has risen" if state == "alarm" else "is as before")
    )
