"""Champion and challengers on the same events: paired, and all together: the best of many is not taken for good."""

from dataclasses import replace

import numpy as np
import pytest

from ml_monitoring.challengers import challenge, champion_of
from ml_monitoring.superior import LEAST_DAYS, superior
from tests.ml_monitoring.journal_tables import UP, WRONG, Row, journal, on_days

CHAMPION, ONE, TWO = "v_20250101_000000-aaaaa", "v_20250201_000000-bbbbb", "v_20250301_000000-ccccc"
CHALLENGER = replace(UP, role="challenger-1")


def answers(days: int, champion: float, one: float, two: float) -> list[Row]:
    """Every second day breaks the other way, so that no version is right always."""
    both = on_days(
        days, replace(UP, up=champion), *(replace(CHALLENGER, version=v, up=p) for v, p in ((ONE, one), (TWO, two)))
    )
    return [replace(row, actual="DOWN", correct=False) if int(row.day[-2:]) % 4 == 0 else row for row in both]


# The joint test


def test_the_p_value_is_that_of_an_outside_implementation():
    """arch 8.0 (SPA, stationary bootstrap, mean block 3, 20,000 draws): p 0.001, 0.39, 0.029; StepM names."""
    told = []
    for seed, mean in ((0, [0, 0.3, -0.2]), (1, [0, 0, 0]), (2, [0.1, -0.6, 0.12, 0.05])):
        found = superior(np.random.default_rng(seed).normal(mean, 1, (100, len(mean))))
        told.append((found.p_value, [place for place, better in enumerate(found.better) if better]))
    values, names = zip(*told, strict=True)
    assert values == pytest.approx((0.001, 0.387, 0.029), abs=0.03)
    assert names == ([1], [], [2])


@pytest.mark.parametrize(("days", "challengers"), [(60, 5), (120, 20)])
def test_of_challengers_that_are_no_better_one_is_named_in_at_most_about_5_percent_of_runs(days: int, challengers: int):
    random, named = np.random.default_rng(3), 0
    for run in range(150):
        gains = 0.6 * random.normal(size=(days, 1)) + random.normal(size=(days, challengers))
        named += any(superior(gains, draws=200, seed=run).better)
    assert named <= 15  # of 150 at 5 %: more in 1 of 150 such tests


def test_nothing_is_said_on_few_days_or_of_twins():
    assert np.isnan(superior(np.ones((LEAST_DAYS - 1, 2))).p_value)
    assert superior(np.zeros((60, 2))).better == (False, False)


def test_who_never_differs_does_not_hide_who_is_better():
    gains = np.column_stack([np.zeros(60), np.random.default_rng(0).normal(1.0, 1.0, 60)])
    assert superior(gains).better == (False, True)


# The versions of a journal


def test_the_champion_is_the_version_that_answered_last_as_such():
    rows = journal(
        replace(UP, day="2025-01-02"),
        replace(UP, day="2025-02-03", version=ONE),
        replace(CHALLENGER, day="2025-02-04", version=TWO),
    )
    assert champion_of(rows) == ONE
    assert champion_of(journal(replace(CHALLENGER, version=TWO))) is None


def test_with_one_challenger_the_paired_test_speaks_with_more_all_together():
    alone = challenge(journal(*(row for row in answers(40, 0.55, 0.6, 0.5) if row.version != TWO)), CHAMPION)
    both = challenge(journal(*answers(40, 0.55, 0.6, 0.5)), CHAMPION)
    assert alone is not None
    assert both is not None
    assert (alone.together, alone.verdict) == (None, alone.comparisons[0].verdict)
    assert both.tested == (ONE, TWO)
    assert both.events == 40
    assert both.together is not None
    assert both.together.days == 40
    assert both.verdict.sentence.startswith(("Better than", "None of 2 challengers can be told from luck"))


def test_a_better_one_is_named():
    right = [
        replace(row, up=0.9 if row.actual == "UP" else 0.1) if row.version == TWO else row
        for row in answers(40, 0.55, 0.5, 0.5)
    ]
    found = challenge(journal(*right), CHAMPION)
    assert found is not None
    assert found.verdict.state == "good"
    assert f"for all together: {TWO} (SPA p = 0.0" in found.verdict.sentence


def test_a_challenger_that_came_late_waits_and_does_not_shorten_the_days_of_the_others():
    rows = [row for row in answers(40, 0.55, 0.6, 0.5) if row.version != TWO or row.day >= "2025-02-01"]
    found = challenge(journal(*rows), CHAMPION)
    assert found is not None
    assert (found.tested, found.together) == ((ONE,), None)
    assert found.verdict.sentence == (
        f"2 challengers: 20 days in common with {CHAMPION} are needed to be tested together; 1 has them."
    )


def test_without_a_challenger_there_is_no_challenge():
    assert challenge(journal(*on_days(5, UP, replace(WRONG, orb="1000"))), CHAMPION) is None
