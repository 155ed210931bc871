"""The rule by which a candidate may answer beside the champion: what it lets pass, measured."""

import os

import numpy as np
import pytest

from ml_training.guard import Guarded, judge, least_gain
from trading.settings import RetrainSettings

LEVEL = RetrainSettings().level
DAYS, EVENTS = RetrainSettings().test_days, 6
MANY = bool(os.environ.get("STATISTICS_SEEDS"))
YEARS = 4_000 if MANY else 200


def judged(gains: np.ndarray, level: float = LEVEL) -> Guarded:
    """Gains of (days, events)."""
    days = np.repeat(np.datetime64("2025-01-01") + np.arange(len(gains)), gains.shape[1])
    return judge("log_loss", gains.ravel(), days, level)


def gains_of(random: np.random.Generator, days: int, correlation: float, kind: str, edge: float = 0.0) -> np.ndarray:
    """Gains in nats (days, events) of a candidate that is exactly as good as the champion, but for `edge`.

    `normal`, `heavy` (Student's t, 3 degrees), `forecasts` (two whose log-odds are equally far from the truth) and
    `too sure`: a candidate with twice the right log-odds beside a champion with 0.22 of them, as bad as each other; it
    gains a little on most days and loses much on few.
    """
    shared = np.sqrt(correlation) * random.normal(size=(days, 1))
    own = np.sqrt(1 - correlation) * random.normal(size=(days, EVENTS))
    if kind == "normal":
        return 0.02 * (shared + own) + edge
    if kind == "heavy":
        wild = random.standard_t(3, size=(days, EVENTS)) / np.sqrt(3)
        return 0.02 * (shared + np.sqrt(1 - correlation) * wild) + edge
    truth = shared + own if kind == "too sure" else random.normal(size=(days, EVENTS))
    side = np.where(random.random((days, EVENTS)) < 1 / (1 + np.exp(-truth)), -1, 1)
    if kind == "too sure":
        said = [2.0 * truth, 0.22 * truth]
    else:
        apart = np.sqrt(correlation) * random.normal(size=(days, 1))
        said = [truth + 0.4 * (shared + own), truth + 0.4 * (apart + own[::-1])]
    candidate, champion = (np.log1p(np.exp(side * each)) for each in said)
    return champion - candidate + edge


def hall(gains: np.ndarray, mean: float) -> float:
    """The statistic of Hall (1992) that allows for skewness, of day sums against a mean: about Student's t."""
    spread, n = gains.std(ddof=1), len(gains)
    w, skewness = (gains.mean() - mean) / spread, np.mean(((gains - gains.mean()) / spread) ** 3)
    return float(np.sqrt(n) * (w + skewness * w**2 / 3 + skewness**2 * w**3 / 27 + skewness / (6 * n)))


def test_the_bound_is_the_lower_of_the_textbooks_two():
    from scipy.stats import t, ttest_1samp

    random, line = np.random.default_rng(3), float(t.ppf(1 - LEVEL, DAYS - 1))
    for kind in ("normal", "heavy", "forecasts", "too sure"):
        gains = gains_of(random, DAYS, 0.2, kind, 0.01).mean(axis=1)
        days = np.datetime64("2025-01-01") + np.arange(DAYS)
        found = least_gain(gains, days, LEVEL)
        plain = ttest_1samp(gains, 0).confidence_interval(1 - 2 * LEVEL).low
        assert found <= plain + 1e-12
        assert hall(gains, found) >= line - 1e-9
        assert found == pytest.approx(plain) or hall(gains, found) == pytest.approx(line)


def test_gains_that_come_from_many_small_and_few_large_losses_do_not_pass():
    from scipy.stats import ttest_1samp

    gains = np.repeat([0.01, -0.04], [57, 3]) + np.tile([0.001, -0.001], 30)
    assert ttest_1samp(gains, 0, alternative="greater").pvalue < 1e-5
    assert not judged(gains[:, None]).passed
    assert judged(-gains[:, None] + 0.02).passed


@pytest.mark.parametrize("kind", ["normal", "heavy", "forecasts", "too sure"])
def test_in_a_year_of_all_comparisons_a_candidate_that_is_no_better_seldom_passes(kind: str):
    """Eight overlapping comparisons a year, each of the last sixty days: at most `alpha` of the years pass one."""
    settings, random = RetrainSettings(), np.random.default_rng(20250101)
    starts = np.linspace(0, 252 - settings.test_days, settings.comparisons).astype(int)
    days = np.repeat(np.datetime64("2025-01-01") + np.arange(DAYS), EVENTS)
    passed = 0
    for year in range(YEARS):
        gains = gains_of(random, 252, (0.0, 0.2, 0.4)[year % 3], kind)
        windows = (gains[first : first + settings.test_days].ravel() for first in starts)
        passed += any(least_gain(window, days, settings.level) > 0 for window in windows)
    most = settings.alpha * YEARS + 3 * np.sqrt(settings.alpha * (1 - settings.alpha) * YEARS)
    print(f"{kind}: {passed} of {YEARS} years let one pass")
    assert passed <= most


def test_the_days_that_raised_an_alarm_would_pass_a_candidate_that_is_no_better():
    """Why they are not compared on: an alarm when the champion did its worst in a hundred on the last 20 of 60 days."""
    from scipy.stats import t

    random, line = np.random.default_rng(11), float(t.ppf(1 - LEVEL, DAYS - 1))
    champion, candidate = random.normal(size=(2, 100_000, DAYS))
    alarmed = champion[:, -20:].mean(axis=1) > 2.33 / np.sqrt(20)
    gains = (champion - candidate)[alarmed]
    share = float(np.mean(np.sqrt(DAYS) * gains.mean(axis=1) / gains.std(axis=1, ddof=1) > line))
    print(f"{alarmed.sum()} alarms, {100 * share:.1f} % pass")
    assert share > 5 * LEVEL


def test_an_edge_of_six_hundredths_of_a_nat_mostly_passes():
    random = np.random.default_rng(7)
    shares = [judged(gains_of(random, DAYS, 0.2, "forecasts", 0.06)).passed for _ in range(40)]
    assert np.mean(shares) > 0.8


def test_the_same_version_again_is_rejected_and_says_so():
    found = judged(np.zeros((DAYS, EVENTS)))
    assert not found.passed
    assert found.sentence.startswith("Not shown to be better than the champion on the same events: +0.0000 nats")


def test_what_lies_between_an_interval_and_the_test_is_called_perhaps():
    found = judged(gains_of(np.random.default_rng(4), DAYS, 0.0, "normal", 0.0015))
    assert found.gain.low > 0
    assert not found.passed
    assert found.sentence.startswith("Perhaps better than the champion on the same events, but not surely enough: +0.0")


def test_a_worse_one_is_called_worse():
    found = judged(gains_of(np.random.default_rng(1), DAYS, 0.0, "normal", -0.02))
    assert found.sentence.startswith("Worse than the champion on the same events: -0.0")


def test_too_few_days_never_pass():
    found = judged(np.full((4, EVENTS), 1.0))
    assert not found.passed
    assert found.sentence == (
        "The gain over the champion +1.0000: an interval takes at least 1 further day; so far there are 24 events on 4 "
        "days."
    )
