"""A row asked alone, without LightGBM's Python around it, gives the very bits that `Booster.predict` gives."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ml_models.single_row import Kind, SingleRow
from tests.ml_models.drafts import NAMES, booster, rows

KINDS: dict[Kind, dict[str, bool]] = {
    "answer": {},
    "margin": {"raw_score": True},
    "contribution": {"pred_contrib": True},
}
CLASSES = {"two classes": ("DOWN", "UP"), "three classes": ("DOWN", "NONE", "UP"), "a value": ()}


def asked() -> np.ndarray:
    found = rows(60, seed=3)
    found[::7, 0] = np.nan
    found[::5, 1] = 0.0
    found[11] = np.nan
    return found


@pytest.mark.parametrize("classes", CLASSES.values(), ids=list(CLASSES))
@pytest.mark.parametrize("kind", KINDS)
def test_a_row_alone_is_answered_as_among_others(kind: Kind, classes: tuple[str, ...]):
    model = booster(classes)
    expected = model.predict(asked(), num_threads=1, **KINDS[kind]).reshape(60, -1)
    one = SingleRow(model, kind, len(NAMES), expected.shape[1])
    found = np.concatenate([one(row[None, :]) for row in asked()])
    assert found.tobytes() == expected.tobytes()


def test_threads_do_not_mix_their_rows():
    model = booster()
    one = SingleRow(model, "contribution", len(NAMES), len(NAMES) + 1)
    expected = model.predict(asked(), pred_contrib=True, num_threads=1)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda row: one(row[None, :])[0], np.tile(asked(), (20, 1))))
    assert np.array(found).tobytes() == np.tile(expected, (20, 1)).tobytes()
