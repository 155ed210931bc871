"""A market with a known edge in one feature: it is found, most of what it earns is earned, and it is named first."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ml_data.trials import trials_of
from ml_training.dataset import dataset_of
from ml_training.train_report import TrainReport
from tests.statistics.markets import MANY, QUICK_MINUTES, SEEDS, continuing_market, history_of, small, stored, trained

pytestmark = pytest.mark.slow
RECIPES = ("entry_quality", "r_multiple", *(("orb_ensemble",) if MANY else ()))


@dataclass(frozen=True)
class Planted:
    """What the days of the walk-forward earned, in net R: with the advice, by who knows the edge, by all breaks."""

    report: TrainReport
    advised: float
    knows: float
    plain: float


@pytest.fixture(scope="module", params=SEEDS)
def planted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Planted]:
    table, folder = continuing_market(request.param), Path(tmp_path_factory.mktemp("planted"))
    dataset = dataset_of(history_of(table), small("entry_quality"))
    delay = dataset.x[:, dataset.names.index("break_delay")]
    made = {}
    with stored(table, folder) as store:
        for name in RECIPES:
            report = trained(store, folder, small(name))
            rows = report.training.tested
            made[name] = Planted(
                report,
                sum(trials_of(store, report.model)[-1].result.results),
                float(dataset.r_net[rows][delay[rows] <= QUICK_MINUTES].sum()),
                float(np.sum(dataset.r_net[rows])),
            )
    return made


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_earns_most_of_what_the_rule_that_knows_earns(planted: dict[str, Planted], name: str):
    found = planted[name]
    assert found.knows > 50
    assert found.knows > 1.1 * found.plain
    assert found.advised >= 0.8 * found.knows
    assert found.advised > found.plain + 0.5 * (found.knows - found.plain)  # trading every break is no substitute


@pytest.mark.parametrize("name", RECIPES)
def test_the_edge_is_claimed_and_its_feature_is_on_top_of_the_reasons(planted: dict[str, Planted], name: str):
    report = planted[name].report
    assert next(iter(report.training.walk_forward.skill.values())).low > 0
    assert next(iter(report.training.importance)) == "break_delay"
    assert report.metrics["trials"]["deflated_sharpe"]["undeflated"] > 0.99
