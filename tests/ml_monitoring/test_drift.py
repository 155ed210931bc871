import math

import numpy as np
import pytest
from scipy.stats import false_discovery_control, ks_2samp, wasserstein_distance

from ml_monitoring.drift import benjamini_yekutieli, drift_of
from ml_monitoring.drift_counts import windows_by_cell
from ml_monitoring.looks import INPUTS, look_at_drift

DAYS, EVENTS, WINDOW = 130, 6, 10
DAY = np.repeat(np.datetime64("2025-01-01") + np.arange(DAYS), EVENTS)
BEFORE = DAY[-WINDOW * EVENTS] > DAY


def stream(seed: int, columns: int = 3):
    return np.random.default_rng(seed).normal(size=(DAYS * EVENTS, columns))


def drift(x, importance=None):
    names = tuple("abc"[: x.shape[1]])
    return drift_of(x, DAY, BEFORE, names, window=WINDOW, importance=importance)


def by_name(found):
    return {each.name: each for each in found.features}


def test_distances_are_those_of_scipy_up_to_the_grid():
    x = stream(1)
    x[-WINDOW * EVENTS :, 0] += 0.8
    found = by_name(drift(x))["a"]
    before, window = x[BEFORE, 0], x[-WINDOW * EVENTS :, 0]
    assert found.ks == pytest.approx(ks_2samp(before, window).statistic, abs=0.03)
    assert found.wasserstein == pytest.approx(wasserstein_distance(before, window) / before.std(), abs=0.15)
    assert 0 <= found.jensen_shannon <= 1


def test_a_shift_is_called_by_name_and_the_others_stay_quiet():
    x = stream(2)
    x[-WINDOW * EVENTS :, 1] += 1.5
    found = drift(x)
    assert [each.name for each in found.drifting] == ["b"]
    assert look_at_drift(INPUTS, found).state == "alarm"
    assert "1 of 3 inputs drift" in look_at_drift(INPUTS, found).sentence


def test_what_could_matter_most_comes_first_whatever_is_furthest_off():
    x = stream(2)
    x[-WINDOW * EVENTS :, 1] += 1.5
    ranked = [each.name for each in drift(x, {"a": 0.2, "b": 0.001, "c": 0.0}).features]
    assert ranked[0] == "a"
    assert ranked[-1] == "c"


def test_an_input_that_goes_missing_drifts():
    x = stream(3)
    x[-WINDOW * EVENTS :, 2] = np.nan
    assert [each.name for each in drift(x).drifting] == ["c"]


def test_an_input_that_never_changed_is_quiet_and_one_that_starts_to_is_not():
    x = stream(4)
    x[:, 0] = 7.0
    assert by_name(drift(x))["a"].state == "quiet"
    x[-WINDOW * EVENTS :, 0] = 8.0
    assert by_name(drift(x))["a"].state == "drift"


def test_too_little_history_cannot_tell():
    few = DAY[60 * EVENTS] > DAY
    found = drift_of(stream(5)[few], DAY[few], DAY[few] < DAY[50 * EVENTS], ("a", "b", "c"), window=WINDOW)
    assert found is not None
    assert {each.state for each in found.features} == {"cannot tell"}
    assert all(math.isnan(each.adjusted) for each in found.features)
    assert look_at_drift(INPUTS, found).state == "cannot tell"
    nine = DAY[9 * EVENTS] > DAY
    assert drift_of(stream(5)[nine], DAY[nine], nine[nine], ("a", "b", "c"), window=WINDOW) is None


def test_later_rows_change_no_earlier_window():
    x, until = stream(6), DAY[-5 * EVENTS - 1] >= DAY
    reference = DAY[100 * EVENTS] > DAY
    whole = drift_of(x, DAY, reference, ("a", "b", "c"), window=WINDOW)
    earlier = drift_of(x[until], DAY[until], reference[until], ("a", "b", "c"), window=WINDOW)
    assert whole is not None
    assert earlier is not None
    assert earlier.ends.tolist()[1:] == whole.ends.tolist()[:-1]
    np.testing.assert_allclose(earlier.weekly[1:], whole.weekly[:-1])


def test_an_input_that_the_clock_decides_is_quiet_though_the_last_day_is_not_over():
    days = np.repeat(np.arange(200), 6)[:-2]  # four of six ranges so far today
    place = np.tile(np.arange(6.0), 200)[:-2]
    found = drift_of(place[:, None], days, days < 150, ("earlier_ranges",), window=10)
    assert found is not None
    assert [each.state for each in found.features] == ["quiet"]


@pytest.mark.parametrize("count", [1, 2, 84])
def test_the_adjustment_is_that_of_scipy(count: int):
    p_values = np.random.default_rng(count).random(count) ** 3
    assert benjamini_yekutieli(p_values) == pytest.approx(false_discovery_control(p_values, method="by"), rel=1e-12)


def test_the_compiled_counts_are_those_of_plain_arrays():
    random = np.random.default_rng(5)
    for digits, window in ((6, 4), (0, 4), (6, 1)):
        values = random.normal(size=300).round(digits)
        values[random.random(300) < 0.1] = np.nan
        day, reference = np.sort(random.integers(0, 20, 300)), random.random(300) < 0.6
        day[[0, -1]] = 0, 19
        edges = np.unique(np.nanquantile(values[reference], [0.2, 0.5, 0.9]))
        cell = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="left"))
        up_to, expected, ks = windows_by_cell(values, day, reference, edges, window, 20)
        for place in range(20 - window + 1):
            inside = (day >= place) & (day < place + window)
            plain = np.cumsum(np.bincount(cell[inside], minlength=len(edges) + 2))
            assert up_to[place].tolist() == plain.tolist()
            usual = np.cumsum(np.bincount(cell[reference], minlength=len(edges) + 2))
            assert expected.tolist() == usual.tolist()
            assert ks[place] == np.abs(plain / plain[-1] - usual / usual[-1])[:-1].max()
