"""Who is asked: champions and challengers of every model of the instrument, each version once, the damaged by name."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml_inference.roster import everybody, models_of, only, role_of
from ml_models.model_registry import ModelRegistry
from ml_models.model_version import VersionId
from tests.ml_models.drafts import damage, draft

ME = {"who": "Ann", "why": "a test"}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelRegistry, list[VersionId]]:
    registry = ModelRegistry(tmp_path_factory.mktemp("registry"))
    made = [
        registry.publish(model, draft(seed=seed), now=datetime(2025, 1, seed, tzinfo=UTC), **ME)
        for seed, model in enumerate(["directional-MGC", "directional-MGC", "entry_quality-MGC-half-rr2"], start=1)
    ]
    registry.publish("directional-MNQ", draft(), now=datetime(2025, 1, 9, tzinfo=UTC), **ME)
    return registry, made


def seats(registry: ModelRegistry) -> list[tuple[str, str]]:
    return [(seat.key, seat.version.version) for seat in everybody(registry, "MGC").seats]


def test_the_newest_version_is_champion_until_one_is_promoted_and_challengers_sit_behind(
    shelf: tuple[ModelRegistry, list[VersionId]],
):
    registry, (old, new, entries) = shelf
    entry_seat = ("entry_quality-MGC-half-rr2 champion", entries)
    assert models_of(registry, "MGC") == ("directional-MGC", "entry_quality-MGC-half-rr2")
    assert seats(registry) == [("directional-MGC champion", new), entry_seat]
    registry.promote("directional-MGC", old, now=datetime(2025, 2, 1, tzinfo=UTC), **ME)
    assert seats(registry) == [("directional-MGC champion", old), entry_seat]
    assert role_of(registry, registry.load("directional-MGC", new)) == "named"
    registry.promote("directional-MGC", new, "challenger-a", now=datetime(2025, 2, 2, tzinfo=UTC), **ME)
    registry.promote("directional-MGC", old, "challenger-b", now=datetime(2025, 2, 2, tzinfo=UTC), **ME)
    # The champion is a challenger too: it is asked once.
    assert seats(registry) == [("directional-MGC champion", old), ("directional-MGC challenger-a", new), entry_seat]
    [named] = only(registry, "directional-MGC", "latest").seats
    assert (named.role, named.version.version) == ("challenger-a", new)


def test_a_damaged_version_leaves_its_seat_empty_and_the_others_where_they_are(tmp_path: Path):
    registry = ModelRegistry(tmp_path / "registry")
    champion, challenger = (
        registry.publish("directional-MGC", draft(seed=seed), now=datetime(2025, 1, seed, tzinfo=UTC), **ME)
        for seed in (1, 2)
    )
    registry.promote("directional-MGC", champion, now=datetime(2025, 2, 1, tzinfo=UTC), **ME)
    registry.promote("directional-MGC", challenger, "challenger-a", now=datetime(2025, 2, 1, tzinfo=UTC), **ME)
    damage(registry.root / "directional-MGC" / champion / "model.txt", b"nothing")
    fresh = ModelRegistry(registry.root)
    found = everybody(fresh, "MGC")
    assert [(seat.role, seat.version.version) for seat in found.seats] == [("challenger-a", challenger)]
    [empty] = found.vacant
    assert empty.key == "directional-MGC champion"
    assert f"{champion} (champion): model.txt: has 7 bytes" in empty.why


def test_a_folder_without_a_published_version_has_no_seat(tmp_path: Path):
    (tmp_path / "directional-MGC").mkdir()
    assert everybody(ModelRegistry(tmp_path), "MGC").seats == ()
    assert everybody(ModelRegistry(tmp_path / "nowhere"), "MGC").seats == ()
