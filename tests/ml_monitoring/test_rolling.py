import numpy as np
import pytest

from ml_models.intervals import Estimate, mean_interval_t
from ml_monitoring.rolling import rolling_mean

DAYS = np.array([np.datetime64("2025-01-01") + day for day in range(9)])


@pytest.mark.parametrize("seed", range(3))
def test_every_window_is_the_day_clustered_interval_of_its_events(seed: int):
    random = np.random.default_rng(seed)
    days = np.repeat(DAYS, random.integers(1, 6, len(DAYS)))
    values = random.normal(size=len(days)) + random.normal(size=len(DAYS))[np.searchsorted(DAYS, days)]
    rolling = rolling_mean(values, days, 5)
    assert rolling.days.tolist() == DAYS[4:].tolist()
    for index, last in enumerate(rolling.days):
        inside = (days >= DAYS[index]) & (days <= last)
        expected = mean_interval_t(values[inside], days[inside])
        found = (rolling.value, rolling.low, rolling.high, rolling.n, rolling.n_effective)
        assert [float(column[index]) for column in found] == pytest.approx(
            [expected.value, expected.low, expected.high, expected.n, expected.n_effective], rel=1e-10
        )


def test_values_that_never_differ_have_no_band_and_count_once_a_day():
    rolling = rolling_mean(np.full(18, 0.5), np.repeat(DAYS, 2), 6)
    assert rolling.low.tolist() == rolling.high.tolist() == [0.5] * 4
    assert rolling.n_effective.tolist() == [6.0] * 4
    assert rolling.last() == Estimate(0.5, 0.5, 0.5, n=12, n_effective=6.0, days=6)


def test_days_without_events_are_no_days():
    gap = np.array(["2025-01-01", "2025-01-02", "2025-02-01", "2025-02-02", "2025-03-01"], dtype="datetime64[D]")
    assert rolling_mean(np.arange(5.0), gap, 5).days.astype(str).tolist() == ["2025-03-01"]


def test_before_the_first_full_window_there_is_none():
    assert len(rolling_mean(np.arange(4.0), DAYS[:4], 5)) == 0
    assert len(rolling_mean(np.empty(0), DAYS[:0], 5)) == 0


def test_a_later_start_leaves_the_windows_as_they_were():
    rolling = rolling_mean(np.arange(9.0), DAYS, 5)
    later = rolling.since(DAYS[7])
    assert later.days.tolist() == DAYS[7:].tolist()
    assert later.value.tolist() == rolling.value[3:].tolist()


def test_a_window_too_short_for_an_interval_is_refused():
    with pytest.raises(ValueError, match="4 days gives no interval; 5 at least"):
        rolling_mean(np.arange(9.0), DAYS, 4)
