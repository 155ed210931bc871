from dataclasses import replace

import numpy as np
import pytest

from ml_data.bar_arrays import BarArrays
from ml_data.events import range_events
from ml_data.feature_matrix import feature_groups, feature_matrix, features_of
from ml_data.history import History, build_history
from ml_training.dataset import Dataset, chosen_groups, dataset_of
from ml_training.labels import DOWN, NONE, UP, answered_classes
from ml_training.recipe import Recipe, shipped_recipe
from trading.domain.instrument import Instrument
from trading.errors import BadSettings, NothingStored

DIRECTION = shipped_recipe("directional")  # NONE takes 100 rows and a share of 2 %


def codes(up: int, down: int, none: int) -> np.ndarray:
    return np.repeat([UP, DOWN, NONE], [up, down, none])


def test_none_is_a_class_when_it_has_enough_rows_and_a_large_enough_share():
    classes, said = answered_classes(codes(2450, 2450, 100), DIRECTION)
    assert classes == ("UP", "DOWN", "NONE")
    assert said == (
        "NONE is answered: 100 of 5,000 ranges before the untouched window (2.0%) never broke, and the recipe asks for "
        "100 rows and 2%."
    )


@pytest.mark.parametrize(("up", "none"), [(1000, 99), (3000, 100), (1000, 0)])
def test_none_is_no_class_with_fewer_rows_or_a_smaller_share(up: int, none: int):
    classes, said = answered_classes(codes(up, 2000, none), DIRECTION)
    assert classes == ("UP", "DOWN")
    assert said.startswith(f"NONE is not answered: {none} of ")


def test_every_row_was_decided_after_its_inputs_and_before_its_label(dataset: Dataset):
    assert len(dataset) > 1000
    assert (dataset.decided < dataset.label_known).all()
    assert (np.diff(dataset.decided) >= 0).all()
    assert (np.diff(dataset.days) >= np.timedelta64(0, "D")).all()
    assert set(np.unique(dataset.codes)) == {UP, DOWN}
    assert ((dataset.walk > 0) & (dataset.walk < 1)).all()


def test_rows_without_a_required_feature_are_left_out_and_counted(dataset: Dataset, history: History):
    usual = tuple(group for group in feature_groups() if group.usual)
    values = feature_matrix(history, range_events(history), usual).values
    cold = int(np.isnan(values[:, dataset.names.index("atr_14")]).sum())
    assert cold > 0
    assert len(dataset) == len(values) - cold
    assert dataset.notes[0].endswith(f"{cold} lack atr_14 or martingale_up; they are left out.")
    assert not np.isnan(dataset.x[:, dataset.names.index("atr_14")]).any()


def test_a_feature_that_says_it_is_never_missing_never_is(dataset: Dataset):
    usual = tuple(group for group in feature_groups() if group.usual)
    never = [i for i, feature in enumerate(features_of(usual)) if feature.missing == "never"]
    assert not np.isnan(dataset.x[:, never]).any()


def test_cutting_the_bars_cuts_the_dataset_and_changes_no_row_before(
    dataset: Dataset, demo: Instrument, bars: BarArrays, recipe: Recipe
):
    bound = int(dataset.decided[len(dataset) * 3 // 4])
    shorter = dataset_of(build_history(bars.before(bound), demo), recipe)
    known = dataset.where(dataset.label_known <= bound)
    assert shorter.label_known.max() <= bound
    same = known.where(np.isin(known.decided, shorter.decided))
    assert len(same) == len(shorter) > len(known) - 6
    assert replace(same, notes=()).data_hash == shorter.data_hash


def test_the_data_hash_names_everything_in_it(dataset: Dataset):
    assert replace(dataset, notes=("other words",)).data_hash == dataset.data_hash
    for name in ("x", "codes", "days", "opening", "decided", "label_known", "walk", "r_net"):
        changed = getattr(dataset, name).copy()
        other = next(i for i in range(len(dataset)) if not np.array_equal(changed[i], changed[7]))
        changed[7] = changed[other]
        assert replace(dataset, **{name: changed}).data_hash != dataset.data_hash, name
    assert replace(dataset, names=dataset.names[::-1]).data_hash != dataset.data_hash
    assert replace(dataset, instrument="MGC").data_hash != dataset.data_hash


def test_the_data_hash_does_not_see_how_nan_or_memory_are_laid_out(dataset: Dataset):
    other_nan = np.array([0xFFF8000000000001], dtype=np.uint64).view(np.float64)[0]
    relaid = np.asfortranarray(np.where(np.isnan(dataset.x), other_nan, dataset.x))
    assert replace(dataset, x=relaid).data_hash == dataset.data_hash


def test_groups_are_chosen_by_name_in_their_own_order(recipe: Recipe):
    few = recipe.model_copy(
        update={"features": recipe.features.model_copy(update={"groups": ("opening_range", "indicators")})}
    )
    assert [group.name for group in chosen_groups(few)] == ["indicators", "opening_range"]
    assert chosen_groups(recipe) == tuple(group for group in feature_groups() if group.usual)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"groups": ("horoscope",)}, "'horoscope' is not a feature group of orb_complete; known: ahead_before"),
        ({"groups": ("opening_range",)}, "'atr_14' is needed and is in none of the groups opening_range"),
        ({"required": ("moon_phase",)}, "'moon_phase' is needed and is in none of the groups"),
    ],
)
def test_a_group_or_feature_that_does_not_exist_is_named(recipe: Recipe, change: dict[str, object], said: str):
    wrong = recipe.model_copy(update={"features": recipe.features.model_copy(update=change)})
    with pytest.raises(BadSettings, match=said):
        chosen_groups(wrong)


def test_a_history_too_short_for_any_event_is_refused(demo: Instrument, bars: BarArrays, recipe: Recipe):
    with pytest.raises(NothingStored, match="none has both a known outcome and all of atr_14, martingale_up"):
        dataset_of(build_history(bars.before(int(bars.minute.min()) + 2 * 1440), demo), recipe)
