import numpy as np
import pytest

from ml_monitoring.change import HORIZON_DAYS, LEAST_REFERENCE_DAYS, MOST_CARRIED, cusum
from ml_monitoring.looks import QUALITY, look_at_quality

REFERENCE = 60


def days(count: int, events: int = 6):
    return np.repeat(np.datetime64("2025-01-01") + np.arange(count), events)


def losses(count: int, seed: int, worse_from: int | None = None, by: float = 0.6):
    found = np.random.default_rng(seed).normal(0.69, 1.0, size=count * 6)
    if worse_from is not None:
        found[worse_from * 6 :] += by
    return found


def watch(values, count: int, reference: int = REFERENCE):
    return cusum(values, days(count), reference)


def test_a_lasting_rise_is_seen_and_the_first_alarm_comes_after_it_began():
    found = watch(losses(130, 1, worse_from=80), 130)
    assert found is not None
    assert found.alarms
    assert found.alarms[0] >= days(130)[80 * 6]
    assert look_at_quality(found).state == "alarm"


def test_losses_that_fall_are_no_alarm():
    found = watch(losses(130, 1, worse_from=80, by=-0.6), 130)
    assert found is not None
    assert found.alarms == ()
    assert look_at_quality(found).state == "quiet"


def test_an_alarm_stays_open_for_a_horizon():
    values = losses(60 + 40 + HORIZON_DAYS + 20, 3)
    values[60 * 6 : 75 * 6] += 1.5
    whole = 60 + 40 + HORIZON_DAYS + 20
    early, late = watch(values[: 110 * 6], 110), watch(values, whole)
    assert early is not None
    assert late is not None
    assert look_at_quality(early).state == "alarm"
    assert late.alarms == early.alarms
    assert look_at_quality(late).state == "quiet"


@pytest.mark.parametrize(("count", "reference"), [(REFERENCE, REFERENCE), (100, LEAST_REFERENCE_DAYS - 1), (0, 0)])
def test_without_a_reference_and_a_day_after_it_nothing_is_said(count: int, reference: int):
    assert watch(losses(count, 1), count, reference) is None
    assert look_at_quality(None).state == "cannot tell"


def test_days_that_hang_on_to_each_other_cannot_tell():
    random = np.random.default_rng(5)
    level = np.zeros(130)
    for day in range(1, 130):
        level[day] = 0.9 * level[day - 1] + random.normal()
    found = watch(np.repeat(level, 6), 130)
    assert found is not None
    assert found.carried > MOST_CARRIED
    assert look_at_quality(found).state == "cannot tell"
    assert look_at_quality(found).monitor == QUALITY


def test_the_same_days_give_the_same_threshold_and_later_days_change_no_earlier_path():
    values = losses(130, 7)
    whole, part = watch(values, 130), watch(values[: 100 * 6], 100)
    assert whole is not None
    assert part is not None
    assert part.threshold == whole.threshold
    np.testing.assert_allclose(part.path, whole.path[: len(part.path)])
    assert whole.expected == pytest.approx(0.05 * 70 / HORIZON_DAYS)
