"""What training counts as earned with the advice is what settlement writes down for the same events."""

from collections import defaultdict
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from ml_data.build import read_bars
from ml_data.history import build_history
from ml_data.journal import judged_predictions
from ml_inference.engine_settings import EngineSettings
from ml_models.quantiles import walk_of_outputs
from ml_training.choosing import AdviceTerms, advised_by_day
from ml_training.dataset import dataset_of
from tests.hub_home import DEMO, MODEL, copied, small_recipe, using

THRESHOLD = EngineSettings().confidence_threshold


BREAKS = ("entry_quality", "r_multiple", "orb_ensemble")
MODELS = [("directional", MODEL), *((name, f"{name}-DEMO-full-rr1-day") for name in BREAKS)]


@pytest.mark.parametrize(("recipe", "model"), MODELS)
def test_a_day_earns_in_training_what_it_earns_in_settlement(break_home: Path, tmp_path: Path, recipe: str, model: str):
    with using(copied(break_home, tmp_path / "home")) as home:
        settled: dict[date, float] = defaultdict(float)
        for row in judged_predictions(home.store, model=model).to_pylist():
            if row["r_net_advised"] is not None:
                settled[row["trading_day"]] += row["r_net_advised"]
        made_by = small_recipe(recipe)
        dataset = dataset_of(build_history(read_bars(home.store, DEMO), DEMO), made_by)
        version = home.registry.load(model)
        rows = np.flatnonzero(np.isin(dataset.days, np.array(list(settled), dtype="datetime64[D]")))
        said, outputs = version.predict(dataset.x[rows]), version.schema.outputs
        said = said + walk_of_outputs(dataset.asked.targets, outputs, dataset.walk[rows]) if outputs else said
        days, results = advised_by_day(dataset, rows, said, AdviceTerms.of(made_by, THRESHOLD))
    assert len(days) >= 5
    assert dict(zip(days, results, strict=True)) == pytest.approx(dict(settled))
    assert (min(results) < 0 < max(results)) == (recipe == "directional")  # no trade pays its costs: all are skipped
