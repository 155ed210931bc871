"""A version of several model files: each is hashed, checked in the child, and its golden rows come back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml_models.calibrator import Calibrator
from ml_models.documents import DamagedVersion, encode
from ml_models.metadata import Golden
from ml_models.model_registry import ModelRegistry
from ml_models.model_version import Draft
from tests.ml_models.drafts import at, booster, damage, draft, rows

OUTPUTS = ("r_mean", "r_q05", "r_q95")
CONFORMAL = Calibrator(
    "conformal", level=0.9, offsets=(0.25,), first_day="2024-01-02", last_day="2024-03-01", events=200
)


def several() -> Draft:
    """Three regressions of different seeds, as the mean and two quantiles of one number."""
    plain, golden = draft(()), rows(8, seed=99)
    models = [booster((), seed) for seed in (1, 2, 3)]
    texts = [model.model_to_string().encode() for model in models]
    return replace(
        plain,
        model_txt=texts[0],
        parts={"model.r_q05.txt": texts[1], "model.r_q95.txt": texts[2]},
        schema=replace(plain.schema, label="net_r", rule="full-rr1-day", outputs=OUTPUTS),
        golden=Golden(golden, np.column_stack([model.predict(golden, num_threads=1) for model in models])),
        calibrator=CONFORMAL,
    )


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    return ModelRegistry(tmp_path / "registry")


def published(registry: ModelRegistry) -> Path:
    version = registry.publish("r_multiple", several(), now=at(1), who="ann", why="three models")
    return registry.root / "r_multiple" / version


def test_every_model_answers_in_the_order_of_the_outputs(registry: ModelRegistry):
    published(registry)
    loaded = registry.load("r_multiple")
    asked = rows(5, seed=3)
    expected = np.column_stack([booster((), seed).predict(asked, num_threads=1) for seed in (1, 2, 3)])
    assert loaded.predict(asked).tobytes() == expected.tobytes()
    assert loaded.contributions(asked).shape == (5, 1, asked.shape[1] + 1)  # those of the first output
    assert loaded.calibrator == CONFORMAL
    assert (loaded.schema.rule, loaded.schema.outputs) == ("full-rr1-day", OUTPUTS)


@pytest.mark.parametrize("name", ["model.r_q05.txt", "model.r_q95.txt"])
def test_a_further_model_that_was_changed_or_is_gone_is_named(registry: ModelRegistry, name: str):
    folder = published(registry)
    text = (folder / name).read_bytes()
    damage(folder / name, text.replace(b"leaf_value=", b"leaf_value=0", 1))
    assert any(name in problem for problem in registry.verify("r_multiple", folder.name))
    (folder / name).unlink()
    assert any(f"{name}: is missing" in problem for problem in registry.verify("r_multiple", folder.name))


def test_what_an_interval_follows_is_kept_and_said_only_where_there_is_something():
    follows = replace(CONFORMAL, follows="range_ahead_lately", usual=0.25)
    for made in (CONFORMAL, follows):
        assert Calibrator.read(encode("calibrator.json", made.document())) == made
    assert "follows" not in CONFORMAL.document()
    assert CONFORMAL.moved(("a",), np.zeros((2, 1))) is None
    moved = follows.moved(("a", "range_ahead_lately"), np.array([[9, 1.0], [9, -0.1], [9, -0.5], [9, np.nan]]))
    assert moved is not None
    assert moved.tolist() == [0.75, 0.0, -0.25, 0.0]


def test_a_model_file_that_belongs_to_nobody_is_found(registry: ModelRegistry):
    folder = published(registry)
    (folder / "model.r_q50.txt").write_bytes(b"stray")
    assert any("does not belong" in problem for problem in registry.verify("r_multiple", folder.name))


@pytest.mark.parametrize("change", ["too few", "swapped", "wrong golden"])
def test_a_draft_whose_models_do_not_fit_its_outputs_is_not_published(registry: ModelRegistry, change: str):
    good = several()
    one, other = good.parts.values()
    wrong = {
        "too few": replace(good, parts={"model.r_q05.txt": one}),
        "swapped": replace(good, parts={"model.r_q05.txt": other, "model.r_q95.txt": one}),
        "wrong golden": replace(good, golden=Golden(good.golden.rows, good.golden.predictions + 1e-9)),
    }[change]
    with pytest.raises(DamagedVersion):
        registry.publish("r_multiple", wrong, now=at(1), who="ann", why="wrong")
    assert not list((registry.root / "r_multiple").glob("v_*"))
