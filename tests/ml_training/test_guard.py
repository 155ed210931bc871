"""The rule by which a candidate may answer beside the champion: what it lets pass, measured."""

import os

import numpy as np
import pytest

from ml_training.guard import Guarded, judge
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

    `normal`, `heavy` (Student's t, 3 degrees) and `forecasts`: two forecasters whose log-odds are equally far from the
    truth, so that the gain is that of real log losses.
    """
    shared = np.sqrt(correlation) * random.normal(size=(days, 1))
    own = np.sqrt(1 - correlation) * random.normal(size=(days, EVENTS))
    if kind == "normal":
        return 0.02 * (shared + own) + edge
    if kind == "heavy":
        return (
            0.02 * (shared + np.sqrt(1 - correlation) * random.standard_t(3, size=(days, EVENTS)) / np.sqrt(3)) + edge
        )
    truth = random.normal(size=(days, EVENTS))
    off = [0.4 * (np.sqrt(correlation) * random.normal(size=(days, 1)) + alone) for alone in (own, own[::-1])]
    up = random.random((days, EVENTS)) < 1 / (1 + np.exp(-truth))
    losses = [np.log1p(np.exp(np.where(up, -1, 1) * (truth + each))) for each in off]
    return losses[1] - losses[0] + edge


def bound_of(gains: np.ndarray) -> float:
    """The test alone, by the textbook, without the bootstrap's interval beside it."""
    sums = gains.sum(axis=1)
    return float(sums.mean() / (sums.std(ddof=1) / np.sqrt(len(sums))))


def test_the_verdict_is_the_textbooks_t_test_over_days():
    from scipy.stats import ttest_1samp

    random = np.random.default_rng(3)
    for edge in (0.0, 0.004, 0.008, 0.012):
        gains = gains_of(random, DAYS, 0.2, "normal", edge)
        p = ttest_1samp(gains.sum(axis=1), 0, alternative="greater").pvalue
        assert judged(gains).passed == (p < LEVEL), (edge, p)


@pytest.mark.parametrize("kind", ["normal", "heavy", "forecasts"])
def test_in_a_year_of_all_comparisons_a_candidate_that_is_no_better_seldom_passes(kind: str):
    """Eight overlapping comparisons a year, each of the last sixty days: at most `alpha` of the years pass one."""
    from scipy.stats import t

    settings, random = RetrainSettings(), np.random.default_rng(20250101)
    line = float(t.ppf(1 - settings.level, settings.test_days - 1))
    starts = np.linspace(0, 252 - settings.test_days, settings.looks).astype(int)
    passed = 0
    for year in range(YEARS):
        gains = gains_of(random, 252, (0.0, 0.2, 0.4)[year % 3], kind)
        passed += any(bound_of(gains[first : first + settings.test_days]) > line for first in starts)
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


def test_an_edge_of_five_hundredths_of_a_nat_mostly_passes():
    random = np.random.default_rng(7)
    shares = [judged(gains_of(random, DAYS, 0.2, "forecasts", 0.05)).passed for _ in range(40)]
    assert np.mean(shares) > 0.8


def test_the_same_version_again_is_rejected_and_says_so():
    found = judged(np.zeros((DAYS, EVENTS)))
    assert not found.passed
    assert found.sentence.startswith("Not shown to be better than the champion on the same events: +0.0000 nats")


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
