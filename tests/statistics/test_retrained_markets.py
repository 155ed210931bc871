"""Retraining on markets whose truth is known: after a change the new version passes, without one hardly ever."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from ml_data.build import build
from ml_data.retrainings import RetrainingResult
from ml_models.model_registry import ModelRegistry
from ml_training.due import due
from ml_training.retrain_facts import champion_of, facts_of
from ml_training.retraining import retrain
from ml_training.train_pipeline import train
from tests.hub_home import DEMO
from tests.statistics.markets import MANY, NOW, PLANTED_SINCE, SEEDS, continuing_market, martingale, small, stored
from trading.settings import RetrainSettings

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not MANY, reason="two years of a market each: make nightly")]
CHANGED_ON = date(2022, 7, 1)
BEFORE = date(2022, 6, 30)


def retrained(table: pa.Table, folder: Path) -> RetrainingResult:
    """The champion learned from the days up to `BEFORE`, the candidate from those up to 60 days before the end."""
    registry, settings = ModelRegistry(folder / "registry"), RetrainSettings()
    with stored(table, folder) as store:
        build(store, DEMO)
        model = train(store, registry, DEMO, small("entry_quality"), until=BEFORE, now=NOW, who="test").model
        facts = facts_of(store, registry, DEMO, model, champion_of(registry, model), NOW)
        found = due(facts, settings, NOW, by_hand=True)
        came = retrain(store, registry, DEMO, model, facts, found, settings, clock=lambda: NOW, who="test")
    assert came.result is not None
    print(f"{came.result.verdict}: {came.result.why}")
    return came.result


def verdicts(market: Callable[[int], pa.Table], folder: Path) -> list[str]:
    for seed in SEEDS:
        (folder / str(seed)).mkdir()
    return [retrained(market(seed), folder / str(seed)).verdict for seed in SEEDS]


def test_after_a_change_of_the_market_most_candidates_pass(tmp_path: Path):
    """Not all: sixty days are few, and a candidate learns from what it was before, too."""
    found = verdicts(lambda seed: continuing_market(seed, CHANGED_ON), tmp_path)
    assert set(found) <= {"challenger", "rejected"}
    assert found.count("challenger") > len(SEEDS) / 2


def test_on_a_market_without_an_edge_hardly_any_candidate_passes(tmp_path: Path):
    found = verdicts(lambda seed: martingale(seed, PLANTED_SINCE), tmp_path)
    assert set(found) <= {"challenger", "rejected"}
    assert found.count("challenger") <= 1
