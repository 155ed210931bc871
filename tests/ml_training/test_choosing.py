"""What the advice would have earned day by day, and what the number of trials makes of it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from ml_data.history import History
from ml_data.trials import Trial, TrialResult
from ml_training.choosing import AdviceTerms, advised_by_day, choosing
from ml_training.dataset import Dataset, dataset_of
from ml_training.recipe import shipped_recipe
from trading.domain.trade_rule import rule_named
from trading.domain.walks import break_even

TERMS = AdviceTerms(confidence_threshold=0.55)
DAYS = tuple(date(2025, 1, 1) + timedelta(days=each) for each in range(100))


def trial(results: np.ndarray, days: tuple[date, ...] = DAYS, state: str = "finished") -> Trial:
    sharpe = float(results.mean() / results.std(ddof=1)) if len(results) else None
    return Trial(
        "t",
        "f",
        "training",
        datetime(2025, 6, 1, tzinfo=UTC),
        "p",
        "d",
        TrialResult(state, (0.6,), sharpe, days if len(results) else (), tuple(results.tolist())),
    )


def test_a_direction_leaves_the_breaks_of_the_other_side_and_takes_the_rest(dataset: Dataset):
    rows = np.arange(4)
    made = replace(
        dataset,
        codes=np.array([0, 1, 0, 1] + [0] * (len(dataset) - 4)),
        r_net=np.array([1.0, 2.0, 4.0, np.nan] + [0.0] * (len(dataset) - 4)),
    )
    said = np.array([[0.9, 0.1], [0.9, 0.1], [0.48, 0.52], [0.9, 0.1]])  # right, wrong, unsure, no trade
    days, results = advised_by_day(made, rows, said, TERMS)
    assert sum(results) == 1.0 + 0.0 + 4.0
    assert days == sorted(set(days))
    assert len(days) == len(np.unique(made.days[:3]))


def test_a_trade_is_taken_where_it_is_called_to_win_often_enough_to_pay_its_costs(history: History):
    made = dataset_of(history, shipped_recipe("entry_quality", "half-rr2-day"))
    needed = break_even(made.asked, rule_named(str(made.rule)), made.slippage, made.names, made.x)
    rows = np.arange(len(made))
    for shift, taken in ((1e-9, True), (-1e-9, False)):
        win = needed + shift
        _, results = advised_by_day(made, rows, np.column_stack([win, 1 - win]), TERMS)
        assert sum(results) == pytest.approx(made.r_net.sum() if taken else 0.0)


def test_one_trial_is_deflated_by_nothing():
    mine = trial(np.random.default_rng(1).normal(0.2, 1, 100))
    found = choosing(mine.result, [mine])
    assert found.sharpe.expected_best == 0.0
    assert found.sharpe.probability == found.sharpe.undeflated
    assert found.overfitting is None
    assert found.sentences[0] == "It is the first trial of its family: nothing was chosen among."


def test_the_best_of_many_without_an_edge_is_deflated_to_luck():
    random = np.random.default_rng(2)
    trials = [trial(random.normal(0, 1, 100)) for _ in range(40)]
    best = max(trials, key=lambda each: each.result.sharpe)
    found = choosing(best.result, trials)
    assert found.sharpe.undeflated > 0.95  # alone it would pass
    assert found.sharpe.probability < 0.8
    assert found.tried == found.finished == 40
    assert found.overfitting is not None
    assert found.overfitting.null_low <= found.overfitting.value <= found.overfitting.null_high


def test_what_was_cut_off_or_failed_counts_as_tried():
    mine = trial(np.random.default_rng(3).normal(0.1, 1, 100))
    lost = [trial(np.array([]), state=state) for state in ("cut off", "failed", "pruned")]
    found = choosing(mine.result, [*lost, mine])
    assert (found.tried, found.finished, found.sharpe.trials) == (4, 1, 4)
    assert found.sharpe.expected_best > 0
    assert found.sentences[0].startswith("It is one of 4 trials of its family, 3 of them pruned, failed or cut off;")


def test_only_trials_on_the_same_days_are_asked_how_often_the_best_is_luck():
    random = np.random.default_rng(4)
    others = [trial(random.normal(0, 1, 99), DAYS[1:]) for _ in range(9)]
    mine = trial(random.normal(0, 1, 100))
    assert choosing(mine.result, [*others, mine]).overfitting is None
    same = [trial(random.normal(0, 1, 100)) for _ in range(4)]
    assert choosing(mine.result, [*others, *same, mine]).overfitting.trials == 5


def test_an_advice_without_variance_is_said_to_tell_nothing():
    mine = trial(np.random.default_rng(5).normal(0, 1, 5), DAYS[:5])
    found = choosing(mine.result, [mine])
    assert found.document()["deflated_sharpe"]["undeflated"] is None
    assert found.sentences[1] == "Sharpe ratio of its advice: it cannot be told from 5 days."


@pytest.mark.parametrize("tried", [1, 7])
def test_its_document_is_json_with_its_sentences(tried: int):
    random = np.random.default_rng(6)
    trials = [trial(random.normal(0, 1, 100)) for _ in range(tried)]
    document = choosing(trials[0].result, trials).document()
    assert document["tried"] == tried
    assert len(document["sentences"]) == 3
