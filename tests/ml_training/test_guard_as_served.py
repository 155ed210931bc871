"""What the guard counts against a version is what the engine said, event by event: the journal is the witness."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from ml_data.history import build_history
from ml_data.journal import judged_predictions
from ml_models.scores import log_losses
from ml_monitoring.judged import judged_of
from ml_training.dataset import dataset_of
from ml_training.guard import losses_of
from ml_training.reproduction import recipe_of
from ml_training.retrain_facts import champion_of
from ml_training.train_pipeline import bars_until
from tests.hub_home import BREAK_DAYS, DEMO, using


@pytest.mark.parametrize("family", ["directional", "entry_quality-DEMO", "range_ahead"])
def test_the_losses_are_those_of_the_answers_in_the_journal(family: str, break_home: Path):
    first, last = (date.fromisoformat(day) for day in BREAK_DAYS)
    with using(break_home) as home:
        [model] = [name for name in home.registry.models() if name.startswith(family)]
        version = champion_of(home.registry, model)
        history = build_history(bars_until(home.store, DEMO, None), DEMO)
        dataset = dataset_of(history, recipe_of(home.registry.published(model, version)))
        said = judged_of(judged_predictions(home.store, model=model, version=version, first=first, last=last))
        rows = np.flatnonzero((dataset.days >= np.datetime64(first)) & (dataset.days <= np.datetime64(last)))
        found = losses_of(dataset, rows, home.registry.load(model, version))
    if said.numbers is None:
        wanted = log_losses(said.actual, said.probs)
    else:
        wanted = (said.numbers.actual[:, 0] - said.numbers.forecast(0).point) ** 2
    assert len(found) >= 20
    assert found.tolist() == wanted.tolist()
