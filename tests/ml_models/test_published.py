"""What a version says of itself, without parsing its model."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ml_models.documents import DamagedVersion
from ml_models.importance import read_importance
from ml_models.model_registry import ModelRegistry
from tests.ml_models.drafts import damage, draft

NOON = datetime(2025, 6, 27, 12, 0, tzinfo=UTC)


@pytest.fixture
def registry(tmp_path):
    made = ModelRegistry(tmp_path / "registry")
    made.publish("directional", draft(), now=NOON, who="ann", why="first")
    return made


def test_documents_are_read_as_they_were_published(registry):
    version = registry.versions("directional")[0].version
    found = registry.published("directional", version)
    assert found.card == "# tiny\n"
    assert found.manifest.who == "ann"
    assert sum(each.gain_share for each in found.importance) == pytest.approx(1.0)
    assert found.skill("walk_forward") is None
    assert found.told("calibration") == ()


def test_the_card_names_its_own_version_in_the_command_that_makes_it_again(tmp_path):
    registry = ModelRegistry(tmp_path / "registry")
    made = replace(draft(), card="    hub reproduce VERSION\n")
    version = registry.publish("directional", made, now=NOON, who="ann", why="first")
    assert registry.published("directional", version).card == f"    hub reproduce {version}\n"


def test_of_several_numbers_the_first_is_told_not_the_first_by_name(registry):
    found = registry.published("directional", registry.versions("directional")[0].version)
    one = {"value": 0.1, "low": 0.0, "high": 0.2, "n": 10, "n_effective": 9.0, "days": 5}
    block = {
        "skill": {"squared_error_fall": one, "squared_error_range": {**one, "value": 0.3}},
        "scores": {"r2_fall": one, "r2_range": {**one, "value": 0.5}, "r2_range_by_atr": one},
    }
    asked = replace(found.metadata, extra={"recipe": {"label": "range_ahead"}})
    told = replace(found, metadata=asked, metrics={"walk_forward": block})
    assert told.skill("walk_forward")[1].value == 0.3
    assert told.score("walk_forward")[1].value == 0.5


def test_a_changed_file_is_not_shown(registry, tmp_path):
    version = registry.versions("directional")[0].version
    damage(tmp_path / "registry" / "directional" / version / "metrics.json", b'{"note": "tinY"}\n')
    with pytest.raises(DamagedVersion, match=rf"directional {version}: metrics.json: "):
        registry.published("directional", version)


def test_importance_is_read_in_every_form_that_was_ever_published():
    estimate = {"value": 0.1, "low": 0.05, "high": 0.2, "n": 90, "n_effective": 80.0, "days": 30}
    first, second = read_importance(
        {
            "hour": {"gain_share": 0.9, "splits": 3, "mean_abs_shap": 0.1},
            "size": {
                "gain_share": 0.1,
                "splits": 1,
                "mean_abs_shap": 0.4,
                "shap_by_fold": [0.3, 0.5],
                "permutation": estimate,
            },
        }
    )
    assert (first.name, first.shap_by_fold, second.name, second.permutation) == ("size", (0.3, 0.5), "hour", None)
    assert first.permutation is not None
    assert first.permutation.value == 0.1
